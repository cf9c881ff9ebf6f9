/* SPDX-License-Identifier: MIT */
/* Requests to pseudo terminals: packet mode, queues, flow, locks, names, sizes, hang-ups. The line discipline itself is in termios.c. */
#include "pty_kit.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifndef EXTPROC
#define EXTPROC 0200000
#endif

static int on = 1, off = 0;

static const char *packets(void)
{
	static struct seen seen;

	seen_text(&seen, "", 0);
	pty_take(master, &seen, "|");
	return seen.text;
}

static void open_packets(void)
{
	pty_open_pair();
	CHECK_EQ(ioctl(master, TIOCPKT, &on), 0);
}

static int number_of(int fd, unsigned long request)
{
	int value = -1;

	CHECK_EQ(ioctl(fd, request, &value), 0);
	return value;
}

static short ready(int fd, short events, int ms)
{
	struct pollfd one = { .fd = fd, .events = events };

	CHECK(poll(&one, 1, ms) >= 0);
	return one.revents;
}

static void packet_data(void)
{
	char byte;

	pty_open_pair();
	CHECK_EQ(number_of(master, TIOCGPKT), 0);
	CHECK_EQ(ioctl(master, TIOCPKT, &on), 0);
	CHECK_EQ(number_of(master, TIOCGPKT), 1);
	CHECK_EQ(write(slave, "ab", 2), 2);
	CHECK_STR(packets(), "\\x00ab|");
	CHECK_EQ(write(slave, "ab", 2), 2);
	CHECK_EQ(ready(master, POLLIN | POLLPRI, -1), POLLIN);
	CHECK_EQ(read(master, &byte, 1), 1);
	CHECK_EQ(byte, TIOCPKT_DATA);
	CHECK_STR(packets(), "\\x00ab|");
	/* A status comes alone, before the data. */
	CHECK_EQ(write(slave, "ab", 2), 2);
	CHECK_EQ(tcflush(slave, TCIFLUSH), 0);
	CHECK_EQ(ready(master, POLLIN | POLLPRI, -1), POLLIN | POLLPRI);
	CHECK_STR(packets(), "\\x01|\\x00ab|");
	/* None is kept for who turns it on. */
	CHECK_EQ(tcflush(slave, TCIFLUSH), 0);
	CHECK_EQ(ioctl(master, TIOCPKT, &off), 0);
	CHECK_EQ(tcflush(slave, TCIFLUSH), 0);
	CHECK_EQ(write(slave, "ab", 2), 2);
	CHECK_STR(packets(), "ab|");
	CHECK_EQ(ioctl(master, TIOCPKT, &on), 0);
	CHECK_STR(packets(), "");
	CHECK_ERR(ioctl(slave, TIOCPKT, &on), ENOTTY);
	CHECK_ERR(ioctl(slave, TIOCGPKT, &on), ENOTTY);
	CHECK_ERR(ioctl(master, TIOCPKT, NULL), EFAULT);
}

static void packet_flushes(void)
{
	open_packets();
	CHECK_EQ(tcflush(slave, TCIFLUSH), 0);
	CHECK_STR(packets(), "\\x01|");
	CHECK_EQ(tcflush(slave, TCOFLUSH), 0);
	CHECK_STR(packets(), "\\x02|");
	CHECK_EQ(tcflush(slave, TCIOFLUSH), 0);
	CHECK_STR(packets(), "\\x03|");
	CHECK_EQ(tcflush(slave, TCIFLUSH), 0);
	CHECK_EQ(tcflush(slave, TCOFLUSH), 0);
	CHECK_STR(packets(), "\\x03|");
	/* By the master: it knows. */
	CHECK_EQ(tcflush(master, TCIFLUSH), 0);
	CHECK_EQ(tcflush(master, TCOFLUSH), 0);
	CHECK_EQ(tcflush(master, TCIOFLUSH), 0);
	CHECK_STR(packets(), "");
	/* By a key. */
	pty_type("\x03");
	CHECK_STR(pty_reads(), "");
	CHECK_STR(packets(), "\\x03|\\x00^C|");
	pty_set(LFLAG, NOFLSH, 0);
	pty_type("\x03");
	CHECK_STR(pty_reads(), "");
	CHECK_STR(packets(), "\\x00^C|");
}

