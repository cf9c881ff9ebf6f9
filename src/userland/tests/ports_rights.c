/* SPDX-License-Identifier: MIT */
/*
 * What a program can do with ports that it has no right to: descriptors that are none, grants whose call is over, notifications without end; names of local
 * sockets, and ports in their messages. Native.
 */
#include "check.h"
#include "built_with.h"
#include "ports_kit.h"

#include <pthread.h>
#include <raeen/caps.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MS = 1000000, NR_handle_dup = 1040 };

static const uint64_t no_descriptor = 1ull << 40;	/* what the kernel writes where it knows none */
static int receiver;
static uint64_t token;

static int may(uint64_t bits) { return native(NR_cap_check, bits, 0, 0, 0, 0).value == 0; }

static void begin_with_receiver(void)
{
	begin(PORT_PERSISTENT);
	CHECK((receiver = port_control(port, PORT_TAKE, PORT_KEEP)) >= 0);
}

static void answer_one(void *unused)
{
	struct result got;

	(void)unused;
	msg_buffer();
	got = msg_recv(receiver, MSG_WAIT, NULL);
	msg_reply(receiver, HEADER(1, 0), got.token, NULL);
	/* Nothing else comes. */
	_exit(msg_recv(receiver, 300 * MS, NULL).value == -ETIMEDOUT ? 0 : 1);
}

/* After a call that could not be known by its descriptor the port it went to is not reachable by the number that means none. */
static void number_that_means_none(void)
{
	struct msg_extra extra = { .grants = 0 };
	pid_t pid;

	begin_with_receiver();
	pid = check_spawn(answer_one, NULL);
	close(receiver);
	extra.handles[0] = port;
	CHECK_EQ(msg_call(port, msg_header_make(1, 0, 1, 0), MSG_WAIT, &extra).value, HEADER(1, 0));
	for (int i = 0; i < 100; i++) {
		CHECK_EQ(native(NR_msg_ask, no_descriptor, HEADER(1, 0), 0, 0, 0).value, -EINVAL);	/* what descriptor 0 is: no port */
		CHECK_EQ(native(NR_msg_serve, no_descriptor, HEADER(1, 0), 0, 0, 0).value, -EINVAL);
		CHECK_EQ(native(NR_port_notify, no_descriptor, 1, 0, 0, 0).value, -EINVAL);
	}
	CHECK_EQ(check_wait(pid), 0);
}

static void call_with_grant(void *limit)
{
	struct msg_extra extra = { .grants = CAPABILITY_SYS_REBOOT };

	msg_buffer();
	CHECK_EQ(native(NR_cap_set, (uint64_t)&(uint64_t[2]){ CAPABILITIES_ALL, CAPABILITIES_ALL }, 0, 0, 0, 0).value, 0);
	msg_call(port, HEADER(1, 0), (long)limit, &extra);
	_exit(0);
}

static void *answer_for_another(void *unused)
{
	msg_buffer();
	CHECK_EQ(msg_reply(receiver, HEADER(1, 0), token, NULL), 0);
	return unused;
}

/* Receives a call with a grant, which is then to end; returns the caller. */
static pid_t receive_grant(long limit)
{
	struct msg_extra extra;
	pid_t pid = check_spawn(call_with_grant, (void *)limit);
	struct result got = msg_recv(receiver, MSG_WAIT, &extra);

	CHECK_EQ(extra.grants, CAPABILITY_SYS_REBOOT);
	CHECK(may(CAPABILITY_SYS_REBOOT));
	token = got.token;
	return pid;
}

static void grants_end_with_their_call(void)
{
	pthread_t thread;

	begin_with_receiver();
	CHECK_EQ(native(NR_cap_set, (uint64_t)&(uint64_t[2]){ CAPABILITIES_ALL & ~CAPABILITY_SYS_REBOOT, CAPABILITIES_ALL }, 0, 0, 0, 0).value, 0);
	CHECK(!may(CAPABILITY_SYS_REBOOT));
	/* Answered by another thread. */
	pid_t pid = receive_grant(MSG_WAIT);

	CHECK_EQ(pthread_create(&thread, NULL, answer_for_another, NULL), 0);
	pthread_join(thread, NULL);
	CHECK_EQ(check_wait(pid), 0);
	CHECK(!may(CAPABILITY_SYS_REBOOT));
	/* The caller gives up. */
	pid = receive_grant(100 * MS);
	CHECK_EQ(check_wait(pid), 0);
	CHECK(!may(CAPABILITY_SYS_REBOOT));
	/* The caller dies. */
	pid = receive_grant(MSG_WAIT);
	kill(pid, SIGKILL);
	CHECK_EQ(check_wait(pid), CHECK_KILLED + SIGKILL);
	CHECK(!may(CAPABILITY_SYS_REBOOT));
	/* It is dropped. */
	pid = receive_grant(MSG_WAIT);
	CHECK_EQ(port_control(receiver, PORT_DROP, token), 0);
	CHECK_EQ(check_wait(pid), 0);
	CHECK(!may(CAPABILITY_SYS_REBOOT));
	/* Others are received. */
	pid = receive_grant(MSG_WAIT);
	CHECK_EQ(native(NR_msg_recv_many, receiver, 4, 0, 0, 0).value, -EAGAIN);
	CHECK(!may(CAPABILITY_SYS_REBOOT));
	CHECK_EQ(msg_reply(receiver, HEADER(1, 0), token, NULL), 0);
	CHECK_EQ(check_wait(pid), 0);
}

