/* SPDX-License-Identifier: MIT */
/*
 * Every field of an ext2 image made wrong: superblock, group descriptors, inodes, block pointers (those in indirect blocks too) and directory
 * entries, each with each of a list of evil values, one at a time. Whatever still mounts is read as a whole. Nothing may crash, loop, or read
 * outside the image (the image is a heap block of its exact size, under the address sanitizer).
 */
/* LINK: vfs/ext2/superblock.c vfs/ext2/inode.c vfs/ext2/block_map.c vfs/ext2/directory.c vfs/ext2/ext2_fs.c test/host/ext2_walk.c */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ext2_walk.h"
#include "lib/log.h"
#include "vfs/ext2/ext2_format.h"
#include "vfs/stat_bits.h"

struct field { const char *structure; size_t offset, size; };

#define FIELD(type, name) { #type "." #name, offsetof(struct type, name), sizeof(((struct type *)0)->name) }

static const struct field super_fields[] = {
	FIELD(ext2_superblock, inodes_count), FIELD(ext2_superblock, blocks_count), FIELD(ext2_superblock, reserved_blocks),
	FIELD(ext2_superblock, free_blocks), FIELD(ext2_superblock, free_inodes), FIELD(ext2_superblock, first_data_block),
	FIELD(ext2_superblock, log_block_size), FIELD(ext2_superblock, log_fragment_size), FIELD(ext2_superblock, blocks_per_group),
	FIELD(ext2_superblock, fragments_per_group), FIELD(ext2_superblock, inodes_per_group), FIELD(ext2_superblock, mount_time),
	FIELD(ext2_superblock, write_time), FIELD(ext2_superblock, mount_count), FIELD(ext2_superblock, max_mount_count),
	FIELD(ext2_superblock, magic), FIELD(ext2_superblock, state), FIELD(ext2_superblock, errors),
	FIELD(ext2_superblock, minor_revision), FIELD(ext2_superblock, last_check), FIELD(ext2_superblock, check_interval),
	FIELD(ext2_superblock, creator_os), FIELD(ext2_superblock, revision), FIELD(ext2_superblock, reserved_uid),
	FIELD(ext2_superblock, reserved_gid), FIELD(ext2_superblock, first_inode), FIELD(ext2_superblock, inode_size),
	FIELD(ext2_superblock, block_group), FIELD(ext2_superblock, compat), FIELD(ext2_superblock, incompat),
	FIELD(ext2_superblock, ro_compat),
};

static const struct field group_fields[] = {
	FIELD(ext2_group, block_bitmap), FIELD(ext2_group, inode_bitmap), FIELD(ext2_group, inode_table), FIELD(ext2_group, free_blocks),
	FIELD(ext2_group, free_inodes), FIELD(ext2_group, used_directories),
};

static const struct field inode_fields[] = {
	FIELD(ext2_disk_inode, mode), FIELD(ext2_disk_inode, uid), FIELD(ext2_disk_inode, size), FIELD(ext2_disk_inode, atime),
	FIELD(ext2_disk_inode, ctime), FIELD(ext2_disk_inode, mtime), FIELD(ext2_disk_inode, dtime), FIELD(ext2_disk_inode, gid),
	FIELD(ext2_disk_inode, links), FIELD(ext2_disk_inode, sectors), FIELD(ext2_disk_inode, flags), FIELD(ext2_disk_inode, os1),
	FIELD(ext2_disk_inode, block[0]), FIELD(ext2_disk_inode, block[1]), FIELD(ext2_disk_inode, block[11]),
	FIELD(ext2_disk_inode, block[12]), FIELD(ext2_disk_inode, block[13]), FIELD(ext2_disk_inode, block[14]),
	FIELD(ext2_disk_inode, generation), FIELD(ext2_disk_inode, file_acl), FIELD(ext2_disk_inode, size_high),
	FIELD(ext2_disk_inode, fragment), FIELD(ext2_disk_inode, sectors_high), FIELD(ext2_disk_inode, acl_high),
	FIELD(ext2_disk_inode, uid_high), FIELD(ext2_disk_inode, gid_high), FIELD(ext2_disk_inode, extra_size),
	FIELD(ext2_disk_inode, ctime_extra), FIELD(ext2_disk_inode, mtime_extra), FIELD(ext2_disk_inode, atime_extra),
	FIELD(ext2_disk_inode, btime), FIELD(ext2_disk_inode, btime_extra),
};

