/* SPDX-License-Identifier: MIT */
/* What messages of local sockets carry: descriptors, credentials; how many messages one call moves; circles of sockets that nobody can reach. */
#include "check.h"
#include "leak.h"
#include "built_with.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { FDS_MAX = 300 };
static char buffer[4096];
static union { struct cmsghdr head; char bytes[CMSG_SPACE(FDS_MAX * sizeof(int)) + 64]; } control;

/* The C library's have limits of their own. */
static ssize_t send_raw(int fd, const struct msghdr *message, int flags)
{
	return syscall(SYS_sendmsg, fd, message, flags);
}

static ssize_t receive_raw(int fd, struct msghdr *message, int flags)
{
	return syscall(SYS_recvmsg, fd, message, flags);
}

/* A message of @len bytes with @count descriptors. */
static ssize_t send_fds(int fd, const void *bytes, size_t len, const int *fds, unsigned count, int flags)
{
	struct iovec part = { (void *)bytes, len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(count * sizeof(int)) };

	memset(&control, 0, sizeof control);
	control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.head), fds, count * sizeof(int));
	return send_raw(fd, &message, flags);
}

/* What recvmsg said beside bytes. */
static struct { unsigned count; int fds[FDS_MAX], flags; struct ucred credentials; int has_credentials; size_t left; } got;

static ssize_t receive(int fd, size_t len, size_t room, int flags)
{
	struct iovec part = { buffer, len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room ? &control : NULL, .msg_controllen = room };
	ssize_t done;

	memset(&control, 0, sizeof control);
	memset(&got, 0, sizeof got);
	done = receive_raw(fd, &message, flags);
	if (done < 0)
		return done;
	got.flags = message.msg_flags;
	got.left = message.msg_controllen;
	for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
		if (head->cmsg_type == SCM_CREDENTIALS) {
			got.has_credentials = 1;
			memcpy(&got.credentials, CMSG_DATA(head), sizeof got.credentials);
		} else {
			got.count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(got.fds, CMSG_DATA(head), got.count * sizeof(int));
		}
	}
	return done;
}

static int same_file(int one, int other)
{
	struct stat first, second;

	return fstat(one, &first) == 0 && fstat(other, &second) == 0 && first.st_ino == second.st_ino && first.st_dev == second.st_dev;
}

