/* SPDX-License-Identifier: MIT */
/* Local sockets: making, naming, connecting, reading and writing, ends, options, poll. What messages carry is in socket_messages. */
#include "check.h"
#include "built_with.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { OFFSET = offsetof(struct sockaddr_un, sun_path) };
static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
static char buffer[1 << 18];

static socklen_t named(struct sockaddr_un *address, const char *name)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(address->sun_path, name);
	return OFFSET + strlen(name) + 1;
}

/* A name outside of file systems, of this process. */
static socklen_t abstract(struct sockaddr_un *address, const char *name)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return OFFSET + 1 + sprintf(address->sun_path + 1, "raeen.%d.%s", getpid(), name);
}

static int bound(int type, const struct sockaddr_un *address, socklen_t size)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	CHECK_EQ(bind(fd, (const void *)address, size), 0);
	return fd;
}

static int option(int fd, int name)
{
	int value = -1;
	socklen_t size = sizeof value;

	CHECK_EQ(getsockopt(fd, SOL_SOCKET, name, &value, &size), 0);
	CHECK_EQ(size, sizeof value);
	return value;
}

static int events(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP | POLLPRI };

	poll(&one, 1, 0);
	return one.revents;
}

static void making(void)
{
	int pair[2] = { 7, 7 };

	CHECK_ERR(socket(AF_UNIX, 0, 0), ESOCKTNOSUPPORT);
	CHECK_ERR(socket(AF_UNIX, 11, 0), EINVAL);
	CHECK_ERR(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
	CHECK_ERR(socket(AF_UNIX, SOCK_STREAM, 2), EPROTONOSUPPORT);
	CHECK_ERR(socket(AF_UNIX, SOCK_STREAM | 0x100, 0), EINVAL);
	CHECK_ERR(socketpair(AF_UNIX, SOCK_STREAM, 0, NULL), EFAULT);
	CHECK_ERR(socketpair(AF_UNIX, SOCK_RDM, 0, pair), ESOCKTNOSUPPORT);
	CHECK_ERR(socketpair(AF_INET, SOCK_STREAM, 0, pair), EOPNOTSUPP);
	CHECK_ERR(socketpair(AF_UNIX, 0x100 | SOCK_STREAM, 0, pair), EINVAL);
	CHECK_EQ(option(socket(AF_UNIX, SOCK_RAW, AF_UNIX), SO_TYPE), SOCK_DGRAM);
	for (unsigned i = 0; i < 3; i++) {
		struct stat status;

		CHECK_EQ(socketpair(AF_UNIX, types[i] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
		CHECK_EQ(fcntl(pair[1], F_GETFD), FD_CLOEXEC);
		CHECK_EQ(fcntl(pair[1], F_GETFL), O_NONBLOCK | O_RDWR);
		CHECK_EQ(fstat(pair[0], &status), 0);
		CHECK(S_ISSOCK(status.st_mode));
		CHECK_ERR(lseek(pair[0], 0, SEEK_SET), ESPIPE);
		CHECK_EQ(option(pair[0], SO_TYPE), types[i]);
		CHECK_EQ(option(pair[0], SO_DOMAIN), AF_UNIX);
		CHECK_EQ(option(pair[0], SO_PROTOCOL), 0);
		CHECK_EQ(option(pair[0], SO_ACCEPTCONN), 0);
		CHECK_EQ(write(pair[0], "hello", 5), 5);
		CHECK_EQ(write(pair[0], "world", 5), 5);
		CHECK_EQ(ioctl(pair[1], FIONREAD, buffer), 0);
		CHECK_EQ(*(int *)buffer, types[i] == SOCK_DGRAM ? 5 : 10);
		CHECK_EQ(read(pair[1], buffer, 7), types[i] == SOCK_STREAM ? 7 : 5);
		CHECK(!memcmp(buffer, types[i] == SOCK_STREAM ? "hellowo" : "hello", types[i] == SOCK_STREAM ? 7 : 5));
		CHECK_EQ(read(pair[1], buffer, 7), types[i] == SOCK_STREAM ? 3 : 5);
		CHECK_ERR(read(pair[1], buffer, 7), EAGAIN);
		CHECK_EQ(read(pair[1], buffer, 0), 0);
		CHECK_EQ(close(pair[0]) | close(pair[1]), 0);
	}
}

static void unconnected(void)
{
	for (unsigned i = 0; i < 3; i++) {
		int fd = socket(AF_UNIX, types[i] | SOCK_NONBLOCK, 0);
		struct sockaddr_un address;
		socklen_t size = sizeof address;

		CHECK_ERR(write(fd, "x", 1), ENOTCONN);
		CHECK_ERR(read(fd, buffer, 1), types[i] == SOCK_STREAM ? EINVAL : types[i] == SOCK_DGRAM ? EAGAIN : ENOTCONN);
		CHECK_ERR(getpeername(fd, (void *)&address, &size), ENOTCONN);
		CHECK_EQ(getsockname(fd, (void *)&address, &size), 0);
		CHECK_EQ(size, OFFSET);
		CHECK_EQ(address.sun_family, AF_UNIX);
		CHECK_ERR(listen(fd, 1), types[i] == SOCK_DGRAM ? EOPNOTSUPP : EINVAL);
		CHECK_ERR(syscall(SYS_accept, fd, NULL, NULL), types[i] == SOCK_DGRAM ? EOPNOTSUPP : EINVAL);
		CHECK_EQ(events(fd), types[i] == SOCK_DGRAM ? POLLOUT : POLLOUT | POLLHUP);
		CHECK_ERR(shutdown(fd, 3), EINVAL);
		CHECK_EQ(shutdown(fd, SHUT_WR), 0);
		CHECK_ERR(write(fd, "x", 1), ENOTCONN);
		close(fd);
	}
}

static void names(void)
{
	struct sockaddr_un address, found;
	socklen_t size = named(&address, "a"), found_size = sizeof found;
	int fd = bound(SOCK_STREAM, &address, size), other = socket(AF_UNIX, SOCK_STREAM, 0), third;
	struct stat status;

	CHECK_EQ(getsockname(fd, (void *)&found, &found_size), 0);
	CHECK_EQ(found_size, size);
	CHECK_STR(found.sun_path, "a");
	CHECK_EQ(stat("a", &status), 0);
	CHECK(S_ISSOCK(status.st_mode));
	CHECK_ERR(open("a", O_RDWR), ENXIO);
	CHECK_ERR(bind(other, (void *)&address, size), EADDRINUSE);
	CHECK_ERR(bind(fd, (void *)&address, size), EADDRINUSE);
	size = named(&address, "b");
	CHECK_ERR(bind(fd, (void *)&address, size), EINVAL);
	CHECK_ERR(stat("b", &status), ENOENT);
	size = named(&address, "none/b");
	CHECK_ERR(bind(other, (void *)&address, size), ENOENT);
	CHECK_ERR(bind(other, (void *)&address, 1), EINVAL);
	CHECK_ERR(bind(other, (void *)&address, sizeof address + 1), EINVAL);
	CHECK_ERR(bind(other, (void *)&address, 1000), EINVAL);
	address.sun_family = AF_INET;
	CHECK_ERR(bind(other, (void *)&address, size), EINVAL);
	/* Abstract names are by type, and every byte counts. */
	size = abstract(&address, "x");
	third = bound(SOCK_STREAM, &address, size);
	CHECK_ERR(bind(other, (void *)&address, size), EADDRINUSE);
	CHECK_EQ(close(bound(SOCK_DGRAM, &address, size)), 0);
	CHECK_EQ(bind(other, (void *)&address, size + 1), 0);
	close(third);
	CHECK_EQ(close(bound(SOCK_STREAM, &address, size)), 0);
	/* Names that the kernel finds. */
	third = socket(AF_UNIX, SOCK_DGRAM, 0);
	found = (struct sockaddr_un){ .sun_family = AF_UNIX };
	CHECK_EQ(bind(third, (void *)&found, OFFSET), 0);
	CHECK_EQ(bind(third, (void *)&found, OFFSET), 0);
	found_size = sizeof found;
	CHECK_EQ(getsockname(third, (void *)&found, &found_size), 0);
	CHECK_EQ(found_size, OFFSET + 6);
	CHECK_EQ(found.sun_path[0], 0);
	/* The name stays when the socket is gone. */
	close(fd);
	size = named(&address, "a");
	CHECK_ERR(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, size), ECONNREFUSED);
	memset(&address, 'y', sizeof address);
	address.sun_family = AF_UNIX;
	CHECK_EQ(close(bound(SOCK_STREAM, &address, sizeof address)), 0);
	address.sun_path[sizeof address.sun_path - 1] = 0;
	CHECK_ERR(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, sizeof address), ENOENT);
}

static void refused_connections(void)
{
	struct sockaddr_un address;
	socklen_t size = named(&address, "s");
	int server = bound(SOCK_STREAM, &address, size), fd = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK_ERR(connect(fd, (void *)&address, size), ECONNREFUSED);
	CHECK_EQ(listen(server, 5), 0);
	CHECK_ERR(connect(socket(AF_UNIX, SOCK_DGRAM, 0), (void *)&address, size), EPROTOTYPE);
	CHECK_ERR(connect(socket(AF_UNIX, SOCK_SEQPACKET, 0), (void *)&address, size), EPROTOTYPE);
	CHECK_EQ(connect(fd, (void *)&address, size), 0);
	CHECK_ERR(connect(fd, (void *)&address, size), EISCONN);
	CHECK_ERR(connect(server, (void *)&address, size), EINVAL);
	CHECK_ERR(listen(fd, 1), EINVAL);
	size = named(&address, "nobody");
	CHECK_ERR(connect(fd, (void *)&address, size), ENOENT);
	check_write_file("file", "", 0600);
	size = named(&address, "file");
	CHECK_ERR(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, size), ECONNREFUSED);
	size = abstract(&address, "nobody");
	CHECK_ERR(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, size), ECONNREFUSED);
	address.sun_family = AF_UNSPEC;
	CHECK_ERR(connect(fd, (void *)&address, size), EINVAL);
	CHECK_ERR(connect(fd, (void *)&address, OFFSET), EINVAL);
	CHECK_ERR(connect(fd, NULL, OFFSET), EFAULT);
}

