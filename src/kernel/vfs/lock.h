/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: advisory locks on files. Record locks belong to a descriptor table (fcntl) or an open file (OFD), flock's to an open file. */
#pragma once

#include "lib/types.h"

struct proc_text;
struct vnode;
struct file;

/* A record lock as fcntl asks for it. */
struct lock_request {
	const void *owner;	/* struct fd_table or struct file */
	int pid;		/* -1 for open-file owners */
	uint64_t start, end;	/* both included */
	bool write, unlock, wait;
	bool detect_deadlock;
};

/* 0, -EAGAIN, -EDEADLK, -ENOMEM, -ERESTARTSYS. */
int file_lock_set(struct vnode *vnode, const struct lock_request *request);
/* Who stands in the way? True with *request overwritten by that lock, false if nobody. */
bool file_lock_test(struct vnode *vnode, struct lock_request *request);
/* flock(2): @operation is LOCK_SH, LOCK_EX or LOCK_UN. */
int file_lock_whole(struct file *file, int operation, bool wait);

void file_locks_release_owner(struct vnode *vnode, const void *owner);	/* a descriptor of that table was closed */
void file_locks_release_file(struct file *file);			/* the open file is gone */
void file_locks_free(struct vnode *vnode);				/* the vnode is gone */
/* A line for each lock that there is, or (@file) that @file, or a descriptor for it in @table, has. */
void file_locks_show(struct proc_text *text, const struct file *file, const void *table);
