/* SPDX-License-Identifier: MIT */
/* Kernel self-tests of address spaces: they are used from outside, through address_space_access, as no process runs in them. */
#include "mm/address_space.h"
#include "mm/address_space_internal.h"
#include "mm/heap.h"
#include "mm/mm.h"
#include "mm/page_table.h"
#include "mm/reclaim.h"
#include "mm/uio.h"
#include "mm/user_copy.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "test/selftest.h"

#include <asm/signal.h>
#include <linux/mman.h>

enum { ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS, READ_WRITE = PROT_READ | PROT_WRITE, ALL = PROT_READ | PROT_WRITE | PROT_EXEC };

static uint64_t read_word(struct address_space *as, uint64_t addr)
{
	uint64_t value = 0xdead;

	SELFTEST_CHECK(address_space_access(as, addr, &value, sizeof(value), false) == sizeof(value));
	return value;
}

static bool write_word(struct address_space *as, uint64_t addr, uint64_t value)
{
	return address_space_access(as, addr, &value, sizeof(value), true) == sizeof(value);
}

static uint64_t map(struct address_space *as, uint64_t len, unsigned flags, struct vm_object *object)
{
	int64_t at = address_space_map(as, 0, len, READ_WRITE, ALL, flags, object, 0);

	SELFTEST_CHECK(at > 0);
	return at;
}

SELFTEST(anonymous_memory_is_zero_and_keeps_what_is_written)
{
	struct address_space *as = address_space_create();
	uint64_t at = map(as, 64 * PAGE_SIZE, ANONYMOUS, NULL);

	SELFTEST_CHECK(read_word(as, at + 8 * PAGE_SIZE) == 0);
	SELFTEST_CHECK(as->resident == 1);
	for (uint64_t i = 0; i < 64; i++)
		SELFTEST_CHECK(write_word(as, at + i * PAGE_SIZE, i + 1));
	for (uint64_t i = 0; i < 64; i++)
		SELFTEST_CHECK(read_word(as, at + i * PAGE_SIZE) == i + 1);
	SELFTEST_CHECK(as->resident == 64);
	SELFTEST_CHECK(!address_space_unmap(as, at + PAGE_SIZE, 62 * PAGE_SIZE));
	SELFTEST_CHECK(as->resident == 2 && as->vma_count == 2);
	SELFTEST_CHECK(!write_word(as, at + PAGE_SIZE, 1));
	SELFTEST_CHECK(!address_space_unmap(as, at, 64 * PAGE_SIZE));
	SELFTEST_CHECK(as->resident == 0 && as->vma_count == 0 && as->table_pages == 0);
	address_space_put(as);
}

SELFTEST(neighbours_merge_and_split)
{
	struct address_space *as = address_space_create();
	uint64_t at = map(as, 8 * PAGE_SIZE, ANONYMOUS, NULL);
	uint64_t below = map(as, 8 * PAGE_SIZE, ANONYMOUS, NULL);

	SELFTEST_CHECK(below + 8 * PAGE_SIZE == at && as->vma_count == 1);
	SELFTEST_CHECK(!address_space_protect(as, at, PAGE_SIZE, PROT_READ));
	SELFTEST_CHECK(as->vma_count == 3);
	SELFTEST_CHECK(!write_word(as, at, 1) && write_word(as, at + PAGE_SIZE, 1));
	SELFTEST_CHECK(!address_space_protect(as, at, PAGE_SIZE, READ_WRITE));
	SELFTEST_CHECK(as->vma_count == 1 && write_word(as, at, 1));
	SELFTEST_CHECK(address_space_protect(as, at, 9 * PAGE_SIZE, PROT_READ) == -ENOMEM);
	SELFTEST_CHECK(address_space_map(as, at, PAGE_SIZE, PROT_READ, ALL, ANONYMOUS | MAP_FIXED_NOREPLACE, NULL, 0) == -EEXIST);
	SELFTEST_CHECK(address_space_map(as, at, PAGE_SIZE, PROT_READ, ALL, ANONYMOUS | MAP_FIXED, NULL, 0) == (int64_t)at);
	SELFTEST_CHECK(read_word(as, at) == 0);
	address_space_put(as);
}

