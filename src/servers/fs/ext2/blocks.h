/* SPDX-License-Identifier: MIT */
/*
 * The disk's blocks, as the ext2 library wants them (struct ext2_io), by the kernel's calls. What was read and changed is kept with its generation, so
 * that nothing is asked for twice; should the kernel have another one (nobody else changes blocks), the commit says so and all is read again.
 */
#ifndef EXT2_BLOCKS_H
#define EXT2_BLOCKS_H

#include "ext2.h"

/*
 * So many bytes of blocks are kept, and more only as long as one transaction has them pinned (it has 40 at most). Of the memory only what was used at some
 * time is there.
 */
enum { BLOCKS_KEPT_BYTES = 64 << 10, BLOCKS_MAX = 42, BLOCKS_BUCKETS = 64 };

struct cached_block {
	uint64_t generation;
	uint32_t number;
	uint32_t used_at;
	uint16_t pins;
	uint8_t next;			/* in its bucket: index + 1 */
	bool in_use;			/* it is in a bucket */
	bool has_content, has_early;
	bool stale;			/* goes when nobody has it pinned any more */
};

struct blocks {
	struct ext2_io io;		/* first: the library hands it back */
	int port;
	/* Of the request being served. With @answer, the last commit answers it with that; else none does. */
	uint64_t token;
	const void *answer;
	uint32_t answer_length;
	bool answered, gave_up;		/* it was answered; the kernel says that nobody waits for it any more */
	/* Called before each call that may be one of many for one request. */
	void (*alive)(void *context);
	void *context;

	bool sized;			/* the kernel knows the block size */
	bool careful;			/* ask for generations of blocks not cached: a guess was wrong */
	uint32_t clock;
	unsigned count;			/* entries that were used at some time */
	uint8_t buckets[BLOCKS_BUCKETS];
	struct cached_block blocks[BLOCKS_MAX];
};

/* Begins with an empty cache. *@started: see struct fs_disk_info. 0 or a negative errno. */
int blocks_open(struct blocks *blocks, int port, bool *started);
/* What follows is done for the call @token (0: for none). */
void blocks_begin(struct blocks *blocks, uint64_t token, const void *answer, uint32_t length);

#endif
