/* SPDX-License-Identifier: MIT */
/*
 * AF_UNIX sockets, inside net/. README.md tells how they work.
 *
 * A socket lives while it is referenced: by its file, by the sockets whose peer it is, by datagrams it has sent, by the listener that it waits at.
 * Bytes are copied with no lock held, or with preemption off: nobody waits for a lock because another's memory is not there.
 */
#pragma once

#include "lib/atomic.h"
#include "lib/list.h"
#include "mm/uio.h"
#include "net/socket_kinds.h"
#include "process/credentials.h"
#include "sync/mutex.h"
#include "vfs/file.h"
#include <linux/netlink.h>
#include <linux/un.h>

struct user_account;

enum { MESSAGE_OOB = 0x1, MESSAGE_PEEK = 0x2, MESSAGE_CTRUNC = 0x8, MESSAGE_TRUNC = 0x20, MESSAGE_DONTWAIT = 0x40, MESSAGE_EOR = 0x80,
       MESSAGE_WAITALL = 0x100, MESSAGE_NOSIGNAL = 0x4000, MESSAGE_WAITFORONE = 0x10000, MESSAGE_CLOEXEC = 0x40000000, MESSAGE_COMPAT = 1 << 31 };
enum unix_state { UNIX_IDLE, UNIX_CONNECTING, UNIX_CONNECTED, UNIX_LISTENING, UNIX_NETLINK = 0x10 /* and the type that was asked for */ };
/* What a socket was told to do no more, or its peer. */
enum { UNIX_SHUT_READ = 1, UNIX_SHUT_WRITE = 2, UNIX_SHUT_BOTH = 3 };
/* Why the short ways of read and write are not to be gone. */
enum { UNIX_ODD_CREDENTIALS = 1, UNIX_ODD_RECEIVE = 2, UNIX_ODD_SEND = 4 };

enum {
	UNIX_NAME_OFFSET = offsetof(struct sockaddr_un, sun_path),
	UNIX_PACKET_SMALL = 128,			/* bytes of the smallest packet */
	UNIX_PACKET_BYTES = 4032,			/* of the largest: with its head, a page */
	UNIX_SPACE_BASE = 4096,				/* what each socket may always have sent */
	UNIX_SPACE_STEP = 32768,
	UNIX_BUFFER_DEFAULT = 212992, UNIX_SEND_MIN = 4608, UNIX_RECEIVE_MIN = 2304,
	UNIX_DATAGRAMS_MAX = 10,			/* one more may wait at a socket that is not connected to the sender */
	UNIX_BACKLOG_MAX = 4096,
	UNIX_RIGHTS_MAX = 253,				/* descriptors in a message */
};

struct unix_credentials { int pid; uint32_t uid, gid; };

/* Descriptors under way. */
struct unix_rights {
	struct unix_rights *next;
	struct user_account *account;	/* counts them while they are under way; referenced; NULL: not counted */
	struct unix_socket *to;		/* in whose queue they are, if there are sockets among them; flight_lock */
	unsigned count;
	unsigned sockets;		/* how many of them are sockets of this family */
	struct file *files[];		/* referenced */
};

/* A message, or a part of one, or bytes of a stream. Guarded by the lock of the socket in whose queue it is. */
struct unix_packet {
	struct unix_packet *next;
	struct unix_packet *rest;	/* of the same message */
	struct unix_socket *from;	/* charged for it; referenced by datagrams only, else it is the receiver's peer */
	uint32_t at, len;		/* bytes of data that were read, and all */
	uint32_t total, charge;		/* of the whole message */
	struct unix_rights *rights;
	struct unix_credentials credentials;	/* valid only with the following */
	bool has_credentials;
	bool looked_at;			/* MSG_PEEK has shown it; valid only of an empty message */
	uint16_t unused;
	char data[];
};
_Static_assert(sizeof(struct unix_packet) + UNIX_PACKET_BYTES == PAGE_SIZE, "a large packet is a page");

/* A name that is bound. Never changes. */
struct unix_name {
	struct refcount refs;
	struct unix_socket *socket;	/* who bound it; names_lock: NULL once that is closed */
	struct unix_name *next;		/* of its bucket; names_lock */
	unsigned bucket;
	struct path path;		/* in a file system; else {NULL, NULL} */
	unsigned size;			/* of the address */
	struct sockaddr_un address;
	char nul;			/* behind the longest path */
};

