/* SPDX-License-Identifier: MIT */
/* Where and how ext2-service goes wrong (main.c has the options). */
#ifndef TEST_EXT2_POINTS_H
#define TEST_EXT2_POINTS_H

#include "lib/server.h"

struct points {
	unsigned long die, die_before_commit, die_after_commit, hang, late, die_mapping, err_mapping;	/* at each so many-th; 0: never */
	const char *poison;
	bool dying;
	bool allocating;			/* blocks for what was written are being found */
	bool is_late;				/* a child that a service has left, with its request */
	const struct server_call *call;		/* being served */
};

extern struct points points;

/* In that child: ends the service, and lets the next instance take over. Only the first time. */
void wait_until_late(void);

/* @what was tried then. */
void say_late(const char *what, int error);

#endif
