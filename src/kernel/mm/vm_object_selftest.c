/* SPDX-License-Identifier: MIT */
/* Kernel self-tests of how VM objects get their pages: runs, failures, what happens meanwhile, and the end of those who wait. */
#include "mm/address_space.h"
#include "mm/heap.h"
#include "mm/vm_object_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "test/selftest.h"
#include "test/selftest_threads.h"

#include <asm/signal.h>
#include <linux/mman.h>

enum { PAGES = 100, BAD_PAGE = 77 };

/* One object at a time, and what its owner was asked. */
static struct {
	struct vm_object object;
	unsigned wanted;			/* what window() says */
	uint64_t first;				/* of the last run */
	unsigned count, calls, released;
	uint32_t held;				/* atomic: fills wait while it is set */
	uint32_t filling;			/* atomic: in there */
	struct address_space *as;		/* must not be locked; NULL: none */
	uint64_t unmap_at;			/* fill unmaps this page of it; 0: none */
	struct thread *reader;
	int result;
} owner;

static struct selftest_group group;

static int fill_run(struct vm_object *object, uint64_t first, struct frame **frames, unsigned count)
{
	owner.first = first;
	owner.count = count;
	owner.calls++;
	SELFTEST_CHECK(!mutex_held(&object->lock) && count >= 1 && count <= VM_OBJECT_RUN_MAX);
	if (owner.as) {
		SELFTEST_CHECK(!owner.as->lock.state);
		if (owner.unmap_at && !owner.as->lock.state)
			SELFTEST_CHECK(!address_space_unmap(owner.as, owner.unmap_at, PAGE_SIZE));
	}
	atomic_add(&owner.filling, 1);
	while (atomic_load(&owner.held))
		sched_yield();
	atomic_sub(&owner.filling, 1);
	for (unsigned i = 0; i < count; i++) {
		if (first + i == BAD_PAGE)
			return -EIO;
		SELFTEST_CHECK(frames[i]->flags & FRAME_BUSY);
		for (unsigned word = 0; word < PAGE_SIZE / sizeof(uint64_t); word++)
			((uint64_t *)frame_virt(frames[i]))[word] = first + i;
	}
	return 0;
}

static unsigned window(struct vm_object *object, uint64_t index)
{
	SELFTEST_CHECK(mutex_held(&object->lock));
	return owner.wanted;
}

static void released(struct vm_object *object)
{
	owner.released++;
}

static const struct vm_object_ops run_ops = { .fill_pages = fill_run, .window = window, .release = released };

static struct vm_object *begin(unsigned wanted)
{
	memset(&owner, 0, sizeof(owner));
	owner.wanted = wanted;
	vm_object_init(&owner.object, &run_ops, PAGES * PAGE_SIZE - 5);
	selftest_group_init(&group);
	return &owner.object;
}

static void end(void)
{
	vm_object_put(&owner.object);
	SELFTEST_CHECK(owner.released == 1 && !owner.object.page_count);
}

/* Gets page @index: 0 or an error. */
static int get(uint64_t index)
{
	struct frame *frame;
	int error = vm_object_get_page(&owner.object, index, false, &frame);

	if (error)
		return error;
	SELFTEST_CHECK(*(uint64_t *)frame_virt(frame) == index && !(frame->flags & FRAME_BUSY));
	frame_put(frame);
	return 0;
}

static bool last_run_was(uint64_t first, unsigned count, unsigned calls)
{
	return owner.first == first && owner.count == count && owner.calls == calls;
}

SELFTEST(object_pages_come_in_runs)
{
	begin(8);
	SELFTEST_CHECK(!get(3) && last_run_was(3, 8, 1) && owner.object.page_count == 8);
	SELFTEST_CHECK(!get(10) && owner.calls == 1);
	/* Up to what is there already, and to the end. */
	SELFTEST_CHECK(!get(0) && last_run_was(0, 3, 2));
	SELFTEST_CHECK(!get(PAGES - 2) && last_run_was(PAGES - 2, 2, 3));
	SELFTEST_CHECK(get(PAGES) == -ENXIO && owner.calls == 3);
	/* A page that fails fails alone, with each run that reaches it asked for once. */
	SELFTEST_CHECK(!get(BAD_PAGE - 2) && last_run_was(BAD_PAGE - 2, 1, 5));
	SELFTEST_CHECK(get(BAD_PAGE) == -EIO && last_run_was(BAD_PAGE, 1, 7));
	SELFTEST_CHECK(!vm_object_find_page(&owner.object, BAD_PAGE) && !vm_object_find_page(&owner.object, BAD_PAGE - 1));
	/* Windows that make no sense. */
	owner.wanted = 0;
	SELFTEST_CHECK(!get(20) && last_run_was(20, 1, 8));
	owner.wanted = -1u;
	SELFTEST_CHECK(!get(21) && last_run_was(21, VM_OBJECT_RUN_MAX, 9));
	end();
}

static void read_page(void *index)
{
	owner.reader = current_thread();
	owner.result = get((uintptr_t)index);
	atomic_and(&current_thread()->user.work, ~(uint32_t)THREAD_WORK_EXIT);
}

