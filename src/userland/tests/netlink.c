/* SPDX-License-Identifier: MIT */
/* Netlink sockets: their kinds and addresses, how requests are answered, receiving, and what mq_notify() sends to them. */
#include "built_with.h"
#include "check.h"
#include "leak.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <mqueue.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

/* A type of messages that there is none of, and an answer that repeats @count bytes. */
enum { UNKNOWN = 0x7fff, COOKIE = 32, WOKEN = 1, REMOVED = 2, USER = 1007, SEQUENCE = 0x1234567, PATIENCE_MS = 20000, ROUNDS = 200 };

struct request {
	struct nlmsghdr head;
	char data[40];
};

struct answer {
	struct nlmsghdr head;
	int error;
	struct request asked;
	char more[4096];
};

static int netlink(int type)
{
	int fd = socket(AF_NETLINK, type, NETLINK_ROUTE);

	CHECK(fd >= 0);
	return fd;
}

static struct request request_of(int type, int flags, unsigned size)
{
	struct request request = { { sizeof request.head + size, type, flags, SEQUENCE, 99 }, "0123456789" };

	return request;
}

static ssize_t send_request(int fd, int type, int flags, unsigned size)
{
	struct request request = request_of(type, flags, size);

	return send(fd, &request, request.head.nlmsg_len, 0);
}

/* The next answer, without waiting: its bytes or a negative errno. */
static ssize_t next(int fd, struct answer *answer)
{
	ssize_t len;

	memset(answer, 0, sizeof *answer);
	len = recv(fd, answer, sizeof *answer, MSG_DONTWAIT);
	return len < 0 ? -errno : len;
}

static uint32_t port_of(int fd)
{
	struct sockaddr_nl own = { 0 };
	socklen_t size = sizeof own;

	CHECK_EQ(getsockname(fd, (struct sockaddr *)&own, &size), 0);
	CHECK_EQ(size, sizeof own);
	CHECK_EQ(own.nl_family, AF_NETLINK);
	CHECK_EQ(own.nl_pad, 0);
	return own.nl_pid;
}

static int option(int fd, int which)
{
	int value = -1;
	socklen_t size = sizeof value;

	CHECK_EQ(getsockopt(fd, SOL_SOCKET, which, &value, &size), 0);
	CHECK_EQ(size, sizeof value);
	return value;
}

