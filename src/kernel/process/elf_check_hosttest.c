/* SPDX-License-Identifier: MIT */
/* Malformed ELF headers: every field made wrong in every way that once fooled a loader, then random bytes. */
/* LINK: process/elf_check.c */
#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process/elf_check.h"

enum { FILE_SIZE = 0x5000, HEADERS = 4 };

struct sample {
	Elf64_Ehdr header;
	Elf64_Phdr segments[HEADERS];	/* text, data with bss, stack, note */
};

static struct sample good(void)
{
	struct sample sample;

	memset(&sample, 0, sizeof(sample));
	memcpy(sample.header.e_ident, ELFMAG, SELFMAG);
	sample.header.e_ident[EI_CLASS] = ELFCLASS64;
	sample.header.e_ident[EI_DATA] = ELFDATA2LSB;
	sample.header.e_ident[EI_VERSION] = EV_CURRENT;
	sample.header.e_type = ET_EXEC;
	sample.header.e_machine = EM_X86_64;
	sample.header.e_version = EV_CURRENT;
	sample.header.e_entry = 0x401000;
	sample.header.e_phoff = sizeof(Elf64_Ehdr);
	sample.header.e_phentsize = sizeof(Elf64_Phdr);
	sample.header.e_phnum = HEADERS;
	sample.segments[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = 0, .p_vaddr = 0x400000,
		.p_filesz = 0x2000, .p_memsz = 0x2000, .p_align = 0x1000 };
	sample.segments[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = 0x2010, .p_vaddr = 0x403010,
		.p_filesz = 0x1000, .p_memsz = 0x9000, .p_align = 0x1000 };
	sample.segments[2] = (Elf64_Phdr){ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W };
	sample.segments[3] = (Elf64_Phdr){ .p_type = PT_NOTE };
	return sample;
}

static int check(const struct sample *sample, struct elf_image *image)
{
	int error;

	memset(image, 0xa5, sizeof(*image));
	error = elf_check_header(sample, sizeof(*sample), FILE_SIZE, &image->header);
	return error ? error : elf_check_segments(sample->segments, FILE_SIZE, image);
}

static void test_good(void)
{
	struct sample sample = good();
	struct elf_image image;
	struct elf_segment segment;
	unsigned index = 0;

	assert(check(&sample, &image) == 0);
	assert(image.low == 0x400000 && image.high == 0x40d000 && image.align == 0x1000);
	assert(image.headers_address == 0x400040 && !image.header.pie && !image.executable_stack);
	assert(elf_next_segment(sample.segments, HEADERS, &index, &segment) && segment.address == 0x400000);
	assert(elf_next_segment(sample.segments, HEADERS, &index, &segment) && segment.memory_size == 0x9000);
	assert(!elf_next_segment(sample.segments, HEADERS, &index, &segment));

	sample.header.e_type = ET_DYN;
	sample.segments[0].p_vaddr = 0;
	sample.segments[1].p_vaddr = 0x3010;
	sample.header.e_entry = 0x1000;
	assert(check(&sample, &image) == 0 && image.header.pie && image.low == 0 && image.high == 0xd000);

	sample.segments[2].p_flags |= PF_X;
	assert(check(&sample, &image) == 0 && image.executable_stack);
}

static int find_interpreter(const struct sample *sample, struct elf_interpreter_name *name)
{
	memset(name, 0xa5, sizeof(*name));
	return elf_find_interpreter(sample->segments, HEADERS, FILE_SIZE, name);
}

static int with_interpreter(uint64_t offset, uint64_t size)
{
	struct elf_interpreter_name name;
	struct sample sample = good();

	sample.segments[3] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_offset = offset, .p_filesz = size };
	return find_interpreter(&sample, &name);
}

