/* SPDX-License-Identifier: MIT */
/*
 * Watches, and what is told to them. A watch belongs to its instance and holds its vnode; it ends with the instance, by inotify_rm_watch, with IN_ONESHOT,
 * when the node is gone, or when its file system is unmounted. Whoever takes it out of all lists, under inotify_lock, frees it.
 *
 * A node is gone when it has no links and no entry leads to it that is in use, so that open files keep it. Who takes the last of either away finds that out.
 */
#include "vfs/inotify_inside.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "process/process.h"
#include <linux/stat.h>

struct spinlock inotify_lock = SPINLOCK_INIT(LOCK_INOTIFY);
uint32_t inotify_limits[INOTIFY_LIMITS] = { 16384, 128, UINT32_MAX };
uint64_t inotify_watch_count;

uint32_t inotify_new_cookie(void)
{
	static uint32_t last;	/* atomic */

	return atomic_add(&last, 1);
}

/* ---- Ends ---- */

/* Takes @watch out of all lists, with IN_IGNORED, and puts it into @ended. inotify_lock held. */
static void end_locked(struct inotify_watch *watch, struct list *ended)
{
	struct vnode *vnode = watch->vnode;

	inotify_queue_locked(watch->group, watch->wd, IN_IGNORED, 0, NULL);
	rb_remove(&watch->group->watches, &watch->by_wd, NULL);
	*watch->place = watch->next;
	if (watch->next)
		watch->next->place = watch->place;
	if (!vnode->watches)
		atomic_and(&vnode->object.attention, (uint8_t)~VNODE_HAS_WATCHES);
	list_remove(&watch->fs_link);
	list_push_back(ended, &watch->fs_link);
	inotify_watch_count--;
	user_account_charge_optional(watch->group->account, ACCOUNT_INOTIFY + INOTIFY_WATCHES, -1, 0);
}

static void free_ended(struct list *ended)
{
	while (!list_empty(ended)) {
		struct inotify_watch *watch = list_first(ended, struct inotify_watch, fs_link);

		list_remove(&watch->fs_link);
		vnode_put(watch->vnode);
		kfree(watch);
	}
}

/* ---- Telling ---- */

/* @deleted: the name that the event came by was removed. inotify_lock held. */
static void tell_locked(struct vnode *vnode, uint32_t mask, uint32_t cookie, const struct path_component *name, bool deleted, struct list *ended)
{
	struct inotify_watch *watch, *next;

	if (!vnode_attends(vnode, VNODE_HAS_WATCHES))
		return;
	for (watch = vnode->watches; watch; watch = next) {
		next = watch->next;
		if (!(mask & watch->mask & IN_ALL_EVENTS) || (deleted && watch->mask & IN_EXCL_UNLINK))
			continue;
		inotify_queue_locked(watch->group, watch->wd, mask, cookie, name);
		if (watch->mask & IN_ONESHOT)
			end_locked(watch, ended);
	}
}

static void mark_locked(struct vnode *vnode)
{
	if (atomic_or(&vnode->object.attention, VNODE_WATCHED) & VNODE_WATCHED)
		return;
	vm_object_hold_back(&vnode->object, true);
}

void inotify_tell_named_locked(const struct dentry *dentry)
{
	if (vnode_attends(dentry->parent->vnode, VNODE_HAS_WATCHES))
		mark_locked(dentry->vnode);
}

/* Which of its hints are true: does anybody watch @vnode, or a directory with a name of it, and may it have strays? Tree lock held. */
static unsigned true_marks_locked(const struct vnode *vnode)
{
	unsigned marks = vnode_attends(vnode, VNODE_HAS_WATCHES) ? VNODE_WATCHED : 0;
	const struct dentry *dentry;

	list_for_each(dentry, &vnode->dentries, vnode_link) {
		if (dentry->parent == dentry)
			continue;
		if (vnode_attends(dentry->parent->vnode, VNODE_HAS_WATCHES))
			marks |= VNODE_WATCHED;
		if (!dentry->hashed)
			marks |= VNODE_STRAYS;
	}
	return marks;
}