static void kinds(void)
{
	int fd = netlink(SOCK_RAW | SOCK_CLOEXEC), other = netlink(SOCK_DGRAM | SOCK_NONBLOCK), pair[2];
	char byte;

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR);
	CHECK_EQ(fcntl(other, F_GETFL), O_RDWR | O_NONBLOCK);
	CHECK_EQ(option(fd, SO_TYPE), SOCK_RAW);
	CHECK_EQ(option(other, SO_TYPE), SOCK_DGRAM);
	CHECK_EQ(option(fd, SO_DOMAIN), AF_NETLINK);
	CHECK_EQ(option(fd, SO_PROTOCOL), NETLINK_ROUTE);
	CHECK_EQ(option(fd, SO_ACCEPTCONN), 0);
	CHECK_EQ(option(fd, SO_ERROR), 0);
	CHECK_ERR(socket(AF_NETLINK, SOCK_STREAM, 0), ESOCKTNOSUPPORT);
	CHECK_ERR(socket(AF_NETLINK, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
	CHECK_ERR(socket(AF_NETLINK, SOCK_SEQPACKET, 31), ESOCKTNOSUPPORT);
	CHECK_ERR(socket(AF_NETLINK, 11, 0), EINVAL);
	CHECK_ERR(socket(AF_NETLINK, SOCK_RAW, 31), EPROTONOSUPPORT);
	CHECK_ERR(socket(AF_NETLINK, SOCK_RAW, 32), EPROTONOSUPPORT);
	CHECK_ERR(socket(AF_NETLINK, SOCK_RAW, -1), EPROTONOSUPPORT);
	CHECK_ERR(socketpair(AF_NETLINK, SOCK_RAW, 0, pair), EOPNOTSUPP);
	CHECK_ERR(listen(fd, 1), EOPNOTSUPP);
	CHECK_ERR(accept(fd, NULL, NULL), EOPNOTSUPP);
	CHECK_ERR(shutdown(fd, SHUT_RDWR), EOPNOTSUPP);
	CHECK_ERR(recv(other, &byte, 1, 0), EAGAIN);
	CHECK_ERR(read(other, &byte, 1), EAGAIN);
	CHECK_EQ(read(other, &byte, 0), 0);
	CHECK_ERR(recv(fd, &byte, 1, MSG_OOB), EOPNOTSUPP);
	CHECK_ERR(send(fd, "x", 1, MSG_OOB), EOPNOTSUPP);
}

static void addresses(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	struct sockaddr *at = (struct sockaddr *)&address;
	int fd = netlink(SOCK_RAW), other = netlink(SOCK_RAW);

	CHECK_EQ(port_of(fd), 0);
	CHECK_ERR(bind(fd, at, sizeof address - 1), EINVAL);
	address.nl_family = AF_UNIX;
	CHECK_ERR(bind(fd, at, sizeof address), EINVAL);
	CHECK_ERR(connect(fd, at, sizeof address), EINVAL);
	CHECK_ERR(sendto(fd, "x", 1, 0, at, sizeof address), EINVAL);
	address.nl_family = AF_NETLINK;
	CHECK_EQ(bind(fd, at, sizeof address), 0);
	CHECK_EQ(port_of(fd), getpid());
	CHECK_ERR(bind(fd, at, sizeof address), EINVAL);
	address.nl_pid = getpid();
	CHECK_EQ(bind(fd, at, sizeof address), 0);
	address.nl_pid = 0x12345;
	CHECK_EQ(bind(other, at, sizeof address), 0);
	CHECK_EQ(port_of(other), 0x12345);
	address.nl_pid = 0;
	CHECK_EQ(connect(other, at, sizeof address), 0);
	/* Sending binds. */
	close(fd);
	fd = netlink(SOCK_RAW);
	CHECK_EQ(send_request(fd, UNKNOWN, 0, 4), 20);
	CHECK_EQ(port_of(fd), getpid());
}

static void groups(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR };
	socklen_t size = sizeof address;
	int fd = netlink(SOCK_RAW);

	CHECK_EQ(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	address = (struct sockaddr_nl){ 0 };
	CHECK_EQ(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	CHECK_EQ(address.nl_groups, RTMGRP_LINK | RTMGRP_IPV4_IFADDR);
}

static void check_refusal(int fd, int type, int flags, unsigned size)
{
	struct request request = request_of(type, flags, size);
	struct answer answer;
	unsigned len = NLMSG_ALIGN(sizeof(struct nlmsgerr) + sizeof(struct nlmsghdr) + size);

	CHECK_EQ(send(fd, &request, request.head.nlmsg_len, 0), request.head.nlmsg_len);
	CHECK_EQ(next(fd, &answer), len);
	CHECK_EQ(answer.head.nlmsg_len, len);
	CHECK_EQ(answer.head.nlmsg_type, NLMSG_ERROR);
	CHECK_EQ(answer.head.nlmsg_flags, 0);
	CHECK_EQ(answer.head.nlmsg_seq, SEQUENCE);
	CHECK_EQ(answer.head.nlmsg_pid, port_of(fd));
	CHECK_EQ(answer.error, -EOPNOTSUPP);
	CHECK_EQ(memcmp(&answer.asked, &request, request.head.nlmsg_len), 0);
	for (unsigned at = size; at < NLMSG_ALIGN(size); at++)
		CHECK_EQ(answer.asked.data[at], 0);
	CHECK_EQ(next(fd, &answer), -EAGAIN);
}

static void check_acknowledged(int fd, int type, int flags, unsigned size)
{
	struct answer answer;

	CHECK_EQ(send_request(fd, type, flags, size), sizeof(struct nlmsghdr) + size);
	CHECK_EQ(next(fd, &answer), 36);
	CHECK_EQ(answer.head.nlmsg_len, 36);
	CHECK_EQ(answer.head.nlmsg_type, NLMSG_ERROR);
	CHECK_EQ(answer.head.nlmsg_flags, NLM_F_CAPPED);
	CHECK_EQ(answer.head.nlmsg_seq, SEQUENCE);
	CHECK_EQ(answer.error, 0);
	CHECK_EQ(answer.asked.head.nlmsg_len, sizeof(struct nlmsghdr) + size);
	CHECK_EQ(answer.asked.head.nlmsg_type, type);
	CHECK_EQ(next(fd, &answer), -EAGAIN);
}

static void check_silence(int fd, int type, int flags, unsigned size)
{
	struct answer answer;

	CHECK_EQ(send_request(fd, type, flags, size), sizeof(struct nlmsghdr) + size);
	CHECK_EQ(next(fd, &answer), -EAGAIN);
}

static void requests(void)
{
	int fd = netlink(SOCK_RAW);

	check_refusal(fd, UNKNOWN, NLM_F_REQUEST, 0);
	check_refusal(fd, UNKNOWN, NLM_F_REQUEST | NLM_F_ACK, 1);
	check_refusal(fd, UNKNOWN, NLM_F_REQUEST | NLM_F_DUMP, 8);
	check_refusal(fd, UNKNOWN, NLM_F_REQUEST, 40);
	/* Not for the kernel, for nobody, or without what each message has: nothing happens. */
	check_silence(fd, UNKNOWN, 0, 8);
	check_silence(fd, NLMSG_NOOP, NLM_F_REQUEST, 8);
	check_silence(fd, NLMSG_DONE, NLM_F_REQUEST, 0);
	check_silence(fd, RTM_GETLINK, NLM_F_REQUEST, 0);
	check_acknowledged(fd, UNKNOWN, NLM_F_ACK, 8);
	check_acknowledged(fd, NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, 40);
	check_acknowledged(fd, RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK, 0);
}

/* Each of several in one has its answer; what is not whole has none. */
static void several(void)
{
	struct request first = request_of(UNKNOWN, NLM_F_REQUEST, 3), second = request_of(UNKNOWN, NLM_F_REQUEST, 8);
	struct iovec parts[] = { { &first, 20 }, { &second, 24 }, { &first, 18 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 3 };
	struct answer answer;
	int fd = netlink(SOCK_RAW);
	char zeroes[20] = "";

	second.head.nlmsg_seq = 7;
	CHECK_EQ(sendmsg(fd, &message, 0), 62);
	CHECK_EQ(next(fd, &answer), 20 + 20);
	CHECK_EQ(answer.head.nlmsg_seq, SEQUENCE);
	CHECK_EQ(next(fd, &answer), 20 + 24);
	CHECK_EQ(answer.head.nlmsg_seq, 7);
	CHECK_EQ(next(fd, &answer), -EAGAIN);
	for (int len = 1; len < 16; len++)
		CHECK_EQ(send(fd, &first, len, 0), len);
	CHECK_EQ(send(fd, zeroes, sizeof zeroes, 0), sizeof zeroes);
	first.head.nlmsg_len = 15;
	CHECK_EQ(send(fd, &first, 20, 0), 20);
	first.head.nlmsg_len = UINT32_MAX;
	CHECK_EQ(send(fd, &first, 20, 0), 20);
	first.head.nlmsg_len = 21;
	CHECK_EQ(send(fd, &first, 20, 0), 20);
	CHECK_EQ(next(fd, &answer), -EAGAIN);
	CHECK_ERR(send(fd, zeroes, 0, 0), ENODATA);
	CHECK_ERR(send(fd, zeroes, 1 << 20, 0), EMSGSIZE);
	CHECK_ERR(send(fd, (void *)8, 20, 0), EFAULT);
}

/* Who asks for all of a kind gets to an end. */
static void lists(void)
{
	static const int types[] = { RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE };
	char buffer[16384];
	int fd = netlink(SOCK_RAW);

	for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
		int ended = 0;

		CHECK_EQ(send_request(fd, types[i], NLM_F_REQUEST | NLM_F_DUMP, 40), 56);
		while (!ended) {
			ssize_t left = recv(fd, buffer, sizeof buffer, 0);

			if (!CHECK(left >= (ssize_t)sizeof(struct nlmsghdr)))
				return;
			for (struct nlmsghdr *head = (void *)buffer; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
				CHECK(head->nlmsg_flags & NLM_F_MULTI);
				CHECK_EQ(head->nlmsg_seq, SEQUENCE);
				ended |= head->nlmsg_type == NLMSG_DONE;
			}
		}
	}
}

/* What programs call. */
static void interfaces(void)
{
	struct ifaddrs *list = (void *)1;
	struct if_nameindex *names;

	CHECK_EQ(getifaddrs(&list), 0);
	for (struct ifaddrs *one = list; one; one = one->ifa_next)
		CHECK(one->ifa_name && *one->ifa_name);
	freeifaddrs(list);
	names = if_nameindex();
	CHECK(names != NULL);
	if_freenameindex(names);
}

static void *send_later(void *fd)
{
	check_sleep(30);
	CHECK_EQ(send_request(*(int *)fd, UNKNOWN, NLM_F_REQUEST, 8), 24);
	return NULL;
}

static void receiving(void)
{
	struct sockaddr_nl from;
	char buffer[64], control[64];
	struct iovec part = { buffer, 20 };
	struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1 };
	int fd = netlink(SOCK_RAW), on = 1;
	struct pollfd polled = { fd, POLLIN | POLLOUT, 0 };
	struct ucred *sender;
	socklen_t size = sizeof from;
	pthread_t thread;

	CHECK_EQ(poll(&polled, 1, 0), 1);
	CHECK_EQ(polled.revents, POLLOUT);
	CHECK_EQ(pthread_create(&thread, NULL, send_later, &fd), 0);
	polled.events = POLLIN;
	CHECK_EQ(poll(&polled, 1, PATIENCE_MS), 1);
	CHECK_EQ(polled.revents, POLLIN);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(recv(fd, buffer, 4, MSG_PEEK | MSG_TRUNC), 44);
	CHECK_EQ(recv(fd, buffer, 4, MSG_PEEK), 4);
	memset(&from, 0xff, sizeof from);
	CHECK_EQ(recvmsg(fd, &message, 0), 20);
	CHECK_EQ(message.msg_flags, MSG_TRUNC);
	CHECK_EQ(message.msg_namelen, sizeof from);
	CHECK_EQ(from.nl_family, AF_NETLINK);
	CHECK_EQ(from.nl_pid, 0);
	CHECK_EQ(from.nl_groups, 0);
	CHECK_ERR(recv(fd, buffer, 1, MSG_DONTWAIT), EAGAIN);
	/* Waiting in recv. */
	CHECK_EQ(pthread_create(&thread, NULL, send_later, &fd), 0);
	CHECK_EQ(recvfrom(fd, buffer, sizeof buffer, MSG_WAITALL, (struct sockaddr *)&from, &size), 44);
	CHECK_EQ(size, sizeof from);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	/* The kernel says who it is. */
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
	CHECK_EQ(send_request(fd, UNKNOWN, NLM_F_REQUEST, 8), 24);
	message.msg_control = control;
	message.msg_controllen = sizeof control;
	CHECK_EQ(recvmsg(fd, &message, 0), 20);
	if (CHECK(CMSG_FIRSTHDR(&message) && CMSG_FIRSTHDR(&message)->cmsg_type == SCM_CREDENTIALS)) {
		sender = (struct ucred *)CMSG_DATA(CMSG_FIRSTHDR(&message));
		CHECK_EQ(sender->pid, 0);
		CHECK_EQ(sender->uid, 0);
	}
}

static void as_user(void *unused)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = 1 };
	int fd = netlink(SOCK_RAW);

	(void)unused;
	CHECK_EQ(setresuid(USER, USER, USER), 0);
	CHECK_ERR(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to), EPERM);
	to = (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_groups = 1 };
	CHECK_ERR(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to), EPERM);
	CHECK_ERR(connect(fd, (struct sockaddr *)&to, sizeof to), EPERM);
	check_refusal(fd, UNKNOWN, NLM_F_REQUEST, 8);
}

