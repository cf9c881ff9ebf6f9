/* SPDX-License-Identifier: MIT */
/* Private mount namespaces: who sees what, what names and tables do, and that nothing stays behind. As root. */
#include "check.h"
#include "leak.h"
#include "private_mounts.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAP_CHECK = 1039, USER = 1000, MOUNTS_TRIED = 1100, ROUNDS = 40 };

static volatile int *phase;	/* shared with children */

static void share_phase(void)
{
	phase = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(phase != MAP_FAILED);
}

/* ---- Namespaces ---- */

static void see_alone(void *argument)
{
	(void)argument;
	leave();
	CHECK_EQ(mount("none", "m", "tmpfs", 0, NULL), 0);
	CHECK_EQ(size_of("m/f"), -1);
	check_write_file("m/f", "four", 0644);
	phase[0] = 1;
	CHECK(check_await(&phase[1], 10000));
	/* What is mounted elsewhere afterwards is not seen here. */
	CHECK_EQ(size_of("m/f"), 4);
	CHECK_EQ(size_of("n/f"), -1);
}

static void private_mounts(void)
{
	pid_t child;

	share_phase();
	leave();
	mkdir("m", 0755);
	mkdir("n", 0755);
	check_write_file("m/f", "f", 0644);
	child = check_spawn(see_alone, NULL);
	CHECK(check_await(&phase[0], 10000));
	CHECK_EQ(size_of("m/f"), 1);
	CHECK_EQ(mount("none", "n", "tmpfs", 0, NULL), 0);
	check_write_file("n/f", "three", 0644);
	phase[1] = 1;
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(size_of("m/f"), 1);
	CHECK_EQ(umount("n"), 0);
	CHECK_EQ(rmdir("n"), 0);
}

static void by_clone(void)
{
	pid_t child;

	leave();
	mkdir("m", 0755);
	check_write_file("m/f", "f", 0644);
	CHECK_ERR(syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0), EINVAL);
	child = syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
	if (!child) {
		CHECK_EQ(mount("none", "m", "tmpfs", 0, NULL), 0);
		CHECK_EQ(size_of("m/f"), -1);
		_exit(0);
	}
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(size_of("m/f"), 1);
	CHECK_ERR(umount("m"), EINVAL);
}

/* The working directory and root are the same places of the copy. */
static void places_follow(void)
{
	leave();
	tmpfs_at("m");
	CHECK_EQ(mkdir("m/x", 0755), 0);
	CHECK_EQ(chdir("m/x"), 0);
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(chdir(".."), 0);
	CHECK_EQ(access("x", F_OK), 0);
	CHECK_EQ(chdir(".."), 0);
	CHECK_EQ(umount("m"), 0);
	CHECK_ERR(access("m/x", F_OK), ENOENT);
}

/* A place of another namespace can be entered, but nothing mounted there or bound from there. */
static void places_of_others(void)
{
	char name[64];
	int old;

	leave_to_trees();
	old = open("a", O_RDONLY | O_DIRECTORY);
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	snprintf(name, sizeof name, "/proc/self/fd/%d", old);
	CHECK_EQ(size_of(name) >= 0, 1);
	CHECK_ERR(mount("none", name, "tmpfs", 0, NULL), EINVAL);
	CHECK_ERR(mount(name, "b", NULL, MS_BIND, NULL), EINVAL);
	CHECK_EQ(fchdir(old), 0);
	CHECK_EQ(size_of("f"), 1);
	CHECK_EQ(chdir("/"), 0);
}

struct moved { int from, to; };

static void move_away(void *argument)
{
	const struct moved *moved = argument;

	leave();
	phase[0] = 1;
	CHECK(check_await(&phase[1], 10000));
	CHECK_EQ(renameat(moved->from, "d", moved->to, "d"), 0);
}

/*
 * What somebody in another namespace moves out of the root takes along what is mounted there: a copy of the namespace cannot have it, and who stands
 * there stays.
 */
