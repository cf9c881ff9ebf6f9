#!/bin/sh
# SPDX-License-Identifier: MIT
# ext2_library_fuzz-seeds.sh FOLDER: small images with one of everything, of several block sizes and revisions.
set -eu
cd "$1"
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/d/e" "$tree/many"
echo x > "$tree/f"
ln -s f "$tree/l"
ln -s "$(printf '%0100d' 7)" "$tree/slow"
ln "$tree/f" "$tree/d/hard"
seq 4000 > "$tree/d/data"
printf end | dd of="$tree/sparse" bs=1 seek=300000 conv=notrunc status=none
for i in $(seq 20); do : > "$tree/many/name-$i"; done
genext2fs -z -B 1024 -b 200 -N 64 -d "$tree" gen-1024 2> /dev/null
genext2fs -z -B 4096 -b 56 -N 64 -d "$tree" gen-4096 2> /dev/null
mke2fs -q -F -t ext2 -b 1024 -N 64 -m 0 -I 256 -d "$tree" mke-1024 200k > /dev/null
mke2fs -q -F -t ext2 -b 2048 -N 64 -m 0 -O dir_index,^filetype,large_file -d "$tree" mke-2048 224k > /dev/null
mke2fs -q -F -t ext2 -r 0 -O none -b 1024 -N 64 -m 0 -g 256 -d "$tree" old-1024 360k > /dev/null 2>&1
# With orphans, and attributes.
cp mke-1024 orphans
for command in "sif f links_count 0" "sif slow links_count 0" "ssv last_orphan 12" "ea_set d/data user.name value"; do
	debugfs -w -R "$command" orphans > /dev/null 2>&1
done
