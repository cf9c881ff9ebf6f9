/* SPDX-License-Identifier: MIT */
/* Changes of a file system that is a service: each operation comes to the server as it was meant, and its answer to the program. Needs a disk "test0". */
#include "served_model.h"
#include "supervisor.h"
#include "built_with.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>

static void names(void *argument)
{
	struct stat status;
	char target[80];
	int fd;

	(void)argument;
	umask(0);
	fd = open("m/file", O_CREAT | O_EXCL | O_RDWR, 0640);
	CHECK(fd >= 0);
	CHECK_ERR(open("m/file", O_CREAT | O_EXCL | O_RDWR, 0640), EEXIST);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_mode, S_IFREG | 0640);
	CHECK_EQ(mkdir("m/dir", 0751), 0);
	CHECK_EQ(stat("m/dir", &status), 0);
	CHECK_EQ(status.st_mode, S_IFDIR | 0751);
	CHECK_EQ(symlink("where/it/leads", "m/dir/sym"), 0);
	CHECK_EQ(readlink("m/dir/sym", target, sizeof target), 14);
	CHECK(memcmp(target, "where/it/leads", 14) == 0);
	CHECK_EQ(mknod("m/node", S_IFCHR | 0600, makedev(5, 77)), 0);
	CHECK_EQ(stat("m/node", &status), 0);
	CHECK(S_ISCHR(status.st_mode) && status.st_rdev == makedev(5, 77));
	CHECK_EQ(mkfifo("m/fifo", 0600), 0);
	CHECK_EQ(link("m/file", "m/dir/other"), 0);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_nlink, 2);
	CHECK_EQ(unlink("m/file"), 0);
	CHECK_ERR(stat("m/file", &status), ENOENT);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_nlink, 1);
	CHECK_EQ(unlink("m/dir/other"), 0);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_nlink, 0);
	close(fd);
	CHECK_EQ(unlink("m/dir/sym"), 0);
	CHECK_EQ(rmdir("m/dir"), 0);
	CHECK_EQ(unlink("m/node"), 0);
	CHECK_EQ(unlink("m/fifo"), 0);
}

static unsigned nodes(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < MODEL_NODES; i++)
		count += model->nodes[i].mode != 0;
	return count;
}

static void making_and_removing(void)
{
	uint64_t before;

	start_model();
	before = model->changes;
	CHECK_EQ(served_child(names, NULL), 0);
	CHECK(model->changes - before >= 12);
	CHECK_EQ(model->asked[FS_CREATE & 0xffff], 3);
	CHECK_EQ(model->asked[FS_MKDIR & 0xffff], 1);
	CHECK_EQ(model->asked[FS_SYMLINK & 0xffff], 1);
	CHECK_EQ(model->asked[FS_LINK & 0xffff], 1);
	CHECK_EQ(model->asked[FS_UNLINK & 0xffff], 5);
	CHECK_EQ(model->asked[FS_RMDIR & 0xffff], 1);
	stop_model();
	CHECK_EQ(nodes(), 1);	/* what lost its names has ended with the last one, or was released, and only that */
	CHECK_EQ(model->asked[FS_RELEASE & 0xffff], 2);
}

enum { NOREPLACE = 1, EXCHANGE = 2 };

/* As renameat2(2) has it. */
static int rename_with(const char *from, const char *to, unsigned flags)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void move(void *argument)
{
	struct stat status;

	(void)argument;
	close(open("m/a", O_CREAT | O_WRONLY, 0600));
	close(open("m/b", O_CREAT | O_WRONLY, 0644));
	CHECK_EQ(mkdir("m/d", 0755), 0);
	CHECK_ERR(rename_with("m/a", "m/b", NOREPLACE), EEXIST);
	CHECK_EQ(rename_with("m/a", "m/b", EXCHANGE), 0);
	CHECK_EQ(stat("m/a", &status), 0);
	CHECK_EQ(status.st_mode & 0777, 0644);
	CHECK_EQ(rename_with("m/a", "m/d/a-long-name", NOREPLACE), 0);
	CHECK_EQ(rename("m/d/a-long-name", "m/b"), 0);
	CHECK_EQ(stat("m/b", &status), 0);
	CHECK_EQ(status.st_mode & 0777, 0644);
	CHECK_ERR(stat("m/a", &status), ENOENT);
	CHECK_EQ(unlink("m/b"), 0);
	CHECK_EQ(rmdir("m/d"), 0);
}

