# SPDX-License-Identifier: MIT
# Upstream's builds want automake, or cmake and a shared library; the sources for Linux are these. Its own tests go along with the guides.

flags="$CFLAGS -w -std=gnu89 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_LARGEFILE_SOURCE -I$SRC/include -I$SRC/src"
linux="async core dl epoll fs getaddrinfo getnameinfo linux-core linux-inotify linux-syscalls loop loop-watcher pipe poll process procfs-exepath proctitle
	random-devurandom random-getrandom random-sysctl-linux signal stream tcp thread tty udp"

# compile FOLDER FILE...: the objects in a folder of that name.
compile() {
	mkdir "$OBJ/$1"
	cd "$OBJ/$1"
	shift
	printf '%s\n' "$@" | xargs -P "$JOBS" -n 8 $CC $flags -c
	cd "$SRC"
}

compile lib "$SRC"/src/*.c $(printf "$SRC/src/unix/%s.c " $linux)
compile tests "$SRC"/test/test-*.c "$SRC"/test/blackhole-server.c "$SRC"/test/echo-server.c "$SRC"/test/run-tests.c "$SRC"/test/runner.c "$SRC"/test/runner-unix.c

install -d "$STAGE/usr/lib" "$STAGE/usr/include" "$STAGE/usr/share/doc/libuv/suite/test"
$AR rcs "$STAGE/usr/lib/libuv.a" "$OBJ"/lib/*.o
cp -R "$SRC"/include/uv.h "$SRC"/include/uv "$STAGE/usr/include/"
$CC $CFLAGS -o "$STAGE/usr/share/doc/libuv/suite/uv_run_tests" "$OBJ"/tests/*.o "$STAGE/usr/lib/libuv.a" -lpthread
cp -R "$SRC/test/fixtures" "$STAGE/usr/share/doc/libuv/suite/test/"
