/* SPDX-License-Identifier: MIT */
/* VM objects: life, finding and filling pages, and taking pages away from those who map them. */
#include "mm/vm_object.h"
#include "mm/address_space.h"
#include "mm/heap.h"
#include "mm/memory_counters.h"
#include "mm/page_table.h"
#include "mm/reclaim.h"
#include "mm/vm_object_internal.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"

#include <linux/mman.h>

enum { SHRINK_ON_FAILURE = 64 };

void vm_object_init(struct vm_object *object, const struct vm_object_ops *ops, uint64_t size)
{
	*object = (struct vm_object){
		.refs = { 1 }, .ops = ops, .lock = MUTEX_INIT(object->lock, LOCK_VM_OBJECT), .size = size, .mappings = LIST_INIT(object->mappings),
		.busy = WAIT_QUEUE_INIT(object->busy),
	};
	vm_object_first_ready_size(object);
}

void vm_object_discard(struct vm_object *object)
{
	KASSERT(!object->listed && list_empty(&object->mappings));
}

/* Of an object that nobody uses, but perhaps reclaim. */
static void drop_all_pages(struct vm_object *object)
{
	uint64_t index = 0;

	vm_object_list_remove(object);
	mutex_lock(&object->lock);
	while (page_tree_next(&object->pages, &index))
		vm_object_drop_page(object, index);
	mutex_unlock(&object->lock);
}

void vm_object_free(struct vm_object *object)
{
	KASSERT(list_empty(&object->mappings));
	if (object->listed)
		drop_all_pages(object);
	if (object->ops->release)
		object->ops->release(object);
}

/* ---- Anonymous shared memory ---- */

static void anonymous_release(struct vm_object *object)
{
	kfree(object);
}

static void anonymous_describe(struct vm_object *object, char *buf, size_t size)
{
	string_copy(buf, "/dev/zero (deleted)", size);
}

static const struct vm_object_ops anonymous_ops = { .release = anonymous_release, .describe = anonymous_describe };

uint64_t vm_object_new_identity(struct vm_object *object)
{
	static uint64_t last;	/* atomic */
	uint64_t none = 0, fresh = atomic_add(&last, 1);

	return atomic_compare_exchange(&object->identity, &none, fresh) ? fresh : none;
}

struct vm_object *vm_object_create_anonymous(uint64_t size)
{
	struct vm_object *object = kmalloc(sizeof(*object));

	if (!object)
		return NULL;
	vm_object_init(object, &anonymous_ops, size);
	object->pinned = true;
	return object;
}

/* ---- Pages ---- */

static void count_pages(struct vm_object *object, int64_t delta)
{
	object->page_count += delta;
	memory_count(MEMORY_CACHED, delta);
	if (object->pinned)
		memory_count(MEMORY_SHARED, delta);
}

/* object->lock held. */
static int insert_page(struct vm_object *object, uint64_t index, struct frame *frame, uint32_t flags)
{
	int error = page_tree_insert(&object->pages, index, frame);

	if (error)
		return error;
	frame->flags = FRAME_CACHE | flags;
	frame->private = index;
	count_pages(object, 1);
	if (unlikely(!object->listed)) {
		object->listed = true;
		vm_object_list_add(object);
	}
	return 0;
}

/* Dirty pages are counted one by one; those of objects without write-back live only in memory, as all pages of pinned ones do. */
static void count_dirty(struct vm_object *object, int delta)
{
	if (object->ops->prepare_write) {
		atomic_add(&object->dirty_pages, delta);
		memory_count(MEMORY_DIRTY, delta);
	} else if (!object->pinned) {
		memory_count(MEMORY_SHARED, delta);
	}
}

