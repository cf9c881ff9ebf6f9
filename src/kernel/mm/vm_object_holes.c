/* SPDX-License-Identifier: MIT */
/* Holes in objects whose pages are the only copy of what was changed: making them, and finding them. */
#include "mm/vm_object_internal.h"
#include "lib/errno.h"

void vm_object_punch(struct vm_object *object, uint64_t first, uint64_t end)
{
	struct frame *frame;

	mutex_lock(&object->lock);
	for (; (frame = page_tree_next(&object->pages, &first)) && first < end; vm_object_drop_page(object, first))
		vm_object_take_frame(object, first, frame);
	mutex_unlock(&object->lock);
}

static bool is_changed(const struct frame *frame)
{
	return atomic_load_relaxed(&frame->flags) & FRAME_DIRTY;
}

int64_t vm_object_seek(struct vm_object *object, uint64_t pos, bool hole, uint64_t below)
{
	uint64_t index = pos >> PAGE_SHIFT, found, size;
	struct frame *frame;

	if (pos < below && !hole)
		return pos;
	if (pos < below)
		index = ROUND_UP(below, PAGE_SIZE) >> PAGE_SHIFT;
	mutex_lock(&object->lock);
	do {
		found = index;
		frame = page_tree_next(&object->pages, &found);
		if (hole && found > index)
			frame = NULL;
		else if (!hole)
			index = found;
	} while (frame && is_changed(frame) == hole && ++index);
	size = object->size;
	mutex_unlock(&object->lock);
	pos = MAX(pos, index << PAGE_SHIFT);
	if (hole)
		return MIN(pos, size);
	return frame && pos < size ? (int64_t)pos : -ENXIO;
}
