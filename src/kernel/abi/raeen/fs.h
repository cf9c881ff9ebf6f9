/* SPDX-License-Identifier: MIT */
/*
 * What a file system in a server does with the blocks of its disk. The kernel mounts the file system behind a port, and knows its disk; the receiver of
 * that port reads and changes blocks with the calls below, for which the handle with RECV is all that is needed. The kernel caches the blocks, and they
 * outlive the server. How they are written back: src/kernel/block/README.md.
 *
 * All: -EBADF (no handle with RECV to a port), -ENOTCONN (no file system with a disk is mounted from it), -ESTALE (another instance has taken over), -EFAULT.
 *
 * SYS_fs_disk(port, struct fs_disk_info *) tells about the disk.
 * SYS_fs_disk_read(port, offset, bytes, length): bytes of the disk as they are now, at most 4 KiB. -EINVAL (beyond the end), -EIO.
 * SYS_fs_set_blocks(port, block size, blocks): before any block is read. The same again does nothing; -EBUSY for others, -EINVAL.
 * SYS_fs_block_read(port, block, struct fs_block *): a block and its generation. -EINVAL, -EIO, -ENOMEM.
 * SYS_fs_commit(port, struct fs_commit *): changes blocks as a whole or not at all, and answers a call. -ESTALE: a base or the group is not current any
 *	more, read again; -ENOENT: the caller has given up; -EINVAL, -ENOMEM, -ENOSPC, -EIO. Waits while too much is to be written.
 */
#pragma once

#ifdef __KERNEL__
#include "lib/types.h"
#else
#include <stdint.h>
#endif

struct fs_disk_info {
	uint64_t size;			/* bytes */
	uint64_t blocks;		/* as SYS_fs_set_blocks said; 0: not yet */
	uint32_t block_size;
	uint32_t sector_size;
	uint32_t group;			/* the open group of commits; 0: no block size yet */
	uint32_t started;		/* 1: it is mounted and in use, as an instance that died left it */
};

struct fs_block {
	uint64_t data, early;		/* where to: a block each; 0: only the generation is wanted */
	/* Filled. */
	uint64_t generation;		/* 0: not cached (only where no data was wanted) */
	uint32_t group;			/* the open group */
	/* 1: early is what the block is without the late changes of the open group; 0: it was not written, as it would be data. */
	uint32_t has_early;
};

enum fs_change_kind { FS_COPY, FS_SET_BITS, FS_CLEAR_BITS, FS_FRESH, FS_FORGET, FS_NEW_DATA };
enum fs_change_flags { FS_FIRST = 1, FS_LATE = 2, FS_SETTLED = 4 };

/* What kinds and flags mean: src/kernel/block/block_cache.h. */
struct fs_change {
	uint64_t block;
	uint64_t data;			/* FS_COPY: from where */
	uint32_t offset, length;
	uint8_t kind, flags;
	uint8_t reserved[6];		/* 0 */
};

struct fs_base { uint64_t block, generation; };

enum fs_commit_flags { FS_FINAL = 1, FS_BOUNDARY_BEFORE = 2, FS_BOUNDARY_AFTER = 4 };

enum { FS_COMMIT_BASES_MAX = 64, FS_COMMIT_CHANGES_MAX = 256, FS_COMMIT_BYTES_MAX = 256 << 10 };

struct fs_commit {
	uint64_t token;			/* of the call that this is done for; 0: of none (no FS_FINAL) */
	uint64_t bases, changes;	/* where they are */
	uint64_t generations;		/* where to: those of the bases afterwards, 0 of what was forgotten */
	uint64_t answer;		/* FS_FINAL: the payload of the answer, whose type is 0 */
	uint32_t base_count, change_count;
	uint32_t answer_length;
	uint32_t flags;
	uint32_t group;			/* unless 0: must still be open */
	uint32_t open_group;		/* filled: which is open afterwards */
	uint64_t free_blocks;		/* that the file system has for ordinary users then; UINT64_MAX: not known */
};
