/* SPDX-License-Identifier: MIT */
/* Whole files (file.h). */
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

char *file_read(const char *path, size_t max, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : malloc(max);
	ssize_t got = 1;

	*length = 0;
	while (text && got > 0 && *length < max) {
		got = read(fd, text + *length, max - *length);
		if (got > 0)
			*length += (size_t)got;
	}
	if (text && got != 0) {
		int error = got < 0 ? errno : EFBIG;

		free(text);
		text = NULL;
		errno = error;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

void fd_drop(int32_t *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int fd_pipe(int32_t *reading, int32_t *writing)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*reading = ends[0];
	*writing = ends[1];
	return 0;
}

void fd_close_others(bool (*is_kept)(const void *argument, int fd), const void *argument)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd != dirfd(folder) && !is_kept(argument, fd))
			close(fd);
	}
	if (folder)
		closedir(folder);
}