static void renaming(void)
{
	start_model();
	CHECK_EQ(served_child(move, NULL), 0);
	CHECK(model->asked[FS_RENAME & 0xffff] >= 3);
	CHECK_EQ(model->renamed.flags, 4);	/* the last one: what it replaces lives on until it is released */
	CHECK_EQ(model->renamed.from_size, strlen("a-long-name"));
	CHECK_EQ(model->renamed.names_length, strlen("a-long-nameb"));
	CHECK_EQ(model->renamed.to.id, MODEL_ROOT);
	CHECK(model->renamed.time / 1000000000 >= time(NULL) - 100);
	stop_model();
	CHECK_EQ(nodes(), 1);
}

static int made(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0640);

	CHECK(fd >= 0);
	return fd;
}

/* Does @change, whose answer is lost though it is made. */
#define LOST(change) (model->lost = 1, CHECK_ERR(change, EIO), model->lost = 0)

static void lose(void *argument)
{
	struct stat status;
	int fd;

	(void)argument;
	CHECK_ERR(stat("m/new", &status), ENOENT);
	LOST(open("m/new", O_CREAT | O_EXCL | O_RDWR, 0640));
	CHECK_EQ(stat("m/new", &status), 0);
	fd = open("m/new", O_RDWR);
	LOST(fchmod(fd, 0611));
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_mode & 07777, 0611);
	LOST(unlink("m/new"));
	CHECK_ERR(stat("m/new", &status), ENOENT);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_nlink, 0);
	close(fd);
	close(made("m/unseen"));
	LOST(unlink("m/unseen"));
	CHECK_EQ(mkdir("m/dir", 0700), 0);
	LOST(rmdir("m/dir"));
	CHECK_ERR(stat("m/dir", &status), ENOENT);

	close(made("m/a"));
	LOST(link("m/a", "m/b"));
	CHECK_EQ(stat("m/b", &status), 0);
	CHECK_EQ(status.st_nlink, 2);
	LOST(rename("m/a", "m/c"));
	CHECK_ERR(stat("m/a", &status), ENOENT);
	CHECK_EQ(stat("m/c", &status), 0);
	fd = made("m/d");
	LOST(rename("m/c", "m/d"));
	CHECK_ERR(stat("m/c", &status), ENOENT);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_nlink, 0);
	close(fd);
	CHECK_EQ(unlink("m/b"), 0);
	CHECK_EQ(unlink("m/d"), 0);
}

/* Who watches a directory hears that something may have escaped him. */
static void lose_watched(void *argument)
{
	struct inotify_event event;
	int fd = inotify_init1(IN_NONBLOCK);

	(void)argument;
	CHECK_EQ(inotify_add_watch(fd, "m", IN_CREATE | IN_DELETE), 1);
	LOST(mkdir("m/dir", 0700));
	CHECK_EQ(read(fd, &event, sizeof event), sizeof event);
	CHECK_EQ(event.mask, IN_Q_OVERFLOW);
	LOST(rmdir("m/dir"));
	CHECK_EQ(read(fd, &event, sizeof event), sizeof event);
	CHECK_EQ(event.mask, IN_Q_OVERFLOW);
	CHECK_ERR(read(fd, &event, sizeof event), EAGAIN);
}

/* Nothing that the caches had before such a change is believed after it, and what has no names any more is released. */
static void lost_answers(void)
{
	start_model();
	CHECK_EQ(served_child(lose, NULL), 0);
	if (kernel_has(INOTIFY))
		CHECK_EQ(served_child(lose_watched, NULL), 0);
	stop_model();
	CHECK_EQ(nodes(), 1);
}

static void attributes(void *argument)
{
	struct timespec times[2] = { { .tv_sec = 1000000001, .tv_nsec = 5 }, { .tv_sec = 1000000002, .tv_nsec = 6 } };
	struct statfs figures;
	struct stat status;
	int fd;

	(void)argument;
	fd = open("m/file", O_CREAT | O_RDWR, 0600);
	CHECK_EQ(fchmod(fd, 04755), 0);
	CHECK_EQ(fchown(fd, 12, 13), 0);
	CHECK_EQ(futimens(fd, times), 0);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK(status.st_uid == 12 && status.st_gid == 13 && status.st_atim.tv_sec == 1000000001 && status.st_mtim.tv_nsec == 6);
	CHECK_EQ(ftruncate(fd, 5000), 0);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_size, 5000);
	CHECK_EQ(statfs("m", &figures), 0);
	CHECK_EQ(figures.f_bfree, 50);
	CHECK_EQ(syncfs(fd), 0);
	close(fd);
}

