/* SPDX-License-Identifier: MIT */
/* LINK: lib/pin.c lib/file.c */
/* What is copied, and what is refused without waiting or reading. */
#include "pin.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/pin-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void make_file(const char *name, off_t size)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_EXCL, 0700);

	CHECK(fd >= 0 && write(fd, "text", 4) == 4 && ftruncate(fd, size) == 0, "%s: %s", name, strerror(errno));
	close(fd);
}

static void test_copies(void)
{
	char text[8] = "";
	int fd;

	make_file("good", 4);
	fd = pin_program(path_of("good"));
	CHECK(fd >= 0 && pread(fd, text, sizeof(text), 0) == 4 && memcmp(text, "text", 4) == 0, "copied");
	CHECK(write(fd, "x", 1) < 0 && ftruncate(fd, 0) < 0, "and sealed");
	close(fd);
}

static void check_refused(const char *path, int error)
{
	int fd = pin_program(path);

	CHECK(fd < 0 && errno == error, "%s: %d (%s)", path, fd, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void test_refused(void)
{
	check_refused(path_of("none"), ENOENT);
	check_refused(folder, ENOEXEC);
	check_refused("/dev/zero", ENOEXEC);
	CHECK(mkfifo(path_of("pipe"), 0600) == 0, "%s", strerror(errno));
	check_refused(path_of("pipe"), ENOEXEC);
	make_file("large", (off_t)PIN_MAX_BYTES + 1);
	check_refused(path_of("large"), EFBIG);
}

static void check_begun(const char *path, bool copied, int result)
{
	int32_t fd = -2;
	int status = -1;
	pid_t pid = pin_begin(path, copied, &fd);

	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid, "a child");
	CHECK(pin_result(status) == result, "%s: %d", path, pin_result(status));
	CHECK((fd >= 0) == copied && (!copied || pin_is_filled(fd) == (result == 0)), "what it has made");
	if (fd >= 0)
		close(fd);
}

static void test_child(void)
{
	check_begun(path_of("good"), true, 0);
	check_begun(path_of("none"), true, -ENOENT);
	check_begun("/dev/zero", true, -ENOEXEC);
	check_begun("/bin/sh", false, 0);
	check_begun(path_of("none"), false, -ENOENT);
	CHECK(pin_result(SIGKILL) == -EINTR, "killed");
}

int main(void)
{
	static const char *const names[] = { "good", "pipe", "large" };

	alarm(60);
	CHECK(mkdtemp(folder) != NULL, "%s", strerror(errno));
	test_copies();
	test_refused();
	test_child();
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	rmdir(folder);
	return check_result("lib/pin");
}
