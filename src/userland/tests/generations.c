/* SPDX-License-Identifier: MIT */
/*
 * Memory over generations of forks: a process and its descendants write to, unmap, protect, move and drop pages of one large mapping in
 * random order, each against its own model of what the pages must hold. SEED=N repeats a run.
 */
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 1300, RUN = 300, STEPS = 120, GENERATIONS = 4, MANY = 12 };

enum state { NOTHING, READABLE, WRITABLE };

static struct {
	unsigned char state[PAGES];
	unsigned value[PAGES];
} model;

static char *base;
static unsigned long long random_state;
static int zero_device;

static unsigned pick(unsigned bound)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (random_state >> 33) % bound;
}

static unsigned *word(unsigned page)
{
	return (unsigned *)(base + (size_t)page * PAGE + page % 1000 * 4);
}

/* Whether page @page can be read and written, without a fault that ends the program: the kernel copies to and from it. */
static enum state state_of(unsigned page)
{
	static int pipe_ends[2];
	char byte;

	if (!pipe_ends[1] && pipe(pipe_ends))
		return NOTHING;
	if (write(pipe_ends[1], word(page), 1) != 1)
		return NOTHING;
	if (read(pipe_ends[0], &byte, 1) != 1)
		return NOTHING;
	return read(zero_device, word(page) + 1, 1) == 1 ? WRITABLE : READABLE;
}

static int count_wrong(void)
{
	int wrong = 0;

	for (unsigned i = 0; i < PAGES; i++)
		wrong += model.state[i] != NOTHING && *word(i) != model.value[i];
	for (unsigned i = pick(16); i < PAGES; i += 16)
		wrong += state_of(i) != model.state[i];
	return wrong;
}

static void set(unsigned first, unsigned count, enum state state, int clear)
{
	for (unsigned i = first; i < first + count; i++) {
		model.state[i] = state;
		if (clear)
			model.value[i] = 0;
	}
}

static int all_mapped(unsigned first, unsigned count)
{
	return !memchr(model.state + first, NOTHING, count);
}

static void write_pages(unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i += 1 + pick(20))
		if (model.state[i] == WRITABLE)
			*word(i) = model.value[i] = pick(1u << 30);
}

static void move_pages(unsigned from, unsigned count)
{
	unsigned to = pick(PAGES - count + 1);
	char *source = base + (size_t)from * PAGE, *target = base + (size_t)to * PAGE;
	size_t length = (size_t)count * PAGE;

	if (to < from + count && from < to + count)
		return;
	for (unsigned i = from; i < from + count; i++)
		if (model.state[i] != WRITABLE)
			return;
	CHECK_EQ(munmap(target, length), 0);
	set(to, count, NOTHING, 1);
	if (mremap(source, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, target) != target) {
		int error = errno;

		CHECK_EQ(error, EFAULT);	/* not one mapping, although it looks like one */
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		/* A page's word has its place by the page's number. */
		unsigned *moved = (unsigned *)(target + (size_t)i * PAGE + (from + i) % 1000 * 4), value = *moved;

		CHECK_EQ(value, model.value[from + i]);
		*moved = 0;
		*word(to + i) = model.value[to + i] = value;
	}
	set(to, count, WRITABLE, 0);
	set(from, count, NOTHING, 1);
}

