/* SPDX-License-Identifier: MIT */
/*
 * The path walk. As long as names are in the dentry cache it runs under the tree lock without touching a reference count; for a name that must be
 * asked for, or a symlink, it takes references on the place reached, lets the lock go, and continues from there.
 */
#include "vfs/path_walk.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "vfs/dentry_cache.h"
#include "vfs/fd_table.h"
#include "vfs/fs_context.h"
#include "vfs/mount_tree.h"
#include "vfs/path_known.h"
#include "vfs/path_ready.h"
#include "vfs/permission.h"
#include "vfs/stat_fill.h"
#include <linux/fcntl.h>
#include <linux/stat.h>

/* What one stretch under the lock ended with. */
enum stretch { STRETCH_DONE, STRETCH_LOOKUP, STRETCH_LINK, STRETCH_PAUSE };

enum { CHECKS_MAX = 8 /* ways up that are looked at in one stretch: each is as long as directories are deep */ };

void path_get(const struct path *path)
{
	if (path->mount)
		mount_get(path->mount);
	if (path->dentry)
		dentry_get(path->dentry);
}

static inline void put_both(const struct path *path)
{
	dentry_put(path->dentry);
	mount_put(path->mount);
}

void path_put(struct path *path)
{
	if (path->dentry)
		dentry_put(path->dentry);
	if (path->mount)
		mount_put(path->mount);
	path->dentry = NULL;
	path->mount = NULL;
}

struct vnode *path_vnode(const struct path *path)
{
	return path->dentry ? path->dentry->vnode : NULL;
}

/* Is walk->at, which is not the root of its mount, still below what that shows of the file system? While the lock is held one look is enough. */
static bool is_inside(struct path_walk *walk)
{
	if (walk->inside == walk->at.mount)
		return true;
	walk->checks++;
	if (!dentry_is_ancestor_locked(walk->at.mount->root, walk->at.dentry))
		return false;
	walk->inside = walk->at.mount;
	return true;
}

/* Is @at @base or below it? Not any more, if one of the directories between them was moved away. Tree lock held. */
static COLD bool is_below(struct path at, const struct path *base)
{
	while (at.mount != base->mount) {
		if (!at.mount->parent)
			return false;
		at.dentry = at.mount->mountpoint;
		at.mount = at.mount->parent;
	}
	return dentry_is_ancestor_locked(base->dentry, at.dentry);
}

/*
 * The directory above walk->at, as seen from @root. Tree lock held. -ENOENT: it was moved away from what its mount shows of the file system, and what
 * is above it now is none of the walk's business.
 */
static int step_up(struct path_walk *walk, const struct path *root)
{
	struct path *at = &walk->at;
	const struct mount *before = at->mount;

	if (unlikely(walk->flags & (WALK_BENEATH | WALK_IN_ROOT)) && !is_below(*at, root))
		return -EAGAIN;
	for (;;) {
		const struct dentry *top = at->mount->root;

		if (at->dentry == root->dentry && at->mount == root->mount) {
			if (unlikely(walk->flags & WALK_BENEATH))
				return -EXDEV;
			break;
		}
		if (at->dentry != top) {
			if (unlikely(top->parent != top) && !is_inside(walk))
				return -ENOENT;
			at->dentry = at->dentry->parent;
			break;
		}
		if (!at->mount->parent)
			break;
		at->dentry = at->mount->mountpoint;
		at->mount = at->mount->parent;
		walk->inside = NULL;
	}
	mount_cross_locked(at);
	return unlikely(walk->flags & WALK_NO_CROSSING && at->mount != before) ? -EXDEV : 0;
}

/* Takes references on the place reached and lets the lock go; what was held before is put. */
static void hold_and_unlock(struct path_walk *walk)
{
	struct path old = walk->held;

	walk->held = walk->at;
	path_get(&walk->held);
	spin_unlock(&vfs_tree_lock);
	walk->inside = NULL;
	walk->checks = 0;
	if (old.dentry)
		path_put(&old);
}

static bool follows_last(const struct path_walk *walk, bool trailing_slash)
{
	return !(walk->flags & WALK_LAST_RAW) && (trailing_slash || !(walk->flags & PATH_NO_FOLLOW));
}

