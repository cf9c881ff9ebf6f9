# SPDX-License-Identifier: MIT
# Its configure script runs what it compiles: programs of the target run on the build machine. The pager need not know tags: busybox's less does not.

cd "$SRC"
cat > configure.local <<END
CC="$CC"
AR="$AR"
CFLAGS="$CFLAGS -Os -DNDEBUG"
PREFIX=/usr
MANDIR=/usr/share/man
MANPATH_BASE=/usr/share/man
MANPATH_DEFAULT=/usr/share/man:/usr/local/share/man
OSNAME=RaeenOS
UTF8_LOCALE=C.UTF-8
BINM_PAGER=less
HAVE_LESS_T=0
LN="ln -sf"
END
./configure
make -j"$JOBS"
make install DESTDIR="$STAGE"
mkdir -p "$STAGE/etc"
echo "manpath /usr/share/man" > "$STAGE/etc/man.conf"
# For who converts pages, and larger than all else but the one program behind the other names.
rm "$STAGE/usr/bin/demandoc" "$STAGE/usr/bin/soelim" "$STAGE/usr/share/man/man1/demandoc.1" "$STAGE/usr/share/man/man1/soelim.1"
# Its own pages are long references.
for page in $(find "$STAGE/usr/share/man" -type f ! -path '*/man3/*'); do
	gzip -9n "$page"
done
rm "$STAGE/usr/share/man/man1/whatis.1"
ln -s apropos.1.gz "$STAGE/usr/share/man/man1/whatis.1.gz"

# Upstream's tests, pages with what must come of them: among the documents, which are not part of the image.
suite="$STAGE/usr/share/doc/mandoc/regress"
mkdir -p "$suite"
for kind in char eqn man mdoc roff tbl; do
	cp -R "regress/$kind" "$suite/"
done
find "$suite" -type f ! -name '*.in' ! -name '*.out_ascii' -delete
