/* SPDX-License-Identifier: MIT */
/* Before a file system is not changed any more: what of it is in use that would change it later, or would be changed itself. */
#include "vfs/vnode_cache.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "mm/address_space.h"
#include "process/signal.h"
#include "sync/wait.h"
#include <linux/mman.h>
#include <linux/stat.h>

static bool has_no_name(const struct vnode *vnode)
{
	return !vnode->attr.links || vnode->links_unsure;
}

static bool ends_without_name(const struct vnode *vnode)
{
	return has_no_name(vnode) && !atomic_load(&vnode->object.refs.count);
}

static bool lives_without_name(const struct vnode *vnode)
{
	return has_no_name(vnode) && atomic_load(&vnode->object.refs.count);
}

static int wait_for_ends(const struct fs *fs)
{
	struct waiter waiter;
	int error = 0;
	bool ending;

	wait_begin(&vnode_gone, &waiter);
	while ((ending = vnode_search(fs, ends_without_name, NULL, 0)) && !error)
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_KILLABLE);
	wait_end(&waiter);
	return ending ? -EINTR : 0;
}

/* How many names those have of which it was not known, and whether any has none. */
static int check_names(struct fs *fs)
{
	struct vnode *vnode;
	int error = 0;

	while (!error && vnode_search(fs, lives_without_name, &vnode, 1)) {
		if (!vnode)
			continue;
		if (vnode->links_unsure)
			vnode_recheck_links(vnode);
		if (vnode->links_unsure)
			error = signal_fatal_pending() ? -EINTR : -EIO;
		else if (!vnode->attr.links)
			error = -EBUSY;
		vnode_put(vnode);
	}
	return error;
}

/* The list is only looked at as such. */
static bool is_mapped(const struct vnode *vnode)
{
	return vnode->type == S_IFREG && !list_empty(&vnode->object.mappings);
}

static bool is_stored_to(struct vnode *vnode)
{
	const struct vma *vma;
	bool result = false;

	mutex_lock(&vnode->object.lock);
	list_for_each(vma, &vnode->object.mappings, object_link)
		result |= vma->flags & MAP_SHARED && vma->max_prot & PROT_WRITE;
	mutex_unlock(&vnode->object.lock);
	return result;
}

int vnode_check_stores(struct fs *fs)
{
	size_t max = vnode_search(fs, is_mapped, NULL, 0), count;
	struct vnode **found = kmalloc_array(max + 1, sizeof(*found));
	int error = 0;

	if (!found)
		return -ENOMEM;
	/* What is mapped meanwhile is not noticed. */
	count = MIN(vnode_search(fs, is_mapped, found, max), max);
	for (size_t i = 0; i < count; i++) {
		if (!found[i])
			continue;
		if (is_stored_to(found[i]))
			error = -EBUSY;
		vnode_put(found[i]);
	}
	kfree(found);
	return error;
}

int vnode_settle(struct fs *fs)
{
	return vnode_check_stores(fs) ?: wait_for_ends(fs) ?: check_names(fs);
}