/* Nobody was told: from now on nobody is asked, if so it stays. */
static void forget_marks(struct vnode *vnode)
{
	unsigned marks;

	mutex_lock(&vnode->object.lock);
	spin_lock(&vfs_tree_lock);
	marks = true_marks_locked(vnode);
	atomic_and(&vnode->object.attention, (uint8_t)~(VNODE_MAY_BE_HEARD & ~marks));
	if (!(marks & VNODE_WATCHED))
		vm_object_hold_back(&vnode->object, false);
	spin_unlock(&vfs_tree_lock);
	mutex_unlock(&vnode->object.lock);
}

void inotify_tell(struct dentry *dentry, uint32_t mask)
{
	struct list ended = LIST_INIT(ended);
	struct vnode *vnode = dentry->vnode;
	struct path_component name;
	unsigned marks;
	bool deleted;

	/* What goes through a FIFO is nobody's business. */
	if (vnode->type == S_IFIFO && mask & (IN_ACCESS | IN_MODIFY))
		return;
	if (!inotify_watching() && !vnode_attends(vnode, VNODE_WATCHED))
		return;
	if (vnode->type == S_IFDIR)
		mask |= IN_ISDIR;
	spin_lock(&vfs_tree_lock);
	spin_lock(&inotify_lock);
	name = (struct path_component){ dentry->name, dentry->name_len, dentry->hash };
	/* Attributes of what has no name are told all the same. */
	deleted = dentry->deleted && !(mask & IN_ATTRIB);
	if (dentry->parent != dentry)
		tell_locked(dentry->parent->vnode, mask, 0, &name, deleted, &ended);
	tell_locked(vnode, mask, 0, NULL, deleted, &ended);
	marks = true_marks_locked(vnode);
	if (marks & VNODE_WATCHED)
		mark_locked(vnode);
	spin_unlock(&inotify_lock);
	spin_unlock(&vfs_tree_lock);
	free_ended(&ended);
	if (vnode_attends(vnode, VNODE_MAY_BE_HEARD & ~marks))
		forget_marks(vnode);
}

COLD void inotify_tell_executed(struct dentry *dentry)
{
	inotify_tell(dentry, IN_OPEN);
	inotify_tell(dentry, IN_ACCESS);
	inotify_tell(dentry, IN_CLOSE_NOWRITE);
}

/* To who watches @vnode itself. */
static void tell_one(struct vnode *vnode, uint32_t mask, uint32_t cookie, const struct path_component *name)
{
	struct list ended = LIST_INIT(ended);

	spin_lock(&inotify_lock);
	tell_locked(vnode, mask, cookie, name, false, &ended);
	spin_unlock(&inotify_lock);
	free_ended(&ended);
}

void inotify_tell_self(struct vnode *vnode, uint32_t mask)
{
	/* With what tells of the node itself Linux leaves out that it is a directory. */
	if (vnode->type == S_IFDIR && !(mask & (IN_MOVE_SELF | IN_DELETE_SELF)))
		mask |= IN_ISDIR;
	tell_one(vnode, mask, 0, NULL);
}

void inotify_tell_name(struct vnode *directory, const struct path_component *name, uint32_t mask, uint32_t mode, uint32_t cookie)
{
	if (!vnode_attends(directory, VNODE_HAS_WATCHES))
		return;
	if ((mode & S_IFMT) == S_IFDIR)
		mask |= IN_ISDIR;
	tell_one(directory, mask, cookie, name);
}

void inotify_tell_unsure(struct vnode *directory)
{
	struct inotify_watch *watch;

	spin_lock(&inotify_lock);
	if (vnode_attends(directory, VNODE_HAS_WATCHES))
		for (watch = directory->watches; watch; watch = watch->next)
			inotify_overflow_locked(watch->group);
	spin_unlock(&inotify_lock);
}

