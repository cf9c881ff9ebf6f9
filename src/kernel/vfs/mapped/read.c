/* SPDX-License-Identifier: MIT */
/*
 * Reading: pages are filled straight from the disk, a run of blocks with one request. No lock is held, so the file may be truncated meanwhile, and its blocks
 * become others': whoever has read asks afterwards whether that has begun, and if so does not believe what it has.
 */
#include "vfs/mapped/internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame_records.h"
#include "process/process.h"

struct fill {
	struct mapped_file *file;
	struct frame **frames;
	uint64_t start, size;	/* bytes: of the first page in the file, and where the file ends */
};

/* @position lies in the pages that are filled. */
static char *at(const struct fill *fill, uint64_t position)
{
	return (char *)frame_virt(fill->frames[(position - fill->start) >> PAGE_SHIFT]) + (position & (PAGE_SIZE - 1));
}

static void clear(const struct fill *fill, uint64_t position, uint64_t end)
{
	while (position < end) {
		uint64_t stop = MIN(end, ROUND_DOWN(position, (uint64_t)PAGE_SIZE) + PAGE_SIZE);

		memset(at(fill, position), 0, stop - position);
		position = stop;
	}
}

static int read_blocks(const struct fill *fill, uint64_t block, uint64_t position, uint64_t end)
{
	const struct mapped_fs *mapped = fill->file->mapped;
	struct disk_segment segments[VM_OBJECT_RUN_MAX];
	struct disk_request request = {
		.operation = DISK_READ, .sector = mapped_sector(mapped, block), .segments = segments,
		.sector_count = mapped_sector(mapped, (end - position) >> mapped->block_shift),
	};

	while (position < end) {
		uint64_t stop = MIN(end, ROUND_DOWN(position, (uint64_t)PAGE_SIZE) + PAGE_SIZE);

		segments[request.segment_count++] = (struct disk_segment){ virt_to_phys(at(fill, position)), stop - position };
		position = stop;
	}
	return disk_run(mapped->disk, &request);
}

/* Brings the bytes from @position to before @end. *@done: how far it came without having to look again. */
static int fill_place(const struct fill *fill, uint64_t position, uint64_t end, uint64_t *done)
{
	struct mapped_file *file = fill->file;
	struct mapped_fs *mapped = file->mapped;
	unsigned shift = mapped->block_shift;
	struct place place;
	int error = 0;

	*done = end;
	if (position >= fill->size) {
		clear(fill, position, end);
		return 0;
	}
	end = MIN(end, mapped_blocks(mapped, fill->size) << shift);
	place = mapped_find(file, position >> shift, (end - position) >> shift);
	*done = position;
	switch (place.kind) {
	case PLACE_UNKNOWN:
		return mapped_ask(file, position >> shift, place.count);
	case PLACE_NOW:
		return mapped_wait_group(mapped);
	case PLACE_DISK:
		error = read_blocks(fill, place.block, position, position + (place.count << shift));
		break;
	default:
		clear(fill, position, position + (place.count << shift));
	}
	*done = position + (place.count << shift);
	return error;
}

static int fill_all(struct fill *fill, uint64_t end)
{
	uint64_t position = fill->start;
	int error = 0;

	while (position < end && !error)
		error = fill_place(fill, position, end, &position);
	if (!error && fill->size < end)
		clear(fill, MAX(fill->size, fill->start), end);
	return error;
}

int mapped_fill_pages(struct vm_object *object, uint64_t first, struct frame **frames, unsigned count)
{
	struct mapped_file *file = mapped_file_of(vnode_of_object(object));
	struct fill fill = { .file = file, .frames = frames, .start = first << PAGE_SHIFT };
	uint64_t sequence;
	bool holds = false;
	int error = file ? 0 : -ENOMEM;

	while (!error && !holds) {
		error = mapped_wait_barrier(file, first + count, &sequence);
		fill.size = atomic_load(&object->size);
		if (!error)
			error = fill_all(&fill, (first + count) << PAGE_SHIFT);
		if (error)
			break;
		mutex_lock(&file->lock);
		holds = first + count <= mapped_changed_since(file, sequence);
		mutex_unlock(&file->lock);
	}
	if (!error) {
		file->window = count;
		file->next_index = first + count;
	}
	return error;
}

int64_t mapped_seek(struct vnode *vnode, uint64_t pos, bool hole, uint64_t size)
{
	struct mapped_file *file = mapped_file_of(vnode);
	int error = file ? 0 : -ENOMEM;

	while (!error && pos < size) {
		unsigned shift = file->mapped->block_shift;
		uint64_t first = pos >> shift;
		struct place place = mapped_find(file, first, mapped_blocks(file->mapped, size) - first);

		if (place.kind == PLACE_UNKNOWN)
			error = mapped_ask(file, first, place.count);
		else if ((place.kind == PLACE_HOLE) == hole)
			return pos;
		else
			pos = (first + place.count) << shift;
		if (signal_fatal_pending())
			error = -EINTR;
	}
	return error ? error : hole ? (int64_t)size : -ENXIO;
}

/* Who reads on where the last pages ended gets twice as many; who begins with the file some; who jumps one. */
unsigned mapped_window(struct vm_object *object, uint64_t index)
{
	enum { BEGIN = 8 };
	const struct mapped_file *file = atomic_load(&vnode_of_object(object)->map);

	if (!index || !file)
		return index ? 1 : BEGIN;
	if (atomic_load_relaxed(&file->next_index) != index)
		return 1;
	return MIN(2 * atomic_load_relaxed(&file->window), (unsigned)VM_OBJECT_RUN_MAX);
}
