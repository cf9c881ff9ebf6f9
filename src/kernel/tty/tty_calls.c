/* SPDX-License-Identifier: MIT */
/* System calls about terminals, and what others on files ask of them. */
#include "lib/errno.h"
#include "process/process.h"
#include "syscall_prototypes.h"
#include "tty/tty_private.h"
#include "vfs/file.h"

int tty_default_owner(const struct file *file)
{
	int group = file->ops == &tty_file_ops ? atomic_load(&((const struct tty_file *)file->private)->tty->foreground_pgid) : 0;

	return group ? -group : current_process()->pid;
}

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
