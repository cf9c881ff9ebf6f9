/* SPDX-License-Identifier: MIT */
/* Which file systems that are services are mounted, and what each has: its disk and the cache of its blocks. */
#include "vfs/served/served_mount.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "process/process.h"
#include "sched/clock.h"
#include "sync/spinlock.h"
#include "sync/wait.h"
#include "vfs/mapped/mapped.h"

enum { RAM_PART = 16 /* of the memory, for the blocks of a file system */, BLOCKS_LEAST = 4 * BLOCK_COMMIT_BASES };

static struct spinlock lock = SPINLOCK_INIT(LOCK_SERVED);
static struct list mounts = LIST_INIT(mounts);			/* lock: struct served */
static struct wait_queue left = WAIT_QUEUE_INIT(left);		/* some call has left a mount */

static const uint64_t age = 5 * NS_PER_SEC;			/* until a change is written */

int served_register_mount(struct served *served)
{
	struct served *other;
	int error = 0;

	spin_lock(&lock);
	list_for_each(other, &mounts, link)
		if (served->disk && other->disk && (other->port == served->port || other->disk == served->disk))
			error = -EBUSY;
	if (!error)
		list_push_back(&mounts, &served->link);
	spin_unlock(&lock);
	return error;
}

static bool is_left(const struct served *served)
{
	bool result;

	spin_lock(&lock);
	result = !served->users;
	spin_unlock(&lock);
	return result;
}

void served_unregister_mount(struct served *served)
{
	struct waiter waiter;

	/* Who goes through the list may be at it. */
	spin_lock(&lock);
	served->closing = true;
	spin_unlock(&lock);
	wait_begin(&left, &waiter);
	while (!is_left(served))
		wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
	wait_end(&waiter);
	spin_lock(&lock);
	list_remove(&served->link);
	spin_unlock(&lock);
}

struct served *served_enter(struct port *port)
{
	struct served *served, *found = NULL;

	spin_lock(&lock);
	list_for_each(served, &mounts, link)
		if (served->port == port && served->disk && !served->closing)
			found = served;
	if (found)
		found->users++;
	spin_unlock(&lock);
	if (found)
		current_process()->serves_files = true;
	return found;
}

void served_leave(struct served *served)
{
	bool wake;

	spin_lock(&lock);
	wake = !--served->users && served->closing;
	spin_unlock(&lock);
	if (wake)
		wake_all(&left);
}

struct served *served_next(struct served *previous)
{
	struct list *link;

	spin_lock(&lock);
	link = previous ? previous->link.next : mounts.next;
	while (link != &mounts && list_entry(link, struct served, link)->closing)
		link = link->next;
	if (link != &mounts)
		list_entry(link, struct served, link)->users++;
	spin_unlock(&lock);
	if (previous)
		served_leave(previous);
	return link == &mounts ? NULL : list_entry(link, struct served, link);
}

void served_set_in_use(struct served *served)
{
	spin_lock(&lock);
	served->in_use = true;
	spin_unlock(&lock);
}

bool served_is_in_use(struct served *served)
{
	bool result;

	spin_lock(&lock);
	result = served->in_use;
	spin_unlock(&lock);
	return result;
}

/* @cache is the mount's now; true. Or what there is already decides: *error, 1 if there is none yet. */
static bool set_cache(struct served *served, struct block_cache *cache, struct mapped_fs *mapped, unsigned block_size, uint64_t blocks, int *error)
{
	struct block_error_mark mark = { 0 };
	bool set = false;

	if (cache)
		block_error_mark_init(cache, &mark);

	spin_lock(&lock);
	if (served->cache) {
		*error = served->block_size == block_size && served->block_count == blocks ? 0 : -EBUSY;
	} else if (served->in_use) {
		*error = -EBUSY;
	} else if (cache) {
		served->block_size = block_size;
		served->block_count = blocks;
		served->mark = mark;
		served->mapped = mapped;
		/* Last: who sees it (served_cache()) sees the rest. */
		atomic_store(&served->cache, cache);
		set = true;
		*error = 0;
	} else {
		*error = 1;
	}
	spin_unlock(&lock);
	return set;
}

int served_make_cache(struct served *served, unsigned block_size, uint64_t blocks)
{
	struct block_cache_options options = {
		.age_ns = age, .flags = served->unordered ? BLOCK_CACHE_UNORDERED : 0, .ops = &mapped_cache_ops,
	};
	struct mapped_fs *mapped;
	struct block_cache *cache;
	int error;

	set_cache(served, NULL, NULL, block_size, blocks, &error);
	if (error <= 0)
		return error;
	if (!block_size)
		return -EINVAL;
	mapped = mapped_fs_create(&served->fs, served->disk, block_size);
	if (!mapped)
		return -ENOMEM;
	options.context = mapped;
	options.max_blocks = MAX(frame_total() / RAM_PART * PAGE_SIZE / block_size, (size_t)BLOCKS_LEAST);
	error = block_cache_create(served->disk, 0, blocks, block_size, &options, &cache);
	if (error) {
		mapped_fs_destroy(mapped);
		return error;
	}
	error = block_cache_start_thread(cache);
	if (!error)
		error = mapped_fs_start(mapped, cache);
	if (error || !set_cache(served, cache, mapped, block_size, blocks, &error)) {
		mapped_fs_stop(mapped);
		block_cache_destroy(cache);
		mapped_fs_destroy(mapped);
	}
	return error;
}
