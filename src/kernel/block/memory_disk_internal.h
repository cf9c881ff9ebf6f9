/* SPDX-License-Identifier: MIT */
/* Between the memory disk and what only tests switch on: its log and its faults. */
#pragma once

#include "block/memory_disk.h"
#include "mm/page_tree.h"
#include "sync/mutex.h"

struct memory_disk_test;

struct memory_disk {
	struct disk disk;
	paddr_t module;
	uint64_t module_pages;		/* those in place */
	struct mutex lock;
	struct page_tree pages;		/* struct frame of each other page that was written; guarded by lock */
	uint64_t frames;		/* in pages; guarded by lock */
	struct memory_disk_test *test;	/* NULL: neither log nor faults; guarded by lock */
	uint64_t ready;			/* atomic: a bit a slot that was started */
	uint32_t busy;			/* atomic: somebody works off what is ready */
	struct { uint64_t tag; const struct disk_request *request; } started[DISK_SLOTS];	/* valid while ready says so */
};

/* The page's bytes, NULL for a hole; with @make a hole is filled, and NULL means that there is no memory. memory->lock held. */
void *memory_disk_page(struct memory_disk *memory, uint64_t page, bool make);

/* Does a test want this request to fail? 0 or -EIO. memory->lock held. */
int memory_disk_fault(struct memory_disk_test *test, const struct disk_request *request);
/* The request was carried out. memory->lock held. */
void memory_disk_log(struct memory_disk *memory, const struct disk_request *request);
void memory_disk_test_free(struct memory_disk_test *test);
