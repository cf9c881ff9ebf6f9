/* SPDX-License-Identifier: MIT */
/*
 * AF_INET and AF_INET6 as far as a machine without a network has them: objects that know what they are, and what is wrong with addresses. For the one file of
 * calls that is built, socket.c or unix_calls.c.
 */
#pragma once

#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "net/socket_kinds.h"
#include "vfs/file.h"
#include "vfs/poll.h"
#include <linux/fcntl.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/stat.h>
#include <linux/un.h>

enum { INET6_SIZE_MIN = 24 };

struct socket {
	int family, type, protocol;
	uint64_t number;		/* for /proc/PID/fd */
};

union address {
	uint16_t family;
	struct sockaddr_in in;
	struct sockaddr_un un;
	char bytes[ADDRESS_MAX];
};

static ssize_t no_peer(struct file *file, struct uio *uio, uint64_t *pos)
{
	return -ENOTCONN;
}

static unsigned socket_poll(struct file *file, struct poll_table *table)
{
	const struct socket *socket = file->private;

	return POLL_OUT | POLL_WRNORM | (socket->type == TYPE_STREAM || socket->type == TYPE_SEQPACKET ? POLL_HUP : 0);
}

static void socket_release(struct file *file)
{
	kfree(file->private);
}

static void socket_describe(struct file *file, char *buf, size_t size)
{
	snprintf(buf, size, "socket:[%lu]", ((const struct socket *)file->private)->number);
}

static int socket_getattr(struct file *file, struct fs_attr *attr)
{
	attr->mode = S_IFSOCK | 0777;
	return 0;
}

static const struct file_ops socket_file_ops = { .read = no_peer, .write = no_peer, .poll = socket_poll, .release = socket_release,
						  .describe = socket_describe, .getattr = socket_getattr };

/* Whether there are such sockets, and the protocol that 0 stands for. */
static int check_kind(struct socket *kind)
{
	static const int usual[] = { [TYPE_STREAM] = IPPROTO_TCP, [TYPE_DATAGRAM] = IPPROTO_UDP };

	if (kind->family != FAMILY_INET && kind->family != FAMILY_INET6)
		return -EAFNOSUPPORT;
	if (kind->type >= TYPE_MAX || (unsigned)kind->protocol >= IPPROTO_MAX)
		return -EINVAL;
	if (kind->type < TYPE_STREAM || kind->type > TYPE_RAW)
		return -ESOCKTNOSUPPORT;
	if (kind->type == TYPE_RAW)
		return kind->protocol ? 0 : -EPROTONOSUPPORT;
	if (kind->protocol && kind->protocol != usual[kind->type])
		return -EPROTONOSUPPORT;
	kind->protocol = usual[kind->type];
	return 0;
}

/* Copies an address of @size bytes; what is not given is 0. */
static int read_address(union address *address, uaddr_t from, unsigned size)
{
	*address = (union address){ 0 };
	if (size > sizeof(*address))
		return -EINVAL;
	return copy_from_user(address, from, size) ? -EFAULT : 0;
}

static int check_inet(const struct socket *socket, const union address *address, unsigned size)
{
	if (size < (socket->family == FAMILY_INET ? sizeof(address->in) : INET6_SIZE_MIN))
		return -EINVAL;
	return address->family == socket->family ? 0 : -EAFNOSUPPORT;
}
