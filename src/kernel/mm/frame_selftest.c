/* SPDX-License-Identifier: MIT */
/* Kernel self-tests of the frame allocator, the heap, kernel mappings and stacks. */
#include "mm/frame.h"
#include "arch/x86_64/page_clear.h"
#include "mm/frame_records.h"
#include "mm/heap.h"
#include "mm/kernel_map.h"
#include "lib/string.h"
#include "sched/thread.h"
#include "test/selftest.h"

SELFTEST(frames_come_back)
{
	enum { COUNT = 200 };
	size_t before = frame_free();
	struct frame **frames = kmalloc(COUNT * sizeof(*frames));
	size_t used = before - frame_free();

	for (unsigned i = 0; i < COUNT; i++) {
		frames[i] = frame_alloc(0);
		SELFTEST_CHECK(frames[i] && frames[i]->refs == 1);
		SELFTEST_CHECK(phys_to_frame(frame_to_phys(frames[i])) == frames[i]);
	}
	SELFTEST_CHECK(frame_free() == before - used - COUNT);
	for (unsigned i = 0; i < COUNT; i++)
		frame_put(frames[i]);
	SELFTEST_CHECK(frame_free() == before - used);
	kfree(frames);
}

SELFTEST(frame_references_count)
{
	struct frame *frame = frame_alloc(FRAME_ZERO);
	size_t before = frame_free();
	const uint64_t *words = frame_to_virt(frame);

	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*words); i++)
		SELFTEST_CHECK(!words[i]);
	frame_ref(frame);
	frame_put(frame);
	SELFTEST_CHECK(frame_free() == before);
	frame_put(frame);
	SELFTEST_CHECK(frame_free() == before + 1);
}

SELFTEST(contiguous_frames_are_aligned)
{
	for (size_t align = 1; align <= 64; align *= 4) {
		size_t before = frame_free();
		struct frame *first = frame_alloc_contiguous(33, align, FRAME_KERNEL);

		SELFTEST_CHECK(first && frame_to_phys(first) % (align * PAGE_SIZE) == 0);
		SELFTEST_CHECK(frame_free() == before - 33);
		memset(frame_to_virt(first), 0xff, 33 * PAGE_SIZE);
		frame_free_contiguous(first, 33);
		SELFTEST_CHECK(frame_free() == before);
	}
	SELFTEST_CHECK(!frame_alloc_contiguous(frame_total() + 1, 1, FRAME_KERNEL));
}

SELFTEST(addresses_that_are_not_ram_have_no_frame)
{
	SELFTEST_CHECK(!phys_to_frame(1ull << 51));
	SELFTEST_CHECK(!phys_to_frame((uint64_t)frame_total() << 40));
}

/* @use gives back what it takes. Other threads use the heap, too: what leaks does so each time. */
static bool balanced(void (*use)(void))
{
	for (unsigned i = 0; i < 10; i++) {
		size_t before = heap_used_bytes();

		use();
		if (heap_used_bytes() == before)
			return true;
	}
	return false;
}

static void use_every_size(void)
{
	static const size_t sizes[] = { 1, 8, 16, 17, 63, 200, 700, 2048, 2049, 4096, 5000, 70000 };
	size_t before = heap_used_bytes();
	void *objects[ARRAY_LEN(sizes)];

	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		objects[i] = kmalloc(sizes[i]);
		SELFTEST_CHECK(objects[i] && (uint64_t)objects[i] % 16 == 0);
		memset(objects[i], i + 1, sizes[i]);
	}
	SELFTEST_CHECK(heap_used_bytes() > before + 70000);
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		const uint8_t *bytes = objects[i];

		SELFTEST_CHECK(bytes[0] == i + 1 && bytes[sizes[i] - 1] == i + 1);
		kfree(objects[i]);
	}
	kfree(NULL);
}

SELFTEST(heap_gives_every_size)
{
	SELFTEST_CHECK(balanced(use_every_size));
}