static void permission(void *unused)
{
	struct sockaddr_un address;
	socklen_t size = named(&address, "s");

	(void)unused;
	CHECK_EQ(setgid(1000) | setuid(1000), 0);
	CHECK_ERR(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, size), EACCES);
	size = named(&address, "mine");
	CHECK_ERR(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, size), EACCES);
}

static void permissions(void)
{
	struct sockaddr_un address;
	socklen_t size = named(&address, "s");
	mode_t mask = umask(077);
	int server = bound(SOCK_STREAM, &address, size);
	struct stat status;

	umask(mask);
	CHECK_EQ(listen(server, 1), 0);
	CHECK_EQ(stat("s", &status), 0);
	CHECK_EQ(status.st_mode & 0777, 0700);
	CHECK_EQ(chmod(".", 0755), 0);
	CHECK_EQ(check_child(permission, NULL), 0);
}

static void accepting(int type)
{
	struct sockaddr_un address, peer;
	socklen_t size = abstract(&address, "server"), peer_size = sizeof peer;
	int server = bound(type, &address, size), client = socket(AF_UNIX, type, 0), many[4], fd;

	CHECK_EQ(listen(server, 1), 0);
	CHECK_EQ(option(server, SO_ACCEPTCONN), 1);
	CHECK_EQ(fcntl(server, F_SETFL, O_NONBLOCK), 0);
	CHECK_ERR(accept(server, NULL, NULL), EAGAIN);
	CHECK_EQ(events(server), 0);
	CHECK_EQ(connect(client, (void *)&address, size), 0);
	CHECK_EQ(events(server), POLLIN);
	CHECK_ERR(ioctl(server, FIONREAD, buffer), EINVAL);
	CHECK_EQ(write(client, "early", 5), 5);
	CHECK_ERR(syscall(SYS_accept4, server, NULL, NULL, 1), EINVAL);
	fd = accept4(server, (void *)&peer, &peer_size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_EQ(peer_size, OFFSET);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(read(fd, buffer, 100), 5);
	CHECK_ERR(read(fd, buffer, 100), EAGAIN);
	peer_size = sizeof peer;
	CHECK_EQ(getpeername(client, (void *)&peer, &peer_size), 0);
	CHECK_EQ(peer_size, size);
	peer_size = sizeof peer;
	CHECK_EQ(getsockname(fd, (void *)&peer, &peer_size), 0);
	CHECK_EQ(peer_size, size);
	/* One more than the backlog says. */
	for (int i = 0; i < 4; i++)
		many[i] = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
	CHECK_EQ(connect(many[0], (void *)&address, size), 0);
	CHECK_EQ(connect(many[1], (void *)&address, size), 0);
	CHECK_ERR(connect(many[2], (void *)&address, size), EAGAIN);
	CHECK_EQ(listen(server, 2), 0);
	CHECK_EQ(connect(many[2], (void *)&address, size), 0);
	CHECK_EQ(close(server), 0);
	CHECK_ERR(read(many[0], buffer, 1), ECONNRESET);
	CHECK_EQ(read(many[0], buffer, 1), 0);
	CHECK_ERR(connect(many[3], (void *)&address, size), ECONNREFUSED);
	/* What was accepted lives on. */
	CHECK_EQ(write(client, "later", 5), 5);
	CHECK_EQ(read(fd, buffer, 100), 5);
}

static void accepting_streams(void) { accepting(SOCK_STREAM); }
static void accepting_packets(void) { accepting(SOCK_SEQPACKET); }

static void ends(int type)
{
	int pair[2];

	signal(SIGPIPE, SIG_IGN);
	CHECK_EQ(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, pair), 0);
	CHECK_EQ(events(pair[0]), POLLOUT);
	CHECK_EQ(write(pair[0], "left", 4), 4);
	CHECK_EQ(events(pair[1]), POLLIN | POLLOUT);
	CHECK_EQ(shutdown(pair[0], SHUT_WR), 0);
	CHECK_ERR(write(pair[0], "x", 1), EPIPE);
	CHECK_EQ(events(pair[1]), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(read(pair[1], buffer, 10), 4);
	CHECK_EQ(read(pair[1], buffer, 10), 0);
	CHECK_EQ(write(pair[1], "back", 4), 4);
	CHECK_EQ(close(pair[1]), 0);
	CHECK_EQ(events(pair[0]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	CHECK_EQ(read(pair[0], buffer, 10), 4);
	CHECK_EQ(read(pair[0], buffer, 10), 0);
	close(pair[0]);
	/* Unread bytes are a reset for who sent them. */
	CHECK_EQ(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, pair), 0);
	CHECK_EQ(write(pair[0], "lost", 4), 4);
	close(pair[1]);
	CHECK_EQ(events(pair[0]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
	CHECK_ERR(write(pair[0], "x", 1), type == SOCK_STREAM ? EPIPE : ECONNRESET);
	if (type == SOCK_STREAM)
		CHECK_ERR(read(pair[0], buffer, 1), ECONNRESET);
	CHECK_EQ(read(pair[0], buffer, 1), 0);
	CHECK_EQ(option(pair[0], SO_ERROR), 0);
	CHECK_ERR(write(pair[0], "x", 1), EPIPE);
	close(pair[0]);
	CHECK_EQ(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, pair), 0);
	CHECK_EQ(shutdown(pair[0], SHUT_RD), 0);
	CHECK_EQ(read(pair[0], buffer, 1), 0);
	CHECK_ERR(write(pair[1], "x", 1), EPIPE);
	CHECK_EQ(write(pair[0], "x", 1), 1);
}

static void stream_ends(void) { ends(SOCK_STREAM); }
static void packet_ends(void) { ends(SOCK_SEQPACKET); }

static volatile int pipe_signals;
static void count_signal(int number)
{
	(void)number;
	pipe_signals++;
}

static void broken_pipe_signals(void)
{
	int pair[2];

	signal(SIGPIPE, count_signal);
	for (unsigned i = 0; i < 3; i++) {
		pipe_signals = 0;
		CHECK_EQ(socketpair(AF_UNIX, types[i], 0, pair), 0);
		close(pair[1]);
		CHECK_ERR(write(pair[0], "x", 1), types[i] == SOCK_DGRAM ? ECONNREFUSED : EPIPE);
		CHECK_EQ(pipe_signals, types[i] == SOCK_STREAM);
		CHECK_ERR(send(pair[0], "x", 1, MSG_NOSIGNAL), types[i] == SOCK_DGRAM ? ENOTCONN : EPIPE);
		CHECK_EQ(pipe_signals, types[i] == SOCK_STREAM);
		close(pair[0]);
	}
}

static void datagrams(void)
{
	struct sockaddr_un one, two, from;
	socklen_t one_size = named(&one, "one"), two_size = abstract(&two, "two"), size = sizeof from;
	int first = bound(SOCK_DGRAM | SOCK_NONBLOCK, &one, one_size), second = bound(SOCK_DGRAM | SOCK_NONBLOCK, &two, two_size);
	int third = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), sent;

	CHECK_ERR(send(first, "x", 1, 0), ENOTCONN);
	CHECK_EQ(sendto(first, "hello", 5, 0, (void *)&two, two_size), 5);
	CHECK_EQ(recvfrom(second, buffer, 3, 0, (void *)&from, &size), 3);
	CHECK_EQ(size, one_size);
	CHECK_STR(from.sun_path, "one");
	CHECK_ERR(recv(second, buffer, 3, 0), EAGAIN);
	CHECK_EQ(sendto(third, "", 0, 0, (void *)&two, two_size), 0);
	size = sizeof from;
	CHECK_EQ(recvfrom(second, buffer, 3, MSG_TRUNC, (void *)&from, &size), 0);
	CHECK_EQ(size, 0);
	CHECK_EQ(sendto(third, "12345", 5, 0, (void *)&two, two_size), 5);
	CHECK_EQ(recv(second, buffer, 2, MSG_TRUNC | MSG_PEEK), 5);
	CHECK_EQ(recv(second, buffer, 2, MSG_TRUNC), 5);
	/* Whose peer the sender is not, whom it finds full soon. */
	for (sent = 0; sendto(third, "x", 1, 0, (void *)&two, two_size) == 1; sent++)
		;
	CHECK_EQ(sent, 11);
	CHECK_ERR(sendto(third, "x", 1, 0, (void *)&two, two_size), EAGAIN);
	CHECK_EQ(connect(third, (void *)&two, two_size), 0);
	CHECK_EQ(events(third), 0);
	CHECK_EQ(recv(second, buffer, 2, 0), 1);
	CHECK_EQ(events(third), POLLOUT);
	CHECK_EQ(connect(second, (void *)&one, one_size), 0);
	CHECK_ERR(send(third, "x", 1, 0), EPERM);
	CHECK_ERR(connect(third, (void *)&two, two_size), EPERM);
	CHECK_EQ(connect(first, (void *)&two, two_size), 0);
	CHECK_EQ(send(first, "a", 1, 0), 1);
	/* Without a peer again: what had come is lost, and who counted on it hears of that. */
	from.sun_family = AF_UNSPEC;
	CHECK_EQ(connect(second, (void *)&from, sizeof from.sun_family), 0);
	CHECK_ERR(recv(second, buffer, 1, 0), EAGAIN);
	CHECK_ERR(recv(first, buffer, 1, 0), ECONNRESET);
	close(second);
	CHECK_ERR(send(first, "a", 1, 0), ECONNREFUSED);
	CHECK_ERR(send(first, "a", 1, 0), ENOTCONN);
	CHECK_ERR(sendto(first, "x", 1, 0, (void *)&two, two_size), ECONNREFUSED);
	CHECK_ERR(sendto(first, buffer, 212992, 0, (void *)&one, one_size), EMSGSIZE);
	CHECK_EQ(sendto(first, buffer, 200000, 0, (void *)&one, one_size), 200000);
	CHECK_EQ(recv(first, buffer, sizeof buffer, 0), 200000);
	CHECK_EQ(shutdown(first, SHUT_RD), 0);
	CHECK_ERR(sendto(first, "x", 1, 0, (void *)&one, one_size), EPIPE);
}

static void peeking(void)
{
	int pair[2];

	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, pair), 0);
		CHECK_ERR(recv(pair[0], buffer, 1, MSG_PEEK), EAGAIN);
		CHECK_EQ(send(pair[1], "abc", 3, 0) + send(pair[1], "def", 3, 0), 6);
		CHECK_EQ(recv(pair[0], buffer, 2, MSG_PEEK), 2);
		CHECK_EQ(recv(pair[0], buffer, 10, MSG_PEEK), types[i] == SOCK_STREAM ? 6 : 3);
		CHECK_EQ(recv(pair[0], buffer, 10, MSG_PEEK | MSG_DONTWAIT), types[i] == SOCK_STREAM ? 6 : 3);
		CHECK_EQ(recv(pair[0], buffer, 10, 0), types[i] == SOCK_STREAM ? 6 : 3);
		CHECK_EQ(!memcmp(buffer, "abc", 3), 1);
		close(pair[0]);
		close(pair[1]);
	}
}