static void pair_of(int type, int pair[2])
{
	CHECK_EQ(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
}

static int open_count(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void descriptors(int type)
{
	int pair[2], pipes[2], before;

	pair_of(type, pair);
	CHECK_EQ(pipe2(pipes, O_CLOEXEC), 0);
	CHECK_EQ(send_fds(pair[0], "abc", 3, pipes, 2, 0), 3);
	CHECK_EQ(receive(pair[1], 10, sizeof control, 0), 3);
	CHECK_EQ(got.count, 2);
	CHECK_EQ(got.flags, 0);
	CHECK(same_file(got.fds[0], pipes[0]) && got.fds[0] != pipes[0]);
	CHECK_EQ(got.left, CMSG_SPACE(2 * sizeof(int)));
	CHECK_EQ(fcntl(got.fds[0], F_GETFD), 0);
	CHECK_EQ(write(got.fds[1], "x", 1), 1);
	CHECK_EQ(read(pipes[0], buffer, 1), 1);
	close(got.fds[0]);
	close(got.fds[1]);
	/* What does not fit is closed. */
	before = open_count();
	CHECK_EQ(send_fds(pair[0], "abc", 3, pipes, 2, 0), 3);
	CHECK_EQ(receive(pair[1], 10, CMSG_LEN(sizeof(int)), MSG_CMSG_CLOEXEC), 3);
	CHECK_EQ(got.count, 1);
	CHECK_EQ(got.flags, MSG_CTRUNC | MSG_CMSG_CLOEXEC);
	CHECK_EQ(fcntl(got.fds[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(open_count(), before + 1);
	close(got.fds[0]);
	CHECK_EQ(send_fds(pair[0], "abc", 3, pipes, 2, 0), 3);
	CHECK_EQ(receive(pair[1], 10, 0, 0), 3);
	CHECK_EQ(got.flags, MSG_CTRUNC);
	CHECK_EQ(send_fds(pair[0], "abc", 3, pipes, 2, 0), 3);
	CHECK_EQ(read(pair[1], buffer, 10), 3);
	CHECK_EQ(send_fds(pair[0], "abc", 3, pipes, 2, 0), 3);
	CHECK_EQ(receive(pair[1], 10, 20, 0), 3);
	CHECK_EQ(got.count, 1);
	CHECK_EQ(got.flags, MSG_CTRUNC);
	close(got.fds[0]);
	CHECK_EQ(open_count(), before);
	/* Looked at, they are there twice. */
	CHECK_EQ(send_fds(pair[0], "abc", 3, pipes, 1, 0), 3);
	CHECK_EQ(receive(pair[1], 10, sizeof control, MSG_PEEK), 3);
	CHECK_EQ(got.count, 1);
	CHECK(same_file(got.fds[0], pipes[0]));
	close(got.fds[0]);
	CHECK_EQ(receive(pair[1], 10, sizeof control, 0), 3);
	CHECK_EQ(got.count, 1);
	close(got.fds[0]);
	/* A pipe whose only writer is in the message goes with it. */
	CHECK_EQ(send_fds(pair[0], "abc", 3, pipes + 1, 1, 0), 3);
	close(pipes[1]);
	CHECK_EQ(close(pair[1]), 0);
	CHECK_EQ(read(pipes[0], buffer, 1), 0);
	close(pair[0]);
	close(pipes[0]);
}

static void stream_descriptors(void) { descriptors(SOCK_STREAM); }
static void datagram_descriptors(void) { descriptors(SOCK_DGRAM); }
static void packet_descriptors(void) { descriptors(SOCK_SEQPACKET); }

/* Descriptors go with the first byte and are a border. */
static void borders(void)
{
	int pair[2], fds[1] = { STDIN_FILENO };

	pair_of(SOCK_STREAM, pair);
	CHECK_EQ(write(pair[0], "ab", 2), 2);
	CHECK_EQ(send_fds(pair[0], "cd", 2, fds, 1, 0), 2);
	CHECK_EQ(write(pair[0], "ef", 2), 2);
	CHECK_EQ(send_fds(pair[0], "gh", 2, fds, 1, 0), 2);
	CHECK_EQ(receive(pair[1], 1, sizeof control, 0), 1);
	CHECK_EQ(got.count, 0);
	CHECK_EQ(receive(pair[1], 100, sizeof control, 0), 3);
	CHECK(!memcmp(buffer, "bcd", 3));
	CHECK_EQ(got.count, 1);
	close(got.fds[0]);
	CHECK_EQ(receive(pair[1], 3, sizeof control, 0), 3);
	CHECK(!memcmp(buffer, "efg", 3));
	CHECK_EQ(got.count, 1);
	close(got.fds[0]);
	CHECK_EQ(receive(pair[1], 3, sizeof control, 0), 1);
	CHECK_EQ(got.count, 0);
	/* Without a byte there is nothing to go with. */
	CHECK_EQ(send_fds(pair[0], "", 0, fds, 1, 0), 0);
	CHECK_ERR(receive(pair[1], 1, sizeof control, MSG_DONTWAIT), EAGAIN);
}

static void refused(void)
{
	int pair[2], bad = 999, many[254];
	struct iovec part = { "x", 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(sizeof(int)) };

	pair_of(SOCK_STREAM, pair);
	CHECK_ERR(send_fds(pair[0], "x", 1, &bad, 1, 0), EBADF);
	for (int i = 0; i < 254; i++)
		many[i] = pair[0];
	CHECK_ERR(send_fds(pair[0], "x", 1, many, 254, 0), EINVAL);
	CHECK_EQ(send_fds(pair[0], "x", 1, many, 253, 0), 1);
	CHECK_EQ(receive(pair[1], 10, sizeof control, 0), 1);
	CHECK_EQ(got.count, 253);
	for (int i = 0; i < 253; i++)
		close(got.fds[i]);
	CHECK_EQ(send_fds(pair[0], "x", 1, many, 0, 0), 1);
	control.head = (struct cmsghdr){ .cmsg_len = 7, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	CHECK_ERR(send_raw(pair[0], &message, 0), EINVAL);
	control.head.cmsg_len = 100;
	CHECK_ERR(send_raw(pair[0], &message, 0), EINVAL);
	control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(4), .cmsg_level = SOL_SOCKET, .cmsg_type = 77 };
	CHECK_ERR(send_raw(pair[0], &message, 0), EINVAL);
	control.head.cmsg_level = 77;
	CHECK_EQ(send_raw(pair[0], &message, 0), 1);
	message.msg_controllen = 20480;
	CHECK_ERR(send_raw(pair[0], &message, 0), ENOBUFS);
	message.msg_controllen = 0;
	message.msg_iovlen = 1025;
	CHECK_ERR(send_raw(pair[0], &message, 0), EMSGSIZE);
	CHECK_ERR(receive_raw(pair[0], &message, 0), EMSGSIZE);
	CHECK_ERR(send_raw(pair[0], NULL, 0), EFAULT);
	message.msg_iovlen = 1;
	message.msg_name = &bad;
	message.msg_namelen = 3;
	CHECK_ERR(send_raw(pair[0], &message, 0), EISCONN);
	CHECK_ERR(send_raw(STDIN_FILENO, &message, 0), ENOTSOCK);
}

static void set(int fd, int option, int value)
{
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, option, &value, sizeof value), 0);
}

static ssize_t send_credentials(int fd, int pid, int uid, int gid)
{
	struct iovec part = { "x", 1 };
	struct ucred said = { pid, uid, gid };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(sizeof said) };

	memset(&control, 0, sizeof control);
	control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof said), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS };
	memcpy(CMSG_DATA(&control.head), &said, sizeof said);
	return send_raw(fd, &message, 0);
}

