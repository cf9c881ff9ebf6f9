/* SPDX-License-Identifier: MIT */
/*
 * O_DIRECT: straight between the program's frames and the disk. Pages of the same bytes are written before, and taken away; where that cannot be (somebody has
 * locked them), and where there is nothing to transfer to, the usual way through the pages is gone.
 */
#include "vfs/mapped/internal.h"
#include "lib/errno.h"
#include "mm/address_space.h"
#include "mm/frame_records.h"
#include "mm/uio.h"
#include "vfs/file.h"

enum { DIRECT_PAGES = 32 /* of a request */ };

struct direct {
	struct mapped_file *file;
	struct uio *uio;
	bool write;
	struct frame *frames[DIRECT_PAGES];
	unsigned count;
};

static bool is_aligned(const struct mapped_fs *mapped, const struct uio *uio, uint64_t pos)
{
	uint64_t all = pos | uio->segment_offset;

	for (size_t i = 0; i < uio->segment_count; i++)
		all |= uio->segments[i].base | uio->segments[i].len;
	return !(all & (mapped->disk->sector_size - 1));
}

/* Takes the frames of up to *@len bytes of the program's, which lie in one segment; *@len becomes how many bytes these are. -EFAULT. */
static int take_frames(struct direct *direct, struct disk_segment *segments, uint64_t *len)
{
	const struct uio *uio = direct->uio;
	uint64_t at = uio->segments->base + uio->segment_offset, end = at + MIN(*len, (uint64_t)(uio->segments->len - uio->segment_offset));

	*len = 0;
	for (direct->count = 0; at < end && direct->count < DIRECT_PAGES; direct->count++) {
		uint64_t part = MIN(end - at, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
		struct frame *frame = address_space_page(address_space_current(), at, !direct->write);

		if (!frame)
			break;
		direct->frames[direct->count] = frame;
		segments[direct->count] = (struct disk_segment){ frame_phys(frame) + (at & (PAGE_SIZE - 1)), part };
		at += part;
		*len += part;
	}
	return *len ? 0 : -EFAULT;
}

/* Advances the uio without touching memory. */
static void skip(struct uio *uio, uint64_t len)
{
	uio->left -= len;
	uio->segment_offset += len;
	while (uio->segment_count > 1 && uio->segment_offset == uio->segments->len) {
		uio->segments++;
		uio->segment_count--;
		uio->segment_offset = 0;
	}
}

/* Up to @len bytes at @block of the disk and @offset in it. Returns how many, or a negative errno. */
static ssize_t transfer(struct direct *direct, uint64_t block, uint64_t offset, uint64_t len)
{
	const struct mapped_fs *mapped = direct->file->mapped;
	struct disk_segment segments[DIRECT_PAGES];
	struct disk_request request = { .operation = direct->write ? DISK_WRITE : DISK_READ, .segments = segments };
	int error = take_frames(direct, segments, &len);

	if (!error) {
		request.sector = mapped_sector(mapped, block) + offset / mapped->disk->sector_size;
		request.sector_count = len / mapped->disk->sector_size;
		request.segment_count = direct->count;
		error = disk_run(mapped->disk, &request);
	}
	while (direct->count)
		frame_put(direct->frames[--direct->count]);
	return error ? error : (ssize_t)len;
}

/* The pages of these bytes are written and go. 0, -EBUSY if some stay, or another negative errno. */
static int drop_pages(struct mapped_file *file, uint64_t pos, uint64_t end)
{
	struct vm_object *object = &file->vnode->object;
	uint64_t first = pos >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
	struct written written = { 0 };

	if (vm_object_has_dirty(object))
		mapped_write_file(file, first, last + 1, &written);
	if (written.error)
		return written.error;
	return vm_object_drop_clean(object, first, last + 1) ? 0 : -EBUSY;
}

/* Transfers some of the bytes from @pos to before @end. 0: look again. -EBUSY: it has to go the usual way. */
static ssize_t step(struct direct *direct, uint64_t pos, uint64_t end)
{
	struct mapped_file *file = direct->file;
	struct mapped_fs *mapped = file->mapped;
	unsigned shift = mapped->block_shift;
	uint64_t offset = pos & ((1u << shift) - 1), len;
	struct place place = mapped_find(file, pos >> shift, mapped_blocks(mapped, end) - (pos >> shift));
	ssize_t done;
	int error;

	len = MIN(end - pos, (place.count << shift) - offset);
	switch (place.kind) {
	case PLACE_UNKNOWN:
		return mapped_ask(file, pos >> shift, place.count);
	case PLACE_NEW:
	case PLACE_NOW:
		return mapped_write_groups(mapped);
	case PLACE_HOLE:
		if (direct->write)
			return -EIO;
		done = uio_write_zeroes(direct->uio, len);
		return done ? done : -EFAULT;
	default:
		break;
	}
	error = drop_pages(file, pos, pos + len);
	if (error)
		return error;
	done = transfer(direct, place.block, offset, len);
	if (done > 0)
		skip(direct->uio, done);
	/* Who has read the page meanwhile has the old bytes. */
	if (done > 0 && direct->write)
		vm_object_drop_clean(&file->vnode->object, pos >> PAGE_SHIFT, ((pos + done - 1) >> PAGE_SHIFT) + 1);
	return done;
}

/* Bytes from @pos to before @end, which is a multiple of a sector. Returns how many, or a negative errno if none. */
static ssize_t run(struct direct *direct, uint64_t pos, uint64_t end)
{
	enum { LOOKS = 8 };
	uint64_t start = pos;
	unsigned looks = 0;
	ssize_t done = 0;

	while (pos < end) {
		/* A truncation waits for each step, so that what is transferred is the file's. */
		done = mapped_begin_asking(direct->file, (end - 1) >> PAGE_SHIFT);
		if (done)
			break;
		done = pos < atomic_load(&direct->file->vnode->object.size) || direct->write ? step(direct, pos, end) : -ENXIO;
		mapped_end_asking(direct->file);
		looks = done ? 0 : looks + 1;
		if (done < 0 || looks > LOOKS)
			break;
		pos += done;
	}
	if (pos > start)
		return pos - start;
	return done == -ENXIO ? 0 : done ? done : -EBUSY;
}

static bool goes_direct(struct mapped_file *file, const struct uio *uio, uint64_t pos, int *error)
{
	*error = 0;
	if (!file || uio->kernel)
		return false;
	if (!is_aligned(file->mapped, uio, pos))
		*error = -EINVAL;
	return !*error;
}

ssize_t mapped_direct_read(struct file *file, struct uio *uio, uint64_t pos)
{
	struct vnode *vnode = file->vnode;
	struct direct direct = { .file = mapped_file_of(vnode), .uio = uio };
	uint64_t size = atomic_load(&vnode->object.size), end;
	ssize_t done;
	int error;

	if (!goes_direct(direct.file, uio, pos, &error))
		return error ? error : vm_object_read(&vnode->object, pos, uio);
	if (pos >= size)
		return 0;
	end = pos + MIN((uint64_t)uio->left, ROUND_UP(size - pos, (uint64_t)direct.file->mapped->disk->sector_size));
	done = run(&direct, pos, end);
	if (done == -EBUSY)
		return vm_object_read(&vnode->object, pos, uio);
	/* The rest of the last sector is not the file's. */
	return done > 0 ? MIN(done, (ssize_t)(size - pos)) : done;
}

ssize_t mapped_direct_write(struct file *file, struct uio *uio, uint64_t pos)
{
	struct vnode *vnode = file->vnode;
	struct direct direct = { .file = mapped_file_of(vnode), .uio = uio, .write = true };
	ssize_t done;
	int error;

	if (!goes_direct(direct.file, uio, pos, &error))
		return error ? error : vm_object_write(&vnode->object, pos, uio);
	done = run(&direct, pos, pos + uio->left);
	return done == -EBUSY ? vm_object_write(&vnode->object, pos, uio) : done;
}
