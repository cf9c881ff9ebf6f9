/* SPDX-License-Identifier: MIT */
/* Path walk. A path is a dentry on a mount; both are referenced while held. */
#pragma once

#include "lib/types.h"

struct mount;
struct dentry;
struct vnode;
struct fs_context;

struct path {
	struct mount *mount;
	struct dentry *dentry;
};

enum { PATH_MAX_LEN = 4096, NAME_MAX_LEN = 255, SYMLINK_DEPTH_MAX = 40 };

enum path_flags {
	PATH_NO_FOLLOW = 1 << 0,	/* do not follow a symlink in the last component */
	PATH_DIRECTORY = 1 << 1,	/* must be a directory */
	PATH_EMPTY_OK = 1 << 2,		/* AT_EMPTY_PATH */
	PATH_CREATE = 1 << 3,		/* the last component may be absent: then the result's dentry is negative */
	PATH_NO_MOUNTS = 1 << 4,
};

/* Looks @name (a kernel string) up from @dir_fd (AT_FDCWD or a descriptor). Returns 0 and a referenced *path, or a negative errno. May sleep. */
int path_lookup(int dir_fd, const char *name, unsigned flags, struct path *path);
/* The same with the name in user memory. */
int path_lookup_user(int dir_fd, uaddr_t name, unsigned flags, struct path *path);
void path_get(const struct path *path);
void path_put(struct path *path);

/* The vnode; NULL if negative. Borrowed: valid while the path is held. */
struct vnode *path_vnode(const struct path *path);

/* The absolute name as the caller's root sees it, "(deleted)" appended for unlinked files. Returns the length or -ERANGE/-ENAMETOOLONG. */
ssize_t path_to_string(const struct path *path, char *buf, size_t size);

/* A process's root, working directory and umask (CLONE_FS shares it). */
struct fs_context *fs_context_create_root(void);	/* both at the root mount, umask 022 */
struct fs_context *fs_context_copy(struct fs_context *context);
bool fs_context_is_shared(const struct fs_context *context);	/* with another process (CLONE_FS) */
void fs_context_get(struct fs_context *context);
void fs_context_put(struct fs_context *context);
void fs_context_get_root(struct fs_context *context, struct path *out);	/* referenced */
void fs_context_get_cwd(struct fs_context *context, struct path *out);	/* referenced */
unsigned fs_context_umask(struct fs_context *context);
int fs_context_copy_namespace(struct fs_context *context);	/* clone and unshare: -ENOMEM, -ENOSPC; nobody else may use the context */
/* May the caller change its mounts: 0 or -EPERM. */
int mount_check_privilege(void);
/* Must a process of @context not be looked into by the caller, who entered a view and may not see out of it? */
bool fs_context_is_hidden(const struct fs_context *context);
/* Is @path a file or directory outside of the view that the caller entered? What is open stays open, but cannot be opened again. */
bool path_is_hidden(const struct path *path);