/* Starts a thread that fills page @index and is held in there. */
static void hold_filler(uintptr_t index)
{
	atomic_store(&owner.held, 1);
	selftest_start(&group, CLASS_NORMAL, read_page, (void *)index);
	while (!atomic_load(&owner.filling))
		sched_yield();
}

SELFTEST(truncation_does_not_wait_for_fillers)
{
	struct vm_object *object = begin(4);
	struct frame *frame;

	hold_filler(50);
	vm_object_truncate(object, 52 * PAGE_SIZE - 10);
	/* What lies behind the new end is gone, and so is the page that the end is in. */
	SELFTEST_CHECK(object->page_count == 1);
	vm_object_truncate(object, 10 * PAGE_SIZE);
	SELFTEST_CHECK(!object->page_count);
	vm_object_truncate(object, PAGES * PAGE_SIZE);
	atomic_store(&owner.held, 0);
	selftest_join(&group);
	/* The filler found its page gone, and made it again. */
	SELFTEST_CHECK(!owner.result && owner.calls == 2 && object->page_count == 4);
	/* One that fails does not take the page that came after it. */
	hold_filler(BAD_PAGE);
	vm_object_truncate(object, BAD_PAGE * PAGE_SIZE);
	vm_object_truncate(object, PAGES * PAGE_SIZE);
	SELFTEST_CHECK(!vm_object_take_page(object, BAD_PAGE + 40, true, true, &frame) && object->page_count == 5);
	frame_put(frame);
	atomic_store(&owner.held, 0);
	selftest_join(&group);
	SELFTEST_CHECK(owner.result == -EIO && object->page_count == 5);
	end();
}

SELFTEST(waiters_for_a_page_can_be_killed)
{
	struct vm_object *object = begin(4);
	struct thread *filler;

	hold_filler(50);
	filler = owner.reader;
	selftest_start(&group, CLASS_NORMAL, read_page, (void *)51);
	while (atomic_load_relaxed(&owner.reader) == filler || list_empty(&object->busy.waiters))
		sched_yield();
	atomic_or(&owner.reader->user.work, THREAD_WORK_EXIT);
	thread_interrupt(owner.reader, true);
	while (!atomic_load_relaxed(&owner.result))
		sched_yield();
	SELFTEST_CHECK(owner.result == -EINTR && atomic_load(&owner.filling));
	atomic_store(&owner.held, 0);
	selftest_join(&group);
	SELFTEST_CHECK(!owner.result && object->page_count == 4);
	end();
}

/* A space that maps the object's first pages shared. */
static struct address_space *map_object(uint64_t *at)
{
	struct address_space *as = address_space_create();
	const unsigned all = PROT_READ | PROT_WRITE;

	*at = address_space_map(as, 0, PAGES * PAGE_SIZE, all, all, MAP_SHARED, &owner.object, 0);
	SELFTEST_CHECK((int64_t)*at > 0);
	return as;
}

SELFTEST(faults_fill_pages_without_the_space_locked)
{
	struct address_space *as;
	uint64_t at, word = 0;

	begin(1);
	as = owner.as = map_object(&at);
	SELFTEST_CHECK(address_space_access(as, at + 5 * PAGE_SIZE, &word, sizeof(word), false) && word == 5 && owner.calls == 1);
	SELFTEST_CHECK(address_space_fault(as, at + BAD_PAGE * PAGE_SIZE, FAULT_READ, true).signal == SIGBUS);
	/* The mapping goes while its page is being filled. */
	owner.unmap_at = at + 6 * PAGE_SIZE;
	SELFTEST_CHECK(address_space_fault(as, owner.unmap_at, FAULT_WRITE, true).signal == SIGSEGV && owner.first == 6);
	address_space_put(as);
	end();
}

static void fault_page(void *addr)
{
	owner.reader = current_thread();
	owner.result = address_space_fault(owner.as, (uintptr_t)addr, FAULT_READ, false).signal;
	atomic_and(&current_thread()->user.work, ~(uint32_t)THREAD_WORK_EXIT);
}

SELFTEST(faults_end_when_the_thread_is_killed)
{
	struct vm_object *object = begin(4);
	struct thread *filler;
	uint64_t at;

	owner.as = map_object(&at);
	hold_filler(50);
	filler = owner.reader;
	selftest_start(&group, CLASS_NORMAL, fault_page, (void *)(at + 51 * PAGE_SIZE));
	while (atomic_load_relaxed(&owner.reader) == filler || list_empty(&object->busy.waiters))
		sched_yield();
	atomic_or(&owner.reader->user.work, THREAD_WORK_EXIT);
	thread_interrupt(owner.reader, true);
	while (!atomic_load_relaxed(&owner.result))
		sched_yield();
	SELFTEST_CHECK(owner.result == SIGBUS && atomic_load(&owner.filling));
	atomic_store(&owner.held, 0);
	selftest_join(&group);
	address_space_put(owner.as);
	end();
}
