/* SPDX-License-Identifier: MIT */
/*
 * The metadata blocks of one mounted file system: cached, changed by commits as a whole, and written back in an order after which any cut can be mended.
 * README.md has the rules of the order. File data never comes here.
 *
 * Everything may sleep. Nothing a commit says is trusted.
 */
#pragma once

#include "lib/types.h"

struct block_cache;
struct disk;

enum block_change_kind {
	BLOCK_COPY,		/* @len bytes at @offset become @data */
	BLOCK_SET_BITS,		/* @len bits from bit @offset on */
	BLOCK_CLEAR_BITS,
	BLOCK_FRESH,		/* the block was free: it begins as zeroes. Comes before its other changes, and is not late */
	BLOCK_FORGET,		/* @len blocks from @block on are freed: what was cached of them is not written any more */
	BLOCK_NEW_DATA,		/* @len blocks from @block on hold file data from now on, which is written before the mapping */
	BLOCK_CHANGE_KINDS,
};

enum block_change_flags {
	BLOCK_FIRST = 1,	/* the block is written before those that are not; those that were fresh are, too */
	BLOCK_LATE = 2,		/* this change is written after all that is not late */
	BLOCK_SETTLED = 4,	/* if the block is fresh in the open group, another group begins */
	BLOCK_CHANGE_FLAGS = 7,
};

/* Laid out as programs have it (struct fs_change). */
struct block_change {
	uint64_t block;
	const void *data;	/* BLOCK_COPY */
	uint32_t offset, len;
	uint8_t kind, flags;
	uint8_t unused[6];
};

/* A changed block, and the generation that it had when it was read; 0: it was not cached, and is fresh. */
struct block_base { uint64_t block, generation; };

enum block_commit_flags {
	BLOCK_FINAL = 1,		/* the request is answered with this; without it more commits follow for it */
	BLOCK_BOUNDARY_BEFORE = 2,	/* a group of commits ends before this one, */
	BLOCK_BOUNDARY_AFTER = 4,	/* or with it */
	BLOCK_COMMIT_FLAGS = 7,
};

enum { BLOCK_COMMIT_BASES = 64, BLOCK_COMMIT_CHANGES = 256, BLOCK_COMMIT_BYTES = 256 << 10 };

struct block_commit {
	const struct block_base *bases;
	const struct block_change *changes;
	unsigned base_count, change_count, flags;
	uint64_t *generations;		/* if not NULL: becomes what each base has afterwards, 0 if it was forgotten; only when the commit happens */
	uint32_t *open_group;		/* if not NULL: becomes block_open_group() afterwards */
	uint32_t group;			/* unless 0: the group that must still be open, and take this */
	const void *answer;		/* for the caller of the request; BLOCK_FINAL only */
	size_t answer_len;
	uint64_t concerns;		/* block_concern() of whose changes these are, which answer_request may set; 0: everybody's */
	/*
	 * Asked when all is checked and reserved, with the cache locked. 0: the request is still the server's, with BLOCK_FINAL it is answered now, and the
	 * commit happens. An error: it does not, and that is what block_commit returns. Must not sleep; may take locks that come after block_cache.
	 */
	int (*answer_request)(void *context, const struct block_commit *commit);
	void *context;
};

/*
 * What a file system's owner does for write-back. Called without a lock by who writes back; may sleep, but must not wait for anything that waits for a
 * server: a server's commit may be waiting for this.
 */
struct block_cache_ops {
	/*
	 * Begins writing the file data of @count blocks from @block on, as far as they are new data of this @group (block_data_group), and zeroes for
	 * the rest: those have no data yet, or have been freed since, and what they belong to now is written with a later group.
	 */
	void (*write_data)(void *context, uint64_t block, uint64_t count, uint64_t group);
	/* Waits until what was begun is on the disk (no flush). 0 or a negative errno. */
	int (*wait_data)(void *context);
	/* For block_sync: writes all dirty pages of the file system, and waits. 0 or a negative errno. */
	int (*write_pages)(void *context);
};

enum block_cache_flags {
	BLOCK_CACHE_UNORDERED = 1,	/* for tests that must be able to fail: writes in any order, and flushes only at the end */
};

