#!/bin/sh
# Runs each measurement of tools/bench; what one prints is kept in BUILD/bench/NAME.txt, and all of
# it in BUILD/bench/all.txt with the machine that it was measured on. usage: tools/bench.sh BUILD
set -u
build=$1
cd "$(dirname "$0")/.." || exit 1
mkdir -p "$build/bench"
PERFPROF=$PWD/$build/perfprof
PERFPROF_BUILD=$PWD/$build
export PERFPROF PERFPROF_BUILD
bad=0
machine=$(uname -srm; nproc; sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
{
	git log -1 --format='commit %h' 2>/dev/null
	echo "$machine" | paste -sd ' '
} > "$build/bench/all.txt"
for bench in tools/bench/*.sh tools/bench/*.py; do
	[ -f "$bench" ] || continue
	name=$(basename "$bench")
	out=$build/bench/${name%.*}.txt
	case $bench in
	*.py) /usr/bin/python3 "$bench" > "$out" ;;
	*) sh "$bench" > "$out" ;;
	esac
	status=$?
	[ $status = 0 ] || bad=1
	{ echo "== $name (status $status)"; cat "$out"; } >> "$build/bench/all.txt"
done
cat "$build/bench/all.txt"
echo "written to $build/bench/all.txt"
exit $bad
