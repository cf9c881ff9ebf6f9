/* SPDX-License-Identifier: MIT */
/*
 * A vnode is the kernel's one object for a file in use: attributes and, through its vm_object, the page cache. There is at most one a (fs, id,
 * generation); unused ones stay cached until memory is wanted.
 *
 * References: open files, paths and mappings reach a vnode through a dentry or hold it themselves; the cache holds one more while the
 * node has a name (vnode->cached). The last one gone, mm frees the pages and vnode.c tells the file system (release).
 */
#pragma once

#include "mm/vm_object.h"
#include "sync/mutex.h"
#include "vfs/fs.h"
#include <asm/stat.h>
#include <linux/stat.h>

struct pipe;
struct inotify_watch;
struct file_locks;
struct mapped_file;
struct credentials;

/* What the path walk asks of a node, so that one comparison answers it; by its type and permission bits. */
enum walk_class {
	WALK_CLASS_LINK,	/* a symlink */
	WALK_CLASS_LEAF,	/* neither that nor a directory */
	WALK_CLASS_DIRECTORY,	/* one that not everybody may search */
	WALK_CLASS_OPEN,	/* a directory that everybody may search */
};

static inline enum walk_class walk_class_of(uint32_t mode)
{
	if ((mode & S_IFMT) == S_IFDIR)
		return (mode & 0111) == 0111 ? WALK_CLASS_OPEN : WALK_CLASS_DIRECTORY;
	return (mode & S_IFMT) == S_IFLNK ? WALK_CLASS_LINK : WALK_CLASS_LEAF;
}

struct vnode {
	struct vm_object object;	/* its reference count is the vnode's */
	struct fs *fs;			/* set once; holds a reference */
	struct fs_node_id node;		/* set once */
	uint32_t type;			/* S_IFMT bits; set once */
	bool cached;			/* vnode cache's lock: the cache holds a reference */
	bool hashed;			/* vnode cache's lock: in the hash; false for pipes made by pipe(2) */
	bool used;			/* a hint for the shrinker: looked up since its last visit */
	uint8_t walk_class;		/* enum walk_class of attr.mode; written under attr_lock, read without */
	bool attr_stale;		/* attr_lock: links, blocks or a directory's size must be asked for again */
	struct list hash_link;		/* vnode cache's lock */
	struct list lru_link;		/* vnode cache's lock: while cached */
	struct mutex write_lock;	/* serialises write, append and truncate of one file */
	struct spinlock attr_lock;
	bool links_unsure;		/* attr_lock: the file system was asked to change names of it, or how many there are, and gave no answer */
	uint32_t dirty;			/* attr_lock: FS_SET_* that the file system has not been told */
	uint32_t telling;		/* attr_lock: FS_SET_* that it is being told */
	uint32_t attr_changes;		/* attr_lock: counts changes after which an earlier answer about attributes is out of date */
	struct fs_attr attr;		/* guarded by attr_lock; attr.size mirrors object.size for regular files */
	/* What stat gives, kept until something of it changes (stat_fill.h): whether it holds, and the size and changed pages it was made with. attr_lock */
	struct stat status;
	bool status_holds;
	uint8_t refusals;		/* attr_lock: how often, one after the other, the file system did not take what is dirty; */
	uint32_t retry_at;		/* before then it is asked only by who waits for it. vnode_attr.c's unit */
	uint64_t status_size, status_pages;
	uint64_t changed_pages;		/* atomic: pages in memory that were changed since they were filled */
	uint64_t promised_blocks;	/* atomic: of 512 bytes, that will come to attr.blocks; vfs/mapped's */
	uint64_t fill_limit;		/* atomic: the file system's bytes end here, pages beyond start as zeroes */
	uint64_t dir_version;		/* atomic: changes of this directory begun and under way, see dir_change.h */
	struct pipe *pipe;		/* of a FIFO in use; guarded by attr_lock */
	struct list dentries;		/* names that lead here; guarded by the tree lock (dentry.h) */
	char *link_target;		/* atomic, set once: a symlink's text, NUL-terminated */
	uint32_t writers;		/* open for writing; exec refuses with ETXTBSY; guarded by attr_lock */
	uint32_t executing;		/* mapped as a program; open for writing refuses; guarded by attr_lock */
	struct mapped_file *map;	/* atomic, set once: where its data is on a disk; owned by vfs/mapped */
	struct file_locks *locks;	/* atomic, set once: flock and fcntl record locks; owned by vfs/lock.c */
#ifdef INOTIFY
	struct inotify_watch *watches;	/* inotify's lock: valid only with VNODE_HAS_WATCHES (inotify.h) */
#endif
};

