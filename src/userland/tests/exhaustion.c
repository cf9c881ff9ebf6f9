/* SPDX-License-Identifier: MIT */
/*
 * An ordinary user takes all there is of one kind of thing, until an error or a signal says that it is enough. Afterwards a further program runs,
 * and the kernel has given back every object: each case runs twice, and the second time may not leave more behind than the first.
 */
#include "check.h"
#include "leak.h"

#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { USER = 1004, PAGE = 4096 };

/* How a hoarder ended: it was told that there is no more, or reached the bound of the test. Killed is told by its status. */
enum { REFUSED = 40, BOUND = 41, STRANGE = 42 };

static int report_end(int error, int expected)
{
	if (error == expected || error == ENOMEM)
		return REFUSED;
	printf("ended with error %d (%s)\n", error, strerror(error));
	return STRANGE;
}

static void run_shell(void *unused)
{
	(void)unused;
	execl("/bin/sh", "sh", "-c", "test \"$(echo alive | cat)\" = alive", (char *)NULL);
	_exit(99);
}

static void become_user(void)
{
	if (setresgid(USER, USER, USER) || setresuid(USER, USER, USER))
		_exit(STRANGE);
}

struct hoard {
	int (*take)(void);
};

static void run_hoard(void *argument)
{
	struct hoard *hoard = argument;

	become_user();
	_exit(hoard->take());
}

/* Both rounds must end in a way that is defined; the first leaves what stays in any case. */
static void exhaust(int (*take)(void))
{
	static struct leak_mark mark;
	struct hoard hoard = { take };

	for (int round = 0; round < 2; round++) {
		int end = check_child(run_hoard, &hoard);

		CHECK(end == REFUSED || end == BOUND || end == CHECK_KILLED + SIGKILL);
		CHECK_EQ(check_child(run_shell, NULL), 0);
		if (round)
			leak_check(&mark, "the second round");
		else
			leak_mark(&mark);
	}
}

/* ---- Hoarders ---- */

/* One page touched in each 2 MiB: as many page tables as pages. */
static int take_page_tables(void)
{
	enum { STEP = 2 << 20 };
	size_t size = 1UL << 42;
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return report_end(errno, ENOMEM);
	for (size_t done = 0; done < size; done += STEP)
		at[done] = 1;
	return BOUND;
}

/* A mapping cut into as many as there may be. */
static int take_mappings(void)
{
	enum { PIECES = 150000 };
	char *at = mmap(NULL, 2UL * PIECES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return report_end(errno, ENOMEM);
	for (size_t i = 0; i < PIECES; i++)
		if (mprotect(at + 2 * i * PAGE, PAGE, PROT_READ))
			return report_end(errno, ENOMEM);
	return BOUND;
}

/* Every second byte of a file locked: none can be merged with another. */
static int take_locks(void)
{
	enum { LOCKS = 1500 };
	char name[64];
	int fd;

	snprintf(name, sizeof name, "/tmp/exhaustion-locks-%d", getpid());
	fd = open(name, O_RDWR | O_CREAT, 0600);
	if (fd < 0)
		return report_end(errno, EMFILE);
	unlink(name);
	for (long i = 0; i < LOCKS; i++) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2 * i, .l_len = 1 };

		if (fcntl(fd, F_SETLK, &lock))
			return report_end(errno, ENOLCK);
	}
	return BOUND;
}

/* Queued signals that nobody takes. */
static int take_signals(void)
{
	enum { SIGNALS = 100000 };
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (int i = 0; i < SIGNALS; i++)
		if (sigqueue(getpid(), SIGRTMIN + i % 8, (union sigval){ .sival_int = i }))
			return report_end(errno, EAGAIN);
	return BOUND;
}

static void *sleep_for_good(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* Threads: kernel stacks, ids. */
static int take_threads(void)
{
	enum { THREADS = 5000 };
	pthread_attr_t attributes;
	pthread_t thread;
	int error = 0;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 16384);
	for (int i = 0; i < THREADS && !error; i++)
		error = pthread_create(&thread, &attributes, sleep_for_good, NULL);
	return error ? report_end(error, EAGAIN) : BOUND;
}

static void fill_pipes(void)
{
	static char block[65536];
	int ends[2];

	while (pipe2(ends, O_NONBLOCK) == 0) {
		fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
		while (write(ends[1], block, sizeof block) > 0)
			;
	}
}

/* Descriptors and pipe buffers of several processes at once, all full. */
static int take_pipes(void)
{
	enum { PROCESSES = 6 };
	int status, go[2], filled = 0;
	char byte;

	if (pipe(go))
		return report_end(errno, EMFILE);
	for (int i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			close(go[1]);
			fill_pipes();
			_exit(read(go[0], &byte, 1) == 0 ? 0 : 1);
		}
		filled += pid > 0;
	}
	close(go[0]);
	sleep(2);
	close(go[1]);
	for (int i = 0; i < filled; i++)
		if (wait(&status) < 0 || (!WIFEXITED(status) && WTERMSIG(status) != SIGKILL))
			return STRANGE;
	return BOUND;
}

/* Names that do not exist: the cache of names remembers that. */
static int take_names(void)
{
	char name[64];
	struct stat info;

	for (int i = 0; i < 40000; i++) {
		snprintf(name, sizeof name, "/tmp/no-such-name-%d-%d", getpid(), i);
		if (stat(name, &info) == 0 || errno != ENOENT)
			return report_end(errno, ENFILE);
	}
	return BOUND;
}

