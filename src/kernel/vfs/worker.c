/* SPDX-License-Identifier: MIT */
/*
 * The worker of a file system in a server (worker.h). Its queue is made of what it is given: it needs no memory to take a vnode.
 *
 * Lock: workers_lock (spinlock) guards what all workers are to do. Wake-ups are sent with it held, so that who is woken may free the worker.
 */
#include "vfs/worker.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mm/heap.h"
#include "sched/clock.h"
#include "sched/thread.h"
#include "vfs/dentry.h"
#include "vfs/fs_registry.h"
#include "vfs/vnode_cache.h"

struct fs_worker {
	struct fs *fs;
	struct refcount refs;		/* the thread, and those who wait in fs_worker_wait_and_put */
	struct wait_queue work;		/* the thread waits */
	struct wait_queue done;		/* others wait for it */
	uint64_t given, told;		/* vnodes, ever: atomic, the first changed with workers_lock held, the second by the thread only */
	/* workers_lock: */
	struct list ending;		/* vnodes by lru_link */
	bool flush, unmounted, end;	/* what was asked for and has not begun */
	bool lingers;			/* the thread's: the last mount is gone, but files are mapped */
	bool busy;			/* the last mount is gone, and not all is told */
	bool ended;			/* the file system is no more */
};

static struct spinlock workers_lock = SPINLOCK_INIT(LOCK_FS_WORKERS);

static void worker_put(struct fs_worker *worker)
{
	if (refcount_put(&worker->refs))
		kfree(worker);
}

/* What is to be done next, taken off the list. */
enum work { WORK_NONE, WORK_VNODE, WORK_FLUSH, WORK_UNMOUNTED, WORK_LINGER, WORK_END };

#define LINGER_NS NS_PER_SEC

static enum work take_work(struct fs_worker *worker, struct vnode **vnode)
{
	enum work work = WORK_NONE;

	spin_lock(&workers_lock);
	if (!list_empty(&worker->ending)) {
		*vnode = list_first(&worker->ending, struct vnode, lru_link);
		list_remove(&(*vnode)->lru_link);
		work = WORK_VNODE;
	} else if (worker->unmounted) {
		worker->unmounted = worker->flush = false;
		work = WORK_UNMOUNTED;
	} else if (worker->end) {
		work = WORK_END;
	} else if (worker->flush) {
		worker->flush = false;
		work = WORK_FLUSH;
	}
	spin_unlock(&workers_lock);
	return work;
}

static enum work wait_for_work(struct fs_worker *worker, struct vnode **vnode)
{
	struct waiter waiter;
	enum work work = take_work(worker, vnode);

	if (work)
		return work;
	wait_begin(&worker->work, &waiter);
	while (!(work = take_work(worker, vnode)))
		if (wait_block(&waiter, worker->lingers ? clock_monotonic_ns() + LINGER_NS : WAIT_FOREVER, WAIT_UNINTERRUPTIBLE) == -ETIMEDOUT) {
			work = WORK_LINGER;
			break;
		}
	wait_end(&waiter);
	return work;
}

static void end_vnode(struct fs_worker *worker, struct vnode *vnode)
{
	vnode_end(vnode);
	atomic_add(&worker->told, 1);
	wake_all(&worker->done);
}

static void end_queued(struct fs_worker *worker)
{
	struct vnode *vnode;

	do {
		vnode = NULL;
		spin_lock(&workers_lock);
		if (!list_empty(&worker->ending)) {
			vnode = list_first(&worker->ending, struct vnode, lru_link);
			list_remove(&vnode->lru_link);
		}
		spin_unlock(&workers_lock);
		if (vnode)
			end_vnode(worker, vnode);
	} while (vnode);
}

static int tell_and_write(struct fs *fs)
{
	int error = vnode_flush_all(fs);

	if (fs->ops->sync && !(fs->flags & FS_READ_ONLY))
		error = fs->ops->sync(fs) ?: error;
	if (error)
		log_error("vfs: a %s file system was unmounted, but did not take all changes (error %d)", fs->type, -error);
	return error;
}

static bool is_left(const struct vnode *vnode)
{
	return vnode->cached && list_empty(&vnode->object.mappings);
}

/* Write-back goes on for files that are mapped; what was stored last is written when nobody has them mapped any more. */
static void linger(struct fs_worker *worker)
{
	struct fs *fs = worker->fs;

	if (!vnode_search(fs, is_left, NULL, 0))
		return;
	worker->lingers = vnode_forget_fs(fs, tell_and_write(fs) != 0);
	end_queued(worker);
}

