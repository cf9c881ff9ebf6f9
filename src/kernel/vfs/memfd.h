/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: files without a name (memfd_create), and seals. */
#pragma once

#include "lib/types.h"

struct file;
struct vnode;

void memfd_init(void);		/* after the file systems */

/* A new file, as memfd_create(@name, MFD_ALLOW_SEALING) makes it; one reference. NULL with *error. May sleep. */
struct file *memfd_create_file(const char *name, int *error);
/* Is @vnode such a file? It lies in nobody's tree, so that who has it may put it where he may mount. */
bool memfd_is(const struct vnode *vnode);
/* Sets every seal: from now on nobody changes it. 0 or -EBUSY. May sleep. */
int memfd_seal(struct file *file);

/* fcntl F_ADD_SEALS and F_GET_SEALS, for any file: 0 or the seals; -EINVAL where there are none, -EPERM, -EBUSY. May sleep. */
long memfd_add_seals(struct file *file, uint64_t seals);
long memfd_get_seals(struct file *file);

/* May fallocate do @mode to [offset, offset + len)? 0, or -EPERM where seals forbid it. vnode->write_lock held. */
int memfd_check_allocate(struct vnode *vnode, int mode, uint64_t offset, uint64_t len);
