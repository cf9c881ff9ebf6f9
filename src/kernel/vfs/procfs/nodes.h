/* SPDX-License-Identifier: MIT */
/* Between /proc's tables and struct fs_ops: inode numbers, subjects, and the files that are opened. */
#pragma once

#include "vfs/fs.h"
#include "vfs/procfs/entry.h"

struct file;

struct proc_node {
	const struct proc_directory *in;	/* the directory that holds it; NULL for the root */
	struct proc_subject subject;
};

enum { PROC_ROOT_ID = 1 };

uint64_t proc_node_id(const struct proc_directory *in, unsigned index, int pid, int member);
/*
 * Decodes an id and takes references on the process and thread it is about. -ENOENT when they are gone or the id was never given
 * out. proc_node_put() afterwards.
 */
int proc_node_get(struct fs_node_id id, struct proc_node *node);
void proc_node_put(struct proc_node *node);

/* file.c: makes @file show @node, whose references it takes over on success. 0 or -ENOMEM. */
int proc_file_open(struct proc_node *node, struct file *file);
