/* SPDX-License-Identifier: MIT */
/*
 * Memory for what sockets have sent. A socket reserves it from its user's account in steps before it sends, and gives all but the first back once everything
 * it sent was received; so what messages take is never more than what users are charged.
 */
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "net/unix.h"
#include "process/process.h"
#include "sched/clock.h"
#include "security/capabilities.h"

/* All sockets of an ordinary user, and of who may administer, take at most these parts of RAM. */
enum { USER_PART = 8, ADMINISTRATOR_PART = 4 };

struct slab_cache *unix_small_packets;

void unix_space_init(void)
{
	unix_small_packets = slab_cache_create("unix_packet", UNIX_SMALL_CHARGE, 8);
}

static bool charge(struct unix_socket *socket, long bytes)
{
	return user_account_charge_optional(socket->account, ACCOUNT_SOCKET_BYTES, bytes,
					   (frame_total() << PAGE_SHIFT) / (capabilities_may_administer() ? ADMINISTRATOR_PART : USER_PART));
}

static void uncharge(struct unix_socket *socket, long bytes)
{
	user_account_charge_optional(socket->account, ACCOUNT_SOCKET_BYTES, -bytes, 0);
}

bool unix_space_begin(struct unix_socket *socket)
{
	socket->space = UNIX_SPACE_IDLE;
	socket->account = user_account_current();
	if (socket->account && charge(socket, UNIX_SPACE_BASE))
		return true;
	if (socket->account)
		user_account_put(socket->account);
	return false;
}

void unix_space_end(struct unix_socket *socket)
{
	KASSERT(!(uint32_t)socket->space);
	uncharge(socket, (socket->space & ~UNIX_STARVED) >> 32);
	user_account_put(socket->account);
}

/* So that @bytes more have room beyond @space. */
static bool grow(struct unix_socket *socket, uint64_t space, uint32_t bytes)
{
	uint32_t reserved = (space & ~UNIX_STARVED) >> 32, needed = (uint32_t)space + bytes;
	uint32_t more = MAX(needed, MIN(reserved + UNIX_SPACE_STEP, atomic_load_relaxed(&socket->send_limit))) - reserved;

	if (!charge(socket, more))
		return false;
	/* Who finds that another has changed it meanwhile looks again. */
	if (!atomic_compare_exchange(&socket->space, &space, space + ((uint64_t)more << 32)))
		uncharge(socket, more);
	return true;
}

/* 0, -EAGAIN: there will be room, -ENOBUFS. */
static int try_reserve(struct unix_socket *socket, uint32_t bytes)
{
	for (;;) {
		uint64_t space = atomic_load_relaxed(&socket->space);
		uint32_t sent = space;

		/* The limit first: it may have been lowered below what is reserved. */
		if (sent && sent >= atomic_load_relaxed(&socket->send_limit))
			return -EAGAIN;
		if (sent + bytes <= (space & ~UNIX_STARVED) >> 32) {
			if (atomic_compare_exchange(&socket->space, &space, space + bytes))
				return 0;
		} else if (!grow(socket, space, bytes)) {
			if (!sent)
				return -ENOBUFS;
			if (space & UNIX_STARVED)
				return -EAGAIN;
			/* Looks again: what was sent may have been received meanwhile. */
			(void)atomic_or(&socket->space, UNIX_STARVED);
		}
	}
}

static int try_to_send(struct unix_socket *socket, uint32_t bytes)
{
	int error = unix_take_error(socket);

	if (!error && atomic_load(&socket->shut) & UNIX_SHUT_WRITE)
		error = -EPIPE;
	return error ? error : try_reserve(socket, bytes);
}

uint64_t unix_deadline(uint64_t timeout, bool now)
{
	uint64_t deadline;

	if (now || !timeout)
		return 0;
	return __builtin_add_overflow(clock_monotonic_ns(), timeout, &deadline) ? WAIT_FOREVER : deadline;
}

