/* SPDX-License-Identifier: MIT */
/* The core file as an ELF file: its headers, the notes, and memory, in which pages of zeroes are holes. */
#include <linux/elf.h>
#include <linux/mman.h>

#include "lib/string.h"
#include "mm/frame_records.h"
#include "mm/user_copy.h"
#include "process/core_internal.h"
#include "vfs/file.h"

/* ---- Bytes ---- */

static void flush(struct core_dump *core)
{
	uint64_t at = core->pos - core->filled;
	size_t done = 0;

	while (!core->error && done < core->filled) {
		ssize_t moved = signal_fatal_pending() ? -EINTR : file_write_kernel(core->file, core->buffer + done, core->filled - done, &at);

		if (moved > 0)
			done += moved;
		else
			core->error = moved ? moved : -EIO;
	}
	core->filled = 0;
}

void core_add(struct core_dump *core, const void *bytes, size_t size)
{
	if (core->only_counts || core->error) {
		core->pos += size;
		return;
	}
	if (size > core->room) {
		flush(core);
		core->error = -EFBIG;
		return;
	}
	core->room -= size;
	core->ends_with_hole &= !size;
	while (size) {
		size_t part = MIN(size, PAGE_SIZE - core->filled);

		memcpy(core->buffer + core->filled, bytes, part);
		bytes = (const char *)bytes + part;
		size -= part;
		core->filled += part;
		core->pos += part;
		if (core->filled == PAGE_SIZE)
			flush(core);
	}
}

static void skip(struct core_dump *core, uint64_t size)
{
	if (!size)
		return;
	flush(core);
	core->pos += size;
	core->ends_with_hole = true;
}

/* ---- What is in it ---- */

bool core_next_mapping(struct core_dump *core, uint64_t addr, struct core_mapping *mapping)
{
	uint32_t magic;

	if (core->error || signal_fatal_pending() || !core_mapping_find(core->as, addr, core->filter, mapping, core->scratch))
		return false;
	if (core->filter & CORE_ELF_HEADERS && mapping->kept_end == mapping->start && core->scratch[0] && !mapping->offset && mapping->prot & PROT_READ &&
	    !get_user_u32(&magic, mapping->start) && !memcmp(&magic, ELFMAG, SELFMAG))
		mapping->kept_end += PAGE_SIZE;
	return true;
}

static void add_file_header(struct core_dump *core, unsigned headers)
{
	Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_CORE, .e_machine = EM_X86_64,
		.e_version = EV_CURRENT, .e_phoff = sizeof(Elf64_Ehdr), .e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = headers,
	};

	core_add(core, &header, sizeof(header));
}

/* @at: where in the file memory begins. Returns where it ends. */
static uint64_t add_memory_headers(struct core_dump *core, uint64_t at)
{
	struct core_mapping mapping;

	for (uint64_t addr = 0; core_next_mapping(core, addr, &mapping); addr = mapping.end) {
		Elf64_Phdr header = {
			.p_type = PT_LOAD, .p_offset = at, .p_vaddr = mapping.start, .p_memsz = mapping.end - mapping.start,
			.p_filesz = mapping.kept_end - mapping.start, .p_align = PAGE_SIZE,
			.p_flags = (mapping.prot & PROT_READ ? PF_R : 0) | (mapping.prot & PROT_WRITE ? PF_W : 0) | (mapping.prot & PROT_EXEC ? PF_X : 0),
		};

		core_add(core, &header, sizeof(header));
		at += header.p_filesz;
	}
	return at;
}

static bool is_zero(const uint64_t *page)
{
	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*page); i++)
		if (page[i])
			return false;
	return true;
}

static void add_page(struct core_dump *core, uint64_t addr)
{
	struct frame *frame = core_page_get(core->as, addr);

	if (!frame || is_zero(frame_virt(frame)))
		skip(core, PAGE_SIZE);
	else
		core_add(core, frame_virt(frame), PAGE_SIZE);
	if (frame)
		frame_put(frame);
}

static void add_pages(struct core_dump *core, const struct core_mapping *mapping)
{
	for (uint64_t addr = mapping->start; addr < mapping->kept_end && !core->error && !signal_fatal_pending(); addr += PAGE_SIZE) {
		uint64_t next = core_page_next(core->as, mapping, addr);

		skip(core, next - addr);
		addr = next;
		if (addr < mapping->kept_end)
			add_page(core, addr);
	}
}

static void add_memory(struct core_dump *core)
{
	struct core_mapping mapping;

	for (uint64_t addr = 0; core_next_mapping(core, addr, &mapping); addr = mapping.end)
		add_pages(core, &mapping);
	flush(core);
	if (!core->error && core->ends_with_hole)
		core->error = core->file->ops->truncate(core->file, core->pos);
}

void core_write(struct core_dump *core)
{
	struct core_mapping mapping;
	Elf64_Phdr notes = { .p_type = PT_NOTE };
	unsigned headers = 1;
	uint64_t end;

	for (uint64_t addr = 0; core_next_mapping(core, addr, &mapping); addr = mapping.end)
		headers++;
	notes.p_offset = sizeof(Elf64_Ehdr) + headers * sizeof(Elf64_Phdr);
	core->only_counts = true;
	core_add_notes(core);
	core->only_counts = false;
	notes.p_filesz = core->pos;
	core->pos = 0;

	add_file_header(core, headers);
	core_add(core, &notes, sizeof(notes));
	end = add_memory_headers(core, ROUND_UP(notes.p_offset + notes.p_filesz, PAGE_SIZE));
	core_add_notes(core);
	/* Who shares the memory, but is another process, may have changed what is mapped. */
	if (!core->error && core->pos != notes.p_offset + notes.p_filesz)
		core->error = -EAGAIN;
	skip(core, -core->pos & (PAGE_SIZE - 1));
	add_memory(core);
	if (!core->error && core->pos != end)
		core->error = signal_fatal_pending() ? -EINTR : -EAGAIN;
}
