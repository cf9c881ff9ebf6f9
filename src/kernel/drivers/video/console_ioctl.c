/* SPDX-License-Identifier: MIT */
/*
 * ioctl(2) of virtual consoles, as chvt, deallocvt and fgconsole use it (console_ioctl(4), vt.h, kd.h). A console is always in text
 * mode and switched by the kernel alone: programs that want to draw themselves, or be asked before a switch, hear EINVAL.
 */
#include "drivers/video/consoles.h"
#include <linux/kd.h>
#include <linux/vt.h>
#include "lib/errno.h"
#include "mm/user_copy.h"
#include "security/capabilities.h"
#include "tty/tty.h"

/* On Linux: who has it as controlling terminal, or may configure terminals. */
static bool may_configure(const struct tty *tty)
{
	return tty_controls_caller(tty) || capabilities_may_administer();
}

static long find_unused(uint64_t argument)
{
	uint32_t found = -1;

	for (unsigned number = VIDEO_CONSOLES; number; number--)
		if (!console_is_open(number))
			found = number;
	return put_user_u32(argument, found);
}

static long give_state(uint64_t argument)
{
	struct vt_stat state = { .v_active = console_shown_number(), .v_state = 1 /* tty0 */ };

	for (unsigned number = 1; number <= VIDEO_CONSOLES; number++)
		state.v_state |= console_is_open(number) << number;
	return copy_to_user(argument, &state, sizeof(state)) ? -EFAULT : 0;
}

static long give_mode(uint64_t argument)
{
	struct vt_mode mode = { .mode = VT_AUTO };

	return copy_to_user(argument, &mode, sizeof(mode)) ? -EFAULT : 0;
}

static long set_mode(uint64_t argument)
{
	struct vt_mode mode;

	if (copy_from_user(&mode, argument, sizeof(mode)))
		return -EFAULT;
	return mode.mode == VT_AUTO ? 0 : -EINVAL;
}

/* 0: all that are neither open nor shown. */
static long give_back(uint64_t number)
{
	if (number > VIDEO_CONSOLES)
		return -ENXIO;
	if (number)
		return console_free(number);
	for (unsigned each = 1; each <= VIDEO_CONSOLES; each++)
		console_free(each);
	return 0;
}

static long wait_shown(uint64_t number)
{
	return number && number <= VIDEO_CONSOLES ? console_wait_shown(number) : -ENXIO;
}

static long change(unsigned request, uint64_t argument)
{
	switch (request) {
	case VT_ACTIVATE:
		return argument <= VIDEO_CONSOLES && video_show_console(argument) ? 0 : -ENXIO;
	case VT_WAITACTIVE:
		return wait_shown(argument);
	case VT_SETMODE:
		return set_mode(argument);
	case KDSETMODE:
		return argument == KD_TEXT ? 0 : -EINVAL;
	default:	/* KDSKBMODE */
		return argument == K_UNICODE || argument == K_XLATE ? 0 : -EINVAL;
	}
}

long console_ioctl(struct tty *tty, unsigned request, uint64_t argument)
{
	switch (request) {
	case VT_OPENQRY:
		return find_unused(argument);
	case VT_GETSTATE:
		return give_state(argument);
	case VT_GETMODE:
		return give_mode(argument);
	case VT_DISALLOCATE:
		return give_back(argument);
	case VT_ACTIVATE:
	case VT_WAITACTIVE:
	case VT_SETMODE:
	case KDSETMODE:
	case KDSKBMODE:
		return may_configure(tty) ? change(request, argument) : -EPERM;
	case KDGETMODE:
		return put_user_u32(argument, KD_TEXT);
	case KDGKBMODE:
		return put_user_u32(argument, K_UNICODE);
	case KDGKBTYPE:
		return copy_to_user(argument, &(char){ KB_101 }, 1) ? -EFAULT : 0;
	default:
		return -ENOTTY;
	}
}
