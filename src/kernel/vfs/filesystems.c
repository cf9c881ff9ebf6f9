/* SPDX-License-Identifier: MIT */
/* The list of file systems inside the kernel. */
#include "vfs/filesystems.h"
#include "drivers/memdev/memdev.h"
#include "vfs/devfs/devfs.h"
#include "vfs/procfs/procfs.h"
#include "vfs/served/served.h"
#include "vfs/tmpfs/tmpfs.h"

void filesystems_init(void)
{
	tmpfs_register();
	devfs_register();
	procfs_register();
	served_register();
	memdev_init();
}