int vm_object_mark_dirty(struct vm_object *object, struct frame *frame)
{
	int error;

	if (atomic_load_relaxed(&frame->flags) & FRAME_DIRTY)
		return 0;
	error = object->ops->charge ? object->ops->charge(object, 1) : 0;
	if (error)
		return error;
	/* First the count, so that it is never too low: it says whether to look for dirty pages at all. */
	count_dirty(object, 1);
	if (atomic_or(&frame->flags, FRAME_DIRTY) & FRAME_DIRTY) {
		/* Another thread was quicker and has paid. */
		if (object->ops->charge)
			object->ops->charge(object, -1);
		count_dirty(object, -1);
	} else if (object->ops->prepare_write && object->ops->dirtied) {
		object->ops->dirtied(object);
	}
	return 0;
}

void vm_object_mark_clean(struct vm_object *object, struct frame *frame)
{
	atomic_and(&frame->flags, ~(uint32_t)FRAME_DIRTY);
	if (object->ops->charge)
		object->ops->charge(object, -1);
	count_dirty(object, -1);
}

void vm_object_drop_page(struct vm_object *object, uint64_t index)
{
	struct frame *frame = page_tree_remove(&object->pages, index);

	if (frame->flags & FRAME_DIRTY)
		vm_object_mark_clean(object, frame);
	if (unlikely(frame->flags & FRAME_BUSY))
		wake_all(&object->busy);
	count_pages(object, -1);
	frame_put(frame);
}

int vm_object_wait_page(struct vm_object *object, uint64_t index, uint32_t flags, enum wait_mode mode)
{
	struct waiter waiter;
	int error = 0;

	wait_begin(&object->busy, &waiter);
	while (!error) {
		struct frame *frame = page_tree_get(&object->pages, index);

		if (!frame || !(atomic_load(&frame->flags) & flags))
			break;
		mutex_unlock(&object->lock);
		error = wait_block(&waiter, WAIT_FOREVER, mode);
		mutex_lock(&object->lock);
	}
	wait_end(&waiter);
	return error ? -EINTR : 0;
}

/*
 * Pages under construction, which are busy. The maker has a reference to each, the tree another one as long as it has them: truncation takes them
 * away without waiting.
 */
struct page_run {
	uint64_t first;
	unsigned count;
	struct frame *frames[VM_OBJECT_RUN_MAX];
};

/* Puts pages in from run->first on, which is absent: @wanted, or as many as are absent and as there is memory for. object->lock held. */
static int begin_run(struct vm_object *object, struct page_run *run, unsigned wanted)
{
	unsigned flags = object->ops->fill_pages ? 0 : FRAME_ZERO;
	int error = 0;

	for (run->count = 0; run->count < wanted; run->count++) {
		uint64_t index = run->first + run->count;
		struct frame *frame;

		if (run->count && page_tree_get(&object->pages, index))
			break;
		frame = frame_alloc(flags);
		error = frame ? insert_page(object, index, frame, FRAME_BUSY) : -ENOMEM;
		if (error) {
			if (frame)
				frame_put(frame);
			break;
		}
		frame_ref(frame);
		run->frames[run->count] = frame;
	}
	return run->count ? 0 : error;
}

/* The pages from the run's @from-th on are ready or, with @error, will not be. object->lock held. */
static void end_run(struct vm_object *object, struct page_run *run, unsigned from, int error)
{
	for (unsigned i = from; i < run->count; i++) {
		struct frame *frame = run->frames[i];

		atomic_and(&frame->flags, ~(uint32_t)FRAME_BUSY);
		if (error && page_tree_get(&object->pages, run->first + i) == frame)
			vm_object_drop_page(object, run->first + i);
		frame_put(frame);
	}
	run->count = from;
	wake_all(&object->busy);
}

/* The owner fills the run. object->lock is held, and dropped meanwhile. */
static int fill_run(struct vm_object *object, struct page_run *run)
{
	const struct vm_object_ops *ops = object->ops;
	int error;

	mutex_unlock(&object->lock);
	if (ops->fill_pages)
		error = ops->fill_pages(object, run->first, run->frames, run->count);
	else
		error = ops->fill(object, run->first, frame_virt(run->frames[0]));
	mutex_lock(&object->lock);
	return error;
}

