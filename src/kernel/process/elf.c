/* SPDX-License-Identifier: MIT */
/* Mapping a checked ELF program into a new address space. */
#include <linux/mman.h>

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/heap.h"
#include "mm/uio.h"
#include "mm/user_copy.h"
#include "process/exec_internal.h"
#include "security/random.h"
#include "vfs/vnode.h"

/* Where position-independent programs start, before a random number of pages is added: two thirds up, as on Linux. */
#define PIE_BASE 0x555555554000ull
enum { PIE_RANDOM_BITS = 28, ZERO_CHUNK = 256, PROT_ALL = PROT_READ | PROT_WRITE | PROT_EXEC };

static int read_exactly(struct vnode *vnode, uint64_t pos, void *buf, size_t len)
{
	struct uio_segment segment;
	struct uio uio;
	ssize_t got;

	uio_init_kernel(&uio, &segment, buf, len);
	got = vm_object_read(&vnode->object, pos, &uio);
	return got < 0 ? (int)got : (size_t)got == len ? 0 : -ENOEXEC;
}

static int zero_range(struct address_space *as, uint64_t at, uint64_t len)
{
	static const char zeroes[ZERO_CHUNK];

	while (len) {
		size_t part = MIN(len, (uint64_t)sizeof(zeroes));

		if (address_space_access(as, at, (void *)zeroes, part, true) != part)
			return -ENOMEM;
		at += part;
		len -= part;
	}
	return 0;
}

/* The file's pages, then zeroes: the rest of the last page and what memory_size asks for beyond. */
static int map_segment(struct address_space *as, struct vnode *vnode, const struct elf_segment *segment, uint64_t bias)
{
	uint64_t lead = segment->address % PAGE_SIZE, start = bias + segment->address - lead;
	uint64_t file_end = bias + segment->address + segment->file_size;
	uint64_t memory_end = bias + segment->address + segment->memory_size;
	uint64_t mapped_end = start;
	int64_t result;
	int error;

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
	error = zero_range(as, file_end, MIN(memory_end, mapped_end) - file_end);
	return error;
}

static uint64_t choose_bias(const struct elf_image *image)
{
	uint64_t base;

	if (!image->header.pie)
		return 0;
	base = PIE_BASE + (random_below(1ull << PIE_RANDOM_BITS) << PAGE_SHIFT);
	return ROUND_UP(base, image->align) - ROUND_DOWN(image->low, image->align);
}

static int map_image(struct vnode *vnode, const void *headers, struct address_space *as, struct elf_image *image, uint64_t bias)
{
	struct elf_segment segment;
	unsigned index = 0;
	int error;

	while (elf_next_segment(headers, image->header.header_count, &index, &segment)) {
		error = map_segment(as, vnode, &segment, bias);
		if (error)
			return error;
	}
	address_space_set_brk(as, bias + image->high);
	return 0;
}

int elf_load(struct vnode *vnode, const void *head, size_t head_len, struct address_space *as, struct elf_image *image, uint64_t *bias)
{
	uint64_t file_size = atomic_load_relaxed(&vnode->object.size);
	size_t table_size;
	void *headers;
	int error = elf_check_header(head, head_len, file_size, &image->header);

	if (error)
		return error;
	table_size = (size_t)image->header.header_count * ELF_PROGRAM_HEADER_SIZE;
	headers = kmalloc(table_size);
	if (!headers)
		return -ENOMEM;
	error = read_exactly(vnode, image->header.headers_offset, headers, table_size);
	if (!error)
		error = elf_check_segments(headers, file_size, image);
	if (!error && image->has_interpreter)
		error = -ENOEXEC;
	if (!error) {
		*bias = choose_bias(image);
		if (image->high + *bias > USER_END)
			error = -ENOEXEC;
	}
	if (!error)
		error = map_image(vnode, headers, as, image, *bias);
	kfree(headers);
	return error;
}
