# SPDX-License-Identifier: MIT
# Upstream's tests that are shell scripts, and what they read and run, go along with the guides.

suite="$STAGE/usr/share/doc/coreutils/suite"
mkdir -p "$suite/helpers" "$suite/lib"
cd "$SRC"
find tests -type f ! -name '*.pl' ! -name '*.pm' ! -name '*.mk' ! -name 'GNUmakefile' -print | cpio -pdm --quiet "$suite"
cp init.cfg "$suite/"
cp "$OBJ/lib/config.h" "$suite/lib/"
cp "$OBJ/src/getlimits" "$suite/helpers/"
ln -s /usr/libexec/coreutils "$suite/src"
