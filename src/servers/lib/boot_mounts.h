/* SPDX-License-Identifier: MIT */
/* The file systems that the manager mounts before anything else runs, and unmounts last; and what becomes of them when the root is another one. */
#ifndef SERVERS_LIB_BOOT_MOUNTS_H
#define SERVERS_LIB_BOOT_MOUNTS_H

#include <stdbool.h>

/* Each failure is logged, and the next is tried. */
void mounts_all(void);

/*
 * In reverse order, best effort, also what was mounted later: what cannot be unmounted becomes read-only, so that it is marked as clean, or is left after
 * some seconds. Then the root becomes read-only: 0, or -1 and errno where it does not. For a child of process 1's, or at the very end.
 */
int mounts_release(void);

/*
 * Mounts @source at @directory, with the flags among @options (mount_options.h). At "/" it takes the place of the root: what mounts_all() mounted is there
 * too, every process finds itself in the new root, and the old one is gone. Only whoever can wait for the file system calls this. Returns NULL, or what
 * failed, with errno; then all is as it was.
 */
const char *mounts_mount(const char *source, const char *directory, const char *type, const char *options);

/* Is @source mounted at @directory? */
bool mounts_has(const char *source, const char *directory);

/* Takes away what a mounts_mount() of "/" that did not live to its end has left. */
void mounts_clean_up(void);

#endif