/* Ends the watches of @vnode, after an event that those get who want it; and those who cannot choose. inotify_lock held. */
static void end_with_locked(struct inotify_watch *watch, uint32_t mask, struct list *ended)
{
	if (mask & IN_UNMOUNT && watch->vnode->type == S_IFDIR)
		mask |= IN_ISDIR;
	if (mask & (watch->mask | IN_UNMOUNT))
		inotify_queue_locked(watch->group, watch->wd, mask, 0, NULL);
	end_locked(watch, ended);
}

void inotify_tell_if_gone(struct vnode *vnode, const struct dentry *own)
{
	struct list ended = LIST_INIT(ended);
	const struct dentry *dentry;
	bool used = false;

	spin_lock(&vfs_tree_lock);
	list_for_each(dentry, &vnode->dentries, vnode_link)
		used |= dentry != own || atomic_load(&dentry->refs.count) > 1;
	spin_lock(&inotify_lock);
	while (!used && vnode_attends(vnode, VNODE_HAS_WATCHES))
		end_with_locked(vnode->watches, IN_DELETE_SELF, &ended);
	spin_unlock(&inotify_lock);
	spin_unlock(&vfs_tree_lock);
	free_ended(&ended);
}

void inotify_tell_removed(struct vnode *directory, const struct path_component *name, struct vnode *vnode, const struct dentry *dentry, uint32_t mode)
{
	if (vnode && mode != S_IFDIR)
		inotify_self(vnode, IN_ATTRIB);
	if (vnode)
		inotify_if_gone(vnode, dentry);
	inotify_tell_name(directory, name, IN_DELETE, mode, 0);
}

COLD void inotify_tell_unmounted(struct fs *fs)
{
	bool more;

	do {
		struct list ended = LIST_INIT(ended);

		spin_lock(&inotify_lock);
		more = !list_empty(&fs->watches);
		if (more)
			end_with_locked(list_first(&fs->watches, struct inotify_watch, fs_link), IN_UNMOUNT, &ended);
		spin_unlock(&inotify_lock);
		free_ended(&ended);
	} while (more);
}

/* ---- Beginnings ---- */

/* What is watched from now on, and what has a name in it; names that come later are marked as they come. */
static void mark_all(struct vnode *vnode)
{
	const struct dentry *directory, *dentry;

	spin_lock(&vfs_tree_lock);
	mark_locked(vnode);
	if (vnode->type == S_IFDIR)
		list_for_each(directory, &vnode->dentries, vnode_link)
			list_for_each(dentry, &directory->children, child_link)
				if (dentry->vnode)
					mark_locked(dentry->vnode);
	spin_unlock(&vfs_tree_lock);
}

static struct inotify_watch *find_locked(const struct inotify *group, const struct vnode *vnode)
{
	struct inotify_watch *watch = vnode_attends(vnode, VNODE_HAS_WATCHES) ? vnode->watches : NULL;

	while (watch && watch->group != group)
		watch = watch->next;
	return watch;
}

static int change_locked(struct inotify_watch *watch, uint32_t mask)
{
	if (mask & IN_MASK_CREATE)
		return -EEXIST;
	watch->mask = (mask & IN_MASK_ADD ? watch->mask : 0) | (mask & INOTIFY_FOR_WATCH);
	return watch->wd;
}

/* Gives @watch the next number that is free, and its place among the others. inotify_lock held. */
static void number_locked(struct inotify *group, struct inotify_watch *watch)
{
	struct rb_node **place = &group->watches.root, *parent = NULL;
	struct inotify_watch *other;

	watch->wd = group->last_wd;
	do {
		watch->wd = watch->wd == INT32_MAX ? 1 : watch->wd + 1;
		other = inotify_watch_after_locked(group, watch->wd - 1);
	} while (other && other->wd == watch->wd);
	group->last_wd = watch->wd;
	while (*place) {
		parent = *place;
		place = watch->wd < rb_entry(parent, struct inotify_watch, by_wd)->wd ? &parent->left : &parent->right;
	}
	rb_insert(&group->watches, &watch->by_wd, parent, place, NULL);
}

