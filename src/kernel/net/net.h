/* SPDX-License-Identifier: MIT */
/* What the rest of the kernel uses of sockets; empty where it is built without local ones (../README.md, "Switches"). */
#pragma once

#include "lib/errno.h"
#include "vfs/file.h"

struct proc_text;

#ifdef UNIX_SOCKETS

void net_init(void);
uint64_t net_socket_number(void);	/* of a new socket: for stat and /proc */

/* Has @file a before_put op? It says what unix_after_put() is to be told. */
static inline bool unix_counts_puts(const struct file *file) { return file->ops->before_put; }
static inline uint64_t unix_ask_before_put(const struct file *file) { return file->ops->before_put(file); }
/*
 * A reference to such a file was put: by what its op said, looks for sockets that nobody can reach any more. No lock of the VFS is held but for file
 * positions. May sleep.
 */
void unix_after_put(uint64_t said);

bool unix_is_socket(const struct file *file);	/* a local one */
void unix_show_all(struct proc_text *text);	/* /proc/net/unix */

/*
 * What mq_notify() promises the C library's thread, which waits at the netlink socket @fd: the bytes at @from, to be given to netlink_tell() once.
 * 0, -EFAULT, -EBADF, -ENOTSOCK, -EINVAL (of another family), and those of waiting for room.
 */
int netlink_reserve(int fd, uaddr_t from, void **cookie);
void netlink_tell(void *cookie, char what);	/* with @what in the last byte; 0: nothing. @cookie may be NULL. No spinlock may be held */

#else

static inline void net_init(void) { }
static inline bool unix_counts_puts(const struct file *file) { return false; }
static inline uint64_t unix_ask_before_put(const struct file *file) { return 0; }
static inline void unix_after_put(uint64_t said) { }
static inline bool unix_is_socket(const struct file *file) { return false; }
static inline int netlink_reserve(int fd, uaddr_t from, void **cookie) { return -EINVAL; }
static inline void netlink_tell(void *cookie, char what) { }

#endif
