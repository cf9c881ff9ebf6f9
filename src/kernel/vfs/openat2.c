/* SPDX-License-Identifier: MIT */
/* openat2: open with a structure of arguments, and limits to where its name may lead. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "mm/user_copy.h"
#include "security/capabilities.h"
#include "vfs/fd_table.h"
#include "vfs/file_life.h"
#include "vfs/path_walk.h"
#include <linux/fcntl.h>
#include <linux/openat2.h>

enum {
	KNOWN_RESOLVE = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED,
	KNOWN_FLAGS = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC | O_SYNC | FASYNC | O_DIRECT | O_LARGEFILE |
		      O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | __O_TMPFILE,
	PATH_FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
	MODE_BITS = 07777,
};

_Static_assert(sizeof(struct open_how) == 24, "as Linux has it");
_Static_assert(KNOWN_RESOLVE << WALK_RESOLVE_SHIFT == WALK_RESOLVE, "the walk has a bit for each");

/* Copies a structure that may grow: what is beyond ours must be zero. */
static int read_how(struct open_how *how, uaddr_t from, size_t size)
{
	uint8_t extra;

	if (size < sizeof(*how))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (copy_from_user(how, from, sizeof(*how)))
		return -EFAULT;
	for (size_t i = sizeof(*how); i < size; i++) {
		if (copy_from_user(&extra, from + i, 1))
			return -EFAULT;
		if (extra)
			return -E2BIG;
	}
	return 0;
}

/* Unlike open, what is unknown or has no meaning is refused. */
static int check_how(const struct open_how *how)
{
	bool makes = how->flags & (O_CREAT | __O_TMPFILE);

	if (how->flags & ~(uint64_t)KNOWN_FLAGS || how->resolve & ~(uint64_t)KNOWN_RESOLVE)
		return -EINVAL;
	if (how->resolve & RESOLVE_BENEATH && how->resolve & RESOLVE_IN_ROOT)
		return -EINVAL;
	if (how->mode & ~(makes ? (uint64_t)MODE_BITS : 0))
		return -EINVAL;
	if (how->flags & O_PATH && how->flags & ~(uint64_t)PATH_FLAGS)
		return -EINVAL;
	if (how->resolve & RESOLVE_CACHED && how->flags & (O_TRUNC | O_CREAT | __O_TMPFILE))
		return -EAGAIN;
	return 0;
}

long sys_openat2(int dir, uaddr_t path, uaddr_t how_addr, size_t size)
{
	struct open_how how;
	struct file *file;
	int fd, error = read_how(&how, how_addr, size) ?: check_how(&how);

	if (error)
		return error;
	if (!capabilities_hold(open_needs(how.flags)))
		return how.resolve ? -EPERM : openat_checked(dir, path, how.flags, how.mode);
	fd = fd_reserve(0, how.flags & O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = file_open_resolved(dir, path, how.flags, how.mode, how.resolve << WALK_RESOLVE_SHIFT, &error);
	if (!file) {
		fd_unreserve(fd);
		return error;
	}
	fd_fill(fd, file);
	return fd;
}
