# SPDX-License-Identifier: MIT
# one.sh NAME SECONDS: runs upstream's test tests/NAME.sh as its makefile would, as a user when it says that it must not be root. Exits with 0 when it
# passed, 77 when it said why it cannot run here, 124 or 137 when the time was up, else it failed.
cd /usr/share/doc/coreutils/suite || exit 99
unset TERM COLUMNS
export LC_ALL=C VERSION=9.1 PACKAGE_VERSION=9.1 LOCALE_FR=none LOCALE_FR_UTF8=none srcdir=. top_srcdir=. abs_srcdir="$PWD" abs_top_srcdir="$PWD" \
	abs_top_builddir="$PWD" CONFIG_HEADER="$PWD/lib/config.h" AWK=awk EGREP='grep -E' EXEEXT='' PERL=false CC=false MAKE=make TMPDIR=/tmp \
	host_os=linux-musl host_triplet=x86_64-raeen-linux-musl PATH="$PWD/src:$PWD/helpers:$PATH" built_programs="$(echo src/* | sed 's|src/install|src/ginstall|; s|src/||g')"
chmod 1777 .
# What upstream's makefile calls install before it is installed.
[ -x helpers/ginstall ] || { printf '#!/bin/sh\nexec install "$@"\n' > helpers/ginstall && chmod 755 helpers/ginstall; }
user=
grep -q '^skip_if_root_' "tests/$1.sh" && user="chroot --userspec=1000:1000 --groups= --skip-chdir /"
# shellcheck disable=SC2086
exec timeout -s KILL "$2" $user sh "tests/$1.sh" 9>&2