static void as_user(void *argument)
{
	int fd = *(int *)argument;

	CHECK_EQ(setgid(1000) | setuid(1000), 0);
	CHECK_ERR(send_credentials(fd, getpid(), 0, 1000), EPERM);
	CHECK_ERR(send_credentials(fd, getpid(), 1000, 0), EPERM);
	CHECK_ERR(send_credentials(fd, getppid(), 1000, 1000), EPERM);
	CHECK_EQ(send_credentials(fd, getpid(), 1000, 1000), 1);
	CHECK_EQ(write(fd, "y", 1), 1);
}

static void credentials(void)
{
	int pair[2], fds[1] = { STDIN_FILENO };
	struct ucred peer;
	socklen_t size = sizeof peer;

	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		pair_of(type, pair);
		CHECK_EQ(write(pair[0], "before", 6), 6);
		set(pair[1], SO_PASSCRED, 1);
		CHECK_EQ(write(pair[0], "after", 5), 5);
		CHECK_EQ(receive(pair[1], 100, sizeof control, 0), 6);
		CHECK_EQ(got.has_credentials, 1);
		CHECK_EQ(got.credentials.pid, 0);
		CHECK_EQ(got.credentials.uid, 65534);
		CHECK_EQ(send_fds(pair[0], "z", 1, fds, 1, 0), 1);
		CHECK_EQ(receive(pair[1], 5, sizeof control, 0), 5);
		CHECK_EQ(got.credentials.pid, getpid());
		CHECK_EQ(got.credentials.uid, 0);
		CHECK_EQ(got.count, 0);
		CHECK_EQ(receive(pair[1], 5, sizeof control, 0), 1);
		CHECK_EQ(got.count, 1);
		CHECK_EQ(got.has_credentials, 1);
		close(got.fds[0]);
		CHECK_EQ(check_child(as_user, &pair[0]), 0);
		CHECK_EQ(receive(pair[1], 1, sizeof control, 0), 1);
		CHECK_EQ(got.credentials.uid, 1000);
		CHECK_EQ(receive(pair[1], 1, 10, 0), 1);
		CHECK_EQ(got.flags, MSG_CTRUNC);
		CHECK_ERR(send_credentials(pair[0], 999999, 0, 0), ESRCH);
		CHECK_EQ(send_credentials(pair[0], getppid(), 77, 78), 1);
		CHECK_EQ(receive(pair[1], 1, sizeof control, 0), 1);
		CHECK_EQ(got.credentials.uid, 77);
		CHECK_EQ(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
		CHECK(peer.pid == getpid() && peer.uid == 0 && peer.gid == 0);
	}
	CHECK_EQ(getsockopt(socket(AF_UNIX, SOCK_STREAM, 0), SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
	CHECK(peer.pid == 0 && peer.uid == (uid_t)-1);
}

static void many_messages(void)
{
	struct iovec parts[4] = { { "a", 1 }, { "bb", 2 }, { "ccc", 3 }, { "dddd", 4 } };
	char texts[6][8];
	struct iovec rooms[6];
	struct mmsghdr out[4], in[6];
	struct timespec time = { 0, 1 };
	int pair[2];

	pair_of(SOCK_DGRAM, pair);
	memset(out, 0, sizeof out);
	memset(in, 0, sizeof in);
	for (int i = 0; i < 4; i++)
		out[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	for (int i = 0; i < 6; i++) {
		rooms[i] = (struct iovec){ texts[i], 3 };
		in[i].msg_hdr = (struct msghdr){ .msg_iov = &rooms[i], .msg_iovlen = 1 };
	}
	CHECK_EQ(sendmmsg(pair[0], out, 4, 0), 4);
	CHECK_EQ(out[3].msg_len, 4);
	CHECK_EQ(recvmmsg(pair[1], in, 6, MSG_WAITFORONE, NULL), 4);
	CHECK_EQ(in[2].msg_len, 3);
	CHECK_EQ(in[3].msg_len, 3);
	CHECK_EQ(in[3].msg_hdr.msg_flags, MSG_TRUNC);
	CHECK_ERR(recvmmsg(pair[1], in, 6, MSG_DONTWAIT, NULL), EAGAIN);
	CHECK_EQ(sendmmsg(pair[0], out, 2, 0), 2);
	CHECK_EQ(recvmmsg(pair[1], in, 6, 0, &time), 1);
	CHECK_EQ(recv(pair[1], buffer, 10, 0), 2);
	out[1].msg_hdr.msg_iov = NULL;
	CHECK_EQ(sendmmsg(pair[0], out, 4, 0), 1);
	CHECK_ERR(sendmmsg(pair[0], out + 1, 1, 0), EFAULT);
	CHECK_EQ(sendmmsg(pair[0], out, 0, 0), 0);
	time.tv_nsec = -1;
	CHECK_ERR(syscall(SYS_recvmmsg, pair[1], in, 6, 0, &time), EINVAL);
}

static void whole(void)
{
	int pair[2];

	pair_of(SOCK_STREAM, pair);
	CHECK_EQ(write(pair[0], "abc", 3), 3);
	CHECK_EQ(write(pair[0], "def", 3), 3);
	CHECK_EQ(recv(pair[1], buffer, 6, MSG_WAITALL), 6);
	CHECK_EQ(write(pair[0], "abc", 3), 3);
	CHECK_EQ(recv(pair[1], buffer, 6, MSG_WAITALL | MSG_DONTWAIT), 3);
	CHECK_EQ(write(pair[0], "abc", 3), 3);
	shutdown(pair[0], SHUT_WR);
	CHECK_EQ(recv(pair[1], buffer, 6, MSG_WAITALL), 3);
	CHECK_EQ(recv(pair[1], buffer, 6, MSG_WAITALL), 0);
	pair_of(SOCK_SEQPACKET, pair);
	CHECK_EQ(send(pair[0], "abcdef", 6, MSG_EOR), 6);
	CHECK_EQ(receive(pair[1], 3, 0, 0), 3);
	CHECK_EQ(got.flags & ~MSG_EOR, MSG_TRUNC);
	CHECK_EQ(send(pair[0], "", 0, 0), 0);
	CHECK_EQ(recv(pair[1], buffer, 3, MSG_DONTWAIT), 0);
	CHECK_ERR(recv(pair[1], buffer, 3, MSG_DONTWAIT), EAGAIN);
}

static void peek_offset(void)
{
	int pair[2], value;
	socklen_t size = sizeof value;

	pair_of(SOCK_STREAM, pair);
	set(pair[1], SO_PEEK_OFF, 1);
	CHECK_EQ(write(pair[0], "abcdef", 6), 6);
	CHECK_EQ(recv(pair[1], buffer, 2, MSG_PEEK), 2);
	CHECK(!memcmp(buffer, "bc", 2));
	CHECK_EQ(recv(pair[1], buffer, 2, MSG_PEEK), 2);
	CHECK(!memcmp(buffer, "de", 2));
	CHECK_EQ(recv(pair[1], buffer, 2, 0), 2);
	CHECK_EQ(recv(pair[1], buffer, 2, MSG_PEEK), 1);
	CHECK(!memcmp(buffer, "f", 1));
	CHECK_EQ(getsockopt(pair[1], SOL_SOCKET, SO_PEEK_OFF, &value, &size), 0);
	CHECK_EQ(value, 4);
}

/* ---- Circles ---- */

static void itself(int type)
{
	int pair[2];
	struct pollfd other;

	pair_of(type, pair);
	CHECK_EQ(send_fds(pair[0], "x", 1, &pair[1], 1, 0), 1);
	CHECK_EQ(write(pair[0], "data behind", 11), 11);
	close(pair[1]);
	/* Linux notices when the next socket goes. */
	close(socket(AF_UNIX, SOCK_STREAM, 0));
	other = (struct pollfd){ .fd = pair[0], .events = POLLIN };
	CHECK_EQ(poll(&other, 1, type == SOCK_DGRAM ? 0 : 5000), type != SOCK_DGRAM);
	if (type != SOCK_DGRAM)
		CHECK(other.revents & POLLHUP);
	close(pair[0]);
}

/* A ring of sockets, each in the queue of the next, some with a tail. */
static void ring(unsigned count)
{
	int pairs[16][2], pipes[2];

	CHECK_EQ(pipe2(pipes, O_CLOEXEC), 0);
	for (unsigned i = 0; i < count; i++)
		pair_of(i % 2 ? SOCK_STREAM : SOCK_SEQPACKET, pairs[i]);
	for (unsigned i = 0; i < count; i++) {
		CHECK_EQ(send_fds(pairs[i][0], "x", 1, &pairs[(i + 1) % count][1], 1, 0), 1);
		CHECK_EQ(send_fds(pairs[i][0], "x", 1, &pipes[1], 1, 0), 1);
	}
	close(pipes[1]);
	for (unsigned i = 0; i < count; i++)
		close(pairs[i][1]);
	for (unsigned i = 0; i < count; i++)
		close(pairs[i][0]);
	close(socket(AF_UNIX, SOCK_STREAM, 0));
	/* The pipe's writers were there only. */
	CHECK_EQ(read(pipes[0], buffer, 1), 0);
	close(pipes[0]);
}

/* A listener lies in the queue of a connection that waits at it. */
static void listener(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), pipes[2];

	CHECK_EQ(bind(server, (void *)&address, sizeof address.sun_family), 0);
	socklen_t size = sizeof address;
	CHECK_EQ(getsockname(server, (void *)&address, &size), 0);
	CHECK_EQ(listen(server, 3), 0);
	CHECK_EQ(connect(client, (void *)&address, size), 0);
	CHECK_EQ(pipe2(pipes, O_CLOEXEC), 0);
	CHECK_EQ(send_fds(client, "x", 1, &server, 1, 0), 1);
	CHECK_EQ(send_fds(client, "x", 1, &pipes[1], 1, 0), 1);
	close(pipes[1]);
	close(server);
	close(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_EQ(read(pipes[0], buffer, 1), 0);
	close(client);
	close(pipes[0]);
}

/* What can be reached by way of a socket that is under way stays. */
static void reachable(void)
{
	int outer[2], inner[2], innermost[2];

	pair_of(SOCK_STREAM, outer);
	pair_of(SOCK_STREAM, inner);
	pair_of(SOCK_STREAM, innermost);
	CHECK_EQ(send_fds(inner[0], "x", 1, &innermost[1], 1, 0), 1);
	CHECK_EQ(send_fds(inner[0], "y", 1, &inner[1], 1, 0), 1);
	CHECK_EQ(send_fds(outer[0], "z", 1, &inner[1], 1, 0), 1);
	CHECK_EQ(write(innermost[0], "deep", 4), 4);
	close(inner[1]);
	close(innermost[1]);
	close(inner[0]);
	CHECK_EQ(receive(outer[1], 1, sizeof control, 0), 1);
	inner[1] = got.fds[0];
	CHECK_EQ(receive(inner[1], 1, sizeof control, 0), 1);
	CHECK_EQ(got.count, 1);
	CHECK_EQ(read(got.fds[0], buffer, 10), 4);
	close(got.fds[0]);
	close(inner[1]);
	close(outer[0]);
	close(outer[1]);
	close(innermost[0]);
}

/* A long chain, each in the queue of the one before, ends at once. */
static void chain(void)
{
	int last = STDIN_FILENO, pair[2], head = -1;

	for (int i = 0; i < 500; i++) {
		pair_of(SOCK_STREAM, pair);
		CHECK_EQ(send_fds(pair[0], "x", 1, &last, 1, 0), 1);
		close(pair[0]);
		if (head >= 0)
			close(head);
		head = last = pair[1];
	}
	close(head);
}

static void circles(void)
{
	static struct leak_mark mark;

	for (int round = 0; round < 4; round++) {
		if (round == 1)
			leak_mark(&mark);
		itself(SOCK_STREAM);
		itself(SOCK_DGRAM);
		itself(SOCK_SEQPACKET);
		for (unsigned count = 1; count < 9; count++)
			ring(count);
		listener();
		reachable();
		chain();
	}
	leak_check(&mark, "circles of sockets");
}

static void over_limit(void *unused)
{
	struct rlimit limit = { 20, 20 };
	int pair[2], fds[10], sent = 0;

	(void)unused;
	pair_of(SOCK_STREAM, pair);
	for (int i = 0; i < 10; i++)
		fds[i] = pair[0];
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(setgid(1234) | setuid(1234), 0);
	while (sent < 10 && send_fds(pair[0], "x", 1, fds, 10, 0) == 1)
		sent++;
	CHECK_EQ(sent, 3);
	CHECK_ERR(send_fds(pair[0], "x", 1, fds, 1, 0), ETOOMANYREFS);
	CHECK_EQ(read(pair[1], buffer, 1), 1);
	CHECK_EQ(send_fds(pair[0], "x", 1, fds, 1, 0), 1);
}

static void limits(void)
{
	CHECK_EQ(check_child(over_limit, NULL), 0);
	CHECK_EQ(check_child(over_limit, NULL), 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(stream_descriptors), CASE(datagram_descriptors), CASE(packet_descriptors), CASE(borders), CASE(refused), CASE(credentials),
		CASE(many_messages), CASE(whole), CASE(peek_offset), CASE(circles), CASE(limits), { NULL, NULL },
	};

	return kernel_has(UNIX_SOCKETS) ? check_main("socket_messages", cases, argc, argv) : skip_program("socket_messages", UNIX_SOCKETS);
}
