/* SPDX-License-Identifier: MIT */
/*
 * Host test of the ext2 reader: images made by genext2fs and mke2fs are walked and compared with the files they were made from; then damaged in
 * seeded random ways and walked again, where nothing may crash or loop. EXT2_TEST_SEED and EXT2_TEST_ROUNDS change the damage. When it fails, the
 * folder it names is kept: its file "round" tells the seed, and EXT2_TEST_IMAGE=FOLDER/mini-image with that seed and one round does it again.
 */
/* LINK: vfs/ext2/superblock.c vfs/ext2/inode.c vfs/ext2/block_map.c vfs/ext2/directory.c vfs/ext2/ext2_fs.c test/host/ext2_walk.c */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "ext2_walk.h"
#include "vfs/ext2/ext2_format.h"
#include "vfs/mount.h"

static char folder[] = "/tmp/ext2-test-XXXXXX";

__attribute__((format(printf, 1, 2))) static void run(const char *format, ...)
{
	char command[4096];
	va_list args;
	int status;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	status = system(command);
	if (status) {
		fprintf(stderr, "ext2 host test: this failed (are genext2fs and e2fsprogs installed?): %s\n", command);
		exit(1);
	}
}

static uint8_t *load(const char *name, size_t *len)
{
	char path[4096];
	struct stat info;
	uint8_t *bytes;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY);
	assert(fd >= 0 && fstat(fd, &info) == 0);
	bytes = malloc(info.st_size);
	for (*len = 0; *len < info.st_size;) {
		ssize_t got = read(fd, bytes + *len, info.st_size - *len);

		assert(got > 0);
		*len += got;
	}
	close(fd);
	return bytes;
}

/* A folder with one of everything that can be made without being root. */
static void make_tree(void)
{
	run("mkdir -p %s/tree/dir/deep/deeper %s/tree/many %s/tree/empty %s/tree/lost+found", folder, folder,
	    folder, folder);
	run("cd %s/tree && echo hello > small && : > nothing && head -c 300000 /dev/urandom > medium", folder);
	run("cd %s/tree && head -c 5000000 /dev/urandom > large && ln small hard && ln small dir/hard2", folder);
	run("cd %s/tree && ln -s small fast && ln -s \"$(printf '%%0200d' 7)\" slow && ln -s \"$(printf '%%059d' 1)\" edge59 "
	    "&& ln -s \"$(printf '%%060d' 1)\" edge60 && mkfifo fifo", folder);
	run("cd %s/tree/many && for i in $(seq 1 700); do : > \"file-with-a-rather-long-name-$i\"; done", folder);
	run("cd %s/tree && printf start > sparse && printf end | dd of=sparse bs=1 seek=9000000 conv=notrunc status=none", folder);
	run("cd %s/tree && : > \"$(printf '%%0255d' 3)\"", folder);
}

static void check_image(const char *name, bool compare)
{
	char host[4096];
	struct walk walk;
	size_t len;
	uint8_t *image = load(name, &len);

	snprintf(host, sizeof(host), "%s/tree", folder);
	assert(ext2_walk_image(image, len, compare ? host : "", &walk) == 0);
	assert(walk.errors == 0 && walk.visited > 5);
	free(image);
}

static void test_good_images(void)
{
	static const char *const block_sizes[] = { "1024", "2048", "4096" };

	make_tree();
	for (unsigned i = 0; i < ARRAY_LEN(block_sizes); i++) {
		const char *size = block_sizes[i];

		run("genext2fs -B %s -b %d -N 2000 -d %s/tree %s/gen-%s 2>/dev/null", size, 40 << 20 >> (10 + i), folder, folder, size);
		run("cd %s && mke2fs -q -F -t ext2 -b %s -d tree mke-%s 48m >/dev/null", folder, size, size);
		run("cd %s && mke2fs -q -F -t ext2 -r 0 -O none -b %s -d tree rev0-%s 48m >/dev/null 2>&1", folder, size, size);
		run("cd %s && mke2fs -q -F -t ext2 -O dir_index,^filetype,large_file -b %s -d tree index-%s 48m >/dev/null && e2fsck -fyD index-%s "
		    ">/dev/null 2>&1; test $? -le 1", folder, size, size, size);
		run("cd %s && mke2fs -q -F -t ext2 -I 256 -b %s -d tree big-%s 48m >/dev/null", folder, size, size);
	}
	for (unsigned i = 0; i < ARRAY_LEN(block_sizes); i++) {
		static const char *const kinds[] = { "gen", "mke", "rev0", "index", "big" };

		for (unsigned k = 0; k < ARRAY_LEN(kinds); k++) {
			char name[64];

			snprintf(name, sizeof(name), "%s-%s", kinds[k], block_sizes[i]);
			/* genext2fs leaves FIFOs and hard link counts to those who ask; the tree must be there all the same. */
			check_image(name, k != 0);
		}
	}
}

