/* SPDX-License-Identifier: MIT */
/* What receiving streams and datagrams have in common. */
#include "net/unix.h"

ssize_t unix_receive(struct unix_socket *socket, struct unix_message *message)
{
	return socket->type == TYPE_STREAM ? unix_stream_receive(socket, message) : unix_datagram_receive(socket, message);
}

static bool peeks(const struct unix_message *message)
{
	return message->flags & MESSAGE_PEEK;
}

/* With MSG_PEEK descriptors are copied, which is nothing to do while it is looked for those that nobody can reach. */
void unix_lock_to_receive(struct unix_socket *socket, const struct unix_message *message)
{
	if (peeks(message))
		mutex_lock(&unix_flight_lock);
	mutex_lock(&socket->lock);
}

void unix_unlock_received(struct unix_socket *socket, const struct unix_message *message)
{
	mutex_unlock(&socket->lock);
	if (peeks(message))
		mutex_unlock(&unix_flight_lock);
}

int unix_wait_to_receive(struct unix_socket *socket, const struct unix_message *message, uint64_t deadline)
{
	if (peeks(message))
		mutex_unlock(&unix_flight_lock);
	return unix_wait(socket, &socket->readers, deadline);
}

uint64_t unix_receive_deadline(const struct unix_socket *socket, const struct unix_message *message)
{
	return unix_deadline(atomic_load_relaxed(&socket->receive_timeout), message->flags & MESSAGE_DONTWAIT);
}

size_t unix_peek_offset(const struct unix_socket *socket, const struct unix_message *message)
{
	return peeks(message) ? MAX(atomic_load_relaxed(&socket->peek_at), 0) : 0;
}

void unix_move_peek_offset(struct unix_socket *socket, const struct unix_message *message, size_t len)
{
	int at = atomic_load_relaxed(&socket->peek_at);

	if (at < 0)
		return;
	/* Another thread may have set it to anything. */
	at = peeks(message) ? (int)((unsigned)at + (unsigned)len) : MAX(at - (int)len, 0);
	atomic_store(&socket->peek_at, at);
}

void unix_note_name(struct unix_message *message, const struct unix_packet *packet)
{
	struct unix_name *name = atomic_load(&packet->from->name);

	if (!message->wants_name || message->from || !name)
		return;
	refcount_get(&name->refs);
	message->from = name;
}