static void vectors(void)
{
	struct iovec parts[3] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } }, into[2] = { { buffer, 1 }, { buffer + 1, 100 } };
	off_t offset = 1;
	int pair[2], file;

	check_write_file("file", "0123456789", 0600);
	file = open("file", O_RDONLY);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, pair), 0);
		CHECK_EQ(writev(pair[0], parts, 3), 5);
		CHECK_EQ(readv(pair[1], into, 2), 5);
		CHECK(!memcmp(buffer, "abcde", 5));
		offset = 1;
		CHECK_EQ(sendfile(pair[0], file, &offset, 4), 4);
		CHECK_EQ(read(pair[1], buffer, 100), 4);
		CHECK(!memcmp(buffer, "1234", 4));
		CHECK_ERR(write(pair[0], (char *)1, 1), EFAULT);
		CHECK_ERR(recv(pair[1], buffer, 0, 0), EAGAIN);
		CHECK_EQ(write(pair[0], "xy", 2), 2);
		CHECK_ERR(read(pair[1], (char *)1, 2), EFAULT);
		/* A message is lost, bytes of a stream are not. */
		if (types[i] == SOCK_STREAM)
			CHECK_EQ(read(pair[1], buffer, 2), 2);
		else
			CHECK_ERR(read(pair[1], buffer, 2), EAGAIN);
		close(pair[0]);
		close(pair[1]);
	}
}

