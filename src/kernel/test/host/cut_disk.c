/* SPDX-License-Identifier: MIT */
#include "test/host/cut_disk.h"
#include "mm/frame.h"
#include "test/host/fibers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_MAX = 200000 };

struct log_entry { uint64_t sector; uint32_t count; uint8_t *bytes; };	/* a flush: count 0 */

static struct { uint64_t tag; const struct disk_request *request; bool used; } given[DISK_SLOTS];
static struct log_entry disk_log[LOG_MAX];
struct cut_disk cut_disk;

static void start(void *driver, uint64_t tag, const struct disk_request *request)
{
	assert(!given[tag % DISK_SLOTS].used);
	given[tag % DISK_SLOTS].tag = tag;
	given[tag % DISK_SLOTS].request = request;
	given[tag % DISK_SLOTS].used = true;
}

static void kick(void *driver)
{
	if (!host_random(3))
		fiber_yield();
}

static bool writes_to(const struct disk_request *request, uint64_t sector, uint64_t count)
{
	return request->operation == DISK_WRITE && request->sector < sector + count && sector < request->sector + request->sector_count;
}

/* A discard is a write of zeroes, and no write to the same sectors is under way. */
static int prepare(void *driver, uint64_t sector, uint64_t count, bool discard)
{
	uint32_t len = count * CUT_DISK_SECTOR;
	struct log_entry *entry = &disk_log[cut_disk.log_len];
	const struct disk_request *request;

	if (!discard)
		return 0;
	for (unsigned i = 0; i < DISK_SLOTS; i++)
		assert(!given[i].used || !writes_to(given[i].request, sector, count));
	list_for_each(request, &cut_disk.disk.waiting, link)
		assert(!writes_to(request, sector, count));
	memset(cut_disk.image + sector * CUT_DISK_SECTOR, 0, len);
	assert(++cut_disk.log_len < LOG_MAX);
	*entry = (struct log_entry){ sector, count, calloc(1, len) };
	cut_disk.discards++;
	return 0;
}

static const struct disk_driver_ops ops = { .start = start, .kick = kick, .prepare = prepare };

static void carry_out(const struct disk_request *request)
{
	struct log_entry *entry = &disk_log[cut_disk.log_len];
	uint8_t *at = cut_disk.image + request->sector * CUT_DISK_SECTOR;
	uint32_t len = request->sector_count * CUT_DISK_SECTOR;

	for (unsigned i = 0; i < request->segment_count; i++) {
		void *memory = phys_to_virt(request->segments[i].start);

		if (request->operation == DISK_WRITE)
			memcpy(at, memory, request->segments[i].len);
		else
			memcpy(memory, at, request->segments[i].len);
		at += request->segments[i].len;
	}
	if (request->operation == DISK_READ)
		return;
	assert(++cut_disk.log_len < LOG_MAX);
	*entry = (struct log_entry){ request->sector, request->sector_count, malloc(len + 1) };
	memcpy(entry->bytes, at - len, len);
}

void cut_disk_fiber(void *unused)
{
	for (;;) {
		unsigned slot = host_random(DISK_SLOTS), tries = DISK_SLOTS;
		int status;

		while (tries-- && !given[slot].used)
			slot = (slot + 1) % DISK_SLOTS;
		if (!given[slot].used || !host_random(4)) {
			fiber_yield();
			continue;
		}
		given[slot].used = false;
		status = cut_disk.fails && cut_disk.fails(given[slot].request) ? -EIO : 0;
		if (!status)
			carry_out(given[slot].request);
		disk_complete(&cut_disk.disk, given[slot].tag, status);
	}
}

void cut_disk_begin(uint8_t *image, size_t size)
{
	memset(given, 0, sizeof(given));
	cut_disk = (struct cut_disk){ .image = image };
	disk_init(&cut_disk.disk, "test", CUT_DISK_SECTOR, size / CUT_DISK_SECTOR);
	disk_attach(&cut_disk.disk, &ops, NULL);
}

void cut_disk_end(void)
{
	for (unsigned i = 0; i < cut_disk.log_len; i++)
		free(disk_log[i].bytes);
	cut_disk.log_len = 0;
}

void cut_disk_cut(uint8_t *cut, unsigned at)
{
	unsigned safe = at;

	while (safe && disk_log[safe - 1].count)
		safe--;
	for (unsigned i = 0; i < at; i++)
		if (disk_log[i].count && (i < safe || host_random(2)))
			memcpy(cut + disk_log[i].sector * CUT_DISK_SECTOR, disk_log[i].bytes, disk_log[i].count * CUT_DISK_SECTOR);
}
