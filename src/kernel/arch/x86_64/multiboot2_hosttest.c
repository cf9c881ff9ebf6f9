/* SPDX-License-Identifier: MIT */
/*
 * The reader of the boot loader's information: what a right structure gives, and that no wrong one makes it read outside (each lives in a
 * heap block of exactly its size, so that the sanitizer sees it) or leaves ranges that the memory allocator could not take.
 */
/* LINK: arch/x86_64/multiboot2.c */
#include "arch/x86_64/multiboot2.h"
#include "debug/symbols.h"
#include "init/boot_info.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROOM = 4096, MUTATIONS = 200000, USABLE = 1, RESERVED = 2, ACPI = 3 };

struct entry { uint64_t address, length; uint32_t type, reserved; };
struct section { uint32_t name, type; uint64_t flags, address, offset, size; uint32_t link, info; uint64_t align, entry_size; };

static unsigned char built[ROOM] __attribute__((aligned(8)));
static size_t built_len;

static void put(const void *data, size_t len)
{
	assert(built_len + len <= ROOM);
	memcpy(built + built_len, data, len);
	built_len += len;
}

/* A tag with @len bytes behind its head, padded to 8. */
static void put_tag(uint32_t type, const void *data, size_t len)
{
	uint32_t head[2] = { type, 8 + len };

	put(head, 8);
	put(data, len);
	built_len = (built_len + 7) & ~7ul;
}

static void begin(void)
{
	memset(built, 0, sizeof(built));
	built_len = 8;
}

static void put_map(const struct entry *entries, size_t count)
{
	unsigned char data[1024];
	uint32_t head[2] = { sizeof(struct entry), 0 };

	assert(8 + count * sizeof(*entries) <= sizeof(data));
	memcpy(data, head, 8);
	memcpy(data + 8, entries, count * sizeof(*entries));
	put_tag(6, data, 8 + count * sizeof(*entries));
}

/* As GRUB gives them: those that it has loaded have addresses. */
static void put_sections(const struct section *sections, uint32_t count)
{
	unsigned char data[1024];
	uint32_t head[3] = { count, sizeof(*sections), 1 };

	assert(sizeof(head) + count * sizeof(*sections) <= sizeof(data));
	memcpy(data, head, sizeof(head));
	memcpy(data + sizeof(head), sections, count * sizeof(*sections));
	put_tag(9, data, sizeof(head) + count * sizeof(*sections));
}

static void finish(void)
{
	uint32_t len;

	put_tag(0, "", 0);
	len = built_len;
	memcpy(built, &len, 4);
}

/* Reads the first @len bytes of what was built, which say that they are all. */
static const char *read_part(size_t len)
{
	unsigned char *block = malloc(len);
	uint32_t total = len;
	const char *error;

	memcpy(block, built, len);
	memcpy(block, &total, 4);
	memset(&boot_info, 0, sizeof(boot_info));
	error = multiboot2_read(block);
	free(block);
	return error;
}

static void check_result(void)
{
	assert(boot_info.range_count <= BOOT_RANGES_MAX);
	for (size_t i = 0; i < boot_info.range_count; i++) {
		struct memory_range *range = &boot_info.ranges[i];

		assert(range->usable && range->start < range->end && range->end <= 1ull << 46);
		assert(!(range->start & (PAGE_SIZE - 1)) && !(range->end & (PAGE_SIZE - 1)));
		assert(i == 0 || range[-1].end <= range->start);
	}
	assert(memchr(boot_info.command_line, 0, sizeof(boot_info.command_line)) && memchr(boot_info.loader, 0, sizeof(boot_info.loader)));
	assert(boot_info.module_start <= boot_info.module_end);
	assert(boot_info.symbols_start < boot_info.symbols_end || (!boot_info.symbols_start && !boot_info.symbols_end));
}

