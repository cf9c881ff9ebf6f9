/* SPDX-License-Identifier: MIT */
/* Bind mounts, flags of single mounts, moved and detached trees, new roots: each case in a namespace of its own, as root. */
#include "check.h"
#include "private_mounts.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

enum { USER = 1000 };

static volatile int *phase;	/* shared with children */

static void share_phase(void)
{
	phase = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(phase != MAP_FAILED);
}

/* ---- Binding ---- */

static void bind_directories(void)
{
	struct stat one, two;

	leave_to_trees();
	CHECK_EQ(mount("a", "b", NULL, MS_BIND, NULL), 0);
	CHECK(!stat("a/d/g", &one) && !stat("b/d/g", &two) && one.st_ino == two.st_ino && one.st_dev == two.st_dev);
	check_write_file("b/new", "", 0644);
	CHECK_EQ(access("a/new", F_OK), 0);
	CHECK_ERR(rename("b/new", "a/new2"), EXDEV);
	CHECK_ERR(link("b/new", "a/new2"), EXDEV);
	CHECK_ERR(rmdir("b"), EBUSY);
	CHECK_ERR(rename("b", "c"), EBUSY);
	CHECK_ERR(umount("b/d"), EINVAL);
	CHECK_EQ(chdir("b/d"), 0);
	CHECK_EQ(chdir("../.."), 0);
	CHECK_EQ(access("b/f", F_OK), 0);
	CHECK_ERR(mount("missing", "b", NULL, MS_BIND, NULL), ENOENT);
	CHECK_ERR(mount("", "b", NULL, MS_BIND, NULL), EINVAL);
	CHECK_ERR(mount("a", "missing", NULL, MS_BIND, NULL), ENOENT);
	/* A second one covers the first. */
	CHECK_EQ(mount("a/d", "b", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(size_of("b/g"), 2);
	CHECK_EQ(umount("b"), 0);
	CHECK_EQ(size_of("b/f"), 1);
	CHECK_EQ(umount("b"), 0);
	CHECK_EQ(size_of("b/f"), -1);
}

static void bind_files(void)
{
	leave_to_trees();
	check_write_file("over", "12345", 0644);
	CHECK_ERR(mount("a", "over", NULL, MS_BIND, NULL), ENOTDIR);
	CHECK_ERR(mount("over", "a", NULL, MS_BIND, NULL), ENOTDIR);
	CHECK_EQ(mount("a/f", "over", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(size_of("over"), 1);
	CHECK_ERR(unlink("over"), EBUSY);
	CHECK_ERR(rename("over", "c"), EBUSY);
	check_write_file("over", "xyz", 0644);
	CHECK_EQ(size_of("a/f"), 3);
	CHECK_EQ(umount("over"), 0);
	CHECK_EQ(size_of("over"), 5);
	CHECK_EQ(unlink("over"), 0);
}

static void bind_whole_trees(void)
{
	leave_to_trees();
	CHECK_EQ(mount("none", "a/d", "tmpfs", 0, NULL), 0);
	check_write_file("a/d/g", "three", 0644);
	CHECK_EQ(mkdir("a/d/e", 0755), 0);
	CHECK_EQ(mount("none", "a/d/e", "tmpfs", 0, NULL), 0);
	check_write_file("a/d/e/h", "hhhh", 0644);
	/* Without MS_REC what is mounted below is not there, and what it covers shows. */
	CHECK_EQ(mount("a", "b", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(size_of("b/d/g"), 2);
	CHECK_EQ(umount("b"), 0);
	CHECK_EQ(mount("a", "b", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK_EQ(size_of("b/d/g"), 5);
	CHECK_EQ(size_of("b/d/e/h"), 4);
	CHECK_ERR(umount("b"), EBUSY);
	CHECK_EQ(umount("b/d/e"), 0);
	CHECK_EQ(size_of("b/d/e/h"), -1);
	CHECK_EQ(size_of("a/d/e/h"), 4);
	CHECK_EQ(umount2("b", MNT_DETACH), 0);
	/* Of the tree only what is below the directory. */
	CHECK_EQ(mount("a/d", "b", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK_EQ(size_of("b/e/h"), 4);
	CHECK_EQ(umount2("b", MNT_DETACH), 0);
	CHECK_EQ(mkdir("c", 0755), 0);
	CHECK_EQ(mount("b", "c", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK_EQ(umount("c"), 0);
	/* A tree into itself. */
	CHECK_EQ(mount(".", "b", NULL, MS_BIND | MS_REC, NULL), 0);
	CHECK_EQ(size_of("b/a/d/e/h"), 4);
	CHECK_EQ(access("b/b/a", F_OK), -1);
	CHECK_EQ(umount2("b", MNT_DETACH), 0);
	CHECK_EQ(size_of("a/d/e/h"), 4);
}

/* ---- Flags of one mount ---- */

static void change_nothing(void)
{
	struct timespec times[2] = { { 1, 0 }, { 1, 0 } };

	CHECK_ERR(open("b/f", O_WRONLY), EROFS);
	CHECK_ERR(open("b/f", O_RDWR), EROFS);
	CHECK_ERR(open("b/f", O_RDONLY | O_TRUNC), EROFS);
	CHECK_ERR(open("b/new", O_WRONLY | O_CREAT, 0644), EROFS);
	CHECK_ERR(open("b/new", O_RDONLY | O_CREAT | O_EXCL, 0644), EROFS);
	CHECK_ERR(mkdir("b/new", 0755), EROFS);
	CHECK_ERR(mkdir("b/d", 0755), EEXIST);
	CHECK_ERR(mknod("b/new", S_IFIFO | 0644, 0), EROFS);
	CHECK_ERR(symlink("f", "b/new"), EROFS);
	CHECK_ERR(link("b/f", "b/new"), EROFS);
	CHECK_ERR(unlink("b/f"), EROFS);
	CHECK_ERR(unlink("b/f"), EROFS);
	CHECK_ERR(rmdir("b/d"), EROFS);
	CHECK_ERR(rename("b/f", "b/new"), EROFS);
	CHECK_ERR(chmod("b/f", 0600), EROFS);
	CHECK_ERR(chown("b/f", 1, 1), EROFS);
	CHECK_ERR(truncate("b/f", 0), EROFS);
	CHECK_ERR(utimensat(AT_FDCWD, "b/f", times, 0), EROFS);
	CHECK_ERR(access("b/f", W_OK), EROFS);
	CHECK_ERR(access("b/d", W_OK), EROFS);
	CHECK_EQ(access("b/f", R_OK), 0);
}

static void read_only_binds(void)
{
	struct statfs fs;
	int fd;

	leave_to_trees();
	CHECK_EQ(mount("a", "b", NULL, MS_BIND | MS_RDONLY, NULL), 0);
	check_write_file("b/f", "f", 0644);	/* the flag means something in a remount only */
	fd = open("b/f", O_WRONLY);
	CHECK_ERR(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), EBUSY);
	CHECK_EQ(write(fd, "f", 1), 1);
	close(fd);
	fd = open("a/f", O_RDWR);	/* by the other mount it may stay open */
	CHECK_EQ(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	change_nothing();
	CHECK_EQ(write(fd, "f", 1), 1);
	close(fd);
	CHECK(!statfs("b", &fs) && fs.f_flags & ST_RDONLY);
	CHECK(!statfs("a", &fs) && !(fs.f_flags & ST_RDONLY));
	check_write_file("a/other", "", 0644);
	CHECK_EQ(access("b/other", F_OK), 0);
	CHECK_EQ(unlink("a/other"), 0);
	CHECK_ERR(mount(NULL, "b/d", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), EINVAL);
	/* A copy of it has its flags. */
	CHECK_EQ(mkdir("c", 0755), 0);
	CHECK_EQ(mount("b", "c", NULL, MS_BIND, NULL), 0);
	CHECK_ERR(unlink("c/f"), EROFS);
	CHECK_EQ(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND, NULL), 0);
	CHECK_EQ(unlink("b/f"), 0);
	CHECK_ERR(unlink("c/d/g"), EROFS);
}

static void read_only_file_systems(void)
{
	int fd;

	leave_to_trees();
	CHECK_EQ(mount("none", "b", "tmpfs", 0, NULL), 0);
	CHECK_EQ(mkdir("c", 0755), 0);
	CHECK_EQ(mount("b", "c", NULL, MS_BIND, NULL), 0);
	fd = open("c/f", O_RDWR | O_CREAT, 0644);
	CHECK_ERR(mount(NULL, "b", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
	close(fd);
	/* Without MS_BIND the file system itself, by whichever mount. */
	CHECK_EQ(mount(NULL, "b", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	CHECK_ERR(open("b/f", O_RDWR), EROFS);
	CHECK_ERR(open("c/f", O_RDWR), EROFS);
	CHECK_ERR(unlink("c/f"), EROFS);
	CHECK_EQ(mount(NULL, "b", NULL, MS_REMOUNT, NULL), 0);
	CHECK_EQ(unlink("c/f"), 0);
	check_write_file("b/f", "", 0644);
}

static void run_euid(const char *program, int want)
{
	pid_t child = fork();

	if (!child) {
		CHECK_EQ(setresuid(USER, USER, USER), 0);
		execl(program, program, "--euid", NULL);
		_exit(errno);
	}
	CHECK_EQ(check_wait(child), want);
}

static void copy_program(const char *to)
{
	char buffer[4096];
	int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0755);
	ssize_t len;

	while ((len = read(in, buffer, sizeof buffer)) > 0)
		CHECK_EQ(write(out, buffer, len), len);
	close(in);
	CHECK_EQ(fchmod(out, 04755), 0);
	close(out);
}

static void set_id_programs_and_execution(void)
{
	void *memory;
	int fd;

	leave_to_trees();
	CHECK_EQ(mount("a", "b", NULL, MS_BIND, NULL), 0);
	copy_program("a/p");
	run_euid("b/p", 0);
	CHECK_EQ(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL), 0);
	run_euid("b/p", 200);
	run_euid("a/p", 0);
	CHECK_EQ(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC, NULL), 0);
	run_euid("b/p", EACCES);
	CHECK_ERR(access("b/p", X_OK), EACCES);
	fd = open("b/p", O_RDONLY);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == EPERM);
	memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(memory != MAP_FAILED);
	CHECK_ERR(mprotect(memory, 4096, PROT_READ | PROT_EXEC), EACCES);
	close(fd);
	run_euid("a/p", 0);
}

static void devices(void)
{
	int fd;

	leave_to_trees();
	CHECK_EQ(mknod("a/null", S_IFCHR | 0666, makedev(1, 3)), 0);
	CHECK_EQ(mount("a", "b", NULL, MS_BIND, NULL), 0);
	CHECK((fd = open("b/null", O_RDWR)) >= 0);
	close(fd);
	CHECK_EQ(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_NODEV, NULL), 0);
	CHECK_ERR(open("b/null", O_RDWR), EACCES);
	CHECK((fd = open("a/null", O_RDWR)) >= 0);
	close(fd);
	/* A read-only mount does not keep devices from being written to. */
	CHECK_EQ(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	CHECK((fd = open("b/null", O_RDWR)) >= 0);
	CHECK_EQ(write(fd, "x", 1), 1);
	close(fd);
}

/* ---- Moving, detaching, new roots ---- */

static void moving(void)
{
	leave_to_trees();
	CHECK_EQ(mount("none", "b", "tmpfs", 0, NULL), 0);
	CHECK_EQ(mkdir("b/in", 0755), 0);
	CHECK_EQ(mount("a", "b/in", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(mkdir("c", 0755), 0);
	CHECK_ERR(mount("a", "c", NULL, MS_MOVE, NULL), EINVAL);
	CHECK_ERR(mount("b", "b/in/d", NULL, MS_MOVE, NULL), ELOOP);
	CHECK_ERR(mount("b", "a/f", NULL, MS_MOVE, NULL), EINVAL);
	CHECK_ERR(mount("", "c", NULL, MS_MOVE, NULL), EINVAL);
	CHECK_EQ(mount("b", "c", NULL, MS_MOVE, NULL), 0);
	CHECK_EQ(access("b/in", F_OK), -1);
	CHECK_EQ(size_of("c/in/f"), 1);
	CHECK_EQ(rmdir("b"), 0);
	CHECK_ERR(rmdir("c"), EBUSY);
	CHECK_EQ(chdir("c/in/d"), 0);
	CHECK_EQ(chdir("../../.."), 0);
	CHECK_EQ(umount2("c", MNT_DETACH), 0);
	CHECK_EQ(rmdir("c"), 0);
}

static void detaching(void)
{
	int directory, file;
	char byte;

	leave_to_trees();
	CHECK_EQ(mount("none", "b", "tmpfs", 0, NULL), 0);
	CHECK_EQ(mkdir("b/in", 0755), 0);
	CHECK_EQ(mount("none", "b/in", "tmpfs", 0, NULL), 0);
	check_write_file("b/f", "f", 0644);
	check_write_file("b/in/f", "f", 0644);
	directory = open("b", O_RDONLY | O_DIRECTORY);
	file = open("b/in/f", O_RDWR);
	CHECK_ERR(umount("b"), EBUSY);
	CHECK_ERR(umount("b/in"), EBUSY);
	CHECK_EQ(umount2("b", MNT_DETACH), 0);
	CHECK_EQ(size_of("b/f"), -1);
	CHECK_EQ(pread(file, &byte, 1, 0), 1);
	CHECK_EQ(pwrite(file, "ff", 2, 0), 2);
	CHECK_EQ(faccessat(directory, "f", F_OK, 0), 0);
	CHECK_EQ(faccessat(directory, "in/f", F_OK, 0), -1);
	CHECK_EQ(fchdir(directory), 0);
	CHECK_ERR(mount("none", "in", "tmpfs", 0, NULL), EINVAL);
	CHECK_EQ(faccessat(AT_FDCWD, "../f", F_OK, 0), 0);
}

/* What is moved out of a bound directory does not take anybody along. */
static void moved_out(void)
{
	int directory;

	leave_to_trees();
	CHECK_EQ(mkdir("a/d/e", 0755), 0);
	CHECK_EQ(mount("a", "b", NULL, MS_BIND, NULL), 0);
	CHECK_EQ(chdir("b/d/e"), 0);
	directory = open("..", O_RDONLY | O_DIRECTORY);
	CHECK_EQ(faccessat(directory, "../f", F_OK, 0), 0);
	CHECK_EQ(rename("../../../a/d", "../../../out"), 0);
	CHECK_ERR(faccessat(directory, "..", F_OK, 0), ENOENT);
	CHECK_ERR(faccessat(directory, "../f", F_OK, 0), ENOENT);
	CHECK_ERR(faccessat(directory, "../out", F_OK, 0), ENOENT);
	CHECK_EQ(faccessat(directory, "g", F_OK, 0), 0);
	CHECK_ERR(chdir("../.."), ENOENT);
	CHECK_EQ(chdir("/"), 0);
}

static void propagation(void)
{
	leave_to_trees();
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL), 0);	/* of nobody */
	CHECK_ERR(mount(NULL, "a", NULL, MS_PRIVATE, NULL), EINVAL);
	CHECK_ERR(mount(NULL, "/", NULL, MS_PRIVATE | MS_SHARED, NULL), EINVAL);
}

/* Root is a small file system with another one at /new, which has a directory old. */
static void stand_in_new_root(void)
{
	leave();
	tmpfs_at("r");
	check_write_file("r/outside", "", 0644);
	tmpfs_at("r/new");
	check_write_file("r/new/inside", "", 0644);
	CHECK_EQ(mkdir("r/new/old", 0755), 0);
	CHECK_EQ(mkdir("r/plain", 0755), 0);
	CHECK_EQ(chroot("r"), 0);
	CHECK_EQ(chdir("/"), 0);
}

static void new_root(void)
{
	stand_in_new_root();
	CHECK_ERR(syscall(SYS_pivot_root, "/missing", "/new/old"), ENOENT);
	CHECK_ERR(syscall(SYS_pivot_root, "/new", "/new/inside"), ENOTDIR);
	CHECK_ERR(syscall(SYS_pivot_root, "/plain", "/plain"), EBUSY);
	CHECK_ERR(syscall(SYS_pivot_root, "/", "/new/old"), EBUSY);
	CHECK_ERR(syscall(SYS_pivot_root, "/new", "/plain"), EBUSY);
	CHECK_ERR(syscall(SYS_pivot_root, "/new/old", "/new/old"), EINVAL);
	CHECK_EQ(syscall(SYS_pivot_root, "/new", "/new/old"), 0);
	CHECK_EQ(access("/inside", F_OK), 0);
	CHECK_EQ(access("/old/outside", F_OK), 0);
	/* The working directory was the old root, and so is the new one now. */
	CHECK_EQ(access("inside", F_OK), 0);
	CHECK_EQ(access("../inside", F_OK), 0);
	CHECK_EQ(chdir("/old"), 0);
	CHECK_EQ(access("../inside", F_OK), 0);
	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(umount2("/old", MNT_DETACH), 0);
	CHECK_EQ(access("/old/outside", F_OK), -1);
	CHECK_EQ(access("/../../old", F_OK), 0);
	CHECK_EQ(rmdir("/old"), 0);
}

/* Without a directory for the old root: it covers the new one until it is taken away. */
static void new_root_in_place(void)
{
	stand_in_new_root();
	CHECK_EQ(chdir("/new"), 0);
	CHECK_EQ(syscall(SYS_pivot_root, ".", "."), 0);
	CHECK_EQ(umount2(".", MNT_DETACH), 0);
	CHECK_EQ(access("/inside", F_OK), 0);
	CHECK_EQ(access("/outside", F_OK), -1);
	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(access("inside", F_OK), 0);
}

static void stay_in_root(void *argument)
{
	(void)argument;
	phase[0] = 1;
	CHECK(check_await(&phase[1], 10000));
	CHECK_EQ(access("/inside", F_OK), 0);
	CHECK_EQ(access("inside", F_OK), 0);
}

static void new_root_for_all(void)
{
	pid_t child;

	share_phase();
	stand_in_new_root();
	child = check_spawn(stay_in_root, NULL);
	CHECK(check_await(&phase[0], 10000));
	CHECK_EQ(syscall(SYS_pivot_root, "/new", "/new/old"), 0);
	phase[1] = 1;
	CHECK_EQ(check_wait(child), 0);
}

static void changed_roots(void)
{
	leave_to_trees();
	CHECK_EQ(mkdir("a/jail", 0755), 0);
	CHECK_EQ(chroot("a"), 0);
	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(size_of("/f"), 1);
	CHECK_EQ(size_of("../../f"), 1);
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(size_of("/../f"), 1);
	CHECK_EQ(size_of("d/../../f"), 1);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(bind_directories), CASE(bind_files), CASE(bind_whole_trees), CASE(read_only_binds), CASE(read_only_file_systems),
		CASE(set_id_programs_and_execution), CASE(devices), CASE(moving), CASE(detaching), CASE(moved_out), CASE(propagation), CASE(new_root),
		CASE(new_root_in_place), CASE(new_root_for_all), CASE(changed_roots), { 0 },
	};

	if (argc == 2 && !strcmp(argv[1], "--euid"))
		return geteuid() ? 200 : 0;
	return check_main("mounts", cases, argc, argv);
}
