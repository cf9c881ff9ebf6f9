/* SPDX-License-Identifier: MIT */
/* Reading ELF files, and mapping what was checked into a new address space. */
#include <linux/mman.h>

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/uio.h"
#include "mm/user_copy.h"
#include "process/exec_internal.h"
#include "process/layout.h"
#include "vfs/vnode.h"

/* Where position-independent programs start, before a random number of pages is added: two thirds up, as on Linux. */
#define PIE_BASE 0x555555554000ull
enum { PIE_RANDOM_BITS = 28, PROT_ALL = PROT_READ | PROT_WRITE | PROT_EXEC };

/* @short_error: when the file ends before. */
static int read_exactly(struct vnode *vnode, uint64_t pos, void *buf, size_t len, int short_error)
{
	struct uio_segment segment;
	struct uio uio;
	ssize_t got;

	uio_init_kernel(&uio, &segment, buf, len);
	got = vm_object_read(&vnode->object, pos, &uio);
	return got < 0 ? (int)got : (size_t)got == len ? 0 : short_error;
}

/* Clears the page of @at from there on. */
static int clear_rest(struct address_space *as, uint64_t at)
{
	size_t offset = at % PAGE_SIZE;
	struct frame *frame;

	if (!offset || address_space_cut_page(as, at))
		return 0;
	frame = address_space_page(as, at, true);
	if (!frame)
		return -ENOMEM;
	memset((char *)frame_to_virt(frame) + offset, 0, PAGE_SIZE - offset);
	frame_put(frame);
	return 0;
}

/*
 * The file's pages, then zeroes: all of the rest of the last page, because what lies behind the end belongs to the first memory allocator
 * of glibc's dynamic linker, and the pages that memory_size asks for beyond.
 */
static int map_segment(struct address_space *as, struct vnode *vnode, const struct elf_segment *segment, uint64_t bias)
{
	uint64_t lead = segment->address % PAGE_SIZE, start = bias + segment->address - lead;
	uint64_t file_end = bias + segment->address + segment->file_size;
	uint64_t memory_end = bias + segment->address + segment->memory_size;
	uint64_t mapped_end = start;
	int64_t result;

	if (segment->file_size) {
		mapped_end = ROUND_UP(file_end, (uint64_t)PAGE_SIZE);
		result = address_space_map(as, start, mapped_end - start, segment->prot, PROT_ALL, MAP_PRIVATE | MAP_FIXED,
					   &vnode->object, segment->offset - lead);
		if (result < 0)
			return result;
	}
	if (ROUND_UP(memory_end, (uint64_t)PAGE_SIZE) > mapped_end) {
		result = address_space_map(as, mapped_end, memory_end - mapped_end, segment->prot, PROT_ALL,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
		if (result < 0)
			return result;
	}
	if (!segment->file_size || memory_end <= file_end || !(segment->prot & PROT_WRITE))
		return 0;
	return clear_rest(as, file_end);
}

int elf_read(struct vnode *vnode, const void *head, size_t head_len, struct elf_file *file)
{
	size_t table_size;
	int error;

	*file = (struct elf_file){ .vnode = vnode, .size = atomic_load_relaxed(&vnode->object.size) };
	error = elf_check_header(head, head_len, file->size, &file->image.header);
	if (error)
		return error;
	table_size = (size_t)file->image.header.header_count * ELF_PROGRAM_HEADER_SIZE;
	file->headers = kmalloc(table_size);
	if (!file->headers)
		return -ENOMEM;
	error = read_exactly(vnode, file->image.header.headers_offset, file->headers, table_size, -ENOEXEC);
	if (!error)
		error = elf_check_segments(file->headers, file->size, &file->image);
	if (error)
		elf_release(file);
	return error;
}

void elf_release(struct elf_file *file)
{
	kfree(file->headers);
	file->headers = NULL;
}

int elf_read_interpreter_name(const struct elf_file *file, char **name)
{
	struct elf_interpreter_name place;
	int error = elf_find_interpreter(file->headers, file->image.header.header_count, file->size, &place);

	*name = NULL;
	if (error || !place.size)
		return error;
	*name = kmalloc(place.size);
	if (!*name)
		return -ENOMEM;
	error = read_exactly(file->vnode, place.offset, *name, place.size, -EIO);
	if (!error)
		error = elf_check_interpreter_name(*name, place.size);
	if (error) {
		kfree(*name);
		*name = NULL;
	}
	return error;
}

static int map_segments(struct elf_file *file, struct address_space *as)
{
	struct elf_segment segment;
	unsigned index = 0;
	int error = file->image.high + file->bias > USER_END ? -ENOEXEC : 0;

	while (!error && elf_next_segment(file->headers, file->image.header.header_count, &index, &segment))
		error = map_segment(as, file->vnode, &segment, file->bias);
	return error;
}

/* What to add to a position-independent image's addresses so that it starts at or above @base. */
static uint64_t bias_for(const struct elf_image *image, uint64_t base)
{
	return ROUND_UP(base, image->align) - ROUND_DOWN(image->low, image->align);
}

int elf_map_program(struct elf_file *file, struct address_space *as)
{
	int error;

	file->bias = 0;
	if (file->image.header.pie)
		file->bias = bias_for(&file->image, PIE_BASE + (layout_random_below(1ull << PIE_RANDOM_BITS) << PAGE_SHIFT));
	error = map_segments(file, as);
	if (!error)
		address_space_set_brk(as, file->bias + file->image.high);
	return error;
}

/* Claims room for a position-independent image among the mappings, as mmap would, and gives it back: nobody else is there to take it. */
static int64_t find_room(const struct elf_image *image, struct address_space *as)
{
	uint64_t size = image->high - ROUND_DOWN(image->low, image->align) + image->align - PAGE_SIZE;
	int64_t at = address_space_map(as, 0, size, PROT_NONE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0);
	int error = at < 0 ? at : address_space_unmap(as, at, size);

	return error ? error : at;
}

int elf_map_interpreter(struct elf_file *file, struct address_space *as)
{
	if (file->image.header.pie) {
		int64_t room = find_room(&file->image, as);

		if (room < 0)
			return room;
		file->bias = bias_for(&file->image, room);
	}
	return map_segments(file, as);
}
