#!/bin/sh
# Runs each fuzzer that `make fuzz` has built for a while, from the corpus in the tree; what it
# finds new stays under the build folder. usage: tools/fuzz.sh BUILD SECONDS
set -u
build=$1
seconds=$2
cd "$(dirname "$0")/.." || exit 1
bad=0
for fuzzer in "$build"/fuzz/bin/*_fuzz; do
	name=$(basename "$fuzzer" _fuzz)
	found=$build/fuzz/found/$name
	mkdir -p "$found"
	if "$fuzzer" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -verbosity=0 \
		-artifact_prefix="$found/crash-" "$found" "tools/fuzz/corpus/$name" > "$found.log" 2>&1; then
		echo "  ok   $name: $(find "$found" -type f | wc -l) new inputs"
	else
		echo "  FAIL $name: the input lies in $found"
		tail -n 40 "$found.log"
		bad=1
	fi
done
exit $bad