SELFTEST(no_access_mapping_keeps_its_pages)
{
	struct address_space *as = address_space_create();
	uint64_t at = map(as, PAGE_SIZE, ANONYMOUS, NULL);

	write_word(as, at, 77);
	SELFTEST_CHECK(!address_space_protect(as, at, PAGE_SIZE, PROT_NONE));
	SELFTEST_CHECK(address_space_fault(as, at, FAULT_READ, true).signal == SIGSEGV);
	struct address_space *child = address_space_fork(as);

	SELFTEST_CHECK(!address_space_protect(as, at, PAGE_SIZE, READ_WRITE));
	SELFTEST_CHECK(!address_space_protect(child, at, PAGE_SIZE, READ_WRITE));
	SELFTEST_CHECK(read_word(as, at) == 77 && write_word(as, at, 78) && read_word(child, at) == 77);
	address_space_put(child);
	address_space_put(as);
}

SELFTEST(fork_copies_on_write)
{
	struct memory_stats before, after;
	struct address_space *parent = address_space_create();
	uint64_t at = map(parent, 300 * PAGE_SIZE, ANONYMOUS, NULL);

	memory_get_stats(&before);
	for (uint64_t i = 0; i < 300; i++)
		write_word(parent, at + i * PAGE_SIZE, i);
	struct address_space *child = address_space_fork(parent);

	memory_get_stats(&after);
	SELFTEST_CHECK(child && child->resident == 300 && after.anonymous == before.anonymous + 300);
	for (uint64_t i = 0; i < 300; i += 2)
		SELFTEST_CHECK(write_word(i & 2 ? parent : child, at + i * PAGE_SIZE, 1000 + i));
	for (uint64_t i = 0; i < 300; i++) {
		bool by_parent = i % 4 == 2, by_child = i % 4 == 0;

		SELFTEST_CHECK(read_word(parent, at + i * PAGE_SIZE) == (by_parent ? 1000 + i : i));
		SELFTEST_CHECK(read_word(child, at + i * PAGE_SIZE) == (by_child ? 1000 + i : i));
	}
	memory_get_stats(&after);
	SELFTEST_CHECK(after.anonymous == before.anonymous + 450);
	address_space_put(parent);
	SELFTEST_CHECK(write_word(child, at + PAGE_SIZE, 5) && read_word(child, at + PAGE_SIZE) == 5);
	address_space_put(child);
	memory_get_stats(&after);
	SELFTEST_CHECK(after.anonymous == before.anonymous);
}

SELFTEST(shared_memory_is_shared_across_fork)
{
	struct address_space *parent = address_space_create();
	struct vm_object *object = vm_object_create_anonymous(20 * PAGE_SIZE);
	uint64_t at = map(parent, 20 * PAGE_SIZE, MAP_SHARED, object);

	vm_object_put(object);
	write_word(parent, at, 1);
	struct address_space *child = address_space_fork(parent);

	SELFTEST_CHECK(read_word(child, at) == 1);
	write_word(child, at + 3 * PAGE_SIZE, 2);
	SELFTEST_CHECK(read_word(parent, at + 3 * PAGE_SIZE) == 2);
	address_space_put(parent);
	SELFTEST_CHECK(read_word(child, at + 3 * PAGE_SIZE) == 2);
	address_space_put(child);
}

/* An object whose page N holds N in every word; counts its fills. */
static unsigned fills;

static int fill_with_index(struct vm_object *object, uint64_t index, void *page)
{
	uint64_t *words = page;

	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*words); i++)
		words[i] = index;
	fills++;
	return index == 99 ? -EIO : 0;
}

static void free_object(struct vm_object *object)
{
	kfree(object);
}

static const struct vm_object_ops indexed_ops = { .fill = fill_with_index, .release = free_object };

static struct vm_object *indexed_object(uint64_t pages)
{
	struct vm_object *object = kmalloc(sizeof(*object));

	vm_object_init(object, &indexed_ops, pages * PAGE_SIZE);
	return object;
}

SELFTEST(file_pages_are_filled_once_and_private_writes_stay_private)
{
	struct address_space *as = address_space_create();
	struct vm_object *object = indexed_object(100);
	uint64_t shared = map(as, 100 * PAGE_SIZE, MAP_SHARED, object), private = map(as, 100 * PAGE_SIZE, MAP_PRIVATE, object);

	fills = 0;
	for (uint64_t i = 0; i < 50; i++)
		SELFTEST_CHECK(read_word(as, shared + i * PAGE_SIZE) == i && read_word(as, private + i * PAGE_SIZE) == i);
	SELFTEST_CHECK(fills == 50);
	write_word(as, private + 7 * PAGE_SIZE, 70);
	SELFTEST_CHECK(read_word(as, shared + 7 * PAGE_SIZE) == 7 && read_word(as, private + 7 * PAGE_SIZE) == 70);
	write_word(as, shared + 8 * PAGE_SIZE, 80);
	SELFTEST_CHECK(read_word(as, private + 8 * PAGE_SIZE) == 80);
	SELFTEST_CHECK(address_space_fault(as, shared + 99 * PAGE_SIZE, FAULT_READ, true).signal == SIGBUS);
	struct address_space *child = address_space_fork(as);

	SELFTEST_CHECK(read_word(child, private + 7 * PAGE_SIZE) == 70 && read_word(child, private + 9 * PAGE_SIZE) == 9);
	address_space_put(child);
	vm_object_put(object);
	address_space_put(as);
}

