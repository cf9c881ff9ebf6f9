/* SPDX-License-Identifier: MIT */
/* inotify: limits, a queue that overflows, file systems that are unmounted, files that several replace at once, watches that come and go beside changes. */
#include "check.h"
#include "inotify_kit.h"
#include "leak.h"
#include "private_mounts.h"
#include "built_with.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { ROUNDS = 300, EXCHANGE = 2 /* RENAME_EXCHANGE */ };

static long setting(const char *name)
{
	char path[100], text[32] = "";
	int fd;

	snprintf(path, sizeof path, "/proc/sys/fs/inotify/%s", name);
	fd = open(path, O_RDONLY);
	CHECK(read(fd, text, sizeof text - 1) > 0);
	close(fd);
	return atol(text);
}

static void overflow(void)
{
	long most = setting("max_queued_events"), seen = 0;
	int fd = instance(), one = file_with("one", "x"), two = file_with("two", "x");
	struct inotify_event *event = NULL;
	ssize_t got;

	CHECK_EQ(most, 16384);
	CHECK_EQ(inotify_add_watch(fd, "one", IN_MODIFY), 1);
	CHECK_EQ(inotify_add_watch(fd, "two", IN_MODIFY), 2);
	for (long i = 0; i < most / 2 + 10; i++) {
		write(one, "x", 1);
		write(two, "x", 1);
	}
	while ((got = read(fd, buffer, sizeof buffer)) > 0)
		for (char *at = buffer; at < buffer + got; at += HEAD) {
			event = (struct inotify_event *)at;
			seen++;
			if (seen <= most)
				CHECK(event->mask == IN_MODIFY && event->wd == (seen % 2 ? 1 : 2));
		}
	if (!CHECK_EQ(seen, most + 1))
		return;
	CHECK_EQ(event->mask, IN_Q_OVERFLOW);
	CHECK_EQ(event->wd, -1);
	CHECK_EQ(event->cookie, 0);
	CHECK_EQ(write(one, "x", 1), 1);
	CHECK_STR(events(fd), "1:MODIFY");
}

static void limits(void)
{
	long instances = setting("max_user_instances"), made = 0;
	int fds[1000] = { 0 };
	struct rlimit many = { 2000, 2000 };

	CHECK(setting("max_user_watches") >= 8192);
	CHECK_EQ(instances, 128);
	setrlimit(RLIMIT_NOFILE, &many);
	CHECK_EQ(setresuid(1234, 1234, 1234), 0);
	while (made < instances && (fds[made] = inotify_init1(0)) >= 0)
		made++;
	CHECK_EQ(made, instances);
	CHECK_ERR(inotify_init1(0), EMFILE);
	close(fds[0]);
	CHECK((fds[0] = inotify_init1(0)) >= 0);
}

static void write_setting(const char *name, long value)
{
	char path[100];
	int fd;

	snprintf(path, sizeof path, "/proc/sys/fs/inotify/%s", name);
	fd = open(path, O_WRONLY);
	CHECK(dprintf(fd, "%ld\n", value) > 0);
	close(fd);
}

/* A queue keeps the length that the setting gave it when it was made, and says once that it was too short, in its place. */
static void queue_limit(void)
{
	long before = setting("max_queued_events");
	int fd;

	write_setting("max_queued_events", 3);
	fd = instance();
	write_setting("max_queued_events", before);
	CHECK_EQ(inotify_add_watch(fd, ".", IN_CREATE | IN_ONESHOT), 1);
	CHECK_EQ(inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE), 1);
	for (int i = 0; i < 3; i++) {
		close(file_with("a", ""));
		CHECK_EQ(unlink("a"), 0);
	}
	CHECK_EQ(inotify_rm_watch(fd, 1), 0);
	CHECK_STR(events(fd), "1:CREATE:a 1:DELETE:a 1:CREATE:a -1:OVERFLOW");
	CHECK_EQ(inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE | IN_ONESHOT), 2);
	close(file_with("a", ""));
	CHECK_EQ(unlink("a"), 0);
	CHECK_STR(events(fd), "2:CREATE:a 2:IGNORED");
}

