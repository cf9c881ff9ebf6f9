# SPDX-License-Identifier: MIT
# Upstream's tests and their helpers, compiled for the target, go along with the guides.

suite="$STAGE/usr/share/doc/bash/tests"
cp -R "$SRC/tests" "$STAGE/usr/share/doc/bash/"
cd "$OBJ"
for helper in recho zecho printenv xcase; do
	# shellcheck disable=SC2086
	$CC $CFLAGS -w -DHAVE_CONFIG_H -I. -I"$SRC" -I"$SRC/include" -I"$SRC/lib" "$SRC/support/$helper.c" -o "$suite/$helper"
done
# Loadable builtins, which a static program cannot load, and their headers.
rm -rf "$STAGE/usr/lib/bash" "$STAGE/usr/include/bash" "$STAGE/usr/lib/pkgconfig"
