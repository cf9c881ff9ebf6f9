/* SPDX-License-Identifier: MIT */
/* Inside net/: what the calls about sockets share. */
#pragma once

#include "net/socket_kinds.h"
#include "vfs/fd_table.h"

struct unix_socket;

/* The socket @fd, whose file is in *@ref, to be released. False with *@error: there is none. */
bool socket_borrow(int fd, struct fd_ref *ref, long *error);
/* Those of them that are AF_UNIX; else NULL: what AF_INET's say is in *@error. */
struct unix_socket *socket_borrow_unix(int fd, struct fd_ref *ref, long *error);

/* Copies @len bytes of @from out, as many as fit. The size becomes how many there are, or by the second how many fit. */
long socket_put_sized(uaddr_t to, uaddr_t size_at, const void *from, uint32_t len);
long socket_put_cut(uaddr_t to, uaddr_t size_at, const void *from, uint32_t len);
