/* SPDX-License-Identifier: MIT */
/*
 * Physical page frames: the records, the shared pool (a two-level bitmap) and a magazine of free frames for each CPU, so that most
 * allocations and frees take no lock.
 *
 * Locks: pool_lock (spinlock, interrupts off) guards the bitmap. A magazine belongs to its CPU and is touched with interrupts off.
 */
#include "mm/frame.h"
#include "debug/checks.h"
#include "mm/frame_bitmap.h"
#include "mm/frame_records.h"
#include "mm/reclaim.h"
#include "arch/x86_64/page_clear.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "sync/spinlock.h"

enum { MAGAZINE_BATCH = 32, RESERVE_SHARE = 64, RESERVE_MIN = 256, PLACE_ABOVE = 0x100000 };

struct frame *frame_records;
size_t frame_record_count;

static struct frame_bitmap pool;	/* guarded by pool_lock */
static struct spinlock pool_lock = SPINLOCK_INIT(LOCK_FRAME_POOL);
static size_t total_frames;		/* set by frame_init */
static size_t reserve_frames;		/* the pool is not emptied below this for programs; set once */

/* ---- Start-up ---- */

/* A place for @len bytes inside the usable ranges that no reserved range touches; panics when there is none. */
static paddr_t find_place(uint64_t len, const struct memory_range *usable, size_t usable_count,
			  const struct memory_range *reserved, size_t reserved_count)
{
	for (size_t i = 0; i < usable_count; i++) {
		paddr_t at = MAX(usable[i].start, (paddr_t)PLACE_ABOVE);
		bool moved = true;

		if (!usable[i].usable)
			continue;
		while (moved) {
			moved = false;
			for (size_t k = 0; k < reserved_count; k++) {
				if (at < reserved[k].end && at + len > reserved[k].start) {
					at = ROUND_UP(reserved[k].end, PAGE_SIZE);
					moved = true;
				}
			}
		}
		if (at < usable[i].end && len <= usable[i].end - at)
			return at;
	}
	panic("not enough memory: no room for %lu KiB of page records", (unsigned long)(len >> 10));
}

static void mark_reserved(paddr_t start, paddr_t end, uint32_t flags)
{
	struct frame *frame = &frame_records[start >> PAGE_SHIFT], *stop = &frame_records[end >> PAGE_SHIFT];

	for (; frame < stop; frame++)
		*frame = (struct frame){ .refs = 1, .flags = FRAME_RESERVED | flags };
}

/* Gives the frames of [start, end), whose records are zero, to the pool, but for those that a reserved range covers. */
static void add_free_range(paddr_t start, paddr_t end, const struct memory_range *reserved, size_t count)
{
	while (start < end) {
		paddr_t stop = end, skip_to = end;

		for (size_t k = 0; k < count; k++) {
			paddr_t from = ROUND_DOWN(reserved[k].start, PAGE_SIZE);

			if (reserved[k].end <= start || from >= stop)
				continue;
			if (from <= start) {
				stop = start;
				skip_to = ROUND_UP(reserved[k].end, PAGE_SIZE);
				break;
			}
			stop = skip_to = from;
		}
		if (stop > start)
			frame_bitmap_give_range(&pool, start >> PAGE_SHIFT, (stop - start) >> PAGE_SHIFT);
		start = MAX(skip_to, stop);
		mark_reserved(stop, MIN(start, end), 0);
	}
}

