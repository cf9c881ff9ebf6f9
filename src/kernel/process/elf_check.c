/* SPDX-License-Identifier: MIT */
/* Validation of ELF headers (System V ABI, chapters 4 and 5; x86-64 psABI). Every sum is checked before it is believed. */
#include <linux/elf.h>
#include <linux/mman.h>

#include "process/elf_check.h"
#include "lib/errno.h"
#include "lib/string.h"

/* Programs live between these; below lies what catches NULL pointers. */
#define PROGRAM_LOWEST 0x10000ull
#define PROGRAM_END 0x00007ffffffff000ull

_Static_assert(sizeof(Elf64_Ehdr) == ELF_HEADER_SIZE && sizeof(Elf64_Phdr) == ELF_PROGRAM_HEADER_SIZE, "ELF-64 layout");

static bool power_of_two_or_zero(uint64_t value)
{
	return (value & (value - 1)) == 0;
}

int elf_check_header(const void *bytes, size_t len, uint64_t file_size, struct elf_header *out)
{
	Elf64_Ehdr header;
	uint64_t table_size;

	if (len < sizeof(header) || file_size < sizeof(header))
		return -ENOEXEC;
	memcpy(&header, bytes, sizeof(header));
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_ident[EI_VERSION] != EV_CURRENT)
		return -ENOEXEC;
	if ((header.e_type != ET_EXEC && header.e_type != ET_DYN) || header.e_machine != EM_X86_64 || header.e_version != EV_CURRENT)
		return -ENOEXEC;
	if (header.e_phentsize != sizeof(Elf64_Phdr) || !header.e_phnum || header.e_phnum > ELF_PROGRAM_HEADERS_MAX)
		return -ENOEXEC;
	table_size = (uint64_t)header.e_phnum * sizeof(Elf64_Phdr);
	if (header.e_phoff > file_size || table_size > file_size - header.e_phoff)
		return -ENOEXEC;
	if (header.e_entry >= PROGRAM_END)
		return -ENOEXEC;
	*out = (struct elf_header){ header.e_type == ET_DYN, header.e_entry, header.e_phoff, header.e_phnum };
	return 0;
}

static unsigned prot_of(uint32_t flags)
{
	return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) | (flags & PF_X ? PROT_EXEC : 0);
}

static Elf64_Phdr program_header(const void *headers, unsigned index)
{
	Elf64_Phdr header;

	memcpy(&header, (const char *)headers + index * sizeof(header), sizeof(header));
	return header;
}

/* @previous_end: where the last segment ended in memory; segments ascend and do not overlap. */
static int check_load(const Elf64_Phdr *load, uint64_t file_size, bool pie, uint64_t previous_end)
{
	if (load->p_filesz > load->p_memsz || !power_of_two_or_zero(load->p_align))
		return -ENOEXEC;
	if (load->p_offset > file_size || load->p_filesz > file_size - load->p_offset)
		return -ENOEXEC;
	if ((load->p_vaddr - load->p_offset) % PAGE_SIZE)
		return -ENOEXEC;
	if (load->p_vaddr >= PROGRAM_END || load->p_memsz > PROGRAM_END - load->p_vaddr)
		return -ENOEXEC;
	if (!pie && load->p_vaddr < PROGRAM_LOWEST)
		return -ENOEXEC;
	return load->p_vaddr < previous_end ? -ENOEXEC : 0;
}

static void add_segment(struct elf_image *image, const Elf64_Phdr *load, bool first)
{
	uint64_t end = load->p_vaddr + load->p_memsz, table = image->header.headers_offset;
	uint64_t table_size = image->header.header_count * sizeof(Elf64_Phdr);

	if (first)
		image->low = ROUND_DOWN(load->p_vaddr, (uint64_t)PAGE_SIZE);
	image->high = ROUND_UP(end, (uint64_t)PAGE_SIZE);
	image->align = MAX(image->align, load->p_align);
	if (!image->headers_address && table >= load->p_offset && table_size <= load->p_filesz &&
	    table - load->p_offset <= load->p_filesz - table_size)
		image->headers_address = load->p_vaddr + (table - load->p_offset);
}

int elf_check_segments(const void *headers, uint64_t file_size, struct elf_image *image)
{
	uint64_t end = 0;
	bool first = true, entry_mapped = false;

	image->low = image->high = image->headers_address = 0;
	image->align = PAGE_SIZE;
	image->executable_stack = false;
	for (unsigned i = 0; i < image->header.header_count; i++) {
		Elf64_Phdr header = program_header(headers, i);

		if (header.p_type == PT_GNU_STACK)
			image->executable_stack = header.p_flags & PF_X;
		if (header.p_type != PT_LOAD || !header.p_memsz)
			continue;
		if (check_load(&header, file_size, image->header.pie, end) < 0)
			return -ENOEXEC;
		end = header.p_vaddr + header.p_memsz;
		entry_mapped |= image->header.entry >= header.p_vaddr && image->header.entry < end;
		add_segment(image, &header, first);
		first = false;
	}
	/* A PIE needs room to be moved about. */
	if (first || !entry_mapped || (image->header.pie && (image->high - image->low > PROGRAM_END / 4 || image->align > PROGRAM_END / 4)))
		return -ENOEXEC;
	return 0;
}

int elf_find_interpreter(const void *headers, unsigned count, uint64_t file_size, struct elf_interpreter_name *out)
{
	*out = (struct elf_interpreter_name){ 0, 0 };
	for (unsigned i = 0; i < count; i++) {
		Elf64_Phdr header = program_header(headers, i);

		if (header.p_type != PT_INTERP)
			continue;
		/* One byte and the NUL at least. */
		if (header.p_filesz < 2 || header.p_filesz > ELF_INTERPRETER_NAME_MAX)
			return -ENOEXEC;
		if (header.p_offset > file_size || header.p_filesz > file_size - header.p_offset)
			return -EIO;
		*out = (struct elf_interpreter_name){ header.p_offset, header.p_filesz };
		return 0;
	}
	return 0;
}

int elf_check_interpreter_name(const char *bytes, size_t size)
{
	return size && !bytes[size - 1] ? 0 : -ENOEXEC;
}

bool elf_next_segment(const void *headers, unsigned count, unsigned *index, struct elf_segment *segment)
{
	while (*index < count) {
		Elf64_Phdr header = program_header(headers, (*index)++);

		if (header.p_type != PT_LOAD || !header.p_memsz)
			continue;
		*segment = (struct elf_segment){ header.p_vaddr, header.p_offset, header.p_filesz, header.p_memsz, prot_of(header.p_flags) };
		return true;
	}
	return false;
}