static void build_usual(void)
{
	static const struct entry map[] = {
		{ 0, 0x9fc00, USABLE, 0 }, { 0x9fc00, 0x400, RESERVED, 0 }, { 0xf0000, 0x10000, RESERVED, 0 }, { 0x100000, 0x7ee0000, USABLE, 0 },
		{ 0x7fe0000, 0x20000, ACPI, 0 }, { 0xfffc0000, 0x40000, RESERVED, 0 }, { 0x100000000, 0x40000000, USABLE, 0 },
	};
	static const struct section sections[] = {
		{ 0 }, { 1, 1, 6, 0x200000, 0x1000, 0x7d000, 0, 0, 64, 0 }, { 7, SYMBOLS_SECTION_TYPE, 0, 0x104000, 0x91000, 0x3d3a, 0, 0, 4096, 0 },
		{ 16, 3, 0, 0x108000, 0x95000, 0x100, 0, 0, 1, 0 },
	};
	struct { uint32_t start, end; char name[5]; } __attribute__((packed)) root = { 0x400000, 0x500000, "root" }, other = { 1, 2, "boot" };
	struct { uint64_t address; uint32_t pitch, width, height; uint8_t bits, type, reserved[2], colours[6]; } __attribute__((packed)) screen = {
		0xfd000000, 4096, 1024, 768, 32, 1, { 0, 0 }, { 16, 8, 8, 8, 0, 8 } };

	begin();
	put_tag(1, "console=ttyS0 quiet", 20);
	put_tag(2, "GRUB 2.06", 10);
	put_tag(3, &other, sizeof(other));
	put_tag(3, &root, sizeof(root));
	put_sections(sections, ARRAY_LEN(sections));
	put_map(map, ARRAY_LEN(map));
	put_tag(8, &screen, sizeof(screen));
	put_tag(14, "RSD PTR old-old-old-", 20);
	put_tag(15, "RSD PTR new-new-new-new-new-new-new!", 36);
	put_tag(12, "\0\0\0\0\0\0\0", 8);
	put_tag(77, "unknown", 7);
	finish();
}

static void test_usual(void)
{
	build_usual();
	assert(!read_part(built_len));
	check_result();
	assert(strcmp(boot_info.command_line, "console=ttyS0 quiet") == 0 && strcmp(boot_info.loader, "GRUB 2.06") == 0);
	assert(boot_info.module_start == 0x400000 && boot_info.module_end == 0x500000);
	assert(boot_info.symbols_start == 0x104000 && boot_info.symbols_end == 0x107d3a);
	assert(boot_info.range_count == 3 && boot_info.ranges[0].end == 0x9f000);
	assert(boot_info.ranges[1].start == 0x100000 && boot_info.ranges[1].end == 0x7fe0000);
	assert(boot_info.ranges[2].start == 0x100000000 && boot_info.ranges[2].end == 0x140000000);
	assert(boot_info.framebuffer.kind == FRAMEBUFFER_RGB && boot_info.framebuffer.width == 1024 && boot_info.framebuffer.red_shift == 16);
	assert(boot_info.efi && memcmp(boot_info.rsdp_copy, "RSD PTR new", 11) == 0);
}

/* The symbol table counts only where it lies in memory that can be used; @section says where it is. */
static bool has_symbols(struct section section)
{
	static const struct entry map[] = { { 0x100000, 0x100000, USABLE, 0 }, { 0x300000, 0x1000, USABLE, 0 } };

	begin();
	put_sections(&section, 1);
	put_map(map, ARRAY_LEN(map));
	finish();
	assert(!read_part(built_len));
	check_result();
	return boot_info.symbols_start;
}

static void test_symbols(void)
{
	static const uint64_t wrong[][2] = {
		{ 0, 0x1000 }, { 0xff000, 0x2000 }, { 0x1ff000, 0x1001 }, { 0x180000, 0 }, { 0x180000, 0x181000 }, { 0x200000, 0x1000 }, { 1ull << 40, 0x1000 },
		{ 0x180000, UINT64_MAX }, { 0x180000, UINT64_MAX - 0x80000 }, { UINT64_MAX - 0xfff, 0x200000 }, { UINT64_MAX, UINT64_MAX },
	};

	assert(has_symbols((struct section){ .type = SYMBOLS_SECTION_TYPE, .address = 0x100000, .size = 0x100000 }));
	assert(has_symbols((struct section){ .type = SYMBOLS_SECTION_TYPE, .address = 0x300ff0, .size = 16 }));
	assert(!has_symbols((struct section){ .type = 1, .address = 0x100000, .size = 0x1000 }));
	for (unsigned i = 0; i < ARRAY_LEN(wrong); i++)
		assert(!has_symbols((struct section){ .type = SYMBOLS_SECTION_TYPE, .address = wrong[i][0], .size = wrong[i][1] }));
}

/* Cut anywhere: either an error or a result that holds. */
static void test_truncated(void)
{
	build_usual();
	for (size_t len = 8; len <= built_len; len++)
		if (!read_part(len))
			check_result();
}

/* The size field of each tag in turn gets every small value and some huge ones. */
static void test_wrong_sizes(void)
{
	static const uint32_t huge[] = { 0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffff7, 0xfffffff8, 0xfffffff9, 0xffffffff };

	build_usual();
	for (size_t at = 8; at < built_len;) {
		uint32_t size, wrong;

		memcpy(&size, built + at + 4, 4);
		for (unsigned i = 0; i < 200 + ARRAY_LEN(huge); i++) {
			wrong = i < 200 ? i : huge[i - 200];
			memcpy(built + at + 4, &wrong, 4);
			if (!read_part(built_len))
				check_result();
		}
		memcpy(built + at + 4, &size, 4);
		at += (size + 7) & ~7u;
	}
}

