# SPDX-License-Identifier: MIT
# Formats, filters, threads, damaged files and the file attributes that xz keeps. Prints what differs, then how many checks.
. "$TESTS/../check.sh"

seq 1 60000 > text
head -c 300000 /dev/urandom > random
head -c 500000 /dev/zero > zeros
cp /bin/busybox code
: > empty

for file in text random zeros code empty; do
	sum=$(sha256sum < $file)
	for options in -0 "-0e --format=lzma" "-1 --check=sha256" "-0 -T2 --block-size=65536" "--delta=dist=4 --lzma2=preset=0" \
		"--x86 --lzma2=preset=0"; do
		# shellcheck disable=SC2086
		is "$file $options" "$(xz $options -c $file | xz -dc | sha256sum)" "$sum"
	done
	is "$file decoder" "$(xz -0c $file | xzdec | sha256sum)" "$sum"
	is "$file busybox" "$(xz -0 --check=crc32 -c $file | busybox unxz -c | sha256sum)" "$sum"
done

# The file itself: name, mode and time are kept, the old one goes.
chmod 640 text
touch -d '2020-01-02 03:04:05' text
xz -1 text
is replaced "$(ls text*)" text.xz
is attributes "$(stat -c '%a %Y' text.xz)" "640 1577934245"
is tested "$(xz -tv text.xz 2>/dev/null; echo $?)" 0
is refused "$(xz -d random 2>&1; echo $?)" "xz: random: File format not recognized
1"
is overwritten "$(: > text; xz -d text.xz 2>&1; echo $?)" "xz: text: File exists
1"
rm text
is unpacked "$(xz -d text.xz && stat -c '%a %Y' text)" "640 1577934245"
is sparse "$(xz -c zeros | xz -dc > copy; cmp zeros copy && echo same)" same

# A damaged byte, a lost end, and a limit on memory.
xz -k random
printf '\377\377\377\377' | dd of=random.xz bs=1 seek=1000 conv=notrunc 2>/dev/null
is damaged "$(xz -dc random.xz 2>&1 >/dev/null; echo $?)" "xz: random.xz: Compressed data is corrupt
1"
xz -c zeros | head -c 100 > short.xz
is short "$(xz -t short.xz 2>&1; echo $?)" "xz: short.xz: Unexpected end of input
1"
is memory "$(xz -3c zeros | xz -dc --memlimit=1MiB 2>&1 >/dev/null | head -n 1)" "xz: (stdin): Memory usage limit reached"
is searched "$(seq 1 100 | xz > n.xz; sh /usr/bin/xzgrep -c 7 n.xz)" 19

finish roundtrip
