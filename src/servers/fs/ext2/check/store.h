/* SPDX-License-Identifier: MIT */
/*
 * What the kernel will be to the ext2 library, for its host tests: a cache of blocks with commits and groups, the order in which they reach the disk, and
 * the ends that a server or the power can come to at any point. store.c is a model of it, which checks what it is given more strictly than a kernel would;
 * kernel_store.c is the kernel's own block layer. disk_log.c is part of both.
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
	STORE_EARLY_DISCARD = 32,	/* what is freed is discarded at once */
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
};

struct kernel_store;

struct store {
	struct ext2_io io;
	struct kernel_store *kernel;	/* kernel_store.c's */
	uint8_t *disk;			/* as at the start of the log */
	size_t size;
	struct store_block *blocks;
	uint32_t block_count;
	struct store_phase *phases;	/* the log: each is written before the next */
	unsigned phase_count, phase_room;
	struct store_phase data;	/* of files, in the open group */
	struct store_phase freed;	/* zeroes for what the open group frees */
	bool risky, group_used;
	unsigned lapses;
	bool no_barriers;		/* a cut may leave out any write of the log */
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

extern const char store_kind[];	/* which one it is, for people */
extern const bool store_forgets;	/* generations of blocks end now and then without a change */

/* Takes @bytes, which malloc gave. */
void store_open(struct store *store, uint8_t *bytes, size_t size);
void store_close(struct store *store);
/* All that is committed, as the disk will be when it is all written. For the caller to free. */
uint8_t *store_image(struct store *store);
void store_end_group(struct store *store);
/* A block for the test, which counts as no get. */
void store_look(struct store *store, uint32_t number, struct ext2_image *image);
/* Writes what the log holds to the disk, and empties it. */
void store_flush(struct store *store);
/* File data that goes to a block just allocated. */
void store_write_data(struct store *store, uint32_t block, const uint8_t *bytes);
/* What the disk holds after a cut in phase @phase, of which those writes are done that @done says. For the caller to free. */
uint8_t *store_cut(const struct store *store, unsigned phase, bool (*done)(void *context), void *context);

/* disk_log.c, for stores. */
uint8_t *store_copy_block(const struct store *store, const uint8_t *from);
void store_add_write(const struct store *store, struct store_phase *phase, uint32_t number, const uint8_t *bytes);
/* Takes what @phase has, which need not be anything. */
void store_add_phase(struct store *store, struct store_phase *phase);
void store_drop_log(struct store *store);
/* Ends the instance here if the test wants that; true: this get is to fail. */
bool store_get_fails(struct store *store);
/* The same before a commit. Returns what store_end_commit is to be told, after it has happened; that may end the instance, too. */
bool store_begin_commit(struct store *store);
void store_end_commit(struct store *store, const struct ext2_commit *commit, bool end);
void store_say(struct ext2_io *io, const char *text);

#endif
