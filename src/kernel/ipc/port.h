/* SPDX-License-Identifier: MIT */
/*
 * Ports, and what waits in them. Inside ipc/; other parts of the kernel use ipc.h.
 *
 * Locks: port->lock (irq) guards a port and every message queued in it or held by its receivers. Payloads are copied under it: from the sender's message
 * buffer, which stays where it is while the sender waits, to the receiver's. Files are never put under it, as that may sleep.
 */
#pragma once

#include "ipc/ipc.h"
#include "lib/atomic.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "sched/run_queue.h"
#include "sched/thread.h"
#include "sync/wait.h"

struct file;
struct process;
struct thread;
struct user_account;
struct vm_object;

enum {
	PORT_LEVELS = MSG_PRIORITY_MAX + 1,
	PORT_HELD_LISTS = 16,		/* held calls by token, a power of two */
	MSG_PIECES = 2,			/* pages of a message buffer */
	DEATHS_MAX = 2,			/* a request that so many receivers ended with is not given to another */
	EPOCH_SHIFT = 48,		/* in a token; below it a number that goes up */
};

/* Up to MSG_PAYLOAD_MAX bytes, in pages that need not lie side by side. */
struct payload {
	char *pieces[MSG_PIECES];
};

/* Who sent a message, as the receiver may ask. */
struct sender {
	int32_t pid;
	uint32_t uid, gid;
	uint64_t capabilities;
};

/* HELD_SHORT: held, and its caller sleeps by the short way. */
enum message_state { MESSAGE_IDLE, MESSAGE_QUEUED, MESSAGE_HELD, MESSAGE_HELD_SHORT, MESSAGE_DONE };

/* Something sent to a port. All guarded by port->lock from queueing on. */
struct message {
	struct list link;		/* in port->queue or port->held */
	struct port *port;
	msg_header header;		/* as the receiver gets it */
	uint8_t state;			/* enum message_state */
	bool is_call;			/* part of a struct call; else of a struct posted */
	uint8_t handle_count;		/* files here */
	uint8_t level;			/* of the queue, 0 goes first */
	struct payload payload;
	uint64_t badge;
	uint64_t grants;
	struct sender sender;		/* of a message without answer; of a call it is looked up when it is received */
	struct file *files[MSG_HANDLES_MAX];	/* referenced */
};

/* One that waits for its answer: lives in the structure of the thread that calls. */
struct call {
	struct message message;
	struct thread *caller;
	struct endpoint *server;	/* while held: in whose @serving it is; NULL: in port->held */
	uint64_t token, request;	/* of this delivery; of the first one, once it has ended */
	uint32_t deaths;
	bool by_kernel;			/* not by the program of @caller */
	uint16_t lends;			/* lend.c: with @node in port->callers; 0: it is not there */
	struct rb_node node;
	struct waiter waiter;		/* only its @woken is used */
	/* The answer, when it came by the long way. */
	long result;			/* 0, or a negative errno */
	msg_header reply;
	uint8_t reply_count;
	struct file *reply_files[MSG_HANDLES_MAX];
};

/* One that does not: allocated, with its payload behind it. */
struct posted {
	struct message message;
	struct process *process;	/* is charged @charged bytes for it; referenced */
	size_t charged;
	char bytes[];
};

/* A thread's side: made when it asks for its message buffer. */
struct endpoint {
	struct thread *thread;
	struct payload payload;		/* its message buffer */
	struct vm_object *object;	/* which holds the pages; referenced */
	uaddr_t address;		/* where the buffer is mapped */
	struct call call;		/* what it asks now */

	/*
	 * For the short ways (arch/x86_64/message_path.inc, notify_path.inc). The descriptors for which call.message.port and .badge, @serve_port,
	 * @notify_port are known to be right, as nobody else can close them and the thread has no GS base; NO_DESCRIPTOR: none, and the port is &no_port.
	 * @ask_resume and @serve_resume: stacks of a word on which the thread goes on if the scheduler picks it.
	 */
	uint64_t ask_fd, serve_fd, notify_fd;
	struct port *serve_port, *notify_port;
	uint32_t serve_epoch;		/* of the handle @serve_fd; @serve_port is @port */
	uint64_t ask_resume, serve_resume;
	uint64_t notified_resume;	/* the same for who was notified by the short way, with @token, and has not run since */
	paddr_t root;			/* of the page tables */
	uint64_t stack_top;		/* of the thread's kernel stack */

