/* SPDX-License-Identifier: MIT */
/*
 * Host test of the block proxy and the memory disk. A driver that completes its requests in any order, and dies, is given requests that overlap; a memory
 * disk is compared with an array, has holes, runs out of memory, fails on demand and keeps a log from which the disk can be made again at each flush.
 */
/* LINK: block/disk.c block/memory_disk.c block/memory_disk_test.c mm/page_tree.c test/host/fibers.c */
#include "block/memory_disk.h"
#include "mm/frame.h"
#include "test/host/fibers.h"
#include "test/host/host.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTORS = 64, SECTOR = 512, CLIENTS = 6, ROUNDS = 20 };

/* ---- The proxy, under a driver that dies ---- */

static struct { uint64_t tag; const struct disk_request *request; bool used; } given[DISK_SLOTS];
static uint8_t image[SECTORS * SECTOR], expected[SECTORS * SECTOR];
static struct disk disk;
static unsigned kicks, refused, deaths, poison_deaths, clients_left;

static bool overlap(const struct disk_request *a, const struct disk_request *b)
{
	return a->sector < b->sector + b->sector_count && b->sector < a->sector + a->sector_count;
}

static void driver_start(void *driver, uint64_t tag, const struct disk_request *request)
{
	assert(disk.lock.locked && !given[tag % DISK_SLOTS].used);
	for (unsigned i = 0; i < DISK_SLOTS; i++)
		if (given[i].used && (request->operation == DISK_WRITE || given[i].request->operation == DISK_WRITE))
			assert(!overlap(given[i].request, request));
	given[tag % DISK_SLOTS].tag = tag;
	given[tag % DISK_SLOTS].request = request;
	given[tag % DISK_SLOTS].used = true;
}

static void driver_kick(void *driver)
{
	kicks++;
	fiber_yield();
}

static const struct disk_driver_ops driver_ops = { .start = driver_start, .kick = driver_kick };

static void carry_out(const struct disk_request *request)
{
	uint8_t *at = image + request->sector * SECTOR;

	for (unsigned i = 0; i < request->segment_count; i++) {
		void *memory = phys_to_virt(request->segments[i].start);

		if (request->operation == DISK_WRITE)
			memcpy(at, memory, request->segments[i].len);
		else
			memcpy(memory, at, request->segments[i].len);
		at += request->segments[i].len;
	}
}

/* Dies: some of what it had is done half or wholly, and nobody knows. */
static void die(void)
{
	uint64_t old = UINT64_MAX;

	deaths++;
	for (unsigned i = 0; i < DISK_SLOTS; i++) {
		if (!given[i].used)
			continue;
		old = given[i].tag;
		if (host_random(2) && given[i].request->operation == DISK_WRITE)
			carry_out(given[i].request);
		given[i].used = false;
	}
	disk_detach(&disk);
	if (old != UINT64_MAX)
		refused += !disk_complete(&disk, old, 0);
	if (old != UINT64_MAX)
		assert(!disk_complete(&disk, old, 0));
	fiber_yield();
	disk_attach(&disk, &driver_ops, NULL);
}

static void driver_fiber(void *unused)
{
	for (;;) {
		unsigned slot = host_random(DISK_SLOTS);
		uint64_t tag;

		fiber_yield();
		if (!host_random(400))
			die();
		if (!given[slot].used)
			continue;
		given[slot].used = false;
		tag = given[slot].tag;
		carry_out(given[slot].request);
		assert(disk_complete(&disk, tag, 0));
		assert(!disk_complete(&disk, tag, 0));
	}
}

