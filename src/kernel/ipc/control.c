/* SPDX-License-Identifier: MIT */
/* SYS_port_control: new receivers, and what a port tells about itself. */
#include "ipc/messages.h"
#include "lib/errno.h"
#include "mm/user_copy.h"
#include "raeen/handles.h"
#include "syscall_prototypes.h"
#include "vfs/fd_table.h"
#include "vfs/file.h"
#include <linux/fcntl.h>

/* A handle for a new receiver. */
static long take_over(struct port *port, uint64_t argument)
{
	struct file *file;
	uint32_t epoch;
	int fd, error;

	if (argument & ~(uint64_t)PORT_KEEP)
		return -EINVAL;
	error = fd_reserve_many(1, &fd, argument & PORT_KEEP ? 0 : FD_CLOEXEC | FD_CLOFORK);
	if (error)
		return error;
	/* Who had RECV loses it first: the file is made for the epoch after. */
	epoch = port_replace_receiver(port);
	if (!epoch) {
		fd_unreserve(fd);
		return -EPIPE;
	}
	port_get(port);
	file = port_file_create(port, PORT_RECV | PORT_SEND | PORT_NOTIFY, epoch);
	if (!file) {
		port_lose_receiver(port, epoch);
		port_put(port);
		fd_unreserve(fd);
		return -ENOMEM;
	}
	fd_fill(fd, file);
	return fd;
}

static long tell_state(struct port *port, uaddr_t to)
{
	uint64_t flags = spin_lock_irq(&port->lock);
	struct port_state state = {
		.epoch = port->epoch, .flags = port->flags, .queued = port->queued, .held = held_count(port), .receiver = port->receiver_pid,
		.received = port->posts + token_number(port->last_token), .notified = port->notifications, .replayed = port->replayed,
	};

	spin_unlock_irq(&port->lock, flags);
	return copy_to_user(to, &state, sizeof(state));
}

/* About the call @token, which the receiver of @epoch may hold. @drop: ends it. */
static long about_call(struct port *port, uint32_t epoch, uint64_t token, bool drop)
{
	uint64_t flags = spin_lock_irq(&port->lock);
	struct call *call = NULL;
	long result = 0;

	if (!port_epoch_is(port, epoch) || token >> EPOCH_SHIFT != (epoch & 0xffff))
		result = -ESTALE;
	else if (!(call = held_find(port, token)))
		result = -ENOENT;
	if (call && drop) {
		held_remove(call);
		call_finish(call, -EIO, false);
		lend_less(port);
	}
	lend_unlock(port, flags);
	return result;
}

static long control(struct port *port, const struct file *file, unsigned operation, uint64_t argument)
{
	switch (operation) {
	case PORT_TAKE:
		return file->rights & PORT_MANAGE ? take_over(port, argument) : -EACCES;
	case PORT_STATE:
		return file->rights & (PORT_MANAGE | PORT_RECV) ? tell_state(port, argument) : -EACCES;
	case PORT_ALIVE:
	case PORT_DROP:
		return file->rights & PORT_RECV ? about_call(port, port_file_epoch(file), argument, operation == PORT_DROP) : -EACCES;
	default:
		return -EINVAL;
	}
}

long sys_port_control(int fd, unsigned operation, uint64_t argument)
{
	struct port_ref ref = port_borrow(fd, 0);
	long result;

	if (!ref.port)
		return ref.error;
	result = control(ref.port, ref.fd.file, operation, argument);
	port_release_ref(ref);
	return result;
}
