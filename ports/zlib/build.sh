# SPDX-License-Identifier: MIT
# Upstream's configure script is its own, not autoconf's, and builds in the source only.

cd "$SRC"
CHOST="$TRIPLE" ./configure --prefix=/usr --static
make -j"$JOBS" libz.a example minigzip infcover
make install DESTDIR="$STAGE"
# Upstream's programs: what tries the library, and a small gzip.
install -D -m 0755 minigzip "$STAGE/usr/bin/minigzip"
install -D -m 0755 example "$STAGE/usr/libexec/zlib/example"
install -D -m 0755 infcover "$STAGE/usr/libexec/zlib/infcover"
