/* SPDX-License-Identifier: MIT */
/*
 * What a file system in a server answered, looked at and turned into the VFS's own structures. Nothing in an answer is taken for granted; each way in
 * which one can be wrong has a counter. Pure: the messages lie still meanwhile.
 */
#pragma once

#define IN_KERNEL
#include "proto/fs.h"
#include "vfs/fs.h"

enum served_fault {
	SERVED_BAD_LENGTH,		/* not what the definition of the answer says */
	SERVED_BAD_TYPE_NAME,
	SERVED_BAD_NODE,		/* no number, or not the node that was asked about */
	SERVED_BAD_MODE,
	SERVED_BAD_LINKS,
	SERVED_BAD_SIZE,
	SERVED_BAD_ROOT,		/* not a directory */
	SERVED_BAD_LOOP,		/* a directory that contains itself or the root */
	SERVED_BAD_TARGET,
	SERVED_BAD_ENTRY,		/* one of a directory, or how it lies there */
	SERVED_BAD_ENTRY_NAME,
	SERVED_BAD_COOKIE,		/* which leads nowhere */
	SERVED_BAD_STATFS,
	SERVED_FAULTS
};

extern uint64_t served_faults[SERVED_FAULTS];		/* atomic: how many answers were wrong, each way */
extern const char *const served_fault_names[SERVED_FAULTS];

/*
 * Each: the answer @message of @length bytes, 0 or -EIO. @length may be a negative errno that came instead: it is returned if programs may see it.
 */
int served_take_root(const void *message, long length, char type[16], struct fs_attr *root);
int served_take_lookup(const void *message, long length, struct fs_node_id directory, struct fs_node_id root, struct fs_attr *attr);
int served_take_getattr(const void *message, long length, struct fs_node_id node, struct fs_attr *attr);
int served_take_target(const void *message, long length, char *buf, size_t size);	/* the length of the target */
int served_take_page(const void *message, long length, void *page);
int served_take_statfs(const void *message, long length, struct fs_statfs *out);
/* Hands the entries that come after @cookie to @emit, until it has had enough: *full. *cookie: where to go on; *end: there are no more. */
int served_take_entries(const void *message, long length, uint64_t *cookie, bool *end, bool *full, fs_readdir_emit *emit, void *context);
