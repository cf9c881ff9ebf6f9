/* SPDX-License-Identifier: MIT */
/*
 * Writing dirty pages back: the list of files that have some, the thread of each mount, and the limit beyond which writers do it themselves.
 *
 * New data are not written by this but with their group (block/README.md), by the block cache's thread or whoever syncs.
 */
#include "vfs/mapped/internal.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "mm/oom.h"
#include "process/process.h"
#include "sched/clock.h"
#include "sched/thread.h"
#include "vfs/vnode_cache.h"

uint64_t mapped_limits[MAPPED_LIMITS] = { 500, 20, 10 };
#define WRITE_WAIT_NS (NS_PER_SEC / 5)

static struct spinlock dirty_lock = SPINLOCK_INIT(LOCK_MAPPED_DIRTY);
static struct list mounts = LIST_INIT(mounts);	/* struct mapped_fs; guarded by dirty_lock */
/* For the end of threads, and for passes. Not in a mount, which may go as soon as thread_runs is false. */
static struct wait_queue ended_queue = WAIT_QUEUE_INIT(ended_queue);
static uint32_t passes;				/* atomic: of threads that wrote all they could, as memory was short */

/* ---- Which files ---- */

static void wake_thread(struct mapped_fs *mapped, enum kick kick)
{
	atomic_or(&mapped->thread_kicked, kick);
	wake_all(&mapped->thread_queue);
}

void mapped_dirtied(struct vm_object *object)
{
	struct mapped_file *file = atomic_load(&vnode_of_object(object)->map);
	struct mapped_fs *mapped = file->mapped;
	bool first;

	spin_lock(&dirty_lock);
	first = list_empty(&mapped->dirty);
	if (list_empty(&file->dirty_link)) {
		file->dirtied_at = clock_monotonic_ns();
		list_push_back(&mapped->dirty, &file->dirty_link);
	}
	spin_unlock(&dirty_lock);
	if (first)
		wake_thread(mapped, KICK_LOOK);
}

int mapped_charge(struct vm_object *object, int pages)
{
	struct vnode *vnode = vnode_of_object(object);

	atomic_add(&vnode->changed_pages, pages);
	atomic_add(&vnode->map->mapped->dirty_pages, pages);
	return 0;
}

void mapped_forget_clean(struct mapped_file *file)
{
	spin_lock(&dirty_lock);
	if (!vm_object_has_dirty(&file->vnode->object) && !atomic_load_relaxed(&file->vnode->dirty) && list_empty(&file->promising_link))
		list_remove(&file->dirty_link);
	spin_unlock(&dirty_lock);
}

void mapped_forget_dirty(struct mapped_file *file)
{
	spin_lock(&dirty_lock);
	list_remove(&file->dirty_link);
	spin_unlock(&dirty_lock);
}

void mapped_note_promises(struct mapped_file *file, bool some)
{
	struct mapped_fs *mapped = file->mapped;

	/* Like pages that are dirty, though there are none yet, or never will be (fallocate). */
	if (some)
		mapped_dirtied(&file->vnode->object);
	spin_lock(&dirty_lock);
	if (list_empty(&file->promising_link) == some) {
		mapped->promising_count += some ? 1 : -1;
		if (some)
			list_push_back(&mapped->promising, &file->promising_link);
		else
			list_remove(&file->promising_link);
	}
	spin_unlock(&dirty_lock);
}

unsigned mapped_count_promising(struct mapped_fs *mapped)
{
	unsigned count;

	spin_lock(&dirty_lock);
	count = mapped->promising_count;
	spin_unlock(&dirty_lock);
	return count;
}

struct mapped_file *mapped_next_promising(struct mapped_fs *mapped)
{
	struct mapped_file *file = NULL;

	spin_lock(&dirty_lock);
	for (unsigned left = mapped->promising_count; left && !file; left--) {
		file = list_first(&mapped->promising, struct mapped_file, promising_link);
		list_remove(&file->promising_link);
		list_push_back(&mapped->promising, &file->promising_link);
		/* Who has no users any more needs no places. */
		if (!refcount_get_unless_zero(&file->vnode->object.refs))
			file = NULL;
	}
	spin_unlock(&dirty_lock);
	return file;
}

/*
 * The file that has been dirty longest, if that is since before @until, with a reference to its vnode; from then on it counts as dirty since @now. NULL, and
 * *@next: since when the first one is dirty, UINT64_MAX if there is none.
 */
static struct mapped_file *next_file(struct mapped_fs *mapped, uint64_t until, uint64_t now, uint64_t *next)
{
	struct mapped_file *file = NULL;

