/* SPDX-License-Identifier: MIT */
/*
 * Descriptors under way, and the collection of sockets that lie in one another's queues where nobody can receive them.
 *
 * Only who is under way and has sockets in its queue can be part of such a circle: it is "chained". Mostly nobody is, and nothing is done. Else, when a
 * reference to one that is chained goes, it is looked upwards for somebody who can be reached from outside: mostly that is near. If nobody is found, a
 * collection looks at all chained sockets: it suspects those that all references to are under way, and believes to be reached who is found less often in
 * queues of suspects than it is under way, and what lies in its queue. The queues of all others are emptied.
 *
 * flight_lock guards the counts and is held during the collection, as well as where a socket comes into a queue and where MSG_PEEK copies one: so a suspect
 * gets no reference from outside but by being taken out of the queue of one that is none, and such queues are not counted.
 */
#include "ipc/ipc.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "net/net.h"
#include "net/unix.h"
#include "process/process.h"
#include "security/capabilities.h"
#include <asm/resource.h>

/* Descriptors under way of who may administer; each is worth so many bytes of this part of RAM. */
enum { ADMINISTRATOR_PART = 16, DESCRIPTOR_BYTES = 2560 };
enum { LOOK_UP = 100 };	/* sockets in one another's queues before all are looked at */

struct mutex unix_flight_lock = MUTEX_INIT(unix_flight_lock, LOCK_UNIX_FLIGHT);
static struct list chained = LIST_INIT(chained);	/* flight_lock; struct unix_socket.chained */
static bool lost;		/* flight_lock: what departed last may be out of reach */
static uint64_t departures = 1;	/* atomic */

/* ---- Counting ---- */

/* flight_lock held. */
static void update_chained(struct unix_socket *socket)
{
	bool is = socket->in_flight && (socket->held || atomic_load(&socket->state) == UNIX_LISTENING);

	if (is == socket->is_chained)
		return;
	atomic_store(&socket->is_chained, is);
	if (is)
		list_push_back(&chained, &socket->chained);
	else
		list_remove(&socket->chained);
}

static bool has_reference(const struct unix_socket *socket)
{
	return atomic_load(&socket->file->refs.count) > socket->in_flight;
}

/* Is it doubtful that anybody can reach it? Who lies in one queue only is reached by whoever reaches that. flight_lock held. */
static bool may_be_lost(const struct unix_socket *socket)
{
	if (!socket->is_chained)
		return false;
	for (unsigned steps = 0; socket && socket->file && steps < LOOK_UP; socket = socket->holder, steps++)
		if (has_reference(socket))
			return false;
	return true;
}

/* So many more references to the sockets among @rights are in @holder's queue. flight_lock held. */
static void count(struct unix_socket *holder, const struct unix_rights *rights, int change)
{
	holder->held += change * (int)rights->sockets;
	update_chained(holder);
	for (unsigned i = 0; i < rights->count; i++)
		if (unix_is(rights->files[i])) {
			struct unix_socket *socket = rights->files[i]->private;

			socket->holder = change > 0 && !socket->in_flight ? holder : NULL;
			socket->in_flight += change;
			update_chained(socket);
			if (change < 0)
				continue;
			/* Between: who puts a reference and has not seen the one sees the other, or is seen to have put it. */
			(void)atomic_add(&departures, 1);
			lost |= may_be_lost(socket);
		}
}

bool unix_lock_for(struct unix_socket *socket, const struct unix_rights *rights)
{
	bool sockets = unlikely(rights) && rights->sockets;

	if (sockets)
		mutex_lock(&unix_flight_lock);
	mutex_lock(&socket->lock);
	return sockets;
}

static void collect(void);

COLD static void unlock_flight(void)
{
	bool look = lost;

	lost = false;
	mutex_unlock(&unix_flight_lock);
	if (look)
		collect();
}

void unix_unlock_for(struct unix_socket *socket, bool sockets)
{
	mutex_unlock(&socket->lock);
	if (unlikely(sockets))
		unlock_flight();
}