static void places_moved_away(void)
{
	struct moved moved;
	pid_t child;

	share_phase();
	leave();
	tmpfs_at("w");
	CHECK_EQ(mkdir("w/root", 0755), 0);
	CHECK_EQ(mkdir("w/root/d", 0755), 0);
	CHECK_EQ(mkdir("w/root/old", 0755), 0);
	CHECK_EQ(mkdir("w/out", 0755), 0);
	moved = (struct moved){ open("w/root", O_PATH), open("w/out", O_PATH) };
	child = check_spawn(move_away, &moved);
	CHECK(check_await(&phase[0], 10000));
	CHECK_EQ(mount("w/root", "w/root", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(mount("none", "w/root/d", "tmpfs", 0, NULL), 0);
	/* Where this is Linux's test guest its first root cannot be replaced. */
	if (syscall(SYS_pivot_root, "w/root", "w/root/old") && !CHECK_EQ(syscall(CAP_CHECK, 0L), -1))
		return;
	CHECK_EQ(chdir(access("/d", F_OK) ? "w/root/d" : "/d"), 0);
	check_write_file("f", "four", 0644);
	phase[1] = 1;
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(size_of("f"), 4);
	CHECK(open("f", O_RDWR) >= 0);
	CHECK_ERR(access("/d", F_OK), ENOENT);
	CHECK_EQ(chdir("/"), 0);
}

static void unshare_directories(void)
{
	pid_t child;

	mkdir("x", 0755);
	check_write_file("here", "", 0644);
	child = syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0);
	if (!child) {
		CHECK_EQ(unshare(CLONE_FS), 0);
		_exit(chdir("x"));
	}
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(access("here", F_OK), 0);
	child = syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0);
	if (!child)
		_exit(chdir("x"));
	CHECK_EQ(check_wait(child), 0);
	CHECK_ERR(access("here", F_OK), ENOENT);
}

static void unshare_descriptors(void)
{
	int fd = open("/dev/null", O_RDONLY);
	pid_t child = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

	if (!child) {
		CHECK_EQ(unshare(CLONE_FILES), 0);
		_exit(close(fd));
	}
	CHECK_EQ(check_wait(child), 0);
	CHECK(fcntl(fd, F_GETFD) >= 0);
	CHECK_ERR(unshare(0x1), EINVAL);
	/* What a process has for itself it may ask for. */
	CHECK_EQ(unshare(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM), 0);
}

static void refused_to_users(void)
{
	mkdir("m", 0777);
	CHECK_EQ(setresuid(USER, USER, USER), 0);
	CHECK_ERR(unshare(CLONE_NEWNS), EPERM);
	CHECK_ERR(syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0), EPERM);
	CHECK_ERR(mount("m", "m", NULL, MS_BIND, NULL), EPERM);
	CHECK_ERR(mount(NULL, "/", NULL, MS_PRIVATE, NULL), EPERM);
	CHECK_ERR(umount2("/", MNT_DETACH), EPERM);
	CHECK_ERR(syscall(SYS_pivot_root, "m", "m"), EPERM);
	CHECK_ERR(chroot("m"), EPERM);
	CHECK_EQ(unshare(CLONE_FS | CLONE_FILES), 0);
}

static char text[16384];

static const char *read_text(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof text - 1), more;

	while (fd >= 0 && len < (ssize_t)sizeof text - 1 && (more = read(fd, text + len, sizeof text - 1 - len)) > 0)
		len += more;
	text[len] = 0;
	close(fd);
	return text;
}

/* ---- Names and other namespaces ---- */

