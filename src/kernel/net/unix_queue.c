/* SPDX-License-Identifier: MIT */
/*
 * The queue of a socket, and the short ways of read(2) and write(2) of connected sockets: small messages, nothing unusual about either side, no lock waited
 * for but for the moment that another holds it.
 */
#include "lib/errno.h"
#include "mm/heap.h"
#include "arch/x86_64/user_access_now.h"
#include "mm/user_copy.h"
#include "net/unix.h"
#include <linux/fcntl.h>

COLD int unix_wait(struct unix_socket *socket, struct wait_queue *queue, uint64_t deadline)
{
	struct waiter waiter;
	int error;

	if (deadline == WAIT_FOREVER)
		return wait_once(queue, &socket->lock, WAIT_INTERRUPTIBLE);
	wait_begin(queue, &waiter);
	mutex_unlock(&socket->lock);
	error = wait_block(&waiter, deadline, WAIT_INTERRUPTIBLE);
	wait_end(&waiter);
	if (error == -ERESTARTSYS)
		return -EINTR;
	return error ? -EAGAIN : 0;
}

void unix_append(struct unix_socket *socket, struct unix_packet *packet)
{
	packet->next = NULL;
	socket->queued++;
	atomic_store(socket->end, packet);
	socket->end = &packet->next;
}

struct unix_packet *unix_remove_all(struct unix_socket *socket)
{
	struct unix_packet *packets = socket->first;

	atomic_store(&socket->first, NULL);
	socket->end = &socket->first;
	socket->queued = 0;
	return packets;
}

struct unix_packet *unix_remove_first(struct unix_socket *socket)
{
	struct unix_packet *packet = socket->first;

	atomic_store(&socket->first, packet->next);
	if (!packet->next)
		socket->end = &socket->first;
	socket->queued--;
	packet->next = NULL;
	return packet;
}

/* Copies @len bytes of a message, from @skip on; fewer where the memory for them is not there. */
static inline size_t copy_parts(const struct unix_packet *packet, size_t skip, struct uio *uio, size_t len)
{
	size_t done = 0;

	for (; packet && done < len; packet = packet->rest) {
		size_t part, moved;

		if (skip >= packet->len) {
			skip -= packet->len;
			continue;
		}
		part = MIN(packet->len - skip, len - done);
		moved = uio_write_to(uio, packet->data + skip, part);
		done += moved;
		skip = 0;
		if (moved < part)
			break;
	}
	return done;
}

size_t unix_copy(const struct unix_packet *packet, size_t skip, struct uio *uio, size_t len)
{
	return copy_parts(packet, skip, uio, len);
}

size_t unix_copy_now(const struct unix_packet *packet, size_t skip, struct uio *uio, size_t len)
{
	size_t done = 0, part, moved;

	/* In pieces, as preemption is off. */
	do {
		part = MIN(len - done, (size_t)PAGE_SIZE);
		preempt_disable();
		moved = copy_parts(packet, skip + done, uio, part);
		preempt_enable();
		done += moved;
	} while (moved == part && done < len);
	return done;
}

int unix_fill(struct unix_packet *packet, struct uio *uio)
{
	for (; packet; packet = packet->rest)
		if (uio_read_from(uio, packet->data, packet->len) < packet->len)
			return -EFAULT;
	return 0;
}

/* Who sends says who it is where either side asks for it; to who is not there yet in any case, as it may ask later. */
COLD void unix_add_credentials(struct unix_packet *packet, const struct unix_socket *socket, const struct unix_socket *to, const struct unix_message *message)
{
	if (message->has_credentials)
		packet->credentials = message->credentials;
	else if ((atomic_load_relaxed(&socket->odd) | atomic_load_relaxed(&to->odd)) & UNIX_ODD_CREDENTIALS)
		packet->credentials = unix_own_credentials();
	else
		return;
	packet->has_credentials = true;
}

static __attribute__((noinline)) ssize_t transfer_slowly(struct file *file, uint64_t at, size_t len, bool write)
{
	struct uio_segment segment = { at, len };
	struct uio uio = { .segments = &segment, .segment_count = 1, .left = len };

	return write ? file->ops->write(file, &uio, NULL) : file->ops->read(file, &uio, NULL);
}

