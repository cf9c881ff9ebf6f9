/* SPDX-License-Identifier: MIT */
/* Which virtual console is on the screen (console_switch.h). */
#include "console_switch.h"

#include <fcntl.h>
#include <linux/vt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static volatile sig_atomic_t switched;

static void on_switch(int number)
{
	(void)number;
	switched = 1;
}

void console_switch_watch(void)
{
	struct sigaction action = { .sa_handler = on_switch };

	sigaction(SIGWINCH, &action, NULL);
}

const char *console_switch_take(void)
{
	static char name[12];
	struct vt_stat state;
	int fd;

	if (!switched)
		return NULL;
	switched = 0;
	fd = open("/dev/tty0", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (ioctl(fd, VT_GETSTATE, &state) == 0)
		snprintf(name, sizeof(name), "tty%u", state.v_active);
	else
		name[0] = '\0';
	close(fd);
	return name;
}
