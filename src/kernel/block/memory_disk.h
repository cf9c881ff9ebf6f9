/* SPDX-License-Identifier: MIT */
/*
 * A disk in memory: the frames of the boot loader's module, used in place, and after them as many bytes as are asked for, which read as zeroes and
 * take a frame a page when they are first written, until the page is discarded.
 *
 * For tests it can log its writes and flushes, and fail on demand. Both are off until asked for.
 */
#pragma once

#include "block/disk.h"

struct memory_disk;

enum { MEMORY_DISK_SECTOR = 512 };

/*
 * @size bytes in all, a multiple of the page size; the first @module_len come from the module at @module, which is page-aligned and stays reserved. The rest
 * of the module's last page is cleared. Not registered. NULL when out of memory. May sleep.
 */
struct memory_disk *memory_disk_create(const char *name, paddr_t module, uint64_t module_len, uint64_t size);
/* Frees it with all it has but the module. Nobody uses it, and no request is under way. */
void memory_disk_destroy(struct memory_disk *memory);
struct disk *memory_disk_disk(struct memory_disk *memory);
/* Frames that it has taken besides the module. */
uint64_t memory_disk_frames(struct memory_disk *memory);

/* The disk that the root image is, registered as ram0; NULL: there is none. Set once, at boot. */
extern struct memory_disk *memory_disk_of_root;

/* Pages of the disk that lie in memory one behind the other. */
struct memory_disk_run { uint64_t page, count; paddr_t start; };
/* The first run at page run->page or after it, of a moment: the module's pages stay where they are. False: there is none. May sleep. */
bool memory_disk_next_run(struct memory_disk *memory, struct memory_disk_run *run);

/*
 * Tests' control, one command a call. May sleep. 0, -EINVAL, -ENOMEM, -EEXIST (a log is on) or -ENOSPC (too many fail commands):
 *	log on BYTES		begins an empty log of at most so many bytes
 *	log off			ends and forgets it
 *	fail OP FIRST COUNT [TIMES]	requests (OP: read, write) that touch these sectors fail, flushes (flush 0 0) too; for ever or so many times
 *	fail off		no more
 */
int memory_disk_control(struct memory_disk *memory, const char *command);

/*
 * A record of the log; after that of a write come the bytes that were written. A page that is discarded is a write of zeroes. A write that failed is not
 * there; a flush that failed neither. What was written before the last flush is on the disk after a crash; of each write after it, it may be or not.
 */
struct memory_disk_record {
	uint64_t sequence;		/* from 0, one more each */
	uint64_t sector;
	uint32_t sector_count;
	uint32_t operation;		/* DISK_WRITE, DISK_FLUSH */
};

/*
 * Copies log bytes from position @position. Returns how many, 0 at the end, -ENOENT (there is no log) or -ENOSPC (it was too small or memory was out: the
 * log ends here, and more was written). May sleep.
 */
ssize_t memory_disk_log_read(struct memory_disk *memory, uint64_t position, void *bytes, size_t size);