static void use_many_objects(void)
{
	enum { COUNT = 3000 };
	struct link { struct link *next; uint64_t number; } *head = NULL;

	for (uint64_t i = 0; i < COUNT; i++) {
		struct link *link = kzalloc(sizeof(*link) + i % 500);

		SELFTEST_CHECK(link && !link->next && !link->number);
		link->next = head;
		link->number = i;
		head = link;
	}
	for (uint64_t i = COUNT; i-- > 0;) {
		struct link *link = head;

		SELFTEST_CHECK(link->number == i);
		head = link->next;
		kfree(link);
	}
}

SELFTEST(heap_survives_many_objects)
{
	SELFTEST_CHECK(balanced(use_many_objects));
}

SELFTEST(heap_refuses_overflow)
{
	volatile size_t huge = SIZE_MAX / 2;

	SELFTEST_CHECK(!kmalloc_array(huge, 4));
	SELFTEST_CHECK(!kmalloc(huge));
}

SELFTEST(device_mappings_show_physical_memory)
{
	struct frame *frame = frame_alloc(FRAME_ZERO);
	volatile uint32_t *direct = frame_to_virt(frame);
	volatile uint32_t *mapped = kernel_map_physical(frame_to_phys(frame) + 8, 16, MAP_WRITE_BACK);

	SELFTEST_CHECK(mapped && ((uint64_t)mapped & (PAGE_SIZE - 1)) == 8);
	mapped[0] = 0x12345678;
	SELFTEST_CHECK(direct[2] == 0x12345678);
	kernel_unmap((void *)mapped, 16);
	frame_put(frame);
}

SELFTEST(kernel_stacks_have_guards)
{
	char *stack = kernel_stack_alloc(KERNEL_STACK_SIZE);

	SELFTEST_CHECK(stack != NULL);
	stack[0] = stack[KERNEL_STACK_SIZE - 1] = 1;
	SELFTEST_CHECK(kernel_address_is_stack_guard((uint64_t)stack - 1));
	SELFTEST_CHECK(kernel_address_is_stack_guard((uint64_t)stack - PAGE_SIZE));
	SELFTEST_CHECK(!kernel_address_is_stack_guard((uint64_t)stack));
	SELFTEST_CHECK(!kernel_address_is_stack_guard((uint64_t)&stack));
	kernel_stack_free(stack, KERNEL_STACK_SIZE);
}

/* Clears @page by @clear; false if it is not all zeroes then, or SSE register 0, which a program may be using, was changed. */
static bool clears(void (*clear)(void *page), uint64_t *page)
{
	static const uint64_t pattern[2] = { 0x0123456789abcdef, 0xfedcba9876543210 };
	uint64_t old[2], now[2], any = 0, irq;

	memset(page, 0x5a, PAGE_SIZE);
	irq = interrupts_save();
	__asm__ volatile("movups %%xmm0, %0; movups %1, %%xmm0" : "=m"(old) : "m"(pattern));
	clear(page);
	__asm__ volatile("movups %%xmm0, %0; movups %1, %%xmm0" : "=m"(now) : "m"(old));
	interrupts_restore(irq);
	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*page); i++)
		any |= page[i];
	return !any && now[0] == pattern[0] && now[1] == pattern[1];
}

SELFTEST(page_clearing_clears_all_and_nothing_else)
{
	struct frame *frames = frame_alloc_contiguous(3, 1, FRAME_KERNEL);
	uint64_t *first = frame_to_virt(frames), *page = first + PAGE_SIZE / sizeof(*first), *after = page + PAGE_SIZE / sizeof(*page);

	page[-1] = *after = 77;
	SELFTEST_CHECK(clears(page_clear_wide, page) && page[-1] == 77 && *after == 77);
	SELFTEST_CHECK(clears(page_clear_string, page) && page[-1] == 77 && *after == 77);
	frame_free_contiguous(frames, 3);
}
