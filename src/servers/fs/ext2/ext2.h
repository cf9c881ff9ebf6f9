/* SPDX-License-Identifier: MIT */
/*
 * ext2 as a library: what the file-system server does, without its wire. It sees metadata blocks only, through struct ext2_io, and keeps nothing
 * but what they are in a generation and the geometry read at mount: an instance that dies between any two instructions loses nothing.
 *
 * Each operation works on one open transaction of its file system. It either returns a negative errno and has changed nothing, or 0 (or a count),
 * and ext2_commit hands all its changes over at once together with the answer; EXT2_MORE asks for a commit that does not answer yet, and to be
 * called again with the same arguments. ext2_run does all that. One thread; nothing here allocates memory or blocks, but for the calls of ext2_io.
 *
 * Names are not NUL-terminated, 1 to 255 bytes without '/' and NUL, never "." or "..": checked. Nothing from the disk is trusted; what is wrong there
 * gives -EUCLEAN and a line in the log.
 */
#ifndef EXT2_H
#define EXT2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EXT2_MORE = 1 << 20 };

/* How a change is written back; README.md has the rules. */
enum ext2_change_kind {
	EXT2_COPY,		/* @len bytes at @offset become @data */
	EXT2_SET_BITS,		/* @len bits from bit @offset of a bitmap */
	EXT2_CLEAR_BITS,	/* the same */
	EXT2_FRESH,		/* the block was free: it begins as zeroes */
	EXT2_FORGET,		/* @len blocks from @block are freed: what is cached of them, also data that the open group has, is not written any more */
	EXT2_NEW_DATA,		/* @len blocks from @block now hold file data, which is written (or zeroes are) with what comes first */
};

enum ext2_change_flags {
	EXT2_FIRST = 1,		/* the block is written before those that are not */
	EXT2_LATE = 2,		/* this change is written after all that is not late */
	EXT2_SETTLED = 4,	/* the block must not be fresh in the open group: begin a new one if it is */
};

/* This and struct ext2_base are as the kernel has them (blocks.c). */
struct ext2_change {
	uint64_t block;
	const uint8_t *data;	/* EXT2_COPY; valid during the call */
	uint32_t offset, len;
	uint8_t kind, flags;
	uint8_t reserved[6];	/* 0 */
};

/* The generation that a changed block had when it was read. */
struct ext2_base { uint64_t block, generation; };

enum ext2_commit_flags {
	EXT2_FINAL = 1,			/* the request is answered with this */
	EXT2_BOUNDARY_BEFORE = 2,	/* a group of commits ends before this one, */
	EXT2_BOUNDARY_AFTER = 4,	/* or with it */
};

struct ext2_commit {
	const struct ext2_change *changes;
	const struct ext2_base *bases;
	unsigned change_count, base_count, flags;
	uint32_t group;		/* unless 0: the group that must still be open, else -ESTALE */
	uint64_t free_blocks;	/* that anybody may have afterwards */
	const void *answer;
	size_t answer_len;
	uint64_t *generations;	/* filled where they are known: those of the bases afterwards */
};

/* Where a block goes. */
struct ext2_image {
	uint8_t *data;		/* NULL: only the generation is wanted */
	uint8_t *early;		/* what it looks like without the late changes of the open group of commits, */
	bool has_early;		/* filled: if that is something else */
	uint64_t generation;	/* filled */
};

/* Where the blocks are. Errors are negative errno values. */
struct ext2_io {
	uint64_t size;		/* of the disk, in bytes */
	uint32_t block_size;	/* set by ext2_mount before the first get */
	/*
	 * The number of the open group. New inodes are marked with it, so it must not be one that was used for this disk before, as far as can be had:
	 * counted from a random start, never 0.
	 */
	uint32_t group;
	/* Bytes of the disk, before the block size is known. */
	int (*read)(struct ext2_io *io, uint64_t offset, void *bytes, size_t len);
	/* Reads a block. @group may be another one then. */
	int (*get)(struct ext2_io *io, uint32_t block, struct ext2_image *image);
	/* All or nothing. -ESTALE: a base is not current any more. */
	int (*commit)(struct ext2_io *io, const struct ext2_commit *commit);
	void (*log)(struct ext2_io *io, const char *text);
};

struct ext2;

/* Bytes that ext2_mount needs for a file system of this block size, or of any that is supported (0). */
size_t ext2_memory(uint32_t block_size);