static void others(void)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = 0x7654321 };
	int fd = netlink(SOCK_RAW);

	CHECK_ERR(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to), ECONNREFUSED);
	to.nl_pid = 0;
	CHECK_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to), 1);
	CHECK_ERR(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to - 1), EINVAL);
	CHECK_EQ(check_child(as_user, NULL), 0);
}

/* Who does not read gets no more answers after a while, and hears of that. */
static void overflow(void)
{
	struct answer answer;
	int fd = netlink(SOCK_RAW), count = 0, lost = 0;

	for (int i = 0; i < 20000; i++)
		if (send_request(fd, UNKNOWN, NLM_F_REQUEST, 40) != 56)
			CHECK_EQ(errno, 0);
	for (ssize_t len; (len = next(fd, &answer)) != -EAGAIN;) {
		count += len == 76;
		lost += len == -ENOBUFS;
		if (len != 76 && !CHECK_EQ(len, -ENOBUFS))
			break;
	}
	CHECK(count > 50 && count < 20000);
	CHECK_EQ(lost, 1);
	check_refusal(fd, UNKNOWN, NLM_F_REQUEST, 40);
}

/* ---- mq_notify() ---- */

static char cookie[COOKIE];

static mqd_t make(const char *name)
{
	struct mq_attr attr = { .mq_maxmsg = 4, .mq_msgsize = 64 };
	mqd_t queue;

	mq_unlink(name);
	queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	CHECK(queue >= 0);
	return queue;
}

