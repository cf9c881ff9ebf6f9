/* SPDX-License-Identifier: MIT */
/* A mounted image, and single operations on it. All return what the library does. */
#ifndef EXT2_CHECK_SESSION_H
#define EXT2_CHECK_SESSION_H

#include "store.h"
#include "world.h"

struct session {
	struct store store;
	struct ext2 *fs;
	void *memory;
	struct ext2_node root;
};

/* Takes @bytes; also when it fails, session_close is called. Without EXT2_READ_ONLY it is started, too. */
int session_open(struct session *session, uint8_t *bytes, size_t size, unsigned flags);
void session_close(struct session *session);
int session_lookup(struct session *session, struct ext2_node dir, const char *name, struct ext2_attr *out);
/* Symlinks lead to "target", devices are 8:1. */
int session_create(struct session *session, struct ext2_node dir, const char *name, uint32_t mode, struct ext2_attr *out);
int session_remove(struct session *session, struct ext2_node dir, const char *name, unsigned flags, struct ext2_attr *out);
int session_release(struct session *session, struct ext2_node node);
int session_resize(struct session *session, struct ext2_node node, uint64_t size, struct ext2_attr *out);
int session_map(struct session *session, struct ext2_node node, uint64_t first, uint64_t count, struct ext2_extent *extents, unsigned max);
enum { EXT2_GROW_PRIVILEGED = 1 };
/* Allocates blocks from @first on until one fails. Returns how many there are. */
uint64_t session_grow(struct session *session, struct ext2_node node, uint64_t first, uint64_t count, unsigned flags);
int session_sync(struct session *session, bool clean);
int session_statfs(struct session *session, struct ext2_statfs *out);

#endif