/* ---- Neighbours of a page that is faulted in ---- */

enum { NEIGHBOUR_BASE = 1 << 30, MAPPED_FROM = 3, OBJECT_FROM = 10, OBJECT_PAGES = 90 };

/* An object whose pages are all there already, mapped so that page MAPPED_FROM behind NEIGHBOUR_BASE shows the object's OBJECT_FROM. */
static struct address_space *map_ready(struct vm_object *object, unsigned end)
{
	struct address_space *as = address_space_create();
	uint64_t start = NEIGHBOUR_BASE + MAPPED_FROM * PAGE_SIZE, len = (end - MAPPED_FROM) * PAGE_SIZE;
	struct frame *frame;

	for (unsigned i = 0; i < OBJECT_PAGES; i++) {
		SELFTEST_CHECK(!vm_object_get_page(object, i, false, &frame));
		frame_put(frame);
	}
	SELFTEST_CHECK(address_space_map(as, start, len, READ_WRITE, ALL, MAP_SHARED | MAP_FIXED, object, OBJECT_FROM * PAGE_SIZE) > 0);
	return as;
}

static bool fault_in(struct address_space *as, unsigned page, enum fault_access access)
{
	return !address_space_fault(as, NEIGHBOUR_BASE + page * PAGE_SIZE, access, true).signal;
}

/* The entry of @page without a fault; 0: there is none. */
static uint64_t entry_of(struct address_space *as, unsigned page)
{
	spin_lock(&as->table_lock);
	uint64_t *pte = page_table_peek_locked(as, NEIGHBOUR_BASE + page * PAGE_SIZE), entry = pte ? *pte : 0;

	spin_unlock(&as->table_lock);
	return entry;
}

/* Are the pages from MAPPED_FROM to before @end mapped, each as what it is, and no others? */
static bool shows_only(struct address_space *as, unsigned end)
{
	bool right = as->resident == end - MAPPED_FROM;

	for (unsigned i = 0; i < 2 * OBJECT_PAGES; i++) {
		uint64_t entry = entry_of(as, i);
		const uint64_t *words = entry ? frame_virt(frame_of_phys(entry & PTE_ADDRESS)) : NULL;

		right &= i < MAPPED_FROM || i >= end ? !words : words && *words == i - MAPPED_FROM + OBJECT_FROM;
	}
	return right;
}

SELFTEST(neighbours_are_mapped_within_mapping_and_object)
{
	enum { OBJECT_END = MAPPED_FROM + OBJECT_PAGES - OBJECT_FROM };
	static const struct { unsigned mapped_end, shown_end; } ends[] = { { 20, 20 }, { 100, OBJECT_END } };
	struct vm_object *object = indexed_object(OBJECT_PAGES);

	for (unsigned i = 0; i < ARRAY_LEN(ends); i++) {
		struct address_space *as = map_ready(object, ends[i].mapped_end);

		SELFTEST_CHECK(fault_in(as, 5, FAULT_READ) && shows_only(as, 16));
		SELFTEST_CHECK(fault_in(as, 17, FAULT_READ) && shows_only(as, ends[i].shown_end));
		address_space_put(as);
	}
	vm_object_put(object);
}

SELFTEST(neighbours_of_a_page_written_to_stay_clean)
{
	struct vm_object *object = indexed_object(OBJECT_PAGES);
	struct address_space *as = map_ready(object, 20);

	SELFTEST_CHECK(fault_in(as, 5, FAULT_WRITE) && shows_only(as, 16));
	for (unsigned i = MAPPED_FROM; i < 16; i++)
		SELFTEST_CHECK(!(entry_of(as, i) & PTE_WRITE) == (i != 5));
	address_space_put(as);
	vm_object_put(object);
}

