/* SPDX-License-Identifier: MIT */
/* Kernel self-tests of write-back: what is dirty, what waits, and that no change is ever missed, however it is made. */
#include "mm/address_space.h"
#include "mm/mm.h"
#include "mm/page_table.h"
#include "mm/reclaim.h"
#include "mm/uio.h"
#include "mm/user_copy.h"
#include "mm/vm_object_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "test/selftest.h"
#include "test/selftest_threads.h"

#include <asm/signal.h>
#include <linux/mman.h>

enum { PAGES = 24, WORDS = PAGE_SIZE / sizeof(uint64_t), NO_SPACE_PAGE = 20, READ_WRITE = PROT_READ | PROT_WRITE };

/* The owner of one object at a time, and its disk. */
static struct {
	struct vm_object object;
	uint64_t disk[PAGES][WORDS];
	uint64_t prepared_first, prepared_count;
	unsigned prepares;
	uint32_t dirtied;			/* atomic */
	struct memory_stats before;
	void (*meddler)(void *);		/* starts when a page gets dirty; NULL: nobody */
} owner;

static struct selftest_group group;

static int fill(struct vm_object *object, uint64_t first, struct frame **frames, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		memcpy(frame_virt(frames[i]), owner.disk[first + i], PAGE_SIZE);
	return 0;
}

static int prepare(struct vm_object *object, uint64_t first, uint64_t count)
{
	owner.prepared_first = first;
	owner.prepared_count = count;
	owner.prepares++;
	SELFTEST_CHECK(!mutex_held(&object->lock));
	return first <= NO_SPACE_PAGE && first + count > NO_SPACE_PAGE ? -ENOSPC : 0;
}

static void dirtied(struct vm_object *object)
{
	atomic_add(&owner.dirtied, 1);
	if (owner.meddler)
		selftest_start(&group, CLASS_HIGH, owner.meddler, NULL);
}

static const struct vm_object_ops ops = { .fill_pages = fill, .prepare_write = prepare, .dirtied = dirtied };

static struct vm_object *begin(void)
{
	memset(&owner, 0, sizeof(owner));
	memory_get_stats(&owner.before);
	vm_object_init(&owner.object, &ops, PAGES * PAGE_SIZE);
	selftest_group_init(&group);
	return &owner.object;
}

/* How many pages of this object are dirty or under write-back, as the figures have it. */
static bool counted(uint64_t dirty, uint64_t write_back)
{
	struct memory_stats now;

	memory_get_stats(&now);
	return now.dirty - owner.before.dirty == dirty && now.write_back - owner.before.write_back == write_back && now.shared == owner.before.shared;
}

static void end(void)
{
	vm_object_put(&owner.object);
	SELFTEST_CHECK(counted(0, 0) && !owner.object.dirty_pages && !owner.object.write_backs);
}

static struct address_space *map_object(uint64_t *at)
{
	struct address_space *as = address_space_create();

	*at = address_space_map(as, 0, PAGES * PAGE_SIZE, READ_WRITE, READ_WRITE, MAP_SHARED, &owner.object, 0);
	SELFTEST_CHECK((int64_t)*at > 0);
	return as;
}

static uint64_t read_word(struct address_space *as, uint64_t addr)
{
	uint64_t value = 0xdead;

	SELFTEST_CHECK(address_space_access(as, addr, &value, sizeof(value), false) == sizeof(value));
	return value;
}

/*
 * Stores @count values from @value on, one after the other, as a program does: through the TLB and the page tables, faults and all. False: SIGBUS.
 */
static bool store_many(struct address_space *as, uint64_t addr, uint64_t value, unsigned count)
{
	unsigned done = 0;

	for (;;) {
		preempt_disable();
		address_space_switch(as);
		while (done < count && !put_user_u64(addr, value + done))
			done++;
		address_space_switch(NULL);
		preempt_enable();
		if (done == count)
			return true;
		if (address_space_fault(as, addr, FAULT_WRITE, true).signal)
			return false;
	}
}

static bool store(struct address_space *as, uint64_t addr, uint64_t value)
{
	return store_many(as, addr, value, 1);
}