struct block_cache_options {
	unsigned max_blocks;		/* cached at most; half of them may be dirty; at least 4 * BLOCK_COMMIT_BASES */
	uint64_t age_ns;		/* a change is written back after that time */
	unsigned flags;
	const struct block_cache_ops *ops;	/* NULL: no file data */
	void *context;
};

/*
 * Caches @block_count blocks of @block_size bytes (1024, 2048, 4096, at least a sector) from sector @first_sector on. @disk has to outlive it. -EINVAL
 * or -ENOMEM.
 */
int block_cache_create(struct disk *disk, uint64_t first_sector, uint64_t block_count, unsigned block_size, const struct block_cache_options *options,
		       struct block_cache **cache);
/* Nobody uses it any more. What is not on the disk is lost: block_sync before, and look at what it says. */
void block_cache_destroy(struct block_cache *cache);

/*
 * Copies block @number as it is, read from the disk if it is not cached, and its generation. The generation changes with each commit that changes the block,
 * and is never that of another time or block. If the block has late changes of the open group, and @early is not NULL, what it is without them is copied
 * there, and 1 returned. Else 0, -EINVAL, -ENOMEM, or -EIO.
 */
int block_read(struct block_cache *cache, uint64_t number, void *data, void *early, uint64_t *generation);
/* The generation to base a fresh block on: what it has if it is cached, else 0. Nothing is read. */
uint64_t block_generation(struct block_cache *cache, uint64_t number);
/* Drops every clean block; returns how many. */
unsigned block_cache_drop(struct block_cache *cache);

/*
 * The number of the open group, or of the one that the next commit opens; never 0, and from a random start, so that one that was kept on the disk is
 * hardly ever met again. It may end at any time: that a commit relies on it, block_commit.group says.
 */
uint32_t block_open_group(struct block_cache *cache);

/*
 * Applies a commit as a whole or not at all. *@number becomes its number, one more than the last one's. Waits while too much is dirty, and runs the
 * shrinkers when memory is short; no lock is held. 0, -ESTALE (a base or the group is not current), -EINVAL (malformed), -ENOMEM, -ENOSPC (the disk has no
 * memory for it), -EIO (too much is dirty and cannot be written), or what answer_request said.
 */
int block_commit(struct block_cache *cache, const struct block_commit *commit, uint64_t *number);

/* What a waiter has heard of: an open file, or the file system as a whole. */
struct block_error_mark {
	uint64_t heard;		/* errors up to this one */
	uint64_t first_commit;	/* errors of commits before this one are not its affair */
	uint64_t concerns;	/* nor those of others' commits; 0: everybody's are */
};
/* Some have the same, and hear of each other's errors. */
static inline uint64_t block_concern(uint64_t id)
{
	return 1ull << id % 63;
}
/* Of changes that are no file's: only who hears of everybody's errors hears of theirs. */
#define BLOCK_CONCERNS_NO_FILE (1ull << 63)
/* From now on. */
void block_error_mark_init(struct block_cache *cache, struct block_error_mark *mark);

/*
 * All commits up to number @commit are on the disk, and whatever was written to it before the call. The caller has written its pages. Returns an error of
 * these commits that @mark has not heard of, once; -EIO as long as they are not on the disk.
 */
int block_sync_until(struct block_cache *cache, struct block_error_mark *mark, uint64_t commit);
/* The same for all there is, pages included. */
int block_sync(struct block_cache *cache, struct block_error_mark *mark);

/* Is one of these blocks new data whose mapping is not yet being written? Then only write_data may write to it. */
bool block_data_pending(struct block_cache *cache, uint64_t block, uint64_t count);

/* The number of the group, not yet written, that has @block as new data, the newest if there are several; 0: none. To be asked when the block was mapped. */
uint64_t block_data_group(struct block_cache *cache, uint64_t block);
/* The same for as many of @count blocks from @block on as it holds for: *@run, at least one. */
uint64_t block_data_run(struct block_cache *cache, uint64_t block, uint64_t count, uint64_t *run);

/* The thread that writes back what is old or too much. -ENOMEM. block_cache_destroy ends it. */
int block_cache_start_thread(struct block_cache *cache);

struct block_cache_stats {
	uint64_t cached, dirty;		/* blocks; dirty counts each for every group that has it, and runs of new data, and groups */
	uint64_t hits, reads, commits, stale, refused, groups, blocks_written, flushes, errors;
};
void block_cache_get_stats(struct block_cache *cache, struct block_cache_stats *stats);