/* What was there of the memory is sent, or nothing is. */
/* No bytes in a vector are no message, as none in one piece are. */
static void empty_vectors(void)
{
	struct iovec none[2] = { { buffer, 0 }, { NULL, 0 } };
	int pair[2];

	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, pair), 0);
		CHECK_EQ(writev(pair[0], none, 2), 0);
		CHECK_EQ(writev(pair[0], none, 0), 0);
		CHECK_EQ(syscall(SYS_pwritev2, pair[0], none, 2, -1l, 0l, 0), 0);
		CHECK_ERR(syscall(SYS_pwritev2, pair[0], none, 2, 0l, 0l, 0), ESPIPE);
		CHECK_ERR(recv(pair[1], buffer, 10, 0), EAGAIN);
		CHECK_EQ(readv(pair[1], none, 2), 0);
		CHECK_EQ(syscall(SYS_preadv2, pair[1], none, 2, -1l, 0l, 0), 0);
		CHECK_EQ(write(pair[0], buffer, 0), 0);
		if (types[i] == SOCK_STREAM)
			CHECK_ERR(recv(pair[1], buffer, 10, 0), EAGAIN);
		else
			CHECK_EQ(recv(pair[1], buffer, 10, 0), 0);
		close(pair[0]);
		CHECK_EQ(writev(pair[1], none, 2), 0);
		close(pair[1]);
	}
}

