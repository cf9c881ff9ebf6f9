/* SPDX-License-Identifier: MIT */
/* From /proc/crash to /var/crash (crash_report.h). */
#include "crash_report.h"
#include "file.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPORT "/proc/crash"

enum { REPORT_MAX = 1 << 20, FILES_MAX = 10000, NAME_SIZE = 32 };

/* Makes the file, and @name says which. -1 and errno. */
static int make_file(char name[NAME_SIZE])
{
	int fd = -1;

	errno = EEXIST;
	for (unsigned number = 1; fd < 0 && errno == EEXIST && number < FILES_MAX; number++) {
		snprintf(name, NAME_SIZE, "/var/crash/%u.txt", number);
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	return fd;
}

/* 0, or -1 and errno; closes @fd. */
static int write_all(int fd, const char *text, size_t length)
{
	ssize_t written = 0;
	int error = 0;

	for (; length && written >= 0; text += written, length -= written)
		written = write(fd, text, length);
	if (written < 0 || fsync(fd) < 0)
		error = errno;
	if (close(fd) < 0 && !error)
		error = errno;
	errno = error;
	return error ? -1 : 0;
}

static void forget(void)
{
	int fd = open(REPORT, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0\n", 2) != 2)
		log_warning("%s: %s", REPORT, strerror(errno));
	if (fd >= 0)
		close(fd);
}

void crash_report_keep(void)
{
	char name[NAME_SIZE] = "/var/crash";
	size_t length = 0;
	char *text = file_read(REPORT, REPORT_MAX, &length);
	int fd;

	if (text && length) {
		fd = make_file(name);
		if (fd < 0 || write_all(fd, text, length) < 0) {
			log_error("the system panicked before this boot, and the report cannot be kept: %s: %s", name, strerror(errno));
		} else {
			log_error("the system panicked before this boot: see %s", name);
			forget();
		}
	}
	free(text);
}
