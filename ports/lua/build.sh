# SPDX-License-Identifier: MIT
# Upstream's makefile with its platform "posix": popen, mkstemp and isatty, but no dlopen(), which static programs lack.

make -j"$JOBS" posix CC="$CC -std=gnu99" AR="$AR rcu" RANLIB="$RANLIB" MYCFLAGS="$CFLAGS"
make install INSTALL_TOP="$STAGE/usr" INSTALL_MAN="$STAGE/usr/share/man/man1"

# The licence is a comment at the end of lua.h only.
mkdir -p "$STAGE/usr/share/licenses/lua"
sed -n '/^\* Copyright (C)/,/^\*\*\*\*/p' src/lua.h | sed 's/^\** \{0,1\}//; s/\**\/$//' > "$STAGE/usr/share/licenses/lua/COPYRIGHT"
grep -q 'WITHOUT WARRANTY' "$STAGE/usr/share/licenses/lua/COPYRIGHT"
