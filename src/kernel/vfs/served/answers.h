/* SPDX-License-Identifier: MIT */
/*
 * What a file system in a server answered, looked at and turned into the VFS's own structures. Nothing in an answer is taken for granted; each way in
 * which one can be wrong has a counter. Pure: the messages lie still meanwhile.
 */
#pragma once

#define IN_KERNEL
#include "proto/fs.h"
#include "vfs/fs.h"
#include "vfs/served/served_map.h"

enum served_fault {
	SERVED_BAD_LENGTH,		/* not what the definition of the answer says */
	SERVED_BAD_TYPE_NAME,
	SERVED_BAD_NODE,		/* no number, or not the node that was asked about */
	SERVED_BAD_MODE,
	SERVED_BAD_LINKS,
	SERVED_BAD_SIZE,
	SERVED_BAD_ROOT,		/* not a directory, or times too far apart */
	SERVED_BAD_LOOP,		/* a directory that contains itself or the root */
	SERVED_BAD_TARGET,
	SERVED_BAD_ENTRY,		/* one of a directory, or how it lies there */
	SERVED_BAD_ENTRY_NAME,
	SERVED_BAD_COOKIE,		/* which leads nowhere */
	SERVED_BAD_STATFS,
	SERVED_BAD_TYPE,		/* of what was made: not what was asked for */
	SERVED_BAD_REMOVED,		/* what lost its name: one that cannot have had it, or names where there cannot be any, or reserved fields */
	SERVED_BAD_EXTENT,		/* where a file's blocks are: gaps, not on the disk, holes that should be none */
	SERVED_BAD_FILE,		/* the file with these blocks: shorter than asked for, or too long */
	SERVED_FAULTS
};

extern uint64_t served_faults[SERVED_FAULTS];		/* atomic: how many answers were wrong, each way */
extern const char *const served_fault_names[SERVED_FAULTS];

/*
 * Each: the answer @message of @length bytes, 0 or -EIO. @length may be a negative errno that came instead: it is returned if programs may see it.
 */
int served_take_root(const void *message, long length, char type[16], struct fs_attr *root, int64_t *time_step);
int served_take_lookup(const void *message, long length, struct fs_node_id directory, struct fs_node_id root, struct fs_attr *attr);
/* Of getattr, setattr and link: those of @node. With @named it has names. */
int served_take_attributes(const void *message, long length, struct fs_node_id node, bool named, struct fs_attr *attr);
/* Of create, mkdir and symlink: of the node of type @type (S_IFMT) that was made in @directory. */
int served_take_made(const void *message, long length, struct fs_node_id directory, struct fs_node_id root, uint32_t type, struct fs_attr *attr);
/* Of unlink and rmdir: what had a name in @directory, and its links. */
int served_take_removed(const void *message, long length, struct fs_node_id directory, struct fs_node_id root, bool was_directory, struct fs_attr *attr);
/* Of rename between two directories; @replaces: something that was there may have lost its name. */
int served_take_renamed(const void *message, long length, struct fs_node_id from, struct fs_node_id to, struct fs_node_id root, bool replaces);
/* Of what answers with nothing. */
int served_take_done(const void *message, long length);
/* Up to @max extents of a file, on a disk of @blocks blocks of @block_size bytes; returns how many. */
int served_take_extents(const void *message, long length, const struct served_map_request *request, uint64_t blocks, unsigned block_size,
			struct served_extent *extents, unsigned max, struct served_map_result *result);
int served_take_target(const void *message, long length, char *buf, size_t size);	/* the length of the target */
int served_take_page(const void *message, long length, void *page);
int served_take_statfs(const void *message, long length, struct fs_statfs *out);
/* Hands the entries that come after @cookie to @emit, until it has had enough: *full. *cookie: where to go on; *end: there are no more. */
int served_take_entries(const void *message, long length, uint64_t *cookie, bool *end, bool *full, fs_readdir_emit *emit, void *context);
