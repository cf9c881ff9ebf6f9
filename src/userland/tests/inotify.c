/* SPDX-License-Identifier: MIT */
/* inotify: which events what gives, in which order, their names and flags; the queue; waiting. */
#include "check.h"
#include "inotify_kit.h"
#include "built_with.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { EXCHANGE = 2 };	/* RENAME_EXCHANGE */

static void *volatile nowhere = (void *)8;

static void calls(void)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), plain = syscall(SYS_inotify_init), left = -1;
	int file = file_with("file", "x"), place = open(".", O_PATH);
	struct pollfd waits = { fd, POLLIN | POLLOUT, 0 };
	char link[64] = "", path[64];

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDONLY | O_NONBLOCK);
	CHECK_EQ(fcntl(plain, F_GETFD), 0);
	CHECK_ERR(inotify_init1(1), EINVAL);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	CHECK(readlink(path, link, sizeof link - 1) > 0);
	CHECK_STR(link, "anon_inode:inotify");
	CHECK_EQ(poll(&waits, 1, 0), 0);
	CHECK_ERR(read(fd, buffer, TEXT), EAGAIN);
	CHECK_ERR(write(fd, buffer, 1), EBADF);
	CHECK_EQ(ioctl(fd, FIONREAD, &left), 0);
	CHECK_EQ(left, 0);
	CHECK_ERR(ioctl(fd, TIOCGWINSZ, buffer), ENOTTY);
	CHECK_ERR(inotify_add_watch(fd, "file", 0), EINVAL);
	CHECK_ERR(inotify_add_watch(fd, "file", 1 << 20), EINVAL);
	CHECK_ERR(inotify_add_watch(-1, "file", 0), EINVAL);
	CHECK_ERR(inotify_add_watch(-1, "file", IN_OPEN), EBADF);
	CHECK_ERR(inotify_add_watch(place, "file", IN_OPEN), EBADF);
	CHECK_ERR(inotify_add_watch(file, "file", IN_OPEN), EINVAL);
	CHECK_ERR(inotify_add_watch(file, "nothing", IN_OPEN), EINVAL);
	CHECK_ERR(inotify_add_watch(fd, "file", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE), EINVAL);
	CHECK_ERR(inotify_add_watch(fd, "nothing", IN_OPEN), ENOENT);
	CHECK_ERR(inotify_add_watch(fd, "", IN_OPEN), ENOENT);
	CHECK_ERR(inotify_add_watch(fd, (char *)8, IN_OPEN), EFAULT);
	CHECK_ERR(inotify_add_watch(fd, "file", IN_OPEN | IN_ONLYDIR), ENOTDIR);
	CHECK_ERR(inotify_rm_watch(fd, 1), EINVAL);
	CHECK_ERR(inotify_rm_watch(fd, -1), EINVAL);
	CHECK_ERR(inotify_rm_watch(fd, 0), EINVAL);
	CHECK_ERR(inotify_rm_watch(-1, 1), EBADF);
	CHECK_ERR(inotify_rm_watch(file, 1), EINVAL);
	CHECK_EQ(inotify_add_watch(fd, "file", IN_OPEN), 1);
	CHECK_EQ(inotify_add_watch(fd, ".", IN_ISDIR), 2);
	CHECK_EQ(inotify_add_watch(fd, "file", IN_CLOSE), 1);
	CHECK_ERR(inotify_add_watch(fd, "file", IN_CLOSE | IN_MASK_CREATE), EEXIST);
	CHECK_EQ(inotify_rm_watch(fd, 1), 0);
	CHECK_ERR(inotify_rm_watch(fd, 1), EINVAL);
	CHECK_EQ(inotify_add_watch(fd, "file", IN_CLOSE | IN_MASK_CREATE), 3);
	CHECK_STR(events(fd), "1:IGNORED");
}

