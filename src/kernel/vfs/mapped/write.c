/* SPDX-License-Identifier: MIT */
/*
 * Changing files: places for what becomes dirty are there before it does, so that write-back lacks nothing; and truncation.
 *
 * A truncation has blocks freed that write-back and fills may be busy with. So first it raises a barrier: fills and write faults beyond it wait,
 * write-back leaves the pages alone, and what was under way has ended or will not be believed. Then the server is asked, and then what is known of
 * the blocks goes, and the pages go.
 */
#include "vfs/mapped/internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame_records.h"

int mapped_place_pages(struct mapped_file *file, uint64_t first, uint64_t count)
{
	const struct mapped_fs *mapped = file->mapped;
	uint64_t size = atomic_load(&file->vnode->object.size);
	uint64_t from = mapped_page_blocks(mapped, first), end = MIN(mapped_page_blocks(mapped, first + count), mapped_blocks(mapped, size));
	int error = from < end ? mapped_allocate_at_once(file, from, end, 0) : 0;

	/* Truncated meanwhile: so will be the page. */
	return error == -ENXIO ? 0 : error;
}

/* Promises what of these pages has no place, as far as the file goes, while nobody truncates it. */
static int promise_pages(struct mapped_file *file, uint64_t first, uint64_t count)
{
	const struct mapped_fs *mapped = file->mapped;
	struct vnode *vnode = file->vnode;
	struct mapped_asker asker;
	int error = mapped_begin_asking(file, &asker, first + count - 1);
	uint64_t from = mapped_page_blocks(mapped, first), end;

	if (error)
		return error;
	end = MIN(mapped_page_blocks(mapped, first + count), mapped_blocks(mapped, atomic_load(&vnode->object.size)));
	if (from < end)
		error = mapped_promise(file, from, end, 0);
	mapped_end_asking(file, &asker);
	spin_lock(&vnode->attr_lock);
	vnode->status_holds = false;
	spin_unlock(&vnode->attr_lock);
	return error;
}

int mapped_prepare_write(struct vm_object *object, uint64_t first, uint64_t count)
{
	struct mapped_file *file = mapped_file_of(vnode_of_object(object));
	int error = file ? mapped_throttle(file) : -ENOMEM;

	if (!error)
		error = promise_pages(file, first, count);
	return error == -ENOSPC ? mapped_place_pages(file, first, count) : error;
}

/*
 * What lies behind the end of the file in its last block must be zeroes in memory and on the disk, before the file grows beyond. @frame: that page,
 * which the caller has a reference to.
 */
static void clear_tail(struct vnode *vnode, uint64_t size, struct frame *frame)
{
	uint64_t tail = size & (PAGE_SIZE - 1);

	memset((char *)frame_virt(frame) + tail, 0, PAGE_SIZE - tail);
	vm_object_written(&vnode->object, size >> PAGE_SHIFT, frame);
}

/*
 * The page with the file's end, if it is to be cleared behind it; else *@frame is NULL. Where the disk has no bytes behind the end, who has mapped the page
 * may have stored some.
 */
static int take_tail(struct mapped_file *file, uint64_t size, struct frame **frame)
{
	unsigned shift = file->mapped->block_shift;
	struct place place = { .kind = PLACE_HOLE };
	int error = 0;

	*frame = size & (PAGE_SIZE - 1) ? vm_object_find_page(&file->vnode->object, size >> PAGE_SHIFT) : NULL;
	if (*frame || !(size & ((1u << shift) - 1)))
		return 0;
	do {
		place = mapped_find(file, size >> shift, 1);
		if (place.kind == PLACE_UNKNOWN)
			error = mapped_ask(file, size >> shift, 1);
	} while (place.kind == PLACE_UNKNOWN && !error);
	if (error || place.kind == PLACE_HOLE)
		return error;
	return vm_object_get_page(&file->vnode->object, size >> PAGE_SHIFT, false, frame);
}

/* The file is about to get bytes beyond its end, and some between. */
static int grow_over(struct mapped_file *file)
{
	uint64_t size = atomic_load(&file->vnode->object.size);
	struct frame *frame;
	int error = take_tail(file, size, &frame);

	if (frame) {
		clear_tail(file->vnode, size, frame);
		frame_put(frame);
	}
	return error;
}

/* ---- write(2) ---- */

/* How many blocks from @first to before @end have places. */
static uint64_t placed(struct mapped_file *file, uint64_t first, uint64_t end)
{
	uint64_t at = first;

	while (at < end) {
		struct place place = mapped_find(file, at, end - at);

		if (place.kind <= PLACE_HOLE)
			break;
		at += place.count;
	}
	return at - first;
}

static void set_write_end(struct mapped_file *file, uint64_t end)
{
	mutex_lock(&file->lock);
	file->write_end = end;
	mutex_unlock(&file->lock);
}

static void tell_size_later(struct vnode *vnode)
{
	spin_lock(&vnode->attr_lock);
	vnode->dirty |= FS_SET_SIZE;
	spin_unlock(&vnode->attr_lock);
}