static void watch_as_user(void *unused)
{
	int fd, made = 0;
	char name[16];

	(void)unused;
	CHECK_EQ(chmod(".", 0777), 0);
	CHECK_EQ(mkdir("private", 0700), 0);
	CHECK_EQ(setresuid(1234, 1234, 1234), 0);
	fd = instance();
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "f%d", i);
		close(open(name, O_CREAT | O_RDWR, 0600));
		if (inotify_add_watch(fd, name, IN_OPEN) < 0)
			break;
		made++;
	}
	CHECK_EQ(made, 10);
	CHECK_ERR(inotify_add_watch(fd, "f10", IN_CLOSE), ENOSPC);
	CHECK_EQ(inotify_add_watch(fd, "f3", IN_CLOSE), 4);
	CHECK_EQ(inotify_rm_watch(fd, 5), 0);
	CHECK(inotify_add_watch(fd, "f10", IN_CLOSE) > 10);
	/* Not what one may not read. */
	CHECK_ERR(inotify_add_watch(fd, "private", IN_OPEN), EACCES);
}

static void watch_limit(void)
{
	long before = setting("max_user_watches");

	write_setting("max_user_watches", 10);
	CHECK_EQ(check_child(watch_as_user, NULL), 0);
	write_setting("max_user_watches", before);
	CHECK_EQ(setting("max_user_watches"), before);
}

static void unmounting(void)
{
	int fd = instance(), count = 0;
	const char *text;
	char name[32];

	leave();
	CHECK_EQ(mkdir("m", 0700), 0);
	CHECK_EQ(mount("none", "m", "tmpfs", 0, NULL), 0);
	close(file_with("m/file", "x"));
	CHECK_EQ(inotify_add_watch(fd, "m/file", IN_OPEN), 1);
	CHECK_EQ(inotify_add_watch(fd, "m", IN_OPEN | IN_DELETE_SELF), 2);
	CHECK_EQ(umount("m"), 0);
	text = events(fd);
	CHECK(strstr(text, "1:UNMOUNT 1:IGNORED") && strstr(text, "2:UNMOUNT|ISDIR 2:IGNORED") && !strstr(text, "DELETE"));
	CHECK_ERR(inotify_rm_watch(fd, 1), EINVAL);
	CHECK_ERR(inotify_rm_watch(fd, 2), EINVAL);
	/* Many: it takes no longer for each. */
	CHECK_EQ(mount("none", "m", "tmpfs", 0, NULL), 0);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "m/%d", i);
		CHECK_EQ(mknod(name, S_IFREG | 0600, 0), 0);
		CHECK(inotify_add_watch(fd, name, IN_OPEN) > 0);
	}
	CHECK_EQ(umount("m"), 0);
	for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;)
		for (char *at = buffer; at < buffer + got; at += HEAD) {
			CHECK_EQ(((struct inotify_event *)at)->mask, count % 2 ? IN_IGNORED : IN_UNMOUNT);
			count++;
		}
	CHECK_EQ(count, 10000);
}

/* ---- Many at once ---- */

static void rename_over(void *argument)
{
	char own[16];

	snprintf(own, sizeof own, "own%d", (int)(long)argument);
	for (int i = 0; i < ROUNDS; i++) {
		close(open(own, O_CREAT | O_WRONLY, 0600));
		CHECK_EQ(rename(own, "target"), 0);
	}
}

