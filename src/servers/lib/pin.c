/* SPDX-License-Identifier: MIT */
/* Sealed copies of programs (pin.h). */
#include "pin.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECE = 1 << 20 };

/* A file that does not end, or grows under our hands, must not eat the memory. */
static int copy(int to, int from)
{
	size_t size = 0;
	ssize_t got;

	while ((got = sendfile(to, from, NULL, PIECE)) > 0) {
		size += (size_t)got;
		if (size > PIN_MAX_BYTES) {
			errno = EFBIG;
			return -1;
		}
	}
	if (got < 0)
		return -1;
	return fcntl(to, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

/* The file at @path, which is one; a pipe or a device must neither be waited for nor read. -1 and errno. */
static int open_program(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), error;
	struct stat status;

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) < 0)
		error = errno;
	else if (!S_ISREG(status.st_mode))
		error = ENOEXEC;
	else
		error = status.st_size > PIN_MAX_BYTES ? EFBIG : 0;
	if (error == 0)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

int pin_make(const char *path)
{
	const char *name = strrchr(path, '/');

	return memfd_create(name ? name + 1 : path, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

int pin_fill(int fd, const char *path)
{
	int from = open_program(path), result, error;

	if (from < 0)
		return -1;
	result = copy(fd, from) < 0 || fchmod(fd, 0555) < 0 ? -1 : 0;
	error = errno;
	/* The pages that were read are not needed twice. */
	posix_fadvise(from, 0, 0, POSIX_FADV_DONTNEED);
	close(from);
	errno = error;
	return result;
}

bool pin_is_filled(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && seals & F_SEAL_WRITE;
}

int pin_program(const char *path)
{
	int fd = pin_make(path), error;

	if (fd >= 0 && pin_fill(fd, path) < 0) {
		error = errno;
		close(fd);
		fd = -1;
		errno = error;
	}
	return fd;
}

pid_t pin_begin(const char *path, bool copy, int32_t *fd)
{
	pid_t pid;
	int error;

	*fd = copy ? pin_make(path) : -1;
	if (copy && *fd < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		_exit((copy ? pin_fill(*fd, path) : access(path, X_OK)) < 0 ? errno & 0xff : 0);
	error = errno;
	if (pid < 0)
		fd_drop(fd);
	return pid < 0 ? -error : pid;
}

int pin_result(int status)
{
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

int pin_path(int fd, const char *path)
{
	char source[40];

	snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
	return mount(source, path, NULL, MS_BIND, NULL);
}
