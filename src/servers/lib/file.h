/* SPDX-License-Identifier: MIT */
/* Whole files. */
#ifndef SERVERS_LIB_FILE_H
#define SERVERS_LIB_FILE_H

#include <stddef.h>

/* Reads the file at @path, of less than @max bytes, into memory that the caller frees. Returns NULL and errno on an error, EFBIG among them. */
char *file_read(const char *path, size_t max, size_t *length);

#endif