static void packet_flow(void)
{
	open_packets();
	pty_type("\x13");
	CHECK_STR(pty_reads(), "");
	CHECK_EQ(ready(master, POLLPRI, 0), POLLPRI);
	CHECK_STR(packets(), "\\x04|");
	pty_type("\x13");
	CHECK_STR(pty_reads(), "");
	CHECK_STR(packets(), "");
	pty_type("\x11");
	CHECK_STR(pty_reads(), "");
	CHECK_STR(packets(), "\\x08|");
	pty_type("\x13");
	CHECK_STR(pty_reads(), "");
	pty_type("\x11");
	CHECK_STR(pty_reads(), "");
	CHECK_STR(packets(), "\\x08|");
	CHECK_EQ(tcflow(slave, TCOOFF), 0);
	CHECK_STR(packets(), "\\x04|");
	CHECK_EQ(tcflow(slave, TCOON), 0);
	CHECK_STR(packets(), "\\x08|");
	pty_type("\x13");
	CHECK_STR(pty_reads(), "");
	pty_type("\x03");
	CHECK_STR(pty_reads(), "");
	CHECK_STR(packets(), "\\x0b|\\x00^C|");
}

static void packet_settings(void)
{
	open_packets();
	pty_set(LFLAG, 0, ECHO);
	CHECK_STR(packets(), "");
	pty_set(IFLAG, 0, IXON);
	CHECK_STR(packets(), "\\x10|");
	pty_set(IFLAG, IXON, 0);
	CHECK_STR(packets(), " |");
	pty_set_key(VSTOP, 'x');
	CHECK_STR(packets(), "\\x10|");
	pty_set(IFLAG, 0, IXON);
	CHECK_STR(packets(), "");
	pty_set(IFLAG, IXON, 0);
	pty_set_key(VSTOP, 0x13);
	pty_set_key(VSTART, 'x');
	pty_set_key(VSTART, 0x11);
	CHECK_STR(packets(), " |");
	pty_set(LFLAG, EXTPROC, 0);
	CHECK_STR(packets(), "@|");
	pty_set(LFLAG, 0, ECHO);
	CHECK_STR(packets(), "@|");
	pty_set(IFLAG, 0, IXON);
	CHECK_STR(packets(), "P|");
	pty_set(LFLAG, 0, EXTPROC);
	CHECK_STR(packets(), "@|");
	pty_set(LFLAG, ECHO, 0);
	CHECK_STR(packets(), "");
}

static void queues(void)
{
	pty_open_pair();
	pty_set(LFLAG, 0, ECHO);
	pty_type("ab");
	CHECK_STR(pty_reads(), "");
	CHECK_EQ(number_of(slave, FIONREAD), 0);
	pty_type("\nc\x04");
	CHECK_EQ(ready(slave, POLLIN, -1), POLLIN);
	CHECK_EQ(number_of(slave, FIONREAD), 4);
	CHECK_STR(pty_reads(), "ab\\x0a|c|");
	CHECK_EQ(number_of(slave, FIONREAD), 0);
	pty_set_raw(1, 0);
	pty_type("abc");
	CHECK_EQ(ready(slave, POLLIN, -1), POLLIN);
	CHECK_EQ(number_of(slave, FIONREAD), 3);
	CHECK_EQ(number_of(master, FIONREAD), 0);
	CHECK_EQ(write(slave, "abcd", 4), 4);
	CHECK_EQ(ready(master, POLLIN, -1), POLLIN);
	CHECK_EQ(number_of(master, FIONREAD), 4);
	/* What is written has arrived. */
	CHECK_EQ(number_of(slave, TIOCOUTQ), 0);
	CHECK_EQ(number_of(master, TIOCOUTQ), 0);
	CHECK_ERR(ioctl(slave, FIONREAD, NULL), EFAULT);
}

