/* SPDX-License-Identifier: MIT */
/* Self-tests of page tables that address spaces share after fork: by hand, and random changes in several generations against a model. */
#include "mm/address_space.h"
#include "mm/address_space_internal.h"
#include "mm/heap.h"
#include "mm/mm.h"
#include "mm/page_table.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "security/random.h"
#include "test/selftest.h"

#include <linux/mman.h>

enum { READ_WRITE = PROT_READ | PROT_WRITE, ALL = PROT_READ | PROT_WRITE | PROT_EXEC, FIXED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED };

/* The test range: two tables, the first of which maps the last HEAD pages of its 2 MiB. */
enum { PAGES = 400, HEAD = 150 };
static const uint64_t base = (8ull << 30) - HEAD * PAGE_SIZE;

static bool put(struct address_space *as, unsigned page, uint32_t value)
{
	return address_space_access(as, base + page * PAGE_SIZE, &value, sizeof(value), true) == sizeof(value);
}

/* The page's word, or -1 if it cannot be read. */
static int64_t get(struct address_space *as, unsigned page)
{
	uint32_t value;

	return address_space_access(as, base + page * PAGE_SIZE, &value, sizeof(value), false) == sizeof(value) ? (int64_t)value : -1;
}

static bool map_pages(struct address_space *as, unsigned first, unsigned count)
{
	return address_space_map(as, base + first * PAGE_SIZE, count * PAGE_SIZE, READ_WRITE, ALL, FIXED, NULL, 0) > 0;
}

static struct address_space *make_filled(void)
{
	struct address_space *as = address_space_create();

	SELFTEST_CHECK(map_pages(as, 0, PAGES));
	for (unsigned i = 0; i < PAGES; i++)
		SELFTEST_CHECK(put(as, i, i));
	return as;
}

static unsigned count_wrong(struct address_space *as, unsigned first, unsigned last, uint32_t offset)
{
	unsigned wrong = 0;

	for (unsigned i = first; i <= last; i++)
		wrong += get(as, i) != (int64_t)i + offset;
	return wrong;
}

static bool stats_are_back(const struct memory_stats *before)
{
	struct memory_stats now;

	memory_get_stats(&now);
	return now.anonymous == before->anonymous && now.page_tables == before->page_tables;
}

SELFTEST(fork_shares_page_tables_until_something_changes)
{
	struct memory_stats before, shared, now;

	memory_get_stats(&before);
	struct address_space *parent = make_filled();

	memory_get_stats(&shared);
	struct address_space *child = address_space_fork(parent), *grandchild = address_space_fork(child);

	memory_get_stats(&now);
	SELFTEST_CHECK(parent->shared_tables == 2 && child->shared_tables == 2 && grandchild->shared_tables == 2);
	SELFTEST_CHECK(child->resident == PAGES && grandchild->resident == PAGES && now.anonymous == shared.anonymous);
	/* Only the tables above are new: two for each, as the range reaches into two of level 2. */
	SELFTEST_CHECK(child->table_pages == parent->table_pages);
	SELFTEST_CHECK(now.page_tables == shared.page_tables + 2 * (child->table_pages - 2));
	SELFTEST_CHECK(!count_wrong(grandchild, 0, PAGES - 1, 0) && grandchild->shared_tables == 2);

	/* A write copies one table and one page. */
	SELFTEST_CHECK(put(child, 3, 1003) && child->shared_tables == 1);
	SELFTEST_CHECK(get(parent, 3) == 3 && get(grandchild, 3) == 3 && get(child, 3) == 1003);
	memory_get_stats(&now);
	SELFTEST_CHECK(now.anonymous == shared.anonymous + 1);

	/* Part of a table goes; all of what maps in it goes. */
	SELFTEST_CHECK(!address_space_unmap(grandchild, base + HEAD * PAGE_SIZE, PAGE_SIZE) && grandchild->shared_tables == 1);
	SELFTEST_CHECK(get(grandchild, HEAD) == -1 && get(parent, HEAD) == HEAD && get(child, HEAD) == HEAD);
	SELFTEST_CHECK(!address_space_unmap(grandchild, base, HEAD * PAGE_SIZE) && grandchild->shared_tables == 0);
	SELFTEST_CHECK(grandchild->resident == PAGES - HEAD - 1 && !count_wrong(parent, 0, PAGES - 1, 0));
	SELFTEST_CHECK(!address_space_protect(parent, base, PAGES * PAGE_SIZE, PROT_READ) && parent->shared_tables == 0);
	SELFTEST_CHECK(!put(parent, 9, 0) && put(child, 9, 1009) && get(parent, 9) == 9);

	/* Who is left over owns the pages: no write copies any more. */
	address_space_put(parent);
	address_space_put(grandchild);
	memory_get_stats(&now);
	for (unsigned i = 0; i < PAGES; i++)
		SELFTEST_CHECK(put(child, i, 2000 + i));
	SELFTEST_CHECK(child->shared_tables == 0 && now.anonymous == before.anonymous + PAGES && !count_wrong(child, 0, PAGES - 1, 2000));
	address_space_put(child);
	SELFTEST_CHECK(stats_are_back(&before));
}