/* As C libraries ask. */
static int ask(mqd_t queue, int fd, void *bytes)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD, .sigev_signo = fd, .sigev_value.sival_ptr = bytes };

	return syscall(SYS_mq_notify, queue, &event);
}

/* What has come to @fd: the last byte of a cookie, or 0: nothing. */
static int told(int fd)
{
	char bytes[COOKIE + 1];
	ssize_t len = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

	if (len < 0 && errno == EAGAIN)
		return 0;
	CHECK_EQ(len, COOKIE);
	CHECK_EQ(memcmp(bytes, cookie, COOKIE - 1), 0);
	return bytes[COOKIE - 1];
}

static void take(mqd_t queue)
{
	char buffer[64];

	CHECK_EQ(mq_receive(queue, buffer, sizeof buffer, NULL), 1);
}

static void cookies(void)
{
	mqd_t queue = make("/cookies"), again;
	int fd = netlink(SOCK_RAW | SOCK_CLOEXEC);

	memcpy(cookie, "what the C library wants to know", COOKIE);
	CHECK_EQ(ask(queue, fd, cookie), 0);
	CHECK_EQ(told(fd), 0);
	CHECK_ERR(ask(queue, fd, cookie), EBUSY);
	CHECK_EQ(told(fd), 0);
	CHECK_EQ(mq_send(queue, "x", 1, 0), 0);
	CHECK_EQ(told(fd), WOKEN);
	/* Not when there is a message, and only once. */
	CHECK_EQ(ask(queue, fd, cookie), 0);
	CHECK_EQ(mq_send(queue, "x", 1, 0), 0);
	take(queue);
	take(queue);
	CHECK_EQ(told(fd), 0);
	CHECK_EQ(mq_send(queue, "x", 1, 0), 0);
	take(queue);
	CHECK_EQ(mq_send(queue, "x", 1, 0), 0);
	take(queue);
	CHECK_EQ(told(fd), WOKEN);
	CHECK_EQ(told(fd), 0);
	/* Taken back, or a descriptor of the queue is closed. */
	CHECK_EQ(ask(queue, fd, cookie), 0);
	CHECK_EQ(mq_notify(queue, NULL), 0);
	CHECK_EQ(told(fd), REMOVED);
	CHECK_EQ(mq_notify(queue, NULL), 0);
	again = mq_open("/cookies", O_RDONLY);
	CHECK_EQ(ask(queue, fd, cookie), 0);
	CHECK_EQ(mq_close(again), 0);
	CHECK_EQ(told(fd), REMOVED);
	CHECK_EQ(ask(queue, fd, cookie), 0);
	CHECK_EQ(mq_unlink("/cookies"), 0);
	CHECK_EQ(told(fd), 0);
	CHECK_EQ(mq_close(queue), 0);
	CHECK_EQ(told(fd), REMOVED);
}