void frame_init(const struct memory_range *usable, size_t usable_count, const struct memory_range *reserved, size_t reserved_count)
{
	enum { EXTRA_MAX = 32 };
	struct memory_range taken[EXTRA_MAX];
	paddr_t end = 0, done = 0;

	KASSERT(reserved_count < EXTRA_MAX);
	for (size_t i = 0; i < usable_count; i++)
		if (usable[i].usable)
			end = MAX(end, usable[i].end);
	frame_record_count = end >> PAGE_SHIFT;
	uint64_t records_len = ROUND_UP(frame_record_count * sizeof(struct frame), PAGE_SIZE);
	uint64_t len = records_len + ROUND_UP(frame_bitmap_storage(frame_record_count), PAGE_SIZE);
	paddr_t place = find_place(len, usable, usable_count, reserved, reserved_count);

	frame_records = phys_to_virt(place);
	frame_bitmap_init(&pool, phys_to_virt(place + records_len), frame_record_count);
	memcpy(taken, reserved, reserved_count * sizeof(*reserved));
	taken[reserved_count] = (struct memory_range){ place, place + len, false };

	/* Most frames are free, and a free frame's record is all zeroes. */
	memset(frame_records, 0, records_len);
	for (size_t i = 0; i < usable_count; i++) {
		if (!usable[i].usable)
			continue;
		mark_reserved(done, usable[i].start, FRAME_NOT_RAM);
		done = usable[i].end;
		total_frames += (usable[i].end - usable[i].start) >> PAGE_SHIFT;
		add_free_range(usable[i].start, usable[i].end, taken, reserved_count + 1);
	}
	reserve_frames = MAX(total_frames / RESERVE_SHARE, (size_t)RESERVE_MIN);
	log_info("memory: %lu MiB, %lu MiB free, %lu KiB kept for the kernel", (unsigned long)(total_frames >> 8),
		 (unsigned long)(pool.free >> 8), (unsigned long)(reserve_frames << 2));
}

/* ---- Magazines; interrupts are off ---- */

static bool magazine_fill(struct frame_magazine *magazine, unsigned flags)
{
	uint32_t batch[MAGAZINE_BATCH];
	size_t want = MAGAZINE_BATCH, count;

	spin_lock(&pool_lock);
	if (!(flags & FRAME_KERNEL))
		want = pool.free > reserve_frames ? MIN(want, pool.free - reserve_frames) : 0;
	count = frame_bitmap_take(&pool, batch, want);
	size_t left = pool.free;
	spin_unlock(&pool_lock);

	while (count)
		magazine->frames[magazine->count++] = &frame_records[batch[--count]];
	if (left < 2 * reserve_frames)
		reclaim_request();
	return magazine->count != 0;
}

static __attribute__((noinline)) void magazine_drain(struct frame_magazine *magazine)
{
	spin_lock(&pool_lock);
	for (size_t i = 0; i < MAGAZINE_BATCH; i++)
		frame_bitmap_give(&pool, magazine->frames[--magazine->count] - frame_records);
	spin_unlock(&pool_lock);
}

static void magazine_push(struct frame_magazine *magazine, struct frame *frame)
{
	if (KERNEL_CHECKS)
		shadow_forbid(frame_virt(frame), PAGE_SIZE, SHADOW_FREE_FRAME);
	if (unlikely(magazine->count == FRAME_MAGAZINE_SIZE))
		magazine_drain(magazine);
	magazine->frames[magazine->count++] = frame;
}

/* ---- Allocation ---- */

static inline struct frame *take_and_prepare(struct frame_magazine *magazine, unsigned flags, uint64_t irq)
{
	struct frame *frame = magazine->frames[--magazine->count];

	if (KERNEL_CHECKS)
		shadow_allow(frame_virt(frame), PAGE_SIZE);
	if (flags & FRAME_ZERO)
		page_clear(frame_virt(frame));
	interrupts_restore(irq);
	frame->refs = 1;
	frame->flags = 0;
	frame->private = 0;
	return frame;
}

static __attribute__((noinline)) struct frame *alloc_slow(struct frame_magazine *magazine, unsigned flags, uint64_t irq)
{
	if (magazine_fill(magazine, flags))
		return take_and_prepare(magazine, flags, irq);
	interrupts_restore(irq);
	return NULL;
}

struct frame *frame_alloc(unsigned flags)
{
	uint64_t irq = interrupts_save();
	struct frame_magazine *magazine = &this_cpu()->magazine;

