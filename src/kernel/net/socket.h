/* SPDX-License-Identifier: MIT */
/* Inside net/: what the calls about sockets share. */
#pragma once

#include "net/socket_kinds.h"
#include "vfs/fd_table.h"

/* What a call does to a socket. */
typedef long socket_action(struct file *file, uint64_t first, uint64_t second, uint64_t third, uint64_t fourth);

/* Does that to the socket @fd, which stays open meanwhile. What @action says, or -EBADF, -ENOTSOCK. */
long with_socket(int fd, uint64_t first, uint64_t second, uint64_t third, uint64_t fourth, socket_action *action);

/* Copies @len bytes of @from out, as many as fit. The size becomes how many there are, or by the second how many fit. */
long socket_put_sized(uaddr_t to, uaddr_t size_at, const void *from, uint32_t len);
long socket_put_cut(uaddr_t to, uaddr_t size_at, const void *from, uint32_t len);