static bool write_word(uint64_t pos, uint64_t value)
{
	struct uio_segment segment;
	struct uio uio;

	uio_init_kernel(&uio, &segment, &value, sizeof(value));
	return !vm_object_prepare_write(&owner.object, pos, sizeof(value)) && vm_object_write(&owner.object, pos, &uio) == sizeof(value);
}

/* Writes one page from @first to before @end; false if none is to be written. */
static bool write_back_one(uint64_t first, uint64_t end)
{
	static uint32_t count;		/* atomic */
	uint64_t index = first;
	struct frame *frame = vm_object_begin_write_back(&owner.object, &index, end);

	if (!frame)
		return false;
	for (unsigned word = 0; word < WORDS; word++)
		atomic_store(&owner.disk[index][word], atomic_load(&((uint64_t *)frame_virt(frame))[word]));
	if (atomic_add(&count, 1) % 8 == 0)
		sched_yield();
	vm_object_end_write_back(&owner.object, index, frame, 0);
	return true;
}

/* fsync of pages @first to before @end: what was under write-back before may be older than the last change; what is so later is not. */
static void sync_pages(uint64_t first, uint64_t end)
{
	SELFTEST_CHECK(!vm_object_wait_write_back(&owner.object, first, end));
	while (write_back_one(first, end))
		;
	SELFTEST_CHECK(!vm_object_wait_write_back(&owner.object, first, end));
}

SELFTEST(pages_are_prepared_before_they_get_dirty)
{
	struct vm_object *object = begin();
	uint64_t at, pos = NO_SPACE_PAGE * PAGE_SIZE;
	struct address_space *as = map_object(&at);
	struct frame *frame;

	SELFTEST_CHECK(read_word(as, at) == 0 && !owner.prepares && !vm_object_has_dirty(object));
	SELFTEST_CHECK(store(as, at, 1) && owner.prepares == 1 && owner.prepared_first == 0 && owner.prepared_count == 1);
	SELFTEST_CHECK(store(as, at, 2) && store(as, at + 8, 2) && write_word(16, 3) && owner.prepares == 1 && owner.dirtied == 1);
	/* One that is absent, so that the fault brings it, too. */
	SELFTEST_CHECK(store(as, at + 9 * PAGE_SIZE, 1) && owner.prepares == 2 && owner.prepared_first == 9 && owner.dirtied == 2);
	SELFTEST_CHECK(counted(2, 0) && vm_object_has_dirty(object));
	/* For a range at once, without the ends that are dirty. */
	SELFTEST_CHECK(!vm_object_prepare_write(object, 100, 9 * PAGE_SIZE) && owner.prepared_first == 1 && owner.prepared_count == 8);
	SELFTEST_CHECK(!vm_object_prepare_write(object, 100, 5) && !vm_object_prepare_write(object, pos, 0) && owner.prepares == 3);
	/* No space: no change. */
	SELFTEST_CHECK(!store(as, at + pos, 1) && !write_word(pos, 1) && read_word(as, at + pos) == 0);
	SELFTEST_CHECK(vm_object_get_page(object, NO_SPACE_PAGE, true, &frame) == -ENOSPC && counted(2, 0));
	SELFTEST_CHECK(address_space_fault(as, at + pos, FAULT_WRITE, true).signal == SIGBUS);
	address_space_put(as);
	end();
}

