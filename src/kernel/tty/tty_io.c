/* SPDX-License-Identifier: MIT */
/* Terminal data: read, write and poll of programs, input and room from devices, and the events that the line discipline raises. */
#include "tty/tty_private.h"
#include "tty/claim.h"
#include <asm/signal.h>
#include <linux/fcntl.h>
#include "lib/errno.h"
#include "process/signal.h"
#include "sched/clock.h"

static struct tty *tty_of_line(struct line_discipline *line)
{
	return container_of(line, struct tty, line);
}

static size_t device_write(struct line_discipline *line, const char *text, size_t len)
{
	struct tty *tty = tty_of_line(line);

	return tty->driver->write(tty, text, len);
}

static size_t device_write_room(struct line_discipline *line)
{
	struct tty *tty = tty_of_line(line);

	return tty->driver->write_room ? tty->driver->write_room(tty) : SIZE_MAX;
}

static void device_flush(struct line_discipline *line)
{
	struct tty *tty = tty_of_line(line);

	if (tty->driver->flush_output)
		tty->driver->flush_output(tty);
}

const struct line_ops tty_line_ops = { .write = device_write, .write_room = device_write_room, .flush = device_flush };

void tty_unlock_and_act(struct tty *tty, uint64_t irq_flags)
{
	unsigned events = tty->line.events;

	tty->line.events = 0;
	spin_unlock_irq(&tty->lock, irq_flags);
	if (!events)
		return;
	if (events & LINE_SIGNAL_INTR)
		tty_signal_foreground(tty, SIGINT);
	if (events & LINE_SIGNAL_QUIT)
		tty_signal_foreground(tty, SIGQUIT);
	if (events & LINE_SIGNAL_SUSP)
		tty_signal_foreground(tty, SIGTSTP);
	if (tty->driver->events)
		tty->driver->events(tty, events);
	if ((events & LINE_INPUT_ROOM) && tty->driver->unthrottle)
		tty->driver->unthrottle(tty);
	if (events & LINE_READABLE)
		wake_all(&tty->read_queue);
	if (events & LINE_WRITABLE)
		wake_all(&tty->write_queue);
}

size_t tty_receive(struct tty *tty, const char *bytes, size_t len)
{
	uint64_t irq_flags = spin_lock_irq(&tty->lock);
	size_t taken = line_receive(&tty->line, bytes, len);

	tty_unlock_and_act(tty, irq_flags);
	return taken;
}

void tty_receive_error(struct tty *tty, enum tty_error error, char byte)
{
	static const enum line_error line_errors[] = {
		[TTY_BREAK] = LINE_BREAK, [TTY_PARITY_ERROR] = LINE_PARITY_ERROR, [TTY_FRAMING_ERROR] = LINE_FRAMING_ERROR,
		[TTY_OVERRUN] = LINE_OVERRUN,
	};
	uint64_t irq_flags = spin_lock_irq(&tty->lock);

	line_receive_error(&tty->line, line_errors[error], byte);
	tty_unlock_and_act(tty, irq_flags);
}

void tty_output_ready(struct tty *tty)
{
	uint64_t irq_flags = spin_lock_irq(&tty->lock);

	line_output_ready(&tty->line);
	tty_unlock_and_act(tty, irq_flags);
}

/* The system's console outlives every login on it: what process 1 holds must not go dead when a session there ends. */
bool tty_file_hung_up(const struct tty_file *tty_file)
{
	return !tty_file->console && tty_file->hangups != atomic_load(&tty_file->tty->hangups);
}

/* One read(2) under way: how long it waits, and for how much. */
struct read_state {
	size_t minimum;		/* not of a line, which its end completes */
	uint64_t between_ns;	/* VTIME between bytes */
	uint64_t deadline;	/* 0: does not wait */
};

static void read_begin(struct tty *tty, struct read_state *state)
{
	uint64_t irq_flags = spin_lock_irq(&tty->lock);
	const struct ktermios *termios = &tty->line.termios;
	uint64_t time_ns = termios->c_cc[VTIME] * 100 * NS_PER_MS;

	*state = (struct read_state){ .minimum = 1, .deadline = WAIT_FOREVER };
	if (!(termios->c_lflag & ICANON)) {
		if (termios->c_cc[VMIN]) {
			state->minimum = termios->c_cc[VMIN];
			state->between_ns = time_ns;
		} else {
			state->deadline = time_ns ? clock_monotonic_ns() + time_ns : 0;
		}
	}
	spin_unlock_irq(&tty->lock, irq_flags);
}

enum { READ_NOTHING = -1 };

/* Takes what is there into @chunk. READ_NOTHING when there is nothing; *done when the read ends with it. */
static ssize_t take_input(struct tty *tty, const struct read_state *state, char *chunk, size_t size, size_t total, bool *done)
{
	uint64_t irq_flags = spin_lock_irq(&tty->lock);
	ssize_t count = READ_NOTHING;

	*done = false;
	if (line_readable(&tty->line, false)) {
		count = line_read(&tty->line, chunk, size, done);
		if (total + count >= state->minimum && !line_readable(&tty->line, false))
			*done = true;
	}
	tty_unlock_and_act(tty, irq_flags);
	return count;
}

static int read_wait(struct tty_file *tty_file, struct file *file, struct waiter *waiter, const struct read_state *state)
{
	if (!state->deadline)
		return -ETIMEDOUT;
	if (atomic_load(&file->flags) & O_NONBLOCK)
		return -EAGAIN;
	return wait_block(waiter, state->deadline, WAIT_INTERRUPTIBLE);
}

