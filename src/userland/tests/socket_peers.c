/* SPDX-License-Identifier: MIT */
/*
 * Local sockets of several processes at once: who waits is woken, streams keep their bytes, peers are killed in between; and random calls of several
 * processes at the same sockets, with a count of the kernel's objects afterwards (SEED=N ROUNDS=N).
 */
#include "check.h"
#include "leak.h"
#include "built_with.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STREAM_BYTES = 400000, SEVERAL = 4, MESSAGES = 300 };
static char buffer[1 << 16];

static void pair_of(int type, int pair[2])
{
	CHECK_EQ(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
}

/* ---- Streams ---- */

static void write_stream(void *argument)
{
	int fd = *(int *)argument;
	unsigned state = 4711;

	srand(1);
	for (int left = STREAM_BYTES; left;) {
		int part = rand() % 9000 + 1;

		part = part > left ? left : part;
		for (int i = 0; i < part; i++)
			buffer[i] = (state = state * 1664525 + 1013904223) >> 24;
		for (int at = 0; at < part;) {
			ssize_t done = write(fd, buffer + at, part - at);

			if (done <= 0)
				_exit(1);
			at += done;
		}
		left -= part;
	}
}

static void stream(void)
{
	unsigned state = 4711, wrong = 0;
	long total = 0;
	ssize_t got;
	int pair[2];
	pid_t child;

	pair_of(SOCK_STREAM, pair);
	child = check_spawn(write_stream, &pair[1]);
	close(pair[1]);
	while ((got = read(pair[0], buffer, total % 3 ? 7001 : 100)) > 0) {
		total += got;
		for (int i = 0; i < got; i++)
			wrong += (unsigned char)buffer[i] != (state = state * 1664525 + 1013904223) >> 24;
	}
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(total, STREAM_BYTES);
	CHECK_EQ(wrong, 0);
}

/* ---- Waking ---- */

static void answer(void *argument)
{
	int fd = *(int *)argument;

	while (read(fd, buffer, 64) == 64)
		if (write(fd, buffer, 64) != 64)
			_exit(1);
}

static void round_trips(int type)
{
	int pair[2];
	pid_t child;

	pair_of(type, pair);
	child = fork();
	if (child == 0) {
		close(pair[0]);
		answer(&pair[1]);
		_exit(0);
	}
	close(pair[1]);
	for (int i = 0; i < 200; i++) {
		if (i < 10)
			CHECK(check_state(child, 'S', 5000));
		CHECK_EQ(write(pair[0], buffer, 64), 64);
		CHECK_EQ(read(pair[0], buffer, 100), 64);
	}
	close(pair[0]);
	CHECK_EQ(check_wait(child), 0);
}

static void stream_round_trips(void) { round_trips(SOCK_STREAM); }
static void packet_round_trips(void) { round_trips(SOCK_SEQPACKET); }

/* Several receivers of one socket: each message wakes somebody, and none is lost, though some only look (MSG_PEEK). */
static void receive_some(void *argument)
{
	int fd = *(int *)argument;
	unsigned own = 0;

	for (;;) {
		char c = 0;

		if (own % 3 == 1)
			recv(fd, &c, 1, MSG_PEEK);
		if (recv(fd, &c, 1, 0) != 1)
			_exit(99);
		if (c == 'e')
			_exit(0);
		own++;
	}
}

static void several_receivers(int type)
{
	int pair[2];
	pid_t children[SEVERAL];

	pair_of(type, pair);
	for (int i = 0; i < SEVERAL; i++)
		children[i] = check_spawn(receive_some, &pair[1]);
	for (int i = 0; i < SEVERAL; i++)
		CHECK(check_state(children[i], 'S', 5000));
	for (int i = 0; i < MESSAGES; i++)
		CHECK_EQ(send(pair[0], "x", 1, 0), 1);
	for (int i = 0; i < SEVERAL; i++)
		CHECK_EQ(send(pair[0], "e", 1, 0), 1);
	for (int i = 0; i < SEVERAL; i++)
		CHECK_EQ(check_wait(children[i]), 0);
	CHECK_EQ(recv(pair[1], buffer, 1, MSG_DONTWAIT) < 0, 1);
}

static void receivers_of_streams(void) { several_receivers(SOCK_STREAM); }
static void receivers_of_datagrams(void) { several_receivers(SOCK_DGRAM); }
static void receivers_of_packets(void) { several_receivers(SOCK_SEQPACKET); }

static socklen_t server_name(struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX, .sun_path = "server" };
	return sizeof *address;
}

