/* SPDX-License-Identifier: MIT */
/* view_enter: what is in a view is there, what is not does not exist, nothing leads out, and nobody inside changes it. On Linux nothing is checked. */
#include "check.h"
#include "built_with.h"
#include "leak.h"
#include "private_mounts.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <raeen/view.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

enum { VIEW_ENTER = 1050, USER = 1000, ROUNDS = 30 };

static int view_enter(const struct view_part *parts, size_t count)
{
	return syscall(VIEW_ENTER, parts, count, 0);
}

static struct view_part part(const char *source, const char *target, unsigned flags)
{
	return (struct view_part){ .source = (uintptr_t)source, .target = (uintptr_t)target, .flags = flags };
}

static void give_up_rights(void)
{
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
}

/* Two trees, all of which an ordinary user may change; then the caller is one. */
static void make_trees(int user)
{
	umask(0);
	CHECK_EQ(mkdir("a", 0777), 0);
	CHECK_EQ(mkdir("a/d", 0777), 0);
	CHECK_EQ(mkdir("b", 0777), 0);
	check_write_file("a/f", "f", 0666);
	check_write_file("a/d/g", "gg", 0666);
	check_write_file("b/h", "hhh", 0666);
	if (user)
		CHECK_EQ(setresuid(USER, USER, USER), 0);
	give_up_rights();
}

static int entries_of(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	int count = 0;

	if (!folder)
		return -1;
	while ((entry = readdir(folder)))
		count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(folder);
	return count;
}

static void absent(const char *path)
{
	struct stat st;

	if (!CHECK_ERR(stat(path, &st), ENOENT))
		check_string(path, "", "that is what is there", __FILE__, __LINE__);
}

static void look_around(int user)
{
	char folder[256], name[300];
	const struct view_part parts[] = { part("a", "/x/y", VIEW_READ_ONLY), part("b", "/z", 0), part("a/f", "/x/f", 0) };

	CHECK(getcwd(folder, sizeof folder) != NULL);
	make_trees(user);
	CHECK_EQ(view_enter(parts, 3), 0);
	CHECK_EQ(entries_of("/"), 2);
	CHECK_EQ(entries_of("/x"), 2);
	CHECK_EQ(size_of("/x/y/d/g"), 2);
	CHECK_EQ(size_of("z/h"), 3);
	CHECK_EQ(size_of("/z/../../../x/f"), 1);
	absent("/etc");
	absent("/tmp");
	absent("/proc/self");
	absent("/dev/null");
	absent("/../etc/passwd");
	absent(folder);
	snprintf(name, sizeof name, "%s/a/f", folder);
	absent(name);
	/* What may be written, and what not. */
	check_write_file("/z/new", "", 0600);
	CHECK_EQ(unlink("/z/new"), 0);
	CHECK_ERR(open("/x/y/f", O_RDWR), EROFS);
	CHECK_ERR(open("/x/y/new", O_RDWR | O_CREAT, 0600), EROFS);
	CHECK_ERR(unlink("/x/y/d/g"), EROFS);
	CHECK_EQ(truncate("/x/f", 2), 0);
	CHECK_EQ(size_of("/x/y/f"), 2);
	CHECK_ERR(mkdir("/new", 0755), EROFS);
	CHECK_ERR(mkdir("/x/new", 0755), EROFS);
	CHECK_ERR(rmdir("/z"), EROFS);
	/* Links inside lead where they lead inside. */
	CHECK_EQ(symlink("/etc/passwd", "/z/out"), 0);
	CHECK_EQ(symlink("/../../x/y/f", "/z/in"), 0);
	absent("/z/out");
	CHECK_EQ(size_of("/z/in"), 2);
}

static void for_users(void) { look_around(1); }
static void for_root(void) { look_around(0); }