static const struct field dirent_fields[] = {
	FIELD(ext2_dirent_header, inode), FIELD(ext2_dirent_header, record_len), FIELD(ext2_dirent_header, name_len),
	FIELD(ext2_dirent_header, type),
};

static const struct field pointer_field = { "indirect block", 0, 4 };

static uint8_t *image;			/* sound between two changes */
static size_t image_len;
static struct ext2_superblock super;
static size_t block_size, inode_size;
static unsigned changes, refused, with_errors;

/* A field's evil values: limits of every width, what is off by one from the truth, and numbers that mean something in this image. */
static unsigned evil_values(uint64_t truth, uint64_t values[64])
{
	const uint64_t list[] = {
		0, 1, 2, 3, 7, 8, 11, 12, 15, 16, 0x7f, 0x80, 0xff, 0x100, 0x1ff, 0x3fc, 0x400, 0x401, 0xfff, 0x1000, 0x7fff, 0x8000, 0xfff8,
		0xfffc, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff, truth + 1, truth - 1, truth * 2, truth ^ 0x80, ~truth,
		S_IFDIR | 0755, S_IFREG | 0644, S_IFLNK | 0777, S_IFCHR | 0600, super.blocks_count - 1, super.blocks_count,
		super.blocks_count + 1, super.inodes_count, super.inodes_count + 1, block_size, image_len, image_len / block_size,
		super.first_data_block + 1, super.inodes_per_group, super.blocks_per_group,
	};

	memcpy(values, list, sizeof(list));
	return ARRAY_LEN(list);
}

static void corrupt(size_t base, const struct field *field)
{
	uint8_t *at = image + base + field->offset;
	uint64_t truth = 0, values[64];
	unsigned count;

	assert(base + field->offset + field->size <= image_len);
	memcpy(&truth, at, field->size);
	count = evil_values(truth, values);
	for (unsigned i = 0; i < count; i++) {
		struct walk walk;

		if (!((values[i] ^ truth) & (UINT64_MAX >> (64 - 8 * field->size))))
			continue;
		memcpy(at, &values[i], field->size);
		changes++;
		if (ext2_walk_image(image, image_len, NULL, &walk))
			refused++;
		else if (walk.errors)
			with_errors++;
	}
	memcpy(at, &truth, field->size);
}

static void corrupt_all(size_t base, const struct field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		corrupt(base, &fields[i]);
}

static void corrupt_directory_block(size_t block)
{
	size_t start = block * block_size;

	for (size_t at = 0; at < block_size;) {
		struct ext2_dirent_header header;

		memcpy(&header, image + start + at, sizeof(header));
		corrupt_all(start + at, dirent_fields, ARRAY_LEN(dirent_fields));
		for (unsigned i = 0; i < header.name_len; i += 3)
			corrupt(start + at, &(struct field){ "name", EXT2_DIRENT_HEADER + i, 1 });
		at += header.record_len;
	}
}

/* The first, second and last pointers of an indirect block, and those below. */
static void corrupt_indirect(size_t block, unsigned level)
{
	static const size_t slots[] = { 0, 1, 2 };
	uint32_t below;

	for (size_t i = 0; i < ARRAY_LEN(slots); i++)
		corrupt(block * block_size + slots[i] * 4, &pointer_field);
	corrupt(block * block_size + block_size - 4, &pointer_field);
	memcpy(&below, image + block * block_size, 4);
	if (level > 1 && below)
		corrupt_indirect(below, level - 1);
}