/*
 * One step to the named child, which is in the cache or was just looked up. Tree lock held.
 * Returns 1 when walk->at is now the child, 0 when it is a symlink to follow (walk->at stays), or a negative errno.
 */
static int step_down(struct path_walk *walk, struct dentry *child, bool last, bool trailing_slash)
{
	struct vnode *vnode = child->vnode;
	const struct mount *before = walk->at.mount;

	child->state |= DENTRY_USED;
	if (!vnode) {
		if (!last || !(walk->flags & PATH_CREATE))
			return -ENOENT;
	} else if (vnode->type == S_IFLNK) {
		if (!last || follows_last(walk, trailing_slash))
			return 0;
	}
	walk->at.dentry = child;
	if (!last || !(walk->flags & (WALK_LAST_RAW | PATH_NO_MOUNTS)))
		mount_cross_locked(&walk->at);
	if (unlikely(walk->flags & WALK_NO_CROSSING && walk->at.mount != before))
		return -EXDEV;
	return 1;
}

/* May the walk look into walk->at? Tree lock held. */
static int check_directory(const struct path_walk *walk)
{
	const struct vnode *vnode = walk->at.dentry->vnode;

	if (!vnode)
		return -ENOENT;
	if (vnode->type != S_IFDIR)
		return -ENOTDIR;
	if (!permission_search(vnode, walk->credentials))
		return -EACCES;
	return 0;
}

/* The end of the path: may the walk end at walk->at? */
static int check_end(const struct path_walk *walk)
{
	const struct vnode *vnode = walk->at.dentry->vnode;

	if (walk->flags & WALK_LAST_RAW || !vnode)
		return 0;
	if ((walk->trailing_slash || walk->flags & PATH_DIRECTORY) && vnode->type != S_IFDIR)
		return walk->flags & PATH_CREATE ? -EISDIR : -ENOTDIR;
	return 0;
}

static const char *skip_slashes(const char *text)
{
	while (*text == '/')
		text++;
	return text;
}

/* Flags with which the last component is not just passed: path_walk_known leaves it to walk_stretch. */
enum { WALK_UNUSUAL = WALK_RESOLVE | WALK_PARENT | WALK_LAST_RAW | PATH_NO_MOUNTS | PATH_CREATE | PATH_DIRECTORY };

/* The part of a walk in progress that is in the cache: what it passes over here was not the last component, or nothing is special about that. */
static void step_known(struct path_walk *walk)
{
	const char *before = walk->rest;

	if (*before == '/')
		walk->rest++;
	*walk->end = '/';
	path_walk_known(&walk->at, &walk->rest, walk->end, walk_class_needed(walk->credentials), walk->flags & WALK_UNUSUAL, NULL);
	*walk->end = 0;
	if (walk->rest != before + (*before == '/'))
		walk->last_kind = WALK_LAST_NAME;
	else
		walk->rest = before;
}

/*
 * Walks as far as the cache goes. Tree lock held. @child: a looked-up entry for the first component, or NULL. Returns a stretch or a negative errno.
 * STRETCH_PAUSE: others wait for the lock. For STRETCH_LOOKUP and STRETCH_LINK walk->last is the component in question, walk->at its directory, and
 * *stop the symlink.
 */