/* Each file that is watched and then replaced, by whomever, tells that it is gone. */
static void replaced_in_a_crowd(void)
{
	pid_t pids[3];
	long added = 0, gone = 0, ignored = 0;
	int fd = inotify_init1(IN_NONBLOCK), last = 0, wd;
	again:
	close(open("target", O_CREAT | O_WRONLY, 0600));
	for (long i = 0; i < 3; i++)
		pids[i] = check_spawn(rename_over, (void *)i);
	for (int alive = 3; alive;) {
		wd = inotify_add_watch(fd, "target", IN_DELETE_SELF);
		if (wd > last) {
			added++;
			last = wd;
		}
		alive = 0;
		for (int i = 0; i < 3; i++)
			alive += pids[i] && (waitpid(pids[i], NULL, WNOHANG) == 0 || (pids[i] = 0));
	}
	if (added < 3 && last < 1000)
		goto again;
	CHECK_EQ(unlink("target"), 0);
	for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;)
		for (char *at = buffer; at < buffer + got; at += HEAD) {
			gone += ((struct inotify_event *)at)->mask == IN_DELETE_SELF;
			ignored += ((struct inotify_event *)at)->mask == IN_IGNORED;
		}
	CHECK_EQ(gone, added);
	CHECK_EQ(ignored, added);
}

static void stir(void *argument)
{
	unsigned seed = (unsigned)(long)argument;
	char from[16], to[16];

	for (int i = 0; i < 3 * ROUNDS; i++) {
		int fd;

		seed = seed * 1103515245 + 12345;
		snprintf(from, sizeof from, "d/%u", seed >> 16 & 7);
		snprintf(to, sizeof to, "d/%u", seed >> 20 & 7);
		switch (seed >> 24 & 7) {
		case 0: unlink(from); break;
		case 1: link(from, to); break;
		case 2: rename(from, to); break;
		case 3: chmod(from, 0600); break;
		case 4: syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, EXCHANGE); break;
		default:
			fd = open(from, O_CREAT | O_RDWR, 0600);
			write(fd, "x", 1);
			pread(fd, buffer, 1, 0);
			close(fd);
		}
	}
}

/* Watches come and go, with their instances and by kills, while names do. */
static void watch_and_die(void *argument)
{
	unsigned seed = (unsigned)(long)argument;
	char name[16];

	for (;;) {
		int fd = inotify_init1(IN_NONBLOCK);

		for (int i = 0; i < 20; i++) {
			seed = seed * 1103515245 + 12345;
			snprintf(name, sizeof name, seed >> 28 & 1 ? "d" : "d/%u", seed >> 16 & 7);
			inotify_add_watch(fd, name, seed >> 24 & 1 ? IN_ALL_EVENTS | IN_ONESHOT : IN_ALL_EVENTS);
			inotify_rm_watch(fd, seed >> 20 & 15);
			read(fd, buffer, sizeof buffer);
		}
		close(fd);
	}
}

static void storm_once(void)
{
	pid_t stirrers[2], watchers[2];

	mkdir("d", 0700);
	for (long i = 0; i < 2; i++) {
		watchers[i] = check_spawn(watch_and_die, (void *)(i + 10));
		stirrers[i] = check_spawn(stir, (void *)(i + 1));
	}
	for (int i = 0; i < 2; i++)
		CHECK_EQ(check_wait(stirrers[i]), 0);
	for (int i = 0; i < 2; i++) {
		kill(watchers[i], SIGKILL);
		CHECK_EQ(check_wait(watchers[i]), CHECK_KILLED + SIGKILL);
	}
	for (int i = 0; i < 8; i++) {
		char name[16];

		snprintf(name, sizeof name, "d/%d", i);
		unlink(name);
	}
	rmdir("d");
}

static void storm(void)
{
	static struct leak_mark mark;

	storm_once();
	leak_mark(&mark);
	for (int i = 0; i < 3; i++)
		storm_once();
	leak_check(&mark, "inotify");
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(overflow), CASE(limits), CASE(queue_limit), CASE(watch_limit), CASE(unmounting), CASE(replaced_in_a_crowd), CASE(storm), { NULL, NULL },
	};

	return kernel_has(INOTIFY) ? check_main("inotify_limits", cases, argc, argv) : skip_program("inotify_limits", INOTIFY);
}