static void corrupt_inode(size_t at)
{
	struct ext2_disk_inode inode = { 0 };

	memcpy(&inode, image + at, MIN(inode_size, sizeof(inode)));
	if (!inode.mode || !inode.links)
		return;
	for (size_t i = 0; i < ARRAY_LEN(inode_fields); i++)
		if (inode_fields[i].offset + inode_fields[i].size <= inode_size)
			corrupt(at, &inode_fields[i]);
	if (S_ISDIR(inode.mode) && inode.block[0])
		corrupt_directory_block(inode.block[0]);
	for (unsigned level = 1; level <= 3; level++)
		if (S_ISREG(inode.mode) && inode.block[EXT2_DIRECT_BLOCKS + level - 1])
			corrupt_indirect(inode.block[EXT2_DIRECT_BLOCKS + level - 1], level);
}

static void load(const char *path)
{
	FILE *file = fopen(path, "rb");

	assert(file && fseek(file, 0, SEEK_END) == 0);
	image_len = ftell(file);
	rewind(file);
	image = malloc(image_len);
	assert(image && fread(image, 1, image_len, file) == image_len);
	fclose(file);
	memcpy(&super, image + EXT2_SUPERBLOCK_OFFSET, sizeof(super));
	block_size = 1024u << super.log_block_size;
	inode_size = super.revision ? super.inode_size : EXT2_OLD_INODE_SIZE;
}

static void test_image(const char *path)
{
	size_t table, groups;

	load(path);
	assert(ext2_walk_image(image, image_len, "", NULL) == 0);
	changes = refused = with_errors = 0;
	groups = (super.blocks_count - super.first_data_block - 1) / super.blocks_per_group + 1;
	table = (super.first_data_block + 1) * block_size;
	corrupt_all(EXT2_SUPERBLOCK_OFFSET, super_fields, ARRAY_LEN(super_fields));
	for (size_t i = 0; i < groups; i++) {
		struct ext2_group group;

		memcpy(&group, image + table + i * sizeof(group), sizeof(group));
		corrupt_all(table + i * sizeof(group), group_fields, ARRAY_LEN(group_fields));
		for (size_t k = 0; k < super.inodes_per_group; k++)
			corrupt_inode(group.inode_table * block_size + k * inode_size);
	}
	/* Unchanged at the end. */
	assert(ext2_walk_image(image, image_len, "", NULL) == 0);
	fprintf(stderr, "ext2: %u fields made wrong: %u images refused, %u with errors in them, %u readable\n", changes, refused, with_errors,
		changes - refused - with_errors);
	assert(refused > 100 && with_errors > 1000);
	free(image);
}

/* Small images, so that most of what they hold is read: revision 1 with large inodes, and revision 0. */
static const char make_images[] =
	"cd %s && mkdir -p tree/d/e && echo x > tree/f && ln -s f tree/l && ln -s \"$(printf '%%0100d' 7)\" tree/slow && ln tree/f tree/d/hard && "
	"head -c 20000 /dev/zero | tr '\\0' x > tree/d/data && printf e | dd of=tree/big bs=1 seek=300000 conv=notrunc status=none && "
	"touch tree/d/n1 tree/d/n2 && mke2fs -q -F -t ext2 -N 48 -b 1024 -m 0 -I 256 -d tree new 128k > /dev/null && "
	"mke2fs -q -F -t ext2 -r 0 -O none -N 32 -b 4096 -m 0 -d tree old 256k > /dev/null 2>&1";

int main(void)
{
	char folder[] = "/tmp/ext2-fields-XXXXXX", command[1024];

	assert(mkdtemp(folder));
	log_set_console_level(0);	/* thousands of complaints are as wanted */
	snprintf(command, sizeof(command), make_images, folder);
	if (system(command)) {
		fprintf(stderr, "this failed (is e2fsprogs installed?): %s\n", command);
		return 1;
	}
	snprintf(command, sizeof(command), "%s/new", folder);
	test_image(command);
	snprintf(command, sizeof(command), "%s/old", folder);
	test_image(command);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}
