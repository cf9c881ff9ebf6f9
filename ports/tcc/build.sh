# SPDX-License-Identifier: MIT
# Programs of the target run on the build machine: tcc itself compiles its run-time library, with the headers of our C library.

cd "$SRC"
./configure --prefix=/usr --tccdir=/usr/libexec/tcc --cc="$CC" --ar="$AR" --config-musl --triplet= \
	--sysincludepaths=/usr/libexec/tcc/include:/usr/include --libpaths=/usr/libexec/tcc:/usr/lib --crtprefix=/usr/lib \
	--elfinterp=/lib/ld-musl-x86_64.so.1 --extra-cflags="$CFLAGS -DCONFIG_TCC_STATIC" --extra-libs=-lm
C_INCLUDE_PATH=$SRC/include:$($CC -print-sysroot)/usr/include
export C_INCLUDE_PATH
make -j"$JOBS" tcc libtcc.a libtcc1.a CONFIG_ldl=no
make install DESTDIR="$STAGE"

# Upstream's tests: small programs, each with what it must print.
mkdir -p "$STAGE/usr/libexec/tcc/tests"
cp tests/tests2/*.c tests/tests2/*.h tests/tests2/*.expect "$STAGE/usr/libexec/tcc/tests/"
