/* SPDX-License-Identifier: MIT */
/*
 * O_DIRECT: straight between the program's frames and the disk. Dirty pages of the same bytes are written before. After a write the pages go; those that
 * somebody uses just now, or has changed, get the bytes too, and are written again. Where there is nothing to transfer to, the usual way is gone.
 */
#include "vfs/mapped/internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/frame_records.h"
#include "mm/uio.h"
#include "vfs/file.h"

enum { DIRECT_PAGES = 32 /* of a request */ };

struct direct {
	struct mapped_file *file;
	struct uio *uio;
	bool write;
	/* Of the program's bytes that are transferred now, which lie in one segment, @len of them from @start on. */
	uint64_t start, len;
	unsigned count;
	struct frame *frames[DIRECT_PAGES];
	struct disk_segment segments[DIRECT_PAGES];
};

static bool is_aligned(const struct mapped_fs *mapped, const struct uio *uio, uint64_t pos)
{
	uint64_t all = pos | uio->segment_offset;

	for (size_t i = 0; i < uio->segment_count; i++)
		all |= uio->segments[i].base | uio->segments[i].len;
	return !(all & (mapped->disk->sector_size - 1));
}

/* Takes the frames of up to @most bytes. -EFAULT. */
static int take_frames(struct direct *direct, uint64_t most)
{
	const struct uio *uio = direct->uio;
	uint64_t at = uio->segments->base + uio->segment_offset, end = at + MIN(most, (uint64_t)(uio->segments->len - uio->segment_offset));

	direct->start = at;
	for (direct->count = 0; at < end && direct->count < DIRECT_PAGES; direct->count++) {
		uint64_t part = MIN(end - at, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
		struct frame *frame = address_space_page(address_space_current(), at, !direct->write);

		if (!frame)
			break;
		direct->frames[direct->count] = frame;
		direct->segments[direct->count] = (struct disk_segment){ frame_phys(frame) + (at & (PAGE_SIZE - 1)), part };
		at += part;
	}
	direct->len = at - direct->start;
	return direct->len ? 0 : -EFAULT;
}

/* A frame that was read into may be a page of a file, and have been written back meanwhile. */
static void give_frames(struct direct *direct)
{
	uint64_t at = direct->start;

	for (unsigned i = 0; i < direct->count; at += direct->segments[i++].len) {
		if (!direct->write)
			address_space_written(address_space_current(), at & PAGE_MASK, direct->frames[i]);
		frame_put(direct->frames[i]);
	}
	direct->count = 0;
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

/* The program's frames have no more than @len bytes. */
static void cut_frames(struct direct *direct, uint64_t len)
{
	uint64_t before = 0;
	unsigned i;

	for (i = 0; before + direct->segments[i].len < len; i++)
		before += direct->segments[i].len;
	direct->segments[i].len = len - before;
	while (direct->count > i + 1)
		frame_put(direct->frames[--direct->count]);
	direct->len = len;
}

/* Copies the program's bytes from @offset of those being transferred on. */
static void copy_frames(const struct direct *direct, uint64_t offset, char *to, uint64_t len)
{
	for (unsigned i = 0; len; offset -= direct->segments[i++].len) {
		uint64_t part = direct->segments[i].len > offset ? MIN(direct->segments[i].len - offset, len) : 0;

		if (!part)
			continue;
		memmove(to, (char *)phys_to_virt(direct->segments[i].start) + offset, part);
		to += part;
		len -= part;
		offset += part;
	}
}

/* The disk has the bytes at @pos now: who has read a page meanwhile has old ones, and what he changed beside them must not undo them. */
static void renew_pages(struct direct *direct, uint64_t pos)
{
	struct vm_object *object = &direct->file->vnode->object;
	uint64_t end = pos + direct->len, part;

	if (vm_object_drop_clean(object, pos >> PAGE_SHIFT, ((end - 1) >> PAGE_SHIFT) + 1))
		return;
	for (uint64_t at = pos; at < end; at += part) {
		struct frame *frame = vm_object_find_page(object, at >> PAGE_SHIFT);

		part = MIN(end - at, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
		if (!frame)
			continue;
		copy_frames(direct, at - pos, (char *)frame_virt(frame) + (at & (PAGE_SIZE - 1)), part);
		vm_object_written(object, at >> PAGE_SHIFT, frame);
		frame_put(frame);
	}
}

/* What there is in memory of these bytes is on the disk, or in nobody's page. No truncation waits for this. */
static int write_pages(struct direct *direct, uint64_t pos)
{
	struct vm_object *object = &direct->file->vnode->object;
	uint64_t first = pos >> PAGE_SHIFT, last = (pos + direct->len - 1) >> PAGE_SHIFT;
	unsigned shift = direct->file->mapped->block_shift;
	struct written written = { 0 };

	if (vm_object_has_dirty(object) || atomic_load_relaxed(&direct->file->promised))
		mapped_write_file(direct->file, first, last + 1, &written);
	if (!direct->write)
		return written.error;
	vm_object_drop_clean(object, first, last + 1);
	/* It may write beyond the end. */
	return written.error ? written.error : mapped_keep_promises(direct->file, pos >> shift, mapped_blocks(direct->file->mapped, pos + direct->len), true);
}

static int transfer(struct direct *direct, const struct place *place, uint64_t offset)
{
	const struct mapped_fs *mapped = direct->file->mapped;
	struct disk_request request = {
		.operation = direct->write ? DISK_WRITE : DISK_READ, .segments = direct->segments, .segment_count = direct->count,
		.sector = mapped_sector(mapped, place->block) + offset / mapped->disk->sector_size, .sector_count = direct->len / mapped->disk->sector_size,
	};

	return disk_run(mapped->disk, &request);
}

/* Transfers some of the bytes at @pos. Returns how many; 0: look again; -EAGAIN: when the groups are written; or another negative errno. */
static ssize_t step(struct direct *direct, uint64_t pos)
{
	struct mapped_file *file = direct->file;
	unsigned shift = file->mapped->block_shift;
	uint64_t offset = pos & ((1u << shift) - 1);
	struct place place = mapped_find(file, pos >> shift, mapped_blocks(file->mapped, pos + direct->len) - (pos >> shift));
	int error = 0;

	switch (place.kind) {
	case PLACE_UNKNOWN:
		return mapped_ask(file, pos >> shift, place.count);
	case PLACE_NEW:
	case PLACE_NOW:
		return -EAGAIN;
	case PLACE_PROMISED:
		return 0;
	default:
		break;
	}
	cut_frames(direct, MIN(direct->len, (place.count << shift) - offset));
	if (place.kind == PLACE_DISK)
		error = transfer(direct, &place, offset);
	else if (direct->write)
		error = -EIO;
	else
		for (unsigned i = 0; i < direct->count; i++)
			memset(phys_to_virt(direct->segments[i].start), 0, direct->segments[i].len);
	if (!error && direct->write)
		renew_pages(direct, pos);
	return error ? error : (ssize_t)direct->len;
}

/* The same, and all around it. What may have to wait for others, as the program's memory may be any file, comes before a truncation has to wait for us. */
static ssize_t move(struct direct *direct, uint64_t pos, uint64_t end)
{
	struct mapped_file *file = direct->file;
	struct mapped_asker asker;
	ssize_t done = take_frames(direct, end - pos);

	if (!done)
		done = write_pages(direct, pos);
	if (!done)
		done = mapped_begin_asking(file, &asker, (pos + direct->len - 1) >> PAGE_SHIFT);
	if (!done) {
		done = pos < atomic_load(&file->vnode->object.size) || direct->write ? step(direct, pos) : -ENXIO;
		mapped_end_asking(file, &asker);
	}
	if (done > 0)
		skip(direct->uio, done);
	give_frames(direct);
	return done == -EAGAIN ? mapped_write_groups(file->mapped) : done;
}

/* Bytes from @pos to before @end, which is a multiple of a sector. Returns how many, or a negative errno if none. */
static ssize_t run(struct direct *direct, uint64_t pos, uint64_t end)
{
	enum { LOOKS = 8 };
	uint64_t start = pos;
	unsigned looks = 0;
	ssize_t done = 0;

	while (pos < end && looks <= LOOKS) {
		done = move(direct, pos, end);
		if (done < 0)
			break;
		looks = done ? 0 : looks + 1;
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
