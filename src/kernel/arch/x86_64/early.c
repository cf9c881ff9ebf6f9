/* SPDX-License-Identifier: MIT */
/*
 * The first C code. It runs identity-mapped at the physical address where the loader put the image, reads the loader's
 * information, builds the kernel's page tables (image at a random base with W^X sections; direct map of all RAM), applies the
 * image's relocations, and returns the virtual address where boot.asm goes on. No pointer constant may be used here before
 * relocation; the compiler addresses everything relative to RIP.
 */
#include "arch/x86_64/boot_layout.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/early.h"
#include "arch/x86_64/multiboot2.h"
#include "init/boot_info.h"

enum {
	PTE_PRESENT = 1 << 0,
	PTE_WRITE = 1 << 1,
	PTE_LARGE = 1 << 7,
	PTE_GLOBAL = 1 << 8,
	PTE_ADDRESS_SHIFT = 12,
	LARGE_PAGE = 2 << 20,
	RELOCATION_WORDS = 63,	/* that one bitmap of the packed table speaks for */
	LOW_MEMORY_END = 1 << 20,
};
#define PTE_NO_EXECUTE (1ull << 63)
#define PTE_ADDRESS 0x000ffffffffff000ull

struct boot_layout boot_layout;

static uint64_t no_execute;	/* PTE_NO_EXECUTE if the CPU has it */
static bool gigabyte_pages;

static uint64_t align_up(uint64_t value, uint64_t to) { return (value + to - 1) & ~(to - 1); }

static bool overlaps(uint64_t start, uint64_t end, uint64_t with_start, uint64_t with_end)
{
	return start < with_end && with_start < end;
}

/*
 * Finds @size bytes of usable memory below 4 GiB that hold neither the image nor what the loader has brought with it: at the
 * top of a range, so that low memory stays whole.
 */
static uint64_t find_memory(uint64_t size, uint64_t image_phys, uint64_t image_len)
{
	const struct memory_range taken[] = {
		{ image_phys, image_phys + image_len, false },
		{ boot_info.module_start, boot_info.module_end, false },
		{ boot_info.symbols_start, boot_info.symbols_end, false },
		{ boot_layout.info_start, boot_layout.info_end, false },
	};

	for (size_t i = boot_info.range_count; i-- > 0;) {
		struct memory_range *range = &boot_info.ranges[i];
		uint64_t end = MIN(range->end, 1ull << 32);

		while (range->start >= LOW_MEMORY_END && end >= range->start + size) {
			uint64_t start = (end - size) & PAGE_MASK;
			size_t k = 0;

			while (k < ARRAY_LEN(taken) && !overlaps(start, start + size, taken[k].start, taken[k].end))
				k++;
			if (k == ARRAY_LEN(taken))
				return start;
			end = taken[k].start & PAGE_MASK;
		}
	}
	return 0;
}

static uint64_t *new_table(void)
{
	uint64_t *table = (uint64_t *)boot_layout.tables.end;

	boot_layout.tables.end += PAGE_SIZE;
	for (int i = 0; i < 512; i++)
		table[i] = 0;
	return table;
}

static uint64_t *next_level(uint64_t *entry)
{
	if (!(*entry & PTE_PRESENT))
		*entry = (uint64_t)new_table() | PTE_PRESENT | PTE_WRITE;
	return (uint64_t *)(*entry & PTE_ADDRESS);
}

static void map_small(uint64_t *root, uint64_t virt, uint64_t phys, uint64_t flags)
{
	uint64_t *table = next_level(&root[virt >> 39 & 511]);

	table = next_level(&table[virt >> 30 & 511]);
	table = next_level(&table[virt >> 21 & 511]);
	table[virt >> 12 & 511] = phys | flags | PTE_PRESENT | PTE_GLOBAL;
}

static void map_large(uint64_t *root, uint64_t virt, uint64_t phys, uint64_t flags)
{
	uint64_t *table = next_level(&root[virt >> 39 & 511]);

	table = next_level(&table[virt >> 30 & 511]);
	table[virt >> 21 & 511] = phys | flags | PTE_PRESENT | PTE_LARGE | PTE_GLOBAL;
}

static void map_direct(uint64_t *root)
{
	uint64_t done = 0;

	for (size_t i = 0; i < boot_info.range_count; i++) {
		uint64_t at = MAX(boot_info.ranges[i].start & ~(uint64_t)(LARGE_PAGE - 1), done);
		uint64_t end = align_up(boot_info.ranges[i].end, LARGE_PAGE);

		while (at < end) {
			if (gigabyte_pages && !(at & ((1 << 30) - 1)) && end - at >= 1 << 30) {
				uint64_t virt = DIRECT_MAP_BASE + at;
				uint64_t *table = next_level(&root[virt >> 39 & 511]);

				table[virt >> 30 & 511] = at | PTE_PRESENT | PTE_WRITE | PTE_LARGE | PTE_GLOBAL | no_execute;
				at += 1 << 30;
				continue;
			}
			map_large(root, DIRECT_MAP_BASE + at, at, PTE_WRITE | no_execute);
			at += LARGE_PAGE;
		}
		done = at;
	}
}

static void map_image(uint64_t *root, uint64_t image_phys)
{
	uint64_t start = (uint64_t)image_start;
	uint64_t rodata = (uint64_t)image_rodata, data = (uint64_t)image_data, end = (uint64_t)image_end;

	for (uint64_t at = start; at < end; at += PAGE_SIZE) {
		uint64_t flags = at < rodata ? 0 : at < data ? no_execute : PTE_WRITE | no_execute;

		map_small(root, boot_layout.virtual_base + (at - start), image_phys + (at - start), flags);
	}
}

