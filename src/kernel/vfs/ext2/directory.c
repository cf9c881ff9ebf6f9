/* SPDX-License-Identifier: MIT */
/*
 * Directories, read linearly: an htree index hides in entries that are not in use, so it need not be known. A directory's position is a
 * byte offset; one that does not fall on an entry (seekdir with a made-up value) is moved to the next entry of its block.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "vfs/ext2/ext2.h"

/* DT_* by ext2's file type numbers. */
static const uint8_t dirent_types[] = { 0 /* DT_UNKNOWN */, 8 /* DT_REG */, 4 /* DT_DIR */, 2 /* DT_CHR */, 6 /* DT_BLK */,
					1 /* DT_FIFO */, 12 /* DT_SOCK */, 10 /* DT_LNK */ };

static int check_dirent(struct ext2 *ext2, const struct ext2_inode *dir, uint64_t offset, uint32_t room,
			const struct ext2_dirent_header *header)
{
	uint32_t needed = EXT2_DIRENT_HEADER + (header->inode ? header->name_len : 0);

	if (header->record_len % 4 || header->record_len < needed || header->record_len > room)
		return ext2_corrupt(ext2, "directory inode %u, offset %llu: record length %u, expected %u to %u in steps of 4", dir->number,
				    (unsigned long long)offset, header->record_len, ROUND_UP(needed, 4), room);
	if (header->inode > ext2->inodes_count)
		return ext2_corrupt(ext2, "directory inode %u, offset %llu: inode %u, expected at most %u", dir->number,
				    (unsigned long long)offset, header->inode, ext2->inodes_count);
	return 0;
}

static int check_name(struct ext2 *ext2, const struct ext2_inode *dir, uint64_t offset, const struct ext2_dirent_header *header,
		      const char *name)
{
	if (!header->name_len || (!ext2->has_file_types && header->type))
		return ext2_corrupt(ext2, "directory inode %u, offset %llu: name length is not 1 to 255", dir->number,
				    (unsigned long long)offset);
	if (memchr(name, '/', header->name_len) || memchr(name, 0, header->name_len))
		return ext2_corrupt(ext2, "directory inode %u, offset %llu: a name holds '/' or NUL", dir->number,
				    (unsigned long long)offset);
	return 0;
}

/* Without types in the entries the inode tells; one that cannot be read shows as unknown here and gives its error when it is looked up. */
static uint8_t dirent_type(struct ext2 *ext2, const struct ext2_dirent_header *header)
{
	struct ext2_inode inode;

	if (ext2->has_file_types)
		return header->type < ARRAY_LEN(dirent_types) ? dirent_types[header->type] : 0;
	return ext2_read_inode(ext2, header->inode, &inode) ? 0 : inode.disk.mode >> 12;
}

int ext2_next_dirent(struct ext2 *ext2, const struct ext2_inode *dir, uint64_t offset, struct ext2_dirent *entry)
{
	while (offset < dir->size) {
		uint64_t block_start = offset - offset % ext2->block_size;
		const uint8_t *block;
		int error = ext2_map_block(ext2, dir, block_start / ext2->block_size, &block);

		if (error)
			return error;
		if (!block)
			return ext2_corrupt(ext2, "directory inode %u has a hole at offset %llu", dir->number,
					    (unsigned long long)block_start);
		for (uint32_t at = 0; at < ext2->block_size;) {
			const char *name = (const char *)block + at + EXT2_DIRENT_HEADER;
			struct ext2_dirent_header header;

			memcpy(&header, block + at, sizeof(header));
			error = check_dirent(ext2, dir, block_start + at, ext2->block_size - at, &header);
			if (!error && header.inode)
				error = check_name(ext2, dir, block_start + at, &header, name);
			if (error)
				return error;
			if (header.inode && block_start + at >= offset) {
				*entry = (struct ext2_dirent){ .inode = header.inode, .name_len = header.name_len, .name = name,
							       .type = dirent_type(ext2, &header),
							       .next = block_start + at + header.record_len };
				return 1;
			}
			at += header.record_len;
		}
		offset = block_start + ext2->block_size;
	}
	return 0;
}
