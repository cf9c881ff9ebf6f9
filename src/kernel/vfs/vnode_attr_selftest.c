/* SPDX-License-Identifier: MIT */
/* Self-test: attributes that change while the file system is being asked for them. */
#include "test/selftest.h"
#include "vfs/fs_registry.h"
#include "vfs/mount.h"
#include "vfs/vnode_cache.h"
#include <linux/stat.h>

static const struct fs_ops *real_ops;
static struct vnode *asked;		/* NULL once it was changed */

/* An answer that is old when it arrives, as after a switch to a thread that changes the mode. */
static int getattr_then_change(struct fs *fs, struct fs_node_id node, struct fs_attr *out)
{
	const struct fs_attr in = { .mode = 0700 };
	struct vnode *vnode = asked;
	int error = real_ops->getattr(fs, node, out);

	asked = NULL;
	if (vnode) {
		SELFTEST_CHECK(!vnode_attr_is_current(vnode));	/* who asks now must not be told what was */
		SELFTEST_CHECK(!vnode_setattr(vnode, FS_SET_MODE, &in));
	}
	return error;
}

static void ask_while_changed(struct fs *fs, struct vnode *vnode)
{
	struct fs_ops ops = *fs->ops;
	struct fs_attr attr;

	real_ops = fs->ops;
	ops.getattr = getattr_then_change;
	fs->ops = &ops;
	asked = vnode;
	vnode_touch_directory(vnode, 1);
	SELFTEST_CHECK(!vnode_getattr(vnode, &attr) && !asked);
	SELFTEST_CHECK(attr.mode == (S_IFDIR | 0700) && vnode->attr.mode == attr.mode && vnode->walk_class == WALK_CLASS_DIRECTORY);
	fs->ops = real_ops;
}

SELFTEST(vnode_keeps_what_changed_while_asking)
{
	const struct fs_attr open = { .mode = 0755 };
	struct vnode *vnode = NULL;
	struct fs_attr attr;
	struct fs *fs;

	if (tmpfs_create(NULL, "", &fs))
		return;
	if (!fs->ops->getattr(fs, fs->root, &attr))
		vnode = vnode_find_or_create(fs, &attr);
	SELFTEST_CHECK(vnode != NULL);
	if (vnode) {
		SELFTEST_CHECK(!vnode_setattr(vnode, FS_SET_MODE, &open));
		ask_while_changed(fs, vnode);
		vnode_put(vnode);
	}
	vnode_forget_fs(fs, true);
	fs_put(fs);
}
