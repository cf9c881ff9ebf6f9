/* SPDX-License-Identifier: MIT */
/*
 * futexes: a token handed round by waits and wakes, which a lost wake would stop; and waits against wakes of all kinds, with
 * time-outs that race with them: every wait that returned 0 was woken by exactly one wake, so both counts must be equal.
 * On private words by threads, on shared words by processes.
 */
#include "stress.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	WORDS = 3,
	WAITERS = 4, WAKERS = 2,
	WAKES = 150,
	RING = 4, LAPS = 60,
	WAKE_OP_ADD_1_IF_ANY = FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_GE, 0),
};

struct arena {
	_Atomic uint32_t word[WORDS];
	_Atomic int done;
	_Atomic unsigned waiting;	/* waiters that have not ended */
	_Atomic unsigned long slept, woken, timed_out;
	_Atomic uint32_t turn;
	unsigned flag;			/* FUTEX_PRIVATE_FLAG or 0 */
	struct party {
		struct arena *arena;
		unsigned index;
		uint64_t random;
	} party[WAITERS + WAKERS];
};

static long futex(struct arena *arena, _Atomic uint32_t *word, int operation, uint32_t value, uintptr_t fourth, _Atomic uint32_t *other, uint32_t third)
{
	return syscall(SYS_futex, word, operation | arena->flag, value, fourth, other, third);
}

static void wait_once(struct arena *arena, struct worker *worker)
{
	_Atomic uint32_t *word = &arena->word[storm_pick(worker, WORDS)];
	struct timespec soon = { 0, 1 + storm_pick(worker, 2000000) };
	uint32_t value = *word;
	long result;

	switch (storm_pick(worker, 3)) {
	case 0: result = futex(arena, word, FUTEX_WAIT, value, 0, NULL, 0); break;
	case 1: result = futex(arena, word, FUTEX_WAIT, value, (uintptr_t)&soon, NULL, 0); break;
	default: result = futex(arena, word, FUTEX_WAIT_BITSET, value, 0, NULL, 1u << storm_pick(worker, 2)); break;
	}
	if (result == 0)
		arena->slept++;
	else if (errno == ETIMEDOUT)
		arena->timed_out++;
	else
		EXPECT(result == -1 && errno == EAGAIN, "a wait gave %ld", result);
}

static void waiter(void *argument)
{
	struct party *party = argument;
	struct worker worker = { .random = party->random };

	while (!party->arena->done)
		wait_once(party->arena, &worker);
	party->arena->waiting--;
}

/* Returns how many waits it has ended. */
static long wake_once(struct arena *arena, struct worker *worker)
{
	unsigned at = storm_pick(worker, WORDS), count = 1 + storm_pick(worker, 3);
	_Atomic uint32_t *word = &arena->word[at], *other = &arena->word[(at + 1) % WORDS];
	long result;

	switch (storm_pick(worker, 5)) {
	case 0:
		(*word)++;
		return futex(arena, word, FUTEX_WAKE, count, 0, NULL, 0);
	case 1:
		(*word)++;
		return futex(arena, word, FUTEX_WAKE_BITSET, count, 0, NULL, 1u << storm_pick(worker, 2));
	case 2:
		result = futex(arena, word, FUTEX_CMP_REQUEUE, count, 1 + storm_pick(worker, 3), other, *word);
		EXPECT(result >= 0 || errno == EAGAIN, "requeue gave %ld", result);
		return result < 0 ? 0 : result < count ? result : count;
	case 3:
		return futex(arena, word, FUTEX_WAKE_OP, count, 1, other, WAKE_OP_ADD_1_IF_ANY);
	default:
		return futex(arena, word, FUTEX_WAKE, INT_MAX, 0, NULL, 0);
	}
}

static void count_woken(struct arena *arena, long woken)
{
	EXPECT(woken >= 0 && woken <= WAITERS, "a wake gave %ld", woken);
	arena->woken += woken;
}

