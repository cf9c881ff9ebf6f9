/* SPDX-License-Identifier: MIT */
/* Streams: bytes, in packets that only who looks at what they carry can tell from one another. */
#include "lib/errno.h"
#include "net/unix.h"
#include "process/process.h"
#include <asm/signal.h>
#include <asm/socket.h>

/* Who receives a stream. */
struct reading {
	struct unix_socket *socket;
	struct unix_message *message;
	struct unix_packet *read;	/* packets to be freed, once no lock is held */
	uint64_t deadline;
	size_t target;			/* bytes to wait for */
	size_t done, skip;		/* bytes; with MSG_PEEK, those in the queue that come before what is copied next */
	bool has_credentials;
};

/* Descriptors go with the first packet. */
static int send_packet(struct unix_socket *socket, struct unix_socket *peer, struct unix_message *message, uint64_t deadline)
{
	size_t len = MIN(message->uio->left, (size_t)UNIX_PACKET_BYTES);
	struct unix_packet *packet;
	bool sockets, gone;
	int error;

	packet = unix_packet_create(socket, len, deadline, &error);
	if (!packet)
		return error;
	if (unix_fill(packet, message->uio)) {
		unix_packet_free(packet);
		return -EFAULT;
	}
	sockets = unix_lock_for(peer, message->rights);
	gone = peer->shut & UNIX_SHUT_READ;
	if (!gone) {
		packet->rights = message->rights;
		message->rights = NULL;
		unix_rights_depart(peer, packet->rights);
		unix_add_credentials(packet, socket, peer, message);
		unix_append(peer, packet);
	}
	unix_unlock_for(peer, sockets);
	if (gone) {
		unix_packet_free(packet);
		return -EPIPE;
	}
	wake_one(&peer->readers);
	return 0;
}

static ssize_t broken(const struct unix_message *message)
{
	if (!(message->flags & MESSAGE_NOSIGNAL) && current_process())
		signal_send_self(SIGPIPE);
	return -EPIPE;
}

COLD ssize_t unix_stream_send(struct unix_socket *socket, struct unix_message *message)
{
	uint64_t deadline = unix_deadline(atomic_load_relaxed(&socket->send_timeout), message->flags & MESSAGE_DONTWAIT);
	struct unix_socket *peer = atomic_load(&socket->peer);
	size_t sent = 0, left;
	int error = 0;

	if (message->flags & MESSAGE_OOB)
		return -EOPNOTSUPP;
	if (message->to)
		return peer ? -EISCONN : -EOPNOTSUPP;
	if (!peer)
		return -ENOTCONN;
	if (atomic_load(&socket->shut) & UNIX_SHUT_WRITE)
		return broken(message);
	while ((left = message->uio->left) && !error) {
		error = send_packet(socket, peer, message, deadline);
		sent += error ? 0 : left - message->uio->left;
	}
	if (sent || error != -EPIPE)
		return sent ? (ssize_t)sent : error;
	return broken(message);
}

/* ---- Receiving ---- */

static void lock(const struct reading *reading)
{
	unix_lock_to_receive(reading->socket, reading->message);
}

static void unlock(const struct reading *reading)
{
	unix_unlock_received(reading->socket, reading->message);
}

static void free_read(struct reading *reading)
{
	unix_packets_free(reading->read);
	reading->read = NULL;
}

/* The packet with the byte that is read next; *@skip becomes the bytes in it that come before. */
static struct unix_packet *find_packet(const struct reading *reading, size_t *skip)
{
	struct unix_packet *packet = reading->socket->first;

	for (*skip = reading->skip; packet && *skip >= packet->len - packet->at; packet = packet->next)
		*skip -= packet->len - packet->at;
	return packet;
}

