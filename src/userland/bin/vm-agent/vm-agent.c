/* SPDX-License-Identifier: MIT */
/*
 * vm-agent: runs the one command that ci/vm gave to this guest and reports it over a serial line.
 *
 *	vm-agent COMMAND_FILE TTY
 *
 * Frames on TTY: type (1 byte), payload length (4 bytes, little endian), payload.
 *	's' started, 'o' standard output, 'e' standard error, 'x' exit status (4 bytes: code, or 128 + signal)
 * Afterwards the machine is powered off. The same static binary runs in RaeenOS and in the Linux guest, so it keeps to
 * plain POSIX calls; those two names are Linux's: reboot() and its RB_POWER_OFF.
 */
#define _GNU_SOURCE 1

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum {
	FRAME_HEAD = 5,
	FRAME_DATA = 16384,
	COMMAND_MAX = 120 * 1024,	/* one argument of execve may have 128 KiB */
	DRAIN_MS = 100,			/* how long a descendant may still write when the command has ended */
	EXIT_NO_SHELL = 127,
};

static int tty = -1;
static int child_pipe[2];		/* written by the SIGCHLD handler, so that poll() wakes up without a race */

static void fail(const char *what)
{
	fprintf(stderr, "vm-agent: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_all(int fd, const unsigned char *data, size_t length)
{
	while (length) {
		ssize_t done = write(fd, data, length);

		if (done < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			fail("write to the channel");
		}
		data += done;
		length -= done;
	}
}

/* @frame has FRAME_HEAD free bytes before its @length bytes of payload, so that one write() sends both. */
static void send_frame(unsigned char *frame, char type, uint32_t length)
{
	frame[0] = type;
	for (int i = 0; i < 4; i++)
		frame[1 + i] = length >> (8 * i);
	write_all(tty, frame, FRAME_HEAD + length);
}

static void send_status(uint32_t status)
{
	unsigned char frame[FRAME_HEAD + 4];

	for (int i = 0; i < 4; i++)
		frame[FRAME_HEAD + i] = status >> (8 * i);
	send_frame(frame, 'x', 4);
}

static void send_error(const char *text)
{
	unsigned char frame[FRAME_HEAD + 256];
	int length = snprintf((char *)frame + FRAME_HEAD, 256, "vm-agent: %s\n", text);

	send_frame(frame, 'e', length);
}

static void open_tty(const char *path)
{
	struct termios mode;

	tty = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty < 0)
		fail(path);
	if (tcgetattr(tty, &mode) < 0)
		fail("tcgetattr");
	cfmakeraw(&mode);
	cfsetspeed(&mode, B115200);
	mode.c_cflag |= CLOCAL | CREAD;
	if (tcsetattr(tty, TCSANOW, &mode) < 0)
		fail("tcsetattr");
}

/* Reads the command into @text; returns 0, or -1 when it is too long for an argument. */
static int read_command(const char *path, char *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t got;

	if (fd < 0)
		fail(path);
	while ((got = read(fd, text + length, COMMAND_MAX - length)) != 0) {
		if (got < 0)
			fail(path);
		length += got;
		if (length == COMMAND_MAX)
			return -1;
	}
	close(fd);
	text[length] = '\0';
	return 0;
}

static void on_child(int signal_number)
{
	int saved = errno;
	ssize_t ignored = write(child_pipe[1], "", 1);

	(void)signal_number;
	(void)ignored;
	errno = saved;
}

static void run_shell(const char *command, int out, int err)
{
	char *const environment[] = { "HOME=/root", "PATH=/bin:/sbin:/usr/bin:/usr/sbin", "TERM=linux", "USER=root",
				      NULL };
	int null = open("/dev/null", O_RDONLY);

	signal(SIGCHLD, SIG_DFL);
	setsid();
	if (chdir("/root") < 0 && chdir("/") < 0)
		_exit(EXIT_NO_SHELL);
	dup2(err, STDERR_FILENO);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0) {
		perror("vm-agent: standard descriptors");
		_exit(EXIT_NO_SHELL);
	}
	if (null > STDERR_FILENO)
		close(null);
	execle("/bin/sh", "sh", "-c", command, (char *)NULL, environment);
	perror("vm-agent: /bin/sh");
	_exit(EXIT_NO_SHELL);
}

static pid_t start_shell(const char *command, int out[2], int err[2])
{
	pid_t child;

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0 || pipe2(child_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		fail("pipe2");
	if (signal(SIGCHLD, on_child) == SIG_ERR)
		fail("signal");
	child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0)
		run_shell(command, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	return child;
}

/* Forwards what @source has; at its end the descriptor is closed and no longer polled. */
static void forward(struct pollfd *source, char type)
{
	static unsigned char frame[FRAME_HEAD + FRAME_DATA];
	ssize_t got = read(source->fd, frame + FRAME_HEAD, FRAME_DATA);

	if (got > 0) {
		send_frame(frame, type, got);
	} else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
		close(source->fd);
		source->fd = -1;
	}
}

static uint32_t exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/*
 * Forwards until the command has ended and its pipes are empty. What it left running in the background may hold the
 * pipes open: then DRAIN_MS without data ends it too.
 */
static uint32_t forward_all(pid_t child, int out, int err)
{
	struct pollfd polls[3] = {
		{ .fd = out, .events = POLLIN }, { .fd = err, .events = POLLIN }, { .fd = child_pipe[0], .events = POLLIN },
	};
	int ended = 0, status = 0;
	char drop[16];

	for (;;) {
		int ready;

		if (ended && polls[0].fd < 0 && polls[1].fd < 0)
			return exit_code(status);
		ready = poll(polls, 3, ended ? DRAIN_MS : -1);
		if (ready < 0 && errno != EINTR)
			fail("poll");
		if (ready == 0)
			return exit_code(status);
		if (ready > 0 && polls[0].revents)
			forward(&polls[0], 'o');
		if (ready > 0 && polls[1].revents)
			forward(&polls[1], 'e');
		while (read(child_pipe[0], drop, sizeof drop) > 0)
			;
		if (!ended && waitpid(child, &status, WNOHANG) == child)
			ended = 1;
	}
}

int main(int argc, char **argv)
{
	static char command[COMMAND_MAX + 1];
	unsigned char started[FRAME_HEAD];
	int out[2], err[2];

	if (argc != 3) {
		bool wanted = argc == 2 && strcmp(argv[1], "--help") == 0;

		fputs("usage: vm-agent COMMAND_FILE TTY\n", wanted ? stdout : stderr);
		return wanted ? 0 : 2;
	}
	open_tty(argv[2]);
	send_frame(started, 's', 0);
	if (read_command(argv[1], command) < 0) {
		send_error("the command is longer than 120 KiB; bring a script with --overlay");
		send_status(126);
	} else {
		pid_t child = start_shell(command, out, err);

		send_status(forward_all(child, out[0], err[0]));
	}
	tcdrain(tty);
	sync();
	reboot(RB_POWER_OFF);
	fail("reboot");
}