enum ext2_mount_flags {
	EXT2_READ_ONLY = 1,
	EXT2_ADOPT = 2,		/* the blocks come from an instance that died: not a mount for the disk, and the orphans are in use */
};

/*
 * Checks superblock and group descriptors and makes *@fs in @memory, ext2_memory() bytes that stay the caller's, aligned for any type. Then ext2_start
 * has to be run unless it is to be read only. Returns 0, -EINVAL (no ext2), -EOPNOTSUPP (features unknown, named in the log), -ENOMEM, or the disk's error.
 */
int ext2_mount(struct ext2_io *io, void *memory, size_t size, unsigned flags, struct ext2 **fs);
/* Unknown read-only-compatible features and disks that end early make it true although writing was asked for. */
bool ext2_is_read_only(const struct ext2 *fs);
bool ext2_was_clean(const struct ext2 *fs);

struct ext2_txn;
struct ext2_txn *ext2_begin(struct ext2 *fs, bool boundary);
void ext2_abort(struct ext2_txn *txn);
/* Also ends the transaction when it fails. 0, -ESTALE (begin again), or the commit's error. */
int ext2_commit(struct ext2_txn *txn, unsigned flags, const void *answer, size_t answer_len);

/* Runs an operation to its end, with a new group where space was freed too recently, and again when it was overtaken. Returns what @operation does. */
typedef int ext2_operation(struct ext2_txn *txn, void *arguments);
int ext2_run(struct ext2 *fs, ext2_operation *operation, void *arguments, const void *answer, size_t answer_len);

struct ext2_node { uint32_t id, generation; };

struct ext2_attr {
	struct ext2_node node;
	uint32_t mode, links, uid, gid;
	uint64_t rdev;		/* Linux's encoded dev_t */
	uint64_t size, blocks;	/* bytes; units of 512 bytes */
	int64_t atime, mtime, ctime, btime;	/* ns since 1970 */
};

struct ext2_name { const char *bytes; size_t len; };

int ext2_lookup(struct ext2_txn *txn, struct ext2_node dir, struct ext2_name name, struct ext2_attr *out);
int ext2_getattr(struct ext2_txn *txn, struct ext2_node node, struct ext2_attr *out);

enum ext2_attr_mask { EXT2_MODE = 1, EXT2_UID = 2, EXT2_GID = 4, EXT2_SIZE = 8, EXT2_ATIME = 16, EXT2_MTIME = 32, EXT2_CTIME = 64 };
/* EXT2_SIZE only for regular files: blocks beyond the new end are freed from the end on, in several commits if they are many. */
int ext2_setattr(struct ext2_txn *txn, struct ext2_node node, unsigned mask, const struct ext2_attr *in, struct ext2_attr *out);

struct ext2_new {
	struct ext2_node dir;
	struct ext2_name name;
	uint32_t mode, uid, gid;	/* the mode's type says what is made */
	uint64_t rdev;			/* of device nodes */
	struct ext2_name target;	/* of symlinks, 1 to min(4095, block size - 1) bytes */
	int64_t time;
};
/* A file, directory, device node, FIFO, socket or symlink. -EEXIST, -ENOSPC, -EMLINK, -ENAMETOOLONG, -ENOENT (the directory was removed). */
int ext2_create(struct ext2_txn *txn, const struct ext2_new *new, struct ext2_attr *out);
int ext2_link(struct ext2_txn *txn, struct ext2_node node, struct ext2_node dir, struct ext2_name name, int64_t time, struct ext2_attr *out);

enum ext2_remove_flags {
	EXT2_DIRECTORY = 1,	/* rmdir, else unlink */
	EXT2_KEEP = 2,		/* somebody has it open, unless it is inode @out->unused */
};
/* What was removed. With @to_release the inode lives on as an orphan until ext2_release. */
struct ext2_removed { struct ext2_attr attr; bool to_release; uint64_t unused; };
int ext2_remove(struct ext2_txn *txn, struct ext2_node dir, struct ext2_name name, unsigned flags, int64_t time, struct ext2_removed *out);
/* The last user of an inode without names is gone. 0 too when it has names, or is not there any more. May return EXT2_MORE many times. */
int ext2_release(struct ext2_txn *txn, struct ext2_node node);

