# SPDX-License-Identifier: MIT
# The libraries have a target of their own.

cd "$OBJ"
make install-libs DESTDIR="$STAGE"
