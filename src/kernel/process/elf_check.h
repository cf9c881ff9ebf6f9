/* SPDX-License-Identifier: MIT */
/*
 * What an ELF file says about itself, checked. Pure: works on bytes that were read already, believes none of them. All functions return 0
 * or -ENOEXEC, unless they say otherwise.
 */
#pragma once

#include "lib/types.h"

enum {
	ELF_HEADER_SIZE = 64, ELF_PROGRAM_HEADER_SIZE = 56, ELF_PROGRAM_HEADERS_MAX = 65536 / ELF_PROGRAM_HEADER_SIZE,
	ELF_INTERPRETER_NAME_MAX = 4096,	/* PATH_MAX: bytes, with the NUL */
};

struct elf_header {
	bool pie;			/* ET_DYN: may be loaded anywhere */
	uint64_t entry;
	uint64_t headers_offset;	/* of the program headers in the file */
	unsigned header_count;
};

/* One PT_LOAD. */
struct elf_segment {
	uint64_t address, offset;	/* congruent modulo the page size */
	uint64_t file_size, memory_size;
	unsigned prot;			/* PROT_* */
};

struct elf_image {
	struct elf_header header;
	uint64_t low, high;		/* the pages of all segments: page-aligned, high exclusive */
	uint64_t align;			/* what a PIE's load address must be a multiple of */
	uint64_t headers_address;	/* of the program headers in memory before relocation; 0 if not loaded */
	bool executable_stack;
};

/* @bytes: the first @len bytes of a file of @file_size. */
int elf_check_header(const void *bytes, size_t len, uint64_t file_size, struct elf_header *out);

/* @headers: all header_count program headers. Fills the rest of @image, whose header is set. */
int elf_check_segments(const void *headers, uint64_t file_size, struct elf_image *image);

/* Where in the file the name of the interpreter lies: the first PT_INTERP. */
struct elf_interpreter_name {
	uint64_t offset;
	size_t size;			/* with the NUL that ends it; 0 if the program wants no interpreter */
};

/* @headers as before. -ENOEXEC for a size that no name has, -EIO for a name beyond the end of the file. */
int elf_find_interpreter(const void *headers, unsigned count, uint64_t file_size, struct elf_interpreter_name *out);

/* Is what was read there, @size bytes, a string? */
int elf_check_interpreter_name(const char *bytes, size_t size);

/* Reads the PT_LOAD among the program headers at or after *@index and advances it; false at the end. Checked headers only. */
bool elf_next_segment(const void *headers, unsigned count, unsigned *index, struct elf_segment *segment);
