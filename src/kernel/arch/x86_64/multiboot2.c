/* SPDX-License-Identifier: MIT */
/*
 * Copies what the loader says into boot_info. Everything is checked against the structure's total size: a loader's mistake must
 * give a message, not a crash. Runs before relocation and before the stack protector works (see Makefile).
 */
#include "arch/x86_64/multiboot2.h"
#include "init/boot_info.h"
#include "lib/string.h"

struct boot_info boot_info;

struct tag { uint32_t type, size; };
struct tag_module { struct tag tag; uint32_t start, end; char name[]; };
struct tag_memory_map { struct tag tag; uint32_t entry_size, entry_version; };
struct memory_entry { uint64_t address, length; uint32_t type, reserved; };
struct tag_framebuffer {
	struct tag tag;
	uint64_t address;
	uint32_t pitch, width, height;
	uint8_t bits_per_pixel, type;
	uint16_t reserved;
	uint8_t red_shift, red_bits, green_shift, green_bits, blue_shift, blue_bits;
};

enum {
	TAG_END = 0, TAG_COMMAND_LINE = 1, TAG_LOADER_NAME = 2, TAG_MODULE = 3, TAG_MEMORY_MAP = 6, TAG_FRAMEBUFFER = 8,
	TAG_EFI64 = 12, TAG_ACPI_OLD = 14, TAG_ACPI_NEW = 15,
	MEMORY_USABLE = 1,
};

static void copy_text(char *to, size_t size, const char *from, size_t available)
{
	size_t i;

	for (i = 0; i + 1 < size && i < available && from[i]; i++)
		to[i] = from[i];
	to[i] = 0;
}

static bool text_equals(const char *text, size_t available, const char *wanted)
{
	size_t i;

	for (i = 0; i < available && text[i] == wanted[i]; i++)
		if (!wanted[i])
			return true;
	return false;
}

/* Keeps boot_info.ranges sorted by start; usable ranges are shrunk to whole pages. */
static void add_range(uint64_t start, uint64_t end, bool usable)
{
	size_t at = boot_info.range_count;

	if (usable) {
		start = (start + PAGE_SIZE - 1) & PAGE_MASK;
		end &= PAGE_MASK;
	}
	if (start >= end || at == BOOT_RANGES_MAX)
		return;
	while (at > 0 && boot_info.ranges[at - 1].start > start) {
		boot_info.ranges[at] = boot_info.ranges[at - 1];
		at--;
	}
	boot_info.ranges[at].start = start;
	boot_info.ranges[at].end = end;
	boot_info.ranges[at].usable = usable;
	boot_info.range_count++;
}

/* Only usable ranges matter from here on; overlaps between them and any reserved range are cut out. */
static void normalize_ranges(void)
{
	size_t kept = 0;

	for (size_t i = 0; i < boot_info.range_count; i++) {
		struct memory_range range = boot_info.ranges[i];

		if (!range.usable)
			continue;
		if (kept && boot_info.ranges[kept - 1].end > range.start)
			range.start = boot_info.ranges[kept - 1].end;
		for (size_t j = i + 1; j < boot_info.range_count; j++)
			if (!boot_info.ranges[j].usable && boot_info.ranges[j].start < range.end)
				range.end = MAX(range.start, boot_info.ranges[j].start & PAGE_MASK);
		if (range.start < range.end)
			boot_info.ranges[kept++] = range;
	}
	boot_info.range_count = kept;
}

static void read_memory_map(const struct tag_memory_map *map)
{
	if (map->entry_size < sizeof(struct memory_entry))
		return;
	for (uint32_t at = sizeof(*map); at + map->entry_size <= map->tag.size; at += map->entry_size) {
		const struct memory_entry *entry = (const void *)((const char *)map + at);

		if (entry->length <= UINT64_MAX - entry->address)
			add_range(entry->address, entry->address + entry->length, entry->type == MEMORY_USABLE);
	}
	normalize_ranges();
}

static void read_framebuffer(const struct tag_framebuffer *tag)
{
	struct boot_framebuffer *fb = &boot_info.framebuffer;

	fb->address = tag->address;
	fb->pitch = tag->pitch;
	fb->width = tag->width;
	fb->height = tag->height;
	fb->bits_per_pixel = tag->bits_per_pixel;
	if (tag->type == 1 && tag->tag.size >= sizeof(*tag) - 2) {
		fb->kind = FRAMEBUFFER_RGB;
		fb->red_shift = tag->red_shift;
		fb->red_bits = tag->red_bits;
		fb->green_shift = tag->green_shift;
		fb->green_bits = tag->green_bits;
		fb->blue_shift = tag->blue_shift;
		fb->blue_bits = tag->blue_bits;
	} else if (tag->type == 2) {
		fb->kind = FRAMEBUFFER_TEXT;
	}
}

static void read_module(const struct tag_module *module)
{
	size_t name_len = module->tag.size - offsetof(struct tag_module, name);

	if (text_equals(module->name, name_len, "root") && module->end > module->start) {
		boot_info.module_start = module->start;
		boot_info.module_end = module->end;
	}
}

static void read_tag(const struct tag *tag)
{
	const char *data = (const char *)(tag + 1);
	size_t len = tag->size - sizeof(*tag);

	switch (tag->type) {
	case TAG_COMMAND_LINE:
		copy_text(boot_info.command_line, sizeof(boot_info.command_line), data, len);
		break;
	case TAG_LOADER_NAME:
		copy_text(boot_info.loader, sizeof(boot_info.loader), data, len);
		break;
	case TAG_MODULE:
		if (tag->size > offsetof(struct tag_module, name))
			read_module((const struct tag_module *)tag);
		break;
	case TAG_MEMORY_MAP:
		if (tag->size >= sizeof(struct tag_memory_map))
			read_memory_map((const struct tag_memory_map *)tag);
		break;
	case TAG_FRAMEBUFFER:
		if (tag->size >= offsetof(struct tag_framebuffer, red_shift))
			read_framebuffer((const struct tag_framebuffer *)tag);
		break;
	case TAG_EFI64:
		boot_info.efi = true;
		break;
	case TAG_ACPI_OLD:
	case TAG_ACPI_NEW:
		/* The newer one, if there are two, comes with a longer structure: keep that. */
		if (len >= 20 && (tag->type == TAG_ACPI_NEW || !boot_info.rsdp_copy[0]))
			for (size_t i = 0; i < sizeof(boot_info.rsdp_copy); i++)
				boot_info.rsdp_copy[i] = i < len ? data[i] : 0;
		break;
	}
}

const char *multiboot2_read(const void *info)
{
	uint32_t total = *(const uint32_t *)info;
	uint32_t at = 8;

	while (at + sizeof(struct tag) <= total) {
		const struct tag *tag = (const void *)((const char *)info + at);

		if (tag->type == TAG_END || tag->size < sizeof(*tag) || tag->size > total - at)
			break;
		read_tag(tag);
		at += (tag->size + 7) & ~7u;
	}
	if (boot_info.range_count == 0)
		return "the boot loader gave no memory map (Multiboot2 tag 6): expected one with usable RAM";
	return NULL;
}