	/* As a receiver; guarded by port->lock. */
	struct port *port;		/* whose servers it is among; referenced. Changed by the thread itself only, under the port's lock */
	struct list server_link;	/* port->servers */
	uint16_t lent;			/* what the port lends it (lend.c); changes under the port's lock, read without */
	bool stale;			/* @lent has changed, and not yet what the call that it makes itself lends */
	bool dismissed;			/* it was replaced, and is in @servers until that is done */
	struct list receiver_link;	/* port->receivers while it waits for a message */
	struct endpoint *serving;	/* whose call it holds, one of them; &no_endpoint: none */
	struct waiter waiter;		/* only its @woken is used */
	bool only_wake;			/* it wants to take what there is itself */
	bool by_serve;			/* it waits in SYS_msg_serve: nothing on its kernel stack is needed */
	bool delivered;			/* a message was put into its buffer while it waited: */
	msg_header header;
	uint64_t token, badge;
	struct sender sender;
	uint64_t grants, request;
	uint64_t granted_token;		/* of the call whose grants hold for it; 0 */
	uint32_t deaths;
};

#define NO_DESCRIPTOR (1ull << 40)
enum { LENT_NOTHING = LEVEL_COUNT << 8 };

struct port {
	struct spinlock lock;
	struct refcount refs;
	struct list queue[PORT_LEVELS];
	uint32_t levels;		/* a bit for each list of @queue that is not empty */
	unsigned queued;
	struct list held[PORT_HELD_LISTS];	/* but for those that some server has as its @serving */
	uint64_t last_token;		/* the epoch << EPOCH_SHIFT, and a number that goes up */
	struct list receivers;		/* endpoints that wait */
	struct endpoint *fast_receiver;	/* one that waits in SYS_msg_serve, first in turn; else what port_no_receiver() says */
	struct list servers;		/* endpoints that received here last */
	uint64_t notified;		/* bits that nobody has received yet */
	bool notified_last;		/* what was received last was a notification: a message is next */
	struct wait_queue pollers;	/* who polls for messages */
	uint32_t epoch;			/* receivers so far; a handle with RECV remembers its own. Changed under nesting_lock, too */
	int managers;			/* files with PORT_MANAGE, without those that lie in queues; guarded by nesting_lock (handles.c) */
	uint64_t id;			/* set once: what SYS_handle_info tells of it */
	uint8_t flags;			/* PORT_PERSISTENT, PORT_REPLAY */
	bool vacant;			/* no receiver, but one may come. Changed under nesting_lock, too */
	bool dead;			/* for ever; nothing is queued, no call is held */
	uint16_t lent;			/* level of the run queue that waiting callers lend the servers, and more (lend.c); or LENT_NOTHING */
	bool has_stale;			/* one of @servers is stale */
	struct rb_tree callers;		/* calls that wait here, the best first; but for those held that came by the short way */
	struct list stale_link;		/* lend.c */
	int receiver_pid;		/* who received last */
	uint64_t posts;			/* messages without answer that were received; calls are counted by @last_token */
	uint64_t notifications, replayed;
	struct port *inside;		/* the port in whose queue the RECV handle lies; guarded by nesting_lock */
	unsigned inside_count;		/* how often, as descriptors can be duplicated; guarded by it, too */
	struct list use_link;		/* port.c */
	struct user_account *account;	/* who made it and is charged it; referenced */
	struct list name_link;		/* names.c */
	char name[PORT_NAME_MAX];	/* empty: none. Set once */
};

extern struct port no_port;	/* where nobody ever waits: endpoint.c */
extern struct endpoint busy_endpoint;	/* there */

/* The number in a token. */
static inline uint64_t token_number(uint64_t token) { return token & ((1ull << EPOCH_SHIFT) - 1); }

/* ---- port.c ---- */

/* A port with the first epoch and one reference. NULL: *@error, else 0, is -ENOMEM, or -ENOSPC if its maker has too many. */
struct port *port_alloc(unsigned flags, int *error);
static inline void port_get(struct port *port) { refcount_get(&port->refs); }
void port_put(struct port *port);	/* with no lock of ipc/ held */

