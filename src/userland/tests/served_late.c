/* SPDX-License-Identifier: MIT */
/*
 * What comes too late for a file system that is a service: a change that was begun before it became read-only, a commit of an instance that was replaced
 * since; and refusals that would mean something else to who asked. Needs a disk "test0" (ci/tests/test_served.py). Native: on Linux nothing is checked.
 */
#include "served_model.h"
#include "supervisor.h"

#include <fcntl.h>
#include <pthread.h>

enum { BLOCK = 20, PLACES = 200, PAGE = 4096, MUCH_FREE = 4000, LITTLE_FREE = 100 };

static struct fs_map_extents_request asked;	/* by the FS_MAP_EXTENTS that is held */

/* Serves until places of a file's blocks are asked for: that call's token; 0 when @child has ended before, and *@code. */
static uint64_t serve_until_places(pid_t child, int *code)
{
	uint64_t token = serve_until(FS_MAP_EXTENTS, child, code);

	memcpy(&asked, message_buffer(), sizeof asked);
	return token;
}

/* Who looks finds a hole, who allocates gets the blocks from PLACES on. */
static void give_places(uint64_t token)
{
	static struct fs_map_extents_reply reply;
	struct fs_extent extent = { .first = asked.first, .block = asked.allocate ? PLACES + asked.first : 0, .count = (uint32_t)asked.count,
				    .fresh = asked.allocate };

	reply.blocks = asked.allocate ? PAGE / 512 : 0;
	reply.size = PAGE;
	reply.extents_length = sizeof extent;
	memcpy(reply.extents, &extent, sizeof extent);
	answer(token, 0, &reply, offsetof(struct fs_map_extents_reply, extents) + sizeof extent, 0);
}

/* Serves until @child has ended; its exit code. */
static int serve_out(pid_t child)
{
	uint64_t token;
	int code = -1;

	while ((token = serve_until_places(child, &code)))
		give_places(token);
	return code;
}

static void tell_free(uint64_t blocks)
{
	struct fs_commit commit = { .free_blocks = blocks };

	CHECK_EQ(fs_commit(receiver, &commit), 0);
}

/* ---- A change of names ---- */

static void make_file(void *argument)
{
	(void)argument;
	_exit(open("m/file", O_CREAT | O_EXCL | O_WRONLY, 0600) < 0 ? errno : 0);
}

static void write_page(void *argument)
{
	static char page[PAGE];
	int fd = open("m/file", O_WRONLY);

	(void)argument;
	_exit(pwrite(fd, page, PAGE, 0) == PAGE ? 0 : errno);
}

static void make_directory(void *path)
{
	_exit(mkdir(path, 0700) ? errno : 0);
}

static void make_read_only(void *argument)
{
	(void)argument;
	_exit(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL) ? errno : 0);
}

static int is_read_only(void)
{
	FILE *mounts = fopen("/proc/self/mounts", "r");
	char line[512];
	int is = 0;

	while (mounts && fgets(line, sizeof line, mounts))
		is |= strncmp(line, MODEL_PORT " ", strlen(MODEL_PORT " ")) == 0 && strstr(line, " ro") != NULL;
	if (mounts)
		fclose(mounts);
	return is;
}

static void serve_what_waits(void)
{
	struct msg_result got;

	while ((got = msg_recv(receiver, 2 * WAIT_MS, NULL)).header >= 0)
		serve_one(msg_type((msg_header)got.header), got.token);
}

/*
 * Who makes a directory where little is free has what was promised placed first: while that is asked for the file system becomes read-only, so that the
 * directory would be made afterwards.
 */
