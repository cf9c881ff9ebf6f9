# SPDX-License-Identifier: MIT
# Makes file systems in files, fills, damages, repairs and resizes them. Prints what differs, then how many checks.
. "$TESTS/../check.sh"

clean() { e2fsck -fn "$1" > check 2>&1; echo $?; }
field() { dumpe2fs -h "$1" 2> /dev/null | sed -n "s/^$2: *//p"; }
in_fs() { debugfs -w -R "$2" "$1" 2>&1 | grep -v '^debugfs '; }

mkdir -p tree/sub/deep
seq 1 20000 > tree/numbers
head -c 300000 /dev/urandom > tree/sub/random
ln -s ../numbers tree/sub/link
i=0
while [ $i -lt 300 ]; do echo $i > tree/sub/deep/file$i; i=$((i + 1)); done

for kind in ext2 ext3 ext4; do
	image=$kind.img
	is "$kind made" "$(mke2fs -q -F -t $kind -d tree -L label$kind -U 01234567-89ab-cdef-0123-456789abcdef $image 12M 2>&1; echo $?)" "Creating regular file $image
0"
	is "$kind clean" "$(clean $image)" 0
	is "$kind name" "$(field $image 'Filesystem volume name')" label$kind
	is "$kind uuid" "$(field $image 'Filesystem UUID')" 01234567-89ab-cdef-0123-456789abcdef
	is "$kind files" "$(debugfs -R 'ls -p /sub/deep' $image 2> /dev/null | grep -c '/file')" 300
	is "$kind contents" "$(debugfs -R 'cat /sub/random' $image 2> /dev/null | sha256sum)" "$(sha256sum < tree/sub/random)"
	is "$kind link" "$(debugfs -R 'stat /sub/link' $image 2> /dev/null | sed -n 's/^Fast link dest: "\(.*\)"$/\1/p')" ../numbers
	in_fs $image 'write tree/numbers copy' > /dev/null
	in_fs $image 'mkdir made' > /dev/null
	in_fs $image 'rm /sub/deep/file7' > /dev/null
	is "$kind changed" "$(clean $image) $(debugfs -R 'cat /copy' $image 2> /dev/null | cmp - tree/numbers && echo same)" "0 same"

	# A wrong link count, a lost block bitmap, a lost superblock.
	in_fs $image 'set_inode_field /numbers links_count 9' > /dev/null
	is "$kind damaged" "$(clean $image)" 4
	is "$kind repaired" "$(e2fsck -fy $image > /dev/null 2>&1; echo $?) $(clean $image)" "1 0"
	cp $image bad.img
	dd if=/dev/zero of=bad.img bs=1024 seek=1 count=1 conv=notrunc 2> /dev/null
	is "$kind without superblock" "$(e2fsck -fy bad.img > /dev/null 2>&1; echo $?) $(clean bad.img)" "1 0"
	is "$kind still there" "$(debugfs -R 'cat /sub/random' bad.img 2> /dev/null | sha256sum)" "$(sha256sum < tree/sub/random)"

	is "$kind grown" "$(resize2fs -f $image 20M > /dev/null 2>&1; echo $?) $(clean $image)" "0 0"
	is "$kind shrunk" "$(resize2fs -M $image > /dev/null 2>&1; echo $?) $(clean $image)" "0 0"
	is "$kind after it" "$(debugfs -R 'cat /numbers' $image 2> /dev/null | cmp - tree/numbers && echo same)" same
	rm -f $image bad.img
done
is journal "$(mke2fs -q -F -t ext2 j.img 16M > /dev/null && tune2fs -j j.img > /dev/null 2>&1; field j.img 'Filesystem features' | grep -o has_journal) $(clean j.img)" "has_journal 0"
is undo "$(mke2fs -q -F -z undo j.img > /dev/null 2>&1; e2undo -f undo j.img > /dev/null 2>&1; field j.img 'Filesystem features' | grep -o has_journal)" has_journal
is "not one" "$(head -c 100000 /dev/zero > zeros; e2fsck -n zeros > /dev/null 2>&1; echo $?)" 8

finish filesystems
