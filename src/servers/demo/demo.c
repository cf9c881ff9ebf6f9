/* SPDX-License-Identifier: MIT */
/*
 * demo: the smallest service, to copy from and to kill.
 *
 * It logs one line, writes its process id to /run/demo.pid, and beats every 10 seconds: a beat writes
 *	pid N
 *	beats N
 * to /run/demo.status. SIGTERM ends it cleanly. It keeps no other state, so a new instance takes over at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PID_FILE "/run/demo.pid"
#define STATUS_FILE "/run/demo.status"

enum { BEAT_SECONDS = 10 };

static volatile sig_atomic_t asked_to_end;

static void on_term(int number)
{
	(void)number;
	asked_to_end = 1;
}

/* Replaces the file as a whole, so that a reader never sees half of it. Returns 0, or -1 after a message. */
static int write_file(const char *path, const char *text)
{
	char new_path[64];
	size_t length = strlen(text);
	int fd, written;

	snprintf(new_path, sizeof(new_path), "%s.new", path);
	fd = open(new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	written = fd >= 0 && write(fd, text, length) == (ssize_t)length;
	if (fd >= 0)
		close(fd);
	if (written && rename(new_path, path) == 0)
		return 0;
	fprintf(stderr, "demo: cannot write %s: %s\n", path, strerror(errno));
	return -1;
}

static int beat(unsigned count)
{
	char text[64];

	snprintf(text, sizeof(text), "pid %d\nbeats %u\n", (int)getpid(), count);
	return write_file(STATUS_FILE, text);
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_term };
	struct timespec pause = { .tv_sec = BEAT_SECONDS };
	sigset_t blocked, while_waiting;
	char text[64];

	/* Blocked except in ppoll(), so that no SIGTERM falls between the question and the sleep. */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &while_waiting);
	sigaction(SIGTERM, &action, NULL);

	snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (beat(0) < 0 || write_file(PID_FILE, text) < 0)
		return 1;
	snprintf(text, sizeof(text), "demo: running as process %d\n", (int)getpid());
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		return 1;
	for (unsigned count = 1; !asked_to_end; count++) {
		ppoll(NULL, 0, &pause, &while_waiting);
		if (!asked_to_end && beat(count) < 0)
			return 1;
	}
	unlink(PID_FILE);
	unlink(STATUS_FILE);
	return 0;
}
