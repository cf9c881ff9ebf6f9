/* SPDX-License-Identifier: MIT */
/*
 * A VM object is a run of pages with an identity: a file's page cache or shared anonymous memory. Several address spaces and read()/write()
 * share its frames. It knows who maps it, so that truncation can take pages away. mm knows nothing of files: they embed a
 * vm_object and fill it through ops.
 *
 * Locks: object->lock (a sleeping mutex) guards the page tree, size and the mapping list; it is never held while the owner fills, prepares or writes pages
 * (a page under construction is marked busy and others wait for it), and neither is an address space's. Lock order: address space lock → object lock.
 *
 * Waiting for pages ends with -EINTR when the thread is killed, but in truncation and release.
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
	 * Fills one page (PAGE_SIZE bytes at @page; cleared beforehand) with page @index of the object. May sleep; no lock of mm's is held, and
	 * the caller has a reference to the object. 0 or negative errno; -EINTR (only when the thread is being killed) concerns this caller
	 * only, and whoever waits for the page tries himself. The page may be truncated away meanwhile: then nobody sees it. NULL: absent
	 * pages are zeroes.
	 */
	int (*fill)(struct vm_object *object, uint64_t index, void *page);
	/*
	 * Used instead of fill when set: fills the whole run of pages @first to @first + @count - 1 (1 to VM_OBJECT_RUN_MAX), or fails. The frames
	 * are busy, NOT cleared, and all bytes must be written, those behind the object's end too (with zeroes). May sleep, as fill. When a run
	 * of several fails (but for -EINTR) it is called again for the first page alone.
	 */
	int (*fill_pages)(struct vm_object *object, uint64_t first, struct frame **frames, unsigned count);
	/*
	 * How many pages from @index on to bring in at once, as page @index is wanted and absent: the owner's read-ahead. 0 counts as 1, and more
	 * than VM_OBJECT_RUN_MAX as that; the run ends before a page that is present, and at the object's end. object->lock is held: must not
	 * sleep or call vm_object_*. With fill_pages only; NULL: 1.
	 */
	unsigned (*window)(struct vm_object *object, uint64_t index);
	/*
	 * Pages that may not be dirty are about to be: whatever their write-back will need (blocks, memory) is to be had now. May sleep; no lock of
	 * mm's is held. Comes before each page that is not dirty is changed, perhaps more often, and some of the pages may be dirty, absent, past
	 * the end (write(2) will move it), or never be changed after all. 0, or -ENOSPC, -EIO …: the write fails or the fault is SIGBUS; -EINTR
	 * as fill. Objects that have it are written back: their dirty pages count as such (Dirty: in /proc/meminfo). Not for pinned objects.
	 */
	int (*prepare_write)(struct vm_object *object, uint64_t first, uint64_t count);
	/*
	 * A page that was clean is dirty: for the owner's list of objects to write back. Called for each such page, so that no object is dirty and
	 * not on the list when a write returns: first look whether it is there. object->lock and spinlocks up to page_tables may be held: must
	 * not sleep. The object is in use (a reference can be taken), and vm_object_has_dirty is true by now, unless the page is being written
	 * back already. Only with prepare_write.
	 */
	void (*dirtied)(struct vm_object *object);
	/*
	 * A program stores to a page of a shared mapping, for the first time since it was mapped there or written back: for the times of a file. An address
	 * space's lock is held: must not sleep. NULL: nobody wants to know.
	 */
	void (*stored)(struct vm_object *object);
	/* msync(MS_SYNC) of pages @first to before @end: returns when they are on the disk. 0 or negative errno. May sleep; no lock held. */
	int (*sync)(struct vm_object *object, uint64_t first, uint64_t end);
	/*
	 * Bytes @start to before @end, whole pages, become a hole (madvise). 0 or a negative errno; NULL: -EOPNOTSUPP, but for pinned objects, whose pages just
	 * go. May sleep; no lock held.
	 */
	int (*punch)(struct vm_object *object, uint64_t start, uint64_t end);
	/* The last reference is gone. mm has freed the pages already; the owner frees the structure. May sleep. */
	void (*release)(struct vm_object *object);
	/*
	 * One page more (1) or less (-1) is dirty. -ENOSPC refuses the change (but not with prepare_write: after that it must succeed). Called with spinlocks
	 * held: must not sleep. NULL: not counted.
	 */
	int (*charge)(struct vm_object *object, int pages);
	/* There is one mapping more (1) or less (-1). object->lock is held, and may be an address space's: must not sleep. NULL: nobody wants to know. */
	void (*mapped)(struct vm_object *object, int change);
	/* May the caller know which pages are in memory, and so what others do with it? An address space's lock may be held. NULL: yes. */
	bool (*discloses)(struct vm_object *object);
	/* The path for /proc/PID/maps, as "/bin/busybox" or "/dev/zero (deleted)". */
	void (*describe)(struct vm_object *object, char *buf, size_t size);
	/* For /proc/PID/maps: device and inode numbers. May be NULL. */
	void (*identify)(struct vm_object *object, uint64_t *dev, uint64_t *inode);
};

