/* SPDX-License-Identifier: MIT */
/*
 * Host test of ordered write-back. Fibers change a small file system at random, sync it, write it back and drop its blocks, on a disk that completes
 * requests in any order. Then the disk's log is cut at random places, with any of the writes after the last flush left out, and what is left has to keep
 * the rules:
 *	a block that is pointed to is marked as used, has one owner, and holds what its owner put there;
 *	groups of commits are there one after the other;
 *	what was synced is there.
 * The same with flushes that fail; with writes that fail only the last rule can hold, and everybody has to be told. Each control leaves something out,
 * and has to break a rule.
 */
/* LINK: block/disk.c block/block_cache.c block/commit.c block/commit_check.c block/write_group.c block/write_back.c mm/page_tree.c */
/* LINK: test/host/fibers.c test/host/block_host.c test/host/cut_disk.c */
#include "block/block_internal.h"
#include "lib/log.h"
#include "sched/clock.h"
#include "test/host/cut_disk.h"
#include "test/host/fibers.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK = 1024, SECTOR = 512, FIRST_SECTOR = 4,
	BITMAP = 0, TABLES = 6, TABLE_SLOTS = 8, SLOTS = TABLES * TABLE_SLOTS, FIRST_FREE = 1 + TABLES, BLOCKS = 50,
	OPS_MAX = 4000, ACKS_MAX = 500, MUTATIONS = 120, CUTS = 60, ROUNDS = 24,
};

enum kind { KIND_NONE, KIND_META, KIND_DATA, KIND_COUNTER };

/* On the disk. A slot of a table; what lies in a block that it points to. */
struct slot { uint32_t block, kind; uint64_t version; };
struct owner { uint64_t magic, slot, version; };
#define MAGIC 0x0123456789abcdefull

enum lapse { NO_LAPSE, UNORDERED, NO_FIRST, NO_LATE, NO_DATA, NO_HIDDEN, EARLY_DISCARD, LAPSES };
enum faults { NO_FAULTS, FLUSH_FAULTS, WRITE_FAULTS };

static enum lapse lapse;
static enum faults faults;

/* ---- The disk ---- */

static uint8_t image[(FIRST_SECTOR * SECTOR) + BLOCKS * BLOCK];	/* the first sectors are pages that are written in place */
static struct disk *const disk = &cut_disk.disk;
static bool faults_on;
static unsigned writes_failed, flushes_failed, discards;

static bool fails(const struct disk_request *request)
{
	if (!faults_on || request->operation == DISK_READ || (request->sector_count && request->sector < FIRST_SECTOR))
		return false;
	if (request->operation == DISK_FLUSH && host_random(4) == 0 && faults == FLUSH_FAULTS)
		return ++flushes_failed;
	/* Some blocks more than others, so that a second try fails, too. */
	if (request->operation == DISK_WRITE && faults == WRITE_FAULTS && request->sector / 2 % 5 == 0 && host_random(4))
		return ++writes_failed;
	return false;
}

/* ---- What was done ---- */

/*
 * The version that it gave to these slots is its index. If data came to @block with it, @filled says whether these were what the group has written there
 * last; else they had been freed, and zeroes were.
 */
struct op { unsigned slots[2]; uint64_t commit, group; unsigned block; bool filled; };
struct ack { unsigned log_len; uint64_t commit, page_sector, page; };

static struct block_cache *cache;
static struct op ops[OPS_MAX];
static unsigned op_count;
static struct ack acks[ACKS_MAX];
static unsigned ack_count, syncs_failed, stale, mutators_left, boundaries, waited_data;
static struct { struct owner owner; uint64_t group; bool used; } pages[BLOCKS];	/* file data in memory */
static int data_error;

static void note_filled(unsigned block, uint64_t group, bool filled)
{
	for (unsigned i = 1; i <= op_count; i++)
		if (ops[i].commit && ops[i].group == group && ops[i].block == block)
			ops[i].filled = filled;
}

static void write_data(void *context, uint64_t block, uint64_t count, uint64_t group)
{
	for (uint64_t i = block; i < block + count && lapse != NO_DATA; i++) {
		uint8_t bytes[BLOCK] __attribute__((aligned(8))) = { 0 };
		int error;

		if (pages[i].used && pages[i].group == group)
			memcpy(bytes, &pages[i].owner, sizeof(pages[i].owner));
		note_filled(i, group, pages[i].used && pages[i].group == group);
		error = disk_transfer(disk, DISK_WRITE, FIRST_SECTOR + i * 2, 2, bytes);
		data_error = error ? error : data_error;
	}
}

