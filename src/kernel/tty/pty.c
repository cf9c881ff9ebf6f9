/* SPDX-License-Identifier: MIT */
/*
 * Pseudo terminals: the table of them, their birth by opening /dev/ptmx, and the slave's side. The slave is an ordinary tty whose device is the
 * master: its output goes into a ring that the master reads, its input comes from the master's writes.
 */
#include "tty/pty.h"
#include <linux/fcntl.h>
#include <asm/stat.h>
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/credentials.h"
#include "sched/clock.h"

struct mutex pty_table_lock = MUTEX_INIT(pty_table_lock, LOCK_PTY_TABLE);
static struct pty *table[PTY_MAX];	/* pty_table_lock; while the master is open */
static struct list all = LIST_INIT(all);	/* pty_table_lock; those with a closed master, too */
static uint64_t next_serial = 1;	/* pty_table_lock */

struct pty *pty_find(unsigned index)
{
	struct pty *pty = NULL;

	mutex_lock(&pty_table_lock);
	if (index < PTY_MAX)
		pty = table[index];
	if (pty)
		tty_get(pty->slave);
	mutex_unlock(&pty_table_lock);
	return pty;
}

struct pty *pty_find_serial(uint64_t serial)
{
	struct pty *pty, *found = NULL;

	mutex_lock(&pty_table_lock);
	list_for_each(pty, &all, link)
		if (pty->serial == serial && refcount_get_unless_zero(&pty->slave->refs))
			found = pty;
	mutex_unlock(&pty_table_lock);
	return found;
}

bool pty_is_listed(const struct pty *pty)
{
	mutex_lock(&pty_table_lock);
	bool listed = table[pty->index] == pty;

	mutex_unlock(&pty_table_lock);
	return listed;
}

int pty_next_index(unsigned from)
{
	int found = -1;

	mutex_lock(&pty_table_lock);
	for (unsigned i = from; i < PTY_MAX && found < 0; i++)
		if (table[i])
			found = i;
	mutex_unlock(&pty_table_lock);
	return found;
}

static size_t slave_write(struct tty *tty, const char *text, size_t len)
{
	struct pty *pty = tty->context;
	uint64_t irq_flags = spin_lock_irq(&pty->lock);
	size_t taken = MIN(len, (size_t)(PTY_RING_SIZE - (pty->head - pty->tail)));

	for (size_t i = 0; i < taken;) {
		unsigned start = pty->head % PTY_RING_SIZE;
		size_t run = MIN(taken - i, (size_t)(PTY_RING_SIZE - start));

		memcpy(pty->ring + start, text + i, run);
		pty->head += run;
		i += run;
	}
	spin_unlock_irq(&pty->lock, irq_flags);
	if (taken)
		wake_all(&pty->master_read);
	return taken;
}

static size_t slave_write_room(struct tty *tty)
{
	struct pty *pty = tty->context;
	uint64_t irq_flags = spin_lock_irq(&pty->lock);
	size_t room = PTY_RING_SIZE - (pty->head - pty->tail);

	spin_unlock_irq(&pty->lock, irq_flags);
	return room;
}

/* What Linux would have handed to the master has arrived there and stays: an interrupt key takes no output away that nobody has read yet. */
static void slave_flush_output(struct tty *tty)
{
	struct pty *pty = tty->context;
	uint64_t irq_flags = spin_lock_irq(&pty->lock);

	pty->head = pty->tail + MIN(pty->head - pty->tail, (unsigned)PTY_ARRIVED);
	spin_unlock_irq(&pty->lock, irq_flags);
}

static int slave_open(struct tty *tty)
{
	struct pty *pty = tty->context;

	if (!pty->master_open || pty->locked)
		return -EIO;
	uint64_t irq_flags = spin_lock_irq(&pty->lock);

	pty->slave_closed = false;
	spin_unlock_irq(&pty->lock, irq_flags);
	return 0;
}

static void slave_last_close(struct tty *tty)
{
	struct pty *pty = tty->context;
	uint64_t irq_flags = spin_lock_irq(&pty->lock);

	pty->slave_closed = true;
	spin_unlock_irq(&pty->lock, irq_flags);
	wake_all(&pty->master_read);
	wake_all(&pty->master_write);
}

static void slave_unthrottle(struct tty *tty)
{
	struct pty *pty = tty->context;

	wake_all(&pty->master_write);
}

static void add_packet_status(struct pty *pty, uint8_t set, uint8_t clear)
{
	uint64_t irq_flags = spin_lock_irq(&pty->lock);
	bool packet = pty->packet;

	if (packet)
		pty->packet_status = (pty->packet_status & ~clear) | set;
	spin_unlock_irq(&pty->lock, irq_flags);
	if (packet)
		wake_all(&pty->master_read);
}