struct unix_socket {
	struct unix_socket *peer;	/* of a datagram socket: lock; else set once. Referenced */
	uint64_t space;			/* atomic: bytes sent and not yet received, below what is reserved for them << 32; UNIX_STARVED */
	struct mutex lock;		/* the queue, and who changes what only says so */
	struct unix_packet *first, **end;	/* lock; first is read without */
	struct wait_queue readers;	/* wait for packets, connections, ends */
	/* These lie below 128, where instructions that use them are short. */
	uint8_t type;
	uint8_t state;			/* atomic */
	uint8_t shut;			/* lock to change */
	bool closed;			/* lock to change: nothing arrives any more */
	uint32_t odd;			/* atomic */
	int error;			/* atomic: for the next call that asks */
	unsigned queued;		/* lock; messages, or connections of a listener */
	struct refcount refs;
	unsigned backlog;		/* lock */
	struct unix_name *name;		/* atomic, set once; referenced */
	uint64_t options;		/* atomic: a bit for each that is on or off, by its number */
	struct wait_queue writers;	/* wait for room, ends */
	struct wait_queue senders;	/* others, who wait for room in this socket's queue */
	struct unix_socket *first_waiting;	/* lock: connections that nobody has accepted */
	union {
		struct {
			struct unix_socket **last_waiting;	/* lock */
			struct unix_socket *next_waiting;	/* the listener's lock */
		};
		struct sockaddr_nl netlink;	/* the address of a netlink socket, until it is closed */
	};
	struct file *file;		/* set once; NULL until accepted */
	uint32_t uid, gid;		/* of who made the file; set before it */
	struct user_account *account;	/* who made it and pays; referenced */
	struct list all;		/* names_lock */
	uint64_t number;
	/* The collection of what nobody can receive (unix_flight.c); flight_lock. */
	unsigned in_flight;		/* how often its file is under way */
	unsigned held;			/* sockets in the messages of its queue */
	bool reached;
	bool is_chained;		/* read without by who puts a reference */
	unsigned inner;
	struct unix_socket *holder;	/* in whose queue it is, if that is one, and has been since it is under way */
	struct list chained;
	/* Who the other side is, as it was when connection or listening began. lock */
	const struct credentials *peer_credentials;
	int peer_pid;
	/* Options; atomic. */
	uint32_t send_limit, receive_limit, low_water;
	int linger, peek_at;		/* peek_at -1: off */
	uint64_t send_timeout, receive_timeout;	/* ns; WAIT_FOREVER */
};

#define UNIX_STARVED (1ull << 63)	/* a sender waits for any room at all */
#define UNIX_SPACE_IDLE ((uint64_t)UNIX_SPACE_BASE << 32)

/* One call of send or receive. */
struct unix_message {
	struct uio *uio;
	int flags;			/* MESSAGE_*; in and out */
	const struct sockaddr_un *to;	/* send: the address, or NULL */
	unsigned to_size;
	struct unix_rights *rights;	/* send: taken over on success; receive: the caller's afterwards */
	struct unix_credentials credentials;
	bool has_credentials;		/* send: they were given; receive: there are some */
	bool wants_name;		/* receive */
	bool at_end;			/* receive: there was no message any more, nor what goes with one */
	struct unix_name *from;		/* receive: referenced, or NULL */
};

/* unix_socket.c */
extern const struct file_ops unix_file_ops;
struct unix_socket *unix_create(int type);	/* also UNIX_NETLINK with one of its types. NULL: -ENOBUFS */
int unix_open(struct unix_socket *socket, uint32_t flags, struct file **file);	/* takes the reference over, also when it fails */
void unix_put(struct unix_socket *socket);
static inline struct unix_socket *unix_get(struct unix_socket *socket)
{
	refcount_get(&socket->refs);
	return socket;
}
void unix_close(struct unix_socket *socket, bool embryo);	/* nothing comes any more; the caller's reference stays */
int unix_shutdown(struct unix_socket *socket, int how);
int unix_take_error(struct unix_socket *socket);	/* negative or 0 */
void unix_set_peer_credentials(struct unix_socket *socket, const struct credentials *credentials, int pid);	/* takes a reference */
void unix_set_own_credentials(struct unix_socket *socket);	/* the same: the caller is the other side */
struct unix_credentials unix_own_credentials(void);

static inline bool unix_is(const struct file *file)
{
	return file->ops == &unix_file_ops;
}

