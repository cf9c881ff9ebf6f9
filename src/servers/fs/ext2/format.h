/* SPDX-License-Identifier: MIT */
/*
 * The on-disk structures of ext2, revisions 0 and 1 (Dave Poirier, "The Second Extended File System"; what is beyond 128 bytes of an inode is
 * described in Linux's Documentation/filesystems/ext4). Little-endian, as is every machine this system runs on.
 */
#ifndef EXT2_FORMAT_H
#define EXT2_FORMAT_H

#include <stddef.h>
#include <stdint.h>

enum {
	EXT2_SUPER_OFFSET = 1024,
	EXT2_SUPER_SIZE = 1024,
	EXT2_SUPER_KEPT = 1004,	/* in the superblock, without meaning to others: struct ext2_kept of each name that a rename keeps elsewhere */
	EXT2_KEPT = 2,
	EXT2_MAGIC = 0xef53,
	EXT2_ROOT = 2,
	EXT2_OLD_FIRST_INODE = 11,
	EXT2_OLD_INODE_SIZE = 128,
	EXT2_DIRECT = 12,
	EXT2_SLOTS = 15,	/* direct, then single, double and triple indirect */
	EXT2_NAME_MAX = 255,
	EXT2_LINK_MAX = 32000,
	EXT2_ENTRY_HEADER = 8,
	EXT2_XATTR_MAGIC = 0xea020000u,
};

enum ext2_state { EXT2_STATE_VALID = 1, EXT2_STATE_ERRORS = 2 };
enum ext2_incompat { EXT2_INCOMPAT_FILETYPE = 0x2 };
enum ext2_ro_compat { EXT2_RO_SPARSE_SUPER = 0x1, EXT2_RO_LARGE_FILE = 0x2 };

enum ext2_inode_flags {
	EXT2_FLAG_COMPRESSED = 0x4,
	EXT2_FLAG_IMMUTABLE = 0x10,
	EXT2_FLAG_APPEND = 0x20,
	EXT2_FLAG_ENCRYPTED = 0x800,
	EXT2_FLAG_INDEX = 0x1000,
	EXT2_FLAG_HUGE_FILE = 0x40000,
	EXT2_FLAG_EXTENTS = 0x80000,
	EXT2_FLAG_EA_INODE = 0x200000,
	EXT2_FLAG_INLINE_DATA = 0x10000000,
};

struct ext2_super {
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
	char label[16], last_mounted[64];
	uint32_t compression;
	uint8_t prealloc_blocks, prealloc_directory_blocks;
	uint16_t reserved_descriptors;	/* blocks after the descriptors, kept for growth */
	uint8_t journal_uuid[16];
	uint32_t journal_inode, journal_device;
	uint32_t last_orphan;
	uint32_t hash_seed[4];
	uint8_t hash_version, journal_backup;
	uint16_t descriptor_size;
	uint32_t mount_options, first_meta_group, made_time, journal_blocks[17];
	uint32_t blocks_count_high, reserved_high, free_high;
	uint16_t min_extra_size, want_extra_size;
};
_Static_assert(offsetof(struct ext2_super, last_orphan) == 232 && offsetof(struct ext2_super, min_extra_size) == 348, "layout of the superblock");

struct ext2_kept { uint32_t dir, inode; };

struct ext2_group {
	uint32_t block_bitmap, inode_bitmap, inode_table;
	uint16_t free_blocks, free_inodes, used_directories;
	uint16_t reserved[7];
};
_Static_assert(sizeof(struct ext2_group) == 32, "layout of a group descriptor");

struct ext2_disk_inode {
	uint16_t mode, uid;
	uint32_t size;
	uint32_t atime, ctime, mtime;
	uint32_t dtime;		/* of an orphan: the next one */
	uint16_t gid, links;
	uint32_t sectors;	/* of 512 bytes, indirect blocks and that of extended attributes included */
	uint32_t flags;
	uint32_t born;		/* the group of commits that made it; without meaning to others (osd1) */
	uint32_t block[EXT2_SLOTS];
	uint32_t generation, file_acl;
	uint32_t size_high;	/* of regular files */
	uint32_t fragment;
	uint16_t sectors_high, acl_high, uid_high, gid_high, checksum, reserved;
	/* From here on only when inode_size > 128 and extra_size says so. */
	uint16_t extra_size, checksum_high;
	uint32_t ctime_extra, mtime_extra, atime_extra, btime, btime_extra;
};
_Static_assert(offsetof(struct ext2_disk_inode, extra_size) == EXT2_OLD_INODE_SIZE, "layout of an inode");
enum { EXT2_EXTRA_SIZE = sizeof(struct ext2_disk_inode) - EXT2_OLD_INODE_SIZE };

struct __attribute__((may_alias)) ext2_entry {
	uint32_t inode;
	uint16_t record_len;
	uint8_t name_len;
	uint8_t type;	/* with EXT2_INCOMPAT_FILETYPE; else the high byte of the name's length */
};
_Static_assert(sizeof(struct ext2_entry) == EXT2_ENTRY_HEADER, "layout of a directory entry");

struct ext2_xattr_header { uint32_t magic, references, blocks, hash, reserved[4]; };

#endif