/* Each client owns every CLIENTS-th sector, and writes to them in requests that span others' too only by reading. */
static void client_fiber(void *arg)
{
	unsigned me = (uintptr_t)arg;
	uint8_t bytes[SECTOR * 4];

	for (unsigned i = 0; i < 120; i++) {
		unsigned sector = me + CLIENTS * host_random(SECTORS / CLIENTS), count = 1 + host_random(MIN(4, SECTORS - sector));

		if (host_random(2)) {
			memset(bytes, host_random(256), SECTOR);
			memcpy(expected + sector * SECTOR, bytes, SECTOR);
			assert(!disk_transfer(&disk, DISK_WRITE, sector, 1, bytes));
		} else if (host_random(8)) {
			assert(!disk_transfer(&disk, DISK_READ, sector, count, bytes));
			assert(!memcmp(bytes, expected + sector * SECTOR, SECTOR));
		} else {
			assert(!disk_flush(&disk));
		}
	}
	clients_left--;
}

struct pair {
	struct disk_request requests[2];
	struct disk_segment segments[2];
	uint8_t bytes[2][2 * SECTOR];
	unsigned done;
};

static struct pair pair;

static void pair_done(struct disk_request *request)
{
	assert(!request->status);
	pair.done++;
	wake_all(&disk.queue);
}

/* Writes that overlap and are under way together: the one submitted last is what stays. In sectors that no client has. */
static void pair_fiber(void *arg)
{
	unsigned first = SECTORS / CLIENTS * CLIENTS;

	for (unsigned round = 0; round < 40; round++) {
		pair.done = 0;
		for (unsigned i = 0; i < 2; i++) {
			memset(pair.bytes[i], host_random(256), sizeof(pair.bytes[i]));
			pair.segments[i] = (struct disk_segment){ virt_to_phys(pair.bytes[i]), sizeof(pair.bytes[i]) };
			pair.requests[i] = (struct disk_request){ .operation = DISK_WRITE, .sector = first + i, .sector_count = 2,
								  .segments = &pair.segments[i], .segment_count = 1, .done = pair_done };
		}
		for (unsigned i = 0; i < 2; i++)
			disk_submit(&disk, &pair.requests[i]);
		while (pair.done < 2)
			fiber_yield();
		assert(!memcmp(image + first * SECTOR, pair.bytes[0], SECTOR));
		assert(!memcmp(image + (first + 1) * SECTOR, pair.bytes[1], 2 * SECTOR));
	}
	clients_left--;
}

static void test_proxy(uint64_t seed)
{
	host_seed(seed);
	memset(given, 0, sizeof(given));
	memset(image, 0, sizeof(image));
	memset(expected, 0, sizeof(expected));
	disk_init(&disk, "test", SECTOR, SECTORS);
	clients_left = CLIENTS + 1;
	for (unsigned i = 0; i < CLIENTS; i++)
		fiber_start(client_fiber, (void *)(uintptr_t)i, false);
	fiber_start(pair_fiber, NULL, false);
	fiber_start(driver_fiber, NULL, true);
	disk_attach(&disk, &driver_ops, NULL);
	fibers_run();
	assert(!clients_left && list_empty(&disk.waiting));
	assert(!memcmp(image, expected, SECTORS / CLIENTS * CLIENTS * SECTOR));
}

static void killer_kick(void *driver)
{
}

static void poison_fiber(void *unused)
{
	const struct disk_driver_ops ops = { .start = driver_start, .kick = killer_kick };

	while (clients_left) {
		disk_attach(&disk, &ops, NULL);
		fiber_yield();
		disk_detach(&disk);
		poison_deaths += given[0].used;
		memset(given, 0, sizeof(given));
	}
}

static void poisoned_fiber(void *unused)
{
	uint8_t bytes[SECTOR] = { 0 };

	assert(disk_transfer(&disk, DISK_WRITE, 1, 1, bytes) == -EIO);
	clients_left--;
}

/* What so many drivers die with fails, and is not given again. */
static void test_poison(void)
{
	disk_init(&disk, "poison", SECTOR, SECTORS);
	memset(given, 0, sizeof(given));
	clients_left = 1;
	fiber_start(poisoned_fiber, NULL, false);
	fiber_start(poison_fiber, NULL, false);
	fibers_run();
	assert(!clients_left && poison_deaths == DISK_DRIVERS_MAX);
}