/* Files that exist, one page each, until the file system is full or there are many. */
static int take_files(void)
{
	char folder[64], name[96];
	int count, result = BOUND;

	snprintf(folder, sizeof folder, "/tmp/exhaustion-%d", getpid());
	if (mkdir(folder, 0700))
		return report_end(errno, ENOSPC);
	for (count = 0; count < 8000 && result == BOUND; count++) {
		int fd;

		snprintf(name, sizeof name, "%s/%d", folder, count);
		fd = open(name, O_WRONLY | O_CREAT, 0600);
		if (fd < 0 || write(fd, "x", 1) < 0)
			result = report_end(errno, ENOSPC);
		close(fd);
	}
	while (count-- > 0) {
		snprintf(name, sizeof name, "%s/%d", folder, count);
		unlink(name);
	}
	return rmdir(folder) ? STRANGE : result;
}

static void allow_all_descriptors(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* The same open file in as many descriptors as there may be. */
static int take_descriptors(void)
{
	int fd = open("/dev/null", O_RDONLY);

	if (fd < 0)
		return report_end(errno, EMFILE);
	allow_all_descriptors();
	for (int i = 0; i < 2000000; i++)
		if (dup(fd) < 0)
			return report_end(errno, EMFILE);
	return BOUND;
}

/* Open files of every kind that costs an object of its own each time. */
static int take_open_files(void)
{
	allow_all_descriptors();
	for (int i = 0; i < 500000; i++) {
		int fd = i % 5 == 0 ? open("/dev/null", O_RDONLY) : i % 5 == 1 ? eventfd(0, 0) : i % 5 == 2 ? timerfd_create(CLOCK_MONOTONIC, 0) :
			 i % 5 == 3 ? memfd_create("hoard", 0) : epoll_create1(0);

		if (fd < 0)
			return report_end(errno, EMFILE);
	}
	return BOUND;
}

/* Each epoll watches each eventfd. */
static int take_watches(void)
{
	enum { EPOLLS = 200, EVENTS = 700 };
	int epolls[EPOLLS], events[EVENTS];
	struct epoll_event event = { .events = EPOLLIN };

	for (int i = 0; i < EPOLLS; i++)
		if ((epolls[i] = epoll_create1(0)) < 0)
			return report_end(errno, EMFILE);
	for (int i = 0; i < EVENTS; i++)
		if ((events[i] = eventfd(0, 0)) < 0)
			return report_end(errno, EMFILE);
	for (int i = 0; i < EPOLLS * EVENTS; i++)
		if (epoll_ctl(epolls[i / EVENTS], EPOLL_CTL_ADD, events[i % EVENTS], &event))
			return report_end(errno, ENOSPC);
	return BOUND;
}

/* Timers, which RLIMIT_SIGPENDING bounds as the signals that they will send. */
static int take_timers(void)
{
	struct sigevent signal = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct itimerspec far = { .it_value = { .tv_sec = 1000000 } };
	timer_t timer;

	for (int i = 0; i < 100000; i++)
		if (timer_create(CLOCK_MONOTONIC, &signal, &timer) || timer_settime(timer, 0, &far, NULL))
			return report_end(errno, EAGAIN);
	return BOUND;
}

/* Message queues without a name, as full as they get. */
static int take_message_queues(void)
{
	struct mq_attr shape = { .mq_maxmsg = 10, .mq_msgsize = 8192 };
	static char text[8192];
	char name[64];

	for (int i = 0; i < 10000; i++) {
		mqd_t queue;

		snprintf(name, sizeof name, "/exhaustion-%d-%d", getpid(), i);
		queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &shape);
		if (queue < 0)
			return report_end(errno, EMFILE);
		mq_unlink(name);
		while (mq_send(queue, text, sizeof text, 0) == 0)
			;
	}
	return BOUND;
}

/* RaeenOS's ports; elsewhere there is no such call. */
static int take_ports(void)
{
	enum { SYS_PORT_CREATE = 1024 };

	allow_all_descriptors();
	for (int i = 0; i < 100000; i++)
		if (syscall(SYS_PORT_CREATE, 0l, 0) < 0)
			return errno == ENOSYS ? BOUND : report_end(errno, errno == EMFILE ? EMFILE : ENOSPC);
	return BOUND;
}

/* Memory of one process, written to. */
static int take_memory(void)
{
	enum { CHUNK = 1 << 20 };

	for (long i = 0; i < 1 << 20; i++) {
		char *more = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (more == MAP_FAILED)
			return report_end(errno, ENOMEM);
		memset(more, i | 1, CHUNK);
	}
	return BOUND;
}

/* Processes that each do the same again. */
static int take_processes(void)
{
	int go[2], made = 0, error = 0;
	char byte;

	if (pipe(go))
		return report_end(errno, EMFILE);
	while (made < 5000) {
		pid_t pid = fork();

		if (pid == 0) {
			close(go[1]);
			_exit(read(go[0], &byte, 1) == 0 ? 0 : 1);
		}
		if (pid < 0) {
			error = errno;
			break;
		}
		made++;
	}
	close(go[1]);
	while (wait(NULL) > 0)
		;
	return error ? report_end(error, EAGAIN) : BOUND;
}

#define HOARD(kind) static void kind(void) { exhaust(take_##kind); }

HOARD(page_tables)
HOARD(mappings)
HOARD(locks)
HOARD(signals)
HOARD(threads)
HOARD(pipes)
HOARD(names)
HOARD(files)
HOARD(descriptors)
HOARD(open_files)
HOARD(watches)
HOARD(timers)
HOARD(message_queues)
HOARD(ports)
HOARD(memory)
HOARD(processes)

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(mappings), CASE(locks), CASE(signals), CASE(threads), CASE(pipes), CASE(names), CASE(files), CASE(descriptors),
		CASE(open_files), CASE(watches), CASE(timers), CASE(message_queues), CASE(ports),
		CASE(processes), CASE(memory), CASE(page_tables), { NULL, NULL },
	};

	return check_main("exhaustion", cases, argc, argv);
}
