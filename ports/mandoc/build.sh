# SPDX-License-Identifier: MIT
# Its configure script runs what it compiles: programs of the target run on the build machine.

cd "$SRC"
cat > configure.local <<EOF
CC="$CC"
AR="$AR"
CFLAGS="$CFLAGS -DNDEBUG"
PREFIX=/usr
MANDIR=/usr/share/man
MANPATH_BASE=/usr/share/man
MANPATH_DEFAULT=/usr/share/man:/usr/local/share/man
OSNAME=RaeenOS
UTF8_LOCALE=C.UTF-8
EOF
./configure
make -j"$JOBS"
make install DESTDIR="$STAGE"
mkdir -p "$STAGE/etc" "$STAGE/usr/libexec/mandoc"
echo "manpath /usr/share/man" > "$STAGE/etc/man.conf"
# Upstream's tests: pages with what must come of them.
for kind in char eqn man mdoc roff tbl; do
	cp -R "regress/$kind" "$STAGE/usr/libexec/mandoc/"
done
find "$STAGE/usr/libexec/mandoc" -type f ! -name '*.in' ! -name '*.out_ascii' -delete