static int wait_data(void *context)
{
	int error = data_error;

	waited_data++;
	data_error = 0;
	return error;
}

static const struct block_cache_ops cache_ops = { .write_data = write_data, .wait_data = wait_data };

/* ---- Changing it ---- */

struct step {
	struct block_base bases[4];
	struct block_change changes[8];
	struct slot slots[2];
	struct owner owner;
	struct block_commit commit;
	unsigned slot;
	uint8_t bitmap[BLOCK], bitmap_early[BLOCK], table[BLOCK], early[BLOCK];
};

static void add_change(struct step *step, uint64_t block, unsigned kind, unsigned flags, uint32_t offset, uint32_t len, const void *data)
{
	if (lapse == NO_FIRST)
		flags = flags & ~BLOCK_FIRST;
	if (lapse == NO_LATE)
		flags &= ~BLOCK_LATE;
	step->changes[step->commit.change_count++] = (struct block_change){ .block = block, .data = data, .offset = offset, .len = len, .kind = kind,
									     .flags = flags };
}

static int read_base(struct step *step, uint64_t block, void *data, void *early)
{
	struct block_base *base = &step->bases[step->commit.base_count++];
	int error;

	base->block = block;
	error = block_read(cache, block, data, early, &base->generation);
	if (!error)
		memcpy(early, data, BLOCK);
	return error < 0 ? error : 0;
}

static bool bit(const uint8_t *bits, unsigned at)
{
	return bits[at / 8] >> at % 8 & 1;
}

/* A free block, 0 if there is none. What is being freed is not free before the group has ended. */
static unsigned find_free(struct step *step)
{
	unsigned at = FIRST_FREE + host_random(BLOCKS - FIRST_FREE);

	for (unsigned i = FIRST_FREE; i < BLOCKS; i++) {
		if (!bit(step->bitmap, at) && (step->commit.flags & BLOCK_BOUNDARY_BEFORE || lapse == NO_HIDDEN || !bit(step->bitmap_early, at)))
			return at;
		at = at + 1 < BLOCKS ? at + 1 : FIRST_FREE;
	}
	return 0;
}

static bool allocate(struct step *step, uint64_t version)
{
	unsigned block = find_free(step);

	if (!block) {
		step->commit.flags |= BLOCK_BOUNDARY_BEFORE;
		boundaries++;
		block = find_free(step);
	}
	if (!block)
		return false;
	step->owner = (struct owner){ MAGIC, step->slot, version };
	step->slots[0] = (struct slot){ block, 1 + host_random(2), version };
	add_change(step, BITMAP, BLOCK_SET_BITS, BLOCK_FIRST, block, 1, NULL);
	if (step->slots[0].kind == KIND_META) {
		step->bases[step->commit.base_count++] = (struct block_base){ block, block_generation(cache, block) };
		add_change(step, block, BLOCK_FRESH, BLOCK_FIRST, 0, 0, NULL);
		add_change(step, block, BLOCK_COPY, 0, 0, sizeof(step->owner), &step->owner);
	} else {
		add_change(step, block, BLOCK_NEW_DATA, 0, 0, 1, NULL);
	}
	return true;
}

static void release(struct step *step, const struct slot *old, uint64_t version)
{
	step->slots[0] = (struct slot){ .version = version };
	add_change(step, BITMAP, BLOCK_CLEAR_BITS, BLOCK_FIRST | BLOCK_LATE, old->block, 1, NULL);
	add_change(step, old->block, BLOCK_FORGET, 0, 0, 1, NULL);
}

static void note(const struct step *step, uint64_t version, uint64_t number, const struct slot *old)
{
	const struct slot *new = &step->slots[0];

	ops[version].commit = number;
	ops[version].group = cache->groups_closed + (cache->open != NULL);
	if (old->kind == KIND_DATA)
		pages[old->block].used = false;
	if (lapse == EARLY_DISCARD && old->block)
		disk_prepare(disk, FIRST_SECTOR + old->block * 2, 2, true);
	if (new->kind == KIND_DATA) {
		ops[version].block = new->block;
		pages[new->block].owner = step->owner;
		pages[new->block].used = true;
		pages[new->block].group = block_data_group(cache, new->block);
		assert(pages[new->block].group == ops[version].group);
	}
}

