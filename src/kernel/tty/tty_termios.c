/* SPDX-License-Identifier: MIT */
/* Getting and changing terminal settings: TCGETS and its older and newer relatives. */
#include "tty/tty_private.h"
#include <asm/signal.h>
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/user_copy.h"
#include "security/capabilities.h"

/* Speeds by their B… code; the codes after B38400 start again at CBAUDEX | 1 (B57600). */
static const unsigned speeds[] = { 0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400 };
static const unsigned fast_speeds[] = { 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000,
					2000000, 2500000, 3000000, 3500000, 4000000 };

static unsigned speed_of_code(unsigned code, unsigned other)
{
	if (code == BOTHER)
		return other;
	if (!(code & CBAUDEX))
		return speeds[code & 0xf];
	unsigned index = (code & 0xf) - 1;

	return index < ARRAY_LEN(fast_speeds) ? fast_speeds[index] : other;
}

unsigned tty_baud(const struct ktermios *termios)
{
	return speed_of_code(termios->c_cflag & CBAUD, termios->c_ospeed);
}

static void set_speeds(struct ktermios *termios)
{
	unsigned input_code = termios->c_cflag >> IBSHIFT & CBAUD;

	termios->c_ospeed = tty_baud(termios);
	termios->c_ispeed = input_code ? speed_of_code(input_code, termios->c_ispeed) : termios->c_ospeed;
}

static void get_termios(struct tty *tty, struct ktermios *termios)
{
	uint64_t irq_flags = spin_lock_irq(&tty->lock);

	*termios = tty->line.termios;
	spin_unlock_irq(&tty->lock, irq_flags);
}

static void to_old(const struct ktermios *termios, struct termio *old)
{
	memset(old, 0, sizeof(*old));
	old->c_iflag = termios->c_iflag;
	old->c_oflag = termios->c_oflag;
	old->c_cflag = termios->c_cflag;
	old->c_lflag = termios->c_lflag;
	old->c_line = termios->c_line;
	memcpy(old->c_cc, termios->c_cc, NCC);
}

/* The old structure has the low 16 bits and the first control characters only; the rest stays. */
static void from_old(const struct termio *old, struct ktermios *termios)
{
	termios->c_iflag = (termios->c_iflag & ~0xffffu) | old->c_iflag;
	termios->c_oflag = (termios->c_oflag & ~0xffffu) | old->c_oflag;
	termios->c_cflag = (termios->c_cflag & ~0xffffu) | old->c_cflag;
	termios->c_lflag = (termios->c_lflag & ~0xffffu) | old->c_lflag;
	termios->c_line = old->c_line;
	memcpy(termios->c_cc, old->c_cc, NCC);
}

enum layout { LAYOUT_TERMIO, LAYOUT_TERMIOS, LAYOUT_TERMIOS2 };
enum when { WHEN_NOW, WHEN_DRAINED, WHEN_DRAINED_AND_FLUSHED };

static int read_settings(enum layout layout, uint64_t argument, struct ktermios *termios)
{
	struct termio old;

	switch (layout) {
	case LAYOUT_TERMIO:
		if (copy_from_user(&old, argument, sizeof(old)))
			return -EFAULT;
		from_old(&old, termios);
		return 0;
	case LAYOUT_TERMIOS:
		return copy_from_user(termios, argument, sizeof(struct termios));
	case LAYOUT_TERMIOS2:
		return copy_from_user(termios, argument, sizeof(struct termios2));
	}
	return -EINVAL;
}

/* Takes the bits of @before that are in @locked. */
#define KEEP(field) (now->field = (now->field & ~locked->field) | (before->field & locked->field))

/* tty->lock held. */
static void keep_locked(struct ktermios *now, const struct ktermios *before, const struct ktermios *locked)
{
	KEEP(c_iflag);
	KEEP(c_oflag);
	KEEP(c_cflag);
	KEEP(c_lflag);
	if (locked->c_line)
		now->c_line = before->c_line;
	for (unsigned i = 0; i < NCCS; i++)
		if (locked->c_cc[i])
			now->c_cc[i] = before->c_cc[i];
}