/* Root inside is no exception. */
static void sealed(void)
{
	const struct view_part parts[] = { part("a", "/a", VIEW_READ_ONLY), part("b", "/b", 0) };

	make_trees(0);
	CHECK_EQ(view_enter(parts, 2), 0);
	CHECK_ERR(mount(NULL, "/a", NULL, MS_REMOUNT | MS_BIND, NULL), EPERM);
	CHECK_ERR(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL), EPERM);
	CHECK_ERR(mount("/b", "/a", NULL, MS_BIND, NULL), EPERM);
	CHECK_ERR(mount("/a", "/b", NULL, MS_MOVE, NULL), EPERM);
	CHECK_ERR(mount("none", "/b", "tmpfs", 0, NULL), EPERM);
	CHECK_ERR(mount("none", "/b", "proc", 0, NULL), EPERM);
	CHECK_ERR(umount2("/a", MNT_DETACH), EPERM);
	CHECK_ERR(umount("/"), EPERM);
	CHECK_ERR(syscall(SYS_pivot_root, "/b", "/b"), EPERM);
	CHECK_ERR(unshare(CLONE_NEWNS), EPERM);
	CHECK_ERR(syscall(SYS_clone, CLONE_NEWNS | 17, 0, 0, 0, 0), EPERM);
	/* The known way out of a changed root: keep a place above it. */
	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(chroot("/b"), 0);
	for (int i = 0; i < 20; i++)
		chdir("..");
	CHECK_EQ(chroot("."), 0);
	CHECK_EQ(entries_of("/"), 2);
	absent("/etc");
}

static void no_way_out_by_proc(int user)
{
	static const char *const links[] = { "root", "cwd", "exe", "fd/0", "environ", "maps", "mounts", "mountinfo", "fdinfo/0" };
	const struct view_part parts[] = { part("/proc", "/proc", 0), part("a", "/a", 0) };
	pid_t pids[] = { 1, 0 };
	char name[64], text[256];
	int fd, error;

	pids[1] = getpid();	/* of the same user, if that is asked for */
	make_trees(user);
	if (fork())
		return (void)check_wait(-1);
	CHECK_EQ(view_enter(parts, 2), 0);
	CHECK_EQ(access("/proc/self/root/a/f", F_OK), 0);
	CHECK_EQ(access("/proc/self/cwd/a/f", F_OK), 0);
	CHECK((fd = open("/proc/self/mounts", O_RDONLY)) >= 0);
	CHECK(read(fd, text, sizeof text) > 0);
	for (unsigned i = 0; i < sizeof links / sizeof *links; i++) {
		for (int j = 0; j < 2; j++) {
			snprintf(name, sizeof name, "/proc/%d/%s", pids[j], links[i]);
			fd = open(name, O_RDONLY);
			error = errno;
			if (fd < 0)
				CHECK_EQ(error, EACCES);
			else if (!CHECK_ERR(read(fd, text, sizeof text), EACCES))
				check_string(name, "", "that can be read", __FILE__, __LINE__);
			close(fd);
		}
	}
	snprintf(name, sizeof name, "/proc/%d/oom_score_adj", pids[1]);
	fd = open(name, O_WRONLY);
	CHECK_ERR(write(fd, "500", 3), EACCES);
	snprintf(name, sizeof name, "/proc/%d/root/etc", pids[1]);
	CHECK_ERR(access(name, F_OK), EACCES);
	CHECK_ERR(readlink("/proc/1/root", text, sizeof text), EACCES);
	absent("/proc/self/root/etc");
	absent("/proc/self/cwd/../etc");
	_exit(0);
}

static void processes_of_users(void) { no_way_out_by_proc(1); }
static void processes_of_root(void) { no_way_out_by_proc(0); }

/* What is open can be used; it cannot be opened again as more, nor does a directory lead out by /proc. */
static void kept_descriptors(void)
{
	const struct view_part parts[] = { part("/proc", "/proc", 0), part("b", "/b", 0) };
	int file, directory, link[2], watcher;
	char name[64], byte;

	make_trees(1);
	file = open("a/f", O_RDONLY);
	directory = open("a", O_PATH);
	CHECK_EQ(pipe(link), 0);
	CHECK_EQ(view_enter(parts, 2), 0);
	CHECK_EQ(read(file, &byte, 1), 1);
	snprintf(name, sizeof name, "/proc/self/fd/%d", file);
	CHECK_ERR(open(name, O_RDWR), EACCES);
	CHECK_ERR(open(name, O_RDONLY), EACCES);
	watcher = inotify_init();
	if (kernel_has(INOTIFY)) {
		CHECK_ERR(inotify_add_watch(watcher, name, IN_ALL_EVENTS), EACCES);
		CHECK_ERR(inotify_add_watch(watcher, "/a", IN_ALL_EVENTS), ENOENT);
		CHECK_EQ(inotify_add_watch(watcher, "/b", IN_ALL_EVENTS), 1);
	}
	snprintf(name, sizeof name, "/proc/self/fd/%d/f", directory);
	CHECK_ERR(open(name, O_RDONLY), EACCES);
	snprintf(name, sizeof name, "/proc/self/fd/%d", link[1]);
	CHECK((file = open(name, O_WRONLY)) >= 0);
	CHECK_EQ(write(file, "x", 1), 1);
	file = open("/b/h", O_RDONLY);
	snprintf(name, sizeof name, "/proc/self/fd/%d", file);
	CHECK(open(name, O_RDONLY) >= 0);
}