SELFTEST(tables_with_other_mappings_are_not_shared)
{
	struct memory_stats before;

	memory_get_stats(&before);
	struct address_space *parent = make_filled(), *child;
	struct vm_object *object = vm_object_create_anonymous(PAGE_SIZE);

	SELFTEST_CHECK(address_space_map(parent, base + PAGES * PAGE_SIZE, PAGE_SIZE, READ_WRITE, ALL, MAP_SHARED | MAP_FIXED, object, 0) > 0);
	SELFTEST_CHECK(put(parent, PAGES, 5));
	child = address_space_fork(parent);
	SELFTEST_CHECK(child && child->shared_tables == 1 && !count_wrong(child, 0, PAGES - 1, 0));
	SELFTEST_CHECK(put(child, PAGES, 6) && get(parent, PAGES) == 6);
	vm_object_truncate(object, 0);
	SELFTEST_CHECK(get(parent, PAGES) == -1 && get(child, PAGES) == -1);
	/* A mapping that comes later into a shared table's range. */
	vm_object_truncate(object, PAGE_SIZE);
	SELFTEST_CHECK(!address_space_unmap(child, base, PAGE_SIZE));
	struct address_space *last = address_space_fork(child);

	SELFTEST_CHECK(last->shared_tables == 1);
	SELFTEST_CHECK(address_space_map(last, base, PAGE_SIZE, READ_WRITE, ALL, MAP_SHARED | MAP_FIXED, object, 0) > 0);
	vm_object_truncate(object, 0);
	vm_object_truncate(object, PAGE_SIZE);
	SELFTEST_CHECK(last->shared_tables == 1 && put(last, 0, 7) && last->shared_tables == 0);
	vm_object_truncate(object, 0);
	SELFTEST_CHECK(get(last, 0) == -1 && !count_wrong(last, 1, PAGES - 1, 0));
	vm_object_put(object);
	address_space_put(parent);
	address_space_put(child);
	address_space_put(last);
	SELFTEST_CHECK(stats_are_back(&before));
}

SELFTEST(fork_copies_the_entries_of_small_code)
{
	enum { CODE = 3 };
	struct memory_stats before;
	struct frame *frame;

	memory_get_stats(&before);
	struct vm_object *object = vm_object_create_anonymous(CODE * PAGE_SIZE);
	struct address_space *parent = address_space_create(), *child;

	for (unsigned i = 0; i < CODE; i++) {
		SELFTEST_CHECK(!vm_object_get_page(object, i, true, &frame));
		*(uint32_t *)frame_to_virt(frame) = 50 + i;
		frame_put(frame);
	}
	SELFTEST_CHECK(address_space_map(parent, base, CODE * PAGE_SIZE, PROT_READ, ALL, MAP_PRIVATE | MAP_FIXED, object, 0) > 0);
	SELFTEST_CHECK(!count_wrong(parent, 0, CODE - 1, 50));
	child = address_space_fork(parent);
	SELFTEST_CHECK(child && child->resident == CODE && !put(child, 0, 1) && !count_wrong(child, 0, CODE - 1, 50));
	/* They are found there when the file gets shorter, and stay the file's. */
	vm_object_truncate(object, PAGE_SIZE);
	SELFTEST_CHECK(child->resident == 1 && get(child, 0) == 50 && get(child, 1) == -1 && get(parent, 2) == -1);
	address_space_put(parent);
	SELFTEST_CHECK(get(child, 0) == 50);
	address_space_put(child);
	vm_object_put(object);
	SELFTEST_CHECK(stats_are_back(&before));
}

