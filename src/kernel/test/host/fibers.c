/* SPDX-License-Identifier: MIT */
/* Fibers, the wait queues that they sleep in, a clock, frames and shrinkers: what host tests of the block layer link besides host.c. */
#include "test/host/fibers.h"
#include "mm/frame.h"
#include "mm/oom.h"
#include "sched/clock.h"
#include "sync/wait.h"
#include "test/host/host.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIBERS_MAX = 32 };

struct fiber {
	pthread_t thread;
	sem_t turn;
	void (*fn)(void *arg);
	void *arg;
	bool daemon, ended;
	struct waiter *waiter;	/* it sleeps */
	uint64_t deadline;
};

static struct fiber fibers[FIBERS_MAX];
static unsigned fiber_count;
static struct fiber *current;
static sem_t scheduler;
static bool abandoned;
static uint64_t random_state = 1, now = NS_PER_SEC;

static uint64_t seed_now;
void __asan_on_error(void);

/* A failure says which run it was in. */
void __asan_on_error(void) { fprintf(stderr, "seed %llu\n", (unsigned long long)seed_now); }
static void aborted(int unused) { __asan_on_error(); }

void host_seed(uint64_t seed)
{
	seed_now = seed;
	signal(SIGABRT, aborted);
	random_state = seed * 0x9e3779b97f4a7c15ull + 1;
}

uint64_t host_random(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state * 0x2545f4914f6cdd1dull >> 16) % below;
}

uint64_t clock_monotonic_ns(void) { return now; }

/* Threads of the host, so that the sanitizers know their stacks; each waits for its turn. */
static void *enter(void *arg)
{
	struct fiber *fiber = arg;

	sem_wait(&fiber->turn);
	if (!abandoned)
		fiber->fn(fiber->arg);
	fiber->ended = true;
	sem_post(&scheduler);
	return NULL;
}

void fiber_start(void (*fn)(void *arg), void *arg, bool daemon)
{
	struct fiber *fiber = &fibers[fiber_count++];

	assert(fiber_count <= FIBERS_MAX);
	*fiber = (struct fiber){ .fn = fn, .arg = arg, .daemon = daemon };
	sem_init(&fiber->turn, 0, 0);
	if (pthread_create(&fiber->thread, NULL, enter, fiber))
		abort();
}

static void give_turn(struct fiber *fiber)
{
	current = fiber;
	sem_post(&fiber->turn);
	sem_wait(&scheduler);
	current = NULL;
}

static bool can_run(const struct fiber *fiber)
{
	return !fiber->ended && (!fiber->waiter || fiber->waiter->woken || fiber->deadline <= now);
}

static struct fiber *choose(void)
{
	unsigned able = 0, chosen;

	for (unsigned i = 0; i < fiber_count; i++)
		able += can_run(&fibers[i]);
	if (!able)
		return NULL;
	chosen = host_random(able);
	for (unsigned i = 0;; i++)
		if (can_run(&fibers[i]) && !chosen--)
			return &fibers[i];
}

static bool jump_ahead(void)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < fiber_count; i++)
		if (!fibers[i].ended && fibers[i].deadline < next)
			next = fibers[i].deadline;
	if (next == UINT64_MAX)
		return false;
	now = next;
	return true;
}

static bool all_ended(void)
{
	for (unsigned i = 0; i < fiber_count; i++)
		if (!fibers[i].ended && !fibers[i].daemon)
			return false;
	return true;
}

void fibers_run(void)
{
	sem_init(&scheduler, 0, 0);
	while (!all_ended()) {
		current = choose();
		if (!current && jump_ahead())
			continue;
		if (!current) {
			fprintf(stderr, "fibers: nobody can run\n");
			abort();
		}
		now += host_random(20 * NS_PER_US);
		give_turn(current);
	}
	abandoned = true;
	for (unsigned i = 0; i < fiber_count; i++) {
		if (!fibers[i].ended)
			give_turn(&fibers[i]);
		pthread_join(fibers[i].thread, NULL);
	}
	abandoned = false;
	fiber_count = 0;
}

static void switch_away(struct waiter *waiter, uint64_t deadline)
{
	struct fiber *me = current;

	assert(me);
	me->waiter = waiter;
	me->deadline = deadline;
	sem_post(&scheduler);
	sem_wait(&me->turn);
	if (abandoned) {
		sem_post(&scheduler);
		pthread_exit(NULL);
	}
	me->waiter = NULL;
	me->deadline = UINT64_MAX;
}

void fiber_yield(void)
{
	if (current)
		switch_away(NULL, 0);
}

void fiber_sleep(uint64_t ns)
{
	struct waiter nobody = { 0 };

	switch_away(&nobody, now + ns);
}

/* ---- Wait queues ---- */

void wait_queue_init(struct wait_queue *queue)
{
	*queue = (struct wait_queue){ 0 };
	list_init(&queue->waiters);
}

void wait_begin(struct wait_queue *queue, struct waiter *waiter)
{
	*waiter = (struct waiter){ .queue = queue };
	if (!queue->waiters.next)
		list_init(&queue->waiters);
	list_push_back(&queue->waiters, &waiter->link);
}

int wait_block(struct waiter *waiter, uint64_t deadline, enum wait_mode mode)
{
	switch_away(waiter, deadline);
	if (!waiter->woken)
		return -ETIMEDOUT;
	waiter->woken = 0;
	return 0;
}

void wait_end(struct waiter *waiter)
{
	list_remove(&waiter->link);
}

void wake_all(struct wait_queue *queue)
{
	struct waiter *waiter;

	if (queue->waiters.next)
		list_for_each(waiter, &queue->waiters, link)
			waiter->woken = 1;
}

/* ---- Memory ---- */

struct host_frame { struct frame frame; void *page; };

struct frame *frame_alloc(unsigned flags)
{
	struct host_frame *host;

	if (host_allocation_fails())
		return NULL;
	host = calloc(1, sizeof(*host));
	host->page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
	memset(host->page, flags & FRAME_ZERO ? 0 : 0xa5, PAGE_SIZE);
	host->frame.refs = 1;
	return &host->frame;
}

void frame_put(struct frame *frame)
{
	struct host_frame *host = (struct host_frame *)frame;

	assert(frame->refs);
	if (--frame->refs)
		return;
	free(host->page);
	free(host);
}

void *frame_to_virt(const struct frame *frame)
{
	return ((const struct host_frame *)frame)->page;
}

void shrinker_register(struct shrinker *shrinker)
{
}

void memory_reclaim_by_writing(size_t (*write)(size_t frames, bool wait))
{
}

static size_t frames_to_reclaim;

void host_let_reclaim(size_t frames) { frames_to_reclaim = frames; }

enum { TOTAL = 1 << 20 };

static size_t spare_frames = TOTAL;

void host_leave_memory(size_t frames) { spare_frames = frames; }

size_t memory_spare(void)
{
	return spare_frames;
}

size_t frame_total(void)
{
	return TOTAL;
}

size_t memory_reclaim(size_t frames)
{
	size_t freed = frames < frames_to_reclaim ? frames : frames_to_reclaim;

	frames_to_reclaim -= freed;
	return freed;
}