static void change(void)
{
	unsigned first = pick(PAGES - 1), count = 1 + pick(PAGES - first < RUN ? PAGES - first : RUN);
	char *at = base + (size_t)first * PAGE;
	size_t length = (size_t)count * PAGE;

	switch (pick(10)) {
	case 0:
		CHECK_EQ(munmap(at, length), 0);
		set(first, count, NOTHING, 1);
		break;
	case 1:
	case 2:
		CHECK(mmap(at, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
		set(first, count, WRITABLE, 1);
		break;
	case 3:
		if (all_mapped(first, count)) {
			int writable = pick(3) != 0;

			CHECK_EQ(mprotect(at, length, writable ? PROT_READ | PROT_WRITE : PROT_READ), 0);
			set(first, count, writable ? WRITABLE : READABLE, 0);
		}
		break;
	case 4:
		if (all_mapped(first, count)) {
			CHECK_EQ(madvise(at, length, MADV_DONTNEED), 0);
			for (unsigned i = first; i < first + count; i++)
				model.value[i] = 0;
		}
		break;
	case 5:
		move_pages(first, count);
		break;
	default:
		write_pages(first, count);
	}
}

static void live(int generation)
{
	pid_t children[2] = { 0, 0 };

	for (int step = 0; step < STEPS; step++) {
		change();
		if (generation < GENERATIONS && (step == STEPS / 4 || step == STEPS / 2)) {
			int which = step == STEPS / 2;

			children[which] = fork();
			if (children[which] < 0)
				break;
			if (!children[which]) {
				random_state += generation * 2 + which + 1;
				live(generation + 1);
				_exit(0);
			}
		}
		if (step % 40 == 39)
			CHECK_EQ(count_wrong(), 0);
	}
	for (int i = 0; i < 2; i++)
		if (children[i] > 0)
			CHECK_EQ(check_wait(children[i]), 0);
	CHECK_EQ(count_wrong(), 0);
}

static void start(void)
{
	const char *given = getenv("SEED");

	random_state = given ? strtoull(given, NULL, 0) : (unsigned long long)time(NULL);
	printf("generations: SEED=%llu\n", random_state);
	fflush(stdout);
	zero_device = open("/dev/zero", O_RDONLY);
	base = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(base != MAP_FAILED && zero_device >= 0);
	set(0, PAGES, WRITABLE, 1);
	for (unsigned i = 0; i < PAGES; i++)
		*word(i) = model.value[i] = i;
}

static void random_changes(void)
{
	start();
	live(0);
}

/* Many children of one parent hold the same memory while it changes it; each must see it as it was when it was born. */
static void siblings(void)
{
	int ready[2], go[2], wrong = 0;
	char byte;

	start();
	CHECK_EQ(pipe(ready), 0);
	CHECK_EQ(pipe(go), 0);
	for (int i = 0; i < MANY; i++) {
		pid_t pid = fork();

		if (!pid) {
			close(go[1]);
			if (write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) != 0)
				_exit(2);
			for (int k = 0; k < 20 + i; k++)
				change();
			_exit(count_wrong() != 0);
		}
		CHECK(pid > 0);
		CHECK_EQ(read(ready[0], &byte, 1), 1);
		write_pages(0, PAGES);
	}
	CHECK_EQ(munmap(base, (size_t)PAGES / 2 * PAGE), 0);
	set(0, PAGES / 2, NOTHING, 1);
	close(go[1]);
	for (int i = 0; i < MANY; i++)
		wrong += check_wait(-1) != 0;
	CHECK_EQ(wrong, 0);
	CHECK_EQ(count_wrong(), 0);
}

/* A thread of execution that ends early leaves its pages to the rest, in whatever order they end. */
static void orphans(void)
{
	int done[2];
	char byte = 0;

	start();
	CHECK_EQ(pipe(done), 0);
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		if (!pid) {
			if (fork() == 0) {
				close(done[0]);
				if (i == 1)
					check_sleep(20);
				for (int k = 0; k < 40; k++)
					change();
				byte = count_wrong() != 0;
				_exit(write(done[1], &byte, 1) != 1);
			}
			write_pages(0, PAGES);
			_exit(count_wrong() != 0);
		}
		CHECK_EQ(check_wait(pid), 0);
		change();
	}
	close(done[1]);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(read(done[0], &byte, 1), 1);
		CHECK_EQ(byte, 0);
	}
	CHECK_EQ(count_wrong(), 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = { CASE(random_changes), CASE(siblings), CASE(orphans), { NULL, NULL } };

	return check_main("generations", cases, argc, argv);
}