static void waker(void *argument)
{
	struct party *party = argument;
	struct worker worker = { .random = party->random };

	for (int i = 0; i < WAKES; i++) {
		count_woken(party->arena, wake_once(party->arena, &worker));
		if (storm_pick(&worker, 4) == 0)
			sched_yield();
	}
}

static void wake_the_rest(struct arena *arena)
{
	arena->done = 1;
	while (arena->waiting) {
		for (int i = 0; i < WORDS; i++) {
			arena->word[i]++;
			count_woken(arena, futex(arena, &arena->word[i], FUTEX_WAKE, INT_MAX, 0, NULL, 0));
		}
		sched_yield();
	}
}

static void waits_against_wakes(struct worker *worker, struct arena *arena, bool processes)
{
	struct storm_helper helper[WAITERS + WAKERS];

	arena->done = 0;
	arena->slept = arena->woken = 0;
	arena->waiting = WAITERS;
	for (unsigned i = 0; i < WAITERS + WAKERS; i++) {
		arena->party[i] = (struct party){ arena, i, storm_random(worker) | 1 };
		storm_help(&helper[i], processes, i < WAITERS ? waiter : waker, &arena->party[i]);
	}
	for (unsigned i = WAITERS; i < WAITERS + WAKERS; i++)
		storm_join(&helper[i]);
	wake_the_rest(arena);
	for (unsigned i = 0; i < WAITERS; i++)
		storm_join(&helper[i]);
	EXPECT(arena->slept == arena->woken, "%lu waits were woken by %lu wakes (%s)", arena->slept, arena->woken, processes ? "processes" : "threads");
}

/* Each waits for its turn and hands it on, waking only the next by its bit. */
static void ring_member(void *argument)
{
	struct party *party = argument;
	struct arena *arena = party->arena;

	for (unsigned lap = 0; lap < LAPS; lap++) {
		uint32_t mine = lap * RING + party->index, now;

		while ((now = arena->turn) != mine) {
			EXPECT((int32_t)(mine - now) > 0, "turn %u came when %u was due", now, mine);
			EXPECT(futex(arena, &arena->turn, FUTEX_WAIT_BITSET, now, 0, NULL, 1u << party->index) == 0 || errno == EAGAIN, "wait");
		}
		arena->turn = mine + 1;
		/* All who see another's turn wait on; the bit of the next is enough only when it is the one that waits. */
		EXPECT(futex(arena, &arena->turn, FUTEX_WAKE_BITSET, INT_MAX, 0, NULL, 1u << (mine + 1) % RING) >= 0, "wake");
	}
}

static void token_ring(struct worker *worker, struct arena *arena, bool processes)
{
	struct storm_helper helper[RING];

	arena->turn = 0;
	for (unsigned i = 0; i < RING; i++) {
		arena->party[i] = (struct party){ arena, i, storm_random(worker) | 1 };
		storm_help(&helper[i], processes, ring_member, &arena->party[i]);
	}
	for (unsigned i = 0; i < RING; i++)
		storm_join(&helper[i]);
	EXPECT(arena->turn == RING * LAPS, "the token was handed on %u times", arena->turn);
}

static void work(struct worker *worker)
{
	struct arena *arena = storm_shared(sizeof *arena);

	while (storm_goes_on(worker)) {
		bool processes = storm_pick(worker, 3) == 0;

		arena->flag = processes || storm_pick(worker, 4) == 0 ? 0 : FUTEX_PRIVATE_FLAG;
		waits_against_wakes(worker, arena, processes);
		storm_advance(worker);
		token_ring(worker, arena, processes);
	}
	munmap(arena, sizeof *arena);
}

static void run(unsigned workers)
{
	storm_processes((workers + 3) / 4, work);
}

const struct storm futexes_storm = { "futexes", "tokens handed on, waits against wakes, each wake accounted for", run, NULL };