static void half_there(void)
{
	char *area = mmap(NULL, 1 << 18, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int pair[2], left = 0;
	ssize_t done;

	CHECK_EQ(munmap(area + 98304, (1 << 18) - 98304), 0);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, pair), 0);
		done = write(pair[0], area, 150000);
		CHECK(types[i] == SOCK_STREAM ? done > 0 && done <= 98304 : done == -1);
		left = done > 0 ? done : 0;
		CHECK_EQ(ioctl(pair[1], FIONREAD, &done), 0);
		CHECK_EQ((int)done, left);
		CHECK_EQ(write(pair[0], buffer, 30000), 30000);
		/* The memory for it ends before the message does. */
		CHECK_EQ(munmap(area + 4096, 4096), 0);
		CHECK_EQ(read(pair[1], area + 2048, 2048), 2048);
		CHECK(mmap(area + 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == area + 4096);
		close(pair[0]);
		close(pair[1]);
	}
}

static void buffers(void)
{
	int pair[2], value = 1;
	long total = 0;
	ssize_t done;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	CHECK_EQ(option(pair[0], SO_SNDBUF), 212992);
	CHECK_EQ(option(pair[0], SO_RCVBUF), 212992);
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &value, sizeof value), 0);
	CHECK_EQ(option(pair[0], SO_SNDBUF), 4608);
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_RCVBUF, &value, sizeof value), 0);
	CHECK_EQ(option(pair[0], SO_RCVBUF), 2304);
	value = 1000000;
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &value, sizeof value), 0);
	CHECK_EQ(option(pair[0], SO_SNDBUF), 425984);
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &value, sizeof value), 0);
	CHECK_EQ(option(pair[0], SO_SNDBUF), 2000000);
	while ((done = write(pair[1], buffer, 10000)) > 0)
		total += done;
	CHECK_ERR(write(pair[1], buffer, 1), EAGAIN);
	CHECK(total > 50000 && total < 500000);
	CHECK_EQ(events(pair[1]), 0);
	CHECK_EQ(ioctl(pair[1], TIOCOUTQ, &value), 0);
	CHECK(value >= total);
	while (total > 0 && (done = read(pair[0], buffer, 7000)) > 0)
		total -= done;
	CHECK_EQ(total, 0);
	CHECK_EQ(events(pair[1]), POLLOUT);
	CHECK_EQ(ioctl(pair[1], TIOCOUTQ, &value), 0);
	CHECK_EQ(value <= 1, 1);
	CHECK_ERR(ioctl(pair[1], 0x1234, &value), ENOTTY);
}

