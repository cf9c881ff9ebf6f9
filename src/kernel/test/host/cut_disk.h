/* SPDX-License-Identifier: MIT */
/* A disk for host tests with fibers: completes its requests in any order, fails when it is told to, and keeps a log that can be cut. */
#pragma once

#include "block/disk.h"

enum { CUT_DISK_SECTOR = 512 };

struct cut_disk {
	struct disk disk;
	uint8_t *image;			/* what it is now; the test's */
	unsigned log_len;		/* writes, discards and flushes so far */
	unsigned discards;
	bool (*fails)(const struct disk_request *request);	/* NULL: none does */
};
extern struct cut_disk cut_disk;

/* Begins with @size bytes of @image and an empty log. */
void cut_disk_begin(uint8_t *image, size_t size);
void cut_disk_end(void);
/* What carries out requests, to be started as a daemon. */
void cut_disk_fiber(void *unused);
/* Makes @cut, which is what the disk was at first, what it may be after a cut at @at: of the writes after the last flush any may be missing. */
void cut_disk_cut(uint8_t *cut, unsigned at);
