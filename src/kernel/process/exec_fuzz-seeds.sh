#!/bin/sh
# SPDX-License-Identifier: MIT
# exec_fuzz-seeds.sh FOLDER: heads of our own programs, of an interpreted one and of a dynamic one, whose offsets still lie in what is kept.
set -eu
[ -d "$BUILD/userland/stage" ] || { echo "exec_fuzz-seeds.sh: no programs in $BUILD/userland/stage: make userland" >&2; exit 1; }
find "$BUILD/userland/stage" -type f -perm -100 | sort | head -n 4 | while read -r program; do
	head -c 16384 "$program" > "$1/$(basename "$program")"
done
printf 'int main(void) { return 0; }' > "$1/main.c"
cc -nostdlib -Wl,-e,main -o "$1/small-dynamic" -Wl,-dynamic-linker,/lib/ld.so -pie "$1/main.c"
cc -nostdlib -Wl,-e,main -o "$1/small-static" -static -no-pie "$1/main.c"
rm "$1/main.c"
printf '#!/bin/sh -e\necho hello\n' > "$1/script"
printf '#! \t/usr/bin/env   python3 x \n' > "$1/script-blanks"