static void test_interpreter(void)
{
	struct elf_interpreter_name name;
	struct sample sample = good();

	assert(find_interpreter(&sample, &name) == 0 && name.size == 0);
	sample.segments[2] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_offset = 0x318, .p_filesz = 28 };
	sample.segments[3] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_filesz = UINT64_MAX };	/* only the first counts */
	assert(find_interpreter(&sample, &name) == 0 && name.offset == 0x318 && name.size == 28);

	assert(with_interpreter(0, 2) == 0 && with_interpreter(0, ELF_INTERPRETER_NAME_MAX) == 0);
	assert(with_interpreter(0, 0) == -ENOEXEC && with_interpreter(0, 1) == -ENOEXEC);
	assert(with_interpreter(0, ELF_INTERPRETER_NAME_MAX + 1) == -ENOEXEC && with_interpreter(0, UINT64_MAX) == -ENOEXEC);
	assert(with_interpreter(FILE_SIZE - 2, 2) == 0 && with_interpreter(FILE_SIZE - 1, 2) == -EIO);
	assert(with_interpreter(FILE_SIZE + 1, 2) == -EIO && with_interpreter(UINT64_MAX, 2) == -EIO);

	assert(elf_check_interpreter_name("/a", 3) == 0 && elf_check_interpreter_name("a\0b", 4) == 0);
	assert(elf_check_interpreter_name("/a", 2) == -ENOEXEC && elf_check_interpreter_name("", 0) == -ENOEXEC);
}

