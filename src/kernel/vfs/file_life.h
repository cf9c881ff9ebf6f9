/* SPDX-License-Identifier: MIT */
/* Inside the VFS core: how files are made, opened and closed. */
#pragma once

#include "vfs/file.h"
#include "vfs/path_walk.h"

struct fd_table;

void file_init(void);
size_t file_count(void);	/* open files that exist */

/* A file on @path, whose references it takes over (also when it fails). Rights follow from the access mode in @flags. NULL when out of memory. */
struct file *file_create_at(const struct file_ops *ops, uint32_t flags, const struct path *path);

/* A descriptor of @table that led to @file was closed; its reference is put. May sleep. */
void file_descriptor_closed(struct file *file, struct fd_table *table);

/* Opens what was walked to: @path's references are taken over in any case. @created: permission is not asked. */
struct file *file_open_at(struct path *path, int flags, bool created, int *error);

/* open(2) by a walk: decodes flags, walks, creates, opens. The name is @user_name, or @kernel_name when that is not NULL. */
struct file *file_open_name(int dir_fd, uaddr_t user_name, const char *kernel_name, int flags, unsigned mode, int *error);

extern const struct file_ops regular_file_ops;
extern const struct file_ops directory_file_ops;
extern const struct file_ops path_only_file_ops;
