/* SPDX-License-Identifier: MIT */
/*
 * Handles in messages: taken out of the sender's table before the message goes, put into the receiver's slots that were reserved before it was taken.
 *
 * A port's RECV handle may lie in another port's queue, but never so that the port lies, by way of others, in its own: nobody could take it out again.
 */
#include "ipc/port.h"
#include "lib/errno.h"
#include "process/process.h"
#include "raeen/handles.h"
#include "vfs/fd_table.h"
#include <linux/fcntl.h>

static struct spinlock nesting_lock = SPINLOCK_INIT(LOCK_PORT_NESTING);	/* guards port->inside of all ports */

/* The port that @file is the receiver of; NULL. */
static struct port *received_by(const struct file *file)
{
	int unused;

	return port_of_file(file, PORT_RECV, &unused);
}

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
	/* What another thread closes meanwhile goes with the message all the same. */
	for (unsigned i = 0; i < count; i++)
		fd_close(fds[i]);
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

/* Would @port, put into @into, lie in itself? nesting_lock held. */
static bool closes_circle(const struct port *port, const struct port *into)
{
	for (; into; into = into->inside)
		if (into == port)
			return true;
	return false;
}

int handles_enter(struct file *const *files, unsigned count, struct port *port)
{
	unsigned entered;
	int error = 0;
	uint64_t flags;

	if (likely(!count))
		return 0;
	flags = spin_lock_irq(&nesting_lock);
	for (entered = 0; entered < count && !error; entered++) {
		struct port *nested = received_by(files[entered]);

		if (!nested)
			continue;
		if (port->flags & PORT_REPLAY)
			error = -EINVAL;
		else if (closes_circle(nested, port))
			error = -ELOOP;
		else
			nested->inside = port;
	}
	spin_unlock_irq(&nesting_lock, flags);
	if (error)
		handles_leave(files, entered - 1);
	return error;
}

void handles_leave(struct file *const *files, unsigned count)
{
	uint64_t flags;

	if (likely(!count))
		return;
	flags = spin_lock_irq(&nesting_lock);
	for (unsigned i = 0; i < count; i++) {
		struct port *nested = received_by(files[i]);

		if (nested)
			nested->inside = NULL;
	}
	spin_unlock_irq(&nesting_lock, flags);
}