	*next = UINT64_MAX;
	spin_lock(&dirty_lock);
	while (!file && !list_empty(&mapped->dirty)) {
		file = list_first(&mapped->dirty, struct mapped_file, dirty_link);
		if (file->dirtied_at >= until) {
			*next = file->dirtied_at;
			file = NULL;
			break;
		}
		list_remove(&file->dirty_link);
		/* Who has no users any more, and so no names either, needs nothing to be written. */
		if (!refcount_get_unless_zero(&file->vnode->object.refs)) {
			file = NULL;
			continue;
		}
		file->dirtied_at = MAX(now, until);
		list_push_back(&mapped->dirty, &file->dirty_link);
	}
	spin_unlock(&dirty_lock);
	return file;
}

/* ---- Writing ---- */

void mapped_write_file(struct mapped_file *file, uint64_t first, uint64_t end, struct written *written)
{
	enum { TRIES = 8 };
	unsigned shift = PAGE_SHIFT - file->mapped->block_shift, tries = 0;
	int error, failed = mapped_keep_promises(file, first << shift, end > UINT64_MAX >> PAGE_SHIFT ? UINT64_MAX : end << shift, false);

	*written = (struct written){ 0 };
	for (;;) {
		written->homeless = false;
		mutex_lock(&file->write_back_lock);
		mapped_write_in_place(file, first, end, written);
		mutex_unlock(&file->write_back_lock);
		if (!written->homeless)
			break;
		/* The map was forgotten: it is asked for. Or the file grew after the page was mapped: it gets a place. Then it goes on there. */
		tries = first == written->index ? tries + 1 : 0;
		first = written->index;
		if (tries > TRIES)
			error = -EIO;
		else if (mapped_find(file, first << shift, 1).kind == PLACE_UNKNOWN)
			error = mapped_ask(file, first << shift, 1);
		else
			error = mapped_place_pages(file, first, 1);
		if (error) {
			written->error = error;
			break;
		}
	}
	written->error = failed ? failed : written->error;
	mapped_forget_clean(file);
}

/* Writes what has been dirty since before @until. The first error. *@next: as of next_file. *@later: groups have to be written for some. */
static int write_older(struct mapped_fs *mapped, uint64_t until, bool attributes, bool *later, uint64_t *next)
{
	uint64_t now = clock_monotonic_ns();
	struct mapped_file *file;
	int error = 0;

	while ((file = next_file(mapped, MIN(until, now + 1), now, next))) {
		struct vnode *vnode = file->vnode;
		struct written written;

		mapped_write_file(file, 0, UINT64_MAX, &written);
		*later |= written.later;
		if (!error)
			error = written.error;
		/* Who is writing to the file may wait for anybody: his attributes come later. */
		if (attributes && !vnode_try_sync_attributes(vnode))
			mapped_forget_clean(file);
		vnode_put(vnode);
		if (signal_fatal_pending())
			return -EINTR;
	}
	return error;
}

/* Groups are written, new data with them. Whose errors these are is somebody else's affair. */
int mapped_write_groups(struct mapped_fs *mapped)
{
	struct block_error_mark mark;

	block_error_mark_init(mapped->cache, &mark);
	mark.first_commit = 0;
	return block_sync_until(mapped->cache, &mark, UINT64_MAX);
}

/* Shares are of what memory there is for pages: a memory disk may have taken most of it. */
static bool too_many(struct mapped_fs *mapped, enum mapped_limit which)
{
	uint64_t limit = atomic_load_relaxed(&mapped_limits[which]);
	int64_t pages = limit > 100 ? limit >> PAGE_SHIFT : memory_spare() * limit / 100;

	return atomic_load_relaxed(&mapped->dirty_pages) > pages;
}

static uint64_t age_ns(void)
{
	return atomic_load_relaxed(&mapped_limits[MAPPED_EXPIRE]) * (NS_PER_SEC / 100);
}

static bool is_manager(void)
{
	const struct process *process = current_process();

	return process && process->pid == 1;
}

int mapped_throttle(struct mapped_file *file)
{
	struct mapped_fs *mapped = file->mapped;
	struct written written;
	bool later = false;
	uint64_t next;
	int error;

	if (likely(!too_many(mapped, MAPPED_BACKGROUND)))
		return 0;
	/* The manager starts the server again that all others would wait for. */
	if (!too_many(mapped, MAPPED_MOST) || is_manager()) {
		wake_thread(mapped, KICK_LOOK);
		return 0;
	}
	mapped_write_file(file, 0, UINT64_MAX, &written);
	error = written.error;
	if (too_many(mapped, MAPPED_MOST))
		error = write_older(mapped, UINT64_MAX, false, &later, &next);
	if (error != -EINTR && too_many(mapped, MAPPED_MOST))
		error = mapped_write_groups(mapped) ?: error;
	if (error == -EINTR)
		return error;
	/* Pages that cannot be written must not fill the memory. */
	return error && too_many(mapped, MAPPED_MOST) ? -EIO : 0;
}

/* ---- When memory is short ---- */