/* A file of some gigabytes with data only at its end needs triple indirection with 1 KiB blocks. */
static void test_triple_indirect(void)
{
	struct fs *fs;
	struct fs_attr attr;
	uint8_t page[PAGE_SIZE] = { 0 };
	size_t len;
	uint8_t *image;

	run("cd %s && : > huge && printf tail | dd of=huge bs=1 seek=2147483000 conv=notrunc status=none", folder);
	run("cd %s && mke2fs -q -F -t ext2 -O large_file -b 1024 triple 4m >/dev/null && "
	    "debugfs -w -R 'write huge huge' triple >/dev/null 2>&1", folder);
	image = load("triple", &len);
	assert(ext2_mount_memory(image, len, &fs) == 0);
	assert(fs->ops->lookup(fs, fs->root, "huge", 4, &attr) == 0);
	assert(attr.size == 2147483004);
	assert(fs->ops->fill_page(fs, attr.node, 2147483000 / PAGE_SIZE, page) == 0);
	assert(memcmp(page + 2147483000 % PAGE_SIZE, "tail", 5) == 0);
	memset(page, 0, sizeof(page));
	assert(fs->ops->fill_page(fs, attr.node, 1000, page) == 0);
	assert(!page[0] && !memcmp(page, page + 1, PAGE_SIZE - 1));
	assert(fs->ops->fill_page(fs, attr.node, UINT64_MAX, page) == 0);
	assert(fs->ops->lookup(fs, fs->root, "hug", 3, &attr) == -ENOENT);
	assert(fs->ops->unlink(fs, fs->root, "huge", 4, &attr) == -EROFS);
	fs->ops->unmount(fs);
	free(image);
}

static void test_attributes(void)
{
	struct fs *fs;
	struct fs_attr attr;
	size_t len;
	uint8_t *image;

	run("cd %s && mke2fs -q -F -t ext2 -b 1024 nodes 1m >/dev/null && "
	    "printf 'mknod tty c 4 65\\nmknod big c 300 60000\\nmknod pipe p\\n' > script && "
	    "printf 'sif tty mode 020620\\nsif tty uid 70000\\nsif tty gid 5\\nsif tty mtime 20200102030405\\n' >> script && "
	    "TZ=UTC debugfs -w -f script nodes >/dev/null 2>&1", folder);
	image = load("nodes", &len);
	assert(ext2_mount_memory(image, len, &fs) == 0);
	assert(fs->ops->lookup(fs, fs->root, "tty", 3, &attr) == 0);
	assert(attr.mode == (S_IFCHR | 0620) && attr.rdev == (4 << 8 | 65) && attr.gid == 5);
	assert(attr.uid == 70000);
	assert(attr.mtime == 1577934245ll * 1000000000);
	assert(fs->ops->lookup(fs, fs->root, "big", 3, &attr) == 0);
	assert(attr.rdev == ((60000 & 0xff) | 300 << 8 | (60000 & ~0xff) << 12));
	assert(fs->ops->lookup(fs, fs->root, "pipe", 4, &attr) == 0 && S_ISFIFO(attr.mode) && attr.size == 0);
	fs->ops->unmount(fs);
	free(image);
}

static void test_refused(void)
{
	size_t len;
	uint8_t *image;

	run("cd %s && mke2fs -q -F -t ext4 ext4 8m >/dev/null", folder);
	image = load("ext4", &len);
	assert(ext2_walk_image(image, len, NULL, NULL) == -EINVAL);
	free(image);
	image = load("mke-1024", &len);
	assert(ext2_walk_image(image, len / 2, NULL, NULL) == -EINVAL);	/* truncated */
	assert(ext2_walk_image(image, 2047, NULL, NULL) == -EINVAL);
	assert(ext2_walk_image(image, 0, NULL, NULL) == -EINVAL);
	image[1024 + 56] ^= 1;						/* magic */
	assert(ext2_walk_image(image, len, NULL, NULL) == -EINVAL);
	free(image);
}

/* A record of a directory that is longer than what is left of its block: its name, too, might lie beyond. */
static void test_long_record(void)
{
	struct ext2_superblock super;
	struct ext2_group group;
	struct ext2_disk_inode root;
	struct ext2_dirent_header header;
	struct fs *fs;
	struct fs_attr attr;
	size_t len, at;
	uint8_t *image;

	run("cd %s && mke2fs -q -F -t ext2 -b 1024 record 1m >/dev/null", folder);
	image = load("record", &len);
	memcpy(&super, image + EXT2_SUPERBLOCK_OFFSET, sizeof(super));
	memcpy(&group, image + 2 * 1024, sizeof(group));
	memcpy(&root, image + group.inode_table * 1024 + (EXT2_ROOT_INODE - 1) * super.inode_size, sizeof(root));
	for (at = root.block[0] * 1024;; at += header.record_len) {
		memcpy(&header, image + at, sizeof(header));
		if (at + header.record_len == (root.block[0] + 1) * 1024)
			break;
	}
	assert(ext2_mount_memory(image, len, &fs) == 0);
	assert(fs->ops->lookup(fs, fs->root, "absent", 6, &attr) == -ENOENT);
	header.record_len += 4;
	memcpy(image + at, &header, sizeof(header));
	assert(fs->ops->lookup(fs, fs->root, "absent", 6, &attr) == -EUCLEAN);
	fs->ops->unmount(fs);
	free(image);
}

