/* SPDX-License-Identifier: MIT */
/*
 * There are no sockets yet, so no descriptor is one. These are the calls by which programs ask whether a descriptor is (bash: whether its
 * input comes from the network, and then it reads other start-up files).
 */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "vfs/fd_table.h"

static long not_a_socket(int fd)
{
	struct fd_ref ref = fd_borrow_io(fd);

	if (!ref.file)
		return -EBADF;
	fd_release(ref);
	return -ENOTSOCK;
}

long sys_getsockname(int fd, uaddr_t address, uaddr_t size)
{
	(void)address, (void)size;
	return not_a_socket(fd);
}

long sys_getpeername(int fd, uaddr_t address, uaddr_t size)
{
	(void)address, (void)size;
	return not_a_socket(fd);
}

long sys_getsockopt(int fd, int level, int option, uaddr_t value, uaddr_t size)
{
	(void)level, (void)option, (void)value, (void)size;
	return not_a_socket(fd);
}