static int walk_stretch(struct path_walk *walk, const struct path *root, struct dentry *child, struct dentry **stop)
{
	for (;;) {
		struct path_component c;
		const char *after = path_next_component(walk->rest, &c), *next;
		bool last, trailing_slash;
		int error;

		if (!c.len) {
			/* Slashes after the last name, if path_walk_known has come to here. */
			walk->trailing_slash |= *walk->rest == '/';
			return STRETCH_DONE;
		}
		error = check_directory(walk);
		if (error)
			return error;
		if (c.len > NAME_MAX_LEN)
			return -ENAMETOOLONG;
		next = *after ? skip_slashes(after) : after;
		last = !*next;
		trailing_slash = last && next != after;
		if (last)
			walk->trailing_slash = trailing_slash;
		if (unlikely(c.name[0] == '.') && (path_component_is_dot(&c) || path_component_is_dot_dot(&c))) {
			walk->last_kind = c.len == 1 ? WALK_LAST_DOT : WALK_LAST_DOT_DOT;
			error = c.len == 2 ? step_up(walk, root) : 0;
			if (error)
				return error;
			walk->rest = next;
			if (unlikely(walk->checks >= CHECKS_MAX))
				return STRETCH_PAUSE;
			continue;
		}
		walk->last = c;
		walk->last_kind = WALK_LAST_NAME;
		if (!child) {
			if (walk->at.dentry->deleted)
				return -ENOENT;
			child = dentry_find_inline(walk->at.dentry, &c);
			if (!child)
				return STRETCH_LOOKUP;
		}
		if (last && walk->flags & WALK_PARENT && !walk->parent.dentry) {
			walk->parent = walk->at;
			path_get(&walk->parent);
		}
		*stop = child;
		error = step_down(walk, child, last, trailing_slash);
		if (error <= 0)
			return error ? error : STRETCH_LINK;
		walk->rest = next;
		if (last)
			return STRETCH_DONE;
		child = NULL;
	}
}

/* Puts @target before what is left of the path. */
static int splice_link(struct path_walk *walk, const char *target, size_t len)
{
	enum { TEXT_MAX = 16 * PATH_MAX_LEN };
	const char *tail = walk->last.name + walk->last.len;
	size_t tail_len = strlen(tail);
	char *buffer;

	if (len + tail_len > TEXT_MAX)
		return -ENAMETOOLONG;
	buffer = kmalloc(len + tail_len + 1 + PATH_PADDING);
	if (!buffer)
		return -ENOMEM;
	memcpy(buffer, target, len);
	memcpy(buffer + len, tail, tail_len + 1);
	memset(buffer + len + tail_len + 1, 0, PATH_PADDING);
	kfree(walk->buffer);
	walk->buffer = buffer;
	walk->rest = buffer;
	walk->end = buffer + len + tail_len;
	return 0;
}

/* May the walk follow a symlink that leads straight to @target? */
static int check_magic_link(const struct path_walk *walk, const struct path *target)
{
	if (walk->flags & WALK_NO_MAGIC)
		return -ELOOP;
	return walk->flags & (WALK_BENEATH | WALK_IN_ROOT) || (walk->flags & WALK_NO_CROSSING && target->mount != walk->held.mount) ? -EXDEV : 0;
}

/*
 * As Linux with fs.protected_symlinks: at the end of a path nobody is led astray by what another has put into a folder where all may, such as /tmp. Links
 * of the folder's owner are followed.
 */
static bool may_follow(const struct path_walk *walk, const struct vnode *link)
{
	const struct fs_attr *directory = &walk->held.dentry->vnode->attr;

	return link->attr.uid == walk->credentials->fsuid || link->attr.uid == directory->uid || ~directory->mode & (S_ISVTX | S_IWOTH) ||
	       *skip_slashes(walk->last.name + walk->last.len);
}

/*
 * Follows @link, found in walk->held. No lock held. Afterwards walk->held is the place to go on from, unless *from_root.
 */
static int follow_link(struct path_walk *walk, struct dentry *link, bool *from_root)
{
	struct vnode *vnode = link->vnode;
	struct path target = { NULL, NULL };
	char *text;
	ssize_t len;
	int error = -ENOENT;

	*from_root = false;
	if (++walk->depth > SYMLINK_DEPTH_MAX)
		return -ELOOP;
	if (unlikely(walk->flags & (WALK_NO_LINKS | WALK_CACHED)))
		return walk->flags & WALK_NO_LINKS ? -ELOOP : -EAGAIN;
	if (!may_follow(walk, vnode))
		return -EACCES;
	if (walk->parent.dentry)
		path_put(&walk->parent);
	if (vnode->fs->ops->follow)
		error = vnode->fs->ops->follow(vnode->fs, vnode->node, &target);
	if (!error && unlikely(walk->flags & WALK_RESOLVE)) {
		error = check_magic_link(walk, &target);
		if (error) {
			path_put(&target);
			return error;
		}
	}
	if (!error) {
		walk->rest = walk->last.name + walk->last.len;
		walk->last_kind = WALK_LAST_ROOT;
		path_put(&walk->held);
		walk->held = target;
		return target.dentry ? 0 : -ENXIO;
	}
	if (error != -ENOENT)
		return error;
	len = vnode_read_link(vnode, &text);
	if (len < 0)
		return len;
	error = len ? splice_link(walk, text, len) : -ENOENT;
	*from_root = text[0] == '/';
	if (*from_root && unlikely(walk->flags & WALK_BENEATH))
		error = -EXDEV;
	walk->last_kind = WALK_LAST_ROOT;
	kfree(text);
	return error;
}

