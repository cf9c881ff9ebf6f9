/* SPDX-License-Identifier: MIT */
/*
 * Mappings and faults, and the memory that makes a parent small or big.
 */
#include "bench.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SMALL_MAPPING = 4 * PAGE };

static const char file_name[] = "/tmp/bench-pages";
static int file = -1;
static char *faulting, *parent;
static size_t parent_size;

/* Pages of 4 KiB also where the system would rather take large ones: the rows are about pages. */
static char *map_anonymous(size_t size)
{
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(at != MAP_FAILED);
	madvise(at, size, MADV_NOHUGEPAGE);	/* not every kernel has large ones, nor the call */
	return at;
}

static void touch(char *at, size_t size)
{
	for (size_t offset = 0; offset < size; offset += PAGE)
		*(volatile char *)(at + offset) = 1;
}

void run_map_untouched(unsigned count)
{
	while (count--) {
		char *at = mmap(NULL, SMALL_MAPPING, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		MUST(at != MAP_FAILED && munmap(at, SMALL_MAPPING) == 0);
	}
}

void run_map_touched(unsigned count)
{
	while (count--) {
		char *at = mmap(NULL, SMALL_MAPPING, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		MUST(at != MAP_FAILED);
		touch(at, SMALL_MAPPING);
		MUST(munmap(at, SMALL_MAPPING) == 0);
	}
}

void before_fault(void)
{
	faulting = map_anonymous(FAULT_PAGES * PAGE);
}

void run_fault(unsigned count)
{
	(void)count;	/* a page is touched first only once */
	touch(faulting, FAULT_PAGES * PAGE);
}

void after_fault(void)
{
	MUST(munmap(faulting, FAULT_PAGES * PAGE) == 0);
}

void prepare_mapped_file(void)
{
	char page[PAGE];

	memset(page, 'x', sizeof(page));
	MUST((file = open(file_name, O_RDWR | O_CREAT | O_TRUNC, 0644)) >= 0);
	for (unsigned i = 0; i < FILE_PAGES; i++)
		MUST(write(file, page, sizeof(page)) == PAGE);
}

void run_mapped_file(unsigned count)
{
	while (count--) {
		char *at = mmap(NULL, FILE_PAGES * PAGE, PROT_READ, MAP_PRIVATE, file, 0);

		MUST(at != MAP_FAILED);
		for (size_t offset = 0; offset < FILE_PAGES * PAGE; offset += PAGE)
			(void)*(volatile char *)(at + offset);
		MUST(munmap(at, FILE_PAGES * PAGE) == 0);
	}
}

void finish_mapped_file(void)
{
	close(file);
	MUST(unlink(file_name) == 0);
}

static void prepare_parent(size_t pages)
{
	parent_size = pages * PAGE;
	parent = map_anonymous(parent_size);
	touch(parent, parent_size);
}

void prepare_small_parent(void)
{
	prepare_parent(SMALL_PARENT_PAGES);
}

void prepare_big_parent(void)
{
	prepare_parent(BIG_PARENT_PAGES);
}

void finish_parent(void)
{
	MUST(munmap(parent, parent_size) == 0);
}
