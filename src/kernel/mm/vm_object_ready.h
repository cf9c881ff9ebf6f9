/* SPDX-License-Identifier: MIT */
/*
 * Reading a page that is there, in few instructions: the fast path of vm_object_read(), which remains the reference and does whatever is not done
 * here. Preemption is off from begin to end, so nothing sleeps: the object's mutex is only tried, and user memory that is not there ends the copy
 * (mm/user_copy.h). So the steps need no more than registers; what is rare is left to functions that are called last.
 *
 *	if (!vm_object_ready_begin(object))
 *		return the long way;
 *	if (!vm_object_ready_copy(object, pos, to, &len)) {
 *		vm_object_ready_end(object, 0);
 *		return the long way;
 *	}
 *	return vm_object_ready_end(object, len);
 */
#pragma once

#include "arch/x86_64/user_access_now.h"
#include "mm/user_copy.h"
#include "mm/vm_object_internal.h"

static inline __attribute__((always_inline)) bool vm_object_ready_begin(struct vm_object *object)
{
	if (unlikely(!mutex_try_lock(&object->lock)))
		return false;
	preempt_disable();
	return true;
}

/*
 * Copies the bytes at @pos to user memory @to if they lie in one page that is present and ready, and @to can be written without sleeping. *@len is
 * cut at the object's end in any case. False: vm_object_read() must be called (bytes may have been copied).
 */
static inline __attribute__((always_inline)) bool vm_object_ready_copy_of(const struct vm_object *object, uint64_t pos, uaddr_t to, size_t *len,
									  bool low)
{
	uint64_t size = vm_object_ready_size(object), offset = pos & (PAGE_SIZE - 1);
	const struct frame *frame;

	if (unlikely(pos >= size))
		return false;
	if (unlikely(*len > size - pos))
		*len = size - pos;
	if (unlikely(offset + *len > PAGE_SIZE || to > USER_END - PAGE_SIZE))
		return false;
	frame = low ? page_tree_get_low(&object->pages, pos >> PAGE_SHIFT) : page_tree_get(&object->pages, pos >> PAGE_SHIFT);
	return likely(frame && !(frame->flags & FRAME_BUSY)) && likely(user_copy_out_now(to, (char *)frame_virt(frame) + offset, *len));
}

static inline __attribute__((always_inline)) bool vm_object_ready_copy(const struct vm_object *object, uint64_t pos, uaddr_t to, size_t *len)
{
	return vm_object_ready_copy_of(object, pos, to, len, false);
}

/* For small objects only, in fewer registers; may be followed by vm_object_ready_copy(). */
static inline __attribute__((always_inline)) bool vm_object_ready_copy_low(const struct vm_object *object, uint64_t pos, uaddr_t to, size_t *len)
{
	return vm_object_ready_copy_of(object, pos, to, len, true);
}

/* Wakes who waits for the lock, and lets the scheduler run. Returns @done. */
long vm_object_ready_end_busy(struct vm_object *object, long done);

static inline __attribute__((always_inline)) long vm_object_ready_end(struct vm_object *object, long done)
{
	mutex_let_go(&object->lock);
	if (unlikely(preempt_enable_quietly() || mutex_waited_for(&object->lock)))
		return vm_object_ready_end_busy(object, done);
	return done;
}