static void flushes(void)
{
	pty_open_pair();
	pty_set(LFLAG, 0, ECHO);
	pty_type("ab\ncd");
	CHECK_EQ(ready(slave, POLLIN, -1), POLLIN);
	CHECK_EQ(tcflush(slave, TCOFLUSH), 0);
	CHECK_STR(pty_reads(), "ab\\x0a|");
	CHECK_EQ(tcflush(slave, TCIFLUSH), 0);
	pty_type("e\n");
	CHECK_STR(pty_reads(), "e\\x0a|");
	CHECK_ERR(ioctl(slave, TCFLSH, 3), EINVAL);
	/* The master's input is what the slave wrote; what it wrote itself has left it. */
	CHECK_EQ(write(slave, "out", 3), 3);
	CHECK_EQ(tcflush(master, TCOFLUSH), 0);
	CHECK_STR(pty_shown(), "out");
	CHECK_EQ(write(slave, "out", 3), 3);
	CHECK_EQ(tcflush(master, TCIFLUSH), 0);
	CHECK_STR(pty_shown(), "");
	pty_type("ab\n");
	CHECK_EQ(ready(slave, POLLIN, -1), POLLIN);
	CHECK_EQ(tcflush(master, TCIOFLUSH), 0);
	CHECK_STR(pty_reads(), "ab\\x0a|");
	CHECK_ERR(ioctl(master, TCFLSH, 3), EINVAL);
	/* What has arrived at the master stays, also when a key interrupts. */
	CHECK_EQ(write(slave, "out", 3), 3);
	CHECK_EQ(ready(master, POLLIN, -1), POLLIN);
	CHECK_EQ(tcflush(slave, TCOFLUSH), 0);
	pty_type("\x03");
	CHECK_STR(pty_reads(), "");
	CHECK_STR(pty_shown(), "out");
}

static void flow_calls(void)
{
	pty_open_pair();
	CHECK_EQ(tcflow(slave, TCOOFF), 0);
	CHECK_ERR(write(slave, "x", 1), EAGAIN);
	CHECK_EQ(ready(slave, POLLOUT, 0), 0);
	pty_type("\x11");
	CHECK_STR(pty_reads(), "");
	CHECK_ERR(write(slave, "x", 1), EAGAIN);
	CHECK_EQ(tcflow(slave, TCOON), 0);
	CHECK_EQ(ready(slave, POLLOUT, 0), POLLOUT);
	CHECK_EQ(write(slave, "x", 1), 1);
	CHECK_STR(pty_shown(), "x");
	/* A key stopped it: no call starts it. */
	pty_type("\x13");
	CHECK_STR(pty_reads(), "");
	CHECK_EQ(tcflow(slave, TCOON), 0);
	CHECK_ERR(write(slave, "x", 1), EAGAIN);
	CHECK_EQ(tcflow(slave, TCOOFF), 0);
	CHECK_EQ(tcflow(slave, TCOON), 0);
	CHECK_EQ(write(slave, "x", 1), 1);
	CHECK_STR(pty_shown(), "x");
	CHECK_EQ(tcflow(slave, TCIOFF), 0);
	CHECK_EQ(tcflow(slave, TCION), 0);
	CHECK_STR(pty_shown(), "\\x13\\x11");
	pty_set_key(VSTOP, 's');
	pty_set_key(VSTART, 0);
	CHECK_EQ(tcflow(slave, TCIOFF), 0);
	CHECK_EQ(tcflow(slave, TCION), 0);
	CHECK_STR(pty_shown(), "s");
	CHECK_ERR(ioctl(slave, TCXONC, 4), EINVAL);
}

/* There is nothing to break, and no modem. */
static void breaks(void)
{
	int fds[2];

	pty_open_pair();
	fds[0] = master;
	fds[1] = slave;
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(ioctl(fds[i], TCSBRK, 0), 0);
		CHECK_EQ(ioctl(fds[i], TCSBRK, 1), 0);
		CHECK_EQ(ioctl(fds[i], TCSBRKP, 3), 0);
		CHECK_EQ(ioctl(fds[i], TIOCSBRK), 0);
		CHECK_EQ(ioctl(fds[i], TIOCCBRK), 0);
		CHECK_ERR(ioctl(fds[i], TIOCMGET, &on), ENOTTY);
		CHECK_ERR(ioctl(fds[i], TIOCMBIS, &on), ENOTTY);
	}
	CHECK_STR(pty_reads(), "");
	CHECK_STR(pty_shown(), "");
}