/* Enough for the page tables of the image and of all RAM. */
static uint64_t table_bytes(void)
{
	uint64_t pages = 16 + ((uint64_t)image_end - (uint64_t)image_start) / LARGE_PAGE;

	for (size_t i = 0; i < boot_info.range_count; i++)
		pages += 4 + (boot_info.ranges[i].end - boot_info.ranges[i].start) / (1ull << 30);
	return pages * PAGE_SIZE;
}

static uint64_t boot_entropy(void)
{
	uint32_t out[4];
	uint64_t value = cpu_read_tsc();

	cpuid(1, 0, out);
	if (out[2] & 1 << 30) {
		uint64_t random;
		bool ok;

		__asm__ volatile("rdrand %0" : "=r"(random), "=@ccc"(ok));
		if (ok)
			value ^= random;
	}
	for (size_t i = 0; i < sizeof(boot_info.rsdp_copy); i++)
		value = value * 0x9e3779b97f4a7c15ull + boot_info.rsdp_copy[i];
	return value ^ value >> 31;
}

static void choose_base(uint64_t image_len)
{
	uint64_t slots = ((1ull << 30) - align_up(image_len, LARGE_PAGE)) / LARGE_PAGE;
	uint64_t slot = early_command_line_has("nokaslr") ? 1 : boot_entropy() % slots;

	boot_layout.virtual_base = KERNEL_IMAGE_AREA + slot * LARGE_PAGE;
	boot_layout.slide = boot_layout.virtual_base - KERNEL_LINK_BASE;
}

/*
 * The table is packed (DT_RELR, generic ABI, "Relocation Table"): an even entry is the address of a word to change; an odd one is a
 * bitmap, which says from bit 1 on which of the next words to change. The words hold the addresses as linked.
 */
void early_relocate(uint64_t slide)
{
	uint64_t to_physical = (uint64_t)image_start - KERNEL_LINK_BASE;
	uint64_t *word = NULL;

	for (const uint64_t *entry = (const void *)image_relr_start; (const char *)entry < image_relr_end; entry++) {
		if (!(*entry & 1)) {
			word = (uint64_t *)(*entry + to_physical);
			*word++ += slide;
			continue;
		}
		for (unsigned i = 0; i < RELOCATION_WORDS; i++)
			if (*entry >> (i + 1) & 1)
				word[i] += slide;
		word += RELOCATION_WORDS;
	}
}

bool early_command_line_has(const char *word)
{
	const char *at = boot_info.command_line;

	while (*at) {
		size_t i = 0;

		while (word[i] && at[i] == word[i])
			i++;
		if (!word[i] && (at[i] == 0 || at[i] == ' '))
			return true;
		while (*at && *at != ' ')
			at++;
		while (*at == ' ')
			at++;
	}
	return false;
}

static void read_features(void)
{
	uint32_t out[4];

	cpuid(0x80000001, 0, out);
	no_execute = out[3] & 1 << 20 ? PTE_NO_EXECUTE : 0;
	gigabyte_pages = out[3] & 1 << 26;
	if (no_execute)
		cpu_write_msr(0xc0000080, cpu_read_msr(0xc0000080) | 1 << 11);	/* EFER.NXE */
}

struct early_result early_main(const void *info)
{
	uint64_t image_phys = (uint64_t)image_start;	/* RIP-relative: where we run */
	uint64_t image_len = align_up((uint64_t)image_end - image_phys, PAGE_SIZE);
	uint64_t *root;

	read_features();
	boot_layout.physical_base = image_phys;
	boot_layout.info_start = (uint64_t)info & PAGE_MASK;
	boot_layout.info_end = align_up((uint64_t)info + *(const uint32_t *)info, PAGE_SIZE);
	boot_layout.error = multiboot2_read(info);
	if (boot_layout.error)
		early_fail(boot_layout.error);
	choose_base(image_len);
	boot_layout.tables.start = boot_layout.tables.end = find_memory(table_bytes(), image_phys, image_len);
	if (!boot_layout.tables.start)
		early_fail("not enough free memory for the page tables: RaeenOS needs 64 MiB of RAM");
	root = new_table();
	boot_layout.table_root = (uint64_t)root;
	map_image(root, image_phys);
	map_direct(root);
	/* The code that switches tables must stay mapped for the few instructions after the switch. */
	root[0] = *(uint64_t *)(cpu_read_cr3() & PTE_ADDRESS);
	early_relocate(boot_layout.slide);
	cpu_write_cr3((uint64_t)root);
	return (struct early_result){ (uint64_t)kernel_main + (boot_layout.virtual_base - image_phys),
				      boot_layout.virtual_base - image_phys };
}

paddr_t kernel_phys_start(void)
{
	return boot_layout.physical_base;
}

paddr_t kernel_phys_end(void)
{
	return boot_layout.physical_base + align_up((uint64_t)(image_end - image_start), PAGE_SIZE);
}

paddr_t kernel_virt_to_phys(const void *virt)
{
	uint64_t addr = (uint64_t)virt;

	if (addr >= KERNEL_IMAGE_AREA)
		return addr - boot_layout.virtual_base + boot_layout.physical_base;
	return virt_to_phys(virt);
}
