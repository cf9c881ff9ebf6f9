/* SPDX-License-Identifier: MIT */
/* How a server begins: what it was given by the manager, SIGTERM, its state (server.h). */
#include "server.h"
#include "server_setup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, BEATS_PER_WATCHDOG = 3, NS_PER_US = 1000, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

static volatile sig_atomic_t term_came;
static volatile sig_atomic_t beat_came;
static int term_port;

static void on_term(int number)
{
	(void)number;
	term_came = 1;
	port_notify(term_port, SERVER_TERM_BIT);
}

bool server_term_came(void)
{
	return term_came;
}

static void on_beat(int number)
{
	(void)number;
	beat_came = 1;
}

/* Should the signal come just before the loop waits, the next one is a period away: a third of the watchdog. */
void server_start_beats(int64_t period_ns)
{
	struct sigaction action = { .sa_handler = on_beat, .sa_flags = SA_RESTART };
	struct itimerval timer = { .it_interval = { .tv_sec = period_ns / NS_PER_S, .tv_usec = period_ns % NS_PER_S / NS_PER_US } };

	timer.it_value = timer.it_interval;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

bool server_beat_came(void)
{
	bool came = beat_came;

	if (came)
		beat_came = 0;
	return came;
}

int64_t server_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* The number that the environment gives as @name, which is taken out of it, so that no child believes it. -1: none; -2: no number, after a message. */
static long take_number(const struct server *server, const char *name)
{
	const char *text = getenv(name);
	char *end;
	long number;

	if (!text)
		return -1;
	errno = 0;
	number = strtol(text, &end, 10);
	if (errno || end == text || *end || number < 0 || number > INT_MAX) {
		fprintf(stderr, "%s: %s=%s: expected a number\n", server->name, name, text);
		return -2;
	}
	unsetenv(name);
	return number;
}

/* Returns 0 or a negative errno. */
static int open_port(struct server *server)
{
	struct port_state state;
	long port = take_number(server, "RAEEN_PORT"), error;

	if (port == -2)
		return -EINVAL;
	if (port == -1)
		port = port_create(server->name, server->port_flags);
	if (port < 0)
		return (int)port;
	error = port_control((int)port, PORT_STATE, (uint64_t)&state);
	if (error < 0)
		return (int)error;
	server->port = term_port = (int)port;
	server->persistent = state.flags & PORT_PERSISTENT;
	fcntl((int)port, F_SETFD, FD_CLOEXEC | FD_CLOFORK);
	return 0;
}

int server_open(struct server *server)
{
	struct sigaction action = { .sa_handler = on_term };
	long supervisor = take_number(server, "RAEEN_SUPERVISOR");
	long watchdog_ms = take_number(server, "RAEEN_WATCHDOG_MS");
	int error;

	if (supervisor == -2 || watchdog_ms == -2)
		return -EINVAL;
	/* One that is executed by a descriptor would have the name of its number. */
	prctl(PR_SET_NAME, program_invocation_short_name);
	server->call.server = server;
	server->call.payload = message_buffer();
	if (!server->call.payload)
		return -ENOMEM;
	error = open_port(server);
	if (error < 0)
		return error;
	server->supervisor = (int)supervisor;
	if (supervisor >= 0)
		fcntl((int)supervisor, F_SETFD, FD_CLOEXEC | FD_CLOFORK);
	server->beat_ns = supervisor >= 0 && watchdog_ms > 0 ? watchdog_ms * NS_PER_MS / BEATS_PER_WATCHDOG : MSG_WAIT;
	server->started_ns = server_now_ns();
	message_extra_clear(&server->call.extra);
	if (server->short_way && server->beat_ns > 0)
		server_start_beats(server->beat_ns);
	/* Without SA_RESTART: what waits looks again. */
	sigaction(SIGTERM, &action, NULL);
	return 0;
}

/* The file that stands for memory where the manager gives none. Returns a descriptor, or -1 with errno. */
static int open_state_file(const struct server *server, size_t size)
{
	char path[PATH_MAX];
	struct stat attributes;
	int fd;

	snprintf(path, sizeof path, "/run/%s.state", server->name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && (fstat(fd, &attributes) < 0 || (attributes.st_size < (off_t)size && ftruncate(fd, (off_t)size) < 0))) {
		close(fd);
		return -1;
	}
	return fd;
}

void *server_state(struct server *server, size_t size)
{
	long fd = take_number(server, "RAEEN_STATE");
	struct handle_info info;
	long state;

	size = (size + PAGE_BYTES - 1) & -(size_t)PAGE_BYTES;
	if (fd == -1)
		fd = open_state_file(server, size);
	else if (fd == -2)
		errno = EINVAL;
	if (fd < 0)
		return NULL;
	if (handle_info((int)fd, &info) == 0 && info.kind == HANDLE_SHMEM) {
		state = shmem_map((int)fd, 0, 0, size, PROT_READ | PROT_WRITE, 0);
	} else {
		void *file = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);

		state = file == MAP_FAILED ? -errno : (long)file;
	}
	close((int)fd);
	if (state >= 0)
		return (void *)state;
	errno = (int)-state;
	return NULL;
}