enum { VM_OBJECT_RUN_MAX = 32 };

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
#ifdef INOTIFY
	uint64_t ready_size;		/* atomic: the same for the fast path of reads (vm_object_ready.h), or 0: held back */
#endif
	struct list mappings;		/* struct vma.object_link; guarded by lock */
	struct wait_queue busy;		/* waits for pages being filled or written back */
	struct list all_link;		/* while listed, for reclaim; guarded by reclaim.c's lock */
	uint64_t identity;		/* see vm_object_identity(); 0 until asked for */
	bool listed;			/* guarded by lock: has had a page, so reclaim looks at it; from then on for ever */
#ifdef INOTIFY
	bool held_back;			/* atomic: see vm_object_hold_back() */
	uint8_t attention;		/* atomic; the owner's: why operations that are quick otherwise have to look */
#endif
	bool pinned;			/* set once after init, before use; pages are the only copy, clean ones too: never dropped */
	uint64_t dirty_pages;		/* atomic: at least those with FRAME_DIRTY; 0 without prepare_write */
	uint32_t write_backs;		/* atomic: at least the pages with FRAME_WRITEBACK */
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
SHARED_INLINE void vm_object_put(struct vm_object *object)	/* may sleep */
{
	if (unlikely(refcount_put(&object->refs)))
		vm_object_free(object);
}

/* Anonymous shared memory of @size bytes (mmap MAP_SHARED|MAP_ANONYMOUS), one reference. NULL when out of memory. */
struct vm_object *vm_object_create_anonymous(uint64_t size);

/*
 * The frame of page @index with a reference for the caller, filled first if absent. With @for_write it is prepared for that and marked dirty: it may be
 * written back and be clean again before the caller has changed it, so who does must call vm_object_written() afterwards.
 * Returns 0, -ENOMEM, -EIO …, -ENXIO past the end, -EINTR when killed. May sleep.
 */
int vm_object_get_page(struct vm_object *object, uint64_t index, bool for_write, struct frame **frame);

#ifdef INOTIFY
/*
 * From now on, or no longer, the fast path of reads finds nothing, so that the owner hears of each read. It begins in any context, and ends with the lock held;
 * the caller keeps the one from the other.
 */
void vm_object_hold_back(struct vm_object *object, bool hold);
void vm_object_renew_ready_size(struct vm_object *object);	/* the size is another; lock held */
static inline void vm_object_first_ready_size(struct vm_object *object) { object->ready_size = object->size; }
static inline uint64_t vm_object_ready_size(const struct vm_object *object) { return object->ready_size; }
#else
static inline void vm_object_first_ready_size(struct vm_object *object) { }
static inline void vm_object_renew_ready_size(struct vm_object *object) { }
static inline uint64_t vm_object_ready_size(const struct vm_object *object) { return object->size; }
#endif

/* The frame if it is present and ready, with a reference; else NULL. Does not sleep on I/O. */
struct frame *vm_object_find_page(struct vm_object *object, uint64_t index);