/* ---- Random changes against a model ---- */

enum { SPACES = 6, STEPS = 1500, RUN_MAX = 200, UNMAPPED = -1 };

struct model {
	struct address_space *as;	/* NULL: free */
	int64_t words[PAGES];		/* what a page holds, or UNMAPPED */
	bool read_only[PAGES];
};

static uint64_t state;

static unsigned pick(unsigned bound)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (state >> 33) % bound;
}

static bool agrees(const struct model *model)
{
	for (unsigned i = 0; i < PAGES; i++)
		if (get(model->as, i) != model->words[i])
			return false;
	return true;
}

static bool change_range(struct model *model, unsigned what, unsigned first, unsigned count)
{
	uint64_t start = base + first * PAGE_SIZE, len = count * PAGE_SIZE;
	unsigned prot = pick(2) ? READ_WRITE : PROT_READ, end = first + count;
	int error;

	if (what == 0) {
		for (unsigned i = first; i < end; i++)
			model->words[i] = UNMAPPED;
		return !address_space_unmap(model->as, start, len);
	}
	if (what == 1) {
		for (unsigned i = first; i < end; i++) {
			model->words[i] = 0;
			model->read_only[i] = false;
		}
		return map_pages(model->as, first, count);
	}
	error = address_space_protect(model->as, start, len, prot);
	for (unsigned i = first; i < end; i++) {
		if (model->words[i] == UNMAPPED)
			return error == -ENOMEM;
		model->read_only[i] = prot == PROT_READ;
	}
	return !error;
}

static bool write_some(struct model *model, unsigned count)
{
	bool ok = true;

	while (count--) {
		unsigned page = pick(PAGES), value = pick(1 << 30);
		bool may = model->words[page] != UNMAPPED && !model->read_only[page];

		ok &= put(model->as, page, value) == may;
		if (may)
			model->words[page] = value;
	}
	return ok;
}

static bool step(struct model *models)
{
	struct model *model = &models[pick(SPACES)], *other = &models[pick(SPACES)];
	unsigned first = pick(PAGES), what = pick(12);

	if (!model->as)
		return true;
	if (what < 3)
		return change_range(model, what, first, 1 + pick(MIN(PAGES - first, (unsigned)RUN_MAX)));
	if (what < 8)
		return write_some(model, 1 + pick(8));
	if (what == 8)
		return agrees(model);
	if (what < 11 && !other->as) {
		*other = *model;
		other->as = address_space_fork(model->as);
		return other->as != NULL;
	}
	if (what == 11 && other->as && other != model) {
		address_space_put(other->as);
		other->as = NULL;
	}
	return true;
}

SELFTEST(shared_page_tables_agree_with_a_model)
{
	struct model *models = kzalloc(SPACES * sizeof(*models));
	uint64_t seed = random_u64();
	struct memory_stats before;
	unsigned done = 0;

	SELFTEST_CHECK(models);
	memory_get_stats(&before);
	state = seed;
	models[0].as = make_filled();
	for (unsigned i = 0; i < PAGES; i++)
		models[0].words[i] = i;
	while (done < STEPS && step(models))
		done++;
	if (done < STEPS)
		log_error("shared page tables: seed %#lx fails in step %u", seed, done);
	SELFTEST_CHECK(done == STEPS);
	for (unsigned i = 0; i < SPACES; i++) {
		if (!models[i].as)
			continue;
		SELFTEST_CHECK(agrees(&models[i]));
		address_space_put(models[i].as);
	}
	SELFTEST_CHECK(stats_are_back(&before));
	kfree(models);
}
