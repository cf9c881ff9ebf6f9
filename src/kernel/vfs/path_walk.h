/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: the path walk with all its results. Others use path_lookup() of path.h. */
#pragma once

#include "process/credentials.h"
#include "vfs/path.h"
#include "vfs/path_split.h"
#include "vfs/fs.h"

enum walk_flags {			/* besides enum path_flags */
	WALK_PARENT = 1 << 8,		/* also give the directory that holds the last component */
	/* openat2's RESOLVE_*, in its order; path_walk.base is set. */
	WALK_RESOLVE_SHIFT = 16,
	WALK_NO_CROSSING = 1 << 16,	/* stay on one mount */
	WALK_NO_MAGIC = 1 << 17,	/* follow no symlink that leads straight to an object */
	WALK_NO_LINKS = 1 << 18,	/* follow none */
	WALK_BENEATH = 1 << 19,		/* stay below base */
	WALK_IN_ROOT = 1 << 20,		/* as if base were the root */
	WALK_CACHED = 1 << 21,		/* ask nobody */
	WALK_RESOLVE = 0x3f << WALK_RESOLVE_SHIFT,
	WALK_LAST_RAW = 1 << 9,		/* the last component is a name to be changed: never followed, not crossed, whatever a trailing slash says */
};

/* What the last component was. Only a name can be created, removed or renamed. */
enum walk_last { WALK_LAST_NAME, WALK_LAST_DOT, WALK_LAST_DOT_DOT, WALK_LAST_ROOT };

enum { WALK_INLINE_TEXT = 256 };

struct stat;

struct path_walk {
	/* Set before the walk if wanted. */
	const struct credentials *credentials;	/* NULL: the caller's */
	bool insist;				/* for name_change.h: go on even if the names change all the time */
	const struct path *base;		/* with WALK_RESOLVE: where the walk begins; the caller holds it */
	struct stat *stat;			/* attributes are wanted: if they are in memory, they are put here and no path is given */

	/* Results. */
	struct path path;		/* referenced; its dentry is negative only with PATH_CREATE; {NULL, NULL} if stat_done */
	struct path parent;		/* with WALK_PARENT and WALK_LAST_NAME: referenced */
	struct path_component last;	/* points into this structure or its buffer: lives until path_walk_end */
	enum walk_last last_kind;
	bool trailing_slash;
	bool stat_done;
	uint64_t generation;		/* vfs_paths_generation when the names were walked; 0: not known */

	/* Private. */
	unsigned flags, depth;
	unsigned checks;		/* tree lock: ways up to a mount's root that were looked at since it was taken */
	const struct mount *inside;	/* tree lock: at is known to be inside of what this mount shows, if it is by it */
	struct path at;			/* the place reached; kept by the tree lock or by held */
	struct path held;		/* references that keep a place alive while the tree lock is not held */
	char *buffer;			/* from kmalloc, or NULL when the text is inline */
	const char *rest;		/* of the text: what is still to walk */
	char *end;			/* of the text: its NUL */
	char text[WALK_INLINE_TEXT + PATH_PADDING];
};

/* Both return 0 or a negative errno; in any case path_walk_end() must follow. May sleep. */
int path_walk_user(struct path_walk *walk, int dir_fd, uaddr_t name, unsigned flags);
int path_walk_kernel(struct path_walk *walk, int dir_fd, const char *name, unsigned flags);
/* Frees the buffer and puts the paths that are left in it (take one by copying it and clearing the original). */
void path_walk_end(struct path_walk *walk);

/* Prepares the fields that are set before the walk. */
static inline void path_walk_init(struct path_walk *walk)
{
	walk->credentials = NULL;
	walk->stat = NULL;
	walk->insist = false;
	walk->buffer = NULL;
	walk->generation = 0;
	walk->path.mount = walk->parent.mount = walk->held.mount = NULL;
	walk->path.dentry = walk->parent.dentry = walk->held.dentry = NULL;
}
