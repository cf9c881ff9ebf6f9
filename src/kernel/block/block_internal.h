/* SPDX-License-Identifier: MIT */
/*
 * Between block_cache.c (what is cached), commit.c and commit_check.c (how it changes), write_group.c (what is to be written) and write_back.c (writing it).
 *
 * A block's newest bytes are block->data. Once it is in a group that has been closed, these bytes are the group's, too, until it is written: whoever changes
 * the block makes a copy first, and the old bytes are the group's alone.
 */
#pragma once

#include "block/block_cache.h"
#include "block/disk.h"
#include "mm/page_tree.h"
#include "sync/mutex.h"

enum write_phase { PHASE_FIRST, PHASE_REST, PHASE_LATE, PHASE_COUNT };

/* What changes of a block are like, together. Each is early or late, so there are some if there is a mark. */
enum block_mark {
	MARK_FIRST = BLOCK_FIRST,	/* one says so, or is fresh */
	MARK_LATE = BLOCK_LATE,
	MARK_SETTLED = BLOCK_SETTLED,
	MARK_EARLY = 8,			/* one is not late */
	MARK_FRESH = 16,
};

/* A block's part in a group. */
struct write_entry {
	struct list link;		/* group->entries, or cache->failed */
	struct list block_link;		/* block->closed, or alone */
	struct block *block;		/* NULL: it was forgotten */
	uint64_t number;
	uint64_t first_commit, last_commit;	/* that changed it in this group */
	uint64_t concerns;		/* block_concern() of all of these */
	uint8_t *early;			/* bytes for PHASE_FIRST or PHASE_REST, NULL: none; once closed */
	uint8_t *late;			/* bytes for PHASE_LATE, NULL: none; once closed */
	uint8_t marks;			/* enum block_mark: what its changes were like, while open; MARK_FIRST always */
	bool failed;			/* what was last written of it did not get to the disk */
};

/* New file data, or blocks that were freed. */
struct data_extent {
	struct list link;
	uint64_t block, count;
};

struct write_group {
	struct list link;		/* cache->groups: closed ones, the oldest first */
	struct list entries, extents, freed;
	unsigned entry_count, extent_count;	/* extents: freed ones, too */
	uint64_t first_commit, last_commit;	/* of its entries: those that failed before may be older than the group */
	uint64_t opened_at;		/* ns */
	uint64_t sequence;		/* once closed: its number, cache->groups_closed then */
	unsigned phase;			/* the next one to write; only who writes back touches it */
};

struct block {
	uint64_t number;
	uint64_t generation;		/* 0 while it is being read */
	uint8_t *data;			/* NULL while it is being made fresh by a commit that is not yet sure */
	uint8_t *early;			/* without the open group's late changes; NULL: as data */
	struct write_entry *open;	/* its part in the open group */
	struct write_entry *shared;	/* the closed group's part that data belongs to as well */
	struct write_entry *retry;	/* in cache->failed */
	struct list closed;		/* write_entry.block_link: its parts in closed groups */
	struct list clean_link;		/* cache->clean, the one used last at the end; alone while dirty or being read */
	bool reading, forgotten;	/* forgotten: while it was being read, by whom it is freed */
};

/* A base of the commit under way. */
struct base_state {
	struct block *block;		/* NULL: not cached */
	uint8_t marks;			/* enum block_mark: of the commit's changes to it */
};

/* What is reserved for it before the commit happens; NULL between commits. */
struct block_spare {
	uint8_t *copy;			/* becomes data: it is shared, or fresh */
	uint8_t *early;			/* becomes early */
	struct write_entry *entry;
};

/* The commit under way. */
struct commit_state {
	struct base_state bases[BLOCK_COMMIT_BASES];
	struct block_spare spares[BLOCK_COMMIT_BASES];
	uint8_t change_base[BLOCK_COMMIT_CHANGES];	/* the base of each change */
	bool absent, stale;		/* some bases are not cached, as they say; or not current */
	bool needs_more;		/* some may need more than they have: a part in the open group, an early image */
	uint8_t all_marks;
	bool has_reserved;		/* something for a base; or some were taken from the list of clean blocks */
	unsigned first_range;		/* the first change that frees or adds blocks; change_count: none */
};

enum { WRITE_REQUESTS = 16, WRITE_SEGMENTS = 32, ERRORS_KEPT = 8, BLOCK_HINTS = 64 };

struct write_request {
	struct disk_request request;
	struct disk_segment segments[WRITE_SEGMENTS];
	struct write_entry *entries[WRITE_SEGMENTS];
	struct block_cache *cache;
	uint32_t busy;			/* atomic */
};

/* Commits @first to @last did not get to the disk. */
struct write_error {
	uint64_t sequence;
	uint64_t first, last, concerns;
	int error;
};

/* All is guarded by lock unless said otherwise. */
struct block_cache {
	struct mutex lock;
	struct disk *disk;		/* set once, as are those up to options */
	uint64_t first_sector, block_count;
	unsigned block_size, block_sectors;
	struct block_cache_options options;
	struct list all_link;		/* block_cache.c's list */
	struct wait_queue queue;	/* for blocks being read, for written commits, for requests */

	struct page_tree blocks;
	struct block *seen[BLOCK_HINTS];	/* by number: one of them; NULL */
	uint8_t base_hints[BLOCK_HINTS];	/* by number: which base of a commit it was, of this one or another */
	struct list clean;
	unsigned cached;

