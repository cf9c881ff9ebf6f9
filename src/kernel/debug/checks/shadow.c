/* SPDX-License-Identifier: MIT */
/*
 * Shadow memory, and the functions that GCC calls before each access (-fsanitize=kernel-address, outline). Their names and the layout of
 * struct checked_global are GCC's; see its libsanitizer interface (asan_interface_internal.h).
 *
 * No locks: a byte's owner changes its shadow before it hands it out and after it got it back.
 */
#include "debug/checks/internal.h"
#include "debug/symbols.h"
#include "arch/x86_64/boot_layout.h"
#include "arch/x86_64/string_ops.h"
#include "lib/panic.h"
#include "mm/frame_records.h"

enum { GRANULE_SHIFT = 3, GRANULE = 1 << GRANULE_SHIFT };

static uint8_t *ram_shadow, *image_shadow;	/* set once by checks_init */
static uint64_t ram_len, image_len;		/* bytes covered; 0 before */

/* The shadow byte of @addr; NULL where there is none (stacks, devices, programs). */
static inline uint8_t *shadow_of(uint64_t addr)
{
	if (addr - DIRECT_MAP_BASE < ram_len)
		return &ram_shadow[(addr - DIRECT_MAP_BASE) >> GRANULE_SHIFT];
	if (addr - (uint64_t)image_start < image_len)
		return &image_shadow[(addr - (uint64_t)image_start) >> GRANULE_SHIFT];
	return NULL;
}

void shadow_allow(const void *start, size_t len)
{
	uint8_t *shadow = shadow_of((uint64_t)start);

	if (!shadow)
		return;
	fill_bytes(shadow, 0, len >> GRANULE_SHIFT);
	if (len % GRANULE)
		shadow[len >> GRANULE_SHIFT] = len % GRANULE;
}

void shadow_forbid(const void *start, size_t len, enum shadow_state state)
{
	uint8_t *shadow = shadow_of((uint64_t)start);

	if (shadow)
		fill_bytes(shadow, state, (len + GRANULE - 1) >> GRANULE_SHIFT);
}

/* ---- Checks ---- */

static const char *kind_of(uint8_t state)
{
	switch (state) {
	case SHADOW_GLOBAL_ZONE: return "global-buffer-overflow";
	case SHADOW_HEAP_ZONE: return "heap-buffer-overflow";
	case SHADOW_HEAP_FREED: return "heap-use-after-free";
	case SHADOW_FREE_FRAME: return "use of a free frame";
	default: return "unknown state";
	}
}

static void report(uint64_t bad, uint64_t start, size_t len, bool write, void *who)
{
	struct symbol_place place;
	uint8_t state = *shadow_of(bad);

	symbol_find((uint64_t)who, &place);
	/* A partial granule: the byte after it tells what lies behind the object. */
	if (state < GRANULE) {
		state = *(shadow_of(bad) + 1);
		if (state < GRANULE)
			state = SHADOW_HEAP_ZONE;
	}
	checks_report("address check: %s: %s of %lu bytes at %#lx (first bad one %#lx) in %s+0x%lx", kind_of(state), write ? "write" : "read",
		      (unsigned long)len, start, bad, place.name, place.offset);
}

static inline bool byte_allowed(uint64_t addr)
{
	const uint8_t *shadow = shadow_of(addr);

	return !shadow || !*shadow || (*shadow < GRANULE && addr % GRANULE < *shadow);
}

static inline void check(uint64_t start, size_t len, bool write, void *who)
{
	uint64_t last = start + len - 1;

	if (!len)
		return;
	for (uint64_t at = start; at < last; at = (at | (GRANULE - 1)) + 1) {
		uint64_t end = MIN(at | (GRANULE - 1), last);

		/* In a granule what is allowed comes first. */
		if (unlikely(!byte_allowed(end))) {
			while (byte_allowed(at))
				at++;
			report(at, start, len, write, who);
			return;
		}
	}
	if (unlikely(!byte_allowed(last)))
		report(last, start, len, write, who);
}

void shadow_check(const void *start, size_t len, bool write, void *who)
{
	check((uint64_t)start, len, write, who);
}

/* ---- What GCC calls ---- */

#define ACCESS(size) \
	void __asan_load##size##_noabort(uint64_t addr); \
	void __asan_store##size##_noabort(uint64_t addr); \
	void __asan_load##size##_noabort(uint64_t addr) { check(addr, size, false, __builtin_return_address(0)); } \
	void __asan_store##size##_noabort(uint64_t addr) { check(addr, size, true, __builtin_return_address(0)); }

ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

struct checked_global {
	const char *start;
	size_t len, len_with_zone;
	const char *name, *file;
	size_t dynamic;
	const void *location;
	size_t indicator;
};

void __asan_loadN_noabort(uint64_t addr, size_t len);
void __asan_storeN_noabort(uint64_t addr, size_t len);
void __asan_handle_no_return(void);
void __asan_register_globals(const struct checked_global *globals, size_t count);
void __asan_unregister_globals(const struct checked_global *globals, size_t count);

void __asan_loadN_noabort(uint64_t addr, size_t len) { check(addr, len, false, __builtin_return_address(0)); }
void __asan_storeN_noabort(uint64_t addr, size_t len) { check(addr, len, true, __builtin_return_address(0)); }

/* Stacks have no shadow: nothing to clean up. */
void __asan_handle_no_return(void) { }

void __asan_register_globals(const struct checked_global *globals, size_t count)
{
	for (; count--; globals++) {
		size_t whole = ROUND_UP(globals->len, GRANULE);

		shadow_allow(globals->start, globals->len);
		shadow_forbid(globals->start + whole, globals->len_with_zone - whole, SHADOW_GLOBAL_ZONE);
	}
}

void __asan_unregister_globals(const struct checked_global *globals, size_t count) { }

/* ---- Start-up ---- */

static uint8_t *shadow_alloc(uint64_t covered)
{
	size_t frames = ROUND_UP(covered >> GRANULE_SHIFT, PAGE_SIZE) >> PAGE_SHIFT;
	struct frame *frame = frame_alloc_contiguous(frames, 1, FRAME_KERNEL | FRAME_ZERO);

	if (!frame)
		panic("debug build: no room for %lu KiB of shadow memory", (unsigned long)frames << 2);
	return frame_virt(frame);
}

void checks_init(void)
{
	uint64_t ram = (uint64_t)frame_record_count << PAGE_SHIFT, image = image_end - image_start;

	alloc_sites_from_command_line();
	image_shadow = shadow_alloc(image);
	ram_shadow = shadow_alloc(ram);
	image_len = image;
	ram_len = ram;
	for (size_t i = 0; i < frame_record_count; i++)
		if (!frame_records[i].refs)
			shadow_forbid(frame_virt(&frame_records[i]), PAGE_SIZE, SHADOW_FREE_FRAME);
	/* One constructor a file registers its global variables. */
	for (void (*const *constructor)(void) = image_constructors; constructor < image_constructors_end; constructor++)
		(*constructor)();
}
