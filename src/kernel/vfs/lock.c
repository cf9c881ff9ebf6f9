/* SPDX-License-Identifier: MIT */
/*
 * Advisory locks. One spinlock (locks_lock) guards all lists: locks are rare and the sections short. Who must wait sleeps on the file's queue and
 * looks again at each release. Deadlocks among fcntl owners are found by following who waits for whom.
 */
#include "vfs/lock.h"
#include "vfs/watch.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "mm/heap.h"
#include "process/process.h"
#include "sync/wait.h"
#include "vfs/file.h"
#include "vfs/lock_range.h"
#include "vfs/procfs/proc_text.h"
#include "vfs/stat_bits.h"
#include "vfs/vnode.h"
#include <linux/fcntl.h>

/* LOCKS_SHOWN: bytes of text that are made while nobody else can lock. */
enum { WAIT_CHAIN_MAX = 32, LOCKS_SHOWN = 256 << 10 };

struct file_locks {
	struct list records;		/* locks_lock; fcntl and OFD locks */
	struct list whole;		/* locks_lock; flock locks, as records of all bytes */
	struct list link;		/* locks_lock: in all_locks */
	const struct vnode *vnode;	/* whose these are; set once */
	struct wait_queue queue;
};

/* A sleeper for a record lock, for deadlock detection. */
struct blocked {
	struct list link;
	const void *owner, *waits_for;
};

static struct spinlock locks_lock = SPINLOCK_INIT(LOCK_FILE_LOCKS);
static struct list blocked_owners = LIST_INIT(blocked_owners);	/* locks_lock */
static struct list all_locks = LIST_INIT(all_locks);			/* locks_lock: of files that have had any */

static struct file_locks *locks_of(struct vnode *vnode)
{
	struct file_locks *locks = atomic_load(&vnode->locks), *expected = NULL;

	if (locks)
		return locks;
	locks = kzalloc(sizeof(*locks));
	if (!locks)
		return NULL;
	list_init(&locks->records);
	list_init(&locks->whole);
	wait_queue_init(&locks->queue);
	locks->vnode = vnode;
	vnode_has_locks(vnode);
	if (atomic_compare_exchange(&vnode->locks, &expected, locks)) {
		spin_lock(&locks_lock);
		list_push_back(&all_locks, &locks->link);
		spin_unlock(&locks_lock);
		return locks;
	}
	kfree(locks);
	return expected;
}

void file_locks_free(struct vnode *vnode)
{
	if (!vnode->locks)
		return;
	KASSERT(list_empty(&vnode->locks->records) && list_empty(&vnode->locks->whole));
	spin_lock(&locks_lock);
	list_remove(&vnode->locks->link);
	spin_unlock(&locks_lock);
	kfree(vnode->locks);
}

static void free_records(struct list *records)
{
	while (!list_empty(records)) {
		struct lock_record *record = list_first(records, struct lock_record, link);

		list_remove(&record->link);
		kfree(record);
	}
}

static bool allocate_spares(struct list *spare)
{
	for (int i = 0; i < LOCK_RANGE_SPARES; i++) {
		struct lock_record *record = kzalloc(sizeof(*record));

		if (!record) {
			free_records(spare);
			return false;
		}
		list_push_back(spare, &record->link);
	}
	return true;
}

/* Would @owner, waiting for @holder, wait for itself in the end? locks_lock held. */
static bool would_deadlock(const void *owner, const void *holder)
{
	struct blocked *blocked;

	for (int depth = 0; depth < WAIT_CHAIN_MAX; depth++) {
		const void *next = NULL;

		if (holder == owner)
			return true;
		list_for_each(blocked, &blocked_owners, link)
			if (blocked->owner == holder)
				next = blocked->waits_for;
		if (!next)
			return false;
		holder = next;
	}
	return false;
}

/*
 * Tries once. 0: done; -EAGAIN: somebody stands in the way, and *blocked (if not NULL) now says who; -EDEADLK. locks_lock held.
 */
static int try_locked(struct list *records, const struct lock_request *request, struct blocked *blocked, struct list *spare)
{
	struct lock_record wanted = { .owner = request->owner, .start = request->start, .end = request->end, .write = request->write,
				      .pid = request->pid };
	struct lock_record *conflict = request->unlock ? NULL : lock_range_conflict(records, &wanted);

	if (!conflict) {
		lock_range_apply(records, &wanted, request->unlock, spare);
		return 0;
	}
	if (!blocked)
		return -EAGAIN;
	if (request->detect_deadlock && would_deadlock(request->owner, conflict->owner))
		return -EDEADLK;
	blocked->waits_for = conflict->owner;
	return -EAGAIN;
}

/* Sleeps until the lock is had. */
static int wait_for_lock(struct file_locks *locks, struct list *records, const struct lock_request *request, struct list *spare)
{
	struct blocked blocked = { .owner = request->owner };
	struct waiter waiter;
	int error, interrupted = 0;

	list_init(&blocked.link);
	wait_begin(&locks->queue, &waiter);
	for (;;) {
		spin_lock(&locks_lock);
		list_remove(&blocked.link);
		error = try_locked(records, request, &blocked, spare);
		if (error == -EAGAIN && !interrupted && request->detect_deadlock)
			list_push_back(&blocked_owners, &blocked.link);
		spin_unlock(&locks_lock);
		if (error != -EAGAIN)
			break;
		if (interrupted) {
			error = interrupted;
			break;
		}
		interrupted = wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
	}
	wait_end(&waiter);
	return error;
}

