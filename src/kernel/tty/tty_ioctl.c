/* SPDX-License-Identifier: MIT */
/* ioctl(2) of terminals, but for settings (tty_termios.c) and controlling terminals (job_control.c). */
#include "tty/tty_private.h"
#include <asm/signal.h>
#include <linux/fcntl.h>
#include "lib/errno.h"
#include "mm/user_copy.h"
#include "process/signal.h"
#include "process/credentials.h"
#include "sched/clock.h"
#include "sched/thread.h"
#include "security/capabilities.h"

enum { LINE_DISCIPLINE_TTY = 0, BREAK_MS = 250, BREAK_UNIT_MS = 100 };

static long get_size(struct tty *tty, uint64_t argument)
{
	uint64_t irq_flags = spin_lock_irq(&tty->lock);
	struct winsize size = tty->size;

	spin_unlock_irq(&tty->lock, irq_flags);
	return copy_to_user(argument, &size, sizeof(size));
}

static long set_size(struct tty *tty, uint64_t argument)
{
	struct winsize size;

	if (copy_from_user(&size, argument, sizeof(size)))
		return -EFAULT;
	tty_set_size(tty, size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel);
	return 0;
}

static long input_count(struct tty *tty, uint64_t argument)
{
	uint64_t irq_flags = spin_lock_irq(&tty->lock);
	size_t count = line_input_count(&tty->line);

	spin_unlock_irq(&tty->lock, irq_flags);
	return put_user_u32(argument, count);
}

static long output_count(struct tty *tty, uint64_t argument)
{
	uint64_t irq_flags = spin_lock_irq(&tty->lock);
	size_t count = tty->line.echo_head - tty->line.echo_tail;

	if (tty->driver->output_pending)
		count += tty->driver->output_pending(tty);
	spin_unlock_irq(&tty->lock, irq_flags);
	return put_user_u32(argument, count);
}

static long flush(struct tty *tty, uint64_t queue)
{
	int error = tty_check_background(tty, SIGTTOU);

	if (error)
		return error;
	if (queue > TCIOFLUSH)
		return -EINVAL;
	uint64_t irq_flags = spin_lock_irq(&tty->lock);

	if (queue != TCOFLUSH)
		line_flush_input(&tty->line);
	if (queue != TCIFLUSH)
		line_flush_output(&tty->line);
	tty_unlock_and_act(tty, irq_flags);
	return 0;
}

static long control_flow(struct tty *tty, uint64_t action)
{
	int error = tty_check_background(tty, SIGTTOU);

	if (error)
		return error;
	if (action > TCION)
		return -EINVAL;
	uint64_t irq_flags = spin_lock_irq(&tty->lock);

	switch (action) {
	case TCOOFF:
		line_stop(&tty->line, true);
		break;
	case TCOON:
		line_start(&tty->line, true);
		break;
	case TCIOFF:
	case TCION:
		line_send_flow(&tty->line, action == TCIOFF);
		break;
	}
	tty_unlock_and_act(tty, irq_flags);
	return 0;
}

/* TCSBRK and TCSBRKP: waits for the output; then a break of @ms, none if 0. */
static long drain_and_break(struct tty *tty, unsigned ms)
{
	int error = tty_check_background(tty, SIGTTOU);

	if (!error)
		error = tty_drain(tty);
	if (error || !ms || !tty->driver->set_break)
		return error;
	tty->driver->set_break(tty, true);
	error = sched_sleep_until(clock_monotonic_ns() + ms * NS_PER_MS, true);
	tty->driver->set_break(tty, false);
	return error ? -EINTR : 0;
}

static long switch_break(struct tty *tty, bool on)
{
	int error = tty_check_background(tty, SIGTTOU);

	if (error)
		return error;
	if (tty->driver->set_break)
		tty->driver->set_break(tty, on);
	return 0;
}

static long set_exclusive(struct tty *tty, bool on)
{
	uint64_t irq_flags = spin_lock_irq(&tty->lock);

	tty->exclusive = on;
	spin_unlock_irq(&tty->lock, irq_flags);
	return 0;
}

