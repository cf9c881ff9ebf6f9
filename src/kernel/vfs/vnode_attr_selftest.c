/* SPDX-License-Identifier: MIT */
/* Self-tests: attributes that change while the file system is being asked for them, or for the node. */
#include "lib/errno.h"
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

/* A file grows, the file system is told, and the vnode goes, between an answer and its use. */
static void grow_before_answer(struct fs *fs)
{
	const struct fs_attr in = { .mode = S_IFREG | 0600, .links = 1 };
	struct vnode_guard guard;
	struct fs_attr attr, old;
	struct vnode *vnode;

	SELFTEST_CHECK(!fs->ops->create(fs, fs->root, "grows", 5, &in, &attr));
	vnode_lookup_begin(&guard);
	SELFTEST_CHECK(!fs->ops->lookup(fs, fs->root, "grows", 5, &old) && !old.size);
	vnode = vnode_find_or_create(fs, &old);
	if (!vnode)
		return;
	vnode_touch_written(vnode, 4000);
	SELFTEST_CHECK(!vnode_sync_attributes(vnode));
	vnode_put(vnode);
	vnode_cache_shrink_all();
	SELFTEST_CHECK(!vnode_find(fs, old.node));
	SELFTEST_CHECK(vnode_from_answer(fs, &old, &guard, false, &vnode) == -ESTALE);
	SELFTEST_CHECK(!fs->ops->lookup(fs, fs->root, "grows", 5, &attr) && !vnode_from_answer(fs, &attr, &guard, false, &vnode));
	SELFTEST_CHECK(atomic_load(&vnode->object.size) == 4000);
	vnode_put(vnode);
}

SELFTEST(vnode_is_not_made_of_an_old_answer)
{
	struct fs *fs;

	if (tmpfs_create(NULL, "", &fs))
		return;
	grow_before_answer(fs);
	vnode_forget_fs(fs, true);
	fs_put(fs);
}