COLD int unix_reserve(struct unix_socket *socket, uint32_t bytes, uint64_t deadline)
{
	struct waiter waiter;
	int error = try_to_send(socket, bytes), ended = 0;

	if (error != -EAGAIN || !deadline)
		return error;
	wait_begin(&socket->writers, &waiter);
	while ((error = try_to_send(socket, bytes)) == -EAGAIN && !ended)
		ended = wait_block(&waiter, deadline, WAIT_INTERRUPTIBLE);
	wait_end(&waiter);
	if (error == -EAGAIN && ended == -ERESTARTSYS)
		error = deadline == WAIT_FOREVER ? -ERESTARTSYS : -EINTR;
	return error;
}

/* Everything that was sent was received: only the first step stays. */
static void shrink(struct unix_socket *socket, uint64_t space)
{
	uint64_t reserved = (space & ~UNIX_STARVED) >> 32;

	if (reserved > UNIX_SPACE_BASE && atomic_compare_exchange(&socket->space, &space, UNIX_SPACE_IDLE | (space & UNIX_STARVED)))
		uncharge(socket, reserved - UNIX_SPACE_BASE);
}

COLD void unix_given_back(struct unix_socket *socket, uint64_t now, uint32_t bytes)
{
	uint64_t sent = (uint32_t)now, limit = atomic_load_relaxed(&socket->send_limit);

	if (!sent)
		shrink(socket, now);
	if (now & UNIX_STARVED)
		(void)atomic_and(&socket->space, ~UNIX_STARVED);
	else if (sent << 2 > limit || (sent + bytes) << 2 <= limit)
		return;		/* it cannot send yet, or could already */
	wake_all(&socket->writers);
}

/* What an allocation of that size may take. */
static uint32_t price(size_t len)
{
	size_t size = sizeof(struct unix_packet) + len;

	return len <= UNIX_PACKET_SMALL ? (uint32_t)UNIX_SMALL_CHARGE : MIN(size + size / 2, (size_t)PAGE_SIZE);
}

static struct unix_packet *packet_alloc(struct unix_socket *socket, size_t len, bool first)
{
	struct unix_packet *packet = first && len <= UNIX_PACKET_SMALL ? slab_alloc(unix_small_packets) : kmalloc(sizeof(*packet) + MAX(len, (size_t)1));

	if (packet)
		*packet = (struct unix_packet){ .from = socket, .len = len };
	return packet;
}

static void free_parts(struct unix_packet *packet)
{
	struct unix_packet *rest = packet->rest;

	if (packet->len <= UNIX_PACKET_SMALL)
		slab_free(unix_small_packets, packet);
	else
		kfree(packet);
	while ((packet = rest)) {
		rest = packet->rest;
		kfree(packet);
	}
}

struct unix_packet *unix_packet_create(struct unix_socket *socket, size_t len, uint64_t deadline, int *error)
{
	size_t full = len / UNIX_PACKET_BYTES, last = len % UNIX_PACKET_BYTES, left = len;
	uint32_t charge = full * PAGE_SIZE + (last || !full ? price(last) : 0);
	struct unix_packet *packet = NULL, **end = &packet;

	*error = unix_reserve(socket, charge, deadline);
	if (*error)
		return NULL;
	do {
		*end = packet_alloc(socket, MIN(left, (size_t)UNIX_PACKET_BYTES), !packet);
		if (!*end) {
			if (packet)
				free_parts(packet);
			unix_give_back(socket, charge);
			*error = -ENOBUFS;
			return NULL;
		}
		left -= (*end)->len;
		end = &(*end)->rest;
	} while (left);
	packet->total = len;
	packet->charge = charge;
	if (socket->type == TYPE_DATAGRAM)
		unix_get(socket);
	return packet;
}

void unix_packet_free(struct unix_packet *packet)
{
	struct unix_socket *from = packet->from;
	uint32_t charge = packet->charge;

	if (unlikely(packet->rights))
		unix_rights_discard(packet->rights);
	if (likely(charge == UNIX_SMALL_CHARGE))
		slab_free(unix_small_packets, packet);
	else
		free_parts(packet);
	unix_give_back(from, charge);
	if (unlikely(from->type == TYPE_DATAGRAM))
		unix_put(from);
}

void unix_packets_free(struct unix_packet *packet)
{
	while (packet) {
		struct unix_packet *next = packet->next;

		unix_packet_free(packet);
		packet = next;
	}
}