static void narrower_inside(void)
{
	const struct view_part outer[] = { part("a", "/a", VIEW_READ_ONLY), part("b", "/b", 0) };
	const struct view_part inner[] = { part("/a/d", "/d", 0), part("/etc", "/etc", 0) };

	make_trees(1);
	CHECK_EQ(view_enter(outer, 2), 0);
	CHECK_ERR(view_enter(inner, 2), ENOENT);
	CHECK_EQ(size_of("/b/h"), 3);
	CHECK_EQ(view_enter(inner, 1), 0);
	CHECK_EQ(size_of("/d/g"), 2);
	absent("/a");
	absent("/b");
	CHECK_ERR(open("/d/g", O_RDWR), EROFS);	/* asking for more gives no more */
}

/* The whole tree, and another part in a place that it has. */
static void whole_root(void)
{
	char folder[256];
	struct view_part parts[] = { part("/", "/", VIEW_READ_ONLY), part("b", folder, 0), part("b", "/not/there", 0) };

	CHECK(getcwd(folder, sizeof folder) != NULL);
	make_trees(1);
	CHECK_ERR(view_enter(parts, 3), ENOENT);
	CHECK_EQ(size_of("a/f"), 1);
	CHECK_EQ(view_enter(parts, 2), 0);
	CHECK_EQ(access("/proc/self/stat", F_OK), 0);
	CHECK_EQ(chdir(folder), 0);
	check_write_file("new", "", 0600);
	CHECK_EQ(size_of("h"), 3);
	CHECK_ERR(open("/tmp/new", O_RDWR | O_CREAT, 0600), EROFS);
	CHECK_ERR(mkdir("/new", 0700), EROFS);
}

static void *wait_here(void *argument)
{
	pthread_barrier_wait(argument);
	return NULL;
}

static void refusals(void)
{
	struct view_part good = part("a", "/a", 0), many[VIEW_PARTS_MAX + 1], bad;
	static const char *const targets[] = { "", "a", "/a/../b", "/..", "/a/.", "./a" };
	pthread_barrier_t barrier;
	pthread_t thread;
	char folder[256];

	CHECK(getcwd(folder, sizeof folder) != NULL);
	CHECK_ERR(view_enter(&good, 1), EPERM);		/* whoever it is: without a promise */
	make_trees(1);
	CHECK_ERR(syscall(VIEW_ENTER, &good, 1, 1), EINVAL);
	CHECK_ERR(view_enter(many, VIEW_PARTS_MAX + 1), EINVAL);
	CHECK_ERR(view_enter((void *)16, 1), EFAULT);
	for (unsigned i = 0; i < sizeof targets / sizeof *targets; i++) {
		bad = part("a", targets[i], 0);
		CHECK_ERR(view_enter(&bad, 1), EINVAL);
	}
	bad = part("a", "/a", 2);
	CHECK_ERR(view_enter(&bad, 1), EINVAL);
	bad = good;
	bad.reserved = 1;
	CHECK_ERR(view_enter(&bad, 1), EINVAL);
	bad = part("missing", "/a", 0);
	CHECK_ERR(view_enter(&bad, 1), ENOENT);
	bad = part((char *)16, "/a", 0);
	CHECK_ERR(view_enter(&bad, 1), EFAULT);
	bad = part("a", (char *)16, 0);
	CHECK_ERR(view_enter(&bad, 1), EFAULT);
	for (int i = 0; i < VIEW_PARTS_MAX; i++)
		many[i] = part("a", "/a", 0);
	many[1] = part("a/f", "/a/d", 0);
	CHECK_ERR(view_enter(many, 2), ENOTDIR);
	many[1] = part("a", "/a/f/x", 0);
	CHECK_ERR(view_enter(many, 2), ENOTDIR);
	many[1] = part("a", "/a/new", 0);
	CHECK_ERR(view_enter(many, 2), ENOENT);
	CHECK_EQ(pthread_barrier_init(&barrier, NULL, 2), 0);
	CHECK_EQ(pthread_create(&thread, NULL, wait_here, &barrier), 0);
	CHECK_ERR(view_enter(&good, 1), EINVAL);
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	/* Nothing has happened by all that. */
	CHECK_EQ(size_of("a/f"), 1);
	CHECK_EQ(access("/etc", F_OK), 0);
	CHECK_EQ(access(folder, F_OK), 0);
	many[1] = good;
	/* A thread that was joined may still be on its last steps. */
	for (int i = 0; i < 500 && view_enter(many, VIEW_PARTS_MAX) && errno == EINVAL; i++)
		check_sleep(10);
	CHECK_EQ(size_of("/a/f"), 1);
	CHECK_EQ(view_enter(NULL, 0), 0);
	CHECK_EQ(entries_of("/"), 0);
}

