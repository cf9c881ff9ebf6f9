/* SPDX-License-Identifier: MIT */
/* The master's side of a pseudo terminal: reads what the slave writes, types what the slave reads. */
#include "tty/pty.h"
#include "tty/claim.h"
#include <linux/fcntl.h>
#include <asm/signal.h>
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/user_copy.h"
#include "process/signal.h"

enum { TAKE_NOTHING = -1 };

/* Takes output of the slave. In packet mode the first byte of a read is a status (then alone) or TIOCPKT_DATA. */
static ssize_t take_output(struct pty *pty, char *buf, size_t size, bool first, bool *status_only)
{
	uint64_t irq_flags = spin_lock_irq(&pty->lock);
	size_t count = 0, available = pty->head - pty->tail;
	ssize_t result = TAKE_NOTHING;

	*status_only = false;
	if (pty->packet && first && pty->packet_status) {
		buf[0] = pty->packet_status;
		pty->packet_status = 0;
		*status_only = true;
		result = 1;
	} else if (available) {
		if (pty->packet && first)
			buf[count++] = TIOCPKT_DATA;
		while (count < size && available--)
			buf[count++] = pty->ring[pty->tail++ % PTY_RING_SIZE];
		result = count;
	}
	spin_unlock_irq(&pty->lock, irq_flags);
	return result;
}

static bool slave_closed(struct pty *pty)
{
	uint64_t irq_flags = spin_lock_irq(&pty->lock);
	bool closed = pty->slave_closed;

	spin_unlock_irq(&pty->lock, irq_flags);
	return closed;
}

static ssize_t read_claimed(struct pty *pty, struct file *file, struct uio *uio)
{
	struct waiter waiter;
	char chunk[TTY_CHUNK];
	size_t total = 0;
	int error = 0;

	wait_begin(&pty->master_read, &waiter);
	while (uio->left && !error) {
		bool status_only;
		/* Asked first: what the last slave wrote before it closed must still be read. */
		bool closed = slave_closed(pty);
		ssize_t count = take_output(pty, chunk, MIN(uio->left, sizeof(chunk)), total == 0, &status_only);

		if (count == TAKE_NOTHING) {
			if (total)
				break;
			if (closed)
				error = -EIO;
			else if (atomic_load(&file->flags) & O_NONBLOCK)
				error = -EAGAIN;
			else
				error = wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
			continue;
		}
		size_t moved = uio_write_to(uio, chunk, count);

		total += moved;
		if (moved < count)
			error = -EFAULT;
		if (status_only)
			break;
	}
	wait_end(&waiter);
	return total ? (ssize_t)total : error;
}

static ssize_t master_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct pty *pty = file->private;

	if (!uio->left)
		return 0;
	int error = tty_claim(&pty->lock, &pty->reading, &pty->master_read, file);

	if (error)
		return error;
	ssize_t result = read_claimed(pty, file, uio);

	tty_unclaim(&pty->lock, &pty->reading, &pty->master_read);
	if (result > 0)
		tty_output_ready(pty->slave);
	return result;
}

static ssize_t write_claimed(struct pty *pty, struct file *file, struct uio *uio)
{
	struct waiter waiter;
	char chunk[TTY_CHUNK];
	size_t total = 0;
	int error = 0;

	wait_begin(&pty->master_write, &waiter);
	while (uio->left && !error) {
		size_t wanted = MIN(uio->left, sizeof(chunk)), done = 0;
		size_t len = uio_read_from(uio, chunk, wanted);

		while (done < len && !error) {
			size_t taken = tty_receive(pty->slave, chunk + done, len - done);

			done += taken;
			if (taken)
				continue;
			error = atomic_load(&file->flags) & O_NONBLOCK ? -EAGAIN :
				wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
		}
		total += done;
		if (len < wanted && !error)
			error = -EFAULT;
		/* A slave that drops what it cannot take is never full: gigabytes must stay interruptible. */
		if (!error && signal_pending())
			error = -ERESTARTSYS;
	}
	wait_end(&waiter);
	return total ? (ssize_t)total : error;
}

static ssize_t master_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct pty *pty = file->private;
	int error = tty_claim(&pty->lock, &pty->writing, &pty->master_write, file);

	if (error)
		return error;
	ssize_t result = write_claimed(pty, file, uio);

	tty_unclaim(&pty->lock, &pty->writing, &pty->master_write);
	return result;
}

static unsigned master_poll(struct file *file, struct poll_table *table)
{
	struct pty *pty = file->private;
	unsigned ready = 0;

	poll_wait_for(table, &pty->master_read, POLL_FOR_READERS);
	poll_wait_for(table, &pty->master_write, POLL_FOR_WRITERS);
	uint64_t irq_flags = spin_lock_irq(&pty->lock);

	if (pty->head != pty->tail)
		ready |= POLL_IN | POLL_RDNORM;
	if (pty->packet && pty->packet_status)
		ready |= POLL_PRI | POLL_IN | POLL_RDNORM;
	if (pty->slave_closed)
		ready |= POLL_HUP;
	spin_unlock_irq(&pty->lock, irq_flags);

	irq_flags = spin_lock_irq(&pty->slave->lock);
	if (line_input_room(&pty->slave->line))
		ready |= POLL_OUT | POLL_WRNORM;
	spin_unlock_irq(&pty->slave->lock, irq_flags);
	return ready;
}