/*
 * read(2) and write(2) through the pages. Read stops at size. Write does not change size (call vm_object_grow), and does not wait for pages under write-back:
 * they are just dirty again. Return bytes moved, or a negative errno if none was. May sleep.
 *
 * vm_object_prepare_write comes before vm_object_write, for the whole range at once: 0 or what prepare_write says. It asks only for pages that are not
 * dirty. What was prepared stays so until truncation, which the caller keeps away until the write is done.
 */
int vm_object_prepare_write(struct vm_object *object, uint64_t pos, uint64_t len);
ssize_t vm_object_read(struct vm_object *object, uint64_t pos, struct uio *uio);
ssize_t vm_object_write(struct vm_object *object, uint64_t pos, struct uio *uio);

/* The caller, who has a reference to @frame, has changed it, which is or was page @index: it is dirty, if still there. May sleep. */
void vm_object_written(struct vm_object *object, uint64_t index, struct frame *frame);

/* ---- Write-back (mm/vm_object_write_back.c): for owners. The caller has a reference to the object all the time ---- */

/* Whether there are dirty pages (those under write-back that were not changed again are not). Any context. */
static inline bool vm_object_has_dirty(const struct vm_object *object)
{
	return atomic_load(&object->dirty_pages);
}

/*
 * The next dirty page from *@index on and before @end that is not under write-back, with a reference, and *@index set to where it is; NULL if there is none.
 * It is marked FRAME_WRITEBACK and clean, and nobody can store to it without a fault, locked mappings included: what is changed from now on makes it dirty
 * again (its bytes may change while the disk reads them). It can be read all the time. It may lie past the end while a write(2) goes on there, or has failed.
 * May sleep, but not long.
 */
struct frame *vm_object_begin_write_back(struct vm_object *object, uint64_t *index, uint64_t end);
/*
 * Page @index, from vm_object_begin_write_back, is on the disk; or could not be written (@error not 0): dirty again. Takes over the reference to @frame.
 * Does not sleep; spinlocks may be held, interrupts not be off.
 */
void vm_object_end_write_back(struct vm_object *object, uint64_t index, struct frame *frame, int error);
/*
 * Sleeps until each page from @first to before @end was seen not to be under write-back. 0, or -EINTR when killed. What was changed before the call is on the
 * disk after: wait, begin_write_back and write until it finds none, wait (or a write-back has failed).
 */
int vm_object_wait_write_back(struct vm_object *object, uint64_t first, uint64_t end);
/*
 * Takes pages @first to before @end away, from those who map them too, so that the next access fills them anew (a page being filled just now is not kept
 * either). True if all went; false if some are dirty, under write-back, in use by a system call, or the object is pinned: those stay. For O_DIRECT; where clean
 * pages should merely make room there is vm_object_forget. May sleep.
 */
bool vm_object_drop_clean(struct vm_object *object, uint64_t first, uint64_t end);

/* Pages @first to @end (exclusive) will not be needed soon: those that are clean and that nobody maps are dropped, if they can be had again. May sleep. */
void vm_object_forget(struct vm_object *object, uint64_t first, uint64_t end);

/*
 * Takes pages @first to before @end away, changed ones, too, from all who map them but copies in private mappings, so that absent pages are found there.
 * The owner keeps write(2) away. Not for objects that are written back. (mm/vm_object_holes.c, as the next.) May sleep.
 */
void vm_object_punch(struct vm_object *object, uint64_t first, uint64_t end);
/*
 * The first byte from @pos on, which is before the end, that lies in a hole, or in none (then -ENXIO if there is none): in a page that was not changed.
 * Bytes before @below are never in holes. For objects whose changed pages are the only copy.
 */
int64_t vm_object_seek(struct vm_object *object, uint64_t pos, bool hole, uint64_t below);

/* Raises size to at least @size. */
void vm_object_grow(struct vm_object *object, uint64_t size);
/*
 * Sets size; on shrinking frees pages beyond it, clears the rest of the last page and unmaps them from every address space. Waits for pages beyond it that
 * are under write-back, not for those being filled. The last page does not get dirty by that: an owner with write-back sees to the bytes on the disk.
 */
void vm_object_truncate(struct vm_object *object, uint64_t size);
