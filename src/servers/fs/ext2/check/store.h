/* SPDX-License-Identifier: MIT */
/*
 * What the kernel will be to the ext2 library, for its host tests: a cache of blocks with commits and groups, the order in which they reach the disk, and
 * the ends that a server or the power can come to at any point. It checks what it is given more strictly than a kernel would.
 */
#ifndef EXT2_CHECK_STORE_H
#define EXT2_CHECK_STORE_H

#include <setjmp.h>

#include "../ext2.h"

/* Rules of write-back that a control leaves out. */
enum store_lapse {
	STORE_NO_ORDER = 1,		/* no order at all */
	STORE_NO_FIRST = 2,		/* names and new blocks with the rest */
	STORE_NO_LATE = 4,		/* what is freed with the rest */
	STORE_NO_BOUNDARY = 8,		/* all is one group, whatever commits ask for */
	STORE_NO_SETTLED = 16,		/* fresh directories do not matter */
};

struct store_write { uint32_t block; uint8_t *bytes; };
struct store_phase {
	struct store_write *writes;
	unsigned count, room;
	bool late;
	bool risky;	/* of a commit that wants to be alone: e2fsck -p may not mend it */
	unsigned long operation;	/* the last one with a part in it */
};

struct store_block {
	uint8_t *data, *early;	/* NULL: as on the disk; as data */
	uint64_t generation;
	bool dirty, early_dirty, fresh, first;
	unsigned pins;
};

struct store {
	struct ext2_io io;
	uint8_t *disk;			/* as at the start of the log */
	size_t size;
	struct store_block *blocks;
	uint32_t block_count;
	struct store_phase *phases;	/* the log: each is written before the next */
	unsigned phase_count, phase_room;
	struct store_phase data;	/* of files, in the open group */
	bool risky, group_used;
	unsigned lapses;
	unsigned long operation;	/* set by the test: which one runs */
	unsigned long commits, groups;
	/* The end of the server: before (or after) so many more gets or commits, by longjmp. */
	jmp_buf end;
	long gets_left, commits_left;	/* -1: never */
	bool after;
	long good_gets;			/* before one that fails with -EIO; -1: all are good */
	bool ended_final;		/* the commit it ended after had answered */
	bool stale;			/* the next commit finds a stale generation */
	uint8_t answer[512];		/* the last one */
	bool quiet;
	unsigned logged;
	char last_log[256];
};

/* Takes @bytes, which malloc gave. */
void store_open(struct store *store, uint8_t *bytes, size_t size);
void store_close(struct store *store);
/* All that is committed, as the disk will be when it is all written. For the caller to free. */
uint8_t *store_image(const struct store *store);
void store_end_group(struct store *store);
/* Writes what the log holds to the disk, and empties it. */
void store_flush(struct store *store);
/* File data that goes to a block just allocated. */
void store_write_data(struct store *store, uint32_t block, const uint8_t *bytes);
/* What the disk holds after a cut in phase @phase, of which those writes are done that @done says. For the caller to free. */
uint8_t *store_cut(const struct store *store, unsigned phase, bool (*done)(void *context), void *context);

#endif