void unix_rights_depart(struct unix_socket *to, struct unix_rights *rights)
{
	if (likely(!rights || !rights->sockets))
		return;
	rights->to = to;
	count(to, rights, 1);
}

COLD void unix_rights_land(struct unix_rights *rights)
{
	if (rights->to) {
		mutex_lock(&unix_flight_lock);
		count(rights->to, rights, -1);
		rights->to = NULL;
		mutex_unlock(&unix_flight_lock);
	}
	if (rights->account) {
		user_account_charge_optional(rights->account, ACCOUNT_SOCKET_DESCRIPTORS, -(long)rights->count, 0);
		user_account_put(rights->account);
		rights->account = NULL;
	}
}

COLD void unix_flight_listens(struct unix_socket *socket)
{
	mutex_lock(&unix_flight_lock);
	update_chained(socket);
	mutex_unlock(&unix_flight_lock);
}

/* ---- Rights ---- */

COLD struct unix_rights *unix_rights_create(unsigned count)
{
	return kzalloc(sizeof(struct unix_rights) + count * sizeof(struct file *));
}

/* As on Linux one may have a message more than the limit. */
COLD int unix_rights_charge(struct unix_rights *rights)
{
	uint64_t limit = capabilities_may_administer() ? (frame_total() << PAGE_SHIFT) / ADMINISTRATOR_PART / DESCRIPTOR_BYTES : process_limit(RLIMIT_NOFILE);
	struct user_account *account = user_account_current();

	if (!account)
		return -ENOMEM;
	if (!user_account_charge_optional(account, ACCOUNT_SOCKET_DESCRIPTORS, rights->count, limit + rights->count)) {
		user_account_put(account);
		return -ETOOMANYREFS;
	}
	rights->account = account;
	return 0;
}

COLD struct unix_rights *unix_rights_copy(const struct unix_rights *rights)
{
	struct unix_rights *copy = unix_rights_create(rights->count);

	for (unsigned i = 0; copy && i < rights->count; i++) {
		copy->files[copy->count++] = rights->files[i];
		file_get(rights->files[i]);
	}
	return copy;
}

/*
 * A socket that goes takes along the descriptors in its queue, sockets among them that go, too, and so on: each thread ends them one after the other, not one
 * inside the other.
 */
struct discarding {
	struct discarding *next;	/* discarding_lock */
	const struct thread *thread;
	struct unix_rights *rights;	/* the thread's own */
};

static struct spinlock discarding_lock = SPINLOCK_INIT(LOCK_UNIX_DISCARD);
static struct discarding *all_discarding;	/* discarding_lock */

/* Where the calling thread is at it already, or NULL, and then it is now by @own. */
static struct discarding *find_discarding(struct discarding *own)
{
	struct discarding *found;

	spin_lock(&discarding_lock);
	for (found = all_discarding; found && found->thread != own->thread; found = found->next)
		;
	if (!found) {
		own->next = all_discarding;
		all_discarding = own;
	}
	spin_unlock(&discarding_lock);
	return found;
}

static void end_discarding(const struct discarding *own)
{
	struct discarding **link;

	spin_lock(&discarding_lock);
	for (link = &all_discarding; *link != own; link = &(*link)->next)
		;
	*link = own->next;
	spin_unlock(&discarding_lock);
}

COLD void unix_rights_discard(struct unix_rights *rights)
{
	struct discarding own = { .thread = current_thread() }, *found;

	unix_rights_land(rights);
	found = find_discarding(&own);
	rights->next = found ? found->rights : NULL;
	if (found) {
		found->rights = rights;
		return;
	}
	own.rights = rights;
	while ((rights = own.rights)) {
		own.rights = rights->next;
		for (unsigned i = 0; i < rights->count; i++)
			file_put(rights->files[i]);
		kfree(rights);
	}
	end_discarding(&own);
}

/* ---- Collection; flight_lock held ---- */

typedef void visit(struct unix_rights *rights, struct unix_socket *holder, void *context);

