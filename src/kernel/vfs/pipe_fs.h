/* SPDX-License-Identifier: MIT */
/* The internal file system, without names, where the vnodes of pipes live. */
#pragma once

#include "vfs/path.h"

int pipe_fs_init(void);		/* 0 or -ENOMEM */

/* A vnode outside any directory for a new pipe, and its place, with a reference. 0 or -ENOMEM. */
int pipe_fs_new_place(struct path *path);