/* How many pages to bring in with page @index, which the object's size covers. object->lock held. */
static unsigned run_length(struct vm_object *object, uint64_t index)
{
	const struct vm_object_ops *ops = object->ops;
	uint64_t wanted = ops->fill_pages && ops->window ? ops->window(object, index) : 1;

	wanted = MIN(MAX(wanted, 1ull), (uint64_t)VM_OBJECT_RUN_MAX);
	return MIN(wanted, vm_object_pages(object) - index);
}

static int create_empty_page(struct vm_object *object, uint64_t index)
{
	struct frame *frame = frame_alloc(FRAME_ZERO);
	int error = frame ? insert_page(object, index, frame, 0) : -ENOMEM;

	if (error && frame)
		frame_put(frame);
	return error;
}

/*
 * Makes page @index, which is absent, and those that come with it. object->lock is held, and dropped while the owner fills them. On success the page is
 * in the tree; the caller looks it up again, because it may be gone already.
 */
static int create_page(struct vm_object *object, uint64_t index)
{
	struct page_run run;
	int error;

	if (!vm_object_is_filled(object) || index >= vm_object_pages(object))
		return create_empty_page(object, index);
	run.first = index;
	error = begin_run(object, &run, run_length(object, index));
	if (error)
		return error;
	error = fill_run(object, &run);
	if (unlikely(error) && error != -EINTR && run.count > 1) {
		/* What was to come with it may be at fault. */
		end_run(object, &run, 1, error);
		error = fill_run(object, &run);
	}
	end_run(object, &run, 0, error);
	return error;
}

/* Gives up clean pages of files when there was no memory. Whether it helped. object->lock is dropped meanwhile: who scans objects may be waited for. */
static bool make_room(struct vm_object *object)
{
	size_t freed;

	mutex_unlock(&object->lock);
	freed = vm_object_shrink_all(SHRINK_ON_FAILURE);
	mutex_lock(&object->lock);
	return freed;
}

int vm_object_take_page(struct vm_object *object, uint64_t index, bool for_write, bool past_end, struct frame **out)
{
	bool made_room = false;
	struct frame *frame;
	int error = 0;

	mutex_lock(&object->lock);
	for (;;) {
		if (!past_end && index >= vm_object_pages(object)) {
			error = -ENXIO;
			break;
		}
		frame = page_tree_get(&object->pages, index);
		if (frame && !(frame->flags & FRAME_BUSY)) {
			error = for_write ? vm_object_mark_dirty(object, frame) : 0;
			if (!error) {
				frame_ref(frame);
				*out = frame;
			}
			break;
		}
		if (frame)
			error = vm_object_wait_page(object, index, FRAME_BUSY, WAIT_KILLABLE);
		else
			error = create_page(object, index);
		if (error == -ENOMEM && !made_room) {
			made_room = true;
			error = make_room(object) ? 0 : error;
		}
		if (error)
			break;
	}
	mutex_unlock(&object->lock);
	return error;
}

int vm_object_get_page(struct vm_object *object, uint64_t index, bool for_write, struct frame **frame)
{
	int error = for_write ? vm_object_prepare_write(object, index << PAGE_SHIFT, 1) : 0;

	return error ? error : vm_object_take_page(object, index, for_write, false, frame);
}

int vm_object_add_page(struct vm_object *object, uint64_t index, struct frame *frame)
{
	int error = -EEXIST;

	mutex_lock(&object->lock);
	if (!page_tree_get(&object->pages, index)) {
		error = insert_page(object, index, frame, 0);
		if (!error) {
			frame_ref(frame);
			error = vm_object_mark_dirty(object, frame);
			if (error)
				vm_object_drop_page(object, index);
		}
	}
	mutex_unlock(&object->lock);
	return error;
}

struct frame *vm_object_find_page(struct vm_object *object, uint64_t index)
{
	mutex_lock(&object->lock);
	struct frame *frame = vm_object_ready_page(object, index);

	if (frame)
		frame_ref(frame);
	mutex_unlock(&object->lock);
	return frame;
}

/* ---- Size ---- */