/* Visits what lies in the queue with sockets in it. @strip: it is taken out. */
static void visit_queue(struct unix_socket *socket, visit *visit, void *context, bool strip)
{
	mutex_lock(&socket->lock);
	for (struct unix_packet *packet = socket->first; packet; packet = packet->next) {
		if (!packet->rights || !packet->rights->sockets)
			continue;
		visit(packet->rights, socket, context);
		if (strip)
			packet->rights = NULL;
	}
	for (struct unix_socket *waiting = socket->first_waiting; waiting; waiting = waiting->next_waiting)
		visit_queue(waiting, visit, context, strip);
	mutex_unlock(&socket->lock);
}

static void count_inner(struct unix_rights *rights, struct unix_socket *holder, void *context)
{
	for (unsigned i = 0; i < rights->count; i++)
		if (unix_is(rights->files[i]))
			((struct unix_socket *)rights->files[i]->private)->inner++;
}

static void reach(struct unix_socket *socket, struct list *reached)
{
	if (socket->reached || !socket->is_chained)
		return;
	socket->reached = true;
	list_remove(&socket->chained);
	list_push_back(reached, &socket->chained);
}

static void reach_all(struct unix_rights *rights, struct unix_socket *holder, void *context)
{
	for (unsigned i = 0; i < rights->count; i++)
		if (unix_is(rights->files[i]))
			reach(rights->files[i]->private, context);
}

static void take_out(struct unix_rights *rights, struct unix_socket *holder, void *context)
{
	struct unix_rights **list = context;

	rights->next = *list;
	*list = rights;
}

/* Leaves those that nobody can reach in the list of chained sockets, and gives the others. */
static void find_reached(struct list *reached)
{
	struct unix_socket *socket, *next;

	list_for_each_safe(socket, next, &chained, chained) {
		socket->reached = false;
		socket->inner = 0;
		if (has_reference(socket))
			reach(socket, reached);
	}
	list_for_each(socket, &chained, chained)
		visit_queue(socket, count_inner, NULL, false);
	list_for_each_safe(socket, next, &chained, chained)
		if (socket->inner < socket->in_flight)
			reach(socket, reached);
	list_for_each(socket, reached, chained)
		visit_queue(socket, reach_all, reached, false);
}

static void collect(void)
{
	struct list reached = LIST_INIT(reached);
	struct unix_rights *rights = NULL, *next;
	struct unix_socket *socket;

	mutex_lock(&unix_flight_lock);
	find_reached(&reached);
	list_for_each(socket, &chained, chained)
		visit_queue(socket, take_out, &rights, true);
	while (!list_empty(&reached)) {
		socket = list_first(&reached, struct unix_socket, chained);
		list_remove(&socket->chained);
		list_push_back(&chained, &socket->chained);
	}
	mutex_unlock(&unix_flight_lock);
	/* All before any: with the first one that is put sockets may be gone whose queues the others were in. */
	for (next = rights; next; next = next->next)
		unix_rights_land(next);
	for (; rights; rights = next) {
		next = rights->next;
		unix_rights_discard(rights);
	}
}

enum { SAID_SOCKET = 1 };

/* A chained socket, referenced; else how many departures there were: one after this may chain it. */
uint64_t unix_before_put(const struct file *file)
{
	struct unix_socket *socket = file->private;
	uint64_t seen = atomic_load(&departures) << 1;

	return likely(!atomic_load(&socket->is_chained)) ? seen : (uint64_t)unix_get(socket) | SAID_SOCKET;
}

void unix_after_put(uint64_t said)
{
	struct unix_socket *socket = (struct unix_socket *)(said & ~(uint64_t)SAID_SOCKET);
	bool look;

	if (likely(said == atomic_load(&departures) << 1))
		return;
	look = !(said & SAID_SOCKET);
	if (!look) {
		mutex_lock(&unix_flight_lock);
		look = may_be_lost(socket);
		mutex_unlock(&unix_flight_lock);
		unix_put(socket);
	}
	if (look)
		collect();
}