/* The least time of this thread that a look at @path takes, in us. */
static long cost_of(const char *path)
{
	struct timespec before, after;
	struct stat st;
	long cost, least = 0;

	for (int i = 0; i < 5; i++) {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
		CHECK_EQ(stat(path, &st), 0);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
		cost = (after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000;
		if (!i || cost < least)
			least = cost;
	}
	return least;
}

/*
 * Who goes up in a view is looked after lest it leaves, which takes as long as the place is deep, with a lock that all paths need. Not for each step: a long
 * path made of many would stop all others for seconds.
 */
static void long_ways_up(void)
{
	enum { DEPTH = 4000, STEPS = 1000, DOWN = 1000 };
	const struct view_part deep = part("a", "/a", 0);
	char up[3 * STEPS + 1] = "", down[2 * DOWN + 1] = "";
	long outside, inside;
	int made;

	make_trees(1);
	for (int i = 0; i < STEPS; i++)
		memcpy(up + 3 * i, "../", 4);
	for (int i = 0; i < DOWN; i++)
		memcpy(down + 2 * i, "x/", 3);
	CHECK_EQ(chdir("a"), 0);
	for (made = 0; made < DEPTH && !mkdir("x", 0700) && !chdir("x"); made++)
		;
	CHECK_EQ(made, DEPTH);
	outside = cost_of(up);
	if (!fork()) {
		for (int i = 0; i < DEPTH; i++)
			chdir("..");
		CHECK_EQ(chdir(".."), 0);
		CHECK_EQ(view_enter(&deep, 1), 0);
		CHECK_EQ(chdir("/a"), 0);
		for (int i = 0; i < DEPTH / DOWN; i++)
			CHECK_EQ(chdir(down), 0);
		inside = cost_of(up);
		if (!CHECK(inside < 50 * (outside + 10)))
			printf("%ld us in a view, %ld us outside\n", inside, outside);
		_exit(0);
	}
	check_wait(-1);
	for (; made && !chdir("..") && !rmdir("x"); made--)
		;
	CHECK_EQ(made, 0);
}

/* The least time of this thread that its table of mappings takes, in us. */
static long cost_of_maps(void)
{
	struct timespec before, after;
	char text[4096];
	long cost, least = 0;
	int table;

	for (int i = 0; i < 5; i++) {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
		CHECK((table = open("/proc/self/maps", O_RDONLY)) >= 0);
		CHECK(read(table, text, sizeof text) > 0);
		close(table);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
		cost = (after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000;
		if (!i || cost < least)
			least = cost;
	}
	return least;
}

/*
 * The name of a file that is mapped is looked for in all mounts of its file system: that must not go up from the file for each of them, with the lock
 * of all paths held.
 */
static void names_among_mounts(void)
{
	enum { DEPTH = 1500, FIRST = VIEW_PARTS_MAX, SECOND = 8 };
	struct view_part parts[FIRST];
	char names[FIRST][8];
	long before;
	int made, file;

	make_trees(1);
	CHECK_EQ(chdir("a"), 0);
	for (made = 0; made < DEPTH && !mkdir("x", 0700) && !chdir("x"); made++)
		;
	CHECK_EQ(made, DEPTH);
	check_write_file("m", "m", 0600);
	if (!fork()) {
		CHECK((file = open("m", O_RDONLY)) >= 0);
		CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0) != MAP_FAILED);
		for (int i = 0; i <= DEPTH; i++)
			chdir("..");
		before = cost_of_maps();
		for (int i = 0; i < FIRST; i++) {
			snprintf(names[i], sizeof names[i], "/%d", i);
			parts[i] = part(i ? "b" : "/proc", i ? names[i] : "/proc", 0);
		}
		CHECK_EQ(view_enter(parts, FIRST), 0);
		for (int i = 1; i < SECOND; i++)
			parts[i] = part("/", names[i], 0);
		CHECK_EQ(view_enter(parts, SECOND), 0);
		if (!CHECK(cost_of_maps() < 20 * (before + 10)))
			printf("%ld us with many mounts, %ld us before\n", cost_of_maps(), before);
		_exit(0);
	}
	check_wait(-1);
	unlink("m");
	for (; made && !chdir("..") && !rmdir("x"); made--)
		;
	CHECK_EQ(made, 0);
}

