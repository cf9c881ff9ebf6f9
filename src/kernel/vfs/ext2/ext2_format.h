/* SPDX-License-Identifier: MIT */
/*
 * The on-disk structures of ext2, revisions 0 and 1 (Dave Poirier, "The Second Extended File System"; the fields beyond 128 bytes of an
 * inode are those of Linux's Documentation/filesystems/ext4). Little-endian, as is every machine this kernel runs on.
 */
#pragma once

#include "lib/types.h"

enum {
	EXT2_SUPERBLOCK_OFFSET = 1024,
	EXT2_SUPERBLOCK_SIZE = 1024,
	EXT2_MAGIC = 0xef53,
	EXT2_ROOT_INODE = 2,
	EXT2_OLD_INODE_SIZE = 128,
	EXT2_DIRECT_BLOCKS = 12,
	EXT2_BLOCK_SLOTS = 15,		/* direct, then single, double and triple indirect */
	EXT2_NAME_MAX = 255,
	EXT2_DIRENT_HEADER = 8,
};

enum ext2_incompat { EXT2_INCOMPAT_FILETYPE = 0x2 };
enum ext2_ro_compat { EXT2_RO_COMPAT_LARGE_FILE = 0x2, EXT2_RO_COMPAT_HUGE_FILE = 0x8 };

/* Inode flags that change where the data is. */
enum ext2_inode_flags {
	EXT2_FLAG_COMPRESSED = 0x4,
	EXT2_FLAG_ENCRYPTED = 0x800,
	EXT2_FLAG_HUGE_FILE = 0x40000,
	EXT2_FLAG_EXTENTS = 0x80000,
	EXT2_FLAG_INLINE_DATA = 0x10000000,
};

struct ext2_superblock {
	uint32_t inodes_count, blocks_count, reserved_blocks, free_blocks, free_inodes;
	uint32_t first_data_block;
	uint32_t log_block_size;	/* block size is 1024 << this */
	uint32_t log_fragment_size;
	uint32_t blocks_per_group, fragments_per_group, inodes_per_group;
	uint32_t mount_time, write_time;
	uint16_t mount_count, max_mount_count;
	uint16_t magic, state, errors, minor_revision;
	uint32_t last_check, check_interval, creator_os, revision;
	uint16_t reserved_uid, reserved_gid;
	/* Revision 1 only. */
	uint32_t first_inode;
	uint16_t inode_size, block_group;
	uint32_t compat, incompat, ro_compat;
	uint8_t uuid[16];
};
_Static_assert(sizeof(struct ext2_superblock) == 120, "layout of the superblock");

struct ext2_group {
	uint32_t block_bitmap, inode_bitmap, inode_table;
	uint16_t free_blocks, free_inodes, used_directories;
	uint16_t reserved[7];
};
_Static_assert(sizeof(struct ext2_group) == 32, "layout of a group descriptor");

struct ext2_disk_inode {
	uint16_t mode, uid;
	uint32_t size;
	uint32_t atime, ctime, mtime, dtime;
	uint16_t gid, links;
	uint32_t sectors;	/* of 512 bytes, indirect blocks included */
	uint32_t flags, os1;
	uint32_t block[EXT2_BLOCK_SLOTS];
	uint32_t generation, file_acl;
	uint32_t size_high;	/* of regular files */
	uint32_t fragment;
	uint16_t sectors_high, acl_high, uid_high, gid_high, checksum, reserved;
	/* From here on only when inode_size > 128 and extra_size says so. */
	uint16_t extra_size, checksum_high;
	uint32_t ctime_extra, mtime_extra, atime_extra, btime, btime_extra;
};
_Static_assert(offsetof(struct ext2_disk_inode, extra_size) == 128, "layout of an inode");

struct ext2_dirent_header {
	uint32_t inode;
	uint16_t record_len;
	uint8_t name_len;
	uint8_t type;	/* with EXT2_INCOMPAT_FILETYPE; else the high byte of the name's length */
};
_Static_assert(sizeof(struct ext2_dirent_header) == EXT2_DIRENT_HEADER, "layout of a directory entry");
