/* SPDX-License-Identifier: MIT */
/* Options of AF_UNIX sockets. */
#include "lib/errno.h"
#include "lib/same_layout.h"
#include "mm/user_copy.h"
#include "net/socket.h"
#include "net/unix.h"
#include "process/process.h"
#include "sched/clock.h"
#include "security/capabilities.h"
#include <asm/socket.h>
#include <linux/time_types.h>

#define BIT(option) (1ull << (option))
/* Those that are on or off, as one can say of an AF_UNIX socket without consequences, and the one that has some. */
#define SWITCHES (BIT(SO_REUSEADDR) | BIT(SO_DONTROUTE) | BIT(SO_BROADCAST) | BIT(SO_KEEPALIVE) | BIT(SO_OOBINLINE) | BIT(SO_NO_CHECK) | \
		  BIT(SO_REUSEPORT) | BIT(SO_PASSCRED) | BIT(SO_TIMESTAMP_OLD) | BIT(SO_TIMESTAMPNS_OLD) | BIT(SO_TIMESTAMP_NEW) | BIT(SO_PASSSEC) | \
		  BIT(SO_RXQ_OVFL) | BIT(SO_WIFI_STATUS) | BIT(SO_NOFCS) | BIT(SO_SELECT_ERR_QUEUE))
enum { LIMIT_MAX = 1 << 28 };	/* twice that, and as much in a message, is less than UNIX_STARVED leaves for them */

/* struct linger, and struct timeval. */
struct linger { int on, seconds; };
struct time { int64_t seconds, microseconds; };
FIELD_AT(struct linger, on, 0, 4);
FIELD_AT(struct linger, seconds, 4, 4);
SAME_SIZE(struct time, struct __kernel_sock_timeval);
SAME_FIELD(struct time, seconds, struct __kernel_sock_timeval, tv_sec);
SAME_FIELD(struct time, microseconds, struct __kernel_sock_timeval, tv_usec);

static void set_odd(struct unix_socket *socket, uint32_t bit, bool on)
{
	if (on)
		(void)atomic_or(&socket->odd, bit);
	else
		(void)atomic_and(&socket->odd, ~bit);
}

/* What receiving has to look at. */
static void update_receive(struct unix_socket *socket)
{
	set_odd(socket, UNIX_ODD_RECEIVE, socket->receive_timeout != WAIT_FOREVER || socket->low_water > 1 || socket->peek_at >= 0);
}

/* On a 64-bit machine the new time-outs are the old ones. */
static int plain(int option)
{
	return option == SO_RCVTIMEO_NEW || option == SO_SNDTIMEO_NEW ? option - SO_RCVTIMEO_NEW + SO_RCVTIMEO_OLD : option;
}

static bool is_switch(int option)
{
	return (unsigned)option < 64 && SWITCHES & BIT(option);
}

static long set_switch(struct unix_socket *socket, int option, bool on)
{
	if (on)
		(void)atomic_or(&socket->options, BIT(option));
	else
		(void)atomic_and(&socket->options, ~BIT(option));
	if (option == SO_PASSCRED)
		set_odd(socket, UNIX_ODD_CREDENTIALS, on);
	return 0;
}

/* As Linux doubles what is asked for, for what it needs beside. */
static long set_limit(struct unix_socket *socket, uint32_t *limit, int value, int least, bool force)
{
	if (force && !capabilities_may_administer())
		return -EPERM;
	value = force ? MIN(MAX(value, 0), LIMIT_MAX) : (int)MIN((uint32_t)value, (uint32_t)UNIX_BUFFER_DEFAULT);
	atomic_store(limit, MAX(value * 2, least));
	/* The short way to send looks only at what is reserved. */
	if ((uint32_t)(atomic_load(&socket->space) >> 32) > socket->send_limit)
		set_odd(socket, UNIX_ODD_SEND, true);
	wake_all(&socket->writers);
	return 0;
}

static long set_timeout(struct unix_socket *socket, uint64_t *timeout, uaddr_t from, unsigned size)
{
	struct time time;

	if (size < sizeof(time))
		return -EINVAL;
	if (copy_from_user(&time, from, sizeof(time)))
		return -EFAULT;
	if (time.microseconds < 0 || time.microseconds >= 1000000)
		return -EDOM;
	if (time.seconds < 0)
		atomic_store(timeout, 0);
	else if ((!time.seconds && !time.microseconds) || (uint64_t)time.seconds >= INT64_MAX / NS_PER_SEC)
		atomic_store(timeout, WAIT_FOREVER);
	else
		atomic_store(timeout, time.seconds * NS_PER_SEC + time.microseconds * NS_PER_US);
	update_receive(socket);
	return 0;
}

static long set_linger(struct unix_socket *socket, uaddr_t from, unsigned size)
{
	struct linger linger;

	if (size < sizeof(linger))
		return -EINVAL;
	if (copy_from_user(&linger, from, sizeof(linger)))
		return -EFAULT;
	socket->linger = linger.on ? linger.seconds & INT32_MAX : -1;
	return 0;
}

