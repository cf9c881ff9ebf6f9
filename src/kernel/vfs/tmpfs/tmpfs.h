/* SPDX-License-Identifier: MIT */
/*
 * tmpfs: names and attributes live here, data in the page cache of the vnodes (FS_PAGES_ARE_DATA). With a lower file system it is a writable overlay:
 * a lower directory's names are copied in when it is first touched, a lower inode becomes a node when it is first looked up (with the
 * lower inode's number, so hard links meet in one node), and data is read from the lower file until it is truncated. Nothing else ever looks
 * down, so what was removed stays removed without whiteouts.
 *
 * Lock: tmpfs->lock (a mutex) guards every node and entry. A caller's emit() runs under it, and must neither touch user memory nor call the file system.
 */
#pragma once

#include "lib/list.h"
#include "sync/mutex.h"
#include "vfs/fs.h"
#include "vfs/tmpfs/table.h"

enum { TMPFS_OWN_NAME = 32 };	/* bytes of a name that a node has room for */

struct tmpfs_entry {
	struct tmpfs_link by_name;	/* in tmpfs->names, by tmpfs_name_key() */
	struct list listed;		/* in dir->entries */
	struct tmpfs_node *dir;		/* NULL: not in use */
	struct tmpfs_node *node;	/* NULL: not looked up yet, lower_id says which */
	uint64_t cookie;		/* unique in its directory for ever; newer is higher */
	uint64_t lower_id;
	uint8_t type;			/* DT_* */
	uint8_t len;
	bool own;			/* is in a node, perhaps another one than it leads to */
	char name[];
};

struct tmpfs_node {
	struct tmpfs_link by_id;	/* in tmpfs->nodes, by attr.node.id */
	struct fs_attr attr;
	uint32_t names;			/* entries that point here */
	bool has_lower;			/* data, target or names still come from the lower inode */
	bool populated;			/* a directory whose names are all here */
	bool linkable;			/* has no name, and may get one */
	bool ended;			/* only its own entry is still in use, by another node */
	struct fs_node_id lower;
	uint64_t lower_size;		/* regular files: bytes below this still come from the lower file */
	char *target;			/* symlinks of our own; attr.size bytes */
	/* Directories only. */
	struct tmpfs_node *parent;	/* NULL for the root and for removed directories */
	struct list entries;		/* from the newest to the oldest */
	struct tmpfs_entry *cursor;	/* where a listing was last: the next step starts there. May be NULL */
	uint64_t next_cookie;
	size_t entry_count;		/* of others: names that count as nodes, all but one of those made here */
	/* Room for one entry, mostly the node's first name; last, with TMPFS_OWN_NAME bytes behind it. */
	struct tmpfs_entry own;
};

struct tmpfs {
	struct fs fs;
	struct mutex lock;
	struct fs *lower;		/* NULL without overlay; set once */
	struct tmpfs_table nodes, names;
	struct tmpfs_node *root;	/* set once */
	uint64_t next_id;
	uint64_t first_own_id;		/* smaller ones are the lower file system's; set once */
	uint64_t node_count, node_max;	/* nodes of our own, and further names of files; 0: no limit */
	int64_t page_count;		/* atomic */
	int64_t page_max;		/* 0: no limit; atomic, changed by a remount */
};

struct tmpfs_options { uint64_t size, nodes; uint32_t mode, uid, gid; bool has_mode; };

extern const struct fs_ops tmpfs_ops;
void tmpfs_register(void);

static inline struct tmpfs *to_tmpfs(struct fs *fs)
{
	return container_of(fs, struct tmpfs, fs);
}

/* Everything below: tmpfs->lock held. More is in names_inline.h. */

/* node.c */
void tmpfs_node_init(void);	/* before the first instance */
/* The node of a lower inode, made if absent. */
int tmpfs_node_from_lower(struct tmpfs *tmpfs, const struct fs_attr *attr, struct tmpfs_node **node);
void tmpfs_node_free(struct tmpfs *tmpfs, struct tmpfs_node *node);	/* unlinks it from the table; its entries must be gone */

/* directory.c */
struct tmpfs_entry *tmpfs_entry_alloc(uint64_t key, const char *name, size_t len);	/* @key: tmpfs_name_key() of the name */
void tmpfs_dir_clear(struct tmpfs *tmpfs, struct tmpfs_node *dir);	/* removes all entries */
/* The newest entry whose cookie is at most @cookie; NULL at the end. */
struct tmpfs_entry *tmpfs_entry_at(struct tmpfs_node *dir, uint64_t cookie);
int tmpfs_dir_populate(struct tmpfs *tmpfs, struct tmpfs_node *dir);
/* Asks the lower file system for @entry->node, which is NULL. */
int tmpfs_entry_look_up(struct tmpfs *tmpfs, struct tmpfs_node *dir, struct tmpfs_entry *entry);

/* names.c: one name of @node is gone. */
void tmpfs_node_drop_name(struct tmpfs *tmpfs, struct tmpfs_node *parent, struct tmpfs_node *node, int64_t now);

/* options.c; no lock needed. -EINVAL with a log line. @total_pages is what size=N% refers to. */
int tmpfs_parse_options(const char *text, uint64_t total_pages, struct tmpfs_options *options);
