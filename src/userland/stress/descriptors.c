/* SPDX-License-Identifier: MIT */
/*
 * descriptors: threads that share a table of descriptors open, duplicate and close; a number is one thread's until that closes
 * it, and names the file that was opened. Others look at numbers that come and go; children get copies, and after exec none.
 */
#include "stress.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NUMBERS = 4096, POOL = 24, OWN_RANGE = 1000, OWN_COUNT = 8 };

static _Atomic uint32_t claims[NUMBERS];

/* The descriptors of a worker. */
struct pool {
	struct worker *worker;
	uint32_t mark;
	ino_t inode;		/* of its file */
	unsigned count;
	int fd[POOL];
};

static void claim(struct pool *pool, int fd)
{
	uint32_t old;

	EXPECT(fd > 2 && fd < NUMBERS, "descriptor %d", fd);
	old = atomic_exchange(&claims[fd], pool->mark);
	EXPECT(old == 0, "descriptor %d was given out, and worker %u has it", fd, old - 1);
}

static void let_go(struct pool *pool, int fd)
{
	uint32_t old = atomic_exchange(&claims[fd], 0);

	EXPECT(old == pool->mark, "descriptor %d was taken by worker %u", fd, old - 1);
	EXPECT(close(fd) == 0, "close(%d)", fd);
}

static void add(struct pool *pool, int fd)
{
	claim(pool, fd);
	pool->fd[pool->count++] = fd;
}

static void check(const struct pool *pool, int fd)
{
	struct stat st;
	uint32_t content = 0;

	EXPECT(fstat(fd, &st) == 0 && st.st_ino == pool->inode, "descriptor %d is of file %lu, not %lu", fd, st.st_ino, pool->inode);
	EXPECT(pread(fd, &content, sizeof content, 0) == sizeof content && content == pool->mark, "descriptor %d reads %u", fd, content);
	EXPECT(fcntl(fd, F_GETFD) == FD_CLOEXEC, "descriptor %d has flags %#x", fd, fcntl(fd, F_GETFD));
}

static void open_one(struct pool *pool, bool create)
{
	char name[32];
	struct stat st;
	int fd;

	snprintf(name, sizeof name, "file-%u", pool->worker->index);
	fd = open(name, O_RDWR | O_CLOEXEC | (create ? O_CREAT | O_EXCL : 0), 0600);
	EXPECT(fd >= 0, "%s", name);
	if (create) {
		EXPECT(write(fd, &pool->mark, sizeof pool->mark) == sizeof pool->mark && fstat(fd, &st) == 0, "%s", name);
		pool->inode = st.st_ino;
	}
	add(pool, fd);
}

/* To numbers that nobody else uses, often over one that is open. */
static void duplicate_onto(struct pool *pool, int from)
{
	int to = OWN_RANGE + OWN_COUNT * pool->worker->index + storm_pick(pool->worker, OWN_COUNT);

	EXPECT(dup3(from, to, O_CLOEXEC) == to, "dup3(%d, %d)", from, to);
	check(pool, to);
	if (storm_pick(pool->worker, 2))
		EXPECT(close(to) == 0, "close(%d)", to);
}

static void use_pipe(struct pool *pool)
{
	int ends[2];
	char text[8] = "";

	EXPECT(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
	claim(pool, ends[0]);
	claim(pool, ends[1]);
	EXPECT(write(ends[1], "pipe", 4) == 4 && read(ends[0], text, sizeof text) == 4 && !memcmp(text, "pipe", 4), "read \"%s\"", text);
	let_go(pool, ends[1]);
	EXPECT(read(ends[0], text, sizeof text) == 0, "the writing end is closed");
	let_go(pool, ends[0]);
}

/* Of somebody else, perhaps at this moment being closed. */
static void look_at_any(struct pool *pool)
{
	int fd = 3 + storm_pick(pool->worker, POOL * 8), copy;
	struct stat st;

	EXPECT(fstat(fd, &st) == 0 || errno == EBADF, "fstat(%d)", fd);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	EXPECT(copy >= 0 || errno == EBADF, "F_DUPFD_CLOEXEC of %d", fd);
	if (copy >= 0) {
		claim(pool, copy);
		EXPECT(fstat(copy, &st) == 0, "fstat(%d)", copy);
		let_go(pool, copy);
	}
}

/* The child's copy of the table: what this thread has open is there, and stays there whatever the parent does. */
static void have_a_child(struct pool *pool)
{
	pid_t pid = storm_fork();
	int status;

	if (!pid) {
		for (unsigned i = 0; i < pool->count; i++)
			check(pool, pool->fd[i]);
		if (pool->mark % 2)
			storm_exec(&descriptors_storm, NULL, NULL);
		for (unsigned i = 0; i < pool->count; i++)
			EXPECT(close(pool->fd[i]) == 0, "close(%d)", pool->fd[i]);
		_exit(0);
	}
	status = storm_wait(pid);
	EXPECT(status == 0, "the child ended with %#x", status);
}

/* After exec: nothing but the three that everyone has, and the one for looking. */
static int child(int argc, char **argv)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;

	(void)argc;
	(void)argv;
	while (folder && (entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]) && atoi(entry->d_name) > 2 && atoi(entry->d_name) != dirfd(folder)) {
			printf("FAIL descriptors: %s is open after exec\n", entry->d_name);
			return 2;
		}
	return folder ? 0 : 3;
}

static void work(struct worker *worker)
{
	struct pool pool = { .worker = worker, .mark = worker->index + 1 };

	open_one(&pool, true);
	while (storm_goes_on(worker)) {
		unsigned kind = storm_pick(worker, 16), at = storm_pick(worker, pool.count);

		check(&pool, pool.fd[at]);
		if (kind < 4 && pool.count < POOL)
			open_one(&pool, false);
		else if (kind < 7 && pool.count < POOL)
			add(&pool, fcntl(pool.fd[at], F_DUPFD_CLOEXEC, storm_pick(worker, 2) ? 3 : 100 + storm_pick(worker, 600)));
		else if (kind < 9)
			duplicate_onto(&pool, pool.fd[at]);
		else if (kind < 10)
			use_pipe(&pool);
		else if (kind < 12)
			look_at_any(&pool);
		else if (kind == 12 && storm_pick(worker, 8) == 0)
			have_a_child(&pool);
		else if (pool.count > 1) {
			let_go(&pool, pool.fd[at]);
			pool.fd[at] = pool.fd[--pool.count];
		}
	}
	while (pool.count)
		let_go(&pool, pool.fd[--pool.count]);
}

static void run(unsigned workers)
{
	struct rlimit limit;

	EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
	limit.rlim_cur = NUMBERS < limit.rlim_max ? NUMBERS : limit.rlim_max;
	EXPECT(limit.rlim_cur >= OWN_RANGE + OWN_COUNT * STORM_WORKERS_MAX && setrlimit(RLIMIT_NOFILE, &limit) == 0, "descriptors to at most %lu",
	       (unsigned long)limit.rlim_max);
	storm_threads(workers, work);
}

const struct storm descriptors_storm = { "descriptors", "a shared table of descriptors; whose number is whose", run, child };