SELFTEST(truncation_takes_pages_away)
{
	struct address_space *as = address_space_create();
	struct vm_object *object = indexed_object(60);
	uint64_t at = map(as, 60 * PAGE_SIZE, MAP_SHARED, object);

	for (uint64_t i = 0; i < 60; i++)
		read_word(as, at + i * PAGE_SIZE);
	vm_object_truncate(object, 20 * PAGE_SIZE + 8);
	SELFTEST_CHECK(object->page_count == 21);
	SELFTEST_CHECK(read_word(as, at + 19 * PAGE_SIZE) == 19 && read_word(as, at + 20 * PAGE_SIZE) == 20);
	SELFTEST_CHECK(read_word(as, at + 20 * PAGE_SIZE + 8) == 0);
	SELFTEST_CHECK(address_space_fault(as, at + 21 * PAGE_SIZE, FAULT_READ, true).signal == SIGBUS);
	vm_object_grow(object, 30 * PAGE_SIZE);
	SELFTEST_CHECK(read_word(as, at + 25 * PAGE_SIZE) == 25);
	address_space_put(as);
	vm_object_put(object);
}

SELFTEST(reclaim_drops_clean_pages_only)
{
	struct address_space *as = address_space_create();
	struct vm_object *object = indexed_object(64);
	uint64_t at = map(as, 64 * PAGE_SIZE, MAP_SHARED, object), private = map(as, 64 * PAGE_SIZE, MAP_PRIVATE, object);

	for (uint64_t i = 0; i < 64; i++)
		read_word(as, at + i * PAGE_SIZE);
	write_word(as, at + 3 * PAGE_SIZE, 33);
	write_word(as, private + 5 * PAGE_SIZE, 55);
	fills = 0;
	/* drop_caches keeps what is mapped; whoever needs memory does not. */
	vm_object_shrink_all(SIZE_MAX);
	SELFTEST_CHECK(object->page_count == 64);
	SELFTEST_CHECK(vm_object_shrink_all(SIZE_MAX / 4) >= 63);
	SELFTEST_CHECK(object->page_count == 1);
	SELFTEST_CHECK(read_word(as, private + 5 * PAGE_SIZE) == 55 && read_word(as, at + 3 * PAGE_SIZE) == 33);
	SELFTEST_CHECK(fills == 0);
	SELFTEST_CHECK(read_word(as, at + 5 * PAGE_SIZE) == 5 && fills == 1);
	vm_object_put(object);
	address_space_put(as);
}

SELFTEST(objects_read_and_write)
{
	struct vm_object *object = vm_object_create_anonymous(0);
	struct uio_segment segment;
	struct uio uio;
	char *buf = kmalloc(3 * PAGE_SIZE);

	for (unsigned i = 0; i < 3 * PAGE_SIZE; i++)
		buf[i] = i * 7;
	uio_init_kernel(&uio, &segment, buf, 3 * PAGE_SIZE);
	SELFTEST_CHECK(vm_object_write(object, 100, &uio) == 3 * PAGE_SIZE);
	vm_object_grow(object, 100 + 3 * PAGE_SIZE);
	memset(buf, 0, 3 * PAGE_SIZE);
	uio_init_kernel(&uio, &segment, buf, 3 * PAGE_SIZE);
	SELFTEST_CHECK(vm_object_read(object, 200, &uio) == 3 * PAGE_SIZE - 100);
	for (unsigned i = 0; i < 3 * PAGE_SIZE - 100; i++)
		if (buf[i] != (char)((i + 100) * 7)) {
			SELFTEST_CHECK(!"contents read back");
			break;
		}
	kfree(buf);
	vm_object_put(object);
}

SELFTEST(stacks_grow_to_their_limit)
{
	struct address_space *as = address_space_create();
	uint64_t top = 0x7f0000000000ull, limit = 1 << 20;

	as->stack_limit = limit;
	address_space_map(as, top - PAGE_SIZE, PAGE_SIZE, READ_WRITE, ALL, ANONYMOUS | MAP_FIXED | VMA_STACK | VMA_GROWS_DOWN, NULL, 0);
	SELFTEST_CHECK(write_word(as, top - 5 * PAGE_SIZE, 1));
	SELFTEST_CHECK(write_word(as, top - limit, 1));
	SELFTEST_CHECK(!write_word(as, top - limit - PAGE_SIZE, 1));
	SELFTEST_CHECK(as->vma_count == 1);
	address_space_put(as);
}