	uint64_t last_commit, written_commit;
	struct write_group *open;	/* NULL: nothing has changed since the last one was closed */
	struct list groups;
	uint64_t groups_closed, groups_finished;	/* how many, counted from a random number */
	struct list failed;		/* struct write_entry: not in the open group, to be written with the next one */
	unsigned dirty;			/* groups, their entries and extents, and failed ones */
	struct commit_state commit;
	struct list spare_extents;	/* reserved by the commit under way */
	struct write_group *spare_group;

	bool writing;			/* somebody writes back */
	bool held;			/* a flush failed: the oldest group waits for another try */
	uint64_t retry_at, retry_pause;	/* ns */
	uint64_t flush_started, flush_done;	/* numbers of flushes; done: of the last one that succeeded */
	uint64_t error_sequence;
	struct write_error errors[ERRORS_KEPT];	/* the newest last */
	unsigned error_count;
	struct write_request *requests;	/* WRITE_REQUESTS; who writes back uses them, without lock */

	bool thread_stop, thread_runs;	/* atomic */
	uint32_t thread_kicked;		/* atomic */
	uint64_t thread_wake;		/* ns: when the thread looks again at the latest */
	struct wait_queue thread_queue;

	struct block_cache_stats stats;
};

/* ---- block_cache.c; cache->lock held ---- */

/* The first of @count that follow each other. */
uint64_t block_next_generations(unsigned count);
struct block *block_find_slowly(struct block_cache *cache, uint64_t number);
/* The block if it is cached, or NULL. */
static inline struct block *block_find(struct block_cache *cache, uint64_t number)
{
	struct block *seen = cache->seen[number % BLOCK_HINTS];

	return likely(seen && seen->number == number) ? seen : block_find_slowly(cache, number);
}
static inline bool block_is_clean(const struct block *block)
{
	return !block->open && !block->retry && list_empty(&block->closed) && !block->reading;
}
/* It may have become clean, or has just been used: its place in the list of clean blocks. */
void block_touch(struct block_cache *cache, struct block *block);
/* A new block without bytes, in the tree, in no list. NULL when out of memory or the cache is full of dirty ones. */
struct block *block_make(struct block_cache *cache, uint64_t number);
/* Frees it and its bytes; it is in no group. */
void block_free(struct block_cache *cache, struct block *block);
/* Takes @block out of the cache whatever it is in. The bytes that closed groups still write stay theirs. */
void block_forget(struct block_cache *cache, struct block *block);
/* Sleeps until something of the cache has changed, without the lock. */
void block_cache_wait(struct block_cache *cache);

/* ---- commit_check.c; cache->lock held ---- */

/* What few commits need, out of the way of the others. */
#define RARE COLD __attribute__((noinline))

static inline bool block_is_range(const struct block_change *change)
{
	return change->kind == BLOCK_FORGET || change->kind == BLOCK_NEW_DATA;
}

static inline bool block_in_range(const struct block_change *range, uint64_t block)
{
	return block >= range->block && block - range->block < range->len;
}

/* Fills cache->commit. 0, -EINVAL or -ESTALE. When something is not cached the rest is taken from the list of clean blocks, and has_reserved is set. */
int block_check_commit(struct block_cache *cache, const struct block_commit *commit);

/* ---- write_group.c; cache->lock held ---- */

/* Ends the open group, if there is one; failed blocks go with it. Cannot fail. */
void write_group_close(struct block_cache *cache);
/* The same, and makes a group for failed blocks if there is no open one. */
void write_group_close_for_sync(struct block_cache *cache);
/* Its entries are on the disk, or have failed: gives back what it has. */
void write_group_finish(struct block_cache *cache, struct write_group *group);
/* An open group without commits, in no list, not yet counted as dirty. NULL when out of memory. */
struct write_group *write_group_make(struct block_cache *cache);
void write_entry_drop(struct block_cache *cache, struct write_entry *entry);
/* Adds and removes new data of the open group; takes what it needs from cache->spare_extents. */
void write_group_add_data(struct block_cache *cache, uint64_t block, uint64_t count);
void write_group_remove_data(struct block_cache *cache, uint64_t block, uint64_t count);
/* Blocks that the open group frees, removed as data already; takes from cache->spare_extents, too. */
void write_group_add_freed(struct block_cache *cache, uint64_t block, uint64_t count);
/* The group is on the disk, and is the oldest: what it freed, and nobody has taken since, is given to the disk. Lets the lock go in between. */
void write_group_discard(struct block_cache *cache, const struct write_group *group);

/* ---- write_back.c; cache->lock held ---- */

/* Waits until there is room for a commit. 0 or -EIO. */
int write_back_throttle(struct block_cache *cache);
/* The open group has changed: wakes the thread if it has to look earlier than it would. */
void write_back_note(struct block_cache *cache);

/* Without the lock: closes what is old enough and writes what is closed. Returns when to be called again, ns; UINT64_MAX: after write_back_note. */
uint64_t write_back_poll(struct block_cache *cache, uint64_t now);

/* ---- thread.c; with and without the lock ---- */

void block_cache_wake_thread(struct block_cache *cache);
void block_cache_stop_thread(struct block_cache *cache);