/* unix_space.c: memory for what is sent. */
void unix_space_init(void);
extern struct slab_cache *unix_small_packets;
enum { UNIX_SMALL_CHARGE = sizeof(struct unix_packet) + UNIX_PACKET_SMALL };
bool unix_space_begin(struct unix_socket *socket);	/* false: the user may have no more */
void unix_space_end(struct unix_socket *socket);
/* Waits until @bytes more may be sent, unless @deadline is 0. 0, -EAGAIN, -ENOBUFS, -EPIPE, -ERESTARTSYS, -EINTR, or the socket's error. */
int unix_reserve(struct unix_socket *socket, uint32_t bytes, uint64_t deadline);
void unix_given_back(struct unix_socket *socket, uint64_t now, uint32_t bytes);
/* A packet chain with room for @len bytes, charged to @socket; NULL with *@error. Errors as above, and -ENOBUFS. */
struct unix_packet *unix_packet_create(struct unix_socket *socket, size_t len, uint64_t deadline, int *error);
void unix_packet_free(struct unix_packet *packet);	/* with what it carries */
void unix_packets_free(struct unix_packet *packet);	/* and all that follow */
uint64_t unix_deadline(uint64_t timeout, bool now);	/* 0: do not wait */

static inline bool unix_reserve_now(struct unix_socket *socket, uint32_t bytes)
{
	uint64_t space = atomic_load_relaxed(&socket->space);

	return (uint32_t)space + bytes <= (uint32_t)(space >> 32) && space < UNIX_STARVED && atomic_compare_exchange(&socket->space, &space, space + bytes);
}

static inline void unix_give_back(struct unix_socket *socket, uint32_t bytes)
{
	uint64_t now = atomic_sub(&socket->space, bytes);

	if (unlikely(now != UNIX_SPACE_IDLE || bytes != UNIX_SMALL_CHARGE))
		unix_given_back(socket, now, bytes);
}

/* May it send without waiting, as poll tells? */
static inline bool unix_is_writable(const struct unix_socket *socket)
{
	return (uint64_t)(uint32_t)atomic_load(&socket->space) << 2 <= atomic_load_relaxed(&socket->send_limit);
}

/* unix_queue.c: waiting, and moving bytes between packets and programs. */
/* Lets socket->lock go and waits to be woken. 0, -EAGAIN once @deadline is over, -ERESTARTSYS, -EINTR. */
int unix_wait(struct unix_socket *socket, struct wait_queue *queue, uint64_t deadline);
/* Copies without sleeping @len bytes of a message, from @skip on; how many. */
size_t unix_copy_now(const struct unix_packet *packet, size_t skip, struct uio *uio, size_t len);
size_t unix_copy(const struct unix_packet *packet, size_t skip, struct uio *uio, size_t len);	/* the same, may sleep */
/* Fills it from @uio: 0 or -EFAULT. May sleep. */
int unix_fill(struct unix_packet *packet, struct uio *uio);
void unix_add_credentials(struct unix_packet *packet, const struct unix_socket *socket, const struct unix_socket *to, const struct unix_message *message);
void unix_append(struct unix_socket *socket, struct unix_packet *packet);	/* socket->lock held */
struct unix_packet *unix_remove_first(struct unix_socket *socket);		/* socket->lock held */
struct unix_packet *unix_remove_all(struct unix_socket *socket);		/* socket->lock held */
ssize_t unix_read_user(struct file *file, uaddr_t to, size_t len);
ssize_t unix_write_user(struct file *file, uaddr_t from, size_t len);

/* unix_stream.c, unix_datagram.c */
ssize_t unix_stream_send(struct unix_socket *socket, struct unix_message *message);
ssize_t unix_stream_receive(struct unix_socket *socket, struct unix_message *message);
ssize_t unix_datagram_send(struct unix_socket *socket, struct unix_message *message);
ssize_t unix_datagram_receive(struct unix_socket *socket, struct unix_message *message);
int unix_datagram_connect(struct unix_socket *socket, const struct sockaddr_un *address, unsigned size);
void unix_datagram_let_go(struct unix_socket *socket);	/* its peer, when it is closed */
unsigned unix_datagram_room(struct unix_socket *socket, struct poll_table *table);
struct unix_socket *unix_datagram_peer(struct unix_socket *socket);	/* referenced, or NULL */
ssize_t unix_send(struct unix_socket *socket, struct unix_message *message);

