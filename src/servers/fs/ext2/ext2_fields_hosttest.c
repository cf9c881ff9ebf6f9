/* SPDX-License-Identifier: MIT */
/*
 * Every field of an ext2 image made wrong: superblock, group descriptors, inodes, pointers (those in indirect blocks, too), directory entries, the header of
 * attributes, bitmaps; each with each of a list of evil values, one at a time. What still mounts is read, changed and emptied (check/exercise.c): errors only.
 */
/* LINK: fs/ext2/super.c fs/ext2/transaction.c fs/ext2/buffers.c fs/ext2/groups.c fs/ext2/block_alloc.c fs/ext2/inode_alloc.c fs/ext2/inode.c fs/ext2/map.c */
/* LINK: fs/ext2/truncate.c fs/ext2/directory.c fs/ext2/directory_change.c fs/ext2/orphan.c fs/ext2/ops.c fs/ext2/create.c fs/ext2/remove.c */
/* LINK: fs/ext2/rename.c fs/ext2/kept.c fs/ext2/grow.c fs/ext2/check/store.c fs/ext2/check/disk_log.c */
/* LINK: fs/ext2/check/session.c fs/ext2/check/exercise.c fs/ext2/check/image.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/exercise.h"
#include "check/world.h"
#include "format.h"
#include "lib/check.h"

struct field { const char *structure; size_t offset, size; };

#define FIELD(type, name) { #type "." #name, offsetof(struct type, name), sizeof(((struct type *)0)->name) }

static const struct field super_fields[] = {
	FIELD(ext2_super, inodes_count), FIELD(ext2_super, blocks_count), FIELD(ext2_super, reserved_blocks), FIELD(ext2_super, free_blocks),
	FIELD(ext2_super, free_inodes), FIELD(ext2_super, first_data_block), FIELD(ext2_super, log_block_size), FIELD(ext2_super, log_fragment_size),
	FIELD(ext2_super, blocks_per_group), FIELD(ext2_super, fragments_per_group), FIELD(ext2_super, inodes_per_group), FIELD(ext2_super, mount_count),
	FIELD(ext2_super, magic), FIELD(ext2_super, state), FIELD(ext2_super, errors), FIELD(ext2_super, creator_os), FIELD(ext2_super, revision),
	FIELD(ext2_super, first_inode), FIELD(ext2_super, inode_size), FIELD(ext2_super, block_group), FIELD(ext2_super, compat),
	FIELD(ext2_super, incompat), FIELD(ext2_super, ro_compat), FIELD(ext2_super, reserved_descriptors), FIELD(ext2_super, journal_inode),
	FIELD(ext2_super, last_orphan), FIELD(ext2_super, descriptor_size), FIELD(ext2_super, first_meta_group), FIELD(ext2_super, min_extra_size),
	FIELD(ext2_super, want_extra_size), { "ext2_super.kept[0].dir", EXT2_SUPER_KEPT, 4 }, { "ext2_super.kept[0].inode", EXT2_SUPER_KEPT + 4, 4 },
};

static const struct field group_fields[] = {
	FIELD(ext2_group, block_bitmap), FIELD(ext2_group, inode_bitmap), FIELD(ext2_group, inode_table), FIELD(ext2_group, free_blocks),
	FIELD(ext2_group, free_inodes), FIELD(ext2_group, used_directories),
};

static const struct field inode_fields[] = {
	FIELD(ext2_disk_inode, mode), FIELD(ext2_disk_inode, uid), FIELD(ext2_disk_inode, size), FIELD(ext2_disk_inode, atime),
	FIELD(ext2_disk_inode, ctime), FIELD(ext2_disk_inode, dtime), FIELD(ext2_disk_inode, gid), FIELD(ext2_disk_inode, links),
	FIELD(ext2_disk_inode, sectors), FIELD(ext2_disk_inode, flags), FIELD(ext2_disk_inode, block[0]), FIELD(ext2_disk_inode, block[1]),
	FIELD(ext2_disk_inode, block[11]), FIELD(ext2_disk_inode, block[12]), FIELD(ext2_disk_inode, block[13]), FIELD(ext2_disk_inode, block[14]),
	FIELD(ext2_disk_inode, generation), FIELD(ext2_disk_inode, file_acl), FIELD(ext2_disk_inode, size_high), FIELD(ext2_disk_inode, sectors_high),
	FIELD(ext2_disk_inode, acl_high), FIELD(ext2_disk_inode, extra_size), FIELD(ext2_disk_inode, ctime_extra), FIELD(ext2_disk_inode, btime),
};

static const struct field entry_fields[] = {
	FIELD(ext2_entry, inode), FIELD(ext2_entry, record_len), FIELD(ext2_entry, name_len), FIELD(ext2_entry, type),
};

static const struct field xattr_fields[] = { FIELD(ext2_xattr_header, magic), FIELD(ext2_xattr_header, references), FIELD(ext2_xattr_header, blocks) };
static const struct field pointer_field = { "pointer", 0, 4 };

static uint8_t *image;			/* sound between two changes */
static size_t image_len;
static struct ext2_super super;
static size_t block_size, inode_size;
static unsigned changes, refused, with_errors, operations;
static unsigned step;			/* only each so manyth value */

