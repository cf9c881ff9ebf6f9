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
#include "vfs/permission.h"
#include "vfs/stat_fill.h"
#include <linux/fcntl.h>
#include <linux/stat.h>

/* What one stretch under the lock ended with. */
enum stretch { STRETCH_DONE, STRETCH_LOOKUP, STRETCH_LINK };

void path_get(const struct path *path)
{
	if (path->mount)
		mount_get(path->mount);
	if (path->dentry)
		dentry_get(path->dentry);
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

/* The directory above walk->at, as seen from @root. Tree lock held. */
static void step_up(struct path *at, const struct path *root)
{
	for (;;) {
		if (at->dentry == root->dentry && at->mount == root->mount)
			break;
		if (at->dentry != at->mount->root) {
			at->dentry = at->dentry->parent;
			break;
		}
		if (!at->mount->parent)
			break;
		at->dentry = at->mount->mountpoint;
		at->mount = at->mount->parent;
	}
	mount_cross_locked(at);
}

/* Takes references on the place reached and lets the lock go; what was held before is put. */
static void hold_and_unlock(struct path_walk *walk)
{
	struct path old = walk->held;

	walk->held = walk->at;
	path_get(&walk->held);
	spin_unlock(&vfs_tree_lock);
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

	if (!child->used)
		child->used = true;
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
		return -ENOTDIR;
	return 0;
}

static const char *skip_slashes(const char *text)
{
	while (*text == '/')
		text++;
	return text;
}

/* Flags with which the last component is not just passed: walk_known leaves it to walk_stretch. */
enum { WALK_UNUSUAL = WALK_PARENT | WALK_LAST_RAW | PATH_NO_MOUNTS | PATH_CREATE | PATH_DIRECTORY };

/* How far walk_known came. */
enum known { KNOWN_PART, KNOWN_END, KNOWN_ABSENT };

/* The entry of a name that does not fit one word, and the place after the name. Tree lock held. */
struct found { struct dentry *dentry; const char *after; };
static __attribute__((noinline)) struct found find_long_name(struct dentry *directory, const char *text)
{
	struct path_component c;
	const char *after = path_next_component(text, &c);

	return (struct found){ dentry_find_inline(directory, &c), after };
}

/* The entry of a name of up to 7 bytes: hash and length say it all (path_split.h). Tree lock held. */
static inline struct dentry *find_short_name(struct dentry_hash table, const struct dentry *directory, uint64_t hash, uint32_t len)
{
	struct list *bucket = dentry_bucket_of(table, directory, hash);
	struct dentry *dentry;

	list_for_each(dentry, bucket, hash_link)
		if (dentry->hash == hash && dentry->parent == directory && dentry->name_len == len)
			return dentry;
	return NULL;
}

/*
 * The fast part of a walk: steps through names that are in the cache and lead to directories or, at the end, to anything but a symlink. Stops
 * before the first that needs more care (odd slashes and dots, too), so everything it does walk_stretch could have done. *place and *rest move on as
 * far as it came: to the end (KNOWN_END), or to before a last name that is known to be absent (KNOWN_ABSENT). Tree lock held.
 */
static enum known walk_known(struct path *place, const char **rest, const struct credentials *credentials, bool unusual)
{
	/* Search permission in one comparison: root's always, others' if all three classes have it. */
	const uint32_t mask = credentials->fsuid ? S_IFMT | 0111 : S_IFMT, wanted = mask & (S_IFDIR | 0111);
	const struct dentry_hash table = dentry_hash;
	const char *text = *rest, *after = text;
	struct dentry *at = place->dentry;
	enum known known = KNOWN_PART;

	if (*text == '/')
		text++;
	if (unlikely(!at->vnode || (at->vnode->attr.mode & mask) != wanted))
		return KNOWN_PART;
	for (;;) {
		uint64_t word = path_load_word(text), ends = path_mark_ends(word);
		struct found found;
		uint32_t mode;

		if (unlikely((char)word == '.'))
			break;
		if (likely(ends)) {
			unsigned bits = __builtin_ctzll(ends) & ~7u;

			if (unlikely(!bits) || (unusual && !*skip_slashes(text + bits / 8)))
				break;
			found.dentry = find_short_name(table, at, path_hash_first(word & ((1ull << bits) - 1)), bits / 8);
			found.after = text + bits / 8;
		} else {
			found = find_long_name(at, text);
		}
		if (unlikely(!found.dentry))
			break;
		if (unlikely(!found.dentry->vnode)) {
			if (!unusual && !*found.after)
				known = KNOWN_ABSENT;
			break;
		}
		mode = atomic_load_relaxed(&found.dentry->vnode->attr.mode);
		if (!*found.after) {
			if (unusual || (mode & S_IFMT) == S_IFLNK)
				break;
			known = KNOWN_END;
		} else if ((mode & mask) != wanted || (!ends && unusual && !*skip_slashes(found.after))) {
			break;
		}
		at = found.dentry;
		after = found.after;
		if (unlikely(!at->used))
			at->used = true;
		if (unlikely(at->mounts)) {
			place->dentry = at;
			mount_cross_locked(place);
			at = place->dentry;
			if ((at->vnode->attr.mode & mask) != wanted)
				break;
		}
		if (known == KNOWN_END)
			break;
		text = after + 1;
	}
	place->dentry = at;
	*rest = after;
	return known;
}

/* walk_known() for a walk in progress: what it passes over here was not the last component, or nothing is special about that. */
static void step_known(struct path_walk *walk)
{
	const char *before = walk->rest;

	walk_known(&walk->at, &walk->rest, walk->credentials, walk->flags & WALK_UNUSUAL);
	if (walk->rest != before)
		walk->last_kind = WALK_LAST_NAME;
}

/*
 * Walks as far as the cache goes. Tree lock held. @child: a looked-up entry for the first component, or NULL. Returns a stretch or a negative errno. For
 * STRETCH_LOOKUP and STRETCH_LINK walk->last is the component in question, walk->at its directory, and *stop the symlink.
 */
static int walk_stretch(struct path_walk *walk, const struct path *root, struct dentry *child, struct dentry **stop)
{
	for (;;) {
		struct path_component c;
		const char *after = path_next_component(walk->rest, &c), *next;
		bool last, trailing_slash;
		int error;

		if (!c.len) {
			/* Slashes after the last name, if walk_known has come to here. */
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
			if (c.len == 2)
				step_up(&walk->at, root);
			walk->rest = next;
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
	return 0;
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
	if (walk->parent.dentry)
		path_put(&walk->parent);
	if (vnode->fs->ops->follow)
		error = vnode->fs->ops->follow(vnode->fs, vnode->node, &target);
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
 * be gone.
 */
static inline int walk_at_once(struct path_walk *walk, int dir_fd, const char *text, unsigned flags)
{
	struct fs_context *context = fs_context_current();
	struct path at;
	enum known known;

	if (unlikely(flags & WALK_UNUSUAL || !*text || (*text != '/' && dir_fd != AT_FDCWD)))
		return 1;
	if (!walk->credentials)
		walk->credentials = credentials_current();
	walk->stat_done = false;
	spin_lock(&vfs_tree_lock);
	at = *text == '/' ? context->root : context->cwd;
	known = at.dentry ? walk_known(&at, &text, walk->credentials, false) : KNOWN_PART;
	if (likely(known == KNOWN_END))
		give_result(walk, &at);
	spin_unlock(&vfs_tree_lock);
	if (likely(known == KNOWN_END))
		return 0;
	return known == KNOWN_ABSENT ? -ENOENT : 1;
}

/* Walks walk->rest from walk->at. Tree lock held at the start, not at the end. */
static int walk_on(struct path_walk *walk, struct fs_context *context)
{
	struct dentry *child = NULL, *stop = NULL;
	bool from_root;
	int result;

	for (;;) {
		struct dentry *looked_up = child;

		if (!child)
			step_known(walk);
		result = walk_stretch(walk, &context->root, child, &stop);
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
		if (result == STRETCH_LOOKUP) {
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
		walk->at = from_root ? context->root : walk->held;
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

static int walk_text(struct path_walk *walk, int dir_fd, const char *text, unsigned flags)
{
	struct fs_context *context = fs_context_current();
	int error;

	walk->flags = flags;
	walk->depth = 0;
	walk->stat_done = false;
	walk->trailing_slash = false;
	walk->last_kind = WALK_LAST_ROOT;
	walk->last.len = 0;
	walk->rest = text;
	if (!walk->credentials)
		walk->credentials = credentials_current();
	if (!*text && !(flags & PATH_EMPTY_OK))
		return -ENOENT;
	if (unlikely(!mount_root))
		return -ENOENT;		/* early in boot */
	if (*text != '/' && dir_fd != AT_FDCWD) {
		error = start_at_descriptor(walk, dir_fd);
		if (error)
			return error;
		spin_lock(&vfs_tree_lock);
	} else {
		spin_lock(&vfs_tree_lock);
		walk->at = *text == '/' ? context->root : context->cwd;
	}
	return walk_on(walk, context);
}

int path_walk_user(struct path_walk *walk, int dir_fd, uaddr_t name, unsigned flags)
{
	ssize_t len = copy_string_from_user(walk->text, name, WALK_INLINE_TEXT);
	int error;

	if (likely(len >= 0)) {
		error = walk_at_once(walk, dir_fd, walk->text, flags);
		return likely(error <= 0) ? error : walk_text(walk, dir_fd, walk->text, flags);
	}
	if (len != -ENAMETOOLONG)
		return len;
	walk->buffer = kmalloc(PATH_MAX_LEN + PATH_PADDING);
	if (!walk->buffer)
		return -ENOMEM;
	len = copy_string_from_user(walk->buffer, name, PATH_MAX_LEN);
	if (len < 0)
		return len;
	return walk_text(walk, dir_fd, walk->buffer, flags);
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
	return walk_text(walk, dir_fd, text, flags);
}

void path_walk_end(struct path_walk *walk)
{
	if (walk->path.dentry)
		path_put(&walk->path);
	if (walk->parent.dentry)
		path_put(&walk->parent);
	if (walk->held.dentry)
		path_put(&walk->held);
	if (walk->buffer)
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

int path_lookup_user(int dir_fd, uaddr_t name, unsigned flags, struct path *path)
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