static int set_lock(struct file_locks *locks, struct list *records, const struct lock_request *request)
{
	struct list spare = LIST_INIT(spare);
	int error;

	if (!allocate_spares(&spare))
		return -ENOMEM;
	spin_lock(&locks_lock);
	error = try_locked(records, request, NULL, &spare);
	spin_unlock(&locks_lock);
	if (error == -EAGAIN && request->wait)
		error = wait_for_lock(locks, records, request, &spare);
	free_records(&spare);
	/* An unlock, or a write lock that became a read lock, may let others in. */
	if (!error && (request->unlock || !request->write))
		wake_all(&locks->queue);
	return error;
}

int file_lock_set(struct vnode *vnode, const struct lock_request *request)
{
	struct file_locks *locks;

	if (request->unlock && !atomic_load(&vnode->locks))
		return 0;
	locks = locks_of(vnode);
	return locks ? set_lock(locks, &locks->records, request) : -ENOLCK;
}

bool file_lock_test(struct vnode *vnode, struct lock_request *request)
{
	struct lock_record wanted = { .owner = request->owner, .start = request->start, .end = request->end, .write = request->write };
	struct file_locks *locks = atomic_load(&vnode->locks);
	struct lock_record *conflict;

	if (!locks)
		return false;
	spin_lock(&locks_lock);
	conflict = lock_range_conflict(&locks->records, &wanted);
	if (conflict)
		*request = (struct lock_request){ .owner = conflict->owner, .pid = conflict->pid, .start = conflict->start,
						  .end = conflict->end, .write = conflict->write };
	spin_unlock(&locks_lock);
	return conflict != NULL;
}

static void release_from(struct file_locks *locks, struct list *records, const void *owner)
{
	struct list freed = LIST_INIT(freed);
	bool any;

	spin_lock(&locks_lock);
	any = lock_range_release(records, owner, &freed);
	spin_unlock(&locks_lock);
	free_records(&freed);
	if (any)
		wake_all(&locks->queue);
}

int file_lock_whole(struct file *file, int operation, bool wait)
{
	struct lock_request request = { .owner = file, .pid = current_process()->pid, .end = LOCK_RANGE_END, .write = operation == LOCK_EX,
					.unlock = operation == LOCK_UN, .wait = wait };
	struct file_locks *locks;

	if (request.unlock && !atomic_load(&file->vnode->locks))
		return 0;
	locks = locks_of(file->vnode);
	if (!locks)
		return -ENOLCK;
	/* Changing the kind is giving up the one and asking for the other. */
	spin_lock(&locks_lock);
	struct lock_record *record, *own = NULL;

	list_for_each(record, &locks->whole, link)
		if (record->owner == file)
			own = record;
	bool same = own && !request.unlock && own->write == request.write;

	spin_unlock(&locks_lock);
	if (same)
		return 0;
	if (own && !request.unlock)
		release_from(locks, &locks->whole, file);
	return set_lock(locks, &locks->whole, &request);
}

void file_locks_release_owner(struct vnode *vnode, const void *owner)
{
	release_from(vnode->locks, &vnode->locks->records, owner);
}

void file_locks_release_file(struct file *file)
{
	release_from(file->vnode->locks, &file->vnode->locks->records, file);
	release_from(file->vnode->locks, &file->vnode->locks->whole, file);
}

/* ---- /proc/locks, and lines of fdinfo ---- */

/* What is shown: all locks, or those of @file and @table. */
struct lock_list {
	struct proc_text *text;
	const struct file *file;
	const void *table;
	unsigned number;
};

static void show_records(struct lock_list *list, const struct list *records, bool whole, const struct vnode *vnode)
{
	struct lock_record *record;

	list_for_each(record, records, link) {
		if (list->text->len >= LOCKS_SHOWN)
			return;
		if (list->file && record->owner != list->file && record->owner != list->table)
			continue;
		proc_text_print(list->text, "%s%u: %-6s ADVISORY  %s %d %02x:%02x:%lu %lu ", list->file ? "lock:\t" : "", ++list->number,
				whole ? "FLOCK" : record->pid < 0 ? "OFDLCK" : "POSIX", record->write ? "WRITE" : "READ", record->pid,
				dev_major(vnode->fs->dev), dev_minor(vnode->fs->dev), vnode->node.id, record->start);
		if (record->end == LOCK_RANGE_END)
			proc_text_print(list->text, "EOF\n");
		else
			proc_text_print(list->text, "%lu\n", record->end);
	}
}

void file_locks_show(struct proc_text *text, const struct file *file, const void *table)
{
	struct lock_list list = { text, file, table, 0 };
	const struct file_locks *locks;

	spin_lock(&locks_lock);
	list_for_each(locks, &all_locks, link) {
		if (text->len >= LOCKS_SHOWN)
			break;
		if (file && locks != file->vnode->locks)
			continue;
		show_records(&list, &locks->records, false, locks->vnode);
		show_records(&list, &locks->whole, true, locks->vnode);
	}
	spin_unlock(&locks_lock);
}