/* The value of @key in the line of /proc/served; -1: it is not there. */
static long counted(const char *key)
{
	static char text[8192];
	char wanted[32], *at;
	int fd = open("/proc/served", O_RDONLY);
	ssize_t got = read(fd, text, sizeof text - 1);

	close(fd);
	text[got < 0 ? 0 : got] = 0;
	snprintf(wanted, sizeof wanted, " %s=", key);
	at = strstr(text, MODEL_PORT " disk=test0 ");
	at = at ? strstr(at, wanted) : NULL;
	return at ? atol(at + strlen(wanted)) : -1;
}

static void setting_attributes(void)
{
	start_model();
	CHECK_EQ(served_child(attributes, NULL), 0);
	CHECK(model->asked[FS_SYNC & 0xffff] >= 1);
	CHECK_EQ(model->clean, 0);
	CHECK_EQ(counted("start"), 1);
	CHECK_EQ(counted("create"), 1);
	CHECK_EQ(counted("setattr"), model->asked[FS_SETATTR & 0xffff]);
	CHECK_EQ(counted("free"), 77);
	CHECK_EQ(counted("wrong"), 0);
	CHECK_EQ(counted("commits"), model->changes);
	CHECK_EQ(counted("dirty"), 0);		/* syncfs was the last thing */
	CHECK(counted("written") > 0);
	stop_model();
	CHECK_EQ(counted("start"), -1);
}

enum { LOOKS = 150, LOOK_MS = 20, ASKED_AGAIN = 5, TIMES_ASKED = 9 };

static unsigned told(void)
{
	return model->asked[FS_SETATTR & 0xffff];
}

/* A file whose times have changed, which the server has not heard. */
static int changed_file(const char *path)
{
	int fd = open(path, O_CREAT | O_RDWR, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, 100), 0);
	return fd;
}

static void refused(void *argument)
{
	int fd = changed_file("m/file"), other, drop = open("/proc/sys/vm/drop_caches", O_WRONLY);
	unsigned before = told(), most = 0;

	(void)argument;
	model->refuses = 1;
	close(fd);
	/* Nobody waits: it is asked sooner at first, and then later and later. */
	for (int i = 0; i < LOOKS; i++) {
		CHECK_EQ(write(drop, "3", 1), 1);
		check_sleep(LOOK_MS);
		most = told() - before;
	}
	CHECK(most > 0 && most <= ASKED_AGAIN);
	/* Who waits gets an answer. */
	fd = open("m/file", O_RDWR);
	before = told();
	CHECK_ERR(fsync(fd), EIO);
	CHECK_EQ(told() - before, 1);
	CHECK_ERR(syncfs(fd), EIO);
	CHECK(told() - before >= 2);
	model->refuses = 0;
	before = told();
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(told() - before, 1);
	CHECK_EQ(syncfs(fd), 0);
	before = told();
	CHECK_EQ(syncfs(fd), 0);
	CHECK_EQ(told(), before);
	close(fd);
	/* What is always refused is given up, and each who has the file open to write hears of that once. */
	fd = changed_file("m/file");
	other = open("m/file", O_RDWR);
	model->refuses = 1;
	for (int i = 0; i < TIMES_ASKED; i++)
		CHECK_ERR(fsync(fd), EIO);
	before = told();
	CHECK_EQ(fsync(fd), 0);
	CHECK_ERR(fsync(other), EIO);
	CHECK_EQ(fsync(other), 0);
	CHECK_EQ(syncfs(fd), 0);
	CHECK_EQ(told(), before);
	model->refuses = 0;
	close(fd);
	close(other);
	close(drop);
	CHECK_EQ(unlink("m/file"), 0);
}

static void refused_attributes(void)
{
	start_model();
	CHECK_EQ(served_child(refused, NULL), 0);
	stop_model();
	CHECK_EQ(nodes(), 1);
}

static void make_one(void *path)
{
	_Exit(mkdir(path, 0700) ? errno : 0);
}

static void make_read_only(void *argument)
{
	(void)argument;
	_Exit(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL) ? errno : 0);
}

static void do_remount(void *argument)
{
	(void)argument;
	_Exit(mount(NULL, "m", NULL, MS_REMOUNT, NULL) ? errno : 0);
}