	if (unlikely(!magazine->count))
		return alloc_slow(magazine, flags, irq);
	return take_and_prepare(magazine, flags, irq);
}

void frame_release_many(struct frame **frames, size_t count)
{
	uint64_t irq = interrupts_save();
	struct frame_magazine *magazine = &this_cpu()->magazine;

	for (size_t i = 0; i < count; i++)
		if (likely(!(frames[i]->flags & FRAME_RESERVED)))
			magazine_push(magazine, frames[i]);
	interrupts_restore(irq);
}

/* Gives this CPU's magazine back, so that a run of neighbours can be found. */
static void magazine_flush(void)
{
	struct frame_magazine *magazine = &this_cpu()->magazine;

	spin_lock(&pool_lock);
	while (magazine->count)
		frame_bitmap_give(&pool, magazine->frames[--magazine->count] - frame_records);
	spin_unlock(&pool_lock);
}

struct frame *frame_alloc_contiguous(size_t count, size_t align, unsigned flags)
{
	size_t first = FRAME_NONE;

	KASSERT(count && align && !(align & (align - 1)));
	for (unsigned attempt = 0; attempt < 2 && first == FRAME_NONE; attempt++) {
		uint64_t irq = spin_lock_irq(&pool_lock);

		if ((flags & FRAME_KERNEL) || pool.free >= reserve_frames + count)
			first = frame_bitmap_take_range(&pool, count, align);
		spin_unlock_irq(&pool_lock, irq);
		if (first == FRAME_NONE && !attempt) {
			irq = interrupts_save();
			magazine_flush();
			interrupts_restore(irq);
		}
	}
	if (first == FRAME_NONE)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		struct frame *frame = &frame_records[first + i];

		*frame = (struct frame){ .refs = 1 };
		if (KERNEL_CHECKS)
			shadow_allow(frame_virt(frame), PAGE_SIZE);
		if (!(flags & FRAME_ZERO))
			continue;
		uint64_t irq = interrupts_save();

		page_clear(frame_virt(frame));
		interrupts_restore(irq);
	}
	return &frame_records[first];
}

void frame_free_contiguous(struct frame *first, size_t count)
{
	uint64_t irq = spin_lock_irq(&pool_lock);

	for (size_t i = 0; i < count; i++) {
		KASSERT(first[i].refs == 1 && !(first[i].flags & FRAME_RESERVED));
		first[i].refs = 0;
	}
	if (KERNEL_CHECKS)
		shadow_forbid(frame_virt(first), count << PAGE_SHIFT, SHADOW_FREE_FRAME);
	frame_bitmap_give_range(&pool, first - frame_records, count);
	spin_unlock_irq(&pool_lock, irq);
}

void frame_put(struct frame *frame)
{
	KASSERT(atomic_load_relaxed(&frame->refs));
	if (frame_unref(frame))
		frame_release_many(&frame, 1);
}

/* ---- Addresses and figures ---- */

paddr_t frame_to_phys(const struct frame *frame)
{
	return frame_phys(frame);
}

struct frame *phys_to_frame(paddr_t phys)
{
	size_t index = phys >> PAGE_SHIFT;

	if (index >= frame_record_count || (frame_records[index].flags & FRAME_NOT_RAM))
		return NULL;
	return &frame_records[index];
}

void *frame_to_virt(const struct frame *frame)
{
	return frame_virt(frame);
}

struct frame *virt_to_frame(const void *virt)
{
	return phys_to_frame(virt_to_phys(virt));
}

size_t frame_total(void)
{
	return total_frames;
}

bool frame_plenty(void)
{
	return atomic_load_relaxed(&pool.free) > total_frames / 4;
}

size_t frame_free(void)
{
	size_t count = atomic_load_relaxed(&pool.free);

	for (unsigned i = 0; i < CPU_MAX; i++)
		if (cpus[i])
			count += atomic_load_relaxed(&cpus[i]->magazine.count);
	return count;
}

size_t frame_reserve(void)
{
	return reserve_frames;
}
