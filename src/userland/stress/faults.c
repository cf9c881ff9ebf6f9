/* SPDX-License-Identifier: MIT */
/*
 * faults: threads touch the same fresh pages at once, each at a word of its own, and all must have got the same page:
 * anonymous, shared, of a file, of a file privately, and copied on write after fork. Meanwhile each maps and unmaps pages
 * beside them. And threads that write go on while others fork: no write is lost, and a child's memory stands still.
 */
#include "stress.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / 8, PAGES = 48, CREW = 4, WRITES = 4000, FORKS = 4 };

enum kind { ANONYMOUS, SHARED, OF_FILE, OF_FILE_PRIVATELY, AFTER_FORK, KINDS };

struct team;

struct member {
	struct team *team;
	unsigned index;
	uint64_t random;
};

struct team {
	pthread_barrier_t barrier;
	uint64_t (*pages)[WORDS];
	enum kind kind;
	uint64_t mark;			/* differs from round to round */
	_Atomic bool forking;
	_Atomic uint64_t written[CREW];	/* by each member while others fork */
	struct member member[CREW];
};

static uint64_t word_of(const struct team *team, unsigned page, unsigned member)
{
	return team->mark + page * 64 + member;
}

/* What the last word of a page holds before anyone has written. */
static uint64_t first_content(const struct team *team, unsigned page)
{
	return team->kind >= OF_FILE ? team->mark ^ page : 0;
}

static int make_file(struct team *team, unsigned number)
{
	uint64_t page[WORDS] = { 0 };
	char name[32];
	int fd;

	snprintf(name, sizeof name, "faults-%u", number);
	fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	EXPECT(fd >= 0 && unlink(name) == 0, "%s", name);
	for (unsigned i = 0; i < PAGES; i++) {
		page[WORDS - 1] = first_content(team, i);
		EXPECT(write(fd, page, PAGE) == PAGE, "write");
	}
	return fd;
}

static void map_pages(struct team *team, unsigned number)
{
	static const int flags[KINDS] = { MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS, MAP_SHARED, MAP_PRIVATE, MAP_PRIVATE | MAP_ANONYMOUS };
	int fd = team->kind == OF_FILE || team->kind == OF_FILE_PRIVATELY ? make_file(team, number) : -1;

	team->pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags[team->kind], fd, 0);
	EXPECT(team->pages != MAP_FAILED, "kind %d", team->kind);
	if (fd >= 0)
		close(fd);
	if (team->kind == AFTER_FORK)
		for (unsigned i = 0; i < PAGES; i++)
			team->pages[i][WORDS - 1] = first_content(team, i);
}

static void beside(struct worker *worker)
{
	size_t size = PAGE * (1 + storm_pick(worker, 8));
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(memory != MAP_FAILED, "mmap");
	memory[size - 1] = 1;
	EXPECT(memory[0] == 0, "a fresh page is not zero");
	if (storm_pick(worker, 2))
		EXPECT(mprotect(memory, PAGE, PROT_READ) == 0, "mprotect");
	EXPECT(munmap(memory, size) == 0, "munmap");
}

static void *touch_all(void *argument)
{
	struct member *member = argument;
	struct team *team = member->team;
	struct worker worker = { .random = member->random };
	unsigned first = storm_pick(&worker, 3) ? 0 : storm_pick(&worker, PAGES);

	pthread_barrier_wait(&team->barrier);
	for (unsigned i = 0; i < PAGES; i++) {
		unsigned page = (first + i) % PAGES;
		volatile uint64_t *words = team->pages[page];

		if (storm_pick(&worker, 2))
			EXPECT(words[WORDS - 1] == first_content(team, page), "page %u, kind %d: %#lx", page, team->kind, (long)words[WORDS - 1]);
		words[member->index] = word_of(team, page, member->index);
		if (storm_pick(&worker, 8) == 0)
			beside(&worker);
	}
	pthread_barrier_wait(&team->barrier);
	for (unsigned page = 0; page < PAGES; page++) {
		for (unsigned i = 0; i < CREW; i++)
			EXPECT(team->pages[page][i] == word_of(team, page, i), "page %u, kind %d: the word of thread %u is %#lx", page, team->kind, i,
			       (long)team->pages[page][i]);
		EXPECT(team->pages[page][WORDS - 1] == first_content(team, page), "page %u, kind %d: its content is gone", page, team->kind);
	}
	return NULL;
}

