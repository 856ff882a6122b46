#!/bin/sh
# Says nothing and exits with 0 when there is nothing to say. `tools/lint.sh FILE...` looks only at
# some C files of src/.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0
jobs=$(nproc 2>/dev/null || echo 2)
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

if [ $# -gt 0 ]; then
	printf '%s\n' "$@" > "$scratch/src"
else
	find src -name '*.c' ! -name '*.bpf.c' | sort > "$scratch/src"
fi
find src tests tools -name '*.[ch]' | sort > "$scratch/all"

# step NAME COMMAND...: prints a tool's output only if it fails, and goes on.
step()
{
	name=$1
	shift
	if ! command -v "$1" >/dev/null 2>&1 && [ "$1" != xargs ]; then
		echo "lint: $1 is not here, so $name was not looked at" >&2
		return
	fi
	if ! "$@" > "$scratch/out" 2>&1; then
		echo "lint: $name"
		cat "$scratch/out"
		bad=1
	fi
}

# shellcheck disable=SC2016 # the inner shell expands
step clang-tidy xargs -a "$scratch/src" -P "$jobs" -n 8 sh -c 'clang-tidy --quiet "$@" -- \
	-std=gnu11 -D_GNU_SOURCE -DPERFPROF_VERSION=\"0\" -Isrc -Iinclude -Ibuild' tidy
# Leaks are left to the sanitizers: cppcheck knows no __attribute__((cleanup)). It cuts -D at a semicolon.
step cppcheck cppcheck --quiet --std=c11 --language=c -j "$jobs" --error-exitcode=1 --inline-suppr \
	--enable=warning,performance,portability --suppress=missingIncludeSystem \
	--suppress=nullPointerOutOfMemory --suppress=memleak --suppress=resourceLeak --suppress=shiftTooManyBitsSigned -D_GNU_SOURCE -D__x86_64__ '-DPERFPROF_VERSION="0"' -Isrc \
	'-DLIBBPF_OPTS(type,name,...)=struct type name={__VA_ARGS__}' \
	'-Dbpf_object__for_each_program(pos,obj)=while ((pos = bpf_object__next_program(obj, pos)))' \
	--file-list="$scratch/src"
step clang-format xargs -a "$scratch/all" clang-format --dry-run -Werror
step shellcheck shellcheck --severity=warning tools/*.sh tools/setup .ci/run
exit $bad