SELFTEST(user_copies_report_bad_addresses)
{
	char buf[32] = { 0 };
	uint32_t found;
	uint64_t word;

	SELFTEST_CHECK(copy_from_user(buf, 0x1000, sizeof(buf)) == -EFAULT);
	SELFTEST_CHECK(copy_to_user(0x1001, buf, 7) == -EFAULT);
	SELFTEST_CHECK(copy_from_user(buf, USER_END - 8, 16) == -EFAULT);
	SELFTEST_CHECK(copy_from_user(buf, DIRECT_MAP_BASE, 8) == -EFAULT);
	SELFTEST_CHECK(copy_from_user(buf, ~0ull - 3, 8) == -EFAULT);
	SELFTEST_CHECK(clear_user(0x2000, 100) == -EFAULT);
	SELFTEST_CHECK(get_user_u64(&word, 0x3000) == -EFAULT && get_user_u64(&word, 1ull << 63) == -EFAULT);
	SELFTEST_CHECK(put_user_u32(0x3000, 1) == -EFAULT);
	SELFTEST_CHECK(user_compare_exchange_u32(0x3000, 0, 1, &found) == -EFAULT);
	SELFTEST_CHECK(copy_string_from_user(buf, 0x3003, sizeof(buf)) == -EFAULT);
	SELFTEST_CHECK(copy_string_from_user(buf, DIRECT_MAP_BASE, sizeof(buf)) == -EFAULT);
	SELFTEST_CHECK(copy_from_user(buf, 0x1000, 0) == 0);
}

/* Strings of each length at each alignment, ending right before memory that is not mapped. */
static void check_strings(uint64_t page_end)
{
	char text[40], copy[40];

	for (size_t len = 0; len < sizeof(text); len++) {
		memset(text, 'x', len);
		SELFTEST_CHECK(!copy_to_user(page_end - len - 1, text, len) && !clear_user(page_end - 1, 1));
		SELFTEST_CHECK(copy_string_from_user(copy, page_end - len - 1, len + 1) == (ssize_t)len);
		SELFTEST_CHECK(!memcmp(copy, text, len) && !copy[len]);
		SELFTEST_CHECK(copy_string_from_user(copy, page_end - len - 1, len) == -ENAMETOOLONG);
		SELFTEST_CHECK(!copy_to_user(page_end - 1, "x", 1));
		SELFTEST_CHECK(copy_string_from_user(copy, page_end - len - 1, sizeof(copy)) == (len == sizeof(copy) - 1 ? -ENAMETOOLONG
															: -EFAULT));
		SELFTEST_CHECK(copy_from_user_partial(copy, page_end - len, len + 1) == 1);
		SELFTEST_CHECK(copy_to_user_partial(page_end - len, text, len + 1) == 1);
	}
}

SELFTEST(user_copies_are_exact_at_the_end_of_memory)
{
	struct address_space *as = address_space_create();
	uint64_t at = map(as, PAGE_SIZE, ANONYMOUS, NULL);
	uint32_t found = 0, value = 0;

	write_word(as, at, 5);
	/* As long as nothing switches threads, this thread can borrow the tables; the pages it touches are present. */
	preempt_disable();
	address_space_switch(as);
	SELFTEST_CHECK(!user_compare_exchange_u32(at, 5, 6, &found) && found == 5);
	SELFTEST_CHECK(!user_compare_exchange_u32(at, 5, 7, &found) && found == 6);
	SELFTEST_CHECK(!get_user_u32(&value, at) && value == 6);
	check_strings(at + PAGE_SIZE);
	address_space_switch(NULL);
	preempt_enable();
	address_space_put(as);
}

SELFTEST(pages_move_between_ranges)
{
	struct address_space *as = address_space_create();
	uint64_t from = map(as, 600 * PAGE_SIZE, ANONYMOUS, NULL), to = from - (4096ull << 20);

	for (uint64_t i = 0; i < 600; i += 3)
		write_word(as, from + i * PAGE_SIZE, i + 1);
	SELFTEST_CHECK(address_space_map(as, to, 600 * PAGE_SIZE, READ_WRITE, ALL, ANONYMOUS | MAP_FIXED, NULL, 0) == (int64_t)to);
	rwlock_write_lock(&as->lock);
	SELFTEST_CHECK(!page_table_move(as, from, to, 600 * PAGE_SIZE));
	rwlock_write_unlock(&as->lock);
	for (uint64_t i = 0; i < 600; i++)
		SELFTEST_CHECK(read_word(as, to + i * PAGE_SIZE) == (i % 3 ? 0 : i + 1) && read_word(as, from + i * PAGE_SIZE) == 0);
	address_space_put(as);
}