/* Nobody reads: what is written is still said to have left. */
static void draining(void)
{
	static char much[4096];
	struct termios mode;

	memset(much, 'x', sizeof much);
	pty_open_pair();
	while (write(slave, much, sizeof much) > 0)
		;
	pty_type("typed");
	CHECK_STR(pty_reads(), "");
	CHECK_EQ(tcdrain(slave), 0);
	CHECK_EQ(tcgetattr(slave, &mode), 0);
	CHECK_EQ(tcsetattr(slave, TCSADRAIN, &mode), 0);
	CHECK_EQ(tcflow(slave, TCOOFF), 0);
	CHECK_EQ(tcdrain(slave), 0);
}

static void disciplines(void)
{
	pty_open_pair();
	CHECK_EQ(number_of(slave, TIOCGETD), 0);
	CHECK_EQ(ioctl(slave, TIOCSETD, &off), 0);
	CHECK_ERR(ioctl(slave, TIOCSETD, &(int){ 1000 }), EINVAL);
	CHECK_ERR(ioctl(slave, TIOCSETD, NULL), EFAULT);
}

static void typing_for_others(void *unused)
{
	char legacy;
	int fd = open("/proc/sys/dev/tty/legacy_tiocsti", O_RDONLY);

	(void)unused;
	CHECK(setsid() > 0);
	pty_open_pair();
	CHECK_EQ(ioctl(slave, TIOCSCTTY, 0), 0);
	/* Linux could not refuse it before 6.2, which brought the file. */
	legacy = check_on_linux() ? '1' : '0';
	if (fd >= 0)
		read(fd, &legacy, 1);
	CHECK_EQ(setuid(1000), 0);
	if (legacy != '0')
		return;
	CHECK_ERR(ioctl(slave, TIOCSTI, "x"), EIO);
	CHECK_STR(pty_shown(), "");
}

static void refused_typing(void)
{
	CHECK_EQ(check_child(typing_for_others, NULL), 0);
}

static volatile int resized, hung_up, continued;

static void on_signal(int number)
{
	*(number == SIGWINCH ? &resized : number == SIGHUP ? &hung_up : &continued) += 1;
}

static void become_session(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigaction(SIGWINCH, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGCONT, &action, NULL);
	CHECK(setsid() > 0);
	CHECK_EQ(ioctl(slave, TIOCSCTTY, 0), 0);
}

static void be_in_the_background(void *pipe_end)
{
	char byte;

	setpgid(0, 0);
	CHECK_EQ(read(*(int *)pipe_end, &byte, 1), 1);
	CHECK_EQ(resized, 0);
}

static void resize(void *unused)
{
	struct winsize size = { .ws_row = 10, .ws_col = 20, .ws_xpixel = 30, .ws_ypixel = 40 }, got;
	int ends[2];
	pid_t child;

	(void)unused;
	become_session();
	CHECK_EQ(pipe(ends), 0);
	child = check_spawn(be_in_the_background, &ends[0]);
	setpgid(child, child);
	CHECK_EQ(ioctl(slave, TIOCSWINSZ, &size), 0);
	CHECK_EQ(resized, 1);
	CHECK_EQ(ioctl(master, TIOCGWINSZ, &got), 0);
	CHECK(!memcmp(&got, &size, sizeof got));
	CHECK_EQ(ioctl(slave, TIOCSWINSZ, &size), 0);
	CHECK_EQ(resized, 1);
	size.ws_ypixel = 50;
	CHECK_EQ(ioctl(master, TIOCSWINSZ, &size), 0);
	CHECK_EQ(resized, 2);
	CHECK_EQ(ioctl(slave, TIOCGWINSZ, &got), 0);
	CHECK(!memcmp(&got, &size, sizeof got));
	CHECK_ERR(ioctl(slave, TIOCSWINSZ, NULL), EFAULT);
	CHECK_ERR(ioctl(slave, TIOCGWINSZ, NULL), EFAULT);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(check_wait(child), 0);
}

static void sizes(void)
{
	struct winsize got;

	pty_open_pair();
	CHECK_EQ(ioctl(slave, TIOCGWINSZ, &got), 0);
	CHECK_EQ(got.ws_row | got.ws_col | got.ws_xpixel | got.ws_ypixel, 0);
	CHECK_EQ(check_child(resize, NULL), 0);
}