static void of_a_file(void)
{
	int fd = instance(), file = file_with("file", "some text"), other;
	struct iovec piece = { buffer, 4 };

	CHECK_EQ(inotify_add_watch(fd, "file", EVERYTHING), 1);
	other = open("file", O_RDONLY);
	CHECK_STR(events(fd), "1:OPEN");
	CHECK_EQ(read(other, buffer, 4), 4);
	CHECK_STR(events(fd), "1:ACCESS");
	CHECK_EQ(pread(other, buffer, 4, 0), 4);
	CHECK_EQ(pread(other, buffer, 4, 1), 4);
	CHECK_STR(events(fd), "1:ACCESS");
	CHECK_EQ(readv(other, &piece, 1), 4);
	CHECK_STR(events(fd), "1:ACCESS");
	CHECK_EQ(syscall(SYS_preadv2, other, &piece, 1, 0, 0, 0), 4);
	CHECK_STR(events(fd), "1:ACCESS");
	CHECK_EQ(pread(other, buffer, 4, 100), 0);
	CHECK_STR(events(fd), "");
	CHECK_EQ(close(other), 0);
	CHECK_STR(events(fd), "1:CLOSE_NOWRITE");
	CHECK_EQ(write(file, "more", 4), 4);
	CHECK_EQ(pwrite(file, "more", 4, 0), 4);
	CHECK_STR(events(fd), "1:MODIFY");
	CHECK_EQ(writev(file, &piece, 1), 4);
	CHECK_STR(events(fd), "1:MODIFY");
	CHECK_EQ(write(file, "", 0), 0);
	CHECK_STR(events(fd), "");
	CHECK_EQ(ftruncate(file, 3), 0);
	CHECK_STR(events(fd), "1:MODIFY");
	CHECK_EQ(truncate("file", 2), 0);
	CHECK_STR(events(fd), "1:MODIFY");
	CHECK_EQ(posix_fallocate(file, 0, 5000), 0);
	CHECK_STR(events(fd), "1:MODIFY");
	CHECK_EQ(fchmod(file, 0640), 0);
	CHECK_STR(events(fd), "1:ATTRIB");
	CHECK_EQ(chmod("file", 0640), 0);
	CHECK_EQ(chown("file", 0, 0), 0);
	CHECK_STR(events(fd), "1:ATTRIB");
	CHECK_EQ(utimes("file", NULL), 0);
	CHECK_STR(events(fd), "1:ATTRIB");
	CHECK_EQ(futimens(file, (struct timespec[]){ { 1, 0 }, { 0, UTIME_OMIT } }), 0);
	CHECK_EQ(futimens(file, (struct timespec[]){ { 0, UTIME_OMIT }, { 1, 0 } }), 0);
	CHECK_EQ(futimens(file, (struct timespec[]){ { 0, UTIME_OMIT }, { 0, UTIME_OMIT } }), 0);
	CHECK_STR(events(fd), "1:ACCESS 1:MODIFY");
	CHECK_EQ(link("file", "name"), 0);
	CHECK_STR(events(fd), "1:ATTRIB");
	CHECK_EQ(unlink("name"), 0);
	CHECK_STR(events(fd), "1:ATTRIB");
	CHECK_EQ(rename("file", "renamed"), 0);
	CHECK_STR(events(fd), "1:MOVE_SELF");
	other = open("renamed", O_WRONLY | O_TRUNC);
	CHECK_STR(events(fd), "1:MODIFY 1:OPEN");
	CHECK_EQ(close(dup(other)), 0);
	CHECK_STR(events(fd), "");
	CHECK_EQ(close(other), 0);
	CHECK_STR(events(fd), "1:CLOSE_WRITE");
	CHECK_EQ(unlink("renamed"), 0);
	CHECK_STR(events(fd), "1:ATTRIB");
	CHECK_EQ(close(file), 0);
	CHECK_STR(events(fd), "1:CLOSE_WRITE 1:DELETE_SELF 1:IGNORED");
	CHECK_ERR(inotify_rm_watch(fd, 1), EINVAL);
	close(file_with("renamed", "x"));
	CHECK_STR(events(fd), "");
}

