/* SPDX-License-Identifier: MIT */
/*
 * A streaming reader for cpio archives in the "newc" format (cpio(5), magic 070701): the overlays of `ci/vm`.
 *
 * Pure: bytes come from, and entries go to, functions of the caller. Memory is one buffer and the list of hard links;
 * file data is passed on straight from the buffer, so the archive's size does not matter.
 */
#ifndef SERVERS_LIB_CPIO_H
#define SERVERS_LIB_CPIO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	CPIO_MAX_NAME = 4096,        /* with its zero byte */
	CPIO_ERROR_TEXT = 200,
};

struct cpio_entry {
	const char *name;            /* relative: no '/' first, no "." or ".." in it */
	uint32_t mode, uid, gid;     /* mode as in st_mode */
	uint32_t size;
	uint32_t mtime;              /* seconds since 1970 */
	uint32_t device_major, device_minor;
	const char *target;          /* of a symbolic link */
	const char *link;            /* earlier name of the same file, or NULL */
};

/* Each returns 0, or a negative errno value after which the reader stops. */
struct cpio_sink {
	void *context;
	/* A new entry. For a regular file of size > 0, data() and finish() follow. */
	int (*begin)(void *context, const struct cpio_entry *entry);
	int (*data)(void *context, const void *bytes, size_t length);
	int (*finish)(void *context);
};

struct cpio_source {
	void *context;
	/* Up to @length bytes; 0 at the end; negative errno value on an error. */
	ssize_t (*read)(void *context, void *buffer, size_t length);
};

/*
 * Reads a whole archive. Returns 0, or a negative errno value (EINVAL: malformed; ENOMEM; else from source or sink)
 * and a sentence in @error that names the place.
 */
int cpio_read(const struct cpio_source *source, const struct cpio_sink *sink, size_t buffer_size,
	      char error[CPIO_ERROR_TEXT]);

#endif