/* A file with @rights on @port, whose reference it takes. With RECV @badge is the epoch. NULL when out of memory: the caller keeps the reference. */
struct file *port_file_create(struct port *port, uint32_t rights, uint64_t badge);
/* The port behind @file if it is one and has all of @rights: else NULL and -EBADF, -EINVAL (no port) or -EACCES in *error. */
struct port *port_of_file(const struct file *file, uint32_t rights, int *error);
/* Its epoch, of a file with RECV. */
static inline bool port_epoch_is(const struct port *port, uint32_t epoch) { return port->epoch == epoch; }
uint32_t port_file_epoch(const struct file *file);
uint64_t port_file_badge(const struct file *file);

/*
 * The receiver of @epoch, if that is the port's, is gone: what it held ends or is queued again, its waiting threads return, and the port may end. May sleep.
 */
void port_lose_receiver(struct port *port, uint32_t epoch);
/* The same for whoever is the receiver, and a new epoch begins, which is returned; 0: the port is dead. */
uint32_t port_replace_receiver(struct port *port);

void port_cache_init(void);

/* ---- names.c ---- */


int port_name_check(const char *name);			/* 0 or -EINVAL */
bool port_name_is_own(const char *name);		/* may the caller make a port of that name, as far as its user is concerned? */
int port_name_add(struct port *port, const char *name);	/* -EEXIST, -ENOSPC */
void port_name_remove(struct port *port);
struct port *port_name_find(const char *name);		/* referenced, alive; NULL */
bool port_name_is_allowed(const char *name);		/* may the calling process open, and make, ports of that name? (calls.c) */

/* ---- queue.c; port->lock held ---- */

/* The first message that waits; NULL. */
struct message *queue_first(const struct port *port);
void queue_add(struct port *port, struct message *message, bool at_front);
void queue_remove(struct port *port, struct message *message);
/* A receiver got @call: it is held, with a new token. */
void held_add(struct port *port, struct call *call, struct endpoint *server);
void held_remove(struct call *call);
struct call *held_find(const struct port *port, uint64_t token);
/* All, or what @server serves, into the lists, where they do not depend on a server. */
void held_unserve(struct port *port);
void held_unserve_one(struct port *port, struct endpoint *server);
unsigned held_count(const struct port *port);
/* Ends @call, which is on no list any more, with @result and wakes the caller, which may free it at once. @soon: who ends it is about to sleep. */
void call_finish(struct call *call, long result, bool soon);
/* Takes the first receiver that waits off the list; NULL. */
struct endpoint *receiver_take(struct port *port);
/* Tells who polls, and one receiver that waits, that something has come. @soon: the caller is about to sleep. */
void port_something_came(struct port *port, bool soon);

/*
 * What stands in port->fast_receiver when nobody waits there; who waits by the short way must find &no_endpoint. Not while something is lent: each
 * answer may end that.
 */
static inline struct endpoint *port_no_receiver(const struct port *port)
{
	return port->levels || port->notified || port->lent != LENT_NOTHING ? &busy_endpoint : &no_endpoint;
}

static inline bool port_has_fast_receiver(const struct port *port)
{
	return port->fast_receiver != &no_endpoint && port->fast_receiver != &busy_endpoint;
}

/* After something has come or gone: whoever waits by the short way has been taken before. */
static inline void port_note_load(struct port *port)
{
	if (!port_has_fast_receiver(port))
		port->fast_receiver = port_no_receiver(port);
}

static inline bool call_is_held(const struct call *call)
{
	uint8_t state = atomic_load_relaxed(&call->message.state);

	return state == MESSAGE_HELD || state == MESSAGE_HELD_SHORT;
}

/* Its caller waits: it is queued or held. */
static inline bool call_waits(const struct call *call)
{
	return atomic_load_relaxed(&call->message.state) == MESSAGE_QUEUED || call_is_held(call);
}

/* The call that @server holds as its @serving; NULL. */
static inline struct call *serving_of(const struct endpoint *server)
{
	return server->serving == &no_endpoint ? NULL : &server->serving->call;
}

static inline struct call *call_of(struct message *message)
{
	return container_of(message, struct call, message);
}

static inline struct posted *posted_of(struct message *message)
{
	return container_of(message, struct posted, message);
}

