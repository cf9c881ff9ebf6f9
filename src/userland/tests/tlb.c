/* SPDX-License-Identifier: MIT */
/*
 * Memory that is taken away while other threads use it: once the call has returned no CPU may still reach it. And how often other CPUs are
 * interrupted for that (the TLB row of /proc/interrupts), where there are others.
 */
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, USERS = 1, ROUNDS = 60, FILLED_PAGES = 32, WAIT_MS = 20000 };

#define POISON 0xbadc0ffee0ddf00dull

static void *map(size_t pages)
{
	char *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!CHECK(at != MAP_FAILED))
		exit(1);
	madvise(at, pages * PAGE, MADV_NOHUGEPAGE);	/* not every kernel has large pages */
	return at;
}

static void touch(char *at, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		at[i * PAGE] = 1;
}

static long cpus;	/* that run; asked before anything is pinned */

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* Where there are several CPUs, the thread that takes away and the one that uses are on two. */
static void part(int cpu)
{
	if (cpus > 1)
		pin(cpu);
}

/* ---- Nobody reaches what is gone ---- */

static volatile uint64_t *volatile page;	/* the page in question */
static volatile int round_number;	/* grows when there is a new page; 0: not begun */
static volatile int gone;		/* the round whose page is gone */
static volatile int ended[2];	/* the last round in which this thread took its fault */
static volatile int late[USERS], foreign[USERS];	/* what must not be: an access after the end, a value of somebody else */
static volatile int writing;		/* threads write; else they read */
static __thread sigjmp_buf after_fault;

static void on_fault(int number)
{
	(void)number;
	siglongjmp(after_fault, 1);
}

static void use_page(int user, int round)
{
	for (;;) {
		int was_gone = gone == round;
		uint64_t value = round;

		if (writing)
			*page = round;
		else
			value = *page;
		if (was_gone)
			late[user]++;
		if (value != (uint64_t)round)
			foreign[user]++;
		if (was_gone || value != (uint64_t)round)
			return;
	}
}

static void *user_main(void *argument)
{
	int user = (long)argument;
	volatile int round = 0;

	part(1);
	for (;;) {
		while (round_number == round)
			sched_yield();
		round = round_number;
		if (round < 0)
			return NULL;
		if (!sigsetjmp(after_fault, 1))
			use_page(user, round);
		ended[user] = round;
	}
}

/* Other memory, at other addresses, takes the place of what was freed. */
static void fill_memory(uint64_t *at)
{
	for (size_t i = 0; i < FILLED_PAGES * PAGE / sizeof(*at); i++)
		at[i] = POISON;
}

static void use_while(void (*take_away)(void), int write)
{
	pthread_t users[USERS];

	part(0);
	signal(SIGSEGV, on_fault);
	writing = write;
	for (long i = 0; i < USERS; i++)
		CHECK_EQ(pthread_create(&users[i], NULL, user_main, (void *)i), 0);
	for (int round = 1; round <= ROUNDS; round++) {
		uint64_t *other = map(FILLED_PAGES);

		page = map(1);
		*page = round;
		round_number = round;
		for (int i = round % 7; i > 0; i--)
			sched_yield();
		take_away();
		gone = round;
		fill_memory(other);
		for (int i = 0; i < USERS; i++)
			for (long end = check_now() + WAIT_MS; ended[i] != round; sched_yield())
				if (check_now() > end) {
					CHECK(!"the thread went on");
					exit(1);
				}
		munmap((void *)page, PAGE);
		munmap(other, FILLED_PAGES * PAGE);
	}
	round_number = -1;
	for (int i = 0; i < USERS; i++) {
		CHECK_EQ(pthread_join(users[i], NULL), 0);
		CHECK_EQ(late[i], 0);
		CHECK_EQ(foreign[i], 0);
	}
}

static void unmap_page(void) { CHECK_EQ(munmap((void *)page, PAGE), 0); }
static void forbid_page(void) { CHECK_EQ(mprotect((void *)page, PAGE, PROT_NONE), 0); }
static void forbid_writing(void) { CHECK_EQ(mprotect((void *)page, PAGE, PROT_READ), 0); }

