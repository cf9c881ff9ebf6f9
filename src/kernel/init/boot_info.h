/* SPDX-License-Identifier: MIT */
/* What the boot loader told us, copied out of its own tables by arch/x86_64/multiboot2.c before their memory is reused. */
#pragma once

#include "lib/types.h"
#include "mm/frame.h"

enum { BOOT_RANGES_MAX = 128, BOOT_COMMAND_LINE_MAX = 2048 };

enum framebuffer_kind { FRAMEBUFFER_NONE, FRAMEBUFFER_RGB, FRAMEBUFFER_TEXT };

struct boot_framebuffer {
	enum framebuffer_kind kind;
	paddr_t address;
	uint32_t pitch;		/* bytes a line */
	uint32_t width, height;	/* pixels, or characters for FRAMEBUFFER_TEXT (EGA text, 2 bytes a cell) */
	uint8_t bits_per_pixel;
	uint8_t red_shift, red_bits, green_shift, green_bits, blue_shift, blue_bits;
};

struct boot_info {
	char command_line[BOOT_COMMAND_LINE_MAX];
	struct memory_range ranges[BOOT_RANGES_MAX];	/* sorted, page-aligned, not overlapping */
	size_t range_count;
	paddr_t module_start, module_end;	/* the root image; 0, 0 if there is none */
	paddr_t symbols_start, symbols_end;	/* the symbol table (debug/symbols.h), inside the ranges; 0, 0 if there is none */
	paddr_t rsdp;				/* physical address of a copy of the ACPI RSDP, 0 if none */
	uint8_t rsdp_copy[40];
	struct boot_framebuffer framebuffer;
	bool efi;
	char loader[64];
};
extern struct boot_info boot_info;

/* The value of `name=value` (cut to @size), or "" for a bare `name`. Returns whether it was there. The last one wins. */
bool command_line_get(const char *name, char *value, size_t size);
bool command_line_has(const char *name);
/* The bytes of `name=N`, N perhaps followed by K, M or G; @otherwise where it is missing or no such number. */
uint64_t command_line_size(const char *name, uint64_t otherwise);
/* Is `name=value` there among possibly many of that name (console=)? */
bool command_line_has_value(const char *name, const char *value);