static __attribute__((noinline)) ssize_t unlock_and_read(struct file *file, uaddr_t to, size_t len)
{
	struct unix_socket *socket = file->private;

	mutex_unlock(&socket->lock);
	return transfer_slowly(file, to, len, false);
}

/* Undoes the beginning of a short write. */
static __attribute__((noinline)) ssize_t give_up(struct file *file, struct unix_packet *packet, uaddr_t from, size_t len)
{
	struct unix_socket *socket = file->private;

	if (packet)
		slab_free(unix_small_packets, packet);
	unix_give_back(socket, UNIX_SMALL_CHARGE);
	return transfer_slowly(file, from, len, true);
}

static __attribute__((noinline)) ssize_t unlock_and_give_up(struct file *file, struct unix_socket *peer, struct unix_packet *packet, uaddr_t from, size_t len)
{
	mutex_unlock(&peer->lock);
	return give_up(file, packet, from, len);
}

ssize_t unix_write_user(struct file *file, uaddr_t from, size_t len)
{
	struct unix_socket *socket = file->private, *peer = atomic_load(&socket->peer);
	struct unix_packet *packet;

	if (unlikely(!peer || len > UNIX_PACKET_SMALL || socket->type == TYPE_DATAGRAM || (socket->odd | peer->odd) & (UNIX_ODD_CREDENTIALS | UNIX_ODD_SEND) ||
		     socket->error || socket->shut & UNIX_SHUT_WRITE || !unix_reserve_now(socket, UNIX_SMALL_CHARGE)))
		return transfer_slowly(file, from, len, true);
	packet = slab_alloc(unix_small_packets);
	if (unlikely(!packet || copy_from_user(packet->data, from, len)))
		return give_up(file, packet, from, len);
	packet->next = packet->rest = NULL;
	packet->from = socket;
	packet->at = 0;
	packet->len = packet->total = len;
	packet->charge = UNIX_SMALL_CHARGE;
	packet->rights = NULL;
	packet->has_credentials = false;
	mutex_lock(&peer->lock);
	if (unlikely(peer->shut & UNIX_SHUT_READ))
		return unlock_and_give_up(file, peer, packet, from, len);
	peer->queued++;
	atomic_store(peer->end, packet);
	peer->end = &packet->next;
	preempt_disable();
	if (unlikely(mutex_release(&peer->lock)))
		mutex_wake(&peer->lock);
	wake_one_nested(&peer->readers);
	preempt_enable();
	return len;
}

/* Takes a whole packet off the queue, or bytes of a stream's that stay fewer. */
ssize_t unix_read_user(struct file *file, uaddr_t to, size_t len)
{
	struct unix_socket *socket = file->private;
	struct unix_packet *packet;
	size_t left;

	for (;;) {
		if (unlikely(socket->odd & (UNIX_ODD_CREDENTIALS | UNIX_ODD_RECEIVE) || !mutex_try_lock(&socket->lock)))
			return transfer_slowly(file, to, len, false);
		packet = socket->first;
		if (likely(packet))
			break;
		if (unlikely(socket->shut & UNIX_SHUT_READ || socket->error || file->flags & O_NONBLOCK || socket->state != UNIX_CONNECTED))
			return unlock_and_read(file, to, len);
		if (unlikely(wait_once(&socket->readers, &socket->lock, WAIT_INTERRUPTIBLE)))
			return transfer_slowly(file, to, len, false);	/* looks once more, then at the signal */
	}
	left = packet->len - packet->at;
	/* More may be read of a stream, and of datagrams who is told that there is room. */
	if (unlikely(packet->charge != UNIX_SMALL_CHARGE || packet->rights || len < left || (len > left && packet->next) || socket->error ||
		     socket->type == TYPE_DATAGRAM || socket->state != UNIX_CONNECTED))
		return unlock_and_read(file, to, len);
	preempt_disable();
	if (unlikely(!user_copy_out_now(to, packet->data + packet->at, left))) {
		preempt_enable();
		return unlock_and_read(file, to, len);
	}
	atomic_store(&socket->first, packet->next);
	if (likely(!packet->next))
		socket->end = &socket->first;
	socket->queued--;
	preempt_enable();
	if (unlikely(mutex_release(&socket->lock)))
		mutex_wake(&socket->lock);
	slab_free(unix_small_packets, packet);
	unix_give_back(socket->peer, UNIX_SMALL_CHARGE);
	return left;
}