static void serve_for(long ms)
{
	for (long end = check_now() + ms; check_now() < end;) {
		struct msg_result got = msg_recv(receiver, 2 * WAIT_MS, NULL);

		if (got.header >= 0)
			serve_one(msg_type((msg_header)got.header), got.token);
	}
}

/* A change whose answer is late is not overtaken by the mark that nothing changes any more; one that begins later is refused. */
static void late_change(void)
{
	static _Alignas(8) char message[MSG_PAYLOAD_MAX];
	pid_t maker, ender;
	uint64_t token;
	int code = -1;

	start_model();
	CHECK_EQ(served_child(make_one, "m/first"), 0);
	for (int round = 0; round < 2; round++) {
		maker = check_spawn(make_one, round ? "m/third" : "m/second");
		token = serve_until(FS_MKDIR, maker, &code);
		CHECK(token != 0);
		memcpy(message, message_buffer(), sizeof message);
		ender = check_spawn(make_read_only, NULL);
		serve_for(300);
		CHECK_EQ(model->clean, 0);
		CHECK_EQ(waitpid(ender, NULL, WNOHANG), 0);
		CHECK_EQ(served_child(make_one, "m/late"), EROFS);
		make(FS_MKDIR, token, message);
		serve_until(0, ender, &code);
		CHECK_EQ(code, 0);
		CHECK_EQ(model->clean, 1);
		CHECK_EQ(check_wait(maker), 0);
		CHECK_EQ(served_child(make_one, "m/later"), EROFS);
		CHECK_EQ(nodes(), 3 + round);
		CHECK_EQ(served_child(do_remount, NULL), 0);
		model->clean = 0;
	}
	CHECK_EQ(served_child(make_one, "m/fourth"), 0);
	stop_model();
	CHECK_EQ(nodes(), 5);
}

/* One remount is told after the other, so that the kernel and the server agree in the end. */
static void remounts_at_once(void)
{
	pid_t ender, starter;
	uint64_t token, starts;
	int code = -1;

	start_model();
	starts = model->asked[FS_START & 0xffff];
	ender = check_spawn(make_read_only, NULL);
	token = serve_until(FS_SYNC, ender, &code);
	CHECK(token != 0);
	starter = check_spawn(do_remount, NULL);
	serve_for(300);
	CHECK_EQ(model->asked[FS_START & 0xffff], starts);
	CHECK_EQ(waitpid(starter, NULL, WNOHANG), 0);
	answer(token, 0, NULL, 0, 0);
	serve_until(0, ender, &code);
	CHECK_EQ(code, 0);
	serve_until(0, starter, &code);
	CHECK_EQ(code, 0);
	CHECK_EQ(model->asked[FS_START & 0xffff], starts + 1);
	CHECK_EQ(served_child(make_one, "m/after"), 0);
	stop_model();
}

static void look_only(void *argument)
{
	(void)argument;
	CHECK_ERR(mkdir("m/new", 0700), EROFS);
	CHECK_ERR(mount(NULL, "m", NULL, MS_REMOUNT, NULL), EROFS);
	CHECK_ERR(mkdir("m/new", 0700), EROFS);
}

static void read_only(void)
{
	make_port();
	CHECK_EQ(served_child(do_mount, "ro,disk=test0"), 0);
	CHECK_EQ(served_child(look_only, NULL), 0);
	CHECK_EQ(model->asked[FS_START & 0xffff], 0);
	CHECK_EQ(model->changes, 0);
	CHECK_EQ(served_child(do_unmount, NULL), 0);
}

/* A server that has no changes is read-only; one that cannot begin with them is not mounted. */
static void changes_do_not_begin(void)
{
	make_port();
	start_error = -EROFS;
	CHECK_EQ(served_child(do_mount, "disk=test0"), 0);
	CHECK_EQ(served_child(look_only, NULL), 0);
	CHECK_EQ(served_child(do_unmount, NULL), 0);
	start_error = -ENOSPC;
	CHECK_EQ(served_child(do_mount, "disk=test0"), ENOSPC);
	start_error = 0;
	CHECK_EQ(served_child(do_mount, "disk=test0"), 0);
	CHECK_EQ(served_child(do_unmount, NULL), 0);
}

static const struct check_case cases[] = {
	CASE(making_and_removing), CASE(lost_answers), CASE(renaming), CASE(setting_attributes), CASE(refused_attributes), CASE(late_change),
	CASE(remounts_at_once), CASE(read_only), CASE(changes_do_not_begin), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("served_changes", supervisor_works() ? cases : supervisor_no_cases, argc, argv);
}
