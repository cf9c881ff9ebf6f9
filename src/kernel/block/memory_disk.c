/* SPDX-License-Identifier: MIT */
/*
 * The memory disk as a driver. It has no thread: whoever submits a request copies, or leaves that to who is copying just now.
 *
 * Lock: memory->lock (mutex), for pages, log and faults. Frames come from what programs can have, too, not from the kernel's reserve, so prepare() is what
 * makes sure of them; a write to a hole that was not prepared may fail with -ENOMEM.
 */
#include "block/memory_disk_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"

struct memory_disk *memory_disk_of_root;

void *memory_disk_page(struct memory_disk *memory, uint64_t page, bool make)
{
	struct frame *frame;

	if (page < memory->module_pages)
		return phys_to_virt(memory->module + page * PAGE_SIZE);
	frame = page_tree_get(&memory->pages, page);
	if (!frame && make) {
		frame = frame_alloc(FRAME_ZERO);
		if (frame && page_tree_insert(&memory->pages, page, frame)) {
			frame_put(frame);
			frame = NULL;
		}
		memory->frames += frame != NULL;
	}
	return frame ? frame_to_virt(frame) : NULL;
}

/* Moves @len bytes, all in one page of the disk. */
static int move(struct memory_disk *memory, uint64_t position, char *bytes, uint32_t len, bool write)
{
	char *page = memory_disk_page(memory, position / PAGE_SIZE, write);

	if (!page && write)
		return -ENOMEM;
	if (write)
		memcpy(page + position % PAGE_SIZE, bytes, len);
	else if (page)
		memcpy(bytes, page + position % PAGE_SIZE, len);
	else
		memset(bytes, 0, len);
	return 0;
}

static int transfer(struct memory_disk *memory, const struct disk_request *request)
{
	uint64_t position = request->sector * MEMORY_DISK_SECTOR;

	for (unsigned i = 0; i < request->segment_count; i++) {
		char *bytes = phys_to_virt(request->segments[i].start);
		uint32_t left = request->segments[i].len;

		while (left) {
			uint32_t len = MIN(left, PAGE_SIZE - (uint32_t)(position % PAGE_SIZE));
			int error = move(memory, position, bytes, len, request->operation == DISK_WRITE);

			if (error)
				return error;
			bytes += len;
			position += len;
			left -= len;
		}
	}
	return 0;
}

static int carry_out(struct memory_disk *memory, const struct disk_request *request)
{
	int error = 0;

	mutex_lock(&memory->lock);
	if (unlikely(memory->test))
		error = memory_disk_fault(memory->test, request);
	if (!error)
		error = transfer(memory, request);
	if (unlikely(memory->test) && !error && request->operation != DISK_READ)
		memory_disk_log(memory, request);
	mutex_unlock(&memory->lock);
	return error;
}

static void start(void *driver, uint64_t tag, const struct disk_request *request)
{
	struct memory_disk *memory = driver;
	unsigned slot = tag % DISK_SLOTS;

	memory->started[slot].tag = tag;
	memory->started[slot].request = request;
	atomic_or(&memory->ready, 1ull << slot);
}

/* Carries out what is ready. One at a time: completing a request may start the next one, whose kick leaves it to the loop that is running. */
static void kick(void *driver)
{
	struct memory_disk *memory = driver;

	do {
		uint64_t ready;

		if (atomic_exchange(&memory->busy, 1))
			return;
		while ((ready = atomic_exchange(&memory->ready, 0)))
			for (; ready; ready &= ready - 1) {
				unsigned slot = __builtin_ctzll(ready);
				uint64_t tag = memory->started[slot].tag;

				disk_complete(&memory->disk, tag, carry_out(memory, memory->started[slot].request));
			}
		atomic_exchange(&memory->busy, 0);
	} while (atomic_load(&memory->ready));
}

