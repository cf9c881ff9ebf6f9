/* SPDX-License-Identifier: MIT */
/* What the tests of mounts have in common: a namespace of their own, with two small trees. Linked to none: each program has its copy. */
#ifndef PRIVATE_MOUNTS_H
#define PRIVATE_MOUNTS_H

#include "check.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static inline void leave(void)
{
	CHECK_EQ(unshare(CLONE_NEWNS), 0);
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

static inline void tmpfs_at(const char *path)
{
	CHECK_EQ(mkdir(path, 0755), 0);
	CHECK_EQ(mount("none", path, "tmpfs", 0, "mode=755"), 0);
}

/* A namespace of its own with two small trees: a (with files f and d/g) and an empty directory b. */
static inline void leave_to_trees(void)
{
	leave();
	tmpfs_at("w");
	CHECK_EQ(chdir("w"), 0);
	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(mkdir("a/d", 0755), 0);
	CHECK_EQ(mkdir("b", 0755), 0);
	check_write_file("a/f", "f", 0644);
	check_write_file("a/d/g", "gg", 0644);
}

static inline long size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : (long)st.st_size;
}

#endif
