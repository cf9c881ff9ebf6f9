/* SPDX-License-Identifier: MIT */
/* The file systems that the manager mounts before anything else runs, and unmounts last; and what becomes of them when the root is another one. */
#ifndef SERVERS_LIB_BOOT_MOUNTS_H
#define SERVERS_LIB_BOOT_MOUNTS_H

#include <stdbool.h>

/* Each failure is logged, and the next is tried. */
void mounts_all(void);

/* In reverse order, best effort; the root becomes read-only: 0, or -1 and errno where it does not. */
int mounts_release(void);

/*
 * Mounts @source at @directory. At "/" it takes the place of the root: what mounts_all() mounted is there too, every process finds itself in the new root,
 * and the old one is gone. Only whoever can wait for the file system calls this. Returns NULL, or what failed, with errno; then all is as it was.
 */
const char *mounts_mount(const char *source, const char *directory, const char *type, const char *options);

/* Is @source mounted at @directory? */
bool mounts_has(const char *source, const char *directory);

/* Takes away what a mounts_mount() of "/" that did not live to its end has left. */
void mounts_clean_up(void);

#endif
