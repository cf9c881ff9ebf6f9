/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: steps of mount(2) and umount2(2) on the mount tree, and going through it. */
#pragma once

#include "vfs/mount_tree.h"

void mount_attach_root(struct mount *mount);
/* Takes @mount out of the tree, @lazy with all that is mounted below it. @users: references that the caller itself holds. 0, -EBUSY or -EINVAL. */
int mount_detach(struct mount *mount, unsigned users, bool lazy);
/* The mount after @previous (whose reference is put) in the tree, referenced; NULL at the end. Start with NULL. If @previous left the tree: the end. */
struct mount *mount_next(struct mount *previous);