static long set_settings(struct tty *tty, enum layout layout, enum when when, uint64_t argument)
{
	struct ktermios now, before;
	int error = tty_check_background(tty, SIGTTOU);

	if (error)
		return error;
	get_termios(tty, &now);
	error = read_settings(layout, argument, &now);
	if (error)
		return error;
	if (when != WHEN_NOW) {
		error = tty_drain(tty);
		if (error)
			return error;
	}
	uint64_t irq_flags = spin_lock_irq(&tty->lock);

	if (when == WHEN_DRAINED_AND_FLUSHED)
		line_flush_input(&tty->line);
	before = tty->line.termios;
	keep_locked(&now, &before, &tty->locked);
	set_speeds(&now);
	line_set_termios(&tty->line, &now);
	tty_unlock_and_act(tty, irq_flags);
	if (tty->driver->settings_changed)
		tty->driver->settings_changed(tty, &before, &now);
	return 0;
}

static long get_locked(struct tty *tty, uint64_t argument)
{
	uint64_t irq_flags = spin_lock_irq(&tty->lock);
	struct ktermios locked = tty->locked;

	spin_unlock_irq(&tty->lock, irq_flags);
	return copy_to_user(argument, &locked, sizeof(struct termios));
}

static long set_locked(struct tty *tty, uint64_t argument)
{
	struct ktermios locked = { 0 };

	if (!capabilities_may_administer())
		return -EPERM;
	if (copy_from_user(&locked, argument, sizeof(struct termios)))
		return -EFAULT;
	uint64_t irq_flags = spin_lock_irq(&tty->lock);

	tty->locked = locked;
	spin_unlock_irq(&tty->lock, irq_flags);
	return 0;
}

static long get_settings(struct tty *tty, enum layout layout, uint64_t argument)
{
	struct ktermios termios;
	struct termio old;

	get_termios(tty, &termios);
	if (layout == LAYOUT_TERMIO) {
		to_old(&termios, &old);
		return copy_to_user(argument, &old, sizeof(old));
	}
	return copy_to_user(argument, &termios, layout == LAYOUT_TERMIOS2 ? sizeof(struct termios2) : sizeof(struct termios));
}

long tty_ioctl_termios(struct tty *tty, unsigned request, uint64_t argument)
{
	switch (request) {
	case TIOCGLCKTRMIOS:
		return get_locked(tty, argument);
	case TIOCSLCKTRMIOS:
		return set_locked(tty, argument);
	case TCGETA:
		return get_settings(tty, LAYOUT_TERMIO, argument);
	case TCGETS:
		return get_settings(tty, LAYOUT_TERMIOS, argument);
	case TCGETS2:
		return get_settings(tty, LAYOUT_TERMIOS2, argument);
	case TCSETA:
		return set_settings(tty, LAYOUT_TERMIO, WHEN_NOW, argument);
	case TCSETAW:
		return set_settings(tty, LAYOUT_TERMIO, WHEN_DRAINED, argument);
	case TCSETAF:
		return set_settings(tty, LAYOUT_TERMIO, WHEN_DRAINED_AND_FLUSHED, argument);
	case TCSETS:
		return set_settings(tty, LAYOUT_TERMIOS, WHEN_NOW, argument);
	case TCSETSW:
		return set_settings(tty, LAYOUT_TERMIOS, WHEN_DRAINED, argument);
	case TCSETSF:
		return set_settings(tty, LAYOUT_TERMIOS, WHEN_DRAINED_AND_FLUSHED, argument);
	case TCSETS2:
		return set_settings(tty, LAYOUT_TERMIOS2, WHEN_NOW, argument);
	case TCSETSW2:
		return set_settings(tty, LAYOUT_TERMIOS2, WHEN_DRAINED, argument);
	case TCSETSF2:
		return set_settings(tty, LAYOUT_TERMIOS2, WHEN_DRAINED_AND_FLUSHED, argument);
	default:
		return -ENOIOCTLCMD;
	}
}