/* Senders that find the receiver's queue full wait for room there, and all get through. */
static void send_to_server(void *unused)
{
	struct sockaddr_un address;
	socklen_t size = server_name(&address);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	(void)unused;
	for (int i = 0; i < 100; i++)
		if (sendto(fd, "x", 1, 0, (void *)&address, size) != 1)
			_exit(1);
}

static void several_senders(void)
{
	struct sockaddr_un address;
	socklen_t size = server_name(&address);
	int server = socket(AF_UNIX, SOCK_DGRAM, 0);
	pid_t children[SEVERAL];

	CHECK_EQ(bind(server, (void *)&address, size), 0);
	for (int i = 0; i < SEVERAL; i++)
		children[i] = check_spawn(send_to_server, NULL);
	for (int i = 0; i < SEVERAL; i++)
		CHECK(check_state(children[i], 'S', 5000));
	for (int i = 0; i < SEVERAL * 100; i++)
		CHECK_EQ(recv(server, buffer, 10, 0), 1);
	for (int i = 0; i < SEVERAL; i++)
		CHECK_EQ(check_wait(children[i]), 0);
}

/* Clients that wait for room in the backlog, and a poll that waits for a peer's queue. */
static void connect_to_server(void *unused)
{
	struct sockaddr_un address;
	socklen_t size = server_name(&address);
	char c;

	(void)unused;
	for (int i = 0; i < 20; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		if (connect(fd, (void *)&address, size) || read(fd, &c, 1) != 1)
			_exit(1);
		close(fd);
	}
}

static void several_clients(void)
{
	struct sockaddr_un address;
	socklen_t size = server_name(&address);
	int server = socket(AF_UNIX, SOCK_STREAM, 0), fd;
	pid_t children[SEVERAL];

	CHECK_EQ(bind(server, (void *)&address, size), 0);
	CHECK_EQ(listen(server, 0), 0);
	for (int i = 0; i < SEVERAL; i++)
		children[i] = check_spawn(connect_to_server, NULL);
	for (int i = 0; i < SEVERAL; i++)
		CHECK(check_state(children[i], 'S', 5000));
	for (int i = 0; i < SEVERAL * 20; i++) {
		CHECK((fd = accept(server, NULL, NULL)) >= 0);
		CHECK_EQ(write(fd, "x", 1), 1);
		close(fd);
	}
	for (int i = 0; i < SEVERAL; i++)
		CHECK_EQ(check_wait(children[i]), 0);
}

static void poll_for_room(void *argument)
{
	struct pollfd one = { .fd = *(int *)argument, .events = POLLOUT };

	CHECK_EQ(poll(&one, 1, 20000), 1);
	CHECK_EQ(one.revents, POLLOUT);
}

static void waiting_for_room(void)
{
	struct sockaddr_un address;
	socklen_t size = server_name(&address);
	int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), pair[2];
	pid_t child;

	CHECK_EQ(bind(server, (void *)&address, size), 0);
	CHECK_EQ(connect(client, (void *)&address, size), 0);
	while (send(client, "x", 1, 0) == 1)
		;
	child = check_spawn(poll_for_room, &client);
	CHECK(check_state(child, 'S', 5000));
	CHECK_EQ(recv(server, buffer, 1, 0), 1);
	CHECK_EQ(check_wait(child), 0);
	pair_of(SOCK_STREAM | SOCK_NONBLOCK, pair);
	while (write(pair[0], buffer, sizeof buffer) > 0)
		;
	child = check_spawn(poll_for_room, &pair[0]);
	CHECK(check_state(child, 'S', 5000));
	while (read(pair[1], buffer, 5000) > 0)
		;
	CHECK_EQ(check_wait(child), 0);
}

/* ---- Ends ---- */

static void wait_to_read(void *argument)
{
	CHECK_EQ(read(*(int *)argument, buffer, 10), 0);
}

static void wait_to_write(void *argument)
{
	signal(SIGPIPE, SIG_IGN);
	while (write(*(int *)argument, buffer, sizeof buffer) > 0)
		;
	CHECK_EQ(write(*(int *)argument, buffer, 1) < 0 && errno == EPIPE, 1);
}

static void wait_to_accept(void *argument)
{
	CHECK_ERR(accept(*(int *)argument, NULL, NULL), EINVAL);
}

