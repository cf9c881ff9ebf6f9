/* SPDX-License-Identifier: MIT */
/*
 * Copies what the loader says into boot_info. Everything is checked against the structure's total size: a loader's mistake must
 * give a message, not a crash. Runs before relocation and before the stack protector works (see Makefile).
 */
#include "arch/x86_64/multiboot2.h"
#include "debug/symbols.h"
#include "init/boot_info.h"
#include "lib/string.h"

#define PHYSICAL_MAX (1ull << 46)	/* the direct map ends before KERNEL_MAP_BASE */

struct boot_info boot_info;

/* The memory map as the loader gives it, usable or not. */
static struct memory_range entries[BOOT_RANGES_MAX];
static size_t entry_count;

struct tag { uint32_t type, size; };
struct tag_module { struct tag tag; uint32_t start, end; char name[]; };
struct tag_memory_map { struct tag tag; uint32_t entry_size, entry_version; };
struct memory_entry { uint64_t address, length; uint32_t type, reserved; };
struct tag_sections { struct tag tag; uint32_t count, entry_size, names; };
struct section {	/* of ELF64; the entries begin 4 bytes beside what would be aligned */
	uint32_t name, type;
	uint64_t flags, address, offset, size;
	uint32_t link, info;
	uint64_t align, entry_size;
} __attribute__((packed, aligned(4)));
struct tag_framebuffer {
	struct tag tag;
	uint64_t address;
	uint32_t pitch, width, height;
	uint8_t bits_per_pixel, type;
	uint16_t reserved;
	uint8_t red_shift, red_bits, green_shift, green_bits, blue_shift, blue_bits;
};

enum {
	TAG_END = 0, TAG_COMMAND_LINE = 1, TAG_LOADER_NAME = 2, TAG_MODULE = 3, TAG_MEMORY_MAP = 6, TAG_FRAMEBUFFER = 8, TAG_SECTIONS = 9,
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

/*
 * Takes one entry of the memory map, keeping them sorted by start. What is usable shrinks to whole pages, what is not grows to them. Memory
 * that the direct map has no room for does not exist.
 */
static void add_entry(uint64_t start, uint64_t end, bool usable)
{
	size_t at = entry_count;

	end = MIN(end, PHYSICAL_MAX);
	if (start >= end || at == BOOT_RANGES_MAX)
		return;
	start = usable ? (start + PAGE_SIZE - 1) & PAGE_MASK : start & PAGE_MASK;
	end = usable ? end & PAGE_MASK : (end + PAGE_SIZE - 1) & PAGE_MASK;
	for (; at > 0 && entries[at - 1].start > start; at--)
		entries[at] = entries[at - 1];
	entries[at].start = start;
	entries[at].end = end;
	entries[at].usable = usable;
	entry_count++;
}

static void keep_range(uint64_t start, uint64_t end)
{
	if (start < end && boot_info.range_count < BOOT_RANGES_MAX)
		boot_info.ranges[boot_info.range_count++] = (struct memory_range){ start, end, true };
}

/* Memory is usable where some entry says so and none says otherwise; firmware has been seen to contradict itself. */
static void choose_ranges(void)
{
	uint64_t at = 0;	/* all below has been decided */

	boot_info.range_count = 0;
	for (size_t i = 0; i < entry_count; i++) {
		const struct memory_range *usable = &entries[i];

		if (!usable->usable)
			continue;
		at = MAX(at, usable->start);
		for (size_t j = 0; j < entry_count && entries[j].start < usable->end; j++) {
			if (entries[j].usable || entries[j].end <= at)
				continue;
			keep_range(at, entries[j].start);
			at = entries[j].end;
		}
		keep_range(at, usable->end);
		at = MAX(at, usable->end);
	}
}

static void read_memory_map(const struct tag_memory_map *map)
{
	/* The specification promises a multiple of 8. */
	if (map->entry_size < sizeof(struct memory_entry) || map->entry_size % 8)
		return;
	for (uint64_t at = sizeof(*map); at + map->entry_size <= map->tag.size; at += map->entry_size) {
		const struct memory_entry *entry = (const void *)((const char *)map + at);

		if (entry->length <= UINT64_MAX - entry->address)
			add_entry(entry->address, entry->address + entry->length, entry->type == MEMORY_USABLE);
	}
	choose_ranges();
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

/* The loader has put every section somewhere that the program headers do not place (kernel.ld); one is of use. */
static void read_sections(const struct tag_sections *sections)
{
	if (sections->entry_size < sizeof(struct section) || sections->entry_size % 4)
		return;
	for (uint64_t at = sizeof(*sections); at + sections->entry_size <= sections->tag.size; at += sections->entry_size) {
		const struct section *section = (const void *)((const char *)sections + at);

		if (section->type == SYMBOLS_SECTION_TYPE && section->address < PHYSICAL_MAX && section->size < PHYSICAL_MAX) {
			boot_info.symbols_start = section->address;
			boot_info.symbols_end = section->address + section->size;
		}
	}
}

/* Only what the ranges hold will be mapped, and left alone. */
static void check_symbols(void)
{
	for (size_t i = 0; i < boot_info.range_count; i++)
		if (boot_info.symbols_start >= boot_info.ranges[i].start && boot_info.symbols_end <= boot_info.ranges[i].end &&
		    boot_info.symbols_end > boot_info.symbols_start)
			return;
	boot_info.symbols_start = boot_info.symbols_end = 0;
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
	case TAG_SECTIONS:
		if (tag->size >= sizeof(struct tag_sections))
			read_sections((const struct tag_sections *)tag);
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
	uint64_t total = *(const uint32_t *)info;
	uint64_t at = 8;

	entry_count = 0;
	while (at + sizeof(struct tag) <= total) {
		const struct tag *tag = (const void *)((const char *)info + at);

		if (tag->type == TAG_END || tag->size < sizeof(*tag) || tag->size > total - at)
			break;
		read_tag(tag);
		at += ((uint64_t)tag->size + 7) & ~7ull;
	}
	check_symbols();
	if (boot_info.range_count == 0)
		return "the boot loader gave no memory map (Multiboot2 tag 6): expected one with usable RAM";
	return NULL;
}