struct both { mqd_t queue; int fd; };

static void ask_and_end(void *argument)
{
	struct both *both = argument;

	CHECK_EQ(ask(both->queue, both->fd, cookie), 0);
}

static void ask_and_run(void *argument)
{
	ask_and_end(argument);
	execl("/bin/sh", "sh", "-c", ":", (char *)NULL);
	_exit(99);
}

static void ends(void)
{
	struct both both = { make("/ends"), netlink(SOCK_RAW | SOCK_CLOEXEC) };
	int fd = netlink(SOCK_RAW);

	CHECK_EQ(check_child(ask_and_end, &both), 0);
	CHECK_EQ(told(both.fd), REMOVED);
	CHECK_EQ(check_child(ask_and_run, &both), 0);
	CHECK_EQ(told(both.fd), REMOVED);
	/* The socket goes first. */
	CHECK_EQ(ask(both.queue, fd, cookie), 0);
	CHECK_EQ(close(fd), 0);
	CHECK_ERR(ask(both.queue, both.fd, cookie), EBUSY);
	CHECK_EQ(mq_send(both.queue, "x", 1, 0), 0);
	CHECK_EQ(ask(both.queue, both.fd, cookie), 0);
	CHECK_EQ(mq_unlink("/ends"), 0);
}

static void refusals(void)
{
	mqd_t queue = make("/refusals");
	int fd = netlink(SOCK_RAW), unknown = eventfd(0, 0), local = socket(AF_UNIX, SOCK_DGRAM, 0), inet = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_ERR(ask(queue, -1, cookie), EBADF);
	CHECK_ERR(ask(queue, 9999, cookie), EBADF);
	CHECK_ERR(ask(queue, unknown, cookie), ENOTSOCK);
	CHECK_ERR(ask(queue, local, cookie), EINVAL);
	CHECK_ERR(ask(queue, inet, cookie), EINVAL);
	CHECK_ERR(ask(queue, fd, NULL), EFAULT);
	CHECK_ERR(ask(queue, fd, (void *)-8), EFAULT);
	CHECK_ERR(ask(fd, fd, cookie), EBADF);
	CHECK_ERR(ask(-1, fd, cookie), EBADF);
	CHECK_EQ(ask(queue, fd, cookie), 0);
	CHECK_EQ(mq_unlink("/refusals"), 0);
}

