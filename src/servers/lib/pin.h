/* SPDX-License-Identifier: MIT */
/*
 * Programs that are needed to get a file system back must not need one to start. At boot each is copied into sealed memory, which nobody can change and
 * which is never written out or dropped, and from then on it is started by a handle to that; the file's path leads there, too.
 */
#ifndef SERVERS_LIB_PIN_H
#define SERVERS_LIB_PIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { PIN_MAX_BYTES = 64 << 20 };

/*
 * Copies the program at @path. Returns a descriptor (close-on-exec, read-only use) or -1 and errno: ENOEXEC when it is no regular file, EFBIG when it is
 * larger than PIN_MAX_BYTES. Waits for the disk that the file is on, and for nothing else.
 */
int pin_program(const char *path);

/* The same in steps, for who must not wait itself: an empty copy (-1 and errno), which a child may fill (0, or -1 and errno), and whether that was done. */
int pin_make(const char *path);
int pin_fill(int fd, const char *path);
bool pin_is_filled(int fd);

/*
 * The same by a child, for who must not wait: the file may be one of a file system that does not answer. Without @copy it is only looked whether the program
 * can be executed, and *@fd is -1. Returns the child, whose end (pin_result) tells whether the copy *@fd is one; or a negative errno.
 */
pid_t pin_begin(const char *path, bool copy, int32_t *fd);

/* What a child of pin_begin() that ended with @status did: 0 or a negative errno; -EINTR: something killed it. */
int pin_result(int status);

/* Makes @path lead to the sealed copy @fd. 0, or -1 and errno. */
int pin_path(int fd, const char *path);

#endif
