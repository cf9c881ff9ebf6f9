/* SPDX-License-Identifier: MIT */
/* The file systems that the manager mounts before anything else runs, and unmounts last. */
#ifndef MANAGER_MOUNTS_H
#define MANAGER_MOUNTS_H

/* Each failure is logged, and the next is tried. */
void mounts_all(void);

/* In reverse order, best effort; the root becomes read-only. */
void mounts_release(void);

#endif
