/* SPDX-License-Identifier: MIT */
/* Inodes: finding one in its group's table, checking it, and turning it into attributes. */
#include "lib/errno.h"
#include "lib/string.h"
#include "vfs/ext2/ext2.h"
#include "vfs/stat_bits.h"

static const uint8_t *inode_address(struct ext2 *ext2, uint32_t number)
{
	uint32_t group_number = (number - 1) / ext2->inodes_per_group;
	uint32_t index = (number - 1) % ext2->inodes_per_group;
	struct ext2_group group;

	memcpy(&group, ext2->image + (uint64_t)(ext2->first_data_block + 1) * ext2->block_size + group_number * sizeof(group), sizeof(group));
	return ext2->image + (uint64_t)group.inode_table * ext2->block_size + (uint64_t)index * ext2->inode_size;
}

static int check_size(struct ext2 *ext2, const struct ext2_inode *inode)
{
	if (S_ISREG(inode->disk.mode) && inode->size > ext2->max_file_size)
		return ext2_corrupt(ext2, "inode %u: size %llu, expected at most %llu", inode->number, (unsigned long long)inode->size,
				    (unsigned long long)ext2->max_file_size);
	if (S_ISDIR(inode->disk.mode) && (!inode->size || inode->size % ext2->block_size ||
					  inode->size / ext2->block_size > ext2->blocks_count))
		return ext2_corrupt(ext2, "directory inode %u: size %llu, expected a multiple of %u within the image", inode->number,
				    (unsigned long long)inode->size, ext2->block_size);
	if (S_ISLNK(inode->disk.mode) && (!inode->size || inode->size >= PAGE_SIZE))
		return ext2_corrupt(ext2, "symlink inode %u: length %llu, expected 1 to 4095", inode->number,
				    (unsigned long long)inode->size);
	return 0;
}

static int check_inode(struct ext2 *ext2, const struct ext2_inode *inode)
{
	const uint32_t strange = EXT2_FLAG_COMPRESSED | EXT2_FLAG_ENCRYPTED | EXT2_FLAG_EXTENTS | EXT2_FLAG_INLINE_DATA;
	uint16_t mode = inode->disk.mode;

	if (!inode->disk.links)
		return ext2_corrupt(ext2, "inode %u is in use by a directory but has no links", inode->number);
	if (!S_ISREG(mode) && !S_ISDIR(mode) && !S_ISLNK(mode) && !S_ISCHR(mode) && !S_ISBLK(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
		return ext2_corrupt(ext2, "inode %u: mode 0%o has no known file type", inode->number, mode);
	if (inode->disk.flags & strange)
		return ext2_corrupt(ext2, "inode %u: flags 0x%x ask for compression, encryption, extents or inline data", inode->number,
				    inode->disk.flags & strange);
	return check_size(ext2, inode);
}

int ext2_read_inode(struct ext2 *ext2, uint64_t number, struct ext2_inode *inode)
{
	size_t len = MIN((size_t)ext2->inode_size, sizeof(inode->disk));

	if (number < 1 || number > ext2->inodes_count)
		return ext2_corrupt(ext2, "inode number %llu, expected 1 to %u", (unsigned long long)number, ext2->inodes_count);
	memset(inode, 0, sizeof(*inode));
	inode->number = number;
	memcpy(&inode->disk, inode_address(ext2, number), len);
	inode->size = inode->disk.size;
	if (ext2->revision && S_ISREG(inode->disk.mode))
		inode->size |= (uint64_t)inode->disk.size_high << 32;
	return check_inode(ext2, inode);
}

/* Seconds since 1970 and, if the inode is large enough for it, two more bits of seconds and the nanoseconds. */
static int64_t inode_time(const struct ext2_inode *inode, uint32_t seconds, size_t extra_offset, uint32_t extra)
{
	int64_t time = (int32_t)seconds;
	uint32_t ns = 0;

	if (inode->disk.extra_size >= extra_offset + 4 - EXT2_OLD_INODE_SIZE) {
		time += (int64_t)(extra & 3) << 32;
		ns = extra >> 2;
	}
	/* What would not fit into 64 bits of nanoseconds (the year 2262) is shown as the epoch. */
	if (ns >= 1000000000 || time > INT64_MAX / 1000000000 - 1)
		return 0;
	return time * 1000000000 + ns;
}

static uint64_t inode_sectors(const struct ext2_inode *inode, const struct ext2 *ext2)
{
	uint64_t sectors = inode->disk.sectors;

	if (inode->disk.flags & EXT2_FLAG_HUGE_FILE)
		sectors = (sectors | (uint64_t)inode->disk.sectors_high << 32) * (ext2->block_size / 512);
	return sectors;
}

void ext2_inode_attr(struct ext2 *ext2, const struct ext2_inode *inode, struct fs_attr *attr)
{
	const struct ext2_disk_inode *disk = &inode->disk;

	memset(attr, 0, sizeof(*attr));
	attr->node.id = inode->number;
	attr->node.generation = disk->generation;
	attr->mode = disk->mode;
	attr->links = disk->links;
	attr->uid = disk->uid | (uint32_t)disk->uid_high << 16;
	attr->gid = disk->gid | (uint32_t)disk->gid_high << 16;
	if (S_ISCHR(disk->mode) || S_ISBLK(disk->mode))
		attr->rdev = disk->block[0] ? disk->block[0] & 0xffff : disk->block[1];
	attr->size = S_ISREG(disk->mode) || S_ISDIR(disk->mode) || S_ISLNK(disk->mode) ? inode->size : 0;
	attr->blocks = inode_sectors(inode, ext2);
	attr->atime = inode_time(inode, disk->atime, offsetof(struct ext2_disk_inode, atime_extra), disk->atime_extra);
	attr->mtime = inode_time(inode, disk->mtime, offsetof(struct ext2_disk_inode, mtime_extra), disk->mtime_extra);
	attr->ctime = inode_time(inode, disk->ctime, offsetof(struct ext2_disk_inode, ctime_extra), disk->ctime_extra);
	attr->btime = attr->ctime;
	if (disk->extra_size >= offsetof(struct ext2_disk_inode, btime_extra) + 4 - EXT2_OLD_INODE_SIZE)
		attr->btime = inode_time(inode, disk->btime, offsetof(struct ext2_disk_inode, btime_extra), disk->btime_extra);
}
