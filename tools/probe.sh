#!/bin/sh
# Compiles tools/probe/NAME.c for each library and writes what the Makefile includes. What is
# missing is said on standard error, with its Debian package and what its lack costs.
# usage: tools/probe.sh OUT
set -u
out=$1
CC=${CC:-gcc}
dir=$(dirname "$0")/probe
[ -f "$out" ] && [ -z "$(find "$0" "$dir" -newer "$out")" ] && exit 0
scratch=$(mktemp) || exit 1
trap 'rm -f "$scratch"' EXIT
missing=0
libs=

# required NAME LIBS PACKAGE COST
required()
{
	# shellcheck disable=SC2086 # flags are lists
	if "$CC" ${CFLAGS:-} "$dir/$1.c" ${LDFLAGS:-} $2 -o "$scratch" 2>/dev/null; then
		libs="$libs $2"
		return
	fi
	missing=$((missing + 1))
	packages="${packages:-} $3"
	echo "missing: $1 (package $3); without it $4" >&2
}

if ! command -v "$CC" >/dev/null 2>&1; then
	echo "missing: the C compiler '$CC' (package gcc); without it nothing can be built" >&2
	echo "perfprof cannot be built; 'make setup' installs what it needs on Debian and Ubuntu" >&2
	exit 1
fi
if ! echo 'int main(void) { return sizeof(void *) == 8 ? 0 : 1; }' |
	"$CC" ${CFLAGS:-} -x c - ${LDFLAGS:-} -o "$scratch" 2>/dev/null; then
	echo "missing: '$CC' cannot make a program (package libc6-dev); without it nothing can be built" >&2
	echo "perfprof cannot be built; 'make setup' installs what it needs on Debian and Ubuntu" >&2
	exit 1
fi
required libdw "-ldw" libdw-dev "no inlined function and no source line has a name"
required libelf "-lelf" libelf-dev "no object file can be read"
required libunwind "-lunwind-x86_64 -lunwind" libunwind-dev "stacks have no second unwinder to be checked against"
required cjson "-lcjson" libcjson-dev "no JSON report can be written"
required zlib "-lz" zlib1g-dev "no capture can be written or read"
required zstd "-lzstd" libzstd-dev "debug sections packed with zstd cannot be read"
required lzma "-llzma" liblzma-dev "the symbols in .gnu_debugdata cannot be read"
required iberty "-liberty" libiberty-dev "C++ and Rust names stay mangled"
if [ "$missing" -gt 0 ]; then
	echo "perfprof cannot be built without them; 'make setup' installs them on Debian and Ubuntu, or:" >&2
	echo "  apt-get install --no-install-recommends${packages}" >&2
	exit 1
fi

# optional NAME LIBS PACKAGES COST: what perfprof can do without.
optional()
{
	# shellcheck disable=SC2086
	if "$CC" ${CFLAGS:-} "$dir/$1.c" ${LDFLAGS:-} $2 -o "$scratch" 2>/dev/null; then
		libs="$libs $2"
		return 0
	fi
	echo "without: $1 (packages $3): $4" >&2
	return 1
}

features=
cflags=
if command -v clang >/dev/null 2>&1 && command -v bpftool >/dev/null 2>&1 &&
	echo 'int x;' | clang -target bpf -x c -c - -o "$scratch" 2>/dev/null; then
	optional libbpf "-lbpf" "libbpf-dev" "stacks deeper than 64 KiB are cut off" &&
		features="$features FEATURE_BPF" cflags="$cflags -DPERFPROF_BPF"
else
	echo "without: BPF programs (packages clang, bpftool, libbpf-dev): stacks deeper than 64 KiB are cut off" >&2
fi
mkdir -p "$(dirname "$out")" && {
	printf 'FEATURE_CFLAGS :=%s\nFEATURE_LIBS :=%s\n' "$cflags" "$libs"
	for feature in $features; do
		printf '%s := 1\n' "$feature"
	done
} > "$out"