static void in_a_directory(void)
{
	int fd = instance(), file;

	CHECK_EQ(mkdir("d", 0700), 0);
	CHECK_EQ(inotify_add_watch(fd, "d", EVERYTHING), 1);
	file = open("d/file", O_WRONLY | O_CREAT | O_EXCL, 0600);
	CHECK_STR(events(fd), "1:CREATE:file 1:OPEN:file");
	CHECK_EQ(write(file, "text", 4), 4);
	CHECK_EQ(close(file), 0);
	CHECK_STR(events(fd), "1:MODIFY:file 1:CLOSE_WRITE:file");
	file = openat(AT_FDCWD, "d/file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK_STR(events(fd), "1:MODIFY:file 1:OPEN:file");
	CHECK_EQ(close(file), 0);
	CHECK_STR(events(fd), "1:CLOSE_WRITE:file");
	CHECK_EQ(mkdir("d/folder", 0700), 0);
	CHECK_STR(events(fd), "1:CREATE|ISDIR:folder");
	CHECK_EQ(symlink("file", "d/symlink"), 0);
	CHECK_EQ(mkfifo("d/fifo", 0600), 0);
	CHECK_EQ(mknod("d/plain", S_IFREG | 0600, 0), 0);
	CHECK_STR(events(fd), "1:CREATE:symlink 1:CREATE:fifo 1:CREATE:plain");
	CHECK_EQ(link("d/file", "d/linked"), 0);
	CHECK_STR(events(fd), "1:CREATE:linked");
	CHECK_EQ(chmod("d/linked", 0644), 0);
	CHECK_STR(events(fd), "1:ATTRIB:linked");
	CHECK_EQ(chmod("d", 0755), 0);
	CHECK_STR(events(fd), "1:ATTRIB|ISDIR");
	CHECK_EQ(chmod("d/folder", 0755), 0);
	CHECK_STR(events(fd), "1:ATTRIB|ISDIR:folder");
	file = open("d/symlink", O_RDONLY);
	CHECK_EQ(close(file), 0);
	CHECK_STR(events(fd), "1:OPEN:file 1:CLOSE_NOWRITE:file");
	file = open("d/fifo", O_RDWR);
	CHECK_EQ(write(file, "x", 1), 1);
	CHECK_EQ(read(file, buffer, 1), 1);
	CHECK_EQ(close(file), 0);
	CHECK_STR(events(fd), "1:OPEN:fifo 1:CLOSE_WRITE:fifo");
	file = open("d", O_RDONLY | O_DIRECTORY);
	CHECK_EQ(close(file), 0);
	CHECK_STR(events(fd), "1:OPEN|ISDIR 1:CLOSE_NOWRITE|ISDIR");
	file = open("d/folder", O_RDONLY);
	CHECK(syscall(SYS_getdents64, file, buffer, TEXT) > 0);
	CHECK_STR(events(fd), "1:OPEN|ISDIR:folder 1:ACCESS|ISDIR:folder");
	CHECK_EQ(syscall(SYS_getdents64, file, buffer, TEXT), 0);
	CHECK_EQ(close(file), 0);
	CHECK_STR(events(fd), "1:ACCESS|ISDIR:folder 1:CLOSE_NOWRITE|ISDIR:folder");
	CHECK_EQ(unlink("d/linked"), 0);
	CHECK_EQ(unlink("d/symlink"), 0);
	CHECK_EQ(unlink("d/fifo"), 0);
	CHECK_EQ(rmdir("d/folder"), 0);
	CHECK_STR(events(fd), "1:DELETE:linked 1:DELETE:symlink 1:DELETE:fifo 1:DELETE|ISDIR:folder");
	CHECK_ERR(unlink("d/nothing"), ENOENT);
	CHECK_ERR(mkdir("d/file", 0700), EEXIST);
	CHECK_ERR(rmdir("d"), ENOTEMPTY);
	CHECK_ERR(open("d/file", O_CREAT | O_EXCL, 0600), EEXIST);
	CHECK_STR(events(fd), "");
}

static void moves(void)
{
	int fd = instance();

	CHECK_EQ(mkdir("a", 0700), 0);
	CHECK_EQ(mkdir("b", 0700), 0);
	close(file_with("a/file", "1"));
	close(file_with("b/other", "2"));
	CHECK_EQ(inotify_add_watch(fd, "a", IN_MOVE | IN_CREATE | IN_DELETE), 1);
	CHECK_EQ(inotify_add_watch(fd, "b", IN_MOVE | IN_CREATE | IN_DELETE), 2);
	CHECK_EQ(rename("a/file", "b/moved"), 0);
	CHECK_STR(events(fd), "1:FROM:file 2:TO:moved");
	CHECK_EQ(cookie_count, 2);
	CHECK_EQ(cookies[0], cookies[1]);
	CHECK_EQ(rename("b/moved", "b/again"), 0);
	CHECK_STR(events(fd), "2:FROM:moved 2:TO:again");
	CHECK_EQ(mkdir("a/folder", 0700), 0);
	CHECK_EQ(rename("a/folder", "folder"), 0);
	CHECK_STR(events(fd), "1:CREATE|ISDIR:folder 1:FROM|ISDIR:folder");
	CHECK_EQ(rename("folder", "b/folder"), 0);
	CHECK_STR(events(fd), "2:TO|ISDIR:folder");
	/* Over what is watched. */
	CHECK_EQ(inotify_add_watch(fd, "b/other", EVERYTHING), 3);
	CHECK_EQ(inotify_add_watch(fd, "b/again", EVERYTHING), 4);
	CHECK_EQ(rename("b/again", "b/other"), 0);
	CHECK_STR(events(fd), "2:FROM:again 2:TO:other 3:ATTRIB 4:MOVE_SELF 3:DELETE_SELF 3:IGNORED");
	/* To another name of the same file nothing happens. */
	CHECK_EQ(link("b/other", "b/same"), 0);
	CHECK_STR(events(fd), "4:ATTRIB 2:CREATE:same");
	CHECK_EQ(rename("b/other", "b/same"), 0);
	CHECK_STR(events(fd), "");
	close(file_with("a/partner", "3"));
	CHECK_STR(events(fd), "1:CREATE:partner");
	CHECK_EQ(syscall(SYS_renameat2, AT_FDCWD, "b/same", AT_FDCWD, "a/partner", EXCHANGE), 0);
	CHECK_STR(events(fd), "2:FROM:same 1:TO:partner 4:MOVE_SELF 1:FROM:partner 2:TO:same");
	CHECK_EQ(cookies[0], cookies[1]);
	CHECK_EQ(cookies[2], cookies[3]);
	CHECK(cookies[1] != cookies[2]);
	/* What one of its names keeps is not gone. */
	CHECK_EQ(unlink("b/other"), 0);
	CHECK_STR(events(fd), "4:ATTRIB 2:DELETE:other");
	CHECK_EQ(unlink("a/partner"), 0);
	CHECK_STR(events(fd), "4:ATTRIB 4:DELETE_SELF 4:IGNORED 1:DELETE:partner");
	/* Names that come after the watch of the directory is there, by moving. */
	CHECK_EQ(inotify_add_watch(fd, "a", EVERYTHING), 1);
	close(file_with("outside", "4"));
	CHECK_EQ(rename("outside", "a/inside"), 0);
	CHECK_EQ(chmod("a/inside", 0644), 0);
	CHECK_STR(events(fd), "1:TO:inside 1:ATTRIB:inside");
}

static void of_directories(void)
{
	int fd = instance(), folder;

	CHECK_EQ(mkdir("d", 0700), 0);
	CHECK_EQ(mkdir("d/e", 0700), 0);
	CHECK_EQ(inotify_add_watch(fd, "d", EVERYTHING), 1);
	CHECK_EQ(inotify_add_watch(fd, "d/e", EVERYTHING), 2);
	CHECK_EQ(chmod("d/e", 0755), 0);
	CHECK_STR(events(fd), "1:ATTRIB|ISDIR:e 2:ATTRIB|ISDIR");
	CHECK_EQ(rename("d/e", "d/f"), 0);
	CHECK_STR(events(fd), "1:FROM|ISDIR:e 1:TO|ISDIR:f 2:MOVE_SELF");
	CHECK_EQ(rmdir("d/f"), 0);
	CHECK_STR(events(fd), "2:DELETE_SELF 2:IGNORED 1:DELETE|ISDIR:f");
	/* One that is in use. */
	CHECK_EQ(mkdir("d/g", 0700), 0);
	CHECK_EQ(inotify_add_watch(fd, "d/g", IN_DELETE_SELF), 3);
	folder = open("d/g", O_PATH);
	events(fd);
	CHECK_EQ(rmdir("d/g"), 0);
	CHECK_STR(events(fd), "1:DELETE|ISDIR:g");
	CHECK_EQ(close(folder), 0);
	CHECK(strstr(events(fd), "3:DELETE_SELF 3:IGNORED"));
}

static void flags(void)
{
	int fd = instance(), file;

	close(file_with("file", "x"));
	CHECK_EQ(symlink("file", "link"), 0);
	CHECK_EQ(mkdir("d", 0700), 0);
	close(file_with("d/file", "x"));
	CHECK_EQ(inotify_add_watch(fd, "link", IN_ATTRIB), 1);
	CHECK_EQ(inotify_add_watch(fd, "link", IN_ALL_EVENTS | IN_DONT_FOLLOW), 2);
	CHECK_EQ(inotify_add_watch(fd, "file", IN_OPEN), 1);
	CHECK_EQ(chmod("file", 0644), 0);
	CHECK_STR(events(fd), "");
	CHECK_EQ(inotify_add_watch(fd, "file", IN_ATTRIB | IN_MASK_ADD), 1);
	close(open("link", O_RDONLY));
	CHECK_EQ(chmod("link", 0600), 0);
	CHECK_STR(events(fd), "1:OPEN 1:ATTRIB");
	CHECK_EQ(unlink("link"), 0);
	CHECK_STR(events(fd), "2:ATTRIB 2:DELETE_SELF 2:IGNORED");
	CHECK_EQ(inotify_add_watch(fd, "d", IN_ALL_EVENTS | IN_ONESHOT | IN_ONLYDIR), 3);
	close(open("d/file", O_RDONLY));
	CHECK_STR(events(fd), "3:OPEN:file 3:IGNORED");
	CHECK_ERR(inotify_rm_watch(fd, 3), EINVAL);
	CHECK_EQ(inotify_add_watch(fd, "d", IN_ALL_EVENTS | IN_EXCL_UNLINK), 4);
	file = open("d/file", O_RDWR);
	CHECK_EQ(unlink("d/file"), 0);
	CHECK_STR(events(fd), "4:OPEN:file 4:DELETE:file");
	CHECK_EQ(write(file, "x", 1), 1);
	CHECK_STR(events(fd), "");
	CHECK_EQ(fchmod(file, 0644), 0);
	CHECK_STR(events(fd), "4:ATTRIB:file");
	CHECK_EQ(close(file), 0);
	CHECK_STR(events(fd), "");
	CHECK_EQ(inotify_add_watch(fd, "d", IN_ALL_EVENTS), 4);
	file = open("d/again", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(unlink("d/again"), 0);
	CHECK_STR(events(fd), "4:CREATE:again 4:OPEN:again 4:DELETE:again");
	CHECK_EQ(write(file, "x", 1), 1);
	CHECK_EQ(close(file), 0);
	CHECK_STR(events(fd), "4:MODIFY:again 4:CLOSE_WRITE:again");
}

static void copies(void)
{
	int fd = instance(), from = file_with("from", "0123456789"), to = file_with("to", ""), ends[2];
	loff_t start = 0, end = 0;

	CHECK_EQ(inotify_add_watch(fd, "from", EVERYTHING), 1);
	CHECK_EQ(inotify_add_watch(fd, "to", EVERYTHING), 2);
	CHECK_EQ(copy_file_range(from, &start, to, &end, 5, 0), 5);
	CHECK(strstr(events(fd), "1:ACCESS 2:MODIFY"));
	CHECK_EQ(sendfile(to, from, (off_t[]){ 0 }, 5), 5);
	CHECK(strstr(events(fd), "2:MODIFY"));
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(splice(ends[0], NULL, to, NULL, 1, 0), 1);
	CHECK_STR(events(fd), "2:MODIFY");
}

/* What is opened before is watched all the same, whatever was read of it before. */
static void open_before(void)
{
	int fd = instance(), file = file_with("file", "0123456789"), other = open("file", O_RDONLY);

	for (int i = 0; i < 3; i++)
		CHECK_EQ(pread(other, buffer, 4, 0), 4);
	CHECK_EQ(inotify_add_watch(fd, ".", IN_ACCESS | IN_MODIFY), 1);
	CHECK_EQ(pread(other, buffer, 4, 0), 4);
	CHECK_STR(events(fd), "1:ACCESS:file");
	CHECK_EQ(read(other, buffer, 4), 4);
	CHECK_STR(events(fd), "1:ACCESS:file");
	CHECK_EQ(write(file, "x", 1), 1);
	CHECK_STR(events(fd), "1:MODIFY:file");
	CHECK_EQ(pwrite(file, "x", 1, 30000), 1);
	CHECK_EQ(pread(other, buffer, 4, 29000), 4);
	CHECK_STR(events(fd), "1:MODIFY:file 1:ACCESS:file");
	CHECK_EQ(inotify_rm_watch(fd, 1), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pread(other, buffer, 4, 0), 4);
	CHECK_STR(events(fd), "1:IGNORED");
	CHECK_EQ(inotify_add_watch(fd, "file", IN_ACCESS), 2);
	CHECK_EQ(pread(other, buffer, 4, 0), 4);
	CHECK_STR(events(fd), "2:ACCESS");
}

/* A program is a file that is opened and read. */
static void programs(void)
{
	int fd = instance(), own = open("/proc/self/exe", O_RDONLY), copy = open("program", O_WRONLY | O_CREAT, 0700);
	pid_t pid;

	while (sendfile(copy, own, NULL, 1 << 20) > 0)
		;
	close(copy);
	CHECK_EQ(inotify_add_watch(fd, ".", EVERYTHING), 1);
	pid = fork();
	if (!pid) {
		execl("./program", "program", "--end", (char *)NULL);
		_exit(100);
	}
	CHECK_EQ(check_wait(pid), 0);
	CHECK(strstr(events(fd), "1:OPEN:program 1:ACCESS:program 1:CLOSE_NOWRITE:program"));
}

/* Nor does it have to be found by its name any more. */
static void removed_before(void)
{
	int fd = instance(), file, other;

	CHECK_EQ(mkdir("d", 0700), 0);
	file = file_with("d/file", "0123456789");
	other = open("d/file", O_RDONLY);
	CHECK_EQ(unlink("d/file"), 0);
	close(file_with("d/file", "another"));
	CHECK_EQ(inotify_add_watch(fd, "d", EVERYTHING), 1);
	CHECK_EQ(write(file, "x", 1), 1);
	CHECK_STR(events(fd), "1:MODIFY:file");
	CHECK_EQ(pread(other, buffer, 4, 0), 4);
	CHECK_EQ(close(other), 0);
	CHECK_STR(events(fd), "1:ACCESS:file 1:CLOSE_NOWRITE:file");
	CHECK_EQ(inotify_rm_watch(fd, 1), 0);
	CHECK_EQ(write(file, "x", 1), 1);
	CHECK_EQ(inotify_add_watch(fd, "d", EVERYTHING), 2);
	CHECK_EQ(close(file), 0);
	CHECK_STR(events(fd), "1:IGNORED 2:CLOSE_WRITE:file");
}

static void hard_links(void)
{
	int fd = instance(), file;

	CHECK_EQ(mkdir("a", 0700), 0);
	CHECK_EQ(mkdir("b", 0700), 0);
	file = file_with("a/one", "text");
	CHECK_EQ(link("a/one", "b/two"), 0);
	CHECK_EQ(inotify_add_watch(fd, "b", EVERYTHING), 1);
	CHECK_EQ(write(file, "x", 1), 1);
	CHECK_STR(events(fd), "");
	close(open("b/two", O_RDONLY));
	CHECK_STR(events(fd), "1:OPEN:two 1:CLOSE_NOWRITE:two");
	CHECK_EQ(inotify_add_watch(fd, "a/one", IN_OPEN), 2);
	close(open("b/two", O_RDONLY));
	CHECK_STR(events(fd), "1:OPEN:two 2:OPEN 1:CLOSE_NOWRITE:two");
}

static void queue(void)
{
	int fd = instance(), left;
	char name[300];
	struct pollfd waits = { fd, POLLIN, 0 };
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);

	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	CHECK_EQ(inotify_add_watch(fd, ".", IN_CREATE), 1);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	CHECK_EQ(mknod("abc", S_IFREG | 0600, 0), 0);
	CHECK_EQ(poll(&waits, 1, 0), 1);
	CHECK_EQ(waits.revents, POLLIN);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 1);
	CHECK_EQ(ioctl(fd, FIONREAD, &left), 0);
	CHECK_EQ(left, HEAD + 16);
	CHECK_ERR(read(fd, buffer, HEAD), EINVAL);
	CHECK_ERR(read(fd, buffer, 0), EINVAL);
	CHECK_ERR(read(fd, buffer, HEAD + 15), EINVAL);
	memset(name, 'n', sizeof name);
	name[255] = '\0';
	CHECK_EQ(mknod(name, S_IFREG | 0600, 0), 0);
	name[16] = '\0';
	CHECK_EQ(mknod(name, S_IFREG | 0600, 0), 0);
	name[15] = '\0';
	CHECK_EQ(mknod(name, S_IFREG | 0600, 0), 0);
	CHECK_EQ(ioctl(fd, FIONREAD, &left), 0);
	CHECK_EQ(left, 4 * HEAD + 16 + 256 + 32 + 16);
	CHECK_EQ(read(fd, buffer, HEAD + 16 + HEAD), HEAD + 16);
	CHECK_EQ(((struct inotify_event *)buffer)->len, 16);
	CHECK(!memcmp(((struct inotify_event *)buffer)->name, "abc\0\0\0\0\0\0\0\0\0\0\0\0\0", 16));
	CHECK_EQ(read(fd, buffer, TEXT), HEAD + 256 + HEAD + 32 + HEAD + 16);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	/* Lost, where it cannot be written. */
	CHECK_EQ(mknod("lost", S_IFREG | 0600, 0), 0);
	CHECK_ERR(read(fd, nowhere, TEXT), EFAULT);
	CHECK_ERR(read(fd, buffer, TEXT), EAGAIN);
}

