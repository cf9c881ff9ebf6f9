/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: permission checks. Attributes are read without attr_lock: each field is one word, and a change that races could have come later. */
#pragma once

#include "process/credentials.h"
#include "vfs/vnode.h"

enum { PERMIT_EXECUTE = 1, PERMIT_WRITE = 2, PERMIT_READ = 4 };

/* Do the bits of the caller's class (owner, group or other) contain @mask? For who is not root. */
bool permission_class_allows(const struct vnode *vnode, unsigned mask, const struct credentials *credentials);

/* May the caller search directory @vnode? The common cases inline: the path walk asks at each component. */
static inline bool permission_search(const struct vnode *vnode, const struct credentials *credentials)
{
	uint32_t mode = atomic_load_relaxed(&vnode->attr.mode);

	return credentials->fsuid == 0 || (mode & 0111) == 0111 || permission_class_allows(vnode, PERMIT_EXECUTE, credentials);
}

/* @mode without what makes a program set-id: set-gid without group execute does not (it once meant mandatory locking). */
uint32_t permission_without_set_id(uint32_t mode);

/* May the caller remove or rename @victim, given the sticky bit of @directory? 0 or -EPERM. */
int permission_check_sticky(const struct vnode *directory, const struct vnode *victim);
