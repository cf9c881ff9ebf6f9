# SPDX-License-Identifier: MIT
# Upstream's makefile without configure: what is not here (TLS, curl, perl, Tcl, translations) is said once.

cd "$SRC"
cat > config.mak <<EOF
prefix = /usr
gitexecdir = /usr/libexec/git-core
sysconfdir = /etc
CC = $CC
AR = $AR
CFLAGS = $CFLAGS
SHELL_PATH = /bin/sh
NO_OPENSSL = YesPlease
NO_CURL = YesPlease
NO_EXPAT = YesPlease
NO_PERL = YesPlease
NO_PYTHON = YesPlease
NO_TCLTK = YesPlease
NO_GETTEXT = YesPlease
NO_REGEX = NeedsStartEnd
ICONV_OMITS_BOM = Yes
INSTALL_SYMLINKS = YesPlease
SKIP_DASHED_BUILT_INS = YesPlease
DEFAULT_PAGER = less
DEFAULT_EDITOR = vi
CSPRNG_METHOD = getrandom
EOF
make -j"$JOBS" all
make install DESTDIR="$STAGE"
# These serve or fetch over a network; scalar is for repositories on servers.
rm -f "$STAGE"/usr/libexec/git-core/git-daemon "$STAGE"/usr/libexec/git-core/git-imap-send "$STAGE"/usr/libexec/git-core/git-http-backend \
	"$STAGE"/usr/bin/scalar "$STAGE"/usr/libexec/git-core/scalar
rm -rf "$STAGE"/usr/share/gitweb "$STAGE"/usr/share/perl5
