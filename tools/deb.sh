#!/bin/sh
# Builds Debian packages of the tree as it stands into BUILD/deb. Called by `make deb`.
# DEBFULLNAME and DEBEMAIL say who maintains them. usage: tools/deb.sh BUILD VERSION
set -eu
cd "$(dirname "$0")/.."
version=$2
mkdir -p "$1"
out=$(cd "$1" && pwd)/deb
tree=$out/perfprof-$version
maintainer="${DEBFULLNAME:-the perfprof authors} <${DEBEMAIL:-perfprof@$(hostname -f 2>/dev/null || hostname)}>"

rm -rf "$out"
mkdir -p "$tree"
# What is not in the repository is not in the package; a tarball has nothing else.
if git rev-parse --git-dir >/dev/null 2>&1; then
	git ls-files -z | tar --null --no-recursion -T - -cf - | tar -xf - -C "$tree"
	date=$(git log -1 --format=%cD)
else
	tar --exclude="./build" -cf - . | tar -xf - -C "$tree"
	date=$(date -R -r Makefile)
fi
cp -r "$tree/tools/debian" "$tree/debian"
sed -i "s|@maintainer@|$maintainer|" "$tree/debian/control"
sed "s|@version@|$version|; s|@maintainer@|$maintainer|; s|@date@|$date|" "$tree/debian/changelog.in" \
	> "$tree/debian/changelog"
{
	echo "libperfprof.so.${version%%.*} libperfprof${version%%.*} #MINVER#"
	sed -n -e "s/^\(PERFPROF_.*\) {/ \1@\1 0/p" -e "s/^	\(perfprof_.*\);/ \1@PERFPROF_0 0/p" \
		"$tree/src/lib/perfprof.map"
} > "$tree/debian/libperfprof0.symbols"

# What make was told about this tree (B=, SAN=1, prefix=) is not about that one.
unset B MAKEFLAGS MAKELEVEL MFLAGS SAN CC CFLAGS LDFLAGS PREFIX prefix DESTDIR
cd "$tree"
if ! dpkg-buildpackage -b -us -uc > "$out/build.log" 2>&1; then
	tail -n 30 "$out/build.log" >&2
	echo "the whole log is $out/build.log" >&2
	exit 1
fi
rm -rf "$tree"
ls "$out"/*.deb
