/* SPDX-License-Identifier: MIT */
/*
 * Datagrams, and the messages of SOCK_SEQPACKET. A datagram socket may have a peer, to which it sends what has no address; the peer need not know. Who is not
 * the peer of the receiver finds its queue full after a few messages.
 */
#include "lib/errno.h"
#include "net/unix.h"
#include "vfs/poll.h"
#include <asm/socket.h>

/*
 * Polls of all datagram sockets wait here for room in their peers' queues, as well as for room of their own: a peer's own queue may end before they do.
 */
static struct wait_queue room = WAIT_QUEUE_INIT(room);

struct unix_socket *unix_datagram_peer(struct unix_socket *socket)
{
	struct unix_socket *peer;

	mutex_lock(&socket->lock);
	peer = socket->peer;
	if (peer)
		unix_get(peer);
	mutex_unlock(&socket->lock);
	return peer;
}

/* Is a message of @socket one too many for @to, whose lock is held or who only wants to know? */
static bool is_full(const struct unix_socket *to, const struct unix_socket *socket)
{
	return to != socket && atomic_load_relaxed(&to->peer) != socket && atomic_load_relaxed(&to->queued) > UNIX_DATAGRAMS_MAX;
}

/* For poll: does nobody's queue but its own keep @socket from sending? */
unsigned unix_datagram_room(struct unix_socket *socket, struct poll_table *table)
{
	bool has_room;

	if (socket->type != TYPE_DATAGRAM)
		return true;
	poll_wait_for(table, &room, POLL_FOR_WRITERS);
	mutex_lock(&socket->lock);
	has_room = !socket->peer || !is_full(socket->peer, socket);
	mutex_unlock(&socket->lock);
	return has_room;
}

/* A socket was taken its peer away. Messages of it are lost, and if it counted on @socket, too, it hears of that. */
static void disconnected(struct unix_socket *socket, struct unix_socket *old)
{
	struct unix_packet *packets;
	bool told;

	mutex_lock(&socket->lock);
	packets = unix_remove_all(socket);
	mutex_unlock(&socket->lock);
	if (packets) {
		wake_all(&socket->senders);
		wake_all(&room);
		mutex_lock(&old->lock);
		told = !old->closed && old->peer == socket;
		if (told)
			atomic_store(&old->error, ECONNRESET);
		mutex_unlock(&old->lock);
		if (told) {
			wake_all(&old->readers);
			wake_all(&old->writers);
		}
	}
	unix_packets_free(packets);
}

/* Gives it another peer, whose reference it takes over, or none, if it still has @old (NULL: whatever it has). Whether it did. */
static bool replace_peer(struct unix_socket *socket, struct unix_socket *peer, struct unix_socket *old)
{
	struct unix_socket *had;
	bool replaced;

	mutex_lock(&socket->lock);
	had = socket->peer;
	replaced = !old || had == old;
	if (replaced)
		atomic_store(&socket->peer, peer);
	mutex_unlock(&socket->lock);
	if (!replaced || !had)
		return replaced;
	wake_all(&socket->writers);
	wake_all(&had->senders);
	if (had != peer)
		disconnected(socket, had);
	unix_put(had);
	return true;
}

void unix_datagram_let_go(struct unix_socket *socket)
{
	replace_peer(socket, NULL, NULL);
	wake_all(&room);
}

int unix_datagram_connect(struct unix_socket *socket, const struct sockaddr_un *address, unsigned size)
{
	struct unix_socket *other;
	bool allowed;
	int error;

	if (size < sizeof(address->sun_family))
		return -EINVAL;
	if (!address->sun_family) {
		atomic_store(&socket->state, UNIX_IDLE);
		replace_peer(socket, NULL, NULL);
		return 0;
	}
	error = unix_check_address(address, size);
	if (!error)
		error = unix_bind_itself(socket);
	if (error)
		return error;
	do {
		other = unix_find(address, size, TYPE_DATAGRAM, &error);
		if (!other)
			return error;
		mutex_lock(&other->lock);
		error = other->closed;
		allowed = !other->peer || other->peer == socket;
		mutex_unlock(&other->lock);
		if (error || !allowed)
			unix_put(other);
	} while (error);
	if (!allowed)
		return -EPERM;
	atomic_store(&socket->state, UNIX_CONNECTED);
	replace_peer(socket, other, NULL);
	return 0;
}

/* ---- Sending ---- */