/* One change of a slot, and now and then of a counter in another table with it. Whether it happened. */
static bool mutate(struct step *step)
{
	struct slot old, other;
	unsigned table, counter = host_random(TABLES) * TABLE_SLOTS + TABLE_SLOTS - 1;
	uint64_t number, version;
	int error;

	memset(step, 0, offsetof(struct step, bitmap));
	step->slot = host_random(SLOTS);
	table = 1 + step->slot / TABLE_SLOTS;
	step->commit = (struct block_commit){ .bases = step->bases, .changes = step->changes, .flags = BLOCK_FINAL };
	step->commit.flags |= (host_random(40) ? 0 : BLOCK_BOUNDARY_AFTER) | (host_random(40) ? 0 : BLOCK_BOUNDARY_BEFORE);
	if (read_base(step, BITMAP, step->bitmap, step->bitmap_early) || read_base(step, table, step->table, step->early))
		return false;
	version = ++op_count;
	assert(op_count < OPS_MAX);
	memcpy(&old, step->table + step->slot % TABLE_SLOTS * sizeof(old), sizeof(old));
	ops[version] = (struct op){ .slots = { step->slot, counter } };
	if (step->slot % TABLE_SLOTS == TABLE_SLOTS - 1)
		step->slots[0] = (struct slot){ 0, KIND_COUNTER, version };
	else if (old.kind)
		release(step, &old, version);
	else if (!allocate(step, version))
		return false;
	add_change(step, table, BLOCK_COPY, 0, step->slot % TABLE_SLOTS * sizeof(old), sizeof(old), &step->slots[0]);
	if (counter / TABLE_SLOTS + 1 != table && host_random(2)) {
		if (read_base(step, 1 + counter / TABLE_SLOTS, step->table, step->early))
			return false;
		other = (struct slot){ 0, KIND_COUNTER, version };
		step->slots[1] = other;
		add_change(step, 1 + counter / TABLE_SLOTS, BLOCK_COPY, 0, counter % TABLE_SLOTS * sizeof(other), sizeof(other), &step->slots[1]);
	} else {
		ops[version].slots[1] = step->slot;
	}
	error = block_commit(cache, &step->commit, &number);
	stale += error == -ESTALE;
	if (!error)
		note(step, version, number, &old);
	assert(!error || error == -ESTALE || (error == -EIO && faults));
	return !error;
}

static void mutator_fiber(void *unused)
{
	struct step *step = malloc(sizeof(*step));

	for (unsigned done = 0, tries = 0; done < MUTATIONS && tries < 4 * MUTATIONS; tries++) {
		done += mutate(step);
		if (!host_random(3))
			fiber_yield();
		if (!host_random(20))
			fiber_sleep(host_random(3 * NS_PER_MS));
	}
	free(step);
	mutators_left--;
}

static void syncer_fiber(void *arg)
{
	uint64_t page[SECTOR / 8] = { 0 }, sector = arg != NULL;
	struct block_error_mark mark;

	block_error_mark_init(cache, &mark);
	while (mutators_left) {
		uint64_t commit = cache->last_commit;
		int error;

		fiber_sleep(host_random(4 * NS_PER_MS));
		page[0]++;
		assert(!disk_transfer(disk, DISK_WRITE, sector, 1, page));
		error = arg ? block_sync_until(cache, &mark, commit) : block_sync(cache, &mark);
		assert(!error || faults);
		syncs_failed += error != 0;
		if (!error && ack_count < ACKS_MAX)
			acks[ack_count++] = (struct ack){ cut_disk.log_len, commit, sector, page[0] };
	}
}

static void poller_fiber(void *unused)
{
	for (;;) {
		uint64_t next = write_back_poll(cache, clock_monotonic_ns());

		fiber_sleep(MIN(next - clock_monotonic_ns(), host_random(2 * NS_PER_MS)));
		if (!host_random(4))
			block_cache_drop(cache);
	}
}

/* Reads blocks that may be freed, or get another owner, meanwhile. */
static void reader_fiber(void *unused)
{
	uint64_t newest[BLOCKS] = { 0 }, generation;
	uint8_t bytes[BLOCK];

	for (; mutators_left; fiber_yield()) {
		uint64_t block = host_random(BLOCKS);

		assert(!block_read(cache, block, bytes, NULL, &generation) && generation >= newest[block]);
		newest[block] = generation;
	}
}