/* Gives the attributes of @at, or references to it. Tree lock held. */
static inline void give_result(struct path_walk *walk, const struct path *at)
{
	struct vnode *vnode = at->dentry->vnode;

	if (walk->stat && vnode && stat_fill_from_memory(walk->stat, vnode)) {
		walk->stat_done = true;
		return;
	}
	walk->path = *at;
	path_get(&walk->path);
}

/* Ends a successful walk. Tree lock held; it is let go. */
static void finish(struct path_walk *walk)
{
	struct path old = walk->held;

	give_result(walk, &walk->at);
	spin_unlock(&vfs_tree_lock);
	walk->held = (struct path){ NULL, NULL };
	if (old.dentry)
		path_put(&old);
}

/*
 * The whole walk in one go, if every name is known and nothing is unusual: 0 with the result, or -ENOENT. 1: nothing was done, the long way has to
 * be gone. Its text ends at @end.
 */
static inline int walk_at_once(struct path_walk *walk, int dir_fd, const char *text, char *end, unsigned flags)
{
	struct fs_context *context = fs_context_current();
	struct path at;
	enum known known;

	if (unlikely(flags & WALK_UNUSUAL || text == end || (*text != '/' && dir_fd != AT_FDCWD)))
		return 1;
	if (!walk->credentials)
		walk->credentials = credentials_current();
	walk->stat_done = false;
	spin_lock(&vfs_tree_lock);
	at = *text == '/' ? context->root : context->cwd;
	text += *text == '/';
	*end = '/';
	known = at.dentry ? path_walk_known(&at, &text, end, walk_class_needed(walk->credentials), false, NULL) : KNOWN_PART;
	if (likely(known == KNOWN_END))
		give_result(walk, &at);
	spin_unlock(&vfs_tree_lock);
	*end = 0;
	if (likely(known == KNOWN_END))
		return 0;
	return known == KNOWN_ABSENT ? -ENOENT : 1;
}

/* Walks walk->rest from walk->at. Tree lock held at the start, not at the end. */
static int walk_on(struct path_walk *walk, struct fs_context *context)
{
	const struct path *root = unlikely(walk->flags & (WALK_BENEATH | WALK_IN_ROOT)) ? walk->base : &context->root;
	struct dentry *child = NULL, *stop = NULL;
	bool from_root;
	int result;

	for (;;) {
		struct dentry *looked_up = child;

		if (!child && likely(!(walk->flags & WALK_RESOLVE)))
			step_known(walk);
		result = walk_stretch(walk, root, child, &stop);
		child = NULL;
		if (result == STRETCH_DONE)
			result = check_end(walk) ?: STRETCH_DONE;
		if (result <= 0) {
			if (result == STRETCH_DONE)
				finish(walk);
			else
				spin_unlock(&vfs_tree_lock);
			if (looked_up)
				dentry_put(looked_up);
			return result;
		}
		if (result == STRETCH_LINK)
			dentry_get(stop);
		hold_and_unlock(walk);
		if (looked_up)
			dentry_put(looked_up);
		if (result == STRETCH_PAUSE) {
			spin_lock(&vfs_tree_lock);
			continue;
		}
		if (result == STRETCH_LOOKUP) {
			if (unlikely(walk->flags & WALK_CACHED))
				return -EAGAIN;
			result = dentry_lookup(walk->held.dentry, &walk->last, &child);
			if (result)
				return result;
			spin_lock(&vfs_tree_lock);
			continue;
		}
		result = follow_link(walk, stop, &from_root);
		dentry_put(stop);
		if (result)
			return result;
		spin_lock(&vfs_tree_lock);
		walk->at = from_root ? *root : walk->held;
		if (unlikely(walk->flags & WALK_NO_CROSSING && from_root && walk->at.mount != walk->held.mount)) {
			spin_unlock(&vfs_tree_lock);
			return -EXDEV;
		}
	}
}