static void slave_events(struct tty *tty, unsigned events)
{
	struct pty *pty = tty->context;

	if (events & LINE_FLUSHED_INPUT)
		add_packet_status(pty, TIOCPKT_FLUSHREAD, 0);
	if (events & LINE_FLUSHED_OUTPUT)
		add_packet_status(pty, TIOCPKT_FLUSHWRITE, 0);
	if (events & LINE_STOPPED)
		add_packet_status(pty, TIOCPKT_STOP, TIOCPKT_START);
	if (events & LINE_STARTED)
		add_packet_status(pty, TIOCPKT_START, TIOCPKT_STOP);
}

/* Can the master's user stop output with ^S and ^Q himself? (tty_ioctl(4), packet mode) */
static bool flow_by_usual_keys(const struct ktermios *termios)
{
	return (termios->c_iflag & IXON) && termios->c_cc[VSTOP] == ('S' & 0x1f) && termios->c_cc[VSTART] == ('Q' & 0x1f);
}

static void slave_settings_changed(struct tty *tty, const struct ktermios *old, const struct ktermios *now)
{
	struct pty *pty = tty->context;
	bool was = flow_by_usual_keys(old), is = flow_by_usual_keys(now);

	if (was != is)
		add_packet_status(pty, is ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP, is ? TIOCPKT_NOSTOP : TIOCPKT_DOSTOP);
	if ((old->c_lflag | now->c_lflag) & EXTPROC)
		add_packet_status(pty, TIOCPKT_IOCTL, 0);
	/* The line between the two is always clean and 8 bits wide. */
	uint64_t irq_flags = spin_lock_irq(&tty->lock);

	tty->line.termios.c_cflag = (tty->line.termios.c_cflag & ~(CSIZE | PARENB)) | CS8 | CREAD;
	spin_unlock_irq(&tty->lock, irq_flags);
}

static void slave_initial_settings(struct ktermios *termios)
{
	termios->c_iflag &= ~IUTF8;
	termios->c_cflag &= ~HUPCL;
}

static void slave_destroy(struct tty *tty)
{
	struct pty *pty = tty->context;

	mutex_lock(&pty_table_lock);
	list_remove(&pty->link);
	mutex_unlock(&pty_table_lock);
	kfree(pty);
}

static const struct tty_driver slave_driver = {
	.write = slave_write, .write_room = slave_write_room, .flush_output = slave_flush_output,
	.open = slave_open, .last_close = slave_last_close, .initial_settings = slave_initial_settings,
	.settings_changed = slave_settings_changed, .unthrottle = slave_unthrottle, .events = slave_events,
	.destroy = slave_destroy,
};

int pty_slave_open(struct pty *pty, struct file *file)
{
	return tty_open(pty->slave, file, 0);
}

/* Gives @pty the lowest free index. */
static int table_add(struct pty *pty)
{
	int error = -ENOSPC;

	mutex_lock(&pty_table_lock);
	for (unsigned i = 0; i < PTY_MAX; i++) {
		if (table[i])
			continue;
		/* The slave's name and number must be right before anybody can find it. */
		pty->index = i;
		pty->serial = next_serial++;
		pty->slave->dev = make_dev(PTY_SLAVE_MAJOR, i);
		snprintf(pty->slave->name, sizeof(pty->slave->name), "pts/%u", i);
		table[i] = pty;
		list_push_back(&all, &pty->link);
		error = 0;
		break;
	}
	mutex_unlock(&pty_table_lock);
	return error;
}

static struct pty *pty_create(void)
{
	const struct credentials *credentials = credentials_current();
	struct devpts_options options = devpts_options_get();
	struct pty *pty = kzalloc(sizeof(*pty));

	if (!pty)
		return NULL;
	list_init(&pty->link);
	spinlock_init(&pty->lock, LOCK_PTY);
	wait_queue_init(&pty->master_read);
	wait_queue_init(&pty->master_write);
	pty->master_open = true;
	pty->locked = true;
	pty->uid = credentials->fsuid;
	pty->gid = options.has_gid ? options.gid : credentials->fsgid;
	pty->mode = options.mode;
	pty->atime = pty->mtime = pty->ctime = clock_realtime_ns();
	pty->slave = tty_alloc("pts", 0, &slave_driver, pty);
	if (!pty->slave) {
		kfree(pty);
		return NULL;
	}
	pty->slave->line.never_stops_input = true;
	return pty;
}

int ptmx_open(struct file *file)
{
	struct pty *pty = pty_create();

	if (!pty)
		return -ENOMEM;
	int error = table_add(pty);

	if (error) {
		tty_put(pty->slave);
		return error;
	}
	file->ops = &pty_master_ops;
	file->private = pty;
	return 0;
}

void pty_table_remove(struct pty *pty)
{
	mutex_lock(&pty_table_lock);
	table[pty->index] = NULL;
	mutex_unlock(&pty_table_lock);
}

static int ptmx_device_open(struct char_device *device, unsigned minor, struct file *file)
{
	return ptmx_open(file);
}

static struct char_device ptmx_device = {
	.major = PTMX_MAJOR, .minor = PTMX_MINOR, .minor_count = 1, .name = "ptmx", .mode = 0666, .ops = &pty_master_ops,
	.open = ptmx_device_open,
};

void pty_init(void)
{
	char_device_register(&ptmx_device);
	devpts_init();
}