/* Entry sizes that make the walk wrap around, stand still or read past the tag. */
static void test_wrong_entry_sizes(void)
{
	static const uint32_t sizes[] = { 0, 1, 8, 16, 23, 25, 0x7ffffff8, 0xffffffe8, 0xfffffff0, 0xfffffff8, 0xffffffff };
	static const struct entry map = { 0x100000, 0x100000, USABLE, 0 };

	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		begin();
		put_map(&map, 1);
		memcpy(built + 16, &sizes[i], 4);
		finish();
		assert(read_part(built_len));
	}
	begin();
	put_tag(6, "\30\0\0\0\0\0\0\0", 8);	/* no entry at all */
	finish();
	assert(read_part(built_len));
}

static void expect_ranges(const struct entry *map, size_t count, const uint64_t *bounds, size_t bounds_count)
{
	begin();
	put_map(map, count);
	finish();
	read_part(built_len);
	check_result();
	assert(boot_info.range_count == bounds_count / 2);
	for (size_t i = 0; i < boot_info.range_count; i++)
		assert(boot_info.ranges[i].start == bounds[2 * i] && boot_info.ranges[i].end == bounds[2 * i + 1]);
}

#define EXPECT(map, ...) expect_ranges(map, ARRAY_LEN(map), (uint64_t[]){ __VA_ARGS__ }, sizeof((uint64_t[]){ __VA_ARGS__ }) / 8)

static void test_overlaps(void)
{
	static const struct entry before[] = { { 0x80000, 0x100000, RESERVED, 0 }, { 0x100000, 0x100000, USABLE, 0 } };
	static const struct entry same_start[] = { { 0x100000, 0x1000, RESERVED, 0 }, { 0x100000, 0x100000, USABLE, 0 } };
	static const struct entry inside[] = { { 0x100000, 0x40000000, USABLE, 0 }, { 0x200800, 0x100, RESERVED, 0 }, { 0x300000, 0x1000, ACPI, 0 } };
	static const struct entry across[] = { { 0x200000, 0x100000, USABLE, 0 }, { 0x100000, 0x180000, USABLE, 0 }, { 0x2ff000, 0x2000, RESERVED, 0 } };
	static const struct entry covered[] = { { 0x100000, 0x100000, USABLE, 0 }, { 0, 0x1000000, RESERVED, 0 }, { 0x2000000, 0x1000, USABLE, 0 } };
	static const struct entry ragged[] = { { 0x100001, 0x2fff, USABLE, 0 }, { 0x200001, 0xffe, USABLE, 0 } };
	static const struct entry top[] = { { 0xfffffffffffff001, 0xffe, USABLE, 0 }, { 0x3ffffffff000, 0x5000, USABLE, 0 },
					    { 0xffffffffffff0000, 0xffffffff, USABLE, 0 }, { 0, UINT64_MAX, RESERVED, 0 } };

	EXPECT(before, 0x180000, 0x200000);
	EXPECT(same_start, 0x101000, 0x200000);
	EXPECT(inside, 0x100000, 0x200000, 0x201000, 0x300000, 0x301000, 0x40100000);
	EXPECT(across, 0x100000, 0x280000, 0x280000, 0x2ff000);
	EXPECT(covered, 0x2000000, 0x2001000);
	EXPECT(ragged, 0x101000, 0x103000);
	expect_ranges(top, 3, (uint64_t[]){ 0x3ffffffff000, 0x400000000000 }, 2);
	expect_ranges(top, 4, NULL, 0);
}

static void test_random_mutations(unsigned seed)
{
	printf("multiboot2 mutations: seed %u\n", seed);
	srand(seed);
	build_usual();
	for (unsigned i = 0; i < MUTATIONS; i++) {
		static unsigned char saved[ROOM];
		size_t len = built_len;

		memcpy(saved, built, len);
		for (int changes = rand() % 8 + 1; changes-- > 0;) {
			static const uint64_t interesting[] = { 0, 1, 7, 8, 0xfff, 0x1000, 0x7fffffff, 0xffffffff, 1ull << 46, 1ull << 63, UINT64_MAX };
			uint64_t value = rand() % 2 ? interesting[rand() % ARRAY_LEN(interesting)] : (uint64_t)rand();
			size_t at = 8 + rand() % (len - 16), size = 1 << rand() % 4;

			memcpy(built + at, &value, size);
		}
		if (!read_part(rand() % 4 ? len : 8 + rand() % (len - 8)))
			check_result();
		memcpy(built, saved, len);
	}
}

int main(int argc, char **argv)
{
	test_usual();
	test_symbols();
	test_truncated();
	test_wrong_sizes();
	test_wrong_entry_sizes();
	test_overlaps();
	test_random_mutations(argc > 1 ? atoi(argv[1]) : time(NULL));
	return 0;
}
