/* SPDX-License-Identifier: MIT */
/*
 * open for callers without FILE_READ or FILE_WRITE (gates.asm sends them here): what the flags ask for decides. Whoever lacks that can open only what
 * leads nowhere: /dev/null, zero and full, and the controlling terminal. Every other name has the same answer, there or not.
 */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "security/capabilities.h"
#include "tty/tty.h"
#include "vfs/fd_table.h"
#include "vfs/file_life.h"
#include "vfs/vnode.h"
#include <linux/fcntl.h>
#include <linux/stat.h>

enum { MEM_MAJOR = 1, MINOR_NULL = 3, MINOR_ZERO = 5, MINOR_FULL = 7, TTYAUX_MAJOR = 5, MINOR_TTY = 0 };

/* O_PATH gives what stat and chdir by name give. */
uint64_t open_needs(int flags)
{
	static const uint8_t of_mode[4] = {
		CAPABILITY_FILE_READ, CAPABILITY_FILE_WRITE, CAPABILITY_FILE_READ | CAPABILITY_FILE_WRITE, CAPABILITY_FILE_READ | CAPABILITY_FILE_WRITE,
	};

	if (flags & O_PATH)
		return CAPABILITY_FILE_READ;
	return of_mode[flags & O_ACCMODE] | (flags & (O_CREAT | O_TRUNC | __O_TMPFILE) ? CAPABILITY_FILE_WRITE : 0);
}

static bool leads_nowhere(const struct vnode *vnode)
{
	uint64_t rdev = vnode->attr.rdev, terminal = tty_device_of_caller();

	return vnode->type == S_IFCHR && (rdev == make_dev(MEM_MAJOR, MINOR_NULL) || rdev == make_dev(MEM_MAJOR, MINOR_ZERO) ||
					  rdev == make_dev(MEM_MAJOR, MINOR_FULL) || rdev == make_dev(TTYAUX_MAJOR, MINOR_TTY) ||
					  (terminal && rdev == terminal));
}

/* The same path is looked at and opened. */
static struct file *open_harmless(int dir, uaddr_t name, int flags, int *error)
{
	struct path path;

	*error = path_lookup_user(dir, name, flags & O_NOFOLLOW ? PATH_NO_FOLLOW : 0, &path);
	if (*error) {
		if (*error != -EFAULT)
			*error = -EPERM;
		return NULL;
	}
	if (leads_nowhere(path_vnode(&path)))
		return file_open_at(&path, flags & ~(O_CREAT | O_TRUNC), false, error);
	path_put(&path);
	*error = -EPERM;
	return NULL;
}

long openat_checked(int dir, uaddr_t name, int flags, unsigned mode)
{
	struct file *file;
	int fd, error;

	if (capabilities_hold(open_needs(flags)))
		return sys_openat(dir, name, flags, mode);
	if (flags & (O_PATH | O_DIRECTORY | __O_TMPFILE) || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EPERM;
	fd = fd_reserve(0, flags & O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = open_harmless(dir, name, flags, &error);
	if (file)
		fd_fill(fd, file);
	else
		fd_unreserve(fd);
	return file ? fd : error;
}

long open_checked(uaddr_t name, int flags, unsigned mode)
{
	if (capabilities_hold(open_needs(flags)))
		return sys_open(name, flags, mode);
	return openat_checked(AT_FDCWD, name, flags, mode);
}

long creat_checked(uaddr_t name, unsigned mode)
{
	return openat_checked(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