static void peers(void)
{
	struct stat info, of_peer;
	int peer;

	pty_open_pair();
	peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(peer >= 0);
	CHECK_EQ(fcntl(peer, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(peer, F_GETFL) & O_ACCMODE, O_RDWR);
	CHECK_EQ(fstat(peer, &of_peer), 0);
	CHECK_EQ(fstat(slave, &info), 0);
	CHECK_EQ(of_peer.st_rdev, info.st_rdev);
	CHECK_EQ(write(peer, "x", 1), 1);
	CHECK_STR(pty_shown(), "x");
	close(peer);
	peer = ioctl(master, TIOCGPTPEER, O_RDONLY | O_NOCTTY);
	CHECK_EQ(fcntl(peer, F_GETFD), 0);
	CHECK_ERR(write(peer, "x", 1), EBADF);
	close(peer);
	CHECK_EQ(number_of(master, TIOCGPTLCK), 0);
	CHECK_EQ(ioctl(master, TIOCSPTLCK, &on), 0);
	CHECK_EQ(number_of(master, TIOCGPTLCK), 1);
	CHECK_ERR(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY), EIO);
	CHECK_EQ(ioctl(master, TIOCSPTLCK, &off), 0);
	peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	CHECK(peer >= 0);
	CHECK_ERR(ioctl(slave, TIOCSPTLCK, &on), ENOTTY);
	CHECK_ERR(ioctl(slave, TIOCGPTLCK, &on), ENOTTY);
	CHECK_ERR(ioctl(slave, TIOCGPTN, &on), ENOTTY);
	CHECK_ERR(ioctl(master, TIOCSPTLCK, NULL), EFAULT);
}

static void open_as_user(void *path)
{
	CHECK_EQ(setuid(1000), 0);
	CHECK_ERR(open(path, O_RDWR | O_NOCTTY), EBUSY);
}

static void exclusive(void)
{
	char path[64];
	int fd;

	pty_open_pair();
	CHECK_EQ(ttyname_r(slave, path, sizeof path), 0);
	CHECK_EQ(fchmod(slave, 0666), 0);
	CHECK_EQ(number_of(slave, TIOCGEXCL), 0);
	CHECK_EQ(ioctl(slave, TIOCEXCL), 0);
	CHECK_EQ(number_of(slave, TIOCGEXCL), 1);
	CHECK_EQ(check_child(open_as_user, path), 0);
	fd = open(path, O_RDWR | O_NOCTTY);
	CHECK(fd >= 0);
	CHECK_EQ(ioctl(fd, TIOCNXCL), 0);
	CHECK_EQ(number_of(slave, TIOCGEXCL), 0);
}

