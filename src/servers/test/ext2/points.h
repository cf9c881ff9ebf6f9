/* SPDX-License-Identifier: MIT */
/* Where and how ext2-service goes wrong (main.c has the options). */
#ifndef TEST_EXT2_POINTS_H
#define TEST_EXT2_POINTS_H

#include "lib/server.h"

struct points {
	unsigned long die, die_before_commit, die_after_commit, hang, late;	/* at each so many-th; 0: never */
	uint64_t garbage;			/* seed; 0: none */
	const char *poison;
	bool dying;
	const struct server_call *call;		/* being served */
};

extern struct points points;

/* Wrong in some field, one time in three. */
void spoil(void *answer, size_t size);

#endif