/* The child of AFTER_FORK, which shares the pages until they are written; it is told to look when they were. */
static pid_t keep_copies(struct team *team, int *go)
{
	int ends[2];
	pid_t pid;
	char byte;

	EXPECT(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
	pid = storm_fork();
	if (!pid) {
		EXPECT(read(ends[0], &byte, 1) == 1, "read");
		for (unsigned page = 0; page < PAGES; page++) {
			EXPECT(team->pages[page][WORDS - 1] == first_content(team, page), "page %u of the child has changed", page);
			for (unsigned i = 0; i < CREW; i++)
				EXPECT(team->pages[page][i] == 0, "page %u of the child has the parent's word %#lx", page, (long)team->pages[page][i]);
		}
		_exit(0);
	}
	close(ends[0]);
	*go = ends[1];
	return pid;
}

static void start_team(struct team *team, struct worker *worker, void *(*body)(void *), pthread_t *threads)
{
	for (unsigned i = 0; i < CREW; i++) {
		team->member[i] = (struct member){ team, i, storm_random(worker) | 1 };
		threads[i] = storm_thread(body, &team->member[i]);
	}
}

static void join_team(pthread_t *threads)
{
	for (unsigned i = 0; i < CREW; i++)
		EXPECT(pthread_join(threads[i], NULL) == 0, "pthread_join");
}

static void touches(struct team *team, struct worker *worker)
{
	pthread_t threads[CREW];
	pid_t child = 0;
	int go, status;

	team->kind = storm_pick(worker, KINDS);
	team->mark = storm_random(worker) & ~0xffffull;
	map_pages(team, worker->index);
	if (team->kind == AFTER_FORK)
		child = keep_copies(team, &go);
	start_team(team, worker, touch_all, threads);
	join_team(threads);
	if (child) {
		/* Not by closing it: children of other teams have copies of this end. */
		EXPECT(write(go, "", 1) == 1 && close(go) == 0, "write");
		status = storm_wait(child);
		EXPECT(status == 0, "the child ended with %#x", status);
	}
	EXPECT(munmap(team->pages, PAGES * PAGE) == 0, "munmap");
}

/* Each write goes to a page of the team's in turn; it must still be there when its page comes again. */
static void *write_on(void *argument)
{
	struct member *member = argument;
	struct team *team = member->team;
	uint64_t last[CREW] = { 0 };

	for (uint64_t i = 1; team->forking || i < WRITES; i++) {
		unsigned page = i % CREW;
		volatile uint64_t *word = &team->pages[page][member->index];

		EXPECT(*word == last[page], "thread %u wrote %lu to page %u and finds %lu", member->index, (long)last[page], page, (long)*word);
		*word = last[page] = i;
		team->written[member->index] = i;
	}
	return NULL;
}

/* In the child: nobody writes to its memory, so all words stay as they are, not older than the fork. */
noreturn static void stand_still(struct team *team, const uint64_t *before)
{
	uint64_t seen[CREW][CREW];

	for (int look = 0; look < 3; look++) {
		for (unsigned page = 0; page < CREW; page++)
			for (unsigned i = 0; i < CREW; i++) {
				uint64_t value = ((volatile uint64_t *)team->pages[page])[i];

				EXPECT(look == 0 || value == seen[page][i], "page %u, word %u of a child has changed from %lu to %lu", page, i,
				       (long)seen[page][i], (long)value);
				EXPECT(value + CREW > before[i], "page %u, word %u of a child is %lu, written was %lu", page, i, (long)value, (long)before[i]);
				seen[page][i] = value;
			}
		sched_yield();
	}
	_exit(0);
}

static void writes_against_fork(struct team *team, struct worker *worker)
{
	pthread_t threads[CREW];
	uint64_t before[CREW];

	team->kind = ANONYMOUS;
	map_pages(team, worker->index);
	team->forking = true;
	start_team(team, worker, write_on, threads);
	for (int i = 0; i < FORKS; i++) {
		pid_t pid;
		int status;

		for (unsigned k = 0; k < CREW; k++)
			before[k] = team->written[k];
		pid = storm_fork();
		if (!pid)
			stand_still(team, before);
		status = storm_wait(pid);
		EXPECT(status == 0, "the child ended with %#x", status);
	}
	team->forking = false;
	join_team(threads);
	for (unsigned i = 0; i < CREW; i++)
		team->written[i] = 0;
	EXPECT(munmap(team->pages, PAGES * PAGE) == 0, "munmap");
}

/* Half of the workers are threads of one process, so that their teams share an address space. */
static void work(struct worker *worker)
{
	struct team *team = calloc(1, sizeof *team);

	EXPECT(team, "calloc");
	pthread_barrier_init(&team->barrier, NULL, CREW);
	while (storm_goes_on(worker)) {
		if (storm_pick(worker, 3) == 0)
			writes_against_fork(team, worker);
		else
			touches(team, worker);
	}
	free(team);
}

static void run(unsigned workers)
{
	storm_threads((workers + 3) / 4, work);
}

const struct storm faults_storm = { "faults", "threads that touch the same fresh pages; writes against fork", run, NULL };