static void options(void)
{
	static const int switches[] = { SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST, SO_DONTROUTE, SO_OOBINLINE, SO_PASSCRED };
	struct timeval time = { 1, 500000 }, got;
	struct linger linger = { 1, 7 }, got_linger;
	int pair[2], value;
	socklen_t size;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	for (unsigned i = 0; i < sizeof switches / sizeof *switches; i++) {
		CHECK_EQ(option(pair[0], switches[i]), 0);
		value = 5;
		CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, switches[i], &value, sizeof value), 0);
		CHECK_EQ(option(pair[0], switches[i]), 1);
		value = 0;
		CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, switches[i], &value, sizeof value), 0);
		CHECK_EQ(option(pair[0], switches[i]), 0);
	}
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
	size = sizeof got;
	CHECK_EQ(getsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &got, &size), 0);
	CHECK_EQ(size, sizeof got);
	CHECK(got.tv_sec == 1 && got.tv_usec == 500000);
	time.tv_usec = 1000000;
	CHECK_ERR(setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time), EDOM);
	CHECK_ERR(setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &time, 4), EINVAL);
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
	size = sizeof got_linger;
	CHECK_EQ(getsockopt(pair[0], SOL_SOCKET, SO_LINGER, &got_linger, &size), 0);
	CHECK(got_linger.l_onoff == 1 && got_linger.l_linger == 7);
	CHECK_EQ(option(pair[0], SO_RCVLOWAT), 1);
	CHECK_ERR(setsockopt(pair[0], SOL_SOCKET, SO_TYPE, &value, sizeof value), ENOPROTOOPT);
	CHECK_ERR(setsockopt(pair[0], SOL_SOCKET, 9999, &value, sizeof value), ENOPROTOOPT);
	CHECK_ERR(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &value, 3), EINVAL);
	CHECK_ERR(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, NULL, 4), EFAULT);
	CHECK_ERR(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &value, -1), EINVAL);
	CHECK_ERR(setsockopt(pair[0], 6, 1, &value, sizeof value), EOPNOTSUPP);
	size = sizeof value;
	CHECK_ERR(getsockopt(pair[0], 6, 1, &value, &size), EOPNOTSUPP);
	size = 2;
	CHECK_EQ(getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &value, &size), 0);
	CHECK_EQ(size, 2);
	/* The time runs out. */
	time = (struct timeval){ 0, 1000 };
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
	CHECK_ERR(read(pair[0], buffer, 1), EAGAIN);
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time), 0);
	while (write(pair[0], buffer, 10000) == 10000)
		;
	CHECK_ERR(write(pair[0], buffer, 1), EAGAIN);
}

