/* SPDX-License-Identifier: MIT */
/* System calls about terminals. */
#include "lib/errno.h"
#include "process/credentials.h"
#include "syscall_prototypes.h"
#include "tty/tty_private.h"

long sys_vhangup(void)
{
	if (!credentials_is_root(credentials_current()))
		return -EPERM;
	struct tty *tty = tty_of_caller();

	if (tty) {
		tty_hangup(tty);
		tty_put(tty);
	}
	return 0;
}