/* ---- transfer.c ---- */

void payload_copy(const struct payload *to, const struct payload *from, size_t len);
/* Copies @message to @receiver's buffer and header fields. @token: of a call that it holds now; 0. port->lock held if it is a call. */
void message_deliver(const struct message *message, struct endpoint *receiver, uint64_t token);

/* Bytes of a thread's own message buffer from @offset on; the range lies in it. */
void payload_read(const struct payload *from, size_t offset, void *to, size_t len);
void payload_write(const struct payload *to, size_t offset, const void *from, size_t len);

/* A message with a copy of @len bytes at @offset of the caller's buffer, charged to its process and user: -ENOMEM, -EAGAIN when either has too many unread. */
int posted_create(struct endpoint *sender, size_t offset, size_t len, struct posted **posted);
void posted_free(struct posted *posted);	/* and its files; may sleep */

/* ---- handles.c ---- */

/* Takes @count descriptors out of the caller's table into @files. 0, or -EBADF, -EINVAL (the same one twice) with nothing taken. May sleep. */
int handles_take(const int32_t *fds, unsigned count, struct file **files);
/* Makes @files, if any, descriptors of the caller at the numbers in @slots; native ones are close-on-exec. */
void handles_give(struct file *const *files, unsigned count, const int32_t *slots);
/* Reserves @count descriptors: 0, -EMFILE, -ENOMEM. */
int handles_reserve(int32_t *slots, unsigned count);
void handles_unreserve(const int32_t *slots, unsigned count);
void handles_put(struct file **files, unsigned count);	/* may sleep */
/*
 * Before @files are queued in @port: -ELOOP if a port would lie inside itself, or too deep; -EINVAL for a RECV handle that cannot be replayed, and for
 * the only handle by which a port without receiver may get one.
 */
int handles_enter(struct file *const *files, unsigned count, struct port *port);
/* They lie in no queue any more. */
void handles_leave(struct file *const *files, unsigned count);

/* There is one more file with PORT_MANAGE that lies in no queue. */
void nesting_add_manager(struct port *port);
/* One less: true if nobody can give the port a receiver any more, and it has none. port->lock held. */
bool nesting_drop_manager(struct port *port);
/* The receiver is gone or @replaced. Returns whether nobody will ever receive here. port->lock held. */
bool nesting_change_receiver(struct port *port, bool replaced);

/* ---- lend.c; port->lock held ---- */

/* @call, which was held by the short way, waits in the queue again; lend_update() has to follow. */
void lend_again(struct port *port, struct call *call);
/* @call has just come; it is over, which lend_less() or lend_update() has to follow. */
void lend_begin(struct port *port, struct call *call);
void lend_end(struct port *port, struct call *call);
/* The servers are lent what the calls that wait now lend. */
void lend_update(struct port *port);
static inline void lend_less(struct port *port)	/* after lend_end() */
{
	if (unlikely(port->lent != LENT_NOTHING))
		lend_update(port);
}
/* @server serves @port from now on. */
void lend_join(struct port *port, struct endpoint *server);
/* Nobody serves @port any more. */
void lend_dismiss(struct port *port);

/* After any of these, with no port's lock held: does the same to those for whom servers of @port wait. Any context. */
void lend_pass_on(struct port *port);
static inline void lend_unlock(struct port *port, uint64_t flags)
{
	spin_unlock_irq(&port->lock, flags);
	if (unlikely(atomic_load(&port->has_stale)))
		lend_pass_on(port);
}

/* ---- endpoint.c ---- */

void endpoint_init(void);
/* Held by who looks at another thread's endpoint without the lock of a port that it is at: it stays as long. */
extern struct spinlock endpoints_lock;

/* For calls that the kernel makes: zeroed but for the payload. */
void endpoint_init_kernel(struct endpoint *endpoint);

/* The calling thread's; NULL: it has no message buffer yet. */
struct endpoint *endpoint_current(void);
/* Makes the calling thread one of the servers of @port; -ESTALE if @epoch is not the port's. */
int endpoint_serve(struct endpoint *endpoint, struct port *port, uint32_t epoch);
/* May the calling thread keep in mind which port a descriptor is? */
bool endpoint_owns_descriptors(void);
/* endpoint_forget_descriptors(): no longer (ipc.h); or one of them is closed. */