static void edges(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	int pair[2], epoll = epoll_create1(EPOLL_CLOEXEC);

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &event), 0);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 1);
	CHECK_EQ(event.events, EPOLLOUT);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(write(pair[1], "x", 1), 1);
		CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 1);
		CHECK_EQ(event.events, EPOLLIN | EPOLLOUT);
		CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	}
	while (write(pair[0], buffer, 10000) > 0)
		;
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	while (read(pair[1], buffer, 10000) > 0)
		;
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 1);
	CHECK_EQ(event.events, EPOLLIN | EPOLLOUT);
	CHECK_EQ(shutdown(pair[1], SHUT_WR), 0);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 1);
	CHECK_EQ(event.events, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	close(pair[1]);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 1);
	CHECK(event.events & EPOLLHUP);
}

static void check_owner(int fd, uid_t uid, gid_t gid)
{
	struct stat info;

	CHECK_EQ(fstat(fd, &info), 0);
	CHECK_EQ(info.st_mode, S_IFSOCK | 0777);
	CHECK_EQ(info.st_uid, uid);
	CHECK_EQ(info.st_gid, gid);
}

/* A socket belongs to who made it, or accepted it, whoever asks. */
static void owners(void)
{
	struct sockaddr_un address;
	socklen_t size = named(&address, "listener");
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), pair[2], client;

	CHECK_EQ(bind(listener, (void *)&address, size), 0);
	CHECK_EQ(listen(listener, 1), 0);
	CHECK_EQ(chmod("listener", 0666), 0);
	check_owner(listener, 0, 0);
	CHECK_EQ(setegid(1001), 0);
	CHECK_EQ(seteuid(1000), 0);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(connect(client, (void *)&address, size), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	CHECK_EQ(seteuid(0), 0);
	CHECK_EQ(setegid(0), 0);
	check_owner(accept(listener, NULL, NULL), 0, 0);
	check_owner(client, 1000, 1001);
	check_owner(pair[0], 1000, 1001);
	check_owner(pair[1], 1000, 1001);
}

