/* SPDX-License-Identifier: MIT */
/*
 * The bootstrap reader's own state. Everything is computed once at mount and then only read: no locks. Nothing from the image is trusted: each
 * number is checked where it is used, and what is wrong gives -EUCLEAN and one log line that says what was expected.
 */
#pragma once

#include "vfs/fs.h"
#include "vfs/ext2/ext2_format.h"

struct ext2 {
	struct fs fs;
	const uint8_t *image;
	size_t image_len;
	uint32_t block_size;
	uint32_t blocks_count, first_data_block, first_usable_block;	/* below first_usable_block: superblock and descriptors */
	uint32_t inodes_count, inodes_per_group, inode_size;
	uint32_t free_blocks, free_inodes;
	uint32_t group_count;
	uint32_t revision;
	bool has_file_types;
	uint64_t max_file_size;		/* what triple indirection reaches */
	unsigned errors_logged;		/* atomic; a broken image must not flood the log */
};

struct ext2_inode {
	uint32_t number;
	uint64_t size;
	struct ext2_disk_inode disk;
};

/* Logs "ext2: …" unless too much was logged, and returns -EUCLEAN. */
__attribute__((format(printf, 2, 3))) int ext2_corrupt(struct ext2 *ext2, const char *format, ...);

/* Checks the superblock and all group descriptors and fills in @ext2. 0 or -EINVAL with a log line. */
int ext2_read_superblock(struct ext2 *ext2);

/* Reads and checks inode @number. 0 or -EUCLEAN. */
int ext2_read_inode(struct ext2 *ext2, uint64_t number, struct ext2_inode *inode);
void ext2_inode_attr(struct ext2 *ext2, const struct ext2_inode *inode, struct fs_attr *attr);

/* The bytes of block @index of the file; *data is NULL for a hole. 0 or -EUCLEAN. */
int ext2_map_block(struct ext2 *ext2, const struct ext2_inode *inode, uint64_t index, const uint8_t **data);

struct ext2_dirent {
	uint32_t inode;
	uint8_t type;		/* DT_* or DT_UNKNOWN */
	uint8_t name_len;
	const char *name;	/* in the image */
	uint64_t next;		/* byte offset of the entry after this one */
};

/*
 * The first entry in use at or after byte @offset of directory @dir. Returns 1, 0 at the end, or -EUCLEAN. "." and ".." are returned too.
 */
int ext2_next_dirent(struct ext2 *ext2, const struct ext2_inode *dir, uint64_t offset, struct ext2_dirent *entry);

/* Is the entry "." or ".."? */
static inline bool ext2_dirent_is_dots(const struct ext2_dirent *entry)
{
	return entry->name[0] == '.' && (entry->name_len == 1 || (entry->name_len == 2 && entry->name[1] == '.'));
}
