/* SPDX-License-Identifier: MIT */
/* read(2) and write(2) through the pages of a VM object. No lock is held while user memory is touched: only a reference to the page. */
#include "mm/vm_object.h"
#include "mm/uio.h"
#include "mm/vm_object_internal.h"
#include "mm/vm_object_ready.h"
#include "lib/errno.h"

long vm_object_ready_end_busy(struct vm_object *object, long done)
{
	mutex_wake(&object->lock);
	preempt_check();
	return done;
}

/* A page that is absent and would be all zeroes need not be made for reading. */
static bool is_hole(struct vm_object *object, uint64_t index)
{
	if (vm_object_is_filled(object))
		return false;
	mutex_lock(&object->lock);
	bool hole = !page_tree_get(&object->pages, index);

	mutex_unlock(&object->lock);
	return hole;
}

ssize_t vm_object_read(struct vm_object *object, uint64_t pos, struct uio *uio)
{
	ssize_t done = 0;
	int error = 0;

	while (uio->left) {
		uint64_t size = atomic_load(&object->size), offset = pos & (PAGE_SIZE - 1);
		struct frame *frame = NULL;
		size_t part, moved;

		if (pos >= size)
			break;
		part = MIN(MIN(PAGE_SIZE - offset, size - pos), (uint64_t)uio->left);
		if (!is_hole(object, pos >> PAGE_SHIFT)) {
			error = vm_object_get_page(object, pos >> PAGE_SHIFT, false, &frame);
			if (error)
				break;
		}
		moved = frame ? uio_write_to(uio, (char *)frame_virt(frame) + offset, part) : uio_write_zeroes(uio, part);
		if (frame)
			frame_put(frame);
		done += moved;
		pos += moved;
		if (moved < part) {
			error = -EFAULT;
			break;
		}
	}
	/* Truncated just now: the end was reached. */
	if (error == -ENXIO)
		error = 0;
	return done ? done : error;
}

/* Writes a whole page that is absent without filling it first. Returns bytes moved, or a negative errno; -EEXIST: do it the usual way. */
static ssize_t write_new_page(struct vm_object *object, uint64_t index, struct uio *uio)
{
	struct frame *frame = vm_object_find_page(object, index);
	size_t moved;
	int error;

	if (!frame)
		frame = frame_alloc(0);
	else
		goto usual;
	if (!frame)
		return -EEXIST;
	moved = uio_read_from(uio, frame_virt(frame), PAGE_SIZE);
	error = moved == PAGE_SIZE ? vm_object_add_page(object, index, frame) : -EEXIST;
	if (error && moved) {
		/* Somebody was quicker, or the data ended early: put what there is into the real page. */
		struct frame *page;

		error = vm_object_take_page(object, index, true, true, &page);
		if (!error) {
			__builtin_memcpy(frame_virt(page), frame_virt(frame), moved);
			vm_object_written(object, index, page);
			frame_put(page);
		}
	}
	frame_put(frame);
	if (!moved)
		return 0;
	return error ? error : (ssize_t)moved;

usual:
	frame_put(frame);
	return -EEXIST;
}

static ssize_t write_page(struct vm_object *object, uint64_t pos, struct uio *uio, size_t len)
{
	struct frame *frame;
	ssize_t moved;
	int error;

	if (len == PAGE_SIZE) {
		moved = write_new_page(object, pos >> PAGE_SHIFT, uio);
		if (moved != -EEXIST)
			return moved;
	}
	error = vm_object_take_page(object, pos >> PAGE_SHIFT, true, true, &frame);
	if (error)
		return error;
	moved = uio_read_from(uio, (char *)frame_virt(frame) + (pos & (PAGE_SIZE - 1)), len);
	vm_object_written(object, pos >> PAGE_SHIFT, frame);
	frame_put(frame);
	return moved;
}

ssize_t vm_object_write(struct vm_object *object, uint64_t pos, struct uio *uio)
{
	ssize_t done = 0, moved;

	while (uio->left) {
		size_t part = MIN((uint64_t)(PAGE_SIZE - (pos & (PAGE_SIZE - 1))), (uint64_t)uio->left);

		moved = write_page(object, pos, uio, part);
		if (moved < 0)
			return done ? done : moved;
		done += moved;
		pos += moved;
		if ((size_t)moved < part)
			return done ? done : -EFAULT;
	}
	return done;
}