static void test_malformed(void)
{
	struct disk_segment segments[DISK_SEGMENTS_MAX + 1] = { { 0 } };
	uint64_t bytes[SECTOR / 8];

	disk_init(&disk, "strict", SECTOR, SECTORS);
	assert(disk_transfer(&disk, DISK_WRITE, SECTORS, 1, bytes) == -EINVAL);
	assert(disk_transfer(&disk, DISK_WRITE, SECTORS - 1, 2, bytes) == -EINVAL);
	assert(disk_transfer(&disk, DISK_WRITE, UINT64_MAX, 1, bytes) == -EINVAL);
	assert(disk_transfer(&disk, DISK_READ, 0, 0, bytes) == -EINVAL);
	assert(disk_transfer(&disk, 7, 0, 1, bytes) == -EINVAL);
	assert(disk_transfer(&disk, DISK_READ, 0, 1, (char *)bytes + 4) == -EINVAL);
	for (unsigned i = 0; i < ARRAY_LEN(segments); i++)
		segments[i] = (struct disk_segment){ virt_to_phys(bytes), 8 };
	struct disk_request request = { .operation = DISK_READ, .sector_count = 4, .segments = segments, .segment_count = ARRAY_LEN(segments) };

	assert(disk_run(&disk, &request) == -EINVAL);
	request.segment_count = DISK_SEGMENTS_MAX - 1;
	assert(disk_run(&disk, &request) == -EINVAL);
	request = (struct disk_request){ .operation = DISK_FLUSH, .sector_count = 1 };
	assert(disk_run(&disk, &request) == -EINVAL);
}

static void test_registry(void)
{
	struct disk a, b;

	disk_init(&a, "ram0", SECTOR, SECTORS);
	disk_init(&b, "ram0", SECTOR, SECTORS);
	assert(!disk_register(&a) && disk_register(&b) == -EEXIST);
	assert(!disk_find("ram1") && disk_find("ram0") == &a);
	assert(disk_unregister(&a) == -EBUSY);
	disk_put(&a);
	assert(!disk_unregister(&a) && !disk_find("ram0"));
}

/* ---- The memory disk ---- */

enum { MODULE_BYTES = 5 * PAGE_SIZE + 300, DISK_BYTES = 40 * PAGE_SIZE, DISK_SECTORS = DISK_BYTES / SECTOR, LOG_BYTES = 1 << 20 };

static uint8_t model[DISK_BYTES], safe[DISK_BYTES], log_bytes[LOG_BYTES];

static struct memory_disk *make_memory_disk(uint8_t **module)
{
	struct memory_disk *memory;

	*module = aligned_alloc(PAGE_SIZE, 6 * PAGE_SIZE);
	for (unsigned i = 0; i < 6 * PAGE_SIZE; i++)
		(*module)[i] = host_random(256);
	memset(model, 0, sizeof(model));
	memcpy(model, *module, MODULE_BYTES);
	memory = memory_disk_create("ram0", virt_to_phys(*module), MODULE_BYTES, DISK_BYTES);
	assert(memory && memory_disk_disk(memory)->sector_count == DISK_SECTORS);
	return memory;
}

/* The log makes the disk again: what it was at the last flush, and with all that was written after it. */
static void check_log(struct memory_disk *memory, uint8_t *start, unsigned flushes)
{
	ssize_t len = memory_disk_log_read(memory, 0, log_bytes, LOG_BYTES), at = 0;
	uint8_t odd[100];
	uint64_t sequence = 0;

	assert(len > 0 && !memory_disk_log_read(memory, len, odd, sizeof(odd)));
	assert(memory_disk_log_read(memory, len - 60, odd, sizeof(odd)) == 60 && !memcmp(odd, log_bytes + len - 60, 60));
	while (at < len) {
		struct memory_disk_record record;

		memcpy(&record, log_bytes + at, sizeof(record));
		at += sizeof(record);
		assert(record.sequence == sequence++ && record.sector + record.sector_count <= DISK_SECTORS);
		if (record.operation == DISK_FLUSH && !--flushes)
			assert(!memcmp(start, safe, DISK_BYTES));
		memcpy(start + record.sector * SECTOR, log_bytes + at, record.sector_count * SECTOR);
		at += record.sector_count * SECTOR;
	}
	assert(at == len && !flushes && !memcmp(start, model, DISK_BYTES));
}

