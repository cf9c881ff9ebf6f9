# SPDX-License-Identifier: MIT
# One library with wide characters; the old names of it are links. The machine's own tic compiles the descriptions, and only those of
# terminals that one sits at: all 2,800 would be 12 MB.

cd "$OBJ"
"$SRC/configure" --host="$TRIPLE" --build=x86_64-pc-linux-gnu --prefix=/usr --with-build-cc=gcc \
	--without-shared --without-debug --without-ada --without-cxx --without-cxx-binding --without-tests --disable-stripping \
	--enable-widec --enable-pc-files --with-pkg-config-libdir=/usr/lib/pkgconfig --with-default-terminfo-dir=/usr/share/terminfo \
	--with-terminfo-dirs=/etc/terminfo:/usr/share/terminfo --disable-db-install --disable-home-terminfo --enable-mixed-case
make -j"$JOBS"
make install DESTDIR="$STAGE"

terminals=ansi,dumb,linux,screen,screen-256color,tmux,tmux-256color,vt100,vt102,vt220,xterm,xterm-color,xterm-256color
mkdir -p "$STAGE/usr/share/terminfo"
/usr/bin/tic -x -o "$STAGE/usr/share/terminfo" -e "$terminals" "$SRC/misc/terminfo.src"

for name in ncurses form menu panel; do
	ln -s "lib${name}w.a" "$STAGE/usr/lib/lib$name.a"
	ln -s "${name}w.pc" "$STAGE/usr/lib/pkgconfig/$name.pc"
done
ln -s libncursesw.a "$STAGE/usr/lib/libcurses.a"
ln -s libncursesw.a "$STAGE/usr/lib/libtinfo.a"
for header in "$STAGE"/usr/include/ncursesw/*.h; do
	ln -s "ncursesw/${header##*/}" "$STAGE/usr/include/${header##*/}"
done