enum ext2_rename_flags { EXT2_NOREPLACE = 1, EXT2_EXCHANGE = 2, EXT2_KEEP_TARGET = 4 };
struct ext2_rename {
	struct ext2_node from_dir, to_dir;
	struct ext2_name from, to;
	unsigned flags;
	int64_t time;
};
/* @out: what was replaced, if attr.node.id is not 0. */
int ext2_rename(struct ext2_txn *txn, const struct ext2_rename *rename, struct ext2_removed *out);
/*
 * A rename may keep a name elsewhere by a commit before its last one. When that one does not come, as nobody waits for it any more or it failed, this takes
 * the name away, before anything but the same rename is run; after a death, too. May return EXT2_MORE. @but: NULL, for rename.c.
 */
struct ext2_kept;
int ext2_forget_kept(struct ext2_txn *txn, const struct ext2_kept *but);
/* Is there anything for it to do, perhaps? */
bool ext2_may_have_kept(const struct ext2 *fs);

/* At most @size bytes of a symlink's target. Returns the length. */
int ext2_readlink(struct ext2_txn *txn, struct ext2_node node, char *target, size_t size);

/* An entry as it lies in the directory; the name is valid during the call. */
struct ext2_seen {
	uint32_t id;
	uint8_t type;		/* DT_* */
	uint8_t name_len;
	const char *name;
	uint64_t next;		/* cookie of what comes after it */
};
/* Says whether it had room for it; if not, the listing ends before it. */
typedef bool ext2_take(void *context, const struct ext2_seen *entry);
/* Entries from @cookie on (0: the start) without "." and "..", one after the other. A cookie stays good while names come and go. */
int ext2_list(struct ext2_txn *txn, struct ext2_node dir, uint64_t cookie, ext2_take *take, void *context);

struct ext2_dirent {
	uint32_t id;
	uint8_t type;		/* DT_* */
	uint8_t name_len;
	char name[255];
	uint64_t next;		/* cookie of what comes after it */
};
/* The same, up to @max entries. Returns their number; 0 at the end. */
int ext2_readdir(struct ext2_txn *txn, struct ext2_node dir, uint64_t cookie, struct ext2_dirent *entries, unsigned max);

struct ext2_extent {
	uint64_t first;		/* block of the file */
	uint32_t count;
	uint32_t block;		/* on the disk; 0 for a hole */
	bool fresh;		/* just allocated: its old content must not be shown */
};
struct ext2_map {
	struct ext2_node node;
	uint64_t first, count;	/* blocks of the file */
	bool allocate;		/* fill holes, up to the end of the file or of @size */
	bool privileged;	/* may take what is reserved */
	uint64_t size;		/* with allocate: the file is at least so long afterwards; at most the end of what is asked for */
	int64_t time;		/* with allocate: of its change; 0: its times stay */
	/* Filled: of the file afterwards; units of 512 bytes. */
	uint64_t size_after, sectors_after;
};
/*
 * Extents from @map->first on, without gaps; fewer blocks than asked for when they do not fit, or one transaction or the disk is full (the next call goes
 * on, or fails). Returns their number, -ENOSPC, -EFBIG.
 */
int ext2_map(struct ext2_txn *txn, struct ext2_map *map, struct ext2_extent *extents, unsigned max);

struct ext2_statfs { uint32_t block_size, blocks, blocks_free, blocks_available, inodes, inodes_free; };
/* Nanoseconds between two times that new inodes can keep. */
uint32_t ext2_time_step(const struct ext2 *fs);
void ext2_statfs(const struct ext2 *fs, struct ext2_statfs *out);

/*
 * First transaction of who writes: marks the file system as in use, and frees orphans unless EXT2_ADOPT. May return EXT2_MORE.
 * -EUCLEAN: an orphan is broken; run again, it goes on without them.
 */
int ext2_start(struct ext2_txn *txn, int64_t time);
/*
 * For a disk that is larger than the file system, and all zeroes behind it: the file system becomes as large, as far as its descriptors reach. After
 * ext2_start, before anything else. May return EXT2_MORE. -EOPNOTSUPP: it cannot grow, the log says why.
 */
int ext2_grow(struct ext2_txn *txn);
/* ext2_run of it; where it fails the file system is as large as what was committed. */
int ext2_grow_all(struct ext2 *fs);
/* Writes the totals into the superblock. @clean: marks it as no longer in use, after what is left of orphans is gone. May return EXT2_MORE. */
int ext2_sync(struct ext2_txn *txn, int64_t time, bool clean);

#endif
