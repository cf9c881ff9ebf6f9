/* SPDX-License-Identifier: MIT */
/* Self-test: a file system in a server whose server hangs holds nobody up who lets go of its files, and hears of everything once it answers again. */
#include "lib/errno.h"
#include "lib/string.h"
#include "sched/clock.h"
#include "sched/thread.h"
#include "test/selftest.h"
#include "vfs/fs_registry.h"
#include "vfs/mount.h"
#include "vfs/vnode_cache.h"
#include "vfs/worker.h"
#include <linux/stat.h>

static const struct fs_ops *real_ops;
static struct thread *tester;
static bool hangs;					/* atomic */
static uint32_t asked_by_tester, told, released, ended;	/* atomic */

static void answer(uint32_t *count)
{
	if (current_thread() == tester)
		atomic_add(&asked_by_tester, 1);
	else
		while (atomic_load(&hangs))
			sched_yield();
	atomic_add(count, 1);
}

static int hanging_setattr(struct fs *fs, struct fs_node_id node, unsigned mask, const struct fs_attr *in, struct fs_attr *out)
{
	answer(&told);
	return real_ops->setattr(fs, node, mask, in, out);
}

static void hanging_release(struct fs *fs, struct fs_node_id node)
{
	answer(&released);
	real_ops->release(fs, node);
}

static void hanging_unmount(struct fs *fs)
{
	answer(&ended);
	real_ops->unmount(fs);
}

static void wait_for(const uint32_t *count, uint32_t wanted)
{
	uint64_t end = clock_monotonic_ns() + 5ull * NS_PER_SEC;

	while (atomic_load(count) < wanted && clock_monotonic_ns() < end)
		sched_yield();
	SELFTEST_CHECK(atomic_load(count) == wanted);
}

static struct vnode *make_file(struct fs *fs, const char *name)
{
	const struct fs_attr in = { .mode = S_IFREG | 0600, .links = 1 };
	struct fs_attr attr;

	return fs->ops->create(fs, fs->root, name, strlen(name), &in, &attr) ? NULL : vnode_find_or_create(fs, &attr);
}

/* A file without a name is let go while the server hangs. */
static void let_go(struct fs *fs)
{
	struct vnode *vnode = make_file(fs, "gone");
	struct fs_node_id node;
	struct fs_attr attr;

	SELFTEST_CHECK(vnode != NULL);
	if (!vnode)
		return;
	node = vnode->node;
	SELFTEST_CHECK(!fs->ops->unlink(fs, fs->root, "gone", 4, &attr) && !attr.links);
	atomic_store(&hangs, true);
	vnode_set_no_links(vnode, 1);
	vnode_forget(vnode);
	vnode_put(vnode);
	SELFTEST_CHECK(!atomic_load(&released) && !vnode_find(fs, node));
	atomic_store(&hangs, false);
	SELFTEST_CHECK(!fs_worker_wait_for_ends(fs) && atomic_load(&released) == 1);
	SELFTEST_CHECK(!fs->ops->getattr || fs->ops->getattr(fs, node, &attr));
}

/* One whose times have changed stays in the cache until the server knows them. */
static void shrink(struct fs *fs)
{
	struct vnode *vnode = make_file(fs, "kept");
	struct fs_node_id node;
	struct fs_attr attr;

	SELFTEST_CHECK(vnode != NULL);
	if (!vnode)
		return;
	node = vnode->node;
	atomic_store(&hangs, true);
	vnode_touch_written(vnode, 0);
	vnode_put(vnode);
	vnode_cache_shrink_all();
	vnode = vnode_find(fs, node);
	SELFTEST_CHECK(vnode != NULL && !atomic_load(&told));
	if (vnode)
		vnode_put(vnode);
	atomic_store(&hangs, false);
	wait_for(&told, 1);
	while (vnode_cache_shrink_all(), (vnode = vnode_find(fs, node))) {
		vnode_put(vnode);
		sched_yield();
	}
	SELFTEST_CHECK(!fs->ops->getattr(fs, node, &attr) && attr.links == 1 && atomic_load(&released) == 1);
}

static void unmount(struct fs *fs)
{
	struct vnode *vnode = make_file(fs, "last");
	struct fs_worker *worker = fs_worker_get(fs);

	SELFTEST_CHECK(vnode != NULL);
	if (vnode) {
		vnode_touch_changed(vnode);
		vnode_put(vnode);
	}
	atomic_store(&hangs, true);
	fs_worker_unmounted(fs);
	fs_put(fs);
	for (int i = 0; i < 100; i++)
		sched_yield();
	SELFTEST_CHECK(!atomic_load(&ended));
	atomic_store(&hangs, false);
	SELFTEST_CHECK(!fs_worker_wait_and_put(worker));
	SELFTEST_CHECK(atomic_load(&told) == 2 && atomic_load(&ended) == 1);
}

SELFTEST(vnodes_of_a_hanging_server_hold_nobody_up)
{
	static struct fs_ops ops;
	struct fs *fs;

	if (tmpfs_create(NULL, "", &fs))
		return;
	real_ops = fs->ops;
	ops = *fs->ops;
	ops.setattr = hanging_setattr;
	ops.release = hanging_release;
	ops.unmount = hanging_unmount;
	fs->ops = &ops;
	fs->flags = FS_SERVED;
	tester = current_thread();
	SELFTEST_CHECK(!fs_worker_start(fs));
	if (!fs->worker)
		return;
	let_go(fs);
	shrink(fs);
	unmount(fs);
	SELFTEST_CHECK(!atomic_load(&asked_by_tester));
}
