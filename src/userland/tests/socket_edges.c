/* SPDX-License-Identifier: MIT */
/*
 * What goes wrong with local sockets at the edges: looking behind the end, receivers that die full, sockets taken out of queues while it is looked for
 * those that nobody can reach, names that move, ends before anybody accepts.
 */
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static char buffer[8192];

static void pair_of(int type, int pair[2])
{
	CHECK_EQ(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
}

static void set(int fd, int option, int value)
{
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, option, &value, sizeof value), 0);
}

static socklen_t named(struct sockaddr_un *address, const char *name)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(address->sun_path, name);
	return sizeof *address;
}

static int bound(int type, const char *name)
{
	struct sockaddr_un address;
	socklen_t size = named(&address, name);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	CHECK_EQ(bind(fd, (void *)&address, size), 0);
	return fd;
}

static int connect_to(int fd, const char *name)
{
	struct sockaddr_un address;
	socklen_t size = named(&address, name);

	return connect(fd, (void *)&address, size);
}

static int send_fd(int to, int fd)
{
	union { struct cmsghdr head; char bytes[CMSG_SPACE(sizeof(int))]; } control = {
		.head = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec part = { "x", 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };

	memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	return sendmsg(to, &message, 0);
}

/* The descriptor that comes, or -1. */
static int receive_fd(int from, int flags)
{
	union { struct cmsghdr head; char bytes[CMSG_SPACE(sizeof(int))]; } control;
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	int fd = -1;

	if (recvmsg(from, &message, flags | MSG_CMSG_CLOEXEC) == 1 && message.msg_controllen)
		memcpy(&fd, CMSG_DATA(&control.head), sizeof fd);
	return fd;
}

static int events(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };

	poll(&one, 1, 0);
	return one.revents;
}

/* ---- Looking behind the end ---- */

static void caught(int number) { (void)number; }

static void look_behind_the_end(void *argument)
{
	struct sigaction action = { .sa_handler = caught };

	sigaction(SIGUSR1, &action, NULL);
	CHECK_ERR(recv(*(int *)argument, buffer, 1, MSG_PEEK), EINTR);
	recv(*(int *)argument, buffer, 1, MSG_PEEK);
}

static void peeking_behind_the_end(int type)
{
	struct timeval time = { 0, 1000 };
	int pair[2];
	pid_t child;

	pair_of(type, pair);
	CHECK_EQ(send(pair[0], "abc", 3, 0), 3);
	set(pair[1], SO_PEEK_OFF, 100);
	CHECK_ERR(recv(pair[1], buffer, 1, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
	child = check_spawn(look_behind_the_end, &pair[1]);
	CHECK(check_state(child, 'S', 5000));
	kill(child, SIGUSR1);
	CHECK(check_state(child, 'S', 5000));
	kill(child, SIGKILL);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
	CHECK_EQ(setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
	CHECK_ERR(recv(pair[1], buffer, 1, MSG_PEEK), EAGAIN);
	CHECK_EQ(recv(pair[1], buffer, 10, 0), 3);
}

static void peeking_behind_streams(void) { peeking_behind_the_end(SOCK_STREAM); }
static void peeking_behind_datagrams(void) { peeking_behind_the_end(SOCK_DGRAM); }
static void peeking_behind_packets(void) { peeking_behind_the_end(SOCK_SEQPACKET); }

/* Who goes from message to message by an offset comes past those that are empty. */
static void peeking_past_empty(int type)
{
	int pair[2];

	pair_of(type | SOCK_NONBLOCK, pair);
	CHECK_EQ(send(pair[0], "", 0, 0), 0);
	CHECK_EQ(send(pair[0], "ab", 2, 0), 2);
	CHECK_EQ(send(pair[0], "", 0, 0), 0);
	CHECK_EQ(send(pair[0], "cde", 3, 0), 3);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(recv(pair[1], buffer, 9, MSG_PEEK), 0);
	set(pair[1], SO_PEEK_OFF, 0);
	CHECK_EQ(recv(pair[1], buffer, 9, MSG_PEEK), 2);
	CHECK_EQ(recv(pair[1], buffer, 9, MSG_PEEK), 0);
	CHECK_EQ(recv(pair[1], buffer, 9, MSG_PEEK), 3);
	CHECK_ERR(recv(pair[1], buffer, 9, MSG_PEEK), EAGAIN);
	CHECK_EQ(recv(pair[1], buffer, 9, 0), 0);
	CHECK_EQ(recv(pair[1], buffer, 9, 0), 2);
}

static void peeking_past_empty_datagrams(void) { peeking_past_empty(SOCK_DGRAM); }
static void peeking_past_empty_packets(void) { peeking_past_empty(SOCK_SEQPACKET); }

/* ---- A receiver that ends with its queue full ---- */

static void poll_for_room(void *argument)
{
	const int *fds = argument;
	struct pollfd one = { .fd = fds[0], .events = POLLOUT };

	close(fds[1]);
	CHECK_EQ(poll(&one, 1, -1), 1);
	CHECK_EQ(one.revents, POLLOUT);
}

static void dead_receiver(void)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET };
	int fds[2] = { socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), bound(SOCK_DGRAM, "server") }, epoll = epoll_create1(EPOLL_CLOEXEC);
	pid_t child;

	CHECK_EQ(connect_to(fds[0], "server"), 0);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event), 0);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 1);
	while (send(fds[0], "x", 1, 0) == 1)
		;
	CHECK_EQ(events(fds[0]), 0);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	child = check_spawn(poll_for_room, fds);
	CHECK(check_state(child, 'S', 5000));
	close(fds[1]);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(events(fds[0]), POLLOUT);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 1);
	CHECK_ERR(send(fds[0], "x", 1, 0), ECONNREFUSED);
}

