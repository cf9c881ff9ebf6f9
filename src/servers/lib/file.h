/* SPDX-License-Identifier: MIT */
/* Whole files. */
#ifndef SERVERS_LIB_FILE_H
#define SERVERS_LIB_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the file at @path, of less than @max bytes, into memory that the caller frees. Returns NULL and errno on an error, EFBIG among them. */
char *file_read(const char *path, size_t max, size_t *length);

/* Closes *@fd, if it is one, and makes it -1. */
void fd_drop(int32_t *fd);

/* Both ends of a pipe, close-on-exec, the reading one non-blocking. 0, or -1 and errno. */
int fd_pipe(int32_t *reading, int32_t *writing);

/* Closes every descriptor of the caller's of which @is_kept(@argument, it) is not true. */
void fd_close_others(bool (*is_kept)(const void *argument, int fd), const void *argument);

#endif