SELFTEST(pages_under_write_back_can_be_read_and_get_dirty_again)
{
	struct vm_object *object = begin();
	uint64_t at, index = 0, none = 0;
	struct address_space *as = map_object(&at);
	struct frame *frame;

	SELFTEST_CHECK(!address_space_populate(as, at, at + 2 * PAGE_SIZE, MADV_POPULATE_WRITE));
	SELFTEST_CHECK(store(as, at + 5 * PAGE_SIZE, 1));
	sync_pages(0, 5);
	SELFTEST_CHECK(counted(1, 0));
	SELFTEST_CHECK(!vm_object_begin_write_back(object, &none, 5));
	frame = vm_object_begin_write_back(object, &index, PAGES);
	SELFTEST_CHECK(frame && index == 5 && (frame->flags & (FRAME_DIRTY | FRAME_WRITEBACK)) == FRAME_WRITEBACK && counted(0, 1));
	SELFTEST_CHECK(read_word(as, at + 5 * PAGE_SIZE) == 1 && !vm_object_has_dirty(object));
	/* It stays where it is. */
	SELFTEST_CHECK(!vm_object_drop_clean(object, 0, PAGES) && object->page_count == 1);
	vm_object_shrink_all(SIZE_MAX / 4);
	SELFTEST_CHECK(object->page_count == 1);
	SELFTEST_CHECK(store(as, at + 5 * PAGE_SIZE, 2) && counted(1, 1) && owner.prepares == 4);
	index = 0;
	SELFTEST_CHECK(!vm_object_begin_write_back(object, &index, PAGES));
	vm_object_end_write_back(object, 5, frame, 0);
	index = 0;
	frame = vm_object_begin_write_back(object, &index, PAGES);
	SELFTEST_CHECK(frame && index == 5 && counted(0, 1));
	vm_object_end_write_back(object, 5, frame, -EIO);
	SELFTEST_CHECK(counted(1, 0) && vm_object_has_dirty(object));
	sync_pages(0, PAGES);
	SELFTEST_CHECK(owner.disk[5][0] == 2 && vm_object_drop_clean(object, 0, PAGES) && !object->page_count);
	SELFTEST_CHECK(read_word(as, at + 5 * PAGE_SIZE) == 2);
	address_space_put(as);
	end();
}

SELFTEST(what_the_kernel_changes_late_is_dirty)
{
	struct vm_object *object = begin();
	uint64_t at;
	struct address_space *as = map_object(&at);
	struct frame *frame;

	SELFTEST_CHECK(!vm_object_get_page(object, 4, true, &frame) && counted(1, 0));
	sync_pages(0, PAGES);
	vm_object_written(object, 4, frame);
	SELFTEST_CHECK(counted(1, 0));
	sync_pages(0, PAGES);
	/* Not when it is not the object's page any more. */
	vm_object_truncate(object, PAGE_SIZE);
	vm_object_written(object, 4, frame);
	SELFTEST_CHECK(counted(0, 0));
	frame_put(frame);
	vm_object_truncate(object, PAGES * PAGE_SIZE);
	frame = address_space_page(as, at + 5 * PAGE_SIZE, true);
	SELFTEST_CHECK(frame && counted(1, 0));
	sync_pages(0, PAGES);
	SELFTEST_CHECK(counted(0, 0));
	address_space_written(as, at + 5 * PAGE_SIZE, frame);
	SELFTEST_CHECK(counted(1, 0));
	frame_put(frame);
	address_space_put(as);
	end();
}

static void write_back_all(void *unused)
{
	owner.meddler = NULL;
	SELFTEST_CHECK(write_back_one(0, PAGES));
}

/* The meddler waits for the object's lock when the page has been marked, and runs before its bytes are there. */
SELFTEST(pages_written_back_during_a_write_are_dirty_after_it)
{
	struct vm_object *object = begin();
	bool dirty;

	SELFTEST_CHECK(write_word(0, 1));
	sync_pages(0, PAGES);
	owner.meddler = write_back_all;
	SELFTEST_CHECK(write_word(0, 2));
	selftest_join(&group);
	dirty = vm_object_has_dirty(object);
	SELFTEST_CHECK(dirty || owner.disk[0][0] == 2);
	sync_pages(0, PAGES);
	SELFTEST_CHECK(owner.disk[0][0] == 2);
	end();
}

