/* SPDX-License-Identifier: MIT */
/*
 * The block proxy: disks, and requests to them. A driver attaches itself to a disk and is given requests; the proxy keeps each until it is completed, so
 * that the requests of a driver that died are given to the next one. Of two requests that overlap, one of them a write, the second waits.
 *
 * A completed write may still be in the disk's own cache: it is safe once a flush that was submitted after its completion has succeeded.
 */
#pragma once

#include "lib/list.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "sync/wait.h"

enum disk_operation { DISK_READ, DISK_WRITE, DISK_FLUSH };

enum {
	DISK_SLOTS = 64,		/* requests that a driver has at most */
	DISK_DRIVERS_MAX = 8,		/* a request that so many drivers died with fails */
	DISK_SEGMENTS_MAX = 256,	/* of a request */
	DISK_SECTORS_MAX = 2048,	/* of a request */
	DISK_NAME_LEN = 16,
};

/* Physically contiguous memory. Start and length are multiples of 8; it may cross pages. */
struct disk_segment { paddr_t start; uint32_t len; };

/* Belongs to who submits it, and with its segments and their memory to the proxy until done is called. */
struct disk_request {
	enum disk_operation operation;
	uint64_t sector;
	uint32_t sector_count;		/* DISK_FLUSH: 0, and no segments */
	const struct disk_segment *segments;	/* together as long as the sectors */
	unsigned segment_count;
	/*
	 * Called once, without a lock, by whoever completes the request, perhaps before disk_submit returns. Must not sleep; the request is the
	 * submitter's again.
	 */
	void (*done)(struct disk_request *request);
	int status;			/* for done: 0 or a negative errno: -EINVAL (malformed), -ENOMEM, -EIO */

	/* The proxy's, guarded by disk->lock. */
	struct list link;		/* disk->waiting, unless the driver has it */
	uint64_t tag;
	unsigned drivers;		/* that died with it */
};

struct disk_driver_ops {
	/*
	 * Takes the request over, to be completed by disk_complete(@tag); tag % DISK_SLOTS is a slot that no other request has. disk->lock is held:
	 * put it into the ring and no more.
	 */
	void (*start)(void *driver, uint64_t tag, const struct disk_request *request);
	/* One or more requests were started: the doorbell. No lock is held. May sleep. */
	void (*kick)(void *driver);
	/*
	 * Makes sure that writes to these sectors will not fail for want of memory: 0 or -ENOSPC. With @discard nobody needs them any more: what was
	 * prepared for them may be given back, and they read as before or as zeroes. May sleep. NULL: neither is of use.
	 */
	int (*prepare)(void *driver, uint64_t sector, uint64_t count, bool discard);
};

struct disk {
	char name[DISK_NAME_LEN];
	uint32_t sector_size;		/* bytes: 512 to 4096, a power of two */
	uint64_t sector_count;
	struct spinlock lock;
	struct list waiting;		/* requests that no driver has, the oldest first; guarded by lock */
	struct disk_request *slots[DISK_SLOTS];	/* what the driver has; guarded by lock */
	uint64_t next_tag;		/* guarded by lock; a tag is never used twice */
	const struct disk_driver_ops *ops;	/* NULL: there is no driver; guarded by lock */
	void *driver;
	unsigned calls;			/* calls into the driver without the lock; guarded by lock */
	struct wait_queue queue;	/* disk_run and disk_detach */
	struct list registry_link;	/* guarded by the registry's lock, as is users */
	unsigned users;
};

void disk_init(struct disk *disk, const char *name, uint32_t sector_size, uint64_t sector_count);

/* Makes it known by its name. -EEXIST. */
int disk_register(struct disk *disk);
/* -EBUSY while somebody uses it. Afterwards its memory may go. */
int disk_unregister(struct disk *disk);
/* The disk of that name, to be given back by disk_put; NULL if there is none. */
struct disk *disk_find(const char *name);
void disk_put(struct disk *disk);

/* A driver begins. It gets all requests that have been waiting. There was none. May sleep. */
void disk_attach(struct disk *disk, const struct disk_driver_ops *ops, void *driver);
/*
 * The driver is gone, and its device is quiet: nothing of what it was given will touch memory any more. When this returns the driver's memory may go.
 * What it did not complete waits for the next one. May sleep.
 */
void disk_detach(struct disk *disk);

/* Any thread, holding no spinlock and no lock that the request's done() or a memory disk takes. May sleep. */
void disk_submit(struct disk *disk, struct disk_request *request);

/*
 * The driver's answer. False if the request of that tag is not its to complete: it has been already, or the driver was detached. Any @status but 0
 * and -ENOMEM counts as -EIO. May sleep in the next request's kick.
 */
bool disk_complete(struct disk *disk, uint64_t tag, int status);

/* Submits and waits. Returns the status. @request needs no done. */
int disk_run(struct disk *disk, struct disk_request *request);
/* Reads or writes memory of the direct map (kmalloc, frames). May sleep. */
int disk_transfer(struct disk *disk, enum disk_operation operation, uint64_t sector, uint32_t sector_count, void *memory);
int disk_flush(struct disk *disk);
/* See disk_driver_ops. With no driver there is nothing to prepare. A discard is done at once: the caller has no write to the same sectors under way. */
int disk_prepare(struct disk *disk, uint64_t sector, uint64_t count, bool discard);

/*
 * Would a disk in memory be full with @pages more? A part of RAM is left to programs, since what it takes it gives back only for what is removed. What could be
 * reclaimed is left already.
 */
static inline bool disk_memory_is_full_with(uint64_t pages)
{
	enum { SPARE_PART = 16 };

	return memory_spare() < pages + frame_total() / SPARE_PART;
}

static inline bool disk_memory_is_full(void)
{
	return disk_memory_is_full_with(0);
}
