/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: what is in a process's root, working directory and umask. */
#pragma once

#include "lib/atomic.h"
#include "process/process.h"
#include "vfs/path.h"

struct mount_namespace;

struct fs_context {
	struct refcount refs;
	uint32_t umask;		/* atomic */
	struct path root;	/* tree lock; referenced */
	struct path cwd;	/* tree lock; referenced */
	struct mount_namespace *namespace;	/* tree lock; only its one user changes it */
};

extern struct fs_context fs_context_boot;

/* The calling process's; for kernel threads one that stands at the root mount. */
SHARED_INLINE struct fs_context *fs_context_current(void)
{
	struct process *process = current_process();

	return likely(process && process->fs) ? process->fs : &fs_context_boot;
}
/* Takes over the references of @path. May sleep. */
void fs_context_set_root(struct fs_context *context, const struct path *path);
void fs_context_set_cwd(struct fs_context *context, const struct path *path);
unsigned fs_context_set_umask(struct fs_context *context, unsigned umask);	/* returns the old one */
/* A context of its own for who stands at the root of @namespace, whose reference it takes over. NULL when out of memory: then nothing was. */
struct fs_context *fs_context_create(struct mount_namespace *namespace, unsigned umask);
/* Every process, and the kernel threads, that have @old as root or working directory have @new instead. May sleep. */
void fs_context_replace_all(const struct path *old, const struct path *new);
/* The root mount exists now. */
void fs_context_init(const struct path *root);
