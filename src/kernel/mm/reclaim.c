/* SPDX-License-Identifier: MIT */
/*
 * Giving up clean pages of files. Objects are visited in turn; pages that nobody maps go first, mapped ones are unmapped when that was
 * not enough. Pages of pinned objects, dirty ones, those under write-back and pages of locked mappings stay.
 *
 * Locks: list_lock (spinlock) guards the list of objects and `scanned`; an object's mutex is only tried, so that this may be called with
 * another object's lock held. scan_lock (mutex) is held while an object is scanned, for those who destroy it meanwhile to wait on.
 */
#include "mm/reclaim.h"
#include "mm/vm_object_internal.h"
#include "lib/panic.h"

static struct spinlock list_lock = SPINLOCK_INIT(LOCK_OBJECT_LIST);
static struct list objects = LIST_INIT(objects);	/* guarded by list_lock */
static struct vm_object *scanned;			/* guarded by list_lock */
static struct mutex scan_lock = MUTEX_INIT(scan_lock, LOCK_RECLAIM_SCAN);

void vm_object_list_add(struct vm_object *object)
{
	spin_lock(&list_lock);
	list_push_back(&objects, &object->all_link);
	spin_unlock(&list_lock);
}

void vm_object_list_remove(struct vm_object *object)
{
	spin_lock(&list_lock);
	while (scanned == object) {
		spin_unlock(&list_lock);
		mutex_lock(&scan_lock);
		mutex_unlock(&scan_lock);
		spin_lock(&list_lock);
	}
	list_remove(&object->all_link);
	spin_unlock(&list_lock);
}

/* Drops clean pages of @object from @index on and before @end, mapped ones only if @mapped too. object->lock held. */
static size_t shrink_object(struct vm_object *object, uint64_t index, uint64_t end, size_t frames, bool mapped)
{
	enum { KEEP = FRAME_BUSY | FRAME_DIRTY | FRAME_WRITEBACK };
	size_t freed = 0;
	struct frame *frame;

	while (freed < frames && (frame = page_tree_next(&object->pages, &index)) && index < end) {
		if (!(frame->flags & KEEP) && mapped && frame->refs > 1)
			vm_object_unmap_frame(object, index, frame);
		if (!(frame->flags & KEEP) && atomic_load(&frame->refs) == 1) {
			vm_object_drop_page(object, index);
			freed++;
		}
		index++;
	}
	return freed;
}

void vm_object_forget(struct vm_object *object, uint64_t first, uint64_t end)
{
	mutex_lock(&object->lock);
	if (!object->pinned)
		shrink_object(object, first, end, SIZE_MAX, false);
	mutex_unlock(&object->lock);
}

/* The next object to scan, its mutex held, moved to the end of the list; NULL after one round. list_lock held. */
static struct vm_object *next_object(size_t *rounds)
{
	while ((*rounds)-- && !list_empty(&objects)) {
		struct vm_object *object = list_first(&objects, struct vm_object, all_link);

		list_remove(&object->all_link);
		list_push_back(&objects, &object->all_link);
		if (!object->pinned && atomic_load_relaxed(&object->page_count) && mutex_try_lock(&object->lock))
			return object;
	}
	return NULL;
}

static size_t count_objects(void)
{
	struct list *at;
	size_t count = 0;

	for (at = objects.next; at != &objects; at = at->next)
		count++;
	return count;
}

static size_t shrink_round(size_t frames, bool mapped)
{
	struct vm_object *object;
	size_t freed = 0, rounds;

	spin_lock(&list_lock);
	rounds = count_objects();
	while (freed < frames && (object = next_object(&rounds))) {
		scanned = object;
		spin_unlock(&list_lock);
		freed += shrink_object(object, 0, UINT64_MAX, frames - freed, mapped);
		mutex_unlock(&object->lock);
		spin_lock(&list_lock);
		scanned = NULL;
	}
	spin_unlock(&list_lock);
	return freed;
}

size_t vm_object_shrink_all(size_t frames)
{
	size_t freed;

	/* Whoever is in here works for us too. */
	if (!mutex_try_lock(&scan_lock)) {
		if (mutex_held(&scan_lock))
			return 0;
		mutex_lock(&scan_lock);
	}
	freed = shrink_round(frames, false);
	/* Whoever wants all (drop_caches) is not short of memory: programs keep what they run from. */
	if (freed < frames && frames < SIZE_MAX / 2)
		freed += shrink_round(frames - freed, true);
	mutex_unlock(&scan_lock);
	return freed;
}