/* Notifications that never end do not keep a message waiting. */
static void notifications_take_turns(void)
{
	begin_with_receiver();
	CHECK_EQ(msg_send(port, HEADER(7, 0), 0, NULL), 0);
	CHECK_EQ(msg_send(port, HEADER(8, 0), 0, NULL), 0);
	CHECK_EQ(port_notify(port, 1), 0);
	CHECK_EQ(msg_type(msg_recv(receiver, 0, NULL).value), MSG_NOTIFICATION);
	CHECK_EQ(port_notify(port, 1), 0);
	CHECK_EQ(msg_type(msg_recv(receiver, 0, NULL).value), 7);
	CHECK_EQ(msg_type(msg_recv(receiver, 0, NULL).value), MSG_NOTIFICATION);
	CHECK_EQ(port_notify(port, 1), 0);
	CHECK_EQ(msg_type(msg_recv(receiver, 0, NULL).value), 8);
	CHECK_EQ(msg_type(msg_recv(receiver, 0, NULL).value), MSG_NOTIFICATION);
}

/* Who may send no more does not notify by a descriptor that it used before. */
static void notifying_needs_its_capability(void)
{
	begin_with_receiver();
	CHECK_EQ(port_notify(port, 1), 0);
	CHECK_EQ(port_notify(port, 1), 0);
	CHECK_EQ(native(NR_cap_set, (uint64_t)&(uint64_t[2]){ CAPABILITY_IPC_RECV, CAPABILITY_IPC_RECV }, 0, 0, 0, 0).value, 0);
	CHECK_ERR(port_notify(port, 1), EPERM);
}

static socklen_t abstract(struct sockaddr_un *address, const char *name)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(address->sun_path + 1, name);
	return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name);
}

/* Who may open some names of ports only may use the same ones of local sockets. */
static void names_of_local_sockets(void)
{
	struct sockaddr_un address;
	socklen_t size = abstract(&address, "other");
	int other = socket(AF_UNIX, SOCK_DGRAM, 0), fd = socket(AF_UNIX, SOCK_DGRAM, 0), third = socket(AF_UNIX, SOCK_DGRAM, 0), on = 1;

	CHECK_EQ(bind(other, (void *)&address, size), 0);
	CHECK_EQ(connect(third, (void *)&address, size), 0);
	CHECK_EQ(port_restrict("mine.*", 7), 0);
	CHECK_ERR(connect(fd, (void *)&address, size), ECONNREFUSED);
	CHECK_ERR(sendto(fd, "x", 1, 0, (void *)&address, size), ECONNREFUSED);
	CHECK_EQ(send(third, "x", 1, 0), 1);
	size = abstract(&address, "another");
	CHECK_ERR(bind(fd, (void *)&address, size), EPERM);
	/* No name of its own choice, nor of the kernel's. */
	CHECK_ERR(bind(fd, (void *)&address, sizeof address.sun_family), EPERM);
	CHECK_EQ(setsockopt(third, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
	CHECK_EQ(send(third, "x", 1, 0), 1);
	size = sizeof address;
	CHECK_EQ(getsockname(third, (void *)&address, &size), 0);
	CHECK_EQ(size, sizeof address.sun_family);
	size = abstract(&address, "mine.a");
	CHECK_EQ(bind(fd, (void *)&address, size), 0);
	CHECK_ERR(bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, size + 1), EPERM);
	CHECK_EQ(sendto(other, "x", 1, 0, (void *)&address, size), 1);
}

static ssize_t send_one_fd(int to, int fd)
{
	union { struct cmsghdr head; char bytes[CMSG_SPACE(sizeof(int))]; } control = {
		.head = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS },
	};
	struct iovec part = { "x", 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };

	memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	return sendmsg(to, &message, 0);
}

/* A handle to send to a port can go by a local socket, one that keeps a port alive cannot. */
static void handles_by_local_sockets(void)
{
	int pair[2], to_send;

	begin_with_receiver();
	CHECK((to_send = native(NR_handle_dup, port, PORT_SEND, 0, 0, 0).value) >= 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_ERR(send_one_fd(pair[0], receiver), EINVAL);
	CHECK_EQ(send_one_fd(pair[0], to_send), 1);
}

static const struct check_case cases[] = {
	CASE(names_of_local_sockets), CASE(handles_by_local_sockets),
	CASE(number_that_means_none), CASE(grants_end_with_their_call), CASE(notifications_take_turns), CASE(notifying_needs_its_capability), { NULL, NULL },
};
enum { OF_LOCAL_SOCKETS = 2 };

int main(int argc, char **argv)
{
	return check_main("ports_rights", kernel_has(UNIX_SOCKETS) ? cases : cases + OF_LOCAL_SOCKETS, argc, argv);
}