/* A directory that is linked a second time, or above itself, must not become a loop. */
static void test_directory_loop(void)
{
	struct walk walk;
	size_t len;
	uint8_t *image;

	run("cd %s && mke2fs -q -F -t ext2 -b 1024 loop 1m >/dev/null && "
	    "printf 'mkdir a\\nmkdir a/b\\nln a a/b/back\\nln / a/top\\nln a/b twice\\n' > script "
	    "&& debugfs -w -f script loop >/dev/null 2>&1", folder);
	image = load("loop", &len);
	assert(ext2_walk_image(image, len, NULL, &walk) == 0);
	assert(walk.errors >= 3);
	free(image);
}

static uint64_t random_state;

static uint32_t next_random(void)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return random_state >> 33;
}

/* Damage goes where it hurts: superblock, descriptors, and blocks that hold inodes or directories, found by looking for non-zero bytes. */
static void damage(uint8_t *image, size_t len)
{
	static const uint32_t values[] = { 0, 1, 2, 0xffffffff, 0x7fffffff, 0x80000000, 11, 12, 255, 4096, 65535 };
	unsigned count = 1 + next_random() % 8;

	while (count--) {
		unsigned where = next_random() % 8;
		size_t at = where == 0 ? 1024 + next_random() % 128 : where == 1 ? 2048 + next_random() % 64 : next_random() % (len - 4);

		for (unsigned tries = 0; where > 1 && tries < 2000 && !image[at]; tries++)
			at = next_random() % (len - 4);
		switch (next_random() % 3) {
		case 0:
			image[at] ^= 1 << next_random() % 8;
			break;
		case 1:
			image[at] = next_random();
			break;
		default:
			memcpy(image + at / 4 * 4, &values[next_random() % ARRAY_LEN(values)], 4);
		}
	}
}

static void test_damaged_images(void)
{
	const char *seed_text = getenv("EXT2_TEST_SEED"), *rounds_text = getenv("EXT2_TEST_ROUNDS");
	uint64_t seed = seed_text ? strtoull(seed_text, NULL, 0) : 20240601;
	unsigned rounds = rounds_text ? atoi(rounds_text) : 3000, refused = 0;
	const char *kept = getenv("EXT2_TEST_IMAGE");
	char path[64];
	size_t len;
	uint8_t *image, *copy;
	FILE *note;

	if (kept)
		run("cp %s %s/mini-image", kept, folder);
	/* A small image, so that most damage hits something. */
	run("cd %s && mkdir -p mini/d/e && echo x > mini/f && ln -s f mini/l && ln -s \"$(printf '%%0100d' 7)\" mini/slow && "
	    "head -c 20000 /dev/urandom > mini/d/data && ln mini/f mini/d/e/hard && for i in $(seq 30); do : > mini/d/n$i; done", folder);
	if (!kept)
		run("cd %s && mke2fs -q -F -t ext2 -N 64 -b 1024 -m 0 -d mini mini-image 96k >/dev/null", folder);
	snprintf(path, sizeof(path), "%s/round", folder);
	note = fopen(path, "w");
	assert(note);
	fprintf(stderr, "ext2: damaging the image in %s from seed %llu on\n", folder, (unsigned long long)seed);
	image = load("mini-image", &len);
	assert(ext2_walk_image(image, len, "", NULL) == 0);
	copy = malloc(len);
	for (unsigned round = 0; round < rounds; round++) {
		random_state = seed + round;
		rewind(note);
		fprintf(note, "%llu\n", (unsigned long long)random_state);
		fflush(note);
		memcpy(copy, image, len);
		damage(copy, len);
		refused += ext2_walk_image(copy, len, NULL, NULL) != 0;
	}
	fprintf(stderr, "ext2: %u damaged images (seed %llu), %u refused at once, the others read as far as possible\n", rounds,
		(unsigned long long)seed, refused);
	fclose(note);
	free(copy);
	free(image);
}

int main(void)
{
	assert(mkdtemp(folder));
	log_set_console_level(0);	/* thousands of complaints about damaged images are as wanted */
	test_good_images();
	test_triple_indirect();
	test_attributes();
	test_refused();
	test_long_record();
	test_directory_loop();
	test_damaged_images();
	run("rm -rf %s", folder);
	return 0;
}
