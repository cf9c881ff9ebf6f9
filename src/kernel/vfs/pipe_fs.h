/* SPDX-License-Identifier: MIT */
/* The internal file system, without names, where the vnodes of pipes live, and where other files without a path seem to be. */
#pragma once

#include "vfs/path.h"

int pipe_fs_init(void);		/* 0 or -ENOMEM */

/* A vnode outside any directory for a new pipe, and its place, with a reference. 0 or -ENOMEM. */
int pipe_fs_new_place(struct path *path);

/*
 * A place, with a reference, for who follows /proc/PID/fd/N to a @file without a path: it has the file's attributes, but cannot be opened, and so is
 * of no type where that is not a socket. 0, -ENOMEM, or what the file's getattr says. May sleep.
 */
struct file;
int pipe_fs_place_of(struct file *file, struct path *path);

/* The device number of all these. */
uint64_t pipe_fs_dev(void);