/* The server may think that the file is longer than it is: when it hears of the size, it frees what is beyond. */
static void give_back(struct mapped_file *file)
{
	struct vnode *vnode = file->vnode;

	mapped_cut(file, mapped_blocks(file->mapped, atomic_load(&vnode->object.size)), true);
	tell_size_later(vnode);
}

int64_t mapped_begin_write(struct vnode *vnode, uint64_t pos, uint64_t len)
{
	struct mapped_file *file = mapped_file_of(vnode);
	uint64_t first, end, size = atomic_load(&vnode->object.size);
	int error = file ? mapped_throttle(file) : -ENOMEM;

	if (!error && pos > size)
		error = grow_over(file);
	if (error)
		return error;
	first = pos >> file->mapped->block_shift;
	end = mapped_blocks(file->mapped, pos + len);
	error = mapped_promise(file, first, end, pos + len);
	if (unlikely(error == -ENOSPC))
		error = mapped_allocate_at_once(file, first, end, pos + len);
	if (unlikely(error)) {
		/* What there is room for is written. */
		end = (first + placed(file, first, end)) << file->mapped->block_shift;
		if (end <= pos) {
			set_write_end(file, 0);
			if (pos + len > size)
				give_back(file);
			return error;
		}
		len = MIN(len, end - pos);
		set_write_end(file, pos + len);
	}
	return len;
}

void mapped_end_write(struct vnode *vnode)
{
	struct mapped_file *file = vnode->map;
	uint64_t end;

	mutex_lock(&file->lock);
	end = file->write_end;
	file->write_end = 0;
	mutex_unlock(&file->lock);
	if (end > atomic_load(&vnode->object.size))
		give_back(file);
	/* The page may have been written already, or there is none: the size has to be told all the same. */
	if (list_empty(&file->dirty_link) && atomic_load_relaxed(&vnode->dirty))
		mapped_dirtied(&vnode->object);
}

/* ---- Truncation ---- */

static bool asked_by_others(struct mapped_file *file)
{
	const struct mapped_asker *asker;
	bool result = false;

	mutex_lock(&file->lock);
	list_for_each(asker, &file->askers, link)
		result |= asker->page >= file->barrier;
	mutex_unlock(&file->lock);
	return result;
}

static void set_barrier(struct mapped_file *file, uint64_t page)
{
	mutex_lock(&file->lock);
	file->barrier = page;
	if (page != NO_BARRIER)
		mapped_change(file, page);
	mutex_unlock(&file->lock);
	if (page == NO_BARRIER)
		wake_all(&file->mapped->queue);
}

static int raise_barrier(struct mapped_file *file, uint64_t size)
{
	struct waiter waiter;
	int error = 0;

	set_barrier(file, size >> PAGE_SHIFT);
	/* Who asks for blocks may be told of some that go. */
	wait_begin(&file->mapped->queue, &waiter);
	while (asked_by_others(file) && !error)
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_KILLABLE);
	wait_end(&waiter);
	if (error) {
		set_barrier(file, NO_BARRIER);
		return -EINTR;
	}
	/* Write-back that is under way has not seen it. */
	mutex_lock(&file->write_back_lock);
	mutex_unlock(&file->write_back_lock);
	return 0;
}

static int tell_size(struct vnode *vnode, uint64_t size)
{
	struct fs_attr in = { .size = size }, out;
	int error = vnode->fs->ops->setattr(vnode->fs, vnode->node, FS_SET_SIZE, &in, &out);

	if (!error) {
		spin_lock(&vnode->attr_lock);
		vnode->attr.blocks = out.blocks;
		spin_unlock(&vnode->attr_lock);
	}
	return error;
}

static int shrink(struct mapped_file *file, uint64_t size)
{
	struct vnode *vnode = file->vnode;
	struct frame *tail;
	int error = take_tail(file, size, &tail) ?: raise_barrier(file, size);

	if (!error) {
		error = tell_size(vnode, size);
		mapped_cut(file, mapped_blocks(file->mapped, size), !error);
		if (!error)
			vm_object_truncate(&vnode->object, size);
		if (!error && tail)
			clear_tail(vnode, size, tail);
		/* It may have happened in part. The file is as long as it was, with zeroes where blocks are gone. */
		if (error)
			vm_object_drop_clean(&vnode->object, size >> PAGE_SHIFT, UINT64_MAX >> PAGE_SHIFT);
		set_barrier(file, NO_BARRIER);
		if (error)
			tell_size_later(vnode);
	}
	if (tail)
		frame_put(tail);
	return error;
}

int mapped_truncate(struct vnode *vnode, uint64_t size)
{
	struct mapped_file *file = mapped_file_of(vnode);
	uint64_t old = atomic_load(&vnode->object.size);
	int error;

	if (!file)
		return -ENOMEM;
	if (size < old)
		return shrink(file, size);
	if (size == old && !(atomic_load_relaxed(&vnode->dirty) & FS_SET_SIZE))
		return 0;
	error = size > old ? grow_over(file) : 0;
	if (error)
		return error;
	error = tell_size(vnode, size);
	if (!error)
		vm_object_truncate(&vnode->object, size);
	else if (fs_change_is_unsure(error))
		tell_size_later(vnode);
	return error;
}
