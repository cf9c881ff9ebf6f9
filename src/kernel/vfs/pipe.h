/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: pipes and FIFOs. */
#pragma once

#include "lib/types.h"

enum { PIPE_PAGES_MAX = 256 };	/* 1 MiB for ordinary users */

struct file;

void pipe_init(void);
size_t pipe_count(void);

/* Opens @file, whose vnode is a FIFO: waits for the other side unless O_NONBLOCK or O_RDWR. Sets its operations. 0 or negative errno. */
int pipe_open_fifo(struct file *file);

/* F_GETPIPE_SZ, F_SETPIPE_SZ: bytes, or -EBADF when @file is no pipe. */
long pipe_get_size(struct file *file);
long pipe_set_size(struct file *file, uint64_t size);