/* The same twice is once, but only side by side. */
static void merging(void)
{
	int fd = instance(), one = file_with("one", "x"), two = file_with("two", "x");

	CHECK_EQ(inotify_add_watch(fd, ".", IN_MODIFY | IN_ATTRIB), 1);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(write(one, "x", 1), 1);
	CHECK_EQ(write(two, "x", 1), 1);
	CHECK_EQ(write(one, "x", 1), 1);
	CHECK_EQ(fchmod(one, 0600), 0);
	CHECK_EQ(write(one, "x", 1), 1);
	CHECK_STR(events(fd), "1:MODIFY:one 1:MODIFY:two 1:MODIFY:one 1:ATTRIB:one 1:MODIFY:one");
}

static void info(void)
{
	int fd = instance(), file;
	char text[1024] = "", want[200], path[64], *line;
	struct stat status;

	close(file_with("file", "x"));
	CHECK_EQ(inotify_add_watch(fd, "file", IN_OPEN | IN_ONESHOT), 1);
	CHECK_EQ(inotify_add_watch(fd, ".", IN_ALL_EVENTS | IN_EXCL_UNLINK), 2);
	CHECK_EQ(stat(".", &status), 0);
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	file = open(path, O_RDONLY);
	CHECK(read(file, text, sizeof text - 1) > 0);
	line = strstr(text, "inotify wd:2 ");
	snprintf(want, sizeof want, "inotify wd:2 ino:%lx sdev:%x mask:4000fff ignored_mask:0 ", (long)status.st_ino,
		 (unsigned)(status.st_dev >> 8 & 0xfff) << 20 | (unsigned)(status.st_dev & 0xff) | (unsigned)(status.st_dev >> 12 & 0xfff00));
	CHECK(line && !strncmp(line, want, strlen(want)));
	CHECK(strstr(text, " mask:80000020 ") != NULL);
}