/* Sets walk->at for a path relative to descriptor @dir_fd, holding it. */
static int start_at_descriptor(struct path_walk *walk, int dir_fd)
{
	struct fd_ref ref = fd_borrow(dir_fd);

	if (!ref.file)
		return -EBADF;
	if (ref.file->path.dentry) {
		walk->held = ref.file->path;
		path_get(&walk->held);
		walk->at = walk->held;
	}
	fd_release(ref);
	if (!walk->held.dentry)
		return -ENOTDIR;
	if (*walk->rest && walk->at.dentry->vnode->type != S_IFDIR)
		return -ENOTDIR;
	return 0;
}

/* @text is @len bytes long, and may be changed while it is walked. */
static int walk_text(struct path_walk *walk, int dir_fd, char *text, size_t len, unsigned flags)
{
	struct fs_context *context = fs_context_current();
	int error;

	walk->flags = flags;
	walk->depth = walk->checks = 0;
	walk->inside = NULL;
	walk->stat_done = false;
	walk->trailing_slash = false;
	walk->last_kind = WALK_LAST_ROOT;
	walk->last.len = 0;
	walk->rest = text;
	walk->end = text + len;
	if (!walk->credentials)
		walk->credentials = credentials_current();
	if (!*text && !(flags & PATH_EMPTY_OK))
		return -ENOENT;
	if (unlikely(!mount_root))
		return -ENOENT;		/* early in boot */
	if (*text == '/' && unlikely(flags & WALK_BENEATH))
		return -EXDEV;
	if ((*text != '/' || flags & WALK_IN_ROOT) && dir_fd != AT_FDCWD) {
		error = start_at_descriptor(walk, dir_fd);
		if (error)
			return error;
		/* Another thread has put another file there. */
		if (unlikely(flags & WALK_RESOLVE) && (walk->at.dentry != walk->base->dentry || walk->at.mount != walk->base->mount))
			return -EXDEV;
		spin_lock(&vfs_tree_lock);
	} else {
		spin_lock(&vfs_tree_lock);
		walk->at = flags & (WALK_IN_ROOT | WALK_BENEATH) ? *walk->base : *text == '/' ? context->root : context->cwd;
	}
	return walk_on(walk, context);
}

/*
 * The walk for a change of a name, in one go, if every name is known: to walk->parent and walk->path, which may be negative with PATH_CREATE. False: nothing
 * was done, the long way has to be gone.
 */
static bool walk_to_change(struct path_walk *walk, uaddr_t name, unsigned flags)
{
	struct path at;
	struct dentry *last = path_ready_find(name, &at);

	/* What is to be removed is so whatever covers it (checked later) or it links to; what is to be opened must be plain. */
	if (unlikely(!last || at.dentry->deleted || (!last->vnode && !(flags & PATH_CREATE)) ||
		     (last->vnode && !(flags & WALK_LAST_RAW) && (last->vnode->walk_class == WALK_CLASS_LINK || last->covers)))) {
		spin_unlock(&vfs_tree_lock);
		return false;
	}
	last->state |= DENTRY_USED;
	walk->generation = path_memo_of(name)->generation;
	walk->parent = at;
	walk->path = (struct path){ at.mount, last };
	mount_get(at.mount);
	mount_get(at.mount);
	dentry_get(at.dentry);
	dentry_get(last);
	/* The entry may be renamed when the lock is let go. */
	walk->last = (struct path_component){ walk->text, last->name_len, last->hash };
	for (uint32_t i = 0; i <= last->name_len; i += 8)
		__builtin_memcpy(walk->text + i, last->name + i, 8);
	spin_unlock(&vfs_tree_lock);
	walk->credentials = credentials_current();
	walk->flags = flags;
	walk->last_kind = WALK_LAST_NAME;
	walk->trailing_slash = false;
	return true;
}