/* The pages behind the module's that lie in it are zeroes. */
static void discard(struct disk *ram, unsigned sector, unsigned count)
{
	unsigned first = MAX(6u, (sector + 7) / 8), end = (sector + count) / 8;

	if (first < end)
		memset(model + first * PAGE_SIZE, 0, (end - first) * PAGE_SIZE);
	assert(!disk_prepare(ram, sector, count, true));
}

static void test_memory_disk(uint64_t seed)
{
	uint8_t *module, *start = malloc(DISK_BYTES), *bytes = aligned_alloc(8, 16 * SECTOR);
	struct memory_disk *memory;
	struct disk *ram;
	unsigned flushes = 0;

	host_seed(seed);
	memory = make_memory_disk(&module);
	ram = memory_disk_disk(memory);
	memcpy(start, model, DISK_BYTES);
	memcpy(safe, model, DISK_BYTES);
	assert(!memory_disk_control(memory, "log on 1048576"));
	for (unsigned i = 0; i < 200; i++) {
		unsigned sector = host_random(DISK_SECTORS), count = 1 + host_random(MIN(16, DISK_SECTORS - sector));

		if (!host_random(10)) {
			discard(ram, sector, host_random(DISK_SECTORS - sector + 1));
		} else if (!host_random(20)) {
			assert(!disk_flush(ram));
			memcpy(safe, model, DISK_BYTES);
			flushes++;
		} else if (host_random(3)) {
			assert(!disk_transfer(ram, DISK_READ, sector, count, bytes));
			assert(!memcmp(bytes, model + sector * SECTOR, count * SECTOR));
		} else {
			for (unsigned at = 0; at < count * SECTOR; at++)
				bytes[at] = host_random(256);
			memcpy(model + sector * SECTOR, bytes, count * SECTOR);
			assert(!disk_transfer(ram, DISK_WRITE, sector, count, bytes));
		}
	}
	assert(!memcmp(module, model, 6 * PAGE_SIZE));
	if (flushes)
		check_log(memory, start, flushes);
	memory_disk_destroy(memory);
	free(module);
	free(start);
	free(bytes);
}

static void test_holes(void)
{
	uint8_t *module, bytes[SECTOR] __attribute__((aligned(8))) = { 1 };
	struct memory_disk *memory = make_memory_disk(&module);
	struct disk *ram = memory_disk_disk(memory);
	unsigned hole = 10 * PAGE_SIZE / SECTOR;

	assert(!disk_transfer(ram, DISK_READ, hole, 1, bytes) && !bytes[0] && !memory_disk_frames(memory));
	host_fail_allocation(0);
	assert(disk_transfer(ram, DISK_WRITE, hole, 1, bytes) == -ENOMEM);
	host_fail_allocation(0);
	assert(disk_prepare(ram, hole, 9, false) == -ENOSPC && !memory_disk_frames(memory));
	host_fail_allocation(1);	/* the tree's node */
	assert(disk_prepare(ram, hole, 9, false) == -ENOSPC && !memory_disk_frames(memory));
	host_leave_memory(frame_total() / 16 - 1);	/* programs must have something left */
	assert(disk_prepare(ram, hole, 9, false) == -ENOSPC && !memory_disk_frames(memory));
	host_leave_memory(frame_total() / 16);
	assert(!disk_prepare(ram, hole, 9, false) && memory_disk_frames(memory) == 2);
	host_leave_memory(0);
	assert(!disk_prepare(ram, hole, 9, false));
	host_leave_memory(frame_total());
	host_fail_allocation(0);
	assert(!disk_transfer(ram, DISK_WRITE, hole + 8, 1, bytes) && !host_allocation_failed());
	host_fail_allocation(-1);
	assert(!disk_prepare(ram, 0, 6 * PAGE_SIZE / SECTOR, false) && memory_disk_frames(memory) == 2);
	assert(disk_prepare(ram, DISK_SECTORS, 1, false) == -EINVAL && disk_prepare(ram, DISK_SECTORS - 1, 2, true) == -EINVAL);
	/* Neither a part of a page nor the module is given back. */
	assert(!disk_prepare(ram, hole + 1, 15, true) && memory_disk_frames(memory) == 1);
	assert(!disk_prepare(ram, hole, 7, true) && !disk_prepare(ram, hole + 4, 4, true) && memory_disk_frames(memory) == 1);
	assert(!disk_transfer(ram, DISK_READ, hole + 8, 1, bytes) && !bytes[0]);
	assert(!disk_prepare(ram, 0, DISK_SECTORS, true) && !memory_disk_frames(memory));
	memory_disk_destroy(memory);
	free(module);
}

