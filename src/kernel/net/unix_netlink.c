/* SPDX-License-Identifier: MIT */
/*
 * Netlink sockets (NETLINK_ROUTE) as a machine has them that has no interfaces, addresses or routes: who asks for all of something hears that this was all,
 * and what else is asked for is not known. And what the C library starts a thread for that is told of messages (mq_notify).
 *
 * They are local datagram sockets with a number in place of a name, and find answers in their own queue. They pay for these themselves.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/user_copy.h"
#include "net/net.h"
#include "net/socket.h"
#include "net/unix.h"
#include "process/process.h"
#include "security/capabilities.h"
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

enum { COOKIE_SIZE = 32, KIND_MASK = 3, KIND_GET = 2 };
const struct sockaddr_nl netlink_kernel = { .nl_family = FAMILY_NETLINK };

/* What an answer begins with. An error is followed by what it is about. */
struct answer {
	struct nlmsghdr head;
	int error;
	struct nlmsghdr asked;
	char data[];
};
enum { REQUEST_MAX = UNIX_PACKET_BYTES - offsetof(struct answer, asked) };

static int check_address(const struct sockaddr_nl *address, unsigned size)
{
	return size < sizeof(*address) || address->nl_family != FAMILY_NETLINK ? -EINVAL : 0;
}

/* By its process's number; so may others be. */
static void bind_itself(struct unix_socket *socket)
{
	if (!socket->netlink.nl_pid)
		socket->netlink.nl_pid = current_process()->pid;
}

int netlink_bind(struct unix_socket *socket, const struct sockaddr_nl *address, unsigned size)
{
	struct sockaddr_nl *own = &socket->netlink;

	if (check_address(address, size) || (own->nl_pid && own->nl_pid != address->nl_pid))
		return -EINVAL;
	own->nl_pid = address->nl_pid;
	own->nl_groups = address->nl_groups;
	bind_itself(socket);
	return 0;
}

int netlink_check_receiver(const struct sockaddr_nl *to, unsigned size)
{
	int error = check_address(to, size);

	if (error || !(to->nl_pid | to->nl_groups))
		return error;	/* it is the kernel */
	return capabilities_may_administer() ? -ECONNREFUSED : -EPERM;
}

int netlink_connect(struct unix_socket *socket, const struct sockaddr_nl *to, unsigned size)
{
	int error;

	if (size >= sizeof(to->nl_family) && to->nl_family == FAMILY_UNSPECIFIED)
		return 0;	/* it is connected to nobody but the kernel */
	error = netlink_check_receiver(to, size);
	if (!error)
		bind_itself(socket);
	return error;
}

static void deliver(struct unix_packet *packet)
{
	struct unix_socket *socket = unix_get(packet->from);
	bool closed;

	packet->has_credentials = true;		/* of the kernel: all are 0 */
	mutex_lock(&socket->lock);
	closed = socket->closed;
	if (!closed)
		unix_append(socket, packet);
	mutex_unlock(&socket->lock);
	if (closed)
		unix_packet_free(packet);
	else
		wake_one(&socket->readers);
	unix_put(socket);
}

/* What @answer->asked, with @rest bytes behind it, is answered with; of the head is there what is the same in all. False: with nothing. */
static bool fill_in(struct answer *answer, size_t rest)
{
	const struct nlmsghdr *asked = &answer->asked;
	bool is_known = asked->nlmsg_type <= RTM_MAX;

	answer->head.nlmsg_type = NLMSG_ERROR;
	answer->error = 0;
	if (!(asked->nlmsg_flags & NLM_F_REQUEST) || asked->nlmsg_type < NLMSG_MIN_TYPE || (is_known && !rest)) {
		answer->head.nlmsg_flags = NLM_F_CAPPED;
		answer->head.nlmsg_len = sizeof(*answer);
		return asked->nlmsg_flags & NLM_F_ACK;
	}
	if (is_known && (asked->nlmsg_type & KIND_MASK) == KIND_GET && asked->nlmsg_flags & NLM_F_DUMP) {
		answer->head.nlmsg_type = NLMSG_DONE;
		answer->head.nlmsg_flags = NLM_F_MULTI;
		answer->head.nlmsg_len = offsetof(struct answer, asked);
		return true;
	}
	answer->head.nlmsg_flags = 0;
	answer->error = -EOPNOTSUPP;
	return true;
}

/* Reads a message of a request, and answers it. 0 or -EFAULT. What cannot be read as messages any more is left out. */
static __attribute__((noinline)) int answer_next(struct unix_socket *socket, struct uio *uio)
{
	struct unix_packet *packet;
	struct answer *answer;
	struct nlmsghdr asked;
	size_t rest, padded;
	int error;

	if (uio_read_from(uio, &asked, sizeof(asked)) < sizeof(asked))
		return -EFAULT;
	rest = asked.nlmsg_len - sizeof(asked);
	padded = NLMSG_ALIGN(rest);
	packet = rest <= uio->left ? unix_packet_create(socket, sizeof(*answer) + padded, 0, &error) : NULL;
	if (!packet) {
		if (rest <= uio->left)
			atomic_store(&socket->error, ENOBUFS);
		uio->left = 0;
		return 0;
	}
	answer = (struct answer *)packet->data;
	*(uint32_t *)(answer->data + padded - sizeof(uint32_t)) = 0;
	padded = MIN(padded, uio->left);
	if (uio_read_from(uio, answer->data, padded) < padded) {
		unix_packet_free(packet);
		return -EFAULT;
	}
	answer->head = answer->asked = asked;
	answer->head.nlmsg_len = packet->len;
	answer->head.nlmsg_pid = socket->netlink.nl_pid;
	if (fill_in(answer, rest)) {
		packet->total = answer->head.nlmsg_len;
		deliver(packet);
	} else {
		unix_packet_free(packet);
	}
	return 0;
}

ssize_t netlink_send(struct unix_socket *socket, struct unix_message *request)
{
	size_t len = request->uio->left;
	int error;

	if (request->flags & MESSAGE_OOB)
		return -EOPNOTSUPP;
	if (!len)
		return -ENODATA;
	error = request->to ? netlink_check_receiver((const struct sockaddr_nl *)request->to, request->to_size) : 0;
	if (error)
		return error;
	if (len > REQUEST_MAX)
		return -EMSGSIZE;
	bind_itself(socket);
	while (request->uio->left >= sizeof(struct nlmsghdr) && !error)
		error = answer_next(socket, request->uio);
	request->uio->left = 0;		/* what is left is too short for a message, but was sent, too: sendmmsg goes on */
	return error ? error : (ssize_t)len;
}

/* ---- mq_notify ---- */

static long reserve(struct file *file, uint64_t cookie, uint64_t from, uint64_t unused, uint64_t unused_too)
{
	struct unix_packet *packet;
	int error;

	if (!unix_is(file) || !unix_is_netlink(file->private))
		return -EINVAL;
	packet = unix_packet_create(file->private, COOKIE_SIZE, WAIT_FOREVER, &error);
	if (packet && copy_from_user(packet->data, from, COOKIE_SIZE)) {
		unix_packet_free(packet);
		return -EFAULT;
	}
	*(struct unix_packet **)cookie = packet;
	return error;
}

int netlink_reserve(int fd, uaddr_t from, void **cookie)
{
	return with_socket(fd, (uint64_t)cookie, from, 0, 0, reserve);
}

void netlink_tell(void *cookie, char what)
{
	struct unix_packet *packet = cookie;

	if (!packet)
		return;
	packet->data[COOKIE_SIZE - 1] = what;
	if (what)
		deliver(packet);
	else
		unix_packet_free(packet);
}
