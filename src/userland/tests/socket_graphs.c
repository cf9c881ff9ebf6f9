/* SPDX-License-Identifier: MIT */
/*
 * Sockets in one another's queues at random, against a model of who can be reached: who cannot ends, and nobody else does (SEED=N ROUNDS=N).
 *
 * A node is a socket that is passed around; its other side is kept and never passed, and tells whether the node is there still. A listener is a node, too:
 * what is sent to it waits in a connection that nobody accepts.
 */
#include "check.h"
#include "leak.h"
#include "built_with.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { NODES = 7, HELD = 3, QUEUED = 12 };

static struct node {
	int listens, side;		/* the other side */
	ino_t number;
	int fds[HELD], held;		/* descriptors of it */
	int queue[QUEUED], queued;	/* nodes in its queue */
} nodes[NODES];
static unsigned seed;

static unsigned pick(unsigned count)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % count;
}

static void make_pair(int pair[2])
{
	CHECK_EQ(socketpair(AF_UNIX, (pick(2) ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC, 0, pair), 0);
}

/* A listener and who is connected to it. */
static void make_listener(int pair[2])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t size = sizeof address;

	pair[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pair[1] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_EQ(bind(pair[1], (void *)&address, sizeof address.sun_family), 0);
	CHECK_EQ(getsockname(pair[1], (void *)&address, &size), 0);
	CHECK_EQ(listen(pair[1], 1), 0);
	CHECK_EQ(connect(pair[0], (void *)&address, size), 0);
}

static ino_t number_of(int fd)
{
	struct stat status;

	CHECK_EQ(fstat(fd, &status), 0);
	return status.st_ino;
}

static void make_node(struct node *node)
{
	int pair[2];

	*node = (struct node){ .listens = pick(5) == 0, .held = 1 };
	(node->listens ? make_listener : make_pair)(pair);
	node->side = pair[0];
	node->fds[0] = pair[1];
	node->number = number_of(pair[1]);
}

/* ---- What happens at random ---- */

static void send_node(struct node *to, int which)
{
	union { struct cmsghdr head; char bytes[CMSG_SPACE(sizeof(int))]; } control = {
		.head = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec part = { "x", 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };

	if (!nodes[which].held || to->queued == QUEUED)
		return;
	memcpy(CMSG_DATA(&control.head), &nodes[which].fds[0], sizeof(int));
	CHECK_EQ(sendmsg(to->side, &message, MSG_DONTWAIT | MSG_NOSIGNAL), 1);
	to->queue[to->queued++] = which;
}

static void receive_node(struct node *from, int flags)
{
	union { struct cmsghdr head; char bytes[CMSG_SPACE(sizeof(int))]; } control;
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	struct node *node = &nodes[from->queue[0]];
	int fd;

	if (!from->held || !from->queued || from->listens || node->held == HELD)
		return;
	CHECK_EQ(recvmsg(from->fds[0], &message, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC), 1);
	CHECK_EQ(message.msg_controllen, CMSG_SPACE(sizeof(int)));
	memcpy(&fd, CMSG_DATA(&control.head), sizeof fd);
	CHECK_EQ(number_of(fd), node->number);
	node->fds[node->held++] = fd;
	if (flags & MSG_PEEK)
		return;
	from->queued--;
	memmove(from->queue, from->queue + 1, from->queued * sizeof *from->queue);
}

static void drop_node(struct node *node)
{
	if (node->held)
		CHECK_EQ(close(node->fds[--node->held]), 0);
}

static void do_something(void)
{
	struct node *node = &nodes[pick(NODES)];

	switch (pick(8)) {
	case 0: case 1: case 2: send_node(node, pick(NODES)); break;
	case 3: receive_node(node, 0); break;
	case 4: receive_node(node, MSG_PEEK); break;
	default: drop_node(node); break;
	}
}

/* ---- The model ---- */

static void reach(int which, int *reached)
{
	if (reached[which])
		return;
	reached[which] = 1;
	for (int i = 0; i < nodes[which].queued; i++)
		reach(nodes[which].queue[i], reached);
}

static int has_ended(const struct node *node)
{
	struct pollfd side = { .fd = node->side, .events = 0 };

	return poll(&side, 1, 0) == 1 && side.revents & POLLHUP;
}

static void compare(void)
{
	int reached[NODES] = { 0 };

	for (int i = 0; i < NODES; i++)
		if (nodes[i].held)
			reach(i, reached);
	for (int i = 0; i < NODES; i++)
		if (!reached[i])
			/* Linux looks for those that nobody can reach when it likes, and does not find all. */
			CHECK(has_ended(&nodes[i]) || check_on_linux());
	for (int i = 0; i < NODES; i++)
		if (reached[i])
			CHECK(!has_ended(&nodes[i]));
	for (int i = 0; i < NODES; i++)
		if (!reached[i]) {
			close(nodes[i].side);
			make_node(&nodes[i]);
		}
}

static void play(unsigned rounds)
{
	for (int i = 0; i < NODES; i++)
		make_node(&nodes[i]);
	for (unsigned i = 0; i < rounds; i++) {
		do_something();
		compare();
	}
	for (int i = 0; i < NODES; i++) {
		while (nodes[i].held)
			drop_node(&nodes[i]);
		close(nodes[i].side);
	}
	close(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static void graphs(void)
{
	static struct leak_mark mark;
	unsigned rounds = getenv("ROUNDS") ? atoi(getenv("ROUNDS")) : 500;

	seed = getenv("SEED") ? atoi(getenv("SEED")) : 1;
	play(rounds);
	leak_mark(&mark);
	for (int i = 0; i < 3; i++)
		play(rounds);
	leak_check(&mark, "graphs of sockets");
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = { CASE(graphs), { NULL, NULL } };

	return kernel_has(UNIX_SOCKETS) ? check_main("socket_graphs", cases, argc, argv) : skip_program("socket_graphs", UNIX_SOCKETS);
}
