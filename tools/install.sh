#!/bin/sh
# Installs what is built, or removes it again. Called by `make install` and `make uninstall`, which give
# DESTDIR, bindir, libdir, includedir, datadir, mandir, docdir and zshdir in the environment.
# usage: tools/install.sh install|uninstall BUILD VERSION
set -eu
what=$1 build=$2 version=$3

: "${DESTDIR?}" "${bindir:?}" "${libdir:?}" "${includedir:?}" "${datadir:?}" "${mandir:?}" "${docdir:?}" "${zshdir:?}"

# put MODE FILE FOLDER/NAME
put()
{
	case $what in
	install) install -D -m "$1" "$2" "$DESTDIR$3" ;;
	uninstall) rm -f "$DESTDIR$3" ;;
	esac
}

# link TARGET FOLDER/NAME
link()
{
	case $what in
	install) ln -sf "$1" "$DESTDIR$2" ;;
	uninstall) rm -f "$DESTDIR$2" ;;
	esac
}

# Whoever installs for a package has another umask, or none at all.
umask 022
put 755 "$build/perfprof" "$bindir/perfprof"
put 644 include/perfprof.h "$includedir/perfprof.h"
put 644 "$build/libperfprof.so" "$libdir/libperfprof.so.$version"
link "libperfprof.so.$version" "$libdir/libperfprof.so.${version%%.*}"
link "libperfprof.so.${version%%.*}" "$libdir/libperfprof.so"
put 644 "$build/libperfprof.a" "$libdir/libperfprof.a"
put 644 "$build/perfprof.pc" "$libdir/pkgconfig/perfprof.pc"
for page in docs/*.[1-8]; do
	put 644 "$page" "$mandir/man${page##*.}/${page##*/}"
done
for page in README.md LICENSE docs/*.md docs/*.svg; do
	put 644 "$page" "$docdir/${page}"
done
put 644 "$build/completions/perfprof.bash" "$datadir/bash-completion/completions/perfprof"
put 644 "$build/completions/_perfprof" "$zshdir/_perfprof"
put 644 "$build/completions/perfprof.fish" "$datadir/fish/vendor_completions.d/perfprof.fish"

if [ "$what" = uninstall ]; then
	for folder in "$docdir/docs" "$docdir"; do
		[ ! -d "$DESTDIR$folder" ] || rmdir --ignore-fail-on-non-empty "$DESTDIR$folder"
	done
elif [ -z "$DESTDIR" ] && [ "$(id -u)" = 0 ] && command -v ldconfig >/dev/null 2>&1; then
	ldconfig
fi
