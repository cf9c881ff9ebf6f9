/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: any bytes as a program, through all that exec believes of a file: the `#!` line, the ELF header, the program headers, the
 * interpreter's name. What passes the checks must keep what mapping relies on: segments inside the file, inside user space, apart, ascending.
 */
/* LINK: process/elf_check.c process/exec_script.c */
/* RUNS: 1500000 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "process/exec_internal.h"

#define PROGRAM_END 0x00007ffffffff000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As exec does: what was read lies in a buffer with room for a whole line and one byte more. */
static void try_script(const uint8_t *data, size_t size)
{
	size_t len = MIN(size, (size_t)SCRIPT_LINE_MAX);
	char *line, *interpreter, *argument;

	if (len < 2 || data[0] != '#' || data[1] != '!')
		return;
	line = malloc(SCRIPT_LINE_MAX + 1);
	memcpy(line, data, len);
	if (!script_parse(line, len, &interpreter, &argument)) {
		const char *end = line + SCRIPT_LINE_MAX;

		assert(interpreter > line + 1 && interpreter + strlen(interpreter) < end);
		assert(!strpbrk(interpreter, " \t\n"));
		assert(!argument || (argument > interpreter && argument + strlen(argument) < end));
	}
	free(line);
}

static void check_mapping(const struct elf_image *image, const void *headers, uint64_t file_size)
{
	struct elf_segment segment;
	uint64_t end = 0;
	unsigned index = 0, count = 0;
	bool entry = false;

	while (elf_next_segment(headers, image->header.header_count, &index, &segment)) {
		assert(segment.memory_size && segment.file_size <= segment.memory_size);
		assert(segment.offset <= file_size && segment.file_size <= file_size - segment.offset);
		assert(segment.address >= end && segment.address < PROGRAM_END && segment.memory_size <= PROGRAM_END - segment.address);
		assert(segment.address % PAGE_SIZE == segment.offset % PAGE_SIZE);
		end = segment.address + segment.memory_size;
		assert(segment.address >= image->low && end <= image->high);
		entry |= image->header.entry >= segment.address && image->header.entry < end;
		count++;
	}
	assert(count && entry && image->low % PAGE_SIZE == 0 && image->high % PAGE_SIZE == 0 && image->low < image->high);
	assert(image->align >= PAGE_SIZE && !(image->align & (image->align - 1)));
}

static void try_interpreter(const uint8_t *data, size_t size, const void *headers, unsigned count)
{
	struct elf_interpreter_name name;

	if (elf_find_interpreter(headers, count, size, &name) || !name.size)
		return;
	assert(name.size <= ELF_INTERPRETER_NAME_MAX && name.offset <= size && name.size <= size - name.offset);
	if (!elf_check_interpreter_name((const char *)data + name.offset, name.size))
		assert(strlen((const char *)data + name.offset) < name.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_image image;
	size_t table_size;
	void *headers;

	try_script(data, size);
	memset(&image, 0xa5, sizeof(image));
	if (elf_check_header(data, MIN(size, (size_t)SCRIPT_LINE_MAX), size, &image.header))
		return 0;
	assert(image.header.header_count && image.header.header_count <= ELF_PROGRAM_HEADERS_MAX && image.header.entry < PROGRAM_END);
	table_size = image.header.header_count * ELF_PROGRAM_HEADER_SIZE;
	assert(image.header.headers_offset <= size && table_size <= size - image.header.headers_offset);
	headers = malloc(table_size);
	memcpy(headers, data + image.header.headers_offset, table_size);
	if (!elf_check_segments(headers, size, &image))
		check_mapping(&image, headers, size);
	try_interpreter(data, size, headers, image.header.header_count);
	free(headers);
	return 0;
}
