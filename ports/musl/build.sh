# SPDX-License-Identifier: MIT
# Builds musl with the distribution's compiler; it needs nothing of the host's C library. Static only: RaeenOS has no
# dynamic linker of its own yet. Without the dynamic part of the Makefile's "install", nothing refers to ld-musl.

cd "$OBJ"
"$SRC/configure" --target=x86_64 --prefix=/usr --syslibdir=/lib --disable-shared --disable-wrapper \
	CC="$CC" AR=ar RANLIB=ranlib CFLAGS="$CFLAGS"
# A clock is read by way of the vDSO in a dozen instructions; saving two registers for the case that there is none would take as many as half of
# them. Without registers to save, the arguments are kept in the stack frame: 12 instructions around the call instead of 16.
registers="-ffixed-rbx -ffixed-rbp -ffixed-r12 -ffixed-r13 -ffixed-r14 -ffixed-r15"
echo "obj/src/time/clock_gettime.o obj/src/time/clock_gettime.lo: CFLAGS_ALL += -fno-caller-saves $registers" >>config.mak
make -j"$JOBS"
make DESTDIR="$STAGE" install