static void test_faults(void)
{
	static const char *const wrong[] = { "", "log", "log on", "log on 1", "log on x", "log up", "fail", "fail read", "fail read 1", "fail erase 1 1",
					     "fail read 1 1 1 1", "fail read -1 1", "fail read 18446744073709551615 2", "fail off now",
					     "fail read aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 1" };
	uint8_t *module, bytes[4 * SECTOR] __attribute__((aligned(8))) = { 1 };
	struct memory_disk *memory = make_memory_disk(&module);
	struct disk *ram = memory_disk_disk(memory);

	for (unsigned i = 0; i < ARRAY_LEN(wrong); i++)
		assert(memory_disk_control(memory, wrong[i]) == -EINVAL);
	assert(!memory_disk_control(memory, "fail write 8 2"));
	assert(disk_transfer(ram, DISK_WRITE, 9, 1, bytes) == -EIO && disk_transfer(ram, DISK_WRITE, 6, 3, bytes) == -EIO);
	assert(!disk_transfer(ram, DISK_WRITE, 6, 2, bytes) && !disk_transfer(ram, DISK_WRITE, 10, 1, bytes) && !disk_transfer(ram, DISK_READ, 8, 2, bytes));
	assert(!memory_disk_control(memory, "fail read 0x20 1 2\n"));
	assert(disk_transfer(ram, DISK_READ, 32, 1, bytes) == -EIO && disk_transfer(ram, DISK_READ, 31, 4, bytes) == -EIO);
	assert(!disk_transfer(ram, DISK_READ, 32, 1, bytes) && !disk_flush(ram));
	assert(!memory_disk_control(memory, "fail flush 0 0 1"));
	assert(disk_flush(ram) == -EIO && !disk_flush(ram));
	assert(!memory_disk_control(memory, "fail off") && !disk_transfer(ram, DISK_WRITE, 8, 2, bytes));
	for (unsigned i = 0; i < 8; i++)
		assert(!memory_disk_control(memory, "fail read 1 1"));
	assert(memory_disk_control(memory, "fail read 1 1") == -ENOSPC);
	assert(memory_disk_log_read(memory, 0, bytes, 1) == -ENOENT);
	assert(!memory_disk_control(memory, "log on 4096") && memory_disk_control(memory, "log on 4096") == -EEXIST);
	for (unsigned i = 0; i < 8; i++)
		assert(!disk_transfer(ram, DISK_WRITE, 8, 1, bytes));
	assert(memory_disk_log_read(memory, 0, log_bytes, LOG_BYTES) == 7 * (sizeof(struct memory_disk_record) + SECTOR));
	assert(memory_disk_log_read(memory, 4096, log_bytes, LOG_BYTES) == -ENOSPC);
	assert(!memory_disk_control(memory, "log off") && memory_disk_log_read(memory, 0, bytes, 1) == -ENOENT);
	memory_disk_destroy(memory);
	free(module);
}

int main(void)
{
	test_malformed();
	test_registry();
	test_poison();
	test_holes();
	test_faults();
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		test_proxy(seed);
		test_memory_disk(seed);
	}
	assert(kicks && deaths && refused);
	return 0;
}
