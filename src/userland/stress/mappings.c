/* SPDX-License-Identifier: MIT */
/*
 * mappings: threads change interleaved parts of one address space: map, unmap, protect, move, drop and fill ranges of pages, each
 * by a model of its own pages. What the model says is there is there, and the kernel refuses what is not.
 */
#include "stress.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 48, RUN_MAX = 12 };

enum state { UNMAPPED, NO_ACCESS, READABLE, WRITABLE };

/* A worker's pages: page i of it is page (i * workers + index) of the whole, so that neighbours belong to others. */
struct field {
	char *base;
	size_t stride;
	struct page {
		uint8_t state, shared;
		uint64_t value;		/* of its first and last word */
	} page[PAGES];
};

static char *whole;
static unsigned crew;
static int zeros;
static _Atomic unsigned not_started;

static char *address(const struct field *field, unsigned page)
{
	return field->base + page * field->stride;
}

static void fill(struct field *field, unsigned at, uint64_t value)
{
	uint64_t *words = (uint64_t *)address(field, at);

	words[0] = words[PAGE / 8 - 1] = value;
	field->page[at].value = value;
}

static void check(const struct field *field, unsigned at)
{
	const struct page *page = &field->page[at];
	volatile uint64_t *words = (uint64_t *)address(field, at);

	if (page->state >= READABLE)
		EXPECT(words[0] == page->value && words[PAGE / 8 - 1] == page->value, "page %u holds %#lx, %#lx, expected %#lx", at, (long)words[0],
		       (long)words[PAGE / 8 - 1], (long)page->value);
}

/* By a copy of the kernel's, which must not fault where the program would. */
static void check_by_kernel(const struct field *field, unsigned at)
{
	const struct page *page = &field->page[at];
	ssize_t got = read(zeros, address(field, at) + 8, 8);

	EXPECT(page->state == WRITABLE ? got == 8 : got == -1 && errno == EFAULT, "a read into page %u in state %u gave %zd", at, page->state, got);
}

static void map(struct worker *worker, struct field *field, unsigned at)
{
	bool shared = storm_pick(worker, 4) == 0;
	int flags = MAP_FIXED | MAP_ANONYMOUS | (shared ? MAP_SHARED : MAP_PRIVATE) | (storm_pick(worker, 4) ? 0 : MAP_POPULATE);

	EXPECT(mmap(address(field, at), PAGE, PROT_READ | PROT_WRITE, flags, -1, 0) == address(field, at), "mmap");
	field->page[at] = (struct page){ WRITABLE, shared, 0 };
	check(field, at);
	if (storm_pick(worker, 2))
		fill(field, at, storm_random(worker));
}

static void protect(struct worker *worker, struct field *field, unsigned at)
{
	static const int protection[] = { 0, PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };
	enum state state = NO_ACCESS + storm_pick(worker, 3);
	int result = mprotect(address(field, at), PAGE, protection[state]);

	if (field->page[at].state == UNMAPPED) {
		EXPECT(result == -1 && errno == ENOMEM, "mprotect of nothing gave %d", result);
		return;
	}
	EXPECT(result == 0, "mprotect");
	field->page[at].state = state;
}

static void drop(struct field *field, unsigned at)
{
	int result = madvise(address(field, at), PAGE, MADV_DONTNEED);

	EXPECT(field->page[at].state == UNMAPPED ? result == -1 && errno == ENOMEM : result == 0, "madvise gave %d", result);
	if (!field->page[at].shared)
		field->page[at].value = 0;
}

/* To another page of ours, over what is there. */
static void move(struct field *field, unsigned from, unsigned to)
{
	if (from == to || field->page[from].state == UNMAPPED)
		return;
	EXPECT(mremap(address(field, from), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, address(field, to)) == address(field, to), "mremap");
	field->page[to] = field->page[from];
	field->page[from] = (struct page){ UNMAPPED, 0, 0 };
}

/* The child finds what was there at fork, and what it changes stays its own. */
static void have_a_child(struct worker *worker, struct field *field)
{
	pid_t pid = storm_fork();
	int status;

	if (!pid) {
		for (unsigned i = 0; i < PAGES; i++) {
			check(field, i);
			if (field->page[i].state == WRITABLE && !field->page[i].shared && storm_pick(worker, 2))
				fill(field, i, ~field->page[i].value);
		}
		for (unsigned i = 0; i < PAGES; i++)
			check(field, i);
		_exit(0);
	}
	status = storm_wait(pid);
	EXPECT(status == 0, "the child ended with %#x", status);
}

static void change(struct worker *worker, struct field *field)
{
	unsigned first = storm_pick(worker, PAGES), count = 1 + storm_pick(worker, RUN_MAX), kind = storm_pick(worker, 9);

	for (unsigned at = first; at < PAGES && at < first + count; at++) {
		check(field, at);
		switch (kind) {
		case 0:
		case 1: map(worker, field, at); break;
		case 2:
			EXPECT(munmap(address(field, at), PAGE) == 0, "munmap");
			field->page[at] = (struct page){ UNMAPPED, 0, 0 };
			break;
		case 3: protect(worker, field, at); break;
		case 4: drop(field, at); break;
		case 5: move(field, at, storm_pick(worker, PAGES)); break;
		case 6: check_by_kernel(field, at); break;
		default:
			if (field->page[at].state == WRITABLE)
				fill(field, at, storm_random(worker));
		}
		check(field, at);
	}
}

static void work(struct worker *worker)
{
	struct field *field = calloc(1, sizeof *field);

	EXPECT(field, "calloc");
	field->base = whole + worker->index * PAGE;
	field->stride = (size_t)crew * PAGE;
	for (unsigned i = 0; i < PAGES; i++)
		field->page[i].state = NO_ACCESS;
	/* A stack for a new thread, or memory for calloc, would take the place of pages that are unmapped. */
	not_started--;
	while (not_started)
		sched_yield();
	while (storm_goes_on(worker)) {
		if (storm_pick(worker, 64) == 0)
			have_a_child(worker, field);
		else
			change(worker, field);
	}
}

static void run(unsigned workers)
{
	crew = not_started = workers;
	zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	whole = mmap(NULL, (size_t)workers * PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(zeros >= 0 && whole != MAP_FAILED, "mmap");
	storm_threads(workers, work);
}

const struct storm mappings_storm = { "mappings", "interleaved ranges of one address space, each by its model", run, NULL };
