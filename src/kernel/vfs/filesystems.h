/* SPDX-License-Identifier: MIT */
/* The file systems and plain character devices that are part of the kernel. */
#pragma once

/* Registers tmpfs, devfs and proc as types, and /dev/null and its kin. Called by vfs_init(). */
void filesystems_init(void);
