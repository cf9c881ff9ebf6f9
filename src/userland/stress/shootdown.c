/* SPDX-License-Identifier: MIT */
/*
 * shootdown: once a change of a mapping has returned, no CPU goes on with what it had: threads read and write a page without a
 * pause while another maps it anew, takes rights away, unmaps and drops it. Each access happens between two looks at a
 * sequence number; if it was the same and even, the access must have had the effect that the state then announced allows.
 */
#include "stress.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 4, BURST = 64 };

enum rights { NONE, READ_ONLY, WRITABLE, RIGHTS };

/* One changing thread and one or more that access; the words are on pages of their own. */
struct arena {
	char *page;
	_Atomic uint32_t sequence;	/* odd: a change is under way */
	_Atomic uint32_t rights;
	_Atomic uint64_t value;		/* of the first word, where it can be read */
	bool dropped;			/* the contents are zeros now; the changing thread's */
};

static struct arena arenas[STORM_WORKERS_MAX];
static unsigned arena_count;
static _Atomic unsigned changers_left, not_started;

static __thread sigjmp_buf refused;
static __thread volatile bool armed;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	if (!armed)
		storm_fail(__FILE__, __LINE__, "armed", "signal %d at %p", signal, info->si_addr);
	armed = false;
	siglongjmp(refused, 1);
}

static bool try_read(volatile uint64_t *word, uint64_t *value)
{
	if (sigsetjmp(refused, 0))
		return false;
	armed = true;
	*value = *word;
	armed = false;
	return true;
}

static bool try_write(volatile uint64_t *word, uint64_t value)
{
	if (sigsetjmp(refused, 0))
		return false;
	armed = true;
	*word = value;
	armed = false;
	return true;
}

static void look(struct arena *arena, unsigned page)
{
	uint32_t before = arena->sequence, rights = arena->rights;
	uint64_t expected = arena->value, value = 0;
	bool read = try_read((uint64_t *)(arena->page + page * PAGE), &value);

	if (before % 2 || arena->sequence != before)
		return;
	EXPECT(read == (rights != NONE), "a read was %s with rights %u (sequence %u)", read ? "allowed" : "refused", rights, before);
	EXPECT(!read || value == expected, "page %u holds %#lx, expected %#lx (sequence %u)", page, (long)value, (long)expected, before);
}

/* The word that is written is this thread's alone, and only looked at here. */
static void touch(struct arena *arena, struct worker *worker, unsigned page)
{
	uint64_t *word = (uint64_t *)(arena->page + page * PAGE) + 1 + worker->index, value = 0, mark = storm_random(worker);
	uint32_t before = arena->sequence, rights = arena->rights;
	bool written = try_write(word, mark), read;

	if (before % 2 || arena->sequence != before)
		return;
	EXPECT(written == (rights == WRITABLE), "a write was %s with rights %u (sequence %u)", written ? "allowed" : "refused", rights, before);
	read = try_read(word, &value);
	if (arena->sequence == before && written)
		EXPECT(read && value == mark, "a word holds %#lx just after %#lx was written", (long)value, (long)mark);
}

/* All rights are given back, so that the pages can be filled; then the new ones are set. */
static void change(struct arena *arena, struct worker *worker)
{
	static const int protection[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };
	enum rights rights = storm_pick(worker, RIGHTS);
	size_t size = PAGES * PAGE;
	int kind = storm_pick(worker, 5), flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	uint64_t value = storm_random(worker);
	bool ok;

	arena->sequence++;
	switch (kind) {
	case 0:		/* new pages over the old ones */
		ok = mmap(arena->page, size, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED;
		break;
	case 1:
		ok = munmap(arena->page, size) == 0;
		flags |= storm_pick(worker, 2) ? MAP_POPULATE : 0;
		ok = ok && mmap(arena->page, size, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED;
		break;
	case 2:		/* the pages are dropped and come back as zeros */
		ok = mprotect(arena->page, size, PROT_READ | PROT_WRITE) == 0 && madvise(arena->page, size, MADV_DONTNEED) == 0;
		break;
	default:
		ok = mprotect(arena->page, size, PROT_READ | PROT_WRITE) == 0;
	}
	EXPECT(ok, "change %d", kind);
	for (unsigned i = 0; i < PAGES; i++) {
		volatile uint64_t *word = (uint64_t *)(arena->page + i * PAGE);
		uint64_t old = *word, due = kind <= 2 || arena->dropped ? 0 : arena->value;

		EXPECT(old == due, "page %u holds %#lx after change %d, expected %#lx", i, (long)old, kind, (long)due);
		*word = value;
	}
	arena->dropped = rights == NONE && storm_pick(worker, 2);
	if (arena->dropped)
		ok = mmap(arena->page, size, PROT_NONE, flags, -1, 0) != MAP_FAILED;
	else
		ok = mprotect(arena->page, size, protection[rights]) == 0;
	EXPECT(ok, "rights %d", rights);
	arena->value = value;
	arena->rights = rights;
	arena->sequence++;
}

static void work(struct worker *worker)
{
	struct arena *arena = &arenas[worker->index % arena_count];

	/* A stack for a new thread would take the place of pages that are unmapped for a moment. */
	not_started--;
	while (not_started)
		sched_yield();
	if (worker->index < arena_count) {
		while (storm_goes_on(worker)) {
			change(arena, worker);
			for (unsigned i = storm_pick(worker, BURST); i > 0; i--)
				sched_yield();
		}
		changers_left--;
		return;
	}
	while (storm_goes_on(worker) || (storm_state->rounds && changers_left))
		for (unsigned i = 0; i < BURST; i++)
			(storm_pick(worker, 2) ? look(arena, storm_pick(worker, PAGES)) : touch(arena, worker, storm_pick(worker, PAGES)));
}

static void run(unsigned workers)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	arena_count = workers / 4 ? workers / 4 : 1;
	changers_left = arena_count;
	not_started = workers;
	for (unsigned i = 0; i < arena_count; i++) {
		arenas[i].page = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		EXPECT(arenas[i].page != MAP_FAILED, "mmap");
		arenas[i].rights = WRITABLE;
	}
	storm_threads(workers, work);
}

const struct storm shootdown_storm = { "shootdown", "pages accessed while their mappings change; stale rights and contents show", run, NULL };
