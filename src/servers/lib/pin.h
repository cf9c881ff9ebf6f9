/* SPDX-License-Identifier: MIT */
/*
 * Programs that are needed to get a file system back must not need one to start. At boot each is copied into sealed memory, which nobody can change and
 * which is never written out or dropped, and from then on it is started by a handle to that; the file's path leads there, too.
 */
#ifndef SERVERS_LIB_PIN_H
#define SERVERS_LIB_PIN_H

/*
 * Copies the program at @path. Returns a descriptor (close-on-exec, read-only use) or -1 and errno. Reads the file: may block.
 */
int pin_program(const char *path);

/* Makes @path lead to the sealed copy @fd. 0, or -1 and errno. */
int pin_path(int fd, const char *path);

#endif