void vm_object_grow(struct vm_object *object, uint64_t size)
{
	mutex_lock(&object->lock);
	if (size > object->size) {
		atomic_store(&object->size, size);
		vm_object_renew_ready_size(object);
	}
	mutex_unlock(&object->lock);
}

/* Drops every page from @first on. object->lock held (and dropped while waiting for pages under write-back). */
static void drop_pages_from(struct vm_object *object, uint64_t first)
{
	uint64_t index = first;
	struct frame *frame;

	while ((frame = page_tree_next(&object->pages, &index))) {
		if (atomic_load(&frame->flags) & FRAME_WRITEBACK)
			vm_object_wait_page(object, index, FRAME_WRITEBACK, WAIT_UNINTERRUPTIBLE);
		else
			vm_object_drop_page(object, index);
	}
}

COLD void vm_object_truncate(struct vm_object *object, uint64_t size)
{
	uint64_t first = (size >> PAGE_SHIFT) + !!(size & (PAGE_SIZE - 1)), tail = size & (PAGE_SIZE - 1);

	mutex_lock(&object->lock);
	bool shrinks = size < object->size;

	atomic_store(&object->size, size);
	vm_object_renew_ready_size(object);
	if (shrinks || object->page_count) {
		vm_object_unmap_pages(object, first, UINT64_MAX >> PAGE_SHIFT);
		drop_pages_from(object, first);
	}
	if (shrinks && tail) {
		struct frame *frame = page_tree_get(&object->pages, size >> PAGE_SHIFT);

		/* One that is being filled is filled again when it is wanted: whoever fills it now may not know of the new end. */
		if (frame && (frame->flags & FRAME_BUSY))
			vm_object_drop_page(object, size >> PAGE_SHIFT);
		else if (frame)
			memset((char *)frame_virt(frame) + tail, 0, PAGE_SIZE - tail);
	}
	mutex_unlock(&object->lock);
}

/* ---- Who maps it ---- */

/* The addresses at which @vma maps pages first..last; false if it maps none of them. */
static bool vma_range_of(const struct vma *vma, uint64_t first, uint64_t last, uint64_t *start, uint64_t *end)
{
	uint64_t from = vma->offset >> PAGE_SHIFT, to = from + ((vma->end - vma->start) >> PAGE_SHIFT) - 1;

	if (last < from || first > to)
		return false;
	*start = vma->start + ((MAX(first, from) - from) << PAGE_SHIFT);
	*end = vma->start + ((MIN(last, to) - from + 1) << PAGE_SHIFT);
	return true;
}

void vm_object_unmap_pages(struct vm_object *object, uint64_t first, uint64_t last)
{
	struct vma *vma;
	uint64_t start, end;

	list_for_each(vma, &object->mappings, object_link)
		if (vma_range_of(vma, first, last, &start, &end))
			page_table_unmap_piecewise(vma->as, start, end);
}

bool vm_object_unmap_frame(struct vm_object *object, uint64_t index, const struct frame *frame)
{
	struct vma *vma;
	uint64_t start, end;

	list_for_each(vma, &object->mappings, object_link)
		if ((vma->flags & VMA_LOCKED) && vma_range_of(vma, index, index, &start, &end))
			return false;
	vm_object_take_frame(object, index, frame);
	return true;
}

void vm_object_take_frame(struct vm_object *object, uint64_t index, const struct frame *frame)
{
	struct vma *vma;
	uint64_t start, end;

	list_for_each(vma, &object->mappings, object_link)
		if (vma_range_of(vma, index, index, &start, &end))
			page_table_unmap_page(vma->as, start, frame);
}

void vm_object_protect_frame(struct vm_object *object, uint64_t index, const struct frame *frame)
{
	struct vma *vma;
	uint64_t start, end;

	list_for_each(vma, &object->mappings, object_link)
		if (!(vma->flags & MAP_PRIVATE) && vma_range_of(vma, index, index, &start, &end))
			page_table_protect_page(vma->as, start, frame);
}