/* ---- Taken out while it is looked for those that nobody can reach ---- */

enum { ROUNDS = 1500, LONG = 60 };

/* A socket in its own queue: with its last descriptor begins a collection. */
static void make_circles(void *unused)
{
	int pair[2];

	(void)unused;
	for (;;) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			_exit(1);
		send_fd(pair[0], pair[1]);
		close(pair[1]);
		close(pair[0]);
	}
}

static void receive_both(void *argument)
{
	unsigned missing = 0;

	for (int i = 0; i < ROUNDS; i++) {
		int inner = receive_fd(*(int *)argument, 0), innermost = receive_fd(inner, MSG_DONTWAIT);

		missing += inner < 0 || innermost < 0 || read(innermost, buffer, 1) != 1;
		close(inner);
		close(innermost);
	}
	CHECK_EQ(missing, 0);
}

static void taken_meanwhile(void)
{
	int keeper[2], outer[2], inner[2], innermost[2], last = STDIN_FILENO;
	pid_t maker, receiver;

	/* More to be looked at, so that it takes a while. */
	for (int i = 0; i < LONG; i++) {
		pair_of(SOCK_STREAM, inner);
		CHECK_EQ(send_fd(inner[0], last), 1);
		close(inner[0]);
		if (i)
			close(last);
		last = inner[1];
	}
	pair_of(SOCK_STREAM, keeper);
	pair_of(SOCK_STREAM, outer);
	set(outer[0], SO_SNDBUF, 1);
	CHECK_EQ(send_fd(keeper[0], outer[1]), 1);
	maker = check_spawn(make_circles, NULL);
	receiver = check_spawn(receive_both, &outer[1]);
	for (int i = 0; i < ROUNDS; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, inner) || socketpair(AF_UNIX, SOCK_STREAM, 0, innermost))
			break;
		write(innermost[1], "y", 1);
		send_fd(inner[0], innermost[0]);
		send_fd(outer[0], inner[1]);
		for (int k = 0; k < 2; k++) {
			close(inner[k]);
			close(innermost[k]);
		}
	}
	CHECK_EQ(check_wait(receiver), 0);
	kill(maker, SIGKILL);
	CHECK_EQ(check_wait(maker), CHECK_KILLED + SIGKILL);
}

/* ---- Names that move ---- */

