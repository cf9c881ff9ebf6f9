/* SPDX-License-Identifier: MIT */
/* What the files of the VM object code and the fault handler share. */
#pragma once

#include "mm/frame_records.h"
#include "mm/page_tree.h"
#include "mm/vm_object.h"

/* Pages that @object's size covers. */
static inline uint64_t vm_object_pages(const struct vm_object *object)
{
	uint64_t size = atomic_load_relaxed(&object->size);

	return (size >> PAGE_SHIFT) + !!(size & (PAGE_SIZE - 1));
}

/* Do absent pages have contents that the owner must bring? */
static inline bool vm_object_is_filled(const struct vm_object *object)
{
	return object->ops->fill || object->ops->fill_pages;
}

/* The frame of page @index if it is there and ready, else NULL. object->lock held; no reference is taken. */
static inline struct frame *vm_object_ready_page(const struct vm_object *object, uint64_t index)
{
	struct frame *frame = page_tree_get(&object->pages, index);

	return frame && !(frame->flags & FRAME_BUSY) ? frame : NULL;
}

/* vm_object_get_page, also past the end of the object when @past_end. */
int vm_object_take_page(struct vm_object *object, uint64_t index, bool for_write, bool past_end, struct frame **frame);

/* Puts @frame, filled by the caller, in as page @index unless there is one already. 0, -EEXIST or -ENOMEM. Takes a reference of its own. */
int vm_object_add_page(struct vm_object *object, uint64_t index, struct frame *frame);

/* Takes the page at @index, which is not under write-back, out of the tree and drops the tree's reference. object->lock held. */
void vm_object_drop_page(struct vm_object *object, uint64_t index);

/* Sleeps while page @index is there and has one of @flags (FRAME_BUSY, FRAME_WRITEBACK). object->lock is dropped meanwhile. 0, or -EINTR when killed. */
int vm_object_wait_page(struct vm_object *object, uint64_t index, uint32_t flags, enum wait_mode mode);

/* Must the owner prepare it before @frame, a page of @object, is changed? object->lock held, or a page-table lock under which it is mapped. */
static inline bool vm_object_must_prepare(const struct vm_object *object, const struct frame *frame)
{
	return unlikely(object->ops->prepare_write) && !(atomic_load_relaxed(&frame->flags) & FRAME_DIRTY);
}

/*
 * @frame, a page of @object, is about to be changed. The first time the owner is asked for the space: 0 or -ENOSPC. object->lock held, or a
 * page-table lock under which it is mapped.
 */
int vm_object_mark_dirty(struct vm_object *object, struct frame *frame);

/* The page is not dirty any more. object->lock held. */
void vm_object_mark_clean(struct vm_object *object, struct frame *frame);

/* Takes the right to write to page @index away wherever it is mapped as @frame. When it returns no CPU writes to it any more. object->lock held. */
void vm_object_protect_frame(struct vm_object *object, uint64_t index, const struct frame *frame);

/* Unmaps page @index wherever it is mapped as @frame, from locked mappings too. object->lock held. */
void vm_object_take_frame(struct vm_object *object, uint64_t index, const struct frame *frame);

/* Unmaps page @index wherever it is mapped as @frame. False if a locked mapping keeps it. object->lock held. */
bool vm_object_unmap_frame(struct vm_object *object, uint64_t index, const struct frame *frame);

/* The list of objects that have had pages (reclaim.c). */
void vm_object_list_add(struct vm_object *object);
void vm_object_list_remove(struct vm_object *object);	/* waits until reclaim has let go of it */
