/* SPDX-License-Identifier: MIT */
/*
 * tmpfs: names and attributes live here, data in the page cache of the vnodes (FS_PAGES_ARE_DATA). With a lower file system it is a writable overlay:
 * a lower directory's names are copied in when it is first touched, a lower inode becomes a node when it is first looked up (with the
 * lower inode's number, so hard links meet in one node), and data is read from the lower file until it is truncated. Nothing else ever looks
 * down, so what was removed stays removed without whiteouts.
 *
 * Lock: tmpfs->lock (a mutex) guards every node and entry. It is never held while a caller's emit() runs.
 */
#pragma once

#include "lib/rbtree.h"
#include "sync/mutex.h"
#include "vfs/fs.h"

struct tmpfs_node {
	struct rb_node table_link;	/* tmpfs->nodes, by attr.node.id */
	struct fs_attr attr;
	uint32_t names;			/* entries that point here */
	bool has_lower;			/* data, target or names still come from the lower inode */
	bool populated;			/* a directory whose names are all here */
	struct fs_node_id lower;
	uint64_t lower_size;		/* regular files: bytes below this still come from the lower file */
	char *target;			/* symlinks of our own; attr.size bytes */
	/* Directories. */
	struct tmpfs_node *parent;	/* NULL for the root and for removed directories */
	struct rb_tree by_name, by_cookie;
	uint64_t next_cookie;
	size_t entry_count;
};

struct tmpfs_entry {
	struct rb_node by_name, by_cookie;
	uint64_t cookie;		/* unique in its directory for ever; newer is higher */
	struct tmpfs_node *node;	/* NULL: not looked up yet, lower_id says which */
	uint64_t lower_id;
	uint8_t type;			/* DT_* */
	uint8_t len;
	char name[];
};

struct tmpfs {
	struct fs fs;
	struct mutex lock;
	struct fs *lower;		/* NULL without overlay; set once */
	struct rb_tree nodes;
	struct tmpfs_node *root;	/* set once */
	uint64_t next_id;
	uint64_t first_own_id;		/* smaller ones are the lower file system's; set once */
	uint64_t node_count, node_max;	/* nodes of our own; 0: no limit */
	int64_t page_count;		/* atomic */
	int64_t page_max;		/* 0: no limit; set once */
};

struct tmpfs_options { uint64_t size, nodes; uint32_t mode, uid, gid; bool has_mode; };

extern const struct fs_ops tmpfs_ops;
void tmpfs_register(void);

static inline struct tmpfs *to_tmpfs(struct fs *fs)
{
	return container_of(fs, struct tmpfs, fs);
}

/* Everything below: tmpfs->lock held. */

/* node.c */
void tmpfs_node_init(void);	/* before the first instance */
struct tmpfs_node *tmpfs_node_find(struct tmpfs *tmpfs, struct fs_node_id id);
/* A node with no name yet, from @in's mode, uid, gid and rdev. NULL with *error -ENOSPC or -ENOMEM. */
struct tmpfs_node *tmpfs_node_create(struct tmpfs *tmpfs, const struct fs_attr *in, int *error);
/* The node of a lower inode, made if absent. */
int tmpfs_node_from_lower(struct tmpfs *tmpfs, const struct fs_attr *attr, struct tmpfs_node **node);
void tmpfs_node_free(struct tmpfs *tmpfs, struct tmpfs_node *node);	/* unlinks it from the table; its entries must be gone */
int tmpfs_dir_find(struct tmpfs *tmpfs, struct fs_node_id id, struct tmpfs_node **dir);	/* -ENOTDIR, -ENOENT; populates it */
void tmpfs_node_changed(struct tmpfs_node *node, int64_t now);		/* ctime and mtime */

/* directory.c */
struct tmpfs_entry *tmpfs_entry_find(struct tmpfs_node *dir, const char *name, size_t len);
/* The same; for a name that is free *@place is where it belongs, as long as the directory does not change. */
struct tmpfs_place { struct rb_node *parent, **link; };
struct tmpfs_entry *tmpfs_entry_find_place(struct tmpfs_node *dir, const char *name, size_t len, struct tmpfs_place *place);
struct tmpfs_entry *tmpfs_entry_alloc(const char *name, size_t len);
/* @entry->node or lower_id and type are set. Takes the entry over. The name must be free. */
void tmpfs_entry_insert(struct tmpfs_node *dir, struct tmpfs_entry *entry);
void tmpfs_entry_insert_at(struct tmpfs_node *dir, struct tmpfs_entry *entry, const struct tmpfs_place *place);
void tmpfs_entry_remove(struct tmpfs_node *dir, struct tmpfs_entry *entry);	/* frees it */
/* The newest entry whose cookie is at most @cookie; NULL at the end. */
struct tmpfs_entry *tmpfs_entry_at(struct tmpfs_node *dir, uint64_t cookie);
int tmpfs_dir_populate(struct tmpfs *tmpfs, struct tmpfs_node *dir);
/* Makes sure that @entry->node is there. */
int tmpfs_entry_resolve(struct tmpfs *tmpfs, struct tmpfs_node *dir, struct tmpfs_entry *entry);

/* names.c: one name of @node is gone. */
void tmpfs_node_drop_name(struct tmpfs_node *parent, struct tmpfs_node *node, int64_t now);

/* options.c; no lock needed. -EINVAL with a log line. @total_pages is what size=N% refers to. */
int tmpfs_parse_options(const char *text, uint64_t total_pages, struct tmpfs_options *options);
