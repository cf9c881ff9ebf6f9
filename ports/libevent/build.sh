# SPDX-License-Identifier: MIT
# Upstream's own test goes along with the guides. Its generator of messages is in Python, which no guest has.

suite="$STAGE/usr/share/doc/libevent/tests"
mkdir -p "$suite"
cp "$OBJ/test/regress" "$suite/"
rm -rf "$STAGE/usr/bin"
