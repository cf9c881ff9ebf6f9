/* SPDX-License-Identifier: MIT */
/*
 * Handles in messages: taken out of the sender's table before the message goes, put into the receiver's slots that were reserved before it was taken.
 *
 * A port's RECV handle may lie in another port's queue, but never so that the port lies, by way of others, in its own: nobody could take it out again.
 * Handles with MANAGE may lie anywhere, but do not keep a port without receiver alive there.
 */
#include "ipc/port.h"
#include "lib/errno.h"
#include "process/process.h"
#include "raeen/handles.h"
#include "vfs/fd_table.h"
#include <linux/fcntl.h>

enum { NESTING_MAX = 32 };	/* ports in one another's queues */

/* Guards of all ports: inside, inside_count, managers. Epoch and vacancy change under it and the port's own lock. */
static struct spinlock nesting_lock = SPINLOCK_INIT(LOCK_PORT_NESTING);

int handles_take(const int32_t *fds, unsigned count, struct file **files)
{
	struct fd_table *table = current_process()->files;
	unsigned taken;

	for (taken = 0; taken < count; taken++) {
		files[taken] = fd_get_from(table, fds[taken]);
		if (!files[taken])
			break;
		for (unsigned other = 0; other < taken; other++)
			if (fds[other] == fds[taken]) {
				handles_put(files, taken + 1);
				return -EINVAL;
			}
	}
	if (taken < count) {
		handles_put(files, taken);
		return -EBADF;
	}
	/* What another thread closes meanwhile goes with the message all the same, and what it opens in its place is left alone. */
	for (unsigned i = 0; i < count; i++)
		fd_close_file(fds[i], files[i]);
	return 0;
}

int handles_reserve(int32_t *slots, unsigned count)
{
	return fd_reserve_many(count, slots, FD_CLOEXEC | FD_CLOFORK);
}

void handles_unreserve(const int32_t *slots, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		fd_unreserve(slots[i]);
}

void handles_give(struct file *const *files, unsigned count, const int32_t *slots)
{
	for (unsigned i = 0; i < count; i++)
		fd_fill(slots[i], files[i]);
}

void handles_put(struct file **files, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		file_put(files[i]);
}

/* Would @port, put into @into, lie in itself? What lies too deep counts as that. nesting_lock held. */
static bool closes_circle(const struct port *port, const struct port *into)
{
	for (unsigned depth = 0; into; into = into->inside)
		if (into == port || ++depth > NESTING_MAX)
			return true;
	return false;
}

/* Is @file the handle of @port's receiver? nesting_lock held. */
static bool receives(const struct file *file, const struct port *port)
{
	return file->rights & PORT_RECV && port_epoch_is(port, port_file_epoch(file));
}

bool port_is_received_by(const struct file *file)
{
	int unused;

	return port_of_file(file, 0, &unused) && file->rights & (PORT_RECV | PORT_MANAGE);
}

/* nesting_lock held. */
static int enter(const struct file *file, struct port *port)
{
	int unused;
	struct port *nested = port_of_file(file, 0, &unused);

	if (!nested)
		return 0;
	if (receives(file, nested)) {
		if (port->flags & PORT_REPLAY)
			return -EINVAL;
		if ((nested->inside && nested->inside != port) || closes_circle(nested, port))
			return -ELOOP;
	}
	if (file->rights & PORT_MANAGE) {
		if (nested->vacant && nested->managers == 1)
			return -EINVAL;
		nested->managers--;
	}
	if (receives(file, nested)) {
		nested->inside = port;
		nested->inside_count++;
	}
	return 0;
}

/* nesting_lock held. */
static void leave(const struct file *file)
{
	int unused;
	struct port *nested = port_of_file(file, 0, &unused);

	if (!nested)
		return;
	if (file->rights & PORT_MANAGE)
		nested->managers++;
	/* Of who was replaced meanwhile nothing is counted any more. */
	if (receives(file, nested) && nested->inside_count && --nested->inside_count == 0)
		nested->inside = NULL;
}

int handles_enter(struct file *const *files, unsigned count, struct port *port)
{
	unsigned entered = 0;
	int error = 0;
	uint64_t flags;

	if (likely(!count))
		return 0;
	flags = spin_lock_irq(&nesting_lock);
	while (entered < count && !(error = enter(files[entered], port)))
		entered++;
	while (error && entered)
		leave(files[--entered]);
	spin_unlock_irq(&nesting_lock, flags);
	return error;
}

void handles_leave(struct file *const *files, unsigned count)
{
	uint64_t flags;

	if (likely(!count))
		return;
	flags = spin_lock_irq(&nesting_lock);
	for (unsigned i = 0; i < count; i++)
		leave(files[i]);
	spin_unlock_irq(&nesting_lock, flags);
}

void nesting_add_manager(struct port *port)
{
	uint64_t flags = spin_lock_irq(&nesting_lock);

	port->managers++;
	spin_unlock_irq(&nesting_lock, flags);
}

bool nesting_drop_manager(struct port *port)
{
	bool last;

	spin_lock_nested(&nesting_lock);
	last = --port->managers <= 0 && port->vacant && !port->dead;
	spin_unlock_nested(&nesting_lock);
	return last;
}

bool nesting_change_receiver(struct port *port, bool replaced)
{
	bool ends;

	spin_lock_nested(&nesting_lock);
	port->epoch += replaced;
	port->vacant = !replaced;
	port->inside = NULL;
	port->inside_count = 0;
	ends = port->vacant && !(port->flags & PORT_PERSISTENT && port->managers > 0);
	spin_unlock_nested(&nesting_lock);
	return ends;
}