SELFTEST(clean_pages_are_dropped_but_not_private_copies)
{
	struct vm_object *object = begin();
	uint64_t at, private;
	struct address_space *as = map_object(&at);
	struct frame *frame;

	private = address_space_map(as, 0, PAGES * PAGE_SIZE, READ_WRITE, READ_WRITE, MAP_PRIVATE | VMA_LOCKED, object, 0);
	SELFTEST_CHECK(store(as, private, 7) && read_word(as, private + PAGE_SIZE) == 0 && read_word(as, at + 2 * PAGE_SIZE) == 0);
	SELFTEST_CHECK(store(as, at + 3 * PAGE_SIZE, 3));
	frame = vm_object_find_page(object, 2);
	SELFTEST_CHECK(frame && !vm_object_drop_clean(object, 0, 3) && object->page_count == 2);
	frame_put(frame);
	owner.disk[1][0] = 11;
	SELFTEST_CHECK(vm_object_drop_clean(object, 0, 3) && object->page_count == 1 && !vm_object_drop_clean(object, 0, PAGES));
	SELFTEST_CHECK(read_word(as, private) == 7 && read_word(as, private + PAGE_SIZE) == 11);
	address_space_put(as);
	end();
}

/* ---- Waiting ---- */

static uint32_t truncated;	/* atomic */

static void truncate(void *unused)
{
	vm_object_truncate(&owner.object, PAGE_SIZE);
	atomic_store(&truncated, 1);
}

static void wait_for_pages(void *unused)
{
	SELFTEST_CHECK(!vm_object_wait_write_back(&owner.object, 3, 4));
	atomic_store(&truncated, 2);
}

SELFTEST(truncation_waits_for_pages_under_write_back)
{
	void (*const waiters[])(void *) = { wait_for_pages, truncate };
	struct vm_object *object = begin();

	for (unsigned i = 0; i < ARRAY_LEN(waiters); i++) {
		uint64_t index = 0;
		struct frame *frame;

		truncated = 0;
		SELFTEST_CHECK(write_word(3 * PAGE_SIZE, 1) && !vm_object_wait_write_back(object, 0, PAGES));
		frame = vm_object_begin_write_back(object, &index, PAGES);
		SELFTEST_CHECK(frame && index == 3 && !vm_object_wait_write_back(object, 4, PAGES));
		selftest_start(&group, CLASS_HIGH, waiters[i], NULL);
		while (list_empty(&object->busy.waiters) && !atomic_load(&truncated))
			sched_yield();
		SELFTEST_CHECK(!atomic_load(&truncated) && object->page_count == 1);
		vm_object_end_write_back(object, index, frame, 0);
		selftest_join(&group);
		SELFTEST_CHECK(atomic_load(&truncated) == 2 - i);
	}
	SELFTEST_CHECK(!object->page_count);
	end();
}

/* ---- Mappings that are cut and joined ---- */

static struct address_space *shaken;
static uint64_t shaken_at;

static void protect_first(void *prot)
{
	SELFTEST_CHECK(!address_space_protect(shaken, shaken_at, PAGE_SIZE, (uintptr_t)prot));
}

static unsigned waiting_for(struct mutex *mutex)
{
	unsigned count = 0;

	for (struct list *at = mutex->queue.waiters.next; at != &mutex->queue.waiters; at = at->next)
		count++;
	return count;
}

/* Write-back comes in as soon as whoever cuts or joins the mappings lets go of the object for the first time. */
SELFTEST(mappings_being_cut_and_joined_are_seen_by_write_back)
{
	const unsigned prots[] = { PROT_READ, READ_WRITE };
	struct vm_object *object = begin();

	shaken = map_object(&shaken_at);
	SELFTEST_CHECK(store(shaken, shaken_at + 5 * PAGE_SIZE, 1));
	for (unsigned i = 0; i < 2; i++) {
		mutex_lock(&object->lock);
		selftest_start(&group, CLASS_NORMAL, protect_first, (void *)(uintptr_t)prots[i]);
		while (waiting_for(&object->lock) < 1)
			sched_yield();
		selftest_start(&group, CLASS_HIGH, write_back_all, NULL);
		while (waiting_for(&object->lock) < 2)
			sched_yield();
		mutex_unlock(&object->lock);
		selftest_join(&group);
		SELFTEST_CHECK(shaken->vma_count == 2 - i && !vm_object_has_dirty(object));
		SELFTEST_CHECK(store(shaken, shaken_at + 5 * PAGE_SIZE, 2 + i) && vm_object_has_dirty(object));
	}
	address_space_put(shaken);
	end();
}