/* unix_receive.c */
ssize_t unix_receive(struct unix_socket *socket, struct unix_message *message);
void unix_lock_to_receive(struct unix_socket *socket, const struct unix_message *message);
void unix_unlock_received(struct unix_socket *socket, const struct unix_message *message);
int unix_wait_to_receive(struct unix_socket *socket, const struct unix_message *message, uint64_t deadline);	/* unix_wait(), of who receives */
uint64_t unix_receive_deadline(const struct unix_socket *socket, const struct unix_message *message);
size_t unix_peek_offset(const struct unix_socket *socket, const struct unix_message *message);	/* 0 without MSG_PEEK */
void unix_move_peek_offset(struct unix_socket *socket, const struct unix_message *message, size_t len);	/* by what was looked at, or received */
void unix_note_name(struct unix_message *message, const struct unix_packet *packet);	/* the sender's, if it is wanted */

/* unix_name.c. Behind addresses lie zeroes, one at least. */
int unix_check_address(const struct sockaddr_un *address, unsigned size);
/* @address NULL: a name that no other has. */
int unix_bind(struct unix_socket *socket, const struct sockaddr_un *address, unsigned size);
int unix_bind_itself(struct unix_socket *socket);	/* for who tells its credentials: a name, if it may have one */
/* Who is bound to that, referenced; NULL with *@error. */
struct unix_socket *unix_find(const struct sockaddr_un *address, unsigned size, int type, int *error);
void unix_name_drop(struct unix_socket *socket);	/* nobody finds it any more */
void unix_name_put(struct unix_name *name);
void unix_list_add(struct unix_socket *socket);
void unix_list_remove(struct unix_socket *socket);

/* unix_connect.c */
int unix_listen(struct unix_socket *socket, int backlog);
int unix_connect(struct unix_socket *socket, const struct sockaddr_un *address, unsigned size, bool now);
struct unix_socket *unix_accept(struct unix_socket *socket, bool now, int *error);	/* the reference is the caller's */

/* unix_netlink.c */
static inline bool unix_is_netlink(const struct unix_socket *socket)
{
	return socket->state & UNIX_NETLINK;
}
extern const struct sockaddr_nl netlink_kernel;		/* its address */
int netlink_bind(struct unix_socket *socket, const struct sockaddr_nl *address, unsigned size);
int netlink_connect(struct unix_socket *socket, const struct sockaddr_nl *to, unsigned size);
int netlink_check_receiver(const struct sockaddr_nl *to, unsigned size);	/* 0: the kernel; else nobody */
ssize_t netlink_send(struct unix_socket *socket, struct unix_message *request);

/* unix_flight.c */
struct unix_rights *unix_rights_create(unsigned count);
int unix_rights_charge(struct unix_rights *rights);	/* 0 or -ETOOMANYREFS */
void unix_rights_discard(struct unix_rights *rights);
struct unix_rights *unix_rights_copy(const struct unix_rights *rights);	/* for MSG_PEEK; NULL: no memory */
/*
 * Around putting a message into a queue: takes the lock of the socket and, where sockets come under way, flight_lock. Then unix_rights_depart(), which
 * @rights may be NULL for. What is in the queue may be gone once the lock is, so @sockets says what the second took.
 */
bool unix_lock_for(struct unix_socket *socket, const struct unix_rights *rights);
void unix_unlock_for(struct unix_socket *socket, bool sockets);
void unix_rights_depart(struct unix_socket *to, struct unix_rights *rights);
void unix_rights_land(struct unix_rights *rights);	/* they were received: nobody counts them any more */
void unix_flight_listens(struct unix_socket *socket);	/* it is a listener from now on */
uint64_t unix_before_put(const struct file *file);	/* struct file_ops.before_put */
extern struct mutex unix_flight_lock;

/* unix_control.c */
int unix_read_control(const char *control, size_t size, struct unix_message *message);
/* Puts what @message brings at @control, of which @size bytes are free, installs descriptors, and says how many bytes are used. */
size_t unix_put_control(uaddr_t control, size_t size, bool tells_credentials, struct unix_message *message);

/* unix_option.c */
void unix_inherit(struct unix_socket *socket, const struct unix_socket *listener);
long unix_set_option(struct unix_socket *socket, int option, uaddr_t value, unsigned size);
long unix_get_option(struct unix_socket *socket, int option, uaddr_t value, uaddr_t size);
static inline bool unix_option(const struct unix_socket *socket, int option)
{
	return atomic_load_relaxed(&socket->options) >> option & 1;
}

/* unix_poll.c */
unsigned unix_poll(struct file *file, struct poll_table *table);
long unix_ioctl(struct file *file, unsigned request, uint64_t argument);