/* The terminal in /proc/self/stat, and its foreground group. */
static void controlled_by(int *device, int *group)
{
	FILE *file = fopen("/proc/self/stat", "r");

	CHECK(file && fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %d %d", device, group) == 2);
	fclose(file);
}

static void is_without(void *unused)
{
	int device = -1, group = 0;

	(void)unused;
	CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
	controlled_by(&device, &group);
	CHECK_EQ(device, 0);
	CHECK_EQ(group, -1);
}

static void wait_without(void *ends)
{
	char byte;

	CHECK_EQ(read(*(int *)ends, &byte, 1), 1);
	is_without(NULL);
}

static void give_up(void *unused)
{
	int ends[2];
	pid_t member;

	(void)unused;
	become_session();
	CHECK_EQ(tcgetpgrp(slave), getpid());
	CHECK_EQ(ioctl(slave, TIOCNOTTY), 0);
	CHECK_EQ(hung_up, 1);
	CHECK_EQ(continued, 1);
	CHECK_ERR(ioctl(slave, TIOCNOTTY), ENOTTY);
	CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
	CHECK_ERR(tcgetpgrp(slave), ENOTTY);
	/* Only the session has gone. */
	CHECK_EQ(write(slave, "x", 1), 1);
	CHECK_EQ(pipe(ends), 0);
	member = check_spawn(wait_without, ends);
	CHECK_EQ(ioctl(slave, TIOCSCTTY, 0), 0);
	CHECK_EQ(tcgetpgrp(slave), getpid());
	/* Who was there before does not have the new one. */
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(check_wait(member), 0);
	CHECK_EQ(close(open("/dev/tty", O_RDWR)), 0);
	CHECK_ERR(ioctl(master, TIOCNOTTY), ENOTTY);
}

static void child_gives_up(void *unused)
{
	char line[8];

	(void)unused;
	CHECK_EQ(ioctl(slave, TIOCNOTTY), 0);
	CHECK_ERR(ioctl(slave, TIOCNOTTY), ENOTTY);
	CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
	CHECK_ERR(tcgetpgrp(slave), ENOTTY);
	CHECK_ERR(tcsetpgrp(slave, getpgrp()), ENOTTY);
	/* Nor have its children; and reading does not stop it as one of the background. */
	CHECK_EQ(check_child(is_without, NULL), 0);
	CHECK_EQ(setpgid(0, 0), 0);
	CHECK_EQ(write(master, "x\n", 2), 2);
	CHECK_EQ(read(slave, line, sizeof line), 2);
}

static void one_gives_up(void *unused)
{
	int device = 0, group = 0;

	(void)unused;
	become_session();
	CHECK_EQ(check_child(child_gives_up, NULL), 0);
	/* The others have it still, and nobody was told. */
	CHECK_EQ(hung_up, 0);
	CHECK_EQ(tcgetpgrp(slave), getpid());
	controlled_by(&device, &group);
	CHECK(device != 0);
	CHECK_EQ(group, getpid());
}

static void giving_up(void)
{
	pty_open_pair();
	CHECK_EQ(check_child(give_up, NULL), 0);
	pty_open_pair();
	CHECK_EQ(check_child(one_gives_up, NULL), 0);
}

static void read_to_the_end(void *unused)
{
	char byte;

	(void)unused;
	close(master);
	CHECK_ERR(read(slave, &byte, 1), EIO);
}

static void write_to_the_end(void *unused)
{
	(void)unused;
	close(master);
	CHECK_ERR(write(slave, "x", 1), EIO);
}

/* The master closes: those who wait in the slave are told, and it is dead for ever. */
static void dead_slave(void)
{
	struct termios mode;
	pid_t reader, writer;
	char byte;

	pty_open_pair();
	fcntl(slave, F_SETFL, 0);
	CHECK_EQ(tcgetattr(slave, &mode), 0);
	CHECK_EQ(tcflow(slave, TCOOFF), 0);
	reader = check_spawn(read_to_the_end, NULL);
	writer = check_spawn(write_to_the_end, NULL);
	CHECK(check_state(reader, 'S', 10000));
	CHECK(check_state(writer, 'S', 10000));
	close(master);
	CHECK_EQ(check_wait(reader), 0);
	CHECK_EQ(check_wait(writer), 0);
	CHECK_EQ(read(slave, &byte, 1), 0);
	CHECK_ERR(write(slave, "x", 1), EIO);
	CHECK_EQ(ready(slave, POLLIN | POLLOUT, 0), POLLIN | POLLOUT | POLLERR | POLLHUP);
	CHECK_ERR(tcgetattr(slave, &mode), EIO);
	CHECK_ERR(tcsetattr(slave, TCSANOW, &mode), EIO);
	CHECK_ERR(ioctl(slave, FIONREAD, &on), EIO);
	CHECK_ERR(ioctl(slave, TIOCGWINSZ, &on), EIO);
	CHECK_ERR(tcsetpgrp(slave, getpid()), ENOTTY);
	CHECK_ERR(tcflush(slave, TCIOFLUSH), EIO);
}

static void hang_up_own(void *unused)
{
	char path[64], byte;
	struct termios mode;

	(void)unused;
	CHECK_EQ(ttyname_r(slave, path, sizeof path), 0);
	become_session();
	pty_set(LFLAG, 0, ECHO);
	pty_set_key(VINTR, 'x');
	pty_type("before\n");
	CHECK_EQ(ready(slave, POLLIN, -1), POLLIN);
	CHECK_EQ(vhangup(), 0);
	CHECK_EQ(hung_up, 1);
	CHECK_EQ(continued, 1);
	CHECK_EQ(read(slave, &byte, 1), 0);
	CHECK_ERR(write(slave, "x", 1), EIO);
	CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
	/* The next who opens it finds it as new, and the master has not noticed. */
	slave = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
	CHECK(slave >= 0);
	CHECK_EQ(tcgetattr(slave, &mode), 0);
	CHECK_EQ(mode.c_lflag & ECHO, ECHO);
	CHECK_EQ(mode.c_cc[VINTR], 3);
	CHECK_STR(pty_reads(), "");
	CHECK_EQ(write(slave, "after", 5), 5);
	CHECK_STR(pty_shown(), "after");
	pty_type("y\n");
	CHECK_STR(pty_reads(), "y\\x0a|");
	CHECK_EQ(setuid(1000), 0);
	CHECK_ERR(vhangup(), EPERM);
}

static void hanging_up(void)
{
	pty_open_pair();
	CHECK_EQ(check_child(hang_up_own, NULL), 0);
	close(slave);
	CHECK_STR(pty_shown(), "y\\x0d\\x0aerrno 5");
}

static void lock_as_user(void *unused)
{
	struct termios locks;

	(void)unused;
	CHECK_EQ(setuid(1000), 0);
	CHECK_EQ(ioctl(slave, TIOCGLCKTRMIOS, &locks), 0);
	CHECK_ERR(ioctl(slave, TIOCSLCKTRMIOS, &locks), EPERM);
}

static void locked_settings(void)
{
	struct termios locks, mode, before;

	pty_open_pair();
	memset(&locks, 0xff, sizeof locks);
	CHECK_EQ(ioctl(slave, TIOCGLCKTRMIOS, &locks), 0);
	CHECK_EQ(locks.c_iflag | locks.c_oflag | locks.c_cflag | locks.c_lflag | locks.c_cc[VINTR] | locks.c_cc[VEOL], 0);
	locks.c_iflag = ICRNL;
	locks.c_lflag = ECHO | ISIG;
	locks.c_oflag = ONLCR;
	locks.c_cflag = CSTOPB;
	locks.c_cc[VINTR] = 1;
	CHECK_EQ(ioctl(slave, TIOCSLCKTRMIOS, &locks), 0);
	memset(&locks, 0xff, sizeof locks);
	CHECK_EQ(ioctl(master, TIOCGLCKTRMIOS, &locks), 0);
	CHECK_EQ(locks.c_lflag, ECHO | ISIG);
	CHECK_EQ(locks.c_cc[VINTR], 1);
	CHECK_EQ(locks.c_cc[VQUIT], 0);
	/* What is locked stays, whoever sets it; the rest is set. */
	CHECK_EQ(tcgetattr(slave, &before), 0);
	mode = before;
	cfmakeraw(&mode);
	mode.c_cflag |= CSTOPB;
	mode.c_cc[VINTR] = 'i';
	mode.c_cc[VQUIT] = 'q';
	CHECK_EQ(tcsetattr(master, TCSANOW, &mode), 0);
	CHECK_EQ(tcgetattr(slave, &mode), 0);
	CHECK_EQ(mode.c_iflag & (ICRNL | IXON), ICRNL);
	CHECK_EQ(mode.c_oflag & (OPOST | ONLCR), ONLCR);
	CHECK_EQ(mode.c_cflag & CSTOPB, before.c_cflag & CSTOPB);
	CHECK_EQ(mode.c_lflag & (ISIG | ICANON | ECHO | IEXTEN), ISIG | ECHO);
	CHECK_EQ(mode.c_cc[VINTR], before.c_cc[VINTR]);
	CHECK_EQ(mode.c_cc[VQUIT], 'q');
	CHECK_EQ(check_child(lock_as_user, NULL), 0);
	CHECK_ERR(ioctl(slave, TIOCSLCKTRMIOS, NULL), EFAULT);
	CHECK_ERR(ioctl(slave, TIOCGLCKTRMIOS, NULL), EFAULT);
	memset(&locks, 0, sizeof locks);
	CHECK_EQ(ioctl(slave, TIOCSLCKTRMIOS, &locks), 0);
	mode.c_lflag &= ~ECHO;
	CHECK_EQ(tcsetattr(slave, TCSANOW, &mode), 0);
	CHECK_EQ(tcgetattr(slave, &mode), 0);
	CHECK_EQ(mode.c_lflag & ECHO, 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(packet_data), CASE(packet_flushes), CASE(packet_flow), CASE(packet_settings), CASE(queues), CASE(flushes), CASE(flow_calls),
		CASE(breaks), CASE(draining), CASE(disciplines), CASE(refused_typing), CASE(sizes), CASE(peers), CASE(exclusive), CASE(giving_up),
		CASE(dead_slave), CASE(hanging_up), CASE(locked_settings), { NULL, NULL },
	};

	return check_main("ptys", cases, argc, argv);
}
