/* SPDX-License-Identifier: MIT */
/*
 * A VM object is a run of pages with an identity: a file's page cache or shared anonymous memory. Several address spaces and read()/write()
 * share its frames. It knows who maps it, so that truncation can take pages away. mm knows nothing of files: they embed a
 * vm_object and fill it through ops.
 *
 * Locks: object->lock (a sleeping mutex) guards the page tree, size and the mapping list; fill() is called WITHOUT it (a page
 * under construction is marked busy and others wait for it). Lock order: address space lock → object lock.
 */
#pragma once

#include "lib/atomic.h"
#include "lib/list.h"
#include "sync/mutex.h"

struct vm_object;
struct frame;
struct uio;

struct vm_object_ops {
	/*
	 * Fills one page (PAGE_SIZE bytes at @page; cleared beforehand) with page @index of the object. May sleep. 0 or negative errno.
	 * NULL: absent pages are zeroes.
	 */
	int (*fill)(struct vm_object *object, uint64_t index, void *page);
	/* The last reference is gone. mm has freed the pages already; the owner frees the structure. May sleep. */
	void (*release)(struct vm_object *object);
	/*
	 * One page more (1) or less (-1) was changed since it was filled. -ENOSPC refuses the change. Called with spinlocks held: must not
	 * sleep. NULL: not counted.
	 */
	int (*charge)(struct vm_object *object, int pages);
	/* The path for /proc/PID/maps, as "/bin/busybox" or "/dev/zero (deleted)". */
	void (*describe)(struct vm_object *object, char *buf, size_t size);
	/* For /proc/PID/maps: device and inode numbers. May be NULL. */
	void (*identify)(struct vm_object *object, uint64_t *dev, uint64_t *inode);
};

/* Page tree: a radix tree, 64 slots a level (mm/page_tree.c). */
struct page_tree {
	void *root;
	unsigned height;
};

struct vm_object {
	struct refcount refs;
	const struct vm_object_ops *ops;
	struct mutex lock;
	struct page_tree pages;		/* guarded by lock */
	uint64_t page_count;		/* guarded by lock: frames present */
	uint64_t size;			/* bytes; written under lock, read atomically. Accesses to pages past it are SIGBUS */
	struct list mappings;		/* struct vma.object_link; guarded by lock */
	struct wait_queue busy;		/* waits for pages being filled */
	struct list all_link;		/* while listed, for reclaim; guarded by reclaim.c's lock */
	uint64_t identity;		/* see vm_object_identity(); 0 until asked for */
	bool listed;			/* guarded by lock: has had a page, so reclaim looks at it; from then on for ever */
	bool pinned;			/* set once after init, before use; pages are the only copy, clean ones too: never dropped */
};

/* Starts with one reference, which belongs to the caller. */
void vm_object_init(struct vm_object *object, const struct vm_object_ops *ops, uint64_t size);
/* Undoes vm_object_init for an object that nobody else has seen: no pages, one reference; release is not called. May sleep. */
void vm_object_discard(struct vm_object *object);
static inline void vm_object_get(struct vm_object *object) { refcount_get(&object->refs); }
/* A number that no other object ever has: for futexes, which are known by it beyond the object's life. Below 2^63. */
uint64_t vm_object_new_identity(struct vm_object *object);
static inline uint64_t vm_object_identity(struct vm_object *object)
{
	uint64_t identity = atomic_load_relaxed(&object->identity);

	return likely(identity) ? identity : vm_object_new_identity(object);
}
void vm_object_free(struct vm_object *object);	/* for vm_object_put() only */
static inline void vm_object_put(struct vm_object *object)	/* may sleep */
{
	if (unlikely(refcount_put(&object->refs)))
		vm_object_free(object);
}

/* Anonymous shared memory of @size bytes (mmap MAP_SHARED|MAP_ANONYMOUS), one reference. NULL when out of memory. */
struct vm_object *vm_object_create_anonymous(uint64_t size);

/*
 * The frame of page @index with a reference for the caller, filled first if absent. With @for_write it is marked dirty.
 * Returns 0, -ENOMEM, -EIO …, -ENXIO past the end. May sleep.
 */
int vm_object_get_page(struct vm_object *object, uint64_t index, bool for_write, struct frame **frame);

/* The frame if it is present and ready, with a reference; else NULL. Does not sleep on I/O. */
struct frame *vm_object_find_page(struct vm_object *object, uint64_t index);

/*
 * read(2) and write(2) through the pages. Read stops at size. Write does not change size (call vm_object_grow). Return bytes moved, or
 * a negative errno if none was. May sleep.
 */
ssize_t vm_object_read(struct vm_object *object, uint64_t pos, struct uio *uio);
ssize_t vm_object_write(struct vm_object *object, uint64_t pos, struct uio *uio);

/* Pages @first to @end (exclusive) will not be needed soon: those that are clean and that nobody maps are dropped, if they can be had again. May sleep. */
void vm_object_forget(struct vm_object *object, uint64_t first, uint64_t end);

/* Raises size to at least @size. */
void vm_object_grow(struct vm_object *object, uint64_t size);
/* Sets size; on shrinking frees pages beyond it, clears the rest of the last page and unmaps them from every address space. */
void vm_object_truncate(struct vm_object *object, uint64_t size);