enum { LOOK_AGAIN = INT32_MIN };

struct sending {
	struct unix_socket *socket, *to;	/* to: referenced, or NULL: to be looked up */
	struct unix_message *message;
	struct unix_packet *packet;
	uint64_t deadline;
};

/* The receiver is gone. 0 to look for another. */
static int forget_receiver(struct sending *sending)
{
	struct unix_socket *socket = sending->socket, *to = sending->to;
	int error = 0;

	sending->to = NULL;
	if (socket->type == TYPE_SEQPACKET)
		error = -EPIPE;
	else if (replace_peer(socket, NULL, to))
		error = -ECONNREFUSED;
	unix_put(to);
	return error ? error : sending->message->to ? 0 : -ECONNRESET;
}

/* Is there anything against putting the message into the queue? -EAGAIN: it is full. The receiver's lock is held. */
static int check_receiver(const struct sending *sending)
{
	const struct unix_socket *socket = sending->socket, *to = sending->to;

	if (to->peer && to->peer != socket)
		return -EPERM;
	if (to->shut & UNIX_SHUT_READ)
		return -EPIPE;
	return is_full(to, socket) ? -EAGAIN : 0;
}

/* One try. 1: again. */
static int deliver(struct sending *sending)
{
	struct unix_message *message = sending->message;
	struct unix_socket *to = sending->to;
	bool sockets;
	int error = 0;

	if (!to)
		to = sending->to = unix_find(message->to, message->to_size, sending->socket->type, &error);
	if (!to)
		return error;
	sockets = unix_lock_for(to, message->rights);
	if (to->closed) {
		unix_unlock_for(to, sockets);
		return forget_receiver(sending) ?: 1;
	}
	error = check_receiver(sending);
	if (error == -EAGAIN && sending->deadline) {
		if (sockets)
			mutex_unlock(&unix_flight_lock);
		return unix_wait(to, &to->senders, sending->deadline) ?: 1;
	}
	if (!error) {
		sending->packet->rights = message->rights;
		message->rights = NULL;
		unix_rights_depart(to, sending->packet->rights);
		unix_add_credentials(sending->packet, sending->socket, to, message);
		unix_append(to, sending->packet);
		sending->packet = NULL;
	}
	unix_unlock_for(to, sockets);
	if (!error)
		wake_one(&to->readers);
	return error;
}

static int find_receiver(struct sending *sending)
{
	struct unix_message *message = sending->message;
	struct unix_socket *socket = sending->socket;
	int error;

	if (socket->type == TYPE_SEQPACKET) {
		error = unix_take_error(socket);
		if (error || atomic_load(&socket->state) != UNIX_CONNECTED)
			return error ? error : -ENOTCONN;
		message->to = NULL;
	}
	if (message->flags & MESSAGE_OOB)
		return -EOPNOTSUPP;
	if (message->to)
		return unix_check_address(message->to, message->to_size);
	sending->to = unix_datagram_peer(socket);
	return sending->to ? 0 : -ENOTCONN;
}

COLD ssize_t unix_datagram_send(struct unix_socket *socket, struct unix_message *message)
{
	struct sending sending = { .socket = socket, .message = message,
				   .deadline = unix_deadline(atomic_load_relaxed(&socket->send_timeout), message->flags & MESSAGE_DONTWAIT) };
	size_t len = message->uio->left;
	int error = find_receiver(&sending);

	if (!error)
		error = unix_bind_itself(socket);
	if (!error && len + 32 > atomic_load_relaxed(&socket->send_limit))
		error = -EMSGSIZE;
	if (!error)
		sending.packet = unix_packet_create(socket, len, sending.deadline, &error);
	if (!error)
		error = unix_fill(sending.packet, message->uio) ?: 1;
	while (error == 1)
		error = deliver(&sending);
	if (sending.packet)
		unix_packet_free(sending.packet);
	if (sending.to)
		unix_put(sending.to);
	return error ? error : (ssize_t)len;
}

/* ---- Receiving ---- */

/* The message to be received; with MSG_PEEK and an offset *@skip bytes of it are not, and an empty one is seen once. The lock is held. */
static struct unix_packet *find_message(const struct unix_socket *socket, const struct unix_message *message, size_t *skip)
{
	bool by_offset = message->flags & MESSAGE_PEEK && atomic_load_relaxed(&socket->peek_at) >= 0;
	struct unix_packet *packet = socket->first;

