/* SPDX-License-Identifier: MIT */
/* What poll says of AF_UNIX sockets, and ioctl. */
#include "lib/errno.h"
#include "mm/user_copy.h"
#include "net/unix.h"
#include "vfs/poll.h"
#include <asm/ioctls.h>

unsigned unix_poll(struct file *file, struct poll_table *table)
{
	struct unix_socket *socket = file->private;
	unsigned shut, mask = 0;
	uint8_t state;

	poll_wait_for(table, &socket->readers, POLL_FOR_READERS & ~POLL_WRBAND);
	poll_wait_for(table, &socket->writers, POLL_FOR_WRITERS);
	shut = atomic_load(&socket->shut);
	state = atomic_load(&socket->state);
	if (atomic_load(&socket->first) || atomic_load(&socket->first_waiting))
		mask |= POLL_IN | POLL_RDNORM;
	if (shut & UNIX_SHUT_READ)
		mask |= POLL_RDHUP | POLL_IN | POLL_RDNORM;
	if (shut == UNIX_SHUT_BOTH || (socket->type != TYPE_DATAGRAM && state == UNIX_IDLE))
		mask |= POLL_HUP;
	if (atomic_load(&socket->error))
		mask |= POLL_ERR;
	if (unix_datagram_room(socket, table) && state != UNIX_LISTENING && unix_is_writable(socket))
		mask |= POLL_OUT | POLL_WRNORM | POLL_WRBAND;
	return mask;
}

static long bytes_to_read(struct unix_socket *socket, uint64_t argument)
{
	uint64_t bytes = 0;

	if (atomic_load(&socket->state) == UNIX_LISTENING)
		return -EINVAL;
	mutex_lock(&socket->lock);
	for (const struct unix_packet *packet = socket->first; packet; packet = packet->next) {
		bytes += packet->total - packet->at;
		if (socket->type == TYPE_DATAGRAM)
			break;
	}
	mutex_unlock(&socket->lock);
	return put_user_u32(argument, MIN(bytes, (uint64_t)INT32_MAX));
}

long unix_ioctl(struct file *file, unsigned request, uint64_t argument)
{
	struct unix_socket *socket = file->private;

	if (unix_is_netlink(socket))
		return -ENOTTY;
	switch (request) {
	case FIONREAD:
		return bytes_to_read(socket, argument);
	case TIOCOUTQ:
		return put_user_u32(argument, (uint32_t)atomic_load(&socket->space));
	}
	return -ENOTTY;
}
