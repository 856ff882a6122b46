#!/bin/sh
# Makes the program and the recordings in this folder anew. What is in the tree was made by gcc 12.2 and
# perf 6.1 on Linux 6.18; tests/unit/session/replay_test.c says how many samples each has, so that a new
# recording wants new numbers there. usage: tests/replay/recipe.sh
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
gcc -std=gnu11 -O2 -fomit-frame-pointer -fasynchronous-unwind-tables -fno-stack-protector \
	-fcf-protection=none -nostdlib -static -no-pie -fno-pie -Wall -Wextra -Wl,--build-id=sha1 \
	-Wl,-z,noseparate-code cases.c -o "$scratch/cases"
# The binary lies where perf would keep it: by build-id, wherever the tree is.
id=$(file "$scratch/cases" | sed 's/.*BuildID\[sha1\]=\([0-9a-f]*\).*/\1/')
rm -rf debug ./*.data
folder=debug/.build-id/$(echo "$id" | cut -c1-2)/$(echo "$id" | cut -c3-)
mkdir -p "$folder"
cp "$scratch/cases" "$folder/elf"
here=$PWD
cd "$scratch"
set -- env -i perf record -q -m 16M -e cpu-clock:u
"$@" -c 200000 --call-graph dwarf,65528 -z --buildid-mmap -o "$here/copies.data" -- ./cases
"$@" -c 1000000 --call-graph dwarf,65528 -z --buildid-mmap -o - -- ./cases > "$here/pipe.data"
"$@" -c 1000000 -g -o "$here/chains.data" -- ./cases
"$@" -c 1000000 -o "$here/places.data" -- ./cases
chmod 644 "$here"/*.data