static long set_discipline(uint64_t argument)
{
	uint32_t number;

	if (get_user_u32(&number, argument))
		return -EFAULT;
	return number == LINE_DISCIPLINE_TTY ? 0 : -EINVAL;
}

static long modem(struct tty *tty, unsigned request, uint64_t argument)
{
	uint32_t bits;

	if (!tty->driver->modem_get)
		return -ENOTTY;
	if (request == TIOCMGET)
		return put_user_u32(argument, tty->driver->modem_get(tty));
	if (get_user_u32(&bits, argument))
		return -EFAULT;
	tty->driver->modem_set(tty, request == TIOCMBIC ? 0 : bits, request == TIOCMBIC ? bits : request == TIOCMSET ? ~bits : 0);
	return 0;
}

static long set_nonblocking(struct file *file, uint64_t argument)
{
	uint32_t on;

	if (get_user_u32(&on, argument))
		return -EFAULT;
	if (on)
		atomic_or(&file->flags, O_NONBLOCK);
	else
		atomic_and(&file->flags, ~O_NONBLOCK);
	return 0;
}

static long hang_up(struct tty *tty)
{
	if (!capabilities_may_administer())
		return -EPERM;
	tty_hangup(tty);
	return 0;
}

long tty_ioctl_common(struct tty *tty, struct file *file, bool master, unsigned request, uint64_t argument)
{
	long result = tty_ioctl_control(tty, file, master, request, argument);

	if (result == -ENOIOCTLCMD)
		result = tty_ioctl_termios(tty, request, argument);
	if (result != -ENOIOCTLCMD)
		return result;
	switch (request) {
	case TIOCGWINSZ:
		return get_size(tty, argument);
	case TIOCSWINSZ:
		return set_size(tty, argument);
	case TIOCEXCL:
		return set_exclusive(tty, true);
	case TIOCNXCL:
		return set_exclusive(tty, false);
	case TIOCGEXCL:
		return put_user_u32(argument, tty->exclusive);
	case TIOCGETD:
		return put_user_u32(argument, LINE_DISCIPLINE_TTY);
	case TIOCSETD:
		return set_discipline(argument);
	case TIOCSTI:
		/* Typing for others is how one terminal's programs took over another's user. */
		return -EIO;
	case TIOCVHANGUP:
		return hang_up(tty);
	case FIONBIO:
		return set_nonblocking(file, argument);
	default:
		return -ENOIOCTLCMD;
	}
}

static long device_ioctl(struct tty *tty, unsigned request, uint64_t argument)
{
	switch (request) {
	case FIONREAD:
		return input_count(tty, argument);
	case TIOCOUTQ:
		return output_count(tty, argument);
	case TCFLSH:
		return flush(tty, argument);
	case TCXONC:
		return control_flow(tty, argument);
	case TCSBRK:
		return drain_and_break(tty, argument ? 0 : BREAK_MS);
	case TCSBRKP:
		return drain_and_break(tty, argument ? MIN(argument, 100u) * BREAK_UNIT_MS : BREAK_MS);
	case TIOCSBRK:
		return switch_break(tty, true);
	case TIOCCBRK:
		return switch_break(tty, false);
	case TIOCMGET:
	case TIOCMSET:
	case TIOCMBIS:
	case TIOCMBIC:
		return modem(tty, request, argument);
	case TIOCGDEV:
		return put_user_u32(argument, tty->dev);
	default:
		return tty->driver->ioctl ? tty->driver->ioctl(tty, request, argument) : -ENOTTY;
	}
}

long tty_ioctl(struct file *file, unsigned request, uint64_t argument)
{
	struct tty_file *tty_file = file->private;
	struct tty *tty = tty_file->tty;

	if (tty_file_hung_up(tty_file))
		return request == TIOCSPGRP ? -ENOTTY : -EIO;
	long result = tty_ioctl_common(tty, file, false, request, argument);

	return result == -ENOIOCTLCMD ? device_ioctl(tty, request, argument) : result;
}
