/* SPDX-License-Identifier: MIT */
/*
 * Answers of a file system's server that are possible each by itself, but not together, and what it says before it is mounted: what the kernel finds where it
 * keeps names and nodes, not where it looks at answers. Needs a disk "test0" (ci/tests/test_served.py). Native: on Linux nothing is checked.
 */
#include "served_model.h"
#include "supervisor.h"

#include <fcntl.h>

static uint64_t node_of(const char *path)
{
	struct stat status = { 0 };

	CHECK_EQ(stat(path, &status), 0);
	return status.st_ino;
}

/* The server says from now on that it has another name, which nobody has asked for yet. */
static void say_name(uint64_t directory, const char *name, uint64_t node)
{
	add_name(directory, (const uint8_t *)name, (unsigned)strlen(name), node);
}

/* A node that is in use is another type of thing, when it is looked up by another name. */
static void look_up_other_types(void *unused)
{
	static const mode_t types[] = { S_IFDIR, S_IFLNK, S_IFIFO, S_IFCHR, S_IFSOCK, S_IFBLK };
	int fd = open("m/file", O_CREAT | O_RDWR, 0640);
	struct stat status;
	uint64_t node;

	(void)unused;
	CHECK(fd >= 0);
	node = node_of("m/file");
	say_name(MODEL_ROOT, "again", node);
	for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++) {
		model->nodes[node].mode = types[i] | 0640;
		CHECK_ERR(lstat("m/again", &status), EUCLEAN);
		CHECK_ERR(open("m/again", O_RDONLY), EUCLEAN);
	}
	model->nodes[node].mode = S_IFREG | 0640;
	CHECK_EQ(stat("m/again", &status), 0);
	CHECK_EQ(status.st_ino, node);
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_mode, S_IFREG | 0640);
	close(fd);
}

/* The same when it is asked for the attributes of one that it has just changed, as it seems. */
static void ask_for_other_types(void *unused)
{
	int fd = open("m/file", O_CREAT | O_RDWR, 0640);
	struct stat status;
	uint64_t node;

	(void)unused;
	CHECK(fd >= 0);
	node = node_of("m/file");
	model->lost = 1;
	CHECK_ERR(link("m/file", "m/other"), EIO);
	model->lost = 0;
	model->nodes[node].mode = S_IFDIR | 0640;
	CHECK_ERR(fstat(fd, &status), EUCLEAN);
	model->nodes[node].mode = S_IFREG | 0640;
	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_mode, S_IFREG | 0640);
	close(fd);
}

static void types_change(void)
{
	start_model();
	CHECK_EQ(served_child(look_up_other_types, NULL), 0);
	stop_model();
	CHECK_EQ(rmdir("m"), 0);
	start_model();
	CHECK_EQ(served_child(ask_for_other_types, NULL), 0);
	stop_model();
}

static void go_round(void *unused)
{
	struct stat status;
	uint64_t outer, inner;

	(void)unused;
	CHECK_EQ(mkdir("m/outer", 0755), 0);
	CHECK_EQ(mkdir("m/outer/middle", 0755), 0);
	CHECK_EQ(mkdir("m/outer/middle/inner", 0755), 0);
	outer = node_of("m/outer");
	inner = node_of("m/outer/middle/inner");
	say_name(inner, "outer", outer);
	say_name(inner, "inner", inner);
	say_name(inner, "root", MODEL_ROOT);
	for (int i = 0; i < 3; i++) {
		CHECK_ERR(stat("m/outer/middle/inner/outer", &status), EUCLEAN);
		CHECK_ERR(stat("m/outer/middle/inner/outer/middle", &status), EUCLEAN);
		CHECK_ERR(stat("m/outer/middle/inner/inner", &status), EIO);
		CHECK_ERR(stat("m/outer/middle/inner/root", &status), EIO);
	}
	CHECK_EQ(stat("m/outer/middle/inner", &status), 0);
	CHECK_EQ(status.st_ino, inner);
	CHECK_EQ(rmdir("m/outer/middle/inner"), 0);
	CHECK_EQ(rmdir("m/outer/middle"), 0);
	CHECK_EQ(rmdir("m/outer"), 0);
}

static void directories_below_themselves(void)
{
	start_model();
	CHECK_EQ(served_child(go_round, NULL), 0);
	stop_model();
}

/* Who speaks another version is not mounted, nor is who says so in more or fewer bytes. */
static void other_versions(void)
{
	static const struct { uint16_t major, length; } wrong[] = { { FS_MAJOR + 1, 4 }, { 0, 4 }, { FS_MAJOR, 0 }, { FS_MAJOR, 3 }, { FS_MAJOR, 5 } };

	make_port();
	for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		version_said = wrong[i].major;
		version_length = wrong[i].length;
		CHECK_EQ(served_child(do_mount, "disk=test0"), EPROTONOSUPPORT);
		CHECK_EQ(model->asked[FS_ROOT & 0xffff], 0);
	}
	version_said = FS_MAJOR;
	version_length = 4;
	CHECK_EQ(served_child(do_mount, "disk=test0"), 0);
	stop_model();
}

static const struct check_case cases[] = { CASE(types_change), CASE(directories_below_themselves), CASE(other_versions), { NULL, NULL } };

int main(int argc, char **argv)
{
	return check_main("served_lies", supervisor_works() ? cases : supervisor_no_cases, argc, argv);
}
