/* SPDX-License-Identifier: MIT */
/*
 * Dirty pages of a VM object on their way to the disk: what owners with prepare_write use. When, in which order and where to is theirs.
 *
 * A page that is written back is marked clean first and loses the right to be written to in every mapping, before its owner reads it. So whatever
 * changes it afterwards marks it dirty again: a store by its fault, write(2) and other kernel code by vm_object_written() after the change.
 */
#include "mm/memory_counters.h"
#include "mm/vm_object_internal.h"
#include "lib/errno.h"

static bool is_dirty(const struct vm_object *object, uint64_t index)
{
	const struct frame *frame = page_tree_get(&object->pages, index);

	return frame && (atomic_load_relaxed(&frame->flags) & FRAME_DIRTY);
}

int vm_object_prepare_write(struct vm_object *object, uint64_t pos, uint64_t len)
{
	uint64_t first = pos >> PAGE_SHIFT, end = ((pos + len - 1) >> PAGE_SHIFT) + 1;

	if (likely(!object->ops->prepare_write) || !len)
		return 0;
	mutex_lock(&object->lock);
	while (first < end && is_dirty(object, first))
		first++;
	while (first < end && is_dirty(object, end - 1))
		end--;
	mutex_unlock(&object->lock);
	return first < end ? object->ops->prepare_write(object, first, end - first) : 0;
}

void vm_object_written(struct vm_object *object, uint64_t index, struct frame *frame)
{
	if (likely(!object->ops->prepare_write))
		return;
	/* The change is visible to others before the mark is looked at, as in begin_write_back the mark goes before the page is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (atomic_load(&frame->flags) & FRAME_DIRTY)
		return;
	mutex_lock(&object->lock);
	if (page_tree_get(&object->pages, index) == frame)
		vm_object_mark_dirty(object, frame);
	mutex_unlock(&object->lock);
}

struct frame *vm_object_begin_write_back(struct vm_object *object, uint64_t *index, uint64_t end)
{
	struct frame *frame;

	if (!vm_object_has_dirty(object))
		return NULL;
	mutex_lock(&object->lock);
	while ((frame = page_tree_next(&object->pages, index)) && *index < end) {
		if ((atomic_load(&frame->flags) & (FRAME_DIRTY | FRAME_WRITEBACK)) == FRAME_DIRTY)
			break;
		++*index;
	}
	if (frame && *index >= end)
		frame = NULL;
	if (frame) {
		frame_ref(frame);
		atomic_add(&object->write_backs, 1);
		memory_count(MEMORY_WRITEBACK, 1);
		atomic_or(&frame->flags, FRAME_WRITEBACK);
		vm_object_mark_clean(object, frame);
		vm_object_protect_frame(object, *index, frame);
	}
	mutex_unlock(&object->lock);
	return frame;
}

void vm_object_end_write_back(struct vm_object *object, uint64_t index, struct frame *frame, int error)
{
	/* It is still page @index: truncation waits for the mark. */
	if (error)
		vm_object_mark_dirty(object, frame);
	memory_count(MEMORY_WRITEBACK, -1);
	atomic_and(&frame->flags, ~(uint32_t)FRAME_WRITEBACK);
	atomic_sub(&object->write_backs, 1);
	wake_all(&object->busy);
	frame_put(frame);
}

int vm_object_wait_write_back(struct vm_object *object, uint64_t first, uint64_t end)
{
	struct frame *frame;
	int error = 0;

	if (!atomic_load(&object->write_backs))
		return 0;
	mutex_lock(&object->lock);
	for (uint64_t index = first; !error && (frame = page_tree_next(&object->pages, &index)) && index < end; index++)
		if (atomic_load(&frame->flags) & FRAME_WRITEBACK)
			error = vm_object_wait_page(object, index, FRAME_WRITEBACK, WAIT_KILLABLE);
	mutex_unlock(&object->lock);
	return error;
}

/* Takes a page away unless it has to stay. object->lock held. */
static bool drop_if_clean(struct vm_object *object, uint64_t index, struct frame *frame)
{
	enum { KEEP = FRAME_DIRTY | FRAME_WRITEBACK };

	if (!(frame->flags & FRAME_BUSY)) {
		if (!(atomic_load(&frame->flags) & KEEP) && atomic_load(&frame->refs) > 1)
			vm_object_take_frame(object, index, frame);
		if ((atomic_load(&frame->flags) & KEEP) || atomic_load(&frame->refs) > 1)
			return false;
	}
	vm_object_drop_page(object, index);
	return true;
}

bool vm_object_drop_clean(struct vm_object *object, uint64_t first, uint64_t end)
{
	struct frame *frame;
	bool all = true;

	mutex_lock(&object->lock);
	for (uint64_t index = first; (frame = page_tree_next(&object->pages, &index)) && index < end; index++)
		all &= !object->pinned && drop_if_clean(object, index, frame);
	mutex_unlock(&object->lock);
	return all;
}
