/* SPDX-License-Identifier: MIT */
/* Who may do what to a file: owner, group and other bits against the caller's credentials, and the counts that keep programs and writers apart. */
#include "vfs/permission.h"
#include "lib/errno.h"
#include <linux/stat.h>

bool permission_class_allows(const struct vnode *vnode, unsigned mask, const struct credentials *credentials)
{
	uint32_t mode = atomic_load_relaxed(&vnode->attr.mode);

	if (credentials->fsuid == vnode->attr.uid)
		mode >>= 6;
	else if (credentials->fsgid == vnode->attr.gid || credentials_in_group(credentials, vnode->attr.gid))
		mode >>= 3;
	return (mode & mask) == mask;
}

int vnode_check_access_as(struct vnode *vnode, unsigned mask, const struct credentials *credentials)
{
	mask &= PERMIT_READ | PERMIT_WRITE | PERMIT_EXECUTE;
	if (mask & PERMIT_WRITE && vnode->fs->flags & FS_READ_ONLY &&
	    (vnode->type == S_IFREG || vnode->type == S_IFDIR || vnode->type == S_IFLNK))
		return -EROFS;
	if (credentials->fsuid == 0) {
		/* Root may do all but execute what nobody may. */
		if (mask & PERMIT_EXECUTE && vnode->type != S_IFDIR && !(atomic_load_relaxed(&vnode->attr.mode) & 0111))
			return -EACCES;
		return 0;
	}
	return permission_class_allows(vnode, mask, credentials) ? 0 : -EACCES;
}

int vnode_check_access(struct vnode *vnode, unsigned mask)
{
	return vnode_check_access_as(vnode, mask, credentials_current());
}

bool vnode_owned_by_caller(struct vnode *vnode)
{
	const struct credentials *credentials = credentials_current();

	return credentials->fsuid == 0 || credentials->fsuid == vnode->attr.uid;
}

uint32_t permission_without_set_id(uint32_t mode)
{
	return mode & ~(S_ISUID | (mode & S_IXGRP ? S_ISGID : 0));
}

int permission_check_sticky(const struct vnode *directory, const struct vnode *victim)
{
	const struct credentials *credentials = credentials_current();

	if (!(directory->attr.mode & S_ISVTX) || credentials->fsuid == 0)
		return 0;
	return credentials->fsuid == victim->attr.uid || credentials->fsuid == directory->attr.uid ? 0 : -EPERM;
}

int vnode_begin_execute(struct vnode *vnode)
{
	int error = 0;

	spin_lock(&vnode->attr_lock);
	if (vnode->writers)
		error = -ETXTBSY;
	else
		vnode->executing++;
	spin_unlock(&vnode->attr_lock);
	return error;
}

void vnode_end_execute(struct vnode *vnode)
{
	spin_lock(&vnode->attr_lock);
	KASSERT(vnode->executing);
	vnode->executing--;
	spin_unlock(&vnode->attr_lock);
}

int vnode_begin_write(struct vnode *vnode)
{
	int error = 0;

	spin_lock(&vnode->attr_lock);
	if (vnode->executing)
		error = -ETXTBSY;
	else
		vnode->writers++;
	spin_unlock(&vnode->attr_lock);
	return error;
}

void vnode_end_write(struct vnode *vnode)
{
	spin_lock(&vnode->attr_lock);
	KASSERT(vnode->writers);
	vnode->writers--;
	spin_unlock(&vnode->attr_lock);
}