static sem_t called;
static int value;

static void call(union sigval given)
{
	value = given.sival_int;
	CHECK_EQ(sem_post(&called), 0);
}

/* By the C library: a function is called in a thread. */
static void thread(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = call };
	mqd_t queue = make("/thread");

	CHECK_EQ(sem_init(&called, 0, 0), 0);
	for (int i = 1; i < 10; i++) {
		event.sigev_value.sival_int = i;
		CHECK_EQ(mq_notify(queue, &event), 0);
		CHECK_ERR(mq_notify(queue, &event), EBUSY);
		CHECK_EQ(mq_send(queue, "x", 1, 0), 0);
		CHECK_EQ(sem_wait(&called), 0);
		CHECK_EQ(value, i);
		take(queue);
		/* Not called. */
		CHECK_EQ(mq_notify(queue, &event), 0);
		CHECK_EQ(mq_notify(queue, NULL), 0);
	}
	CHECK_ERR(sem_trywait(&called), EAGAIN);
	CHECK_EQ(mq_unlink("/thread"), 0);
}

/* Threads that ask, send, close sockets and remove queues at once. */
static volatile int race_ended;
static int race_socket;

static void *race_ask(void *queue)
{
	while (!race_ended) {
		int fd = netlink(SOCK_RAW);

		ask(*(mqd_t *)queue, fd, cookie);
		ask(*(mqd_t *)queue, race_socket, cookie);
		mq_notify(*(mqd_t *)queue, NULL);
		close(fd);
	}
	return NULL;
}

static void race_drain(void)
{
	char buffer[64];

	while (recv(race_socket, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
		;
}

static void *race_send(void *queue)
{
	for (int i = 0; i < ROUNDS; i++) {
		mq_send(*(mqd_t *)queue, "x", 1, 0);
		race_drain();
		take(*(mqd_t *)queue);
	}
	race_ended = 1;
	/* Those who wait for room in the socket by now: none of them comes again. */
	race_drain();
	return NULL;
}

static void race_once(void *unused)
{
	mqd_t queue = make("/race");
	pthread_t threads[3];

	(void)unused;
	race_socket = netlink(SOCK_RAW);
	CHECK_EQ(pthread_create(&threads[0], NULL, race_ask, &queue), 0);
	CHECK_EQ(pthread_create(&threads[1], NULL, race_ask, &queue), 0);
	CHECK_EQ(pthread_create(&threads[2], NULL, race_send, &queue), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	ask(queue, race_socket, cookie);
	mq_unlink("/race");
}

static void race(void)
{
	static struct leak_mark mark;

	CHECK_EQ(check_child(race_once, NULL), 0);
	leak_mark(&mark);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(check_child(race_once, NULL), 0);
	leak_check(&mark, "netlink sockets");
}

static const struct check_case cases[] = {
	CASE(kinds), CASE(addresses), CASE(groups), CASE(requests), CASE(several), CASE(lists), CASE(interfaces), CASE(receiving), CASE(others), CASE(overflow),
	CASE(cookies), CASE(ends), CASE(refusals), CASE(thread), CASE(race), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return kernel_has(UNIX_SOCKETS) ? check_main("netlink", cases, argc, argv) : skip_program("netlink", UNIX_SOCKETS);
}