/* Nothing is there to read. 0 to look again; 1 at the end; the lock is held again in any case. */
static int wait_for_bytes(struct reading *reading)
{
	struct unix_socket *socket = reading->socket;
	size_t unused;
	int error;

	if (reading->done >= reading->target)
		return 1;
	error = unix_take_error(socket);
	if (error)
		return error;
	if (socket->shut & UNIX_SHUT_READ)
		return 1;
	if (!reading->deadline)
		return -EAGAIN;
	if (reading->read) {
		/* Who sends may wait for the room. */
		unlock(reading);
		free_read(reading);
		lock(reading);
		return 0;
	}
	error = unix_wait_to_receive(socket, reading->message, reading->deadline);
	lock(reading);
	/* What came with the signal, or at the last moment, is looked at first. */
	return find_packet(reading, &unused) || socket->shut & UNIX_SHUT_READ ? 0 : error;
}

static bool same_sender(const struct unix_packet *packet, const struct unix_message *message)
{
	const struct unix_credentials *one = &packet->credentials, *other = &message->credentials;

	/* Without credentials they are not even zeroes. */
	return packet->has_credentials == message->has_credentials &&
	       (!packet->has_credentials || (one->pid == other->pid && one->uid == other->uid && one->gid == other->gid));
}

/* The memory for bytes of @packet is not there. 0: it is now; the lock was let go meanwhile. */
static int bring_memory(struct reading *reading, size_t len)
{
	int error;

	unlock(reading);
	error = uio_page_in(reading->message->uio, len, true);
	lock(reading);
	return error;
}

/* What a packet carries goes to the reader with its first byte. Whether there was any. */
static bool take_rights(struct reading *reading, struct unix_packet *packet)
{
	struct unix_message *message = reading->message;

	if (!packet->rights)
		return false;
	if (message->flags & MESSAGE_PEEK) {
		message->rights = unix_rights_copy(packet->rights);
	} else {
		message->rights = packet->rights;
		packet->rights = NULL;
	}
	return true;
}

static void took(struct reading *reading, struct unix_packet *packet, size_t len)
{
	reading->done += len;
	unix_move_peek_offset(reading->socket, reading->message, len);
	if (reading->message->flags & MESSAGE_PEEK) {
		reading->skip += len;
		return;
	}
	packet->at += len;
	if (packet->at < packet->len)
		return;
	unix_remove_first(reading->socket);
	packet->next = reading->read;
	reading->read = packet;
}

/* Reads of one packet. 0: go on; 1: done; or an error. The lock is held. */
static int read_packet(struct reading *reading)
{
	struct unix_message *message = reading->message;
	struct uio before = *message->uio;
	size_t skip, len, moved;
	struct unix_packet *packet = find_packet(reading, &skip);
	bool rights;

	if (!packet)
		return reading->done && message->flags & MESSAGE_PEEK ? 1 : wait_for_bytes(reading);
	if (reading->has_credentials && !same_sender(packet, message))
		return 1;
	len = MIN(packet->len - packet->at - skip, message->uio->left);
	moved = unix_copy_now(packet, packet->at + skip, message->uio, len);
	if (moved < len) {
		*message->uio = before;
		return bring_memory(reading, len);
	}
	if (!reading->has_credentials && unix_option(reading->socket, SO_PASSCRED)) {
		reading->has_credentials = true;
		message->credentials = packet->credentials;
		message->has_credentials = packet->has_credentials;
	}
	unix_note_name(message, packet);
	rights = take_rights(reading, packet);
	took(reading, packet, len);
	return rights || !message->uio->left;
}

COLD ssize_t unix_stream_receive(struct unix_socket *socket, struct unix_message *message)
{
	struct reading reading = { .socket = socket, .message = message };
	size_t wanted = message->uio->left;
	int result = 0;

	if (atomic_load(&socket->state) != UNIX_CONNECTED || message->flags & MESSAGE_OOB)
		return -EINVAL;
	reading.deadline = unix_receive_deadline(socket, message);
	reading.target = message->flags & MESSAGE_WAITALL ? wanted : MIN(wanted, (size_t)atomic_load_relaxed(&socket->low_water));
	reading.target = MAX(reading.target, (size_t)1);
	reading.skip = unix_peek_offset(socket, message);
	lock(&reading);
	while (!result)
		result = read_packet(&reading);
	unlock(&reading);
	free_read(&reading);
	if (message->rights)
		unix_rights_land(message->rights);
	return reading.done || result == 1 ? (ssize_t)reading.done : result;
}