static inline void vnode_get(struct vnode *vnode) { vm_object_get(&vnode->object); }
static inline void vnode_put(struct vnode *vnode) { vm_object_put(&vnode->object); }

/* The vnode for @attr of @fs, made if absent, with a reference for the caller; attributes are refreshed from @attr. NULL when out of memory. */
struct vnode *vnode_find_or_create(struct fs *fs, const struct fs_attr *attr);

/*
 * The same for the answer to a lookup or create that began after vnode_lookup_begin() filled @guard: -ESTALE when the node may have been removed, or
 * have changed and left the cache meanwhile, so that the question must be asked again (with the same @guard). @is_new, a hint: the node was just made.
 */
struct vnode_guard { uint64_t removals; uint64_t bucket; bool narrow; };
void vnode_lookup_begin(struct vnode_guard *guard);
int vnode_from_answer(struct fs *fs, const struct fs_attr *attr, struct vnode_guard *guard, bool is_new, struct vnode **vnode);

/* The vnode of @node if it is in memory, with a reference; else NULL. */
struct vnode *vnode_find(struct fs *fs, struct fs_node_id node);

/* A vnode that no lookup can find (pipes). One reference; NULL when out of memory. */
struct vnode *vnode_create_private(struct fs *fs, const struct fs_attr *attr);

/* The node has lost its last name: the cache lets go, so that it is freed with its last user. */
void vnode_forget(struct vnode *vnode);
/*
 * All cached vnodes of @fs let go (unmount), but where it has a worker those of files that are mapped and, unless @dirty, those with dirty pages: what is
 * stored to them would be lost. Returns whether some stay. May sleep.
 */
bool vnode_forget_fs(struct fs *fs, bool dirty);

/* Current attributes (asks the file system for FS_VOLATILE ones). May sleep. */
int vnode_getattr(struct vnode *vnode, struct fs_attr *attr);
/* Are the attributes in memory the current ones, so that no question is needed? attr_lock held. */
static inline bool vnode_attr_is_current(const struct vnode *vnode)
{
	return !vnode->attr_stale && !(vnode->fs->flags & FS_VOLATILE);
}
/* st_blocks of a regular file whose data are its pages. attr_lock held. */
static inline uint64_t vnode_blocks_locked(const struct vnode *vnode)
{
	uint64_t changed = atomic_load_relaxed(&vnode->changed_pages) * (PAGE_SIZE >> 9);
	uint64_t below = vnode->attr.blocks ? MIN(vnode->attr.blocks << 9, atomic_load(&vnode->fill_limit)) : 0;

	return MAX(changed, ROUND_UP(below, PAGE_SIZE) >> 9);
}
/* Changes attributes here and in the file system; a new size truncates. Needs no write_lock, permission is the caller's business. May sleep. */
int vnode_setattr(struct vnode *vnode, unsigned mask, const struct fs_attr *in);
/* Sets a regular file's size; vnode->write_lock held. */
int vnode_truncate_locked(struct vnode *vnode, uint64_t size);