/* Nothing shows @fs any more; mappings of its files may be left. Puts the reference that fs_worker_unmounted() took. */
static void tell_all(struct fs_worker *worker)
{
	struct fs *fs = worker->fs;
	int error = vnode_flush_all(fs);
	bool last;

	/* Dirty pages go with their vnodes, where they cannot be written. */
	if (fs->data && fs->ops->sync && !(fs->flags & FS_READ_ONLY))
		error = fs->ops->sync(fs) ?: error;
	dentry_drop_fs(fs);
	worker->lingers = vnode_forget_fs(fs, error != 0);
	end_queued(worker);
	/* After the put it is this thread that unmounts it, so @fs stays until then. */
	fs_put(fs);
	spin_lock(&workers_lock);
	last = worker->end;
	spin_unlock(&workers_lock);
	if (!last && fs->ops->sync && !(fs->flags & FS_READ_ONLY))
		error = fs->ops->sync(fs) ?: error;
	if (error)
		log_error("vfs: a %s file system was unmounted, but did not take all changes (error %d)", fs->type, -error);
}

static void done(struct fs_worker *worker, enum work work)
{
	spin_lock(&workers_lock);
	if (work == WORK_UNMOUNTED)
		worker->busy = false;
	else
		worker->ended = true;
	wake_all(&worker->done);
	spin_unlock(&workers_lock);
}

static void worker_thread(void *arg)
{
	struct fs_worker *worker = arg;
	struct vnode *vnode;
	enum work work;

	do {
		work = wait_for_work(worker, &vnode);
		switch (work) {
		case WORK_VNODE:
			end_vnode(worker, vnode);
			break;
		case WORK_FLUSH:
			vnode_flush_idle(worker->fs);
			break;
		case WORK_LINGER:
			linger(worker);
			break;
		case WORK_UNMOUNTED:
			tell_all(worker);
			done(worker, work);
			break;
		default:
			worker->fs->ops->unmount(worker->fs);
			done(worker, work);
		}
	} while (work != WORK_END);
	worker_put(worker);
}

int fs_worker_start(struct fs *fs)
{
	struct fs_worker *worker = kzalloc(sizeof(*worker));
	struct thread *thread = worker ? thread_create_kernel("fs-worker", worker_thread, worker, CLASS_NORMAL) : NULL;

	if (!thread) {
		kfree(worker);
		return -ENOMEM;
	}
	worker->fs = fs;
	refcount_init(&worker->refs, 1);
	wait_queue_init(&worker->work);
	wait_queue_init(&worker->done);
	list_init(&worker->ending);
	fs->worker = worker;
	thread_start(thread);
	return 0;
}

void fs_worker_take(struct vnode *vnode)
{
	struct fs_worker *worker = vnode->fs->worker;

	spin_lock(&workers_lock);
	list_push_back(&worker->ending, &vnode->lru_link);
	atomic_add(&worker->given, 1);
	wake_all(&worker->work);
	spin_unlock(&workers_lock);
}

COLD int fs_worker_wait_for_ends(struct fs *fs)
{
	struct fs_worker *worker = fs->worker;
	struct waiter waiter;
	uint64_t given;
	int error = 0;

	if (!worker)
		return 0;
	given = atomic_load(&worker->given);
	wait_begin(&worker->done, &waiter);
	while (atomic_load(&worker->told) < given && !error)
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_KILLABLE);
	wait_end(&waiter);
	return error ? -EINTR : 0;
}

void fs_worker_flush(struct fs *fs)
{
	struct fs_worker *worker = fs->worker;

	spin_lock(&workers_lock);
	if (!worker->flush) {
		worker->flush = true;
		wake_all(&worker->work);
	}
	spin_unlock(&workers_lock);
}

void fs_worker_unmounted(struct fs *fs)
{
	struct fs_worker *worker = fs->worker;

	fs_get(fs);
	spin_lock(&workers_lock);
	worker->unmounted = worker->busy = true;
	wake_all(&worker->work);
	spin_unlock(&workers_lock);
}

void fs_worker_end(struct fs *fs)
{
	struct fs_worker *worker = fs->worker;

	spin_lock(&workers_lock);
	worker->end = true;
	wake_all(&worker->work);
	spin_unlock(&workers_lock);
}

struct fs_worker *fs_worker_get(struct fs *fs)
{
	if (fs->worker)
		refcount_get(&fs->worker->refs);
	return fs->worker;
}

int fs_worker_wait_and_put(struct fs_worker *worker)
{
	struct waiter waiter;
	bool over = false;
	int error = 0;

	wait_begin(&worker->done, &waiter);
	while (!error) {
		spin_lock(&workers_lock);
		over = worker->ended || (!worker->busy && !worker->end);
		spin_unlock(&workers_lock);
		if (over)
			break;
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_KILLABLE);
	}
	wait_end(&waiter);
	worker_put(worker);
	return over ? 0 : -EINTR;
}