/* ---- Looking at what is left ---- */

static const struct slot *slot_on(const uint8_t *disk_image, unsigned slot)
{
	return (const struct slot *)(disk_image + FIRST_SECTOR * SECTOR + (1 + slot / TABLE_SLOTS) * BLOCK) + slot % TABLE_SLOTS;
}

/* The last version that commits (or groups) up to @limit gave to the slot. */
static uint64_t version_at(unsigned slot, uint64_t limit, bool groups)
{
	uint64_t last = 0, when = 0;

	for (unsigned i = 1; i <= op_count; i++)
		if (ops[i].commit && (ops[i].slots[0] == slot || ops[i].slots[1] == slot) && (groups ? ops[i].group : ops[i].commit) <= limit &&
		    ops[i].commit > when) {
			when = ops[i].commit;
			last = i;
		}
	return last;
}

static const char *check_pointers(const uint8_t *cut)
{
	const uint8_t *bitmap = cut + FIRST_SECTOR * SECTOR;
	bool owned[BLOCKS] = { false };

	for (unsigned i = 0; i < SLOTS; i++) {
		const struct slot *slot = slot_on(cut, i);
		struct owner owner, none = { 0 };

		if (!slot->block)
			continue;
		if (slot->block >= BLOCKS)
			return "a pointer to nowhere";
		if (!bit(bitmap, slot->block))
			return "a pointer to a free block";
		if (owned[slot->block])
			return "a block with two owners";
		owned[slot->block] = true;
		memcpy(&owner, bitmap + slot->block * BLOCK, sizeof(owner));
		/* Data that was never written, of a block that was freed before, is zeroes. */
		if (slot->kind == KIND_DATA && !memcmp(&owner, &none, sizeof(owner)) && version_at(i, UINT64_MAX, false) != slot->version &&
		    !ops[slot->version].filled)
			continue;
		if (owner.magic != MAGIC || owner.slot != i || owner.version != slot->version)
			return slot->kind == KIND_DATA ? "a pointer to other data" : "a pointer to another block";
	}
	return NULL;
}

static const char *check_groups(const uint8_t *cut)
{
	uint64_t newest = 0;

	for (unsigned i = 0; i < SLOTS; i++) {
		uint64_t version = slot_on(cut, i)->version;

		if (version > op_count || (version && !ops[version].commit))
			return "a version that never was";
		newest = version ? MAX(newest, ops[version].group) : newest;
	}
	for (unsigned i = 0; newest && i < SLOTS; i++)
		if (slot_on(cut, i)->version < version_at(i, newest - 1, true))
			return "a group before the one that comes first";
	return NULL;
}

static const char *check_synced(const uint8_t *cut, unsigned at)
{
	uint64_t commit = 0;

	for (unsigned i = 0; i < ack_count; i++) {
		uint64_t page;

		if (acks[i].log_len > at)
			continue;
		commit = MAX(commit, acks[i].commit);
		memcpy(&page, cut + acks[i].page_sector * SECTOR, sizeof(page));
		if (page < acks[i].page)
			return "a synced page that is gone";
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		const struct slot *slot = slot_on(cut, i);
		uint64_t version = version_at(i, commit, false);
		struct owner owner;

		if (slot->version < version)
			return "something synced that is gone";
		memcpy(&owner, cut + FIRST_SECTOR * SECTOR + slot->block * BLOCK, sizeof(owner));
		/* Data of what was freed before the group was written are zeroes. */
		if (slot->kind == KIND_DATA && version_at(i, UINT64_MAX, false) != version && !ops[version].filled)
			continue;
		if (faults != WRITE_FAULTS && slot->block && slot->version == version && owner.version != version)
			return "a synced block that is not there";
	}
	return NULL;
}

static const char *check_cuts(void)
{
	static uint8_t cut[sizeof(image)];
	const char *wrong = NULL;

	for (unsigned i = 0; i < CUTS && !wrong; i++) {
		unsigned at = host_random(cut_disk.log_len + 1);

		memset(cut, 0, sizeof(cut));
		cut_disk_cut(cut, at);
		wrong = faults == WRITE_FAULTS ? NULL : check_pointers(cut);
		if (!wrong && faults != WRITE_FAULTS)
			wrong = check_groups(cut);
		if (!wrong)
			wrong = check_synced(cut, at);
	}
	return wrong;
}