static long set_lock(struct pty *pty, uint64_t argument)
{
	uint32_t on;

	if (get_user_u32(&on, argument))
		return -EFAULT;
	mutex_lock(&tty_open_lock);
	pty->locked = on;
	mutex_unlock(&tty_open_lock);
	return 0;
}

static long set_packet(struct pty *pty, uint64_t argument)
{
	uint32_t on;

	if (get_user_u32(&on, argument))
		return -EFAULT;
	uint64_t irq_flags = spin_lock_irq(&pty->lock);

	if (on && !pty->packet)
		pty->packet_status = 0;
	pty->packet = on;
	spin_unlock_irq(&pty->lock, irq_flags);
	return 0;
}

/* TIOCGPTPEER: a descriptor for the slave without trusting that the name still means it … */
static long open_peer(struct pty *pty, uint64_t flags)
{
	char name[32];
	int error;

	if (flags & ~(uint64_t)(O_ACCMODE | O_NOCTTY | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	snprintf(name, sizeof(name), "/dev/pts/%u", pty->index);
	struct file *file = file_open(AT_FDCWD, name, flags, 0, &error);

	if (!file)
		return error;
	/* … so it is compared. */
	struct tty_file *tty_file = file->ops == &tty_file_ops ? file->private : NULL;

	if (!tty_file || tty_file->tty != pty->slave) {
		file_put(file);
		return -EIO;
	}
	int fd = fd_install(file, 0, flags & O_CLOEXEC);

	if (fd < 0)
		file_put(file);
	return fd;
}

static long send_signal(struct pty *pty, uint64_t argument)
{
	if (argument != SIGINT && argument != SIGQUIT && argument != SIGTSTP)
		return -EINVAL;
	tty_signal_foreground(pty->slave, argument);
	return 0;
}

/* The master's input is the slave's output; its output has left it. */
static long flush(struct pty *pty, uint64_t queue)
{
	if (queue > TCIOFLUSH)
		return -EINVAL;
	if (queue == TCOFLUSH)
		return 0;
	uint64_t irq_flags = spin_lock_irq(&pty->lock);

	pty->tail = pty->head;
	spin_unlock_irq(&pty->lock, irq_flags);
	tty_output_ready(pty->slave);
	return 0;
}

static long output_count(struct pty *pty, uint64_t argument)
{
	uint64_t irq_flags = spin_lock_irq(&pty->lock);
	unsigned count = pty->head - pty->tail;

	spin_unlock_irq(&pty->lock, irq_flags);
	return put_user_u32(argument, count);
}

static long master_ioctl(struct file *file, unsigned request, uint64_t argument)
{
	struct pty *pty = file->private;
	long result = tty_ioctl_common(pty->slave, file, true, request, argument);

	if (result != -ENOIOCTLCMD)
		return result;
	switch (request) {
	case TIOCGPTN:
		return put_user_u32(argument, pty->index);
	case TIOCSPTLCK:
		return set_lock(pty, argument);
	case TIOCGPTLCK:
		return put_user_u32(argument, pty->locked);
	case TIOCGPTPEER:
		return open_peer(pty, argument);
	case TIOCPKT:
		return set_packet(pty, argument);
	case TIOCGPKT:
		return put_user_u32(argument, pty->packet);
	case TIOCSIG:
		return send_signal(pty, argument);
	case FIONREAD:
		return output_count(pty, argument);
	case TIOCOUTQ:
		return put_user_u32(argument, 0);
	case TCFLSH:
		return flush(pty, argument);
	case TCSBRK:
	case TCSBRKP:
	case TIOCSBRK:
	case TIOCCBRK:
		return 0;	/* what is written has arrived */
	case TIOCGDEV:
		return put_user_u32(argument, make_dev(PTMX_MAJOR, PTMX_MINOR));
	default:
		return -ENOTTY;
	}
}

/* The slave's users see a hang-up; its name goes at once, the structures when the last of them closes. */
static void master_release(struct file *file)
{
	struct pty *pty = file->private;

	mutex_lock(&tty_open_lock);
	pty->master_open = false;
	mutex_unlock(&tty_open_lock);
	pty_table_remove(pty);
	pty->slave->device_gone = true;
	tty_hangup(pty->slave);
	tty_put(pty->slave);
}

static void master_describe(struct file *file, char *buf, size_t size)
{
	string_copy(buf, "/dev/ptmx", size);
}

const struct file_ops pty_master_ops = {
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.ioctl = master_ioctl,
	.release = master_release,
	.describe = master_describe,
};
