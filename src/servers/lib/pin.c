/* SPDX-License-Identifier: MIT */
/* Sealed copies of programs (pin.h). */
#include "pin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static int copy(int to, int from)
{
	ssize_t got;

	do {
		got = sendfile(to, from, NULL, 1 << 20);
	} while (got > 0);
	if (got < 0)
		return -1;
	return fcntl(to, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

int pin_program(const char *path)
{
	const char *name = strrchr(path, '/');
	int from = open(path, O_RDONLY | O_CLOEXEC), to, error;

	if (from < 0)
		return -1;
	to = memfd_create(name ? name + 1 : path, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (to >= 0 && (copy(to, from) < 0 || fchmod(to, 0555) < 0)) {
		error = errno;
		close(to);
		to = -1;
		errno = error;
	}
	error = errno;
	/* The pages that were read are not needed twice. */
	posix_fadvise(from, 0, 0, POSIX_FADV_DONTNEED);
	close(from);
	errno = error;
	return to;
}

int pin_path(int fd, const char *path)
{
	char source[40];

	snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
	return mount(source, path, NULL, MS_BIND, NULL);
}