static void moving_names(void)
{
	int server = bound(SOCK_STREAM, "first"), other, fd;
	struct sockaddr_un address;
	socklen_t size = sizeof address;
	struct stat status;

	CHECK_EQ(listen(server, -1), 0);
	CHECK_EQ(link("first", "second"), 0);
	CHECK_EQ(rename("first", "third"), 0);
	CHECK_EQ(symlink("third", "fourth"), 0);
	CHECK_ERR(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "first"), ENOENT);
	CHECK_EQ(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "second"), 0);
	CHECK_EQ(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "third"), 0);
	CHECK_EQ(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "fourth"), 0);
	CHECK_EQ(getsockname(server, (void *)&address, &size), 0);
	CHECK_STR(address.sun_path, "first");
	/* The name is free for another. */
	other = bound(SOCK_STREAM, "first");
	CHECK_EQ(listen(other, 1), 0);
	CHECK_EQ(unlink("third"), 0);
	CHECK_EQ(unlink("second"), 0);
	CHECK_EQ(fstat(server, &status), 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(connect_to(fd, "first"), 0);
	CHECK(accept(other, NULL, NULL) >= 0);
	CHECK_EQ(write(fd, "x", 1), 1);
}

/* A path of all bytes there are has no NUL of its own. */
static void longest_path(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	union { struct sockaddr_un un; char bytes[120]; } found;
	socklen_t size = sizeof found;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0), other = socket(AF_UNIX, SOCK_DGRAM, 0);

	memset(address.sun_path, 'p', sizeof address.sun_path);
	CHECK_EQ(bind(fd, (void *)&address, sizeof address), 0);
	CHECK_EQ(getsockname(fd, (void *)&found, &size), 0);
	CHECK_EQ(size, sizeof address + 1);
	CHECK(!memcmp(found.bytes, &address, sizeof address) && !found.bytes[sizeof address]);
	CHECK_EQ(sendto(other, "x", 1, 0, (void *)&address, sizeof address), 1);
	CHECK_EQ(recv(fd, buffer, 1, 0), 1);
}

/* Who tells its credentials has a name when it connects or sends. */
static void named_by_itself(void)
{
	struct sockaddr_un address;
	socklen_t size = sizeof address;
	int server = bound(SOCK_DGRAM, "server"), fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	set(fd, SO_PASSCRED, 1);
	CHECK_EQ(connect_to(fd, "server"), 0);
	CHECK_EQ(send(fd, "x", 1, 0), 1);
	CHECK_EQ(recvfrom(server, buffer, 1, 0, (void *)&address, &size), 1);
	CHECK_EQ(size, offsetof(struct sockaddr_un, sun_path) + 6);
	CHECK_EQ(sendto(server, "y", 1, 0, (void *)&address, size), 1);
	CHECK_EQ(recv(fd, buffer, 1, 0), 1);
}

/* ---- Ends ---- */