static void touch_later(void *unused)
{
	(void)unused;
	check_sleep(50);
	close(file_with("later", "x"));
}

static void signal_later(void *unused)
{
	(void)unused;
	check_signal_parent(SIGUSR1);
}

static void on_signal(int number)
{
	(void)number;
}

static void waiting(void)
{
	int fd = inotify_init1(0);
	struct sigaction action = { .sa_handler = on_signal };
	pid_t pid;

	CHECK_EQ(inotify_add_watch(fd, ".", IN_CREATE), 1);
	pid = check_spawn(touch_later, NULL);
	CHECK_EQ(read(fd, buffer, TEXT), HEAD + 16);
	CHECK_EQ(check_wait(pid), 0);
	sigaction(SIGUSR1, &action, NULL);
	pid = check_spawn(signal_later, NULL);
	CHECK_ERR(read(fd, buffer, TEXT), EINTR);
	CHECK_EQ(check_wait(pid), 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(calls), CASE(of_a_file), CASE(in_a_directory), CASE(moves), CASE(of_directories), CASE(flags), CASE(copies), CASE(open_before),
		CASE(programs), CASE(removed_before), CASE(hard_links), CASE(queue), CASE(merging), CASE(info), CASE(waiting), { NULL, NULL },
	};

	if (argc == 2 && !strcmp(argv[1], "--end"))
		return 0;
	return kernel_has(INOTIFY) ? check_main("inotify", cases, argc, argv) : skip_program("inotify", INOTIFY);
}