/* Bytes before this are the file system's, where pages are absent; elsewhere there are zeroes. For FS_PAGES_ARE_DATA. */
static inline uint64_t vnode_bytes_below(const struct vnode *vnode)
{
	return vnode->fs->flags & FS_BYTES_BELOW ? atomic_load(&vnode->fill_limit) : 0;
}
/* FALLOC_FL_PUNCH_HOLE from @start to before @end; write_lock held. 0 or a negative errno. (sync_calls.c, as the next.) May sleep. */
int vnode_punch_locked(struct vnode *vnode, uint64_t start, uint64_t end);
int vnode_punch(struct vm_object *object, uint64_t start, uint64_t end);	/* vm_object_ops.punch, with seals and write_lock */

/* A write changed the data: mtime, ctime and size; the file system hears of it later. */
void vnode_touch_written(struct vnode *vnode, uint64_t end);
/* A read: atime, relative to the other times. */
void vnode_touch_accessed(struct vnode *vnode);
/* Names in the directory changed: mtime, ctime now, links and size are asked for again. */
void vnode_touch_directory(struct vnode *vnode, int64_t now);
void vnode_touch_changed(struct vnode *vnode);	/* ctime */
/* Its last name is gone: no others will come. */
void vnode_set_no_links(struct vnode *vnode, int64_t now);
/* Asks the file system how many names there are after a change, beside which others may be made; forgets the node if none is left. May sleep. */
void vnode_recheck_links(struct vnode *vnode);
/* The file system may have changed its attributes: the next who wants them asks. */
void vnode_is_stale(struct vnode *vnode);
/* The same, and names of it may have come or gone: at its end the file system is told that it is not used any more, in case none is left. */
void vnode_links_are_unsure(struct vnode *vnode);
/*
 * Is nothing of @fs in use that could still change it without being asked, but open files? Waits until it has heard of the ends of nodes without names.
 * 0; -EBUSY: nodes without names are in use, or a program can store to a mapped file, or it does not say
 * how many names a node has (-EIO); -ENOMEM; -EINTR when killed.
 */
int vnode_settle(struct fs *fs);
/* Can a program store to a mapped file of @fs? Then -EBUSY; 0, -ENOMEM. May sleep. */
int vnode_check_stores(struct fs *fs);
/*
 * By an answer of the file system @node has lost a name, its @last one perhaps: its vnode, with a reference, if it is in memory; else NULL, and nobody
 * uses the node: with the last name it is released here. May sleep.
 */
struct vnode *vnode_find_removed(struct fs *fs, struct fs_node_id node, bool last);
/* Tells the file system what it does not know yet; write_lock held, or nobody else uses it: a truncation meanwhile would be undone. May sleep. */
int vnode_flush_attributes(struct vnode *vnode);
int vnode_sync_attributes(struct vnode *vnode);	/* takes the lock itself (fsync, sync); -EINTR if killed meanwhile */
/* The same for every cached vnode of @fs, or of all file systems when NULL; tries all, unless killed (-EINTR). The first error. May sleep. */
int vnode_flush_all(struct fs *fs);

/* A write or a change of owner by somebody without privilege takes the set-id bits away. */
void vnode_clear_set_id(struct vnode *vnode);

/* May the caller's (effective) credentials do @mask (R_OK 4, W_OK 2, X_OK 1) to it? 0 or -EACCES/-EROFS. */
int vnode_check_access(struct vnode *vnode, unsigned mask);
int vnode_check_access_as(struct vnode *vnode, unsigned mask, const struct credentials *credentials);
/* Is the caller the owner, or root? */
bool vnode_owned_by_caller(struct vnode *vnode);

/* exec: no writers while it runs. 0 or -ETXTBSY. */
int vnode_begin_execute(struct vnode *vnode);
void vnode_end_execute(struct vnode *vnode);
/* open for writing: 0 or -ETXTBSY. */
int vnode_begin_write(struct vnode *vnode);
void vnode_end_write(struct vnode *vnode);

/* The text of a symlink, NUL-terminated, to be freed with kfree(). Length or negative errno. May sleep. */
ssize_t vnode_read_link(struct vnode *vnode, char **text);
