/* SPDX-License-Identifier: MIT */
/* What a file system tells inotify (watch.h) while it renames; apart, because file systems are tested on the host without the VFS. */
#pragma once

#include "vfs/fs.h"

#if defined(INOTIFY) && !defined(HOST_TEST)

/* The name of @node, which has @links others, was given to another node by the rename of the calling thread. */
void inotify_replaced_node(struct fs_node_id node, uint32_t links);

#else

static inline void inotify_replaced_node(struct fs_node_id node, uint32_t links) { }

#endif