static void listed(void)
{
	struct sockaddr_un address;
	socklen_t size = named(&address, "listed");
	int fd = bound(SOCK_STREAM, &address, size), found = 0;
	FILE *file = fopen("/proc/net/unix", "r");
	struct stat status;
	char line[256], path[128];
	unsigned flags, type, state;
	unsigned long inode;

	CHECK_EQ(listen(fd, 1), 0);
	CHECK_EQ(fstat(fd, &status), 0);
	while (CHECK(file != NULL) && fgets(line, sizeof line, file))
		if (sscanf(line, "%*x: %*x %*x %x %x %x %lu %127s", &flags, &type, &state, &inode, path) == 5 && inode == status.st_ino)
			found += flags == 0x10000 && type == SOCK_STREAM && state == 1 && !strcmp(path, "listed");
	CHECK_EQ(found, 1);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(making), CASE(unconnected), CASE(names), CASE(refused_connections), CASE(permissions), CASE(accepting_streams), CASE(accepting_packets),
		CASE(stream_ends), CASE(packet_ends), CASE(broken_pipe_signals), CASE(datagrams), CASE(peeking), CASE(vectors), CASE(empty_vectors),
		CASE(half_there), CASE(buffers), CASE(options), CASE(edges), CASE(owners), CASE(listed), { NULL, NULL },
	};

	return kernel_has(UNIX_SOCKETS) ? check_main("sockets", cases, argc, argv) : skip_program("sockets", UNIX_SOCKETS);
}