/* ---- Threads that change pages in every way while others write them back ---- */

enum { STORERS = 6, STORES = 300, STORED_FROM = 4, STORED_PAGES = 4, SEVERAL = 200 };

static struct {
	struct address_space *spaces[2];
	uint64_t at[2];
	uint32_t left;			/* atomic: storers at work */
	uint32_t lost;			/* atomic: changes that were not on the disk after a sync */
} race;

static bool change(unsigned me, uint64_t pos, uint64_t value)
{
	struct address_space *as = race.spaces[me % 2];
	uint64_t addr = race.at[me % 2] + pos;

	switch (me % 3) {
	case 0:
		return write_word(pos, value);
	case 1:
		return address_space_access(as, addr, &value, sizeof(value), true) == sizeof(value);
	default:
		return store_many(as, addr, value - (SEVERAL - 1), SEVERAL);
	}
}

/* Changes its own word of a few pages, which others change too. */
static void storer(void *arg)
{
	unsigned me = (uintptr_t)arg;

	for (uint64_t i = 1; i <= STORES; i++) {
		uint64_t page = STORED_FROM + (i * 7 + me) % STORED_PAGES, pos = page * PAGE_SIZE + me * sizeof(uint64_t);

		SELFTEST_CHECK(change(me, pos, i * SEVERAL));
		if (i % 4)
			continue;
		sync_pages(page, page + 1);
		if (atomic_load(&owner.disk[page][me]) != i * SEVERAL)
			atomic_add(&race.lost, 1);
	}
	atomic_sub(&race.left, 1);
}

static void writer(void *unused)
{
	while (atomic_load(&race.left))
		if (!write_back_one(0, PAGES))
			sched_yield();
}

/* Cuts mappings in parts, below what the storers use, and joins them again. */
static void shaker(void *unused)
{
	for (unsigned i = 0; atomic_load(&race.left); i++) {
		unsigned which = i % 2;
		uint64_t at = race.at[which] + i / 2 % STORED_FROM * PAGE_SIZE;

		SELFTEST_CHECK(!address_space_protect(race.spaces[which], at, PAGE_SIZE, PROT_READ));
		SELFTEST_CHECK(!address_space_protect(race.spaces[which], at, PAGE_SIZE, READ_WRITE));
		if (i % 64 == 0) {
			vm_object_drop_clean(&owner.object, 0, PAGES);
			vm_object_shrink_all(SIZE_MAX / 4);
		}
		sched_yield();
	}
}

static void run_race(bool shake)
{
	begin();
	race.lost = 0;
	for (unsigned i = 0; i < 2; i++)
		race.spaces[i] = map_object(&race.at[i]);
	race.left = STORERS;
	for (uintptr_t i = 0; i < STORERS; i++)
		selftest_start(&group, CLASS_NORMAL, storer, (void *)i);
	selftest_start(&group, CLASS_NORMAL, writer, NULL);
	if (shake)
		selftest_start(&group, CLASS_NORMAL, shaker, NULL);
	selftest_join(&group);
	SELFTEST_CHECK(!race.lost);
	sync_pages(0, PAGES);
	SELFTEST_CHECK(!vm_object_has_dirty(&owner.object) && counted(0, 0));
	for (uint64_t page = STORED_FROM; page < STORED_FROM + STORED_PAGES; page++) {
		struct frame *frame = page_tree_get(&owner.object.pages, page);

		/* The shaker gives back what is clean. */
		SELFTEST_CHECK(frame ? !memcmp(owner.disk[page], frame_virt(frame), PAGE_SIZE) : shake);
	}
	for (unsigned i = 0; i < 2; i++)
		address_space_put(race.spaces[i]);
	end();
}

SELFTEST(no_change_is_missed_by_write_back)
{
	run_race(false);
}

SELFTEST(no_change_is_missed_while_mappings_are_cut_and_joined)
{
	run_race(true);
}