int path_walk_user(struct path_walk *walk, int dir_fd, uaddr_t name, unsigned flags)
{
	ssize_t len;
	int error;

	if ((flags & (WALK_PARENT | WALK_RESOLVE)) == WALK_PARENT && dir_fd == AT_FDCWD && !walk->credentials && walk_to_change(walk, name, flags))
		return 0;
	len = copy_string_from_user(walk->text, name, WALK_INLINE_TEXT);
	if (likely(len >= 0)) {
		error = walk_at_once(walk, dir_fd, walk->text, walk->text + len, flags);
		return likely(error <= 0) ? error : walk_text(walk, dir_fd, walk->text, len, flags);
	}
	if (len != -ENAMETOOLONG)
		return len;
	walk->buffer = kmalloc(PATH_MAX_LEN + PATH_PADDING);
	if (!walk->buffer)
		return -ENOMEM;
	len = copy_string_from_user(walk->buffer, name, PATH_MAX_LEN);
	if (len < 0)
		return len;
	return walk_text(walk, dir_fd, walk->buffer, len, flags);
}

int path_walk_kernel(struct path_walk *walk, int dir_fd, const char *name, unsigned flags)
{
	size_t len = strlen(name);
	char *text = walk->text;

	if (len >= PATH_MAX_LEN)
		return -ENAMETOOLONG;
	if (len >= WALK_INLINE_TEXT) {
		text = walk->buffer = kmalloc(len + 1 + PATH_PADDING);
		if (!text)
			return -ENOMEM;
	}
	memcpy(text, name, len + 1);
	return walk_text(walk, dir_fd, text, len, flags);
}

void path_walk_end(struct path_walk *walk)
{
	if (walk->path.dentry)
		put_both(&walk->path);
	if (walk->parent.dentry)
		put_both(&walk->parent);
	if (unlikely(walk->held.dentry))
		put_both(&walk->held);
	if (unlikely(walk->buffer))
		kfree(walk->buffer);
}

int path_lookup(int dir_fd, const char *name, unsigned flags, struct path *path)
{
	struct path_walk walk;
	int error;

	path_walk_init(&walk);
	error = path_walk_kernel(&walk, dir_fd, name, flags);
	if (!error) {
		*path = walk.path;
		walk.path = (struct path){ NULL, NULL };
	}
	path_walk_end(&walk);
	return error;
}

COLD int path_lookup_user(int dir_fd, uaddr_t name, unsigned flags, struct path *path)
{
	struct path_walk walk;
	int error;

	path_walk_init(&walk);
	error = path_walk_user(&walk, dir_fd, name, flags);
	if (!error) {
		*path = walk.path;
		walk.path = (struct path){ NULL, NULL };
	}
	path_walk_end(&walk);
	return error;
}

struct dentry *path_ready_walk(struct path_memo *memo, uaddr_t name, uint64_t same)
{
	const struct fs_context *context = fs_context_current();
	uint64_t generation = atomic_load(&vfs_paths_generation);	/* before anything is looked at that may change */
	/* Another name in the same directory as the path before. */
	bool beside = memo->last_at && memo->last_at <= same && path_memo_holds(memo);
	const char *text = memo->text;
	char *end = user_copy_string_now(memo->text, name, same);

	memo->generation = 0;
	if (unlikely(!end))
		return NULL;
	if (beside) {
		text += memo->last_at;
	} else {
		memo->needed = walk_class_needed(credentials_current());
		memo->start = memo->parent = *text == '/' ? context->root : context->cwd;
		text += *text == '/';
	}
	*end = '/';
	path_walk_known(&memo->parent, &text, end, memo->needed, true, &memo->last);
	*end = 0;
	memo->last_at = text + (*text == '/') - memo->text;
	if (memo->last)
		memo->generation = generation;
	return memo->last;
}

long path_ready_preempted(long result)
{
	preempt_check();
	return result;
}

bool path_ready_init_cpu(struct cpu *cpu)
{
	cpu->path_memos = kzalloc(PATH_MEMOS * sizeof(*cpu->path_memos));
	return cpu->path_memos;
}
