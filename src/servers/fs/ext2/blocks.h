/* SPDX-License-Identifier: MIT */
/* The disk's blocks, as the ext2 library wants them (struct ext2_io), by the kernel's calls. */
#ifndef EXT2_BLOCKS_H
#define EXT2_BLOCKS_H

#include "ext2.h"

struct blocks {
	struct ext2_io io;		/* first: the library hands it back */
	int port;
	/* Of the request being served. With @answer, the last commit answers it with that; else none does. */
	uint64_t token;
	const void *answer;
	uint32_t answer_length;
	bool answered;
	/* Called before each call that may be one of many for one request. */
	void (*alive)(void *context);
	void *context;

	bool sized;			/* the kernel knows the block size */
	bool careful;			/* ask for generations of blocks not cached: a guess was wrong */
};

/* *@started: see struct fs_disk_info. 0 or a negative errno. */
int blocks_open(struct blocks *blocks, int port, bool *started);
/* What follows is done for the call @token (0: for none). */
void blocks_begin(struct blocks *blocks, uint64_t token, const void *answer, uint32_t length);

#endif