static void ends_wake(void)
{
	struct sockaddr_un address;
	socklen_t size = server_name(&address);
	int pair[2], server;
	pid_t child;

	for (int type = 0; type < 2; type++) {
		pair_of(type ? SOCK_SEQPACKET : SOCK_STREAM, pair);
		child = check_spawn(wait_to_read, &pair[0]);
		CHECK(check_state(child, 'S', 5000));
		shutdown(pair[1], SHUT_WR);
		CHECK_EQ(check_wait(child), 0);
		pair_of(type ? SOCK_SEQPACKET : SOCK_STREAM, pair);
		child = check_spawn(wait_to_write, &pair[0]);
		CHECK(check_state(child, 'S', 5000));
		shutdown(pair[1], SHUT_RD);
		CHECK_EQ(check_wait(child), 0);
	}
	server = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(bind(server, (void *)&address, size), 0);
	CHECK_EQ(listen(server, 1), 0);
	child = check_spawn(wait_to_accept, &server);
	CHECK(check_state(child, 'S', 5000));
	shutdown(server, SHUT_RD);
	CHECK_EQ(check_wait(child), 0);
}

static void caught(int number) { (void)number; }

static void interrupted(void *argument)
{
	int *pair = argument;
	struct sigaction action = { .sa_handler = caught };
	struct timeval time = { 100, 0 };

	sigaction(SIGUSR1, &action, NULL);
	CHECK_ERR(read(pair[0], buffer, 1), EINTR);
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &action, NULL);
	CHECK_EQ(write(pair[0], "n", 1), 1);
	CHECK_ERR(read(pair[0], buffer, 1), EINTR);
}

static void signals(void)
{
	int pair[2];
	pid_t child;

	pair_of(SOCK_STREAM, pair);
	child = check_spawn(interrupted, pair);
	CHECK(check_state(child, 'S', 5000));
	kill(child, SIGUSR1);
	CHECK_EQ(read(pair[1], buffer, 1), 1);
	CHECK(check_state(child, 'S', 5000));
	kill(child, SIGUSR1);
	CHECK_EQ(check_wait(child), 0);
}

/* Writers, readers and the end of their peers, again and again at different moments. */
static void use_until_the_end(void *argument)
{
	int fd = *(int *)argument;

	signal(SIGPIPE, SIG_IGN);
	while (write(fd, buffer, 64) > 0)
		if (read(fd, buffer, 64) <= 0)
			break;
}

static void killed_peers(void)
{
	int pair[2];
	pid_t one, other;

	for (int i = 0; i < 60; i++) {
		pair_of(i % 2 ? SOCK_STREAM : SOCK_SEQPACKET, pair);
		one = check_spawn(use_until_the_end, &pair[0]);
		other = fork();
		if (!other) {
			close(pair[0]);
			use_until_the_end(&pair[1]);
			_exit(0);
		}
		close(pair[0]);
		close(pair[1]);
		for (int turn = 0; turn < i % 8; turn++)
			sched_yield();
		kill(one, SIGKILL);
		check_wait(one);
		/* The first child had both ends, the second has only its own. */
		CHECK_EQ(check_wait(other), 0);
	}
}

/* ---- Random calls ---- */

enum { SOCKETS = 12, WORKERS = 4 };
static unsigned seed;

static unsigned pick(unsigned count)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % count;
}

static void name_of(struct sockaddr_un *address, socklen_t *size)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*size = sizeof address->sun_family + 3;
	address->sun_path[pick(2)] = 'a' + pick(4);
}