static void write_all_for_memory(struct mapped_fs *mapped)
{
	bool later = false;
	uint64_t next;

	write_older(mapped, UINT64_MAX, false, &later, &next);
	if (later)
		mapped_write_groups(mapped);
	atomic_add(&passes, 1);
	wake_all(&ended_queue);
}

static int64_t wake_threads(void)
{
	struct mapped_fs *mapped;
	int64_t pages = 0;

	spin_lock(&dirty_lock);
	list_for_each(mapped, &mounts, mount_link) {
		int64_t dirty = atomic_load_relaxed(&mapped->dirty_pages);

		if (dirty > 0)
			wake_thread(mapped, KICK_MEMORY);
		pages += MAX(dirty, (int64_t)0);
	}
	spin_unlock(&dirty_lock);
	return pages;
}

static int64_t dirty_pages(void)
{
	struct mapped_fs *mapped;
	int64_t pages = 0;

	spin_lock(&dirty_lock);
	list_for_each(mapped, &mounts, mount_link)
		pages += atomic_load_relaxed(&mapped->dirty_pages);
	spin_unlock(&dirty_lock);
	return pages;
}

/*
 * Nothing else could be given up. Dirty pages can, once they are written: by the threads, for whom a moment is waited. Not by who serves a file system, whom
 * the threads wait for.
 */
static size_t write_for_memory(size_t frames, bool wait)
{
	uint64_t deadline = clock_monotonic_ns() + WRITE_WAIT_NS;
	uint32_t before = atomic_load(&passes);
	struct process *process = current_process();
	struct waiter waiter;
	int64_t pages = wake_threads();

	if (!wait || !pages || (process && process->serves_files))
		return 0;
	wait_begin(&ended_queue, &waiter);
	while (atomic_load(&passes) == before && wait_block(&waiter, deadline, WAIT_UNINTERRUPTIBLE) != -ETIMEDOUT)
		;
	wait_end(&waiter);
	pages -= dirty_pages();
	return MIN((size_t)MAX(pages, (int64_t)0), frames);
}

/* ---- The thread ---- */

static void write_back_thread(void *arg)
{
	struct mapped_fs *mapped = arg;
	struct waiter waiter;

	while (!atomic_load(&mapped->thread_stop)) {
		bool later = false, wanted = atomic_exchange(&mapped->thread_kicked, 0) & KICK_MEMORY, urgent = wanted || too_many(mapped, MAPPED_BACKGROUND);
		uint64_t now = clock_monotonic_ns(), next;

		/* Attributes are told last: that may take as long as the server wants. */
		if (wanted)
			write_all_for_memory(mapped);
		write_older(mapped, urgent ? UINT64_MAX : now > age_ns() ? now - age_ns() : 0, true, &later, &next);
		if (urgent && later && too_many(mapped, MAPPED_BACKGROUND))
			mapped_write_groups(mapped);
		wait_begin(&mapped->thread_queue, &waiter);
		while (!atomic_load(&mapped->thread_kicked) && !atomic_load(&mapped->thread_stop))
			/* Not for long: the age may be set anew. */
			if (wait_block(&waiter, next == UINT64_MAX ? WAIT_FOREVER : MIN(next + age_ns(), now + 5 * NS_PER_SEC), WAIT_UNINTERRUPTIBLE))
				break;
		wait_end(&waiter);
	}
	atomic_store(&mapped->thread_runs, false);
	wake_all(&ended_queue);
}

int mapped_start_thread(struct mapped_fs *mapped)
{
	struct thread *thread = thread_create_kernel("file-data", write_back_thread, mapped, CLASS_NORMAL);

	if (!thread)
		return -ENOMEM;
	mapped->thread_runs = true;
	thread_start(thread);
	memory_reclaim_by_writing(write_for_memory);
	spin_lock(&dirty_lock);
	list_push_back(&mounts, &mapped->mount_link);
	spin_unlock(&dirty_lock);
	return 0;
}

void mapped_stop_thread(struct mapped_fs *mapped)
{
	struct waiter waiter;

	spin_lock(&dirty_lock);
	list_remove(&mapped->mount_link);
	spin_unlock(&dirty_lock);
	atomic_store(&mapped->thread_stop, true);
	wake_all(&mapped->thread_queue);
	wait_begin(&ended_queue, &waiter);
	while (atomic_load(&mapped->thread_runs))
		wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
	wait_end(&waiter);
}

/* Pages that their group does not write, as their places came too late for that, are written after it. */
static int write_pages(void *context)
{
	struct mapped_fs *mapped = context;
	bool later = false;
	uint64_t next;
	int error = write_older(mapped, UINT64_MAX, false, &later, &next);

	if (later && error != -EINTR) {
		mapped_write_groups(mapped);
		error = write_older(mapped, UINT64_MAX, false, &later, &next) ?: error;
	}
	return error;
}

const struct block_cache_ops mapped_cache_ops = { .write_data = mapped_write_data, .wait_data = mapped_wait_data, .write_pages = write_pages };
