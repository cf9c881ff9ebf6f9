# SPDX-License-Identifier: MIT
# The source package holds the sources that the amalgamation is made from: Tcl scripts make it here. Compiled without
# libtool, which would make a dynamic program of the shell without a word.

cd "$OBJ"
"$SRC/configure" --host="$TRIPLE" --build=x86_64-pc-linux-gnu --prefix=/usr --disable-tcl --disable-readline --disable-shared
make TCLSH_CMD=tclsh sqlite3.c sqlite3.h shell.c sqlite3.pc

features="-DSQLITE_THREADSAFE=1 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE
	-DSQLITE_ENABLE_MATH_FUNCTIONS -DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_ENABLE_DBSTAT_VTAB
	-DSQLITE_ENABLE_UNLOCK_NOTIFY -DSQLITE_USE_URI=1 -DHAVE_FDATASYNC -DHAVE_USLEEP -DHAVE_LOCALTIME_R -DHAVE_GMTIME_R
	-DHAVE_STRERROR_R -DSTRERROR_R_CHAR_P=0"
# shellcheck disable=SC2086
$CC $CFLAGS $features -c sqlite3.c -o sqlite3.o
$AR rcD libsqlite3.a sqlite3.o
# shellcheck disable=SC2086
$CC $CFLAGS $features shell.c libsqlite3.a -o sqlite3 -lm

install -D -m 0755 sqlite3 "$STAGE/usr/bin/sqlite3"
install -D -m 0644 libsqlite3.a "$STAGE/usr/lib/libsqlite3.a"
install -D -m 0644 sqlite3.h "$STAGE/usr/include/sqlite3.h"
install -D -m 0644 "$SRC/src/sqlite3ext.h" "$STAGE/usr/include/sqlite3ext.h"
install -D -m 0644 sqlite3.pc "$STAGE/usr/lib/pkgconfig/sqlite3.pc"
install -D -m 0644 "$SRC/sqlite3.1" "$STAGE/usr/share/man/man1/sqlite3.1"

# Upstream's own checks in C, for ci/tests/test_sqlite_suite.py: several processes, several threads, and much SQL. They go along with the guides.
suite="$STAGE/usr/share/doc/sqlite/suite"
mkdir -p "$suite"
check() { # check NAME SOURCE...
	name=$1
	shift
	# shellcheck disable=SC2086
	$CC $CFLAGS $features -w -s -I. -I"$SRC/src" -I"$SRC/test" "$@" libsqlite3.a -o "$suite/$name" -lm
}
check mptester "$SRC/mptest/mptest.c"
check threadtest3 "$SRC/test/threadtest3.c" "$SRC/src/test_multiplex.c"
check speedtest1 "$SRC/test/speedtest1.c"
cp "$SRC"/mptest/*test "$suite/"