static void begin_locked(struct inotify *group, struct vnode *vnode, struct inotify_watch *watch, uint32_t mask)
{
	watch->group = group;
	watch->mask = mask & INOTIFY_FOR_WATCH;
	watch->vnode = vnode;
	vnode_get(vnode);
	number_locked(group, watch);
	if (!vnode_attends(vnode, VNODE_HAS_WATCHES))
		vnode->watches = NULL;
	watch->next = vnode->watches;
	watch->place = &vnode->watches;
	if (watch->next)
		watch->next->place = &watch->next;
	vnode->watches = watch;
	atomic_or(&vnode->object.attention, VNODE_HAS_WATCHES);
	inotify_watch_count++;
	list_push_back(&vnode->fs->watches, &watch->fs_link);
}

/* That of watches is by the size of memory, as a watch keeps its node there. */
uint32_t inotify_limit(enum inotify_limit limit)
{
	enum { LEAST = 8192, MOST = 1 << 20 };
	uint32_t value = atomic_load_relaxed(&inotify_limits[limit]), unset = UINT32_MAX;

	if (value == unset) {
		value = MIN(MAX(frame_total() / 8, (size_t)LEAST), (size_t)MOST);
		atomic_compare_exchange(&inotify_limits[limit], &unset, value);
	}
	return value;
}

int inotify_watch_add(struct inotify *group, struct vnode *vnode, uint32_t mask)
{
	struct inotify_watch *watch, *fresh = NULL;
	bool charged = user_account_charge_optional(group->account, ACCOUNT_INOTIFY + INOTIFY_WATCHES, 1, inotify_limit(INOTIFY_WATCHES));
	int wd;

	if (charged)
		fresh = kmalloc(sizeof(*fresh));
	spin_lock(&inotify_lock);
	watch = find_locked(group, vnode);
	if (watch) {
		wd = change_locked(watch, mask);
	} else if (fresh) {
		begin_locked(group, vnode, fresh, mask);
		wd = fresh->wd;
		charged = false;
		fresh = NULL;
	} else {
		wd = charged ? -ENOMEM : -ENOSPC;
	}
	spin_unlock(&inotify_lock);
	if (charged)
		user_account_charge_optional(group->account, ACCOUNT_INOTIFY + INOTIFY_WATCHES, -1, 0);
	kfree(fresh);
	if (wd > 0)
		mark_all(vnode);
	return wd;
}

struct inotify_watch *inotify_watch_after_locked(const struct inotify *group, int after)
{
	struct rb_node *node = group->watches.root;
	struct inotify_watch *best = NULL, *watch;

	while (node) {
		watch = rb_entry(node, struct inotify_watch, by_wd);
		if (watch->wd > after)
			best = watch;
		node = watch->wd > after ? node->left : node->right;
	}
	return best;
}

int inotify_watch_remove(struct inotify *group, int wd)
{
	struct list ended = LIST_INIT(ended);
	struct inotify_watch *watch;
	int error = -EINVAL;

	spin_lock(&inotify_lock);
	watch = wd > 0 ? inotify_watch_after_locked(group, wd - 1) : NULL;
	if (watch && watch->wd == wd) {
		end_locked(watch, &ended);
		error = 0;
	}
	spin_unlock(&inotify_lock);
	free_ended(&ended);
	return error;
}

void inotify_watch_remove_all(struct inotify *group)
{
	bool more;

	do {
		struct list ended = LIST_INIT(ended);

		spin_lock(&inotify_lock);
		more = group->watches.root;
		if (more)
			end_locked(rb_entry(group->watches.root, struct inotify_watch, by_wd), &ended);
		spin_unlock(&inotify_lock);
		free_ended(&ended);
	} while (more);
}