static void change_comes_too_late(void)
{
	pid_t maker, ender;
	uint64_t token;
	int code = -1;

	start_model();
	CHECK_EQ(serve_out(check_spawn(make_file, NULL)), 0);
	tell_free(MUCH_FREE);
	CHECK_EQ(serve_out(check_spawn(write_page, NULL)), 0);
	tell_free(LITTLE_FREE);
	maker = check_spawn(make_directory, "m/late");
	token = serve_until_places(maker, &code);
	CHECK(token != 0 && asked.allocate);
	ender = check_spawn(make_read_only, NULL);
	while (!is_read_only())
		serve_what_waits();
	give_places(token);
	CHECK_EQ(serve_out(maker), EROFS);
	CHECK_EQ(serve_out(ender), 0);
	CHECK_EQ(model->clean, 1);
	CHECK_EQ(model->asked[FS_MKDIR & 0xffff], 0);
	CHECK(!find_name(MODEL_ROOT, (const uint8_t *)"late", 4));
	stop_model();
}

/* ---- A commit ---- */

static struct fs_base base = { .block = BLOCK };
static struct fs_change change = { .block = BLOCK, .length = 8, .kind = FS_COPY };
static struct fs_commit commit = { .bases = (uint64_t)&base, .changes = (uint64_t)&change, .base_count = 1, .change_count = 1, .free_blocks = UINT64_MAX };
static int old_receiver, result;

/* Its bytes are in a page that is yet to be read. */
static void *commit_of_mapped(void *argument)
{
	int fd = open("m/file", O_RDONLY);
	void *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(fd >= 0 && page != MAP_FAILED);
	change.data = (uint64_t)page;
	result = (int)fs_commit(old_receiver, &commit);
	munmap(page, PAGE);
	close(fd);
	return argument;
}

/* The instance has begun its commit when another takes over: nothing of it happens. */
static void commit_comes_too_late(void)
{
	const struct fs_attributes file = { .mode = S_IFREG | 0644, .size = PAGE };
	static uint8_t bytes[MODEL_BLOCK_SIZE];
	struct fs_attributes made;
	uint64_t token, generation;
	pthread_t thread;
	int code;

	start_model();
	CHECK_EQ(add_node(MODEL_ROOT, (const uint8_t *)"file", 4, file, &made), 0);
	CHECK_EQ(read_model_block(BLOCK, bytes, &base.generation), 0);
	old_receiver = receiver;
	CHECK_EQ(pthread_create(&thread, NULL, commit_of_mapped, NULL), 0);
	CHECK(serve_until_places(0, &code) != 0);
	receiver = (int)port_control(port, PORT_TAKE, 0);
	CHECK(receiver >= 0);
	token = serve_until_places(0, &code);	/* the next instance is asked again */
	give_places(token);
	pthread_join(thread, NULL);
	CHECK_EQ(result, -ESTALE);
	CHECK_EQ(read_model_block(BLOCK, bytes, &generation), 0);
	CHECK(generation == base.generation);
	/* It was late, and else as it should be. */
	change.data = (uint64_t)bytes;
	CHECK_EQ(fs_commit(receiver, &commit), 0);
	stop_model();
}

/* ---- Refusals ---- */

/* They would say that the caller was killed, or should ask again, or that the kernel has no memory. */
static void refusals_that_mean_other_things(void)
{
	static const struct { int said, told; } refusals[] = {
		{ ENOSPC, ENOSPC }, { EINTR, EIO }, { ESTALE, EIO }, { ENOMEM, EIO }, { EAGAIN, EIO }, { 5000, EIO },
	};
	uint64_t token;
	int code;

	start_model();
	for (unsigned i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		pid_t maker = check_spawn(make_directory, "m/refused");

		code = -1;
		token = serve_until(FS_MKDIR, maker, &code);
		CHECK(token != 0);
		answer(token, -refusals[i].said, NULL, 0, 0);
		serve_until(0, maker, &code);
		CHECK_EQ(code, refusals[i].told);
	}
	stop_model();
}

static const struct check_case cases[] = {
	CASE(change_comes_too_late), CASE(commit_comes_too_late), CASE(refusals_that_mean_other_things), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("served_late", supervisor_works() ? cases : supervisor_no_cases, argc, argv);
}