#define REFUSED(change)                                                                             \
	do {                                                                                        \
		struct sample sample = good();                                                      \
		struct elf_image image;                                                             \
		Elf64_Phdr *text = &sample.segments[0], *data = &sample.segments[1];                \
		Elf64_Ehdr *header = &sample.header;                                                \
		(void)text, (void)data, (void)header;                                               \
		change;                                                                             \
		if (check(&sample, &image) != -ENOEXEC) {                                           \
			fprintf(stderr, "accepted: %s\n", #change);                                 \
			exit(1);                                                                    \
		}                                                                                   \
	} while (0)

static void test_header_fields(void)
{
	REFUSED(header->e_ident[0] = 0);
	REFUSED(header->e_ident[3] = 'f');
	REFUSED(header->e_ident[EI_CLASS] = ELFCLASS32);
	REFUSED(header->e_ident[EI_DATA] = ELFDATA2MSB);
	REFUSED(header->e_ident[EI_VERSION] = 0);
	REFUSED(header->e_type = ET_REL);
	REFUSED(header->e_type = ET_CORE);
	REFUSED(header->e_machine = EM_AARCH64);
	REFUSED(header->e_version = 0);
	REFUSED(header->e_phentsize = 0);
	REFUSED(header->e_phentsize = sizeof(Elf64_Phdr) + 1);
	REFUSED(header->e_phnum = 0);
	REFUSED(header->e_phnum = 0xffff);
	REFUSED(header->e_phnum = ELF_PROGRAM_HEADERS_MAX + 1);
	REFUSED(header->e_phoff = FILE_SIZE);
	REFUSED(header->e_phoff = FILE_SIZE - HEADERS * sizeof(Elf64_Phdr) + 1);
	REFUSED(header->e_phoff = UINT64_MAX);
	REFUSED(header->e_phoff = UINT64_MAX - 64);
	REFUSED(header->e_entry = 0);
	REFUSED(header->e_entry = 0x40d000);
	REFUSED(header->e_entry = 0x402fff);	/* between the segments */
	REFUSED(header->e_entry = 0x800000000000);
	REFUSED(header->e_entry = UINT64_MAX);
}

static void test_segment_fields(void)
{
	REFUSED(data->p_filesz = 0x9001);			/* more file than memory */
	REFUSED(data->p_filesz = UINT64_MAX);
	REFUSED(data->p_offset = FILE_SIZE + 0x10);		/* beyond the file */
	REFUSED(data->p_offset = FILE_SIZE - 0xff0);		/* its end is */
	REFUSED(data->p_offset = UINT64_MAX - 0xfef);		/* and wraps */
	REFUSED(data->p_offset = 0x2011);			/* not congruent to the address */
	REFUSED(data->p_align = 0x1001);
	REFUSED(data->p_align = 3);
	REFUSED(data->p_memsz = UINT64_MAX);
	REFUSED(data->p_memsz = 0x800000000000);
	REFUSED(data->p_vaddr = 0x7ffffffff010);
	REFUSED(data->p_vaddr = 0xffff888000000010);		/* kernel space */
	REFUSED(data->p_vaddr = UINT64_MAX - 0xfef);
	REFUSED(data->p_vaddr = 0x401010);			/* overlaps text */
	REFUSED(data->p_vaddr = 0x300010);			/* not ascending */
	REFUSED(text->p_vaddr = 0);				/* catches NULL pointers */
	REFUSED(text->p_vaddr = 0xf000);
	REFUSED((text->p_type = PT_NULL, data->p_type = PT_NULL));
	REFUSED((text->p_memsz = text->p_filesz = 0));		/* entry no longer mapped */
	REFUSED((header->e_type = ET_DYN, data->p_memsz = 0x600000000000));
	REFUSED((header->e_type = ET_DYN, data->p_align = 1ull << 63));
}

static void test_short_files(void)
{
	struct sample sample = good();
	struct elf_header header;

	for (size_t len = 0; len < sizeof(Elf64_Ehdr); len++)
		assert(elf_check_header(&sample, len, FILE_SIZE, &header) == -ENOEXEC);
	for (uint64_t size = 0; size < sizeof(sample); size++)
		assert(elf_check_header(&sample, sizeof(sample), size, &header) == -ENOEXEC);
	assert(elf_check_header(&sample, sizeof(sample), sizeof(sample), &header) == 0);
}

/* Whatever is accepted keeps its promises. */
static void check_promises(const struct sample *sample, const struct elf_image *image)
{
	struct elf_segment segment;
	unsigned index = 0;
	uint64_t end = 0;

	assert(image->low % 0x1000 == 0 && image->high % 0x1000 == 0 && image->low < image->high);
	assert(image->high <= 0x7ffffffff000);
	while (elf_next_segment(sample->segments, HEADERS, &index, &segment)) {
		assert(segment.address >= end && segment.address >= image->low);
		end = segment.address + segment.memory_size;
		assert(end > segment.address && end <= image->high);
		assert(segment.file_size <= segment.memory_size && segment.offset + segment.file_size <= FILE_SIZE);
	}
}

static void test_random(void)
{
	static const uint64_t interesting[] = { 0, 1, 0xfff, 0x1000, 0x7fffffff, 0x80000000, 0x7fffffffefff, 0x800000000000,
		0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffff000, UINT64_MAX };
	unsigned accepted = 0;

	srand(20);
	for (int round = 0; round < 300000; round++) {
		struct sample sample = good();
		struct elf_interpreter_name name;
		struct elf_image image;
		unsigned changes = 1 + rand() % 3;

		while (changes--) {
			size_t at = rand() % (sizeof(sample) / 8) * 8;
			uint64_t value = rand() % 2 ? interesting[rand() % 12] : (uint64_t)rand() << (rand() % 33);

			memcpy((char *)&sample + at, &value, rand() % 2 ? 8 : 2);
		}
		/* The table was read whole before it is checked. */
		if (elf_check_header(&sample, sizeof(sample), FILE_SIZE, &image.header) || image.header.header_count > HEADERS)
			continue;
		if (elf_find_interpreter(sample.segments, image.header.header_count, FILE_SIZE, &name) == 0)
			assert(name.size <= ELF_INTERPRETER_NAME_MAX && name.offset + name.size <= FILE_SIZE);
		if (elf_check_segments(sample.segments, FILE_SIZE, &image) == 0) {
			accepted++;
			if (image.header.header_count == HEADERS)
				check_promises(&sample, &image);
		}
	}
	assert(accepted > 0);
}

int main(void)
{
	test_good();
	test_interpreter();
	test_header_fields();
	test_segment_fields();
	test_short_files();
	test_random();
	return 0;
}