static void hold_mount(void *argument)
{
	(void)argument;
	leave();
	CHECK_EQ(mount("marked", "d", "tmpfs", 0, NULL), 0);
	check_write_file("d/inside", "", 0644);
	CHECK_EQ(mount("source", "f", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(mount("marked", "e", "tmpfs", 0, NULL), 0);
	CHECK_ERR(rmdir("d"), EBUSY);
	CHECK_ERR(unlink("f"), EBUSY);
	phase[0] = 1;
	CHECK(check_await(&phase[1], 10000));
	CHECK_EQ(access("d/inside", F_OK), -1);
	CHECK_EQ(size_of("f"), -1);
	CHECK(strstr(read_text("/proc/self/mountinfo"), "marked") == NULL);
	CHECK_EQ(size_of("moved"), 6);	/* another namespace's rename takes along what is mounted here */
}

static void removed_under_mounts(void)
{
	pid_t child;

	share_phase();
	mkdir("d", 0755);
	mkdir("e", 0755);
	mkdir("e2", 0755);
	check_write_file("f", "", 0644);
	check_write_file("source", "source", 0644);
	check_write_file("other", "", 0644);
	child = check_spawn(hold_mount, NULL);
	CHECK(check_await(&phase[0], 10000));
	CHECK_EQ(rmdir("d"), 0);
	CHECK_EQ(rename("f", "moved"), 0);
	CHECK_EQ(rename("e2", "e"), 0);
	phase[1] = 1;
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(size_of("moved"), 0);
}

static void look_in_turn(void *argument)
{
	long want = *(long *)argument;
	int me = want == 4;
	struct stat st;

	if (me) {
		leave();
		CHECK_EQ(mount("none", "m", "tmpfs", 0, NULL), 0);
		check_write_file("m/f", "four", 0644);
	}
	for (int i = 0; i < 200; i++) {
		while (phase[0] % 2 != me)
			sched_yield();
		if (!CHECK(syscall(SYS_stat, "m/f", &st) == 0 && st.st_size == want))
			i = 200;
		phase[0]++;
	}
	phase[0] += 1000 + me;
}

/* Two processes look at the same name of two namespaces in turn: neither may get what the kernel remembers of the other. */
static void names_in_turn(void)
{
	long ones[2] = { 1, 4 };
	pid_t children[2];
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	sched_setaffinity(0, sizeof cpus, &cpus);
	share_phase();
	mkdir("m", 0755);
	check_write_file("m/f", "f", 0644);
	for (int i = 0; i < 2; i++)
		children[i] = check_spawn(look_in_turn, &ones[i]);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(check_wait(children[i]), 0);
}

static void mount_marked(void *argument)
{
	(void)argument;
	leave_to_trees();
	CHECK_EQ(mount("marked", "b", "tmpfs", MS_NOEXEC, NULL), 0);
	phase[0] = 1;
	CHECK(check_await(&phase[1], 10000));
}

static void tables(void)
{
	char name[64], folder[256], line[512];
	unsigned major, minor;
	int id, parent;
	const char *at;
	pid_t child;

	share_phase();
	child = check_spawn(mount_marked, NULL);
	CHECK(check_await(&phase[0], 10000));
	CHECK(!strstr(read_text("/proc/self/mounts"), "marked"));
	snprintf(name, sizeof name, "/proc/%d/mounts", child);
	CHECK(strstr(read_text(name), "marked ") != NULL);
	snprintf(name, sizeof name, "/proc/%d/mountinfo", child);
	CHECK(strstr(read_text(name), " - tmpfs marked ") != NULL);
	phase[1] = 1;
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(rmdir("w"), 0);

	leave_to_trees();
	CHECK_EQ(mount("a/d", "b", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), 0);
	CHECK(getcwd(folder, sizeof folder) != NULL);
	snprintf(line, sizeof line, " /a/d %s/b ro,nosuid,nodev,noexec,relatime - tmpfs none rw", folder);
	at = strstr(read_text("/proc/self/mountinfo"), line);
	CHECK(at != NULL);
	while (at && at > text && at[-1] != '\n')
		at--;
	CHECK(at && sscanf(at, "%d %d %u:%u", &id, &parent, &major, &minor) == 4 && id != parent);
	snprintf(line, sizeof line, "none %s/b tmpfs ro,nosuid,nodev,noexec,relatime", folder);
	CHECK(strstr(read_text("/proc/self/mounts"), line) != NULL);
	/* Only what can be reached, and by the names that hold there. */
	CHECK_EQ(mkdir("proc", 0755), 0);
	CHECK_EQ(mount("none", "proc", "proc", 0, NULL), 0);
	CHECK_EQ(chroot("."), 0);
	read_text("/proc/self/mounts");
	CHECK(strstr(text, "none / tmpfs ") && strstr(text, "none /b tmpfs ro"));
	CHECK(!strstr(text, "marked") && !strstr(text, folder));
}

/* ---- Ends ---- */

static void live_and_die(void *argument)
{
	leave_to_trees();
	CHECK_EQ(mount("none", "b", "tmpfs", 0, NULL), 0);
	check_write_file("b/f", "f", 0644);
	CHECK_EQ(mount("a", "a/d", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK_EQ(chdir("b"), 0);
	if ((long)argument % 3 == 1)
		CHECK_EQ(umount2(".", MNT_DETACH), 0);
	if ((long)argument % 3 == 2)
		CHECK_EQ(unshare(CLONE_NEWNS), 0);
	open("f", O_RDWR);
}

static void nothing_left_behind(void)
{
	struct leak_mark mark;

	for (long i = 0; i < ROUNDS; i++) {
		CHECK_EQ(check_child(live_and_die, (void *)i), 0);
		CHECK_EQ(rmdir("w"), 0);
		if (i == 5)
			leak_mark(&mark);
	}
	leak_check(&mark, "namespaces");
}

/* ---- All at once ---- */

enum { RACERS = 4, STEPS = 120, PLACES = 4 };

static void random_step(unsigned number)
{
	char from[16], to[16];
	unsigned kind = number / 64 % 14;

	snprintf(from, sizeof from, "p%u%s", number % PLACES, number % 3 ? "" : "/q");
	snprintf(to, sizeof to, "p%u%s", number / 16 % PLACES, number % 5 ? "" : "/q");
	switch (kind) {
	case 0: case 1: mount("none", to, "tmpfs", 0, "size=64k"); break;
	case 2: mount(from, to, NULL, MS_BIND, NULL); break;
	case 3: mount(from, to, NULL, MS_BIND | MS_REC, NULL); break;
	case 4: mount(from, to, NULL, MS_MOVE, NULL); break;
	case 5: umount(to); break;
	case 6: case 7: umount2(to, MNT_DETACH); break;
	case 8: mkdir(to, 0755); break;
	case 9: rmdir(to); break;
	case 10: rename(from, to); break;
	case 11: close(open(to, O_RDWR | O_CREAT, 0644)); break;
	case 12: mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | (number % 2 ? MS_RDONLY : 0), NULL); break;
	default: if (number % 8 == 0) unshare(CLONE_NEWNS); else read_text("/proc/self/mountinfo");
	}
}

static void race(void *argument)
{
	unsigned state = (unsigned)(long)argument;

	for (int i = 0; i < STEPS; i++) {
		state = state * 1103515245 + 12345;
		random_step(state >> 8);
	}
}

static void race_in_one_namespace(void *argument)
{
	pid_t children[RACERS];
	char name[16];

	leave();
	CHECK_EQ(mount("none", "s", "tmpfs", 0, "size=1m"), 0);
	CHECK_EQ(chdir("s"), 0);
	for (int i = 0; i < PLACES; i++) {
		snprintf(name, sizeof name, "p%d", i);
		CHECK_EQ(mkdir(name, 0755), 0);
	}
	for (long i = 0; i < RACERS; i++)
		children[i] = check_spawn(race, (void *)((long)argument * RACERS + i));
	for (int i = 0; i < RACERS; i++)
		CHECK_EQ(check_wait(children[i]), 0);
}

/* Whatever several processes do to the mounts of one tree, it ends with them. */
static void at_once(void)
{
	const char *seed = getenv("SEED");
	long first = seed ? atol(seed) : (long)getpid() * 7919 % 100003;
	struct leak_mark mark;

	printf("namespaces: SEED=%ld\n", first);
	CHECK_EQ(mkdir("s", 0755), 0);
	for (long i = 0; i < 5; i++) {
		CHECK_EQ(check_child(race_in_one_namespace, (void *)(first + i)), 0);
		if (i == 2)
			leak_mark(&mark);
	}
	leak_check(&mark, "namespaces in a race");
}

/* There is an end to mounts, and it is an error. */
static void many_mounts(void)
{
	int made = 0, error;

	leave_to_trees();
	while (made < MOUNTS_TRIED && !mount("a", "b", NULL, MS_BIND, NULL))
		made++;
	error = errno;
	CHECK(made == MOUNTS_TRIED || (error == ENOSPC && made > 500));
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	while (made-- > 0)
		if (!CHECK_EQ(umount("b"), 0))
			break;
	CHECK_EQ(size_of("b/f"), -1);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(private_mounts), CASE(by_clone), CASE(places_follow), CASE(places_of_others), CASE(places_moved_away),
		CASE(unshare_directories), CASE(unshare_descriptors), CASE(refused_to_users), CASE(removed_under_mounts), CASE(names_in_turn),
		CASE(tables), CASE(nothing_left_behind), CASE(at_once), CASE(many_mounts), { 0 },
	};

	return check_main("namespaces", cases, argc, argv);
}