static void ends_before_accept(void)
{
	int server = bound(SOCK_STREAM, "server"), client = socket(AF_UNIX, SOCK_STREAM, 0), fd, shut = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK_EQ(listen(server, 5), 0);
	CHECK_ERR(recv(server, buffer, 1, MSG_DONTWAIT), EINVAL);
	CHECK_ERR(send(server, buffer, 1, MSG_DONTWAIT), ENOTCONN);
	CHECK_EQ(connect_to(client, "server"), 0);
	CHECK_EQ(write(client, "left", 4), 4);
	close(client);
	CHECK_EQ(connect_to(shut, "server"), 0);
	CHECK_EQ(shutdown(shut, SHUT_RDWR), 0);
	fd = accept(server, NULL, NULL);
	CHECK_EQ(events(fd), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	CHECK_EQ(read(fd, buffer, 10), 4);
	CHECK_EQ(read(fd, buffer, 10), 0);
	fd = accept(server, NULL, NULL);
	CHECK_EQ(events(fd), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	CHECK_EQ(read(fd, buffer, 10), 0);
	CHECK_ERR(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
	/* A listener that was shut down gives out who has come, and lets nobody else come. */
	CHECK_EQ(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "server"), 0);
	CHECK_EQ(shutdown(server, SHUT_RD), 0);
	CHECK_ERR(connect_to(client = socket(AF_UNIX, SOCK_STREAM, 0), "server"), ECONNREFUSED);
	CHECK(accept(server, NULL, NULL) >= 0);
	CHECK_ERR(accept(server, NULL, NULL), EINVAL);
	CHECK_EQ(fcntl(server, F_SETFL, O_NONBLOCK), 0);
	CHECK_ERR(accept(server, NULL, NULL), EAGAIN);
}

/* The end is no message: nothing goes with it. And an empty message that nobody has received is no loss. */
static void ends_of_messages(void)
{
	union { struct cmsghdr head; char bytes[64]; } control;
	struct iovec part = { buffer, 10 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	int pair[2];

	pair_of(SOCK_SEQPACKET, pair);
	set(pair[1], SO_PASSCRED, 1);
	CHECK_EQ(send(pair[1], "", 0, 0), 0);
	close(pair[0]);
	CHECK_EQ(syscall(SYS_recvmsg, pair[1], &message, MSG_TRUNC), 0);
	CHECK_EQ(message.msg_flags, 0);
	CHECK_EQ(message.msg_controllen, 0);
}

static void shut_halves(void)
{
	int pair[2];

	pair_of(SOCK_STREAM, pair);
	CHECK_EQ(write(pair[0], "left", 4), 4);
	CHECK_EQ(shutdown(pair[1], SHUT_RD), 0);
	CHECK_EQ(read(pair[1], buffer, 10), 4);
	CHECK_EQ(read(pair[1], buffer, 10), 0);
	pair_of(SOCK_DGRAM, pair);
	CHECK_EQ(send(pair[0], "left", 4, 0), 4);
	CHECK_EQ(shutdown(pair[0], SHUT_WR), 0);
	CHECK_ERR(send(pair[0], "x", 1, 0), EPIPE);
	CHECK_EQ(recv(pair[1], buffer, 10, 0), 4);
	CHECK_ERR(recv(pair[1], buffer, 10, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(shutdown(pair[1], SHUT_RD), 0);
	CHECK_EQ(recv(pair[1], buffer, 10, 0), 0);
	CHECK_ERR(recv(pair[1], buffer, 10, MSG_DONTWAIT), EAGAIN);
}

/* Its own peer, which may have as much waiting as it may send. */
static void its_own_peer(void)
{
	int fd = bound(SOCK_DGRAM | SOCK_NONBLOCK, "self"), sent;

	CHECK_EQ(connect_to(fd, "self"), 0);
	for (sent = 0; sent < 40 && send(fd, "x", 1, 0) == 1; sent++)
		;
	CHECK_EQ(sent, 40);
	while (recv(fd, buffer, 1, 0) == 1)
		sent--;
	CHECK_EQ(sent, 0);
}

/* ---- Sending ---- */

/* After a message of which only a part was sent no other is, though it would fit. */
static void sent_in_part(void)
{
	static char large[200000];
	struct iovec parts[2] = { { large, sizeof large }, { large, 0 } };
	struct mmsghdr messages[2] = { { .msg_hdr = { .msg_iov = &parts[0], .msg_iovlen = 1 } }, { .msg_hdr = { .msg_iov = &parts[1], .msg_iovlen = 1 } } };
	int pair[2];

	pair_of(SOCK_STREAM | SOCK_NONBLOCK, pair);
	set(pair[0], SO_SNDBUF, 1);
	CHECK_EQ(syscall(SYS_sendmmsg, pair[0], messages, 2, 0), 1);
	CHECK(messages[0].msg_len > 0 && messages[0].msg_len < sizeof large);
}

/* Who may have less under way than it has sends nothing until enough was received, small messages neither. */
static void lowered_limit(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };
	int pair[2];

	for (int i = 0; i < 3; i++) {
		pair_of(types[i] | SOCK_NONBLOCK, pair);
		for (int k = 0; k < 2; k++)
			CHECK_EQ(write(pair[0], buffer, 5000), 5000);
		set(pair[0], SO_SNDBUF, 1);
		CHECK_ERR(write(pair[0], "x", 1), EAGAIN);
		CHECK_EQ(events(pair[0]), 0);
		for (int k = 0; k < 2; k++)
			CHECK_EQ(read(pair[1], buffer, 5000), 5000);
		CHECK_EQ(events(pair[0]), POLLOUT);
		CHECK_EQ(write(pair[0], "x", 1), 1);
		CHECK_EQ(read(pair[1], buffer, 10), 1);
		close(pair[0]);
		close(pair[1]);
	}
}

static ssize_t send_as(int fd, uid_t uid)
{
	union { struct cmsghdr head; char bytes[CMSG_SPACE(sizeof(struct ucred))]; } control = {
		.head = { .cmsg_len = CMSG_LEN(sizeof(struct ucred)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS } };
	struct ucred credentials = { getpid(), uid, 0 };
	struct iovec part = { "x", 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };

	memcpy(CMSG_DATA(&control.head), &credentials, sizeof credentials);
	return sendmsg(fd, &message, 0);
}

/* What nobody said who sent is one stream, whatever was in the kernel's memory before. */
static void nobody_said_who(void)
{
	enum { PIECES = 16 };
	int pair[2];

	pair_of(SOCK_STREAM, pair);
	for (int i = 0; i < PIECES; i++)
		CHECK_EQ(send_as(pair[0], 100 + i), 1);
	CHECK_EQ(recv(pair[1], buffer, PIECES, MSG_WAITALL), PIECES);
	for (int i = 0; i < PIECES; i++)
		CHECK_EQ(write(pair[0], "x", 1), 1);
	set(pair[1], SO_PASSCRED, 1);
	CHECK_EQ(recv(pair[1], buffer, PIECES, 0), PIECES);
}

/* Several sockets at one name are not for those that are local. */
static void not_for_local_ones(void)
{
	int pair[2], value = 1;
	socklen_t size = sizeof value;

	pair_of(SOCK_DGRAM, pair);
	CHECK_ERR(setsockopt(pair[0], SOL_SOCKET, SO_REUSEPORT, &value, size), EOPNOTSUPP);
	CHECK_EQ(getsockopt(pair[0], SOL_SOCKET, SO_REUSEPORT, &value, &size), 0);
	CHECK_EQ(value, 0);
	set(pair[0], SO_REUSEPORT, 0);
}

/* What can be said of them without that they do anything. */
static void without_consequences(void)
{
	static const int options[] = { SO_TIMESTAMP, SO_TIMESTAMPNS, 34 /* SO_PASSSEC */, SO_RXQ_OVFL, SO_WIFI_STATUS, SO_NOFCS, SO_SELECT_ERR_QUEUE };
	struct timeval time = { 5, 0 };
	socklen_t size;
	int pair[2], value;

	pair_of(SOCK_DGRAM, pair);
	for (unsigned i = 0; i < sizeof options / sizeof *options; i++)
		for (int on = 1; on >= 0; on--) {
			set(pair[0], options[i], on * 17);
			size = sizeof value;
			CHECK_EQ(getsockopt(pair[0], SOL_SOCKET, options[i], &value, &size), 0);
			CHECK_EQ(value, on);
		}
	/* SO_RCVTIMEO_NEW, SO_SNDTIMEO_NEW: the same as those without. */
	size = sizeof time;
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, 66, &time, size), 0);
	CHECK_EQ(getsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &time, &size), 0);
	CHECK_EQ(time.tv_sec, 0);
	CHECK_EQ(getsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, &size), 0);
	CHECK_EQ(time.tv_sec, 5);
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, 67, &time, size), 0);
	CHECK_EQ(getsockopt(pair[0], SOL_SOCKET, 67, &time, &size), 0);
	CHECK_EQ(time.tv_sec, 5);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(peeking_behind_streams), CASE(peeking_behind_datagrams), CASE(peeking_behind_packets), CASE(peeking_past_empty_datagrams),
		CASE(peeking_past_empty_packets), CASE(dead_receiver), CASE(taken_meanwhile),
		CASE(moving_names), CASE(longest_path), CASE(named_by_itself), CASE(ends_before_accept), CASE(ends_of_messages), CASE(shut_halves),
		CASE(its_own_peer), CASE(sent_in_part), CASE(lowered_limit), CASE(nobody_said_who), CASE(not_for_local_ones),
		CASE(without_consequences), { NULL, NULL },
	};

	return kernel_has(UNIX_SOCKETS) ? check_main("socket_edges", cases, argc, argv) : skip_program("socket_edges", UNIX_SOCKETS);
}