static ssize_t read_claimed(struct tty_file *tty_file, struct file *file, struct uio *uio)
{
	struct tty *tty = tty_file->tty;
	struct read_state state;
	struct waiter waiter;
	char chunk[TTY_CHUNK];
	size_t total = 0;
	bool done = false;
	int error = 0;

	read_begin(tty, &state);
	wait_begin(&tty->read_queue, &waiter);
	while (uio->left && !done && !error) {
		if (tty_file_hung_up(tty_file)) {
			error = tty->device_gone ? -EIO : 0;
			break;
		}
		ssize_t count = take_input(tty, &state, chunk, MIN(uio->left, sizeof(chunk)), total, &done);

		if (count == READ_NOTHING) {
			error = read_wait(tty_file, file, &waiter, &state);
			continue;
		}
		size_t moved = uio_write_to(uio, chunk, count);

		total += moved;
		if (moved < count)
			error = -EFAULT;
		if (state.between_ns)
			state.deadline = clock_monotonic_ns() + state.between_ns;
	}
	wait_end(&waiter);
	if (error == -ETIMEDOUT)
		error = 0;
	return total ? (ssize_t)total : error;
}

ssize_t tty_file_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct tty_file *tty_file = file->private;
	struct tty *tty = tty_file->tty;

	if (tty_file_hung_up(tty_file) || !uio->left)
		return 0;
	int error = tty_file->console ? 0 : tty_check_background(tty, SIGTTIN);

	if (!error)
		error = tty_claim(&tty->lock, &tty->reading, &tty->read_queue, file);
	if (error)
		return error;
	ssize_t result = read_claimed(tty_file, file, uio);

	tty_unclaim(&tty->lock, &tty->reading, &tty->read_queue);
	return result;
}

/* Writes all of @chunk; returns how much went before a signal, EAGAIN or a hang-up, whose errno is in *error. */
static size_t write_chunk(struct tty_file *tty_file, struct file *file, const char *chunk, size_t len, struct waiter *waiter,
			  int *error)
{
	struct tty *tty = tty_file->tty;
	size_t done = 0;

	while (done < len && !*error) {
		if (tty_file_hung_up(tty_file)) {
			*error = -EIO;
			break;
		}
		uint64_t irq_flags = spin_lock_irq(&tty->lock);
		size_t taken = line_write(&tty->line, chunk + done, len - done);

		tty_unlock_and_act(tty, irq_flags);
		done += taken;
		if (taken)
			continue;
		*error = atomic_load(&file->flags) & O_NONBLOCK ? -EAGAIN : wait_block(waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
	}
	return done;
}

/* Adds what it has written to *total. -EFAULT: the next byte is not in memory now, or at all. */
static int write_claimed(struct tty_file *tty_file, struct file *file, struct uio *uio, size_t *total)
{
	struct tty *tty = tty_file->tty;
	struct waiter waiter;
	char chunk[TTY_CHUNK];
	int error = 0;

	wait_begin(&tty->write_queue, &waiter);
	while (uio->left && !error) {
		size_t wanted = MIN(uio->left, sizeof(chunk));
		size_t len = uio_read_from_now(uio, chunk, wanted);

		*total += write_chunk(tty_file, file, chunk, len, &waiter, &error);
		if (len < wanted && !error)
			error = -EFAULT;
		if (!error && signal_pending())
			error = -ERESTARTSYS;
	}
	wait_end(&waiter);
	return error;
}

ssize_t tty_file_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct tty_file *tty_file = file->private;
	struct tty *tty = tty_file->tty;
	size_t total = 0;
	int error = 0;

	if (tty_file_hung_up(tty_file))
		return -EIO;
	if (!tty_file->console && LINE_FLAG(&tty->line, c_lflag, TOSTOP))
		error = tty_check_background(tty, SIGTTOU);
	while (!error) {
		error = tty_claim(&tty->lock, &tty->writing, &tty->write_queue, file);
		if (error)
			break;
		error = write_claimed(tty_file, file, uio, &total);
		tty_unclaim(&tty->lock, &tty->writing, &tty->write_queue);
		if (error != -EFAULT)
			break;
		/* Memory may have to be waited for as long as a file system does not answer: others write meanwhile. */
		error = uio_page_in(uio, 1, false);
	}
	return total ? (ssize_t)total : error;
}

unsigned tty_file_poll(struct file *file, struct poll_table *table)
{
	struct tty_file *tty_file = file->private;
	struct tty *tty = tty_file->tty;
	unsigned ready = 0;

	poll_wait_for(table, &tty->read_queue, POLL_FOR_READERS);
	poll_wait_for(table, &tty->write_queue, POLL_FOR_WRITERS);
	if (tty_file_hung_up(tty_file))
		return POLL_IN | POLL_OUT | POLL_ERR | POLL_HUP | POLL_RDNORM | POLL_WRNORM;
	uint64_t irq_flags = spin_lock_irq(&tty->lock);

	if (line_readable(&tty->line, true))
		ready |= POLL_IN | POLL_RDNORM;
	if (line_writable(&tty->line))
		ready |= POLL_OUT | POLL_WRNORM;
	tty_unlock_and_act(tty, irq_flags);
	return ready;
}

int tty_drain(struct tty *tty)
{
	struct waiter waiter;
	int error = 0;

	/* What was written has left it, whether somebody reads it or not. */
	if (!tty->driver->drain)
		return 0;
	wait_begin(&tty->write_queue, &waiter);
	while (!error) {
		uint64_t irq_flags = spin_lock_irq(&tty->lock);
		bool waiting = tty->line.echo_head != tty->line.echo_tail && !tty->line.stopped;

		spin_unlock_irq(&tty->lock, irq_flags);
		if (!waiting)
			break;
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
	}
	wait_end(&waiter);
	return error ? error : tty->driver->drain(tty);
}