long unix_set_option(struct unix_socket *socket, int option, uaddr_t from, unsigned size)
{
	uint32_t value;

	if (size < sizeof(value))
		return -EINVAL;
	if (get_user_u32(&value, from))
		return -EFAULT;
	option = plain(option);
	if (option == SO_REUSEPORT && value)
		return -EOPNOTSUPP;	/* only of internet sockets */
	if (is_switch(option))
		return set_switch(socket, option, value);
	switch (option) {
	case SO_SNDBUF:
	case SO_SNDBUFFORCE:
		return set_limit(socket, &socket->send_limit, value, UNIX_SEND_MIN, option == SO_SNDBUFFORCE);
	case SO_RCVBUF:
	case SO_RCVBUFFORCE:
		return set_limit(socket, &socket->receive_limit, value, UNIX_RECEIVE_MIN, option == SO_RCVBUFFORCE);
	case SO_SNDTIMEO_OLD:
		return set_timeout(socket, &socket->send_timeout, from, size);
	case SO_RCVTIMEO_OLD:
		return set_timeout(socket, &socket->receive_timeout, from, size);
	case SO_LINGER:
		return set_linger(socket, from, size);
	case SO_RCVLOWAT:
		atomic_store(&socket->low_water, (int)value < 0 ? INT32_MAX : value ? value : 1);
		update_receive(socket);
		return 0;
	case SO_PEEK_OFF:
		atomic_store(&socket->peek_at, (int)value);
		update_receive(socket);
		return 0;
	}
	return -ENOPROTOOPT;
}

/* A connection that is accepted passes credentials as its listener does. */
void unix_inherit(struct unix_socket *socket, const struct unix_socket *listener)
{
	set_switch(socket, SO_PASSCRED, unix_option(listener, SO_PASSCRED));
}

/* ---- Reading them ---- */

static struct time time_of(uint64_t timeout)
{
	return timeout == WAIT_FOREVER ? (struct time){ 0, 0 } : (struct time){ timeout / NS_PER_SEC, timeout % NS_PER_SEC / NS_PER_US };
}

/* Who the other side is, with a reference; NULL: nobody. */
static __attribute__((noinline)) const struct credentials *peer_credentials(struct unix_socket *socket, int *pid)
{
	const struct credentials *credentials;

	mutex_lock(&socket->lock);
	credentials = socket->peer_credentials;
	if (credentials)
		credentials_get(credentials);
	*pid = socket->peer_pid;
	mutex_unlock(&socket->lock);
	return credentials;
}

static long get_peer_groups(struct unix_socket *socket, uaddr_t to, uaddr_t size)
{
	int pid;
	const struct credentials *credentials = peer_credentials(socket, &pid);
	uint32_t room, need;
	long error = 0;

	if (!credentials)
		return -ENODATA;
	need = credentials->group_count * sizeof(credentials->groups[0]);
	if (get_user_u32(&room, size) || put_user_u32(size, need))
		error = -EFAULT;
	else if (room < need)
		error = -ERANGE;
	else if (copy_to_user(to, credentials->groups, need))
		error = -EFAULT;
	credentials_put(credentials);
	return error;
}

static struct unix_credentials peer(struct unix_socket *socket)
{
	struct unix_credentials shown = { 0, UINT32_MAX, UINT32_MAX };
	const struct credentials *credentials = peer_credentials(socket, &shown.pid);

	if (credentials) {
		shown.uid = credentials->euid;
		shown.gid = credentials->egid;
		credentials_put(credentials);
	}
	return shown;
}

union value {
	uint32_t number;
	struct linger linger;
	struct time time;
	struct unix_credentials credentials;
};

/* The value of an option, and its size; 0: it has none. */
static size_t get_value(struct unix_socket *socket, int option, union value *value)
{
	switch (option) {
	case SO_DOMAIN: value->number = unix_is_netlink(socket) ? FAMILY_NETLINK : FAMILY_UNIX; break;
	case SO_TYPE: value->number = unix_is_netlink(socket) ? socket->state & TYPE_MASK : socket->type; break;
	case SO_PROTOCOL: value->number = 0; break;
	case SO_ERROR: value->number = -unix_take_error(socket); break;
	case SO_ACCEPTCONN: value->number = atomic_load(&socket->state) == UNIX_LISTENING; break;
	case SO_SNDBUF: value->number = atomic_load_relaxed(&socket->send_limit); break;
	case SO_RCVBUF: value->number = atomic_load_relaxed(&socket->receive_limit); break;
	case SO_RCVLOWAT: value->number = atomic_load_relaxed(&socket->low_water); break;
	case SO_SNDLOWAT: value->number = 1; break;
	case SO_PEEK_OFF: value->number = atomic_load_relaxed(&socket->peek_at); break;
	case SO_PEERCRED:
		value->credentials = peer(socket);
		return sizeof(value->credentials);
	case SO_LINGER:
		value->linger = (struct linger){ socket->linger >= 0, MAX(socket->linger, 0) };
		return sizeof(value->linger);
	case SO_SNDTIMEO_OLD:
	case SO_RCVTIMEO_OLD:
		value->time = time_of(atomic_load_relaxed(option == SO_SNDTIMEO_OLD ? &socket->send_timeout : &socket->receive_timeout));
		return sizeof(value->time);
	default:
		value->number = is_switch(option) && unix_option(socket, option);
		return is_switch(option) ? sizeof(value->number) : 0;
	}
	return sizeof(value->number);
}

long unix_get_option(struct unix_socket *socket, int option, uaddr_t to, uaddr_t size)
{
	union value value;
	size_t len;

	if (option == SO_PEERGROUPS)
		return get_peer_groups(socket, to, size);
	len = get_value(socket, plain(option), &value);
	return len ? socket_put_cut(to, size, &value, len) : -ENOPROTOOPT;
}
