/* SPDX-License-Identifier: MIT */
/*
 * Every field of an ELF file's headers made wrong with every evil value, alone and in pairs with every other field of its header; then the file cut
 * at every length. The fuzz target's checks judge what passes: whatever is accepted must be safe to map.
 */
/* LINK: process/elf_check.c process/exec_script.c process/exec_fuzz.c */
#include <assert.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_SIZE = 0x3000, HEADERS = 3 };

struct field { size_t offset, size; };

#define FIELD(type, name) { offsetof(type, name), sizeof(((type *)0)->name) }

static const struct field header_fields[] = {
	{ EI_MAG0, 1 }, { EI_CLASS, 1 }, { EI_DATA, 1 }, { EI_VERSION, 1 }, { EI_OSABI, 1 }, FIELD(Elf64_Ehdr, e_type),
	FIELD(Elf64_Ehdr, e_machine), FIELD(Elf64_Ehdr, e_version), FIELD(Elf64_Ehdr, e_entry), FIELD(Elf64_Ehdr, e_phoff),
	FIELD(Elf64_Ehdr, e_shoff), FIELD(Elf64_Ehdr, e_flags), FIELD(Elf64_Ehdr, e_ehsize), FIELD(Elf64_Ehdr, e_phentsize),
	FIELD(Elf64_Ehdr, e_phnum), FIELD(Elf64_Ehdr, e_shentsize), FIELD(Elf64_Ehdr, e_shnum), FIELD(Elf64_Ehdr, e_shstrndx),
};

static const struct field segment_fields[] = {
	FIELD(Elf64_Phdr, p_type), FIELD(Elf64_Phdr, p_flags), FIELD(Elf64_Phdr, p_offset), FIELD(Elf64_Phdr, p_vaddr),
	FIELD(Elf64_Phdr, p_paddr), FIELD(Elf64_Phdr, p_filesz), FIELD(Elf64_Phdr, p_memsz), FIELD(Elf64_Phdr, p_align),
};

static const uint64_t evil[] = {
	0, 1, 2, 3, 7, 62, 0x38, 0x40, 0xff, 0xfff, 0x1000, 0x1001, FILE_SIZE - 1, FILE_SIZE, FILE_SIZE + 1, 0x7fff, 0x8000, 0xffff, 0x10000,
	0x400000, 0x401000, 0x402fff, 0x403000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7ffffffff000 - 1, 0x7ffffffff000,
	0x800000000000, 0xffff800000000000, 0x7fffffffffffffff, 0x8000000000000000, -0x400000ull, -0x1000ull, -0xfffull, -2ull, -1ull,
	PT_INTERP, PT_GNU_STACK, PT_PHDR, PT_TLS,
};

static uint8_t *file;	/* FILE_SIZE bytes, sound between two changes */
static unsigned tried;

static void make_sound(uint16_t type)
{
	uint64_t base = type == ET_EXEC ? 0x400000 : 0;
	const Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = type, .e_machine = EM_X86_64,
		.e_version = EV_CURRENT, .e_entry = base + 0x1000, .e_phoff = sizeof(header), .e_ehsize = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = HEADERS,
	};
	const Elf64_Phdr segments[HEADERS] = {
		{ PT_INTERP, PF_R, 0x200, base + 0x200, base + 0x200, 11, 11, 1 },
		{ PT_LOAD, PF_R | PF_X, 0, base, base, 0x2000, 0x2000, 0x1000 },
		{ PT_LOAD, PF_R | PF_W, 0x2010, base + 0x3010, base + 0x3010, 0x800, 0x4000, 0x1000 },
	};

	memset(file, 0, FILE_SIZE);
	memcpy(file, &header, sizeof(header));
	memcpy(file + sizeof(header), segments, sizeof(segments));
	memcpy(file + 0x200, "/lib/ld.so", 11);
}

static void try(void)
{
	tried++;
	LLVMFuzzerTestOneInput(file, FILE_SIZE);
}

static void corrupt_pairs(size_t base, const struct field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t first[8], second[8];

		memcpy(first, file + base + fields[i].offset, fields[i].size);
		for (size_t a = 0; a < ARRAY_LEN(evil); a++) {
			memcpy(file + base + fields[i].offset, &evil[a], fields[i].size);
			try();
			for (size_t k = i + 1; k < count; k++) {
				memcpy(second, file + base + fields[k].offset, fields[k].size);
				for (size_t b = 0; b < ARRAY_LEN(evil); b++) {
					memcpy(file + base + fields[k].offset, &evil[b], fields[k].size);
					try();
				}
				memcpy(file + base + fields[k].offset, second, fields[k].size);
			}
		}
		memcpy(file + base + fields[i].offset, first, fields[i].size);
	}
}

static void cut_everywhere(void)
{
	for (size_t len = 0; len < FILE_SIZE; len += len < 0x400 ? 1 : 61) {
		uint8_t *part = malloc(len ? len : 1);

		memcpy(part, file, len);
		LLVMFuzzerTestOneInput(part, len);
		tried++;
		free(part);
	}
}

int main(void)
{
	static const uint16_t types[] = { ET_EXEC, ET_DYN };

	file = malloc(FILE_SIZE);
	assert(file);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		make_sound(types[i]);
		corrupt_pairs(0, header_fields, ARRAY_LEN(header_fields));
		for (size_t k = 0; k < HEADERS; k++)
			corrupt_pairs(sizeof(Elf64_Ehdr) + k * sizeof(Elf64_Phdr), segment_fields, ARRAY_LEN(segment_fields));
		cut_everywhere();
	}
	fprintf(stderr, "elf: %u malformed files, each refused or safe to map\n", tried);
	free(file);
	return 0;
}