static void move_page(void)
{
	char *to = map(1);

	CHECK(mremap((void *)page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	memset(to, 0xee, PAGE);
	CHECK_EQ(munmap(to, PAGE), 0);
}

static void read_while_unmapped(void) { use_while(unmap_page, 0); }
static void read_while_forbidden(void) { use_while(forbid_page, 0); }
static void read_while_moved(void) { use_while(move_page, 0); }
static void write_while_unmapped(void) { use_while(unmap_page, 1); }
static void write_while_protected(void) { use_while(forbid_writing, 1); }

/* A writer with a right to write that fork took away must get a page of its own: the child's stays as it was. */
static void *count_up(void *argument)
{
	(void)argument;
	part(1);
	while (round_number >= 0)
		++*page;
	return NULL;
}

static void check_still(void *argument)
{
	uint64_t before = *page;

	(void)argument;
	/* With one CPU the writer uses its quantum up each time. */
	for (int i = 0; i < 10; i++) {
		sched_yield();
		if (*page != before)
			_exit(1);
	}
}

static void write_while_forking(void)
{
	pthread_t writer;

	part(0);
	page = map(1);
	CHECK_EQ(pthread_create(&writer, NULL, count_up, NULL), 0);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(check_child(check_still, NULL), 0);
	round_number = -1;
	CHECK_EQ(pthread_join(writer, NULL), 0);
}

static volatile unsigned long looks;

static void *look_for_old(void *argument)
{
	part(1);
	for (; round_number >= 0; looks++) {
		int round = gone;
		uint64_t value = *page;

		late[0] += round && value && gone == round;
	}
	return argument;
}

/* Dropped contents are zeroes at once, whatever becomes of the frame. */
static void read_while_dropped(void)
{
	uint64_t *other = map(FILLED_PAGES);
	pthread_t thread;

	part(0);
	page = map(1);
	CHECK_EQ(pthread_create(&thread, NULL, look_for_old, NULL), 0);
	for (int round = 1; round <= ROUNDS; round++) {
		*page = round;
		for (unsigned long seen = looks; looks < seen + 2;)
			sched_yield();
		CHECK_EQ(madvise((void *)page, PAGE, MADV_DONTNEED), 0);
		gone = round;
		for (unsigned long seen = looks; looks < seen + 2;)
			sched_yield();
		fill_memory(other);
		for (unsigned long seen = looks; looks < seen + 2;)
			sched_yield();
		gone = 0;
		CHECK_EQ(madvise(other, FILLED_PAGES * PAGE, MADV_DONTNEED), 0);
	}
	round_number = -1;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(late[0], 0);
}

/* New rights may be given without an interrupt: a thread whose CPU remembers less must not be refused for that. */
static void *read_then_write(void *argument)
{
	(void)argument;
	part(1);
	for (int round = 1; round <= ROUNDS; round++) {
		while (round_number != round)
			sched_yield();
		late[0] += !*page;
		ended[0] = round;
		while (gone != round)
			sched_yield();
		*page = round;
		ended[1] = round;
	}
	return NULL;
}

static void write_once_allowed(void)
{
	pthread_t thread;

	part(0);
	page = map(1);
	*page = 1;
	CHECK_EQ(pthread_create(&thread, NULL, read_then_write, NULL), 0);
	for (int round = 1; round <= ROUNDS; round++) {
		CHECK_EQ(mprotect((void *)page, PAGE, PROT_READ), 0);
		round_number = round;
		while (ended[0] != round)
			sched_yield();
		CHECK_EQ(mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE), 0);
		gone = round;
		while (ended[1] != round)
			sched_yield();
		CHECK_EQ(*page, round);
	}
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(late[0], 0);
}

/* ---- Interrupts ---- */

enum { REPEAT = 40, NOISE = 15 };

/* All CPUs' TLB interrupts so far; -1 where there is no such row. Needs no memory, which would have to be flushed, too. */
static long tlb_interrupts(void)
{
	static char text[1 << 16];
	int file = open("/proc/interrupts", O_RDONLY);
	size_t size = 0;
	ssize_t part;
	long sum = 0;
	char *at, *end;

	while (file >= 0 && (part = read(file, text + size, sizeof(text) - 1 - size)) > 0)
		size += part;
	close(file);
	text[size] = 0;
	at = strstr(text, "TLB:");
	if (!at)
		return -1;
	for (at += 4;; at = end) {
		long count = strtol(at, &end, 10);

		if (end == at)
			return sum;
		sum += count;
	}
}

static int several(void)
{
	return cpus > 1 && tlb_interrupts() >= 0;
}

static volatile int other_runs, other_ends;
static volatile unsigned long other_steps;

/* The second CPU: has the space loaded, and uses it or idles. */
static void *other_main(void *argument)
{
	pin(1);
	other_runs = 1;
	for (; !other_ends; other_steps++)
		if (!argument)
			check_sleep(5);
	return NULL;
}

static void start_other(pthread_t *thread, int busy)
{
	pin(0);
	CHECK_EQ(pthread_create(thread, NULL, other_main, busy ? thread : NULL), 0);
	CHECK(check_await(&other_runs, WAIT_MS));
	if (!busy)
		check_sleep(20);
}

static void end_other(pthread_t thread)
{
	other_ends = 1;
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void unmap_pages(size_t pages)
{
	char *at = map(pages);

	touch(at, pages);
	CHECK_EQ(munmap(at, pages * PAGE), 0);
}

/* Until the other thread, if there is one, was seen on its CPU, which may have other things to do now and then and then has another space loaded. */
static void await_other(void)
{
	unsigned long steps = other_steps;

	for (long end = check_now() + WAIT_MS; other_runs && other_steps == steps && check_now() < end;)
		;
}

static long interrupts_of(void (*body)(size_t pages), size_t pages)
{
	long before = tlb_interrupts();

	for (int i = 0; i < REPEAT; i++) {
		await_other();
		body(pages);
	}
	return tlb_interrupts() - before;
}

static void one_thread_interrupts_nobody(void)
{
	if (!several())
		return;
	pin(0);
	unmap_pages(64);
	CHECK(interrupts_of(unmap_pages, 64) < NOISE);
	CHECK(interrupts_of(unmap_pages, 2000) < NOISE);
}

static void protect_pages(size_t pages)
{
	static char *at;

	if (!at) {
		at = map(pages);
		touch(at, pages);
	}
	CHECK_EQ(mprotect(at, pages * PAGE, PROT_READ), 0);
	CHECK_EQ(mprotect(at, pages * PAGE, PROT_READ | PROT_WRITE), 0);
}

/* About one for a range of any size, or two; none would mean that the other CPU does not know. */
static void busy_cpu_is_interrupted_seldom(void)
{
	pthread_t other;
	long count;

	if (!several())
		return;
	start_other(&other, 1);
	count = interrupts_of(unmap_pages, 64);
	CHECK(count >= REPEAT / 2);
	CHECK(count < REPEAT + NOISE);
	count = interrupts_of(unmap_pages, 500);
	CHECK(count >= REPEAT / 2);
	CHECK(count < 2 * REPEAT + NOISE);
	count = interrupts_of(protect_pages, 1500);	/* Linux tells of new rights, too */
	CHECK(count >= REPEAT / 2);
	CHECK(count < 2 * REPEAT + NOISE);
	end_other(other);
}

static char *kept;

/* Leaves the page tables as they are: there are pages on both sides. */
static void drop_pages(size_t pages)
{
	touch(kept, 2 * pages);
	CHECK_EQ(madvise(kept + PAGE, pages * PAGE, MADV_DONTNEED), 0);
}

static void idle_cpu_is_left_alone(void)
{
	pthread_t other;

	if (!several())
		return;
	kept = map(128);
	start_other(&other, 0);
	CHECK(interrupts_of(drop_pages, 64) < NOISE);
	end_other(other);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(read_while_unmapped), CASE(read_while_forbidden), CASE(read_while_moved), CASE(write_while_unmapped),
		CASE(write_while_protected), CASE(write_while_forking), CASE(read_while_dropped), CASE(write_once_allowed), CASE(one_thread_interrupts_nobody),
		CASE(busy_cpu_is_interrupted_seldom), CASE(idle_cpu_is_left_alone), { NULL, NULL },
	};

	cpus = sysconf(_SC_NPROCESSORS_ONLN);
	return check_main("tlb", cases, argc, argv);
}