/* What others, and oneself, can do only by permission is no easier by a view. */
static void permissions_stay(void)
{
	const struct view_part over = part("b", "/a/closed/in", 0);
	struct view_part parts[] = { part("a", "/a", 0), over };

	umask(0);
	CHECK_EQ(mkdir("a", 0777), 0);
	CHECK_EQ(mkdir("b", 0777), 0);
	CHECK_EQ(mkdir("a/closed", 0700), 0);
	CHECK_EQ(mkdir("a/closed/in", 0777), 0);
	CHECK_EQ(setresuid(USER, USER, USER), 0);
	give_up_rights();
	CHECK_ERR(view_enter(parts, 2), EACCES);
	parts[0] = part("a/closed/in", "/in", 0);
	CHECK_ERR(view_enter(parts, 1), EACCES);
	parts[0] = part("a/closed", "/closed", 0);
	CHECK_EQ(view_enter(parts, 1), 0);
	CHECK_ERR(access("/closed/in", F_OK), EACCES);
}

static void shared_context(void)
{
	const struct view_part good = part("a", "/a", 0);
	pid_t child;

	make_trees(0);
	child = syscall(SYS_clone, CLONE_FS | 17, 0, 0, 0, 0);
	if (!child) {
		CHECK_EQ(view_enter(&good, 1), 0);
		absent("/etc");
		_exit(0);
	}
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(access("/etc", F_OK), 0);
	CHECK_EQ(size_of("a/f"), 1);
}

static void enter_and_end(void *argument)
{
	const char *last = (long)argument % 2 ? "missing" : "b";
	const struct view_part parts[] = { part("a", "/x/y/z", VIEW_READ_ONLY), part("/proc", "/proc", 0), part(last, "/b", 0) };

	CHECK_EQ(setresuid(USER, USER, USER), 0);
	give_up_rights();
	CHECK_EQ(view_enter(parts, 3), (long)argument % 2 ? -1 : 0);
	if ((long)argument % 2)
		return;
	open("/b/h", O_RDWR);
	CHECK_EQ(chdir("/x/y"), 0);
	if ((long)argument % 4)
		CHECK_EQ(view_enter(NULL, 0), 0);
}

static void nothing_left_behind(void)
{
	struct leak_mark mark;

	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(mkdir("b", 0755), 0);
	check_write_file("b/h", "hhh", 0666);
	for (long i = 0; i < ROUNDS; i++) {
		CHECK_EQ(check_child(enter_and_end, (void *)i), 0);
		if (i == 5)
			leak_mark(&mark);
	}
	leak_check(&mark, "views");
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(for_users), CASE(for_root), CASE(sealed), CASE(processes_of_users), CASE(processes_of_root), CASE(kept_descriptors),
		CASE(narrower_inside), CASE(whole_root), CASE(long_ways_up), CASE(names_among_mounts), CASE(refusals), CASE(permissions_stay),
		CASE(shared_context), CASE(nothing_left_behind), { 0 },
	};
	static const struct check_case none[] = { { 0 } };

	syscall(VIEW_ENTER, NULL, 0, 1);
	return check_main("views", errno == ENOSYS ? none : cases, argc, argv);
}
