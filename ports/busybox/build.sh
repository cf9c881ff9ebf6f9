# SPDX-License-Identifier: MIT
# busybox's default configuration with the changes in "config", installed with a link for each applet.

cd "$SRC"
bb() {
	make -j"$JOBS" CROSS_COMPILE="$TRIPLE-" CC="$CC" HOSTCC=gcc CONFIG_EXTRA_CFLAGS="\"$CFLAGS -Os\"" "$@"
}

bb defconfig
grep '^CONFIG_[A-Z]\|^# CONFIG_' "$PORT/config" > wanted
sed 's/^# \(CONFIG_[A-Z0-9_]*\) is not set$/\1/; s/=.*//; s|.*|/^&=/d; /^# & is not set/d|' wanted > remove.sed
sed -f remove.sed .config > rest
cat rest wanted > .config
# "no" to each question about a symbol that only now became visible; the check below catches a default we rely on.
yes n | bb oldconfig
while read -r line; do
	case $line in
	"# CONFIG_"*" is not set") symbol=${line#\# }; symbol=${symbol%% *} ;;
	*) symbol= ;;
	esac
	if [ -n "$symbol" ]; then
		! grep -q "^$symbol=" .config || { echo "config: $line: busybox turned it on again"; exit 1; }
		grep -rqs "config ${symbol#CONFIG_}\$" --include=*.c --include=Config.in --include=Config.src . ||
			{ echo "config: $symbol: busybox $VERSION knows no such symbol"; exit 1; }
	else
		grep -qxF "$line" .config || { echo "config: $line: does not hold"; exit 1; }
	fi
done < wanted
bb
bb install CONFIG_PREFIX="$STAGE"
# login, su and passwd need it; busybox drops the privilege at once for every other applet.
chmod 4755 "$STAGE/bin/busybox"
rm -f "$STAGE/linuxrc"

# Upstream's tests, for ci/tests/test_busybox_suite.py: among the documents, which are not part of the image.
suite="$STAGE/usr/share/doc/busybox"
mkdir -p "$suite/shell"
cp .config "$suite/"
cp -R testsuite "$suite/"
cp -R shell/ash_test "$suite/shell/"
for program in printenv recho zecho; do
	$CC $CFLAGS -w "shell/ash_test/$program.c" -o "$suite/shell/ash_test/$program"
done
