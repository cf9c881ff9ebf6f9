/* SPDX-License-Identifier: MIT */
/* The kernel's calls (../kernel_calls.h) on a store, for one server at a time. */
#ifndef EXT2_CHECK_FAKE_CALLS_H
#define EXT2_CHECK_FAKE_CALLS_H

#include "store.h"

struct fake_kernel {
	struct store *store;
	bool sized, started;
	uint64_t token;			/* of the call that a server holds; 0: none */
	long commits_before_give_up;	/* of who made it; -1: he waits */
	bool given_up;
	bool answered;
	uint8_t answer[512];
	unsigned answer_length;
	uint64_t free_blocks;		/* as the last commit said */
	unsigned long reads, guesses, commits, stale;
};

extern struct fake_kernel fake_kernel;

#endif