	*skip = unix_peek_offset(socket, message);
	for (; packet && *skip >= packet->total && (*skip || (by_offset && packet->looked_at)); packet = packet->next)
		*skip -= packet->total;
	return packet;
}

/* Waits for a message; NULL with *@error, 0 at the end. The lock is held after success. */
static struct unix_packet *await_message(struct unix_socket *socket, const struct unix_message *message, size_t *skip, int *error)
{
	uint64_t deadline = unix_receive_deadline(socket, message);
	struct unix_packet *packet;

	for (int waited = 0;; waited = *error) {
		*error = unix_take_error(socket);
		if (*error)
			return NULL;
		unix_lock_to_receive(socket, message);
		packet = find_message(socket, message, skip);
		if (packet)
			return packet;
		*error = waited;
		if (socket->shut & UNIX_SHUT_READ)
			*error = deadline || socket->type == TYPE_SEQPACKET ? 0 : -EAGAIN;
		else if (!waited && !deadline)
			*error = -EAGAIN;
		if (*error || socket->shut & UNIX_SHUT_READ) {
			unix_unlock_received(socket, message);
			return NULL;
		}
		*error = unix_wait_to_receive(socket, message, deadline);
	}
}

static void note_sender(struct unix_message *message, struct unix_packet *packet)
{
	message->credentials = packet->credentials;
	message->has_credentials = packet->has_credentials;
	unix_note_name(message, packet);
}

/* Takes the message, whose memory is private from then on. */
static ssize_t take_message(struct unix_socket *socket, struct unix_message *message, struct unix_packet *packet)
{
	size_t len = MIN(message->uio->left, (size_t)packet->total);
	ssize_t result = message->flags & MESSAGE_TRUNC ? packet->total : len;
	bool was_full;

	unix_move_peek_offset(socket, message, packet->total);
	unix_remove_first(socket);
	was_full = socket->queued == UNIX_DATAGRAMS_MAX;
	unix_unlock_received(socket, message);
	if (was_full && socket->type == TYPE_DATAGRAM) {
		wake_all(&socket->senders);
		wake_all(&room);
	}
	message->flags &= ~MESSAGE_TRUNC;
	if (len < packet->total)
		message->flags |= MESSAGE_TRUNC;
	note_sender(message, packet);
	if (unix_copy(packet, 0, message->uio, len) < len) {
		result = -EFAULT;
	} else if (packet->rights) {
		message->rights = packet->rights;
		packet->rights = NULL;
		unix_rights_land(message->rights);
	}
	unix_packet_free(packet);
	return result;
}

/* Copies a message that stays: without sleeping, as the lock is held. 1: the memory was not there, look again. */
static ssize_t peek_at_message(struct unix_socket *socket, struct unix_message *message, struct unix_packet *packet, size_t skip)
{
	size_t there = packet->total - skip, len = MIN(message->uio->left, there);
	struct uio before = *message->uio;
	bool copied = unix_copy_now(packet, skip, message->uio, len) == len;

	if (copied) {
		packet->looked_at = true;
		note_sender(message, packet);
		if (packet->rights)
			message->rights = unix_rights_copy(packet->rights);
		unix_move_peek_offset(socket, message, len);
	}
	unix_unlock_received(socket, message);
	if (!copied) {
		*message->uio = before;
		return uio_page_in(message->uio, len, true) ?: LOOK_AGAIN;
	}
	len = message->flags & MESSAGE_TRUNC ? there : len;
	message->flags &= ~MESSAGE_TRUNC;
	if (before.left < there)
		message->flags |= MESSAGE_TRUNC;
	return len;
}

COLD ssize_t unix_datagram_receive(struct unix_socket *socket, struct unix_message *message)
{
	struct unix_packet *packet;
	ssize_t result;
	size_t skip;
	int error;

	if (socket->type == TYPE_SEQPACKET && atomic_load(&socket->state) != UNIX_CONNECTED)
		return -ENOTCONN;
	if (message->flags & MESSAGE_OOB)
		return -EOPNOTSUPP;
	do {
		packet = await_message(socket, message, &skip, &error);
		if (!packet) {
			message->flags &= ~MESSAGE_TRUNC;
			message->at_end = true;
			return error;
		}
		if (message->flags & MESSAGE_PEEK)
			result = peek_at_message(socket, message, packet, skip);
		else
			result = take_message(socket, message, packet);
	} while (result == LOOK_AGAIN);
	return result;
}