static void send_anything(int fd, const int *sockets)
{
	union { struct cmsghdr head; char bytes[CMSG_SPACE(3 * sizeof(int))]; } control = { .head = { 0 } };
	unsigned count = pick(4);
	struct sockaddr_un address;
	socklen_t size;
	struct iovec part = { buffer, pick(3) ? pick(200) : pick(30000) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (count) {
		control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		for (unsigned i = 0; i < count && i < 3; i++)
			memcpy(CMSG_DATA(&control.head) + i * sizeof(int), &sockets[pick(SOCKETS)], sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	if (pick(3) == 0) {
		name_of(&address, &size);
		message.msg_name = &address;
		message.msg_namelen = size;
	}
	sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void receive_anything(int fd, int *sockets)
{
	union { struct cmsghdr head; char bytes[CMSG_SPACE(3 * sizeof(int))]; } control;
	struct iovec part = { buffer, pick(300) };
	struct sockaddr_un address;
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = pick(sizeof control + 1),
				  .msg_name = &address, .msg_namelen = sizeof address };
	struct cmsghdr *head;

	if (recvmsg(fd, &message, MSG_DONTWAIT | (pick(3) ? 0 : MSG_PEEK)) < 0)
		return;
	for (head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head))
		if (head->cmsg_type == SCM_RIGHTS)
			for (unsigned i = 0; i < (head->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
				unsigned slot = pick(SOCKETS);

				close(sockets[slot]);
				memcpy(&sockets[slot], CMSG_DATA(head) + i * sizeof(int), sizeof(int));
			}
}

static void random_call(int *sockets)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	int *place = &sockets[pick(SOCKETS)], fd = *place, value, pair[2];
	struct sockaddr_un address;
	socklen_t size;

	name_of(&address, &size);
	switch (pick(16)) {
	case 0: close(fd); *place = socket(AF_UNIX, types[pick(3)] | SOCK_NONBLOCK, 0); break;
	case 1:
		if (socketpair(AF_UNIX, types[pick(3)] | SOCK_NONBLOCK, 0, pair) == 0) {
			close(fd);
			*place = pair[0];
			place = &sockets[pick(SOCKETS)];
			close(*place);
			*place = pair[1];
		}
		break;
	case 2: if (address.sun_path[0]) unlink(address.sun_path); bind(fd, (void *)&address, size); break;
	case 3: listen(fd, pick(4)); break;
	case 4: case 5: connect(fd, (void *)&address, size); break;
	case 6: value = accept4(fd, NULL, NULL, SOCK_NONBLOCK); if (value >= 0) { close(*place); *place = value; } break;
	case 7: shutdown(fd, pick(3)); break;
	case 8: value = pick(2); setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &value, sizeof value); break;
	case 9: value = pick(30000); setsockopt(fd, SOL_SOCKET, pick(2) ? SO_SNDBUF : SO_PEEK_OFF, &value, sizeof value); break;
	case 10: if (pick(8) == 0) { address.sun_family = AF_UNSPEC; connect(fd, (void *)&address, size); } break;
	case 11: ioctl(fd, FIONREAD, &value); break;
	case 12: case 13: send_anything(fd, sockets); break;
	default: receive_anything(fd, sockets); break;
	}
}

static void play(int *sockets, unsigned rounds)
{
	struct pollfd all[SOCKETS];

	for (unsigned i = 0; i < rounds; i++) {
		random_call(sockets);
		if (i % 16 == 0) {
			for (int k = 0; k < SOCKETS; k++)
				all[k] = (struct pollfd){ .fd = sockets[k], .events = POLLIN | POLLOUT };
			poll(all, SOCKETS, 0);
		}
	}
}

/* All begin with the same sockets; some are killed. */
static void play_together(unsigned rounds)
{
	int sockets[SOCKETS];
	pid_t children[WORKERS];
	unsigned own = seed;

	for (int i = 0; i < SOCKETS; i += 2)
		socketpair(AF_UNIX, (i % 4 ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0, &sockets[i]);
	for (int i = 0; i < WORKERS; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			seed = own + i;
			signal(SIGPIPE, SIG_IGN);
			play(sockets, i == 3 ? 1000000000 : rounds);
			_exit(0);
		}
	}
	for (int i = 0; i < SOCKETS; i++)
		close(sockets[i]);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(check_wait(children[i]), 0);
	kill(children[3], SIGKILL);
	check_wait(children[3]);
}

static void random_calls(void)
{
	static struct leak_mark mark;
	unsigned rounds = getenv("ROUNDS") ? atoi(getenv("ROUNDS")) : 3000;

	seed = getenv("SEED") ? atoi(getenv("SEED")) : 1;
	for (int i = 0; i < 6; i++) {
		if (i == 2)
			leak_mark(&mark);
		play_together(rounds);
		seed += 77;
		for (int k = 0; k < 8; k++)
			unlink((char[]){ 'a' + k % 4, 0 });
		close(socket(AF_UNIX, SOCK_STREAM, 0));
	}
	leak_check(&mark, "random calls");
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(stream), CASE(stream_round_trips), CASE(packet_round_trips), CASE(receivers_of_streams), CASE(receivers_of_datagrams),
		CASE(receivers_of_packets), CASE(several_senders), CASE(several_clients), CASE(waiting_for_room), CASE(ends_wake), CASE(signals),
		CASE(killed_peers), CASE(random_calls), { NULL, NULL },
	};

	return kernel_has(UNIX_SOCKETS) ? check_main("socket_peers", cases, argc, argv) : skip_program("socket_peers", UNIX_SOCKETS);
}