/* Frees the page's frame. For the log it is a write of zeroes. memory->lock held. */
static void discard_page(struct memory_disk *memory, uint64_t page)
{
	struct frame *frame = page_tree_remove(&memory->pages, page);

	if (!frame)
		return;
	memory->frames--;
	if (unlikely(memory->test)) {
		struct disk_segment segment = { virt_to_phys(memset(frame_to_virt(frame), 0, PAGE_SIZE)), PAGE_SIZE };
		struct disk_request request = {
			.operation = DISK_WRITE, .sector = page * (PAGE_SIZE / MEMORY_DISK_SECTOR), .sector_count = PAGE_SIZE / MEMORY_DISK_SECTOR,
			.segments = &segment, .segment_count = 1,
		};

		memory_disk_log(memory, &request);
	}
	frame_put(frame);
}

/* A page that is discarded in part only is kept. */
static int prepare(void *driver, uint64_t sector, uint64_t count, bool discard)
{
	struct memory_disk *memory = driver;
	uint64_t first = (sector * MEMORY_DISK_SECTOR + (discard ? PAGE_SIZE - 1 : 0)) / PAGE_SIZE;
	uint64_t end = ((sector + count) * MEMORY_DISK_SECTOR + (discard ? 0 : PAGE_SIZE - 1)) / PAGE_SIZE;
	int error = 0;

	if (sector > memory->disk.sector_count || count > memory->disk.sector_count - sector)
		return -EINVAL;
	if (end <= memory->module_pages)
		return 0;
	mutex_lock(&memory->lock);
	for (uint64_t page = MAX(first, memory->module_pages); page < end && !error; page++)
		if (discard)
			discard_page(memory, page);
		else if (!memory_disk_page(memory, page, false) && (disk_memory_is_full() || !memory_disk_page(memory, page, true)))
			error = -ENOSPC;
	mutex_unlock(&memory->lock);
	return error;
}

static const struct disk_driver_ops memory_disk_ops = { .start = start, .kick = kick, .prepare = prepare };

struct memory_disk *memory_disk_create(const char *name, paddr_t module, uint64_t module_len, uint64_t size)
{
	struct memory_disk *memory = kzalloc(sizeof(*memory));

	if (!memory)
		return NULL;
	KASSERT(module % PAGE_SIZE == 0 && size % PAGE_SIZE == 0 && module_len <= size);
	disk_init(&memory->disk, name, MEMORY_DISK_SECTOR, size / MEMORY_DISK_SECTOR);
	memory->module = module;
	memory->module_pages = (module_len + PAGE_SIZE - 1) / PAGE_SIZE;
	if (module_len % PAGE_SIZE)
		memset((char *)phys_to_virt(module) + module_len, 0, PAGE_SIZE - module_len % PAGE_SIZE);
	mutex_init(&memory->lock, LOCK_MEMORY_DISK);
	disk_attach(&memory->disk, &memory_disk_ops, memory);
	return memory;
}

void memory_disk_destroy(struct memory_disk *memory)
{
	uint64_t page = 0;
	struct frame *frame;

	disk_detach(&memory->disk);
	KASSERT(list_empty(&memory->disk.waiting));
	while ((frame = page_tree_next(&memory->pages, &page))) {
		page_tree_remove(&memory->pages, page);
		frame_put(frame);
	}
	memory_disk_test_free(memory->test);
	kfree(memory);
}

/* The page at @page or the first after it that is there; *@page says which. NULL: none. memory->lock held. */
static void *next_page(struct memory_disk *memory, uint64_t *page)
{
	struct frame *frame;

	if (*page < memory->module_pages)
		return memory_disk_page(memory, *page, false);
	frame = page_tree_next(&memory->pages, page);
	return frame ? frame_to_virt(frame) : NULL;
}

bool memory_disk_next_run(struct memory_disk *memory, struct memory_disk_run *run)
{
	void *bytes;

	mutex_lock(&memory->lock);
	bytes = next_page(memory, &run->page);
	if (bytes) {
		run->start = virt_to_phys(bytes);
		for (run->count = 1; memory_disk_page(memory, run->page + run->count, false) == (char *)bytes + run->count * PAGE_SIZE; run->count++)
			;
	}
	mutex_unlock(&memory->lock);
	return bytes;
}

struct disk *memory_disk_disk(struct memory_disk *memory)
{
	return &memory->disk;
}

uint64_t memory_disk_frames(struct memory_disk *memory)
{
	uint64_t frames;

	mutex_lock(&memory->lock);
	frames = memory->frames;
	mutex_unlock(&memory->lock);
	return frames;
}