/* ---- Rounds ---- */

/* When the faults are over all can be written, and is. */
static void closer_fiber(void *unused)
{
	struct block_error_mark mark = { 0 };
	struct block_cache_stats stats;

	while (mutators_left)
		fiber_sleep(NS_PER_MS);
	fiber_sleep(10 * NS_PER_MS);
	faults_on = false;
	/* The first one may have to hear of what went wrong. */
	for (unsigned i = 0; block_sync(cache, &mark); i++)
		assert(faults && i < 2);
	block_cache_get_stats(cache, &stats);
	assert(!stats.dirty);
	assert(faults != WRITE_FAULTS || stats.errors);
}

static void check_end(void)
{
	for (unsigned i = 0; i < SLOTS; i++)
		assert(slot_on(image, i)->version == version_at(i, UINT64_MAX, false));
	for (unsigned i = FIRST_FREE; i < BLOCKS; i++)
		if (faults == WRITE_FAULTS && pages[i].used)	/* their owner was told, and would write them again */
			memcpy(image + FIRST_SECTOR * SECTOR + i * BLOCK, &pages[i].owner, sizeof(pages[i].owner));
	assert(!check_pointers(image));
}

static void prepare(uint64_t seed)
{
	struct block_cache_options options = {
		.max_blocks = 256, .age_ns = 5 * NS_PER_MS, .flags = lapse == UNORDERED ? BLOCK_CACHE_UNORDERED : 0, .ops = &cache_ops,
	};

	host_seed(seed);
	memset(image, 0, sizeof(image));
	memset(ops, 0, sizeof(ops));
	memset(pages, 0, sizeof(pages));
	op_count = ack_count = 0;
	faults_on = true;
	mutators_left = 2;
	cut_disk_begin(image, sizeof(image));
	cut_disk.fails = fails;
	assert(!block_cache_create(disk, FIRST_SECTOR, BLOCKS, BLOCK, &options, &cache));
}

static void forget_round(void)
{
	discards += cut_disk.discards;
	block_cache_destroy(cache);
	cut_disk_end();
}

/* NULL if all rules were kept. */
static const char *run_round(uint64_t seed)
{
	const char *wrong;

	prepare(seed);
	fiber_start(mutator_fiber, NULL, false);
	fiber_start(mutator_fiber, NULL, false);
	fiber_start(syncer_fiber, NULL, false);
	fiber_start(syncer_fiber, &cache, false);
	fiber_start(closer_fiber, NULL, false);
	fiber_start(poller_fiber, NULL, true);
	fiber_start(reader_fiber, NULL, false);
	fiber_start(cut_disk_fiber, NULL, true);
	fibers_run();
	if (lapse == NO_LAPSE)
		check_end();
	wrong = check_cuts();
	forget_round();
	return wrong;
}

static void test_rules(uint64_t rounds)
{
	for (uint64_t seed = 1; seed <= rounds; seed++) {
		const char *wrong;

		faults = seed % 3;
		wrong = run_round(seed);
		if (wrong) {
			fprintf(stderr, "after a cut: %s\n", wrong);
			abort();
		}
	}
	assert(writes_failed && flushes_failed && syncs_failed && stale && boundaries && waited_data && discards);
}

/* Who leaves a rule out must be found out, or the rules above prove nothing. */
static void test_controls(void)
{
	faults = NO_FAULTS;
	for (lapse = NO_LAPSE + 1; lapse < LAPSES; lapse++) {
		const char *wrong = NULL;
		uint64_t seed = 1;

		while (seed <= 12 && !(wrong = run_round(seed)))
			seed++;
		if (!wrong) {
			fprintf(stderr, "control %u broke no rule\n", lapse);
			abort();
		}
		if (getenv("BLOCK_TEST_VERBOSE"))
			fprintf(stderr, "control %u, seed %llu: %s\n", lapse, (unsigned long long)seed, wrong);
	}
	lapse = NO_LAPSE;
}

int main(void)
{
	const char *rounds = getenv("BLOCK_TEST_ROUNDS");

	log_set_console_level(0);	/* the faults are meant */
	test_rules(rounds ? strtoull(rounds, NULL, 0) : ROUNDS);
	test_controls();
	return 0;
}
