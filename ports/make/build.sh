# SPDX-License-Identifier: MIT
# Debian's tarball lacks the manual, which is not free enough for it, and the files that automake makes.

cd "$SRC"
sed -i 's|^man_MANS =.*||; s|doc/make.1||' Makefile.am
sed -i 's|po/Makefile.in Makefile|po/Makefile.in|' configure.ac
autoreconf -fi
cd "$OBJ"
"$SRC/configure" --host="$TRIPLE" --build=x86_64-pc-linux-gnu --prefix=/usr --disable-nls --without-guile --disable-dependency-tracking
make -j"$JOBS"
make install DESTDIR="$STAGE"
