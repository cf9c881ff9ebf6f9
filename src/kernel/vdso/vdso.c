/* SPDX-License-Identifier: MIT */
/*
 * The two pages of the vDSO: data that the kernel writes and programs read, and behind it the shared object that reads it. They are one VM object,
 * which every process maps.
 */
#include "vdso/vdso.h"
#include "arch/x86_64/clock_hw.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/vdso_cpu.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/frame_records.h"
#include "mm/user_copy.h"
#include "sched/clock.h"
#include "security/random.h"
#include "vdso/data.h"
#include <linux/mman.h>

enum { DATA_PAGE, CODE_PAGE, PAGES, RANDOM_SPAN = 2 << 20 /* what one page of page tables covers: the stack's, mostly */ };

static struct vm_object *vdso_object;
static struct vdso_data *data;

static void *page(unsigned index)
{
	struct frame *frame;

	if (vm_object_get_page(vdso_object, index, true, &frame))
		panic("vdso: no memory");
	frame_put(frame);	/* the object keeps it */
	return frame_virt(frame);
}

COLD void vdso_init(void)
{
	KASSERT(vdso_image_end - vdso_image <= PAGE_SIZE);
	vdso_object = vm_object_create_anonymous(PAGES * PAGE_SIZE);
	if (!vdso_object)
		panic("vdso: no memory");
	memcpy(page(CODE_PAGE), vdso_image, vdso_image_end - vdso_image);
	if (!smp_others_wanted() && !vdso_drop_fences(page(CODE_PAGE), PAGE_SIZE))
		panic("vdso: its code reads no clock");
	data = page(DATA_PAGE);
	data->ns_per_second = NS_PER_SEC;
	clock_hw_describe(&data->tsc_base, &data->seconds_per_cycle);
	clock_set_realtime_ns(clock_realtime_ns());
}

void vdso_set_realtime_offset(uint64_t offset)
{
	int64_t seconds = (int64_t)offset / (int64_t)NS_PER_SEC, ns = (int64_t)offset % (int64_t)NS_PER_SEC;

	if (!data)
		return;
	if (ns < 0) {
		ns += NS_PER_SEC;
		seconds--;
	}
	atomic_add(&data->sequence, 1);
	__atomic_store_n(&data->realtime_seconds, seconds, __ATOMIC_RELAXED);
	__atomic_store_n(&data->realtime_ns, ns, __ATOMIC_RELAXED);
	atomic_add(&data->sequence, 1);
}

/* Somewhere between the stack and the end of what its page table covers, if there is room. */
static uint64_t choose_place(uint64_t stack_top)
{
	uint64_t start = ROUND_UP(stack_top, (uint64_t)PAGE_SIZE), end = MIN(ROUND_UP(start + 1, (uint64_t)RANDOM_SPAN), USER_END);

	if (end < start + (PAGES + 1) * PAGE_SIZE)
		end = MIN(end + RANDOM_SPAN, USER_END);
	if (end < start + (PAGES + 1) * PAGE_SIZE)
		return 0;	/* anywhere */
	return start + random_below((end - start) / PAGE_SIZE - PAGES) * PAGE_SIZE;
}

static int64_t map_pages(struct address_space *as, uint64_t at, unsigned first, unsigned count, unsigned prot, unsigned flags)
{
	return address_space_map(as, at, count * PAGE_SIZE, prot, prot, MAP_PRIVATE | VMA_VDSO | flags, vdso_object, first * PAGE_SIZE);
}

int64_t vdso_map(struct address_space *as, uint64_t stack_top)
{
	enum { CODE_PROT = PROT_READ | PROT_EXEC };
	uint64_t place = choose_place(stack_top);
	int64_t at, code = -EEXIST;

	at = place ? map_pages(as, place, DATA_PAGE, CODE_PAGE, PROT_READ, MAP_FIXED_NOREPLACE) : -EEXIST;
	if (at >= 0)
		code = map_pages(as, at + CODE_PAGE * PAGE_SIZE, CODE_PAGE, 1, CODE_PROT, MAP_FIXED_NOREPLACE);
	if (at >= 0 && code != -EEXIST)
		return code;
	/* Where the program itself lies there, anywhere: the pages are mapped together to find room. */
	at = map_pages(as, 0, DATA_PAGE, PAGES, PROT_READ, 0);
	return at < 0 ? at : map_pages(as, at + CODE_PAGE * PAGE_SIZE, CODE_PAGE, 1, CODE_PROT, MAP_FIXED);
}
