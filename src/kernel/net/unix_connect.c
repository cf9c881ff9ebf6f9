/* SPDX-License-Identifier: MIT */
/*
 * Listening, connecting and accepting. A connection is made by who connects: a second socket, which waits at the listener until it is accepted. What cannot
 * be undone happens under the listener's lock, and cannot fail.
 */
#include "lib/errno.h"
#include "net/unix.h"

/* Takes the socket from one state to another. */
static bool change_state(struct unix_socket *socket, uint8_t from, uint8_t to)
{
	return atomic_compare_exchange(&socket->state, &from, to);
}

int unix_listen(struct unix_socket *socket, int backlog)
{
	if (socket->type == TYPE_DATAGRAM)
		return -EOPNOTSUPP;
	if (!atomic_load(&socket->name))
		return -EINVAL;
	if (!change_state(socket, UNIX_IDLE, UNIX_LISTENING) && atomic_load(&socket->state) != UNIX_LISTENING)
		return -EINVAL;
	unix_flight_listens(socket);
	unix_set_own_credentials(socket);
	mutex_lock(&socket->lock);
	socket->backlog = MIN((unsigned)backlog, (unsigned)UNIX_BACKLOG_MAX);
	mutex_unlock(&socket->lock);
	wake_all(&socket->senders);
	return 0;
}

/* Can a connection be added to @listener? 0, -EAGAIN, -ECONNREFUSED. Its lock is held. */
static int has_room(const struct unix_socket *listener)
{
	if (listener->state != UNIX_LISTENING || !listener->peer_credentials || listener->shut & UNIX_SHUT_READ)
		return -ECONNREFUSED;
	return listener->queued > listener->backlog ? -EAGAIN : 0;
}

/* Joins the two sockets. The listener's lock is held. */
static int join(struct unix_socket *socket, struct unix_socket *other, struct unix_socket *listener)
{
	if (!change_state(socket, UNIX_IDLE, UNIX_CONNECTING))
		return atomic_load(&socket->state) == UNIX_LISTENING ? -EINVAL : -EISCONN;
	other->peer = unix_get(socket);
	other->state = UNIX_CONNECTED;
	other->odd = UNIX_ODD_CREDENTIALS;	/* who accepts it may ask for them */
	if (listener->name) {
		refcount_get(&listener->name->refs);
		other->name = listener->name;
	}
	atomic_store(&socket->peer, unix_get(other));
	atomic_store(&socket->state, UNIX_CONNECTED);
	*listener->last_waiting = unix_get(other);
	listener->last_waiting = &other->next_waiting;
	listener->queued++;
	return 0;
}

/* A try at the listener that is found now. -EAGAIN: waited, or may not wait (*@deadline is 0 then). */
static int try_to_connect(struct unix_socket *socket, struct unix_socket *other, const struct sockaddr_un *address, unsigned size, uint64_t deadline)
{
	const struct credentials *credentials = NULL;
	struct unix_socket *listener;
	int error, pid = 0;

	listener = unix_find(address, size, socket->type, &error);
	if (!listener)
		return error;
	mutex_lock(&listener->lock);
	error = has_room(listener);
	if (error == -EAGAIN && deadline) {
		error = unix_wait(listener, &listener->senders, deadline);
		unix_put(listener);
		return error ? error : 1;
	}
	if (!error)
		error = join(socket, other, listener);
	if (!error) {
		credentials = credentials_get(listener->peer_credentials);
		pid = listener->peer_pid;
	}
	mutex_unlock(&listener->lock);
	if (!error) {
		wake_one(&listener->readers);
		wake_all(&socket->writers);
		unix_set_peer_credentials(socket, credentials, pid);
		credentials_put(credentials);
	}
	unix_put(listener);
	return error;
}

static int connect_stream(struct unix_socket *socket, const struct sockaddr_un *address, unsigned size, bool now)
{
	uint64_t deadline = unix_deadline(atomic_load_relaxed(&socket->send_timeout), now);
	struct unix_socket *other;
	int error = unix_check_address(address, size);

	if (!error)
		error = unix_bind_itself(socket);
	if (error)
		return error;
	other = unix_create(socket->type);
	if (!other)
		return -ENOMEM;
	unix_set_own_credentials(other);
	while ((error = try_to_connect(socket, other, address, size, deadline)) == 1)
		;
	unix_put(other);
	return error;
}

int unix_connect(struct unix_socket *socket, const struct sockaddr_un *address, unsigned size, bool now)
{
	return socket->type == TYPE_DATAGRAM ? unix_datagram_connect(socket, address, size) : connect_stream(socket, address, size, now);
}

/* The connection that has waited longest; the listener's lock is held. */
static struct unix_socket *take_waiting(struct unix_socket *listener)
{
	struct unix_socket *socket = listener->first_waiting;

	atomic_store(&listener->first_waiting, socket->next_waiting);
	if (!socket->next_waiting)
		listener->last_waiting = &listener->first_waiting;
	listener->queued--;
	return socket;
}

static int wait_for_connection(struct unix_socket *listener, uint64_t deadline)
{
	if (deadline && !(listener->shut & UNIX_SHUT_READ))
		return unix_wait(listener, &listener->readers, deadline);
	mutex_unlock(&listener->lock);
	return deadline ? -EINVAL : -EAGAIN;
}

struct unix_socket *unix_accept(struct unix_socket *listener, bool now, int *error)
{
	uint64_t deadline = unix_deadline(atomic_load_relaxed(&listener->receive_timeout), now);
	struct unix_socket *socket;

	*error = listener->type == TYPE_DATAGRAM ? -EOPNOTSUPP : atomic_load(&listener->state) != UNIX_LISTENING ? -EINVAL : 0;
	while (!*error) {
		*error = unix_take_error(listener);
		if (*error)
			break;
		mutex_lock(&listener->lock);
		if (listener->first_waiting) {
			socket = take_waiting(listener);
			mutex_unlock(&listener->lock);
			wake_all(&listener->senders);
			return socket;
		}
		*error = wait_for_connection(listener, deadline);
	}
	return NULL;
}