static unsigned evil_values(uint64_t truth, uint64_t values[64])
{
	const uint64_t list[] = {
		0, 1, 2, 3, 7, 8, 11, 12, 16, 0x7f, 0x80, 0xff, 0x100, 0x3fc, 0x400, 0xfff, 0x1000, 0x7fff, 0x8000, 0xfffc, 0xffff, 0x10000, 0x7fffffff,
		0x80000000, 0xfffffff8, 0xffffffff, truth + 1, truth - 1, truth * 2, truth ^ 0x80, ~truth, 040755, 0100644, 0120777, 020600,
		super.blocks_count - 1, super.blocks_count, super.inodes_count, super.inodes_count + 1, block_size, image_len / block_size,
		super.first_data_block + 1, super.first_data_block + 3, super.inodes_per_group, super.blocks_per_group,
	};

	memcpy(values, list, sizeof(list));
	return sizeof(list) / sizeof(list[0]);
}

static void try_image(void)
{
	struct exercise exercise;

	changes++;
	refused += exercise_image(image, image_len, &exercise) != 0;
	with_errors += exercise.errors != 0;
	operations += exercise.done;
}

static void corrupt(size_t base, const struct field *field)
{
	static unsigned turn;
	uint8_t *at = image + base + field->offset;
	uint64_t truth = 0, values[64];
	unsigned count;

	memcpy(&truth, at, field->size);
	count = evil_values(truth, values);
	for (unsigned i = 0; i < count; i++) {
		if (!((values[i] ^ truth) & UINT64_MAX >> (64 - 8 * field->size)) || turn++ % step)
			continue;
		memcpy(at, &values[i], field->size);
		try_image();
		memcpy(at, &truth, field->size);
	}
}

static void corrupt_all(size_t base, const struct field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		corrupt(base, &fields[i]);
}
#define CORRUPT(base, fields) corrupt_all(base, fields, sizeof(fields) / sizeof((fields)[0]))

static void corrupt_entries(size_t block)
{
	struct ext2_entry entry;
	unsigned limit = 5;

	for (size_t at = 0; at < block_size && limit--; at += entry.record_len) {
		memcpy(&entry, image + block * block_size + at, sizeof(entry));
		CORRUPT(block * block_size + at, entry_fields);
	}
}

static void corrupt_inode(const struct ext2_group *group, uint32_t number)
{
	size_t base = group->inode_table * block_size + (number - 1) * inode_size;
	struct ext2_disk_inode inode;

	memcpy(&inode, image + base, sizeof(inode));
	if (!inode.links)
		return;
	CORRUPT(base, inode_fields);
	if ((inode.mode & 0170000) == 0040000)
		corrupt_entries(inode.block[0]);
	for (unsigned slot = 12; slot < 15; slot++)
		if ((inode.mode & 0170000) == 0100000 && inode.block[slot])
			corrupt(inode.block[slot] * block_size, &pointer_field);
	if (inode.file_acl)
		CORRUPT(inode.file_acl * block_size, xattr_fields);
}

static void corrupt_bitmap(size_t block)
{
	uint8_t *at = image + block * block_size, *kept = malloc(block_size);

	memcpy(kept, at, block_size);
	for (unsigned value = 0; value < 256; value += 85) {
		memset(at, value, block_size);
		try_image();
	}
	memcpy(at, kept, block_size);
	free(kept);
}

static void test_image(const char *name)
{
	char path[128];
	struct ext2_group group;
	struct exercise exercise;
	size_t descriptors;

	snprintf(path, sizeof(path), "%s/%s", scratch_folder(), name);
	image = load_file(path, &image_len);
	memcpy(&super, image + EXT2_SUPER_OFFSET, sizeof(super));
	block_size = 1024u << super.log_block_size;
	inode_size = super.revision ? super.inode_size : EXT2_OLD_INODE_SIZE;
	descriptors = (super.first_data_block + 1) * block_size;
	memcpy(&group, image + descriptors, sizeof(group));
	CHECK(exercise_image(image, image_len, &exercise) == 0, "%s", name);
	CORRUPT(EXT2_SUPER_OFFSET, super_fields);
	CORRUPT(descriptors, group_fields);
	corrupt_bitmap(group.block_bitmap);
	corrupt_bitmap(group.inode_bitmap);
	corrupt_inode(&group, EXT2_ROOT);
	for (uint32_t number = super.revision ? super.first_inode : EXT2_OLD_FIRST_INODE; number <= super.inodes_per_group; number++)
		if (number < 22)
			corrupt_inode(&group, number);
	free(image);
}

int main(void)
{
	static const char *const names[] = { "gen-1024", "gen-4096", "mke-1024", "mke-2048", "old-1024", "orphans" };
	const char *rounds = getenv("EXT2_TEST_ROUNDS");

	step = rounds && atoi(rounds) > 0 ? 1 + 100 / atoi(rounds) : 101;
	CHECK(!shell("fs/ext2/ext2_library_fuzz-seeds.sh %s", scratch_folder()), "the seeds cannot be made");
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		test_image(names[i]);
	CHECK(refused > changes / 40 && with_errors > changes / 10, "%u refused, %u with errors, of %u", refused, with_errors, changes);
	printf("ext2_fields: %u wrong fields, %u not mounted, %u mounted and with errors, %u operations\n", changes, refused, with_errors, operations);
	return check_result("ext2_fields");
}
