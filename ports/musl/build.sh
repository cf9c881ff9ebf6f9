# SPDX-License-Identifier: MIT
# Builds musl with the distribution's compiler; it needs nothing of the host's C library. Static only: RaeenOS has no
# dynamic linker of its own yet. Without the dynamic part of the Makefile's "install", nothing refers to ld-musl.

cd "$OBJ"
"$SRC/configure" --target=x86_64 --prefix=/usr --syslibdir=/lib --disable-shared --disable-wrapper \
	CC="$CC" AR=ar RANLIB=ranlib CFLAGS="$CFLAGS"
make -j"$JOBS"
make DESTDIR="$STAGE" install
