/* SPDX-License-Identifier: MIT */
/*
 * What a file system's server may and may not do: the system calls of <raeen/fs.h>, misused in every way, and when instances, callers and mounts come to
 * an end in the middle. Needs a disk "test0" (ci/tests/test_served.py). Native: on Linux nothing is checked.
 */
#include "served_model.h"
#include "supervisor.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/statfs.h>

static void *const bad_pointers[] = { NULL, (void *)8, (void *)0x7ffffffff000, (void *)0xffff800000000000, (void *)-4096 };
enum { BAD_POINTERS = sizeof bad_pointers / sizeof bad_pointers[0] };

/* All five calls with @fd give @error. */
static void refused(int fd, int error)
{
	struct fs_disk_info info;
	struct fs_commit commit = { 0 };
	struct fs_block block = { 0 };
	char bytes[512];

	CHECK_EQ(fs_disk(fd, &info), error);
	CHECK_EQ(fs_disk_read(fd, 0, bytes, sizeof bytes), error);
	CHECK_EQ(fs_set_blocks(fd, 1024, 10), error);
	CHECK_EQ(fs_block_read(fd, 0, &block), error);
	CHECK_EQ(fs_commit(fd, &commit), error);
}

static void wrong_handles(void)
{
	int pipes[2], send, unmounted;

	start_model();
	CHECK_EQ(pipe(pipes), 0);
	send = (int)handle_dup(port, PORT_SEND, 0);
	CHECK(send >= 0);
	unmounted = (int)port_create(NULL, 0);
	refused(-1, -EBADF);
	refused(1 << 20, -EBADF);
	refused(pipes[0], -EBADF);
	refused(open(".", O_RDONLY), -EBADF);
	refused(open(".", O_PATH), -EBADF);
	refused(send, -EBADF);
	refused(unmounted, -ENOTCONN);
	stop_model();
}

/* ---- Before there are blocks ---- */

static void look_at_nothing_yet(void)
{
	struct fs_disk_info info;
	struct fs_commit commit = { 0 };
	struct fs_block block = { 0 };
	static char some[4096], all[4096];

	for (int i = 0; i < BAD_POINTERS; i++)
		CHECK_EQ(fs_disk(receiver, bad_pointers[i]), -EFAULT);
	CHECK_EQ(fs_disk(receiver, &info), 0);
	CHECK(info.size && info.sector_size && !info.blocks && !info.block_size && !info.group && !info.started);
	disk_blocks = info.size / MODEL_BLOCK_SIZE;
	CHECK_EQ(fs_block_read(receiver, 0, &block), -EINVAL);
	CHECK_EQ(fs_commit(receiver, &commit), -EINVAL);

	CHECK_EQ(fs_disk_read(receiver, info.size, some, 1), -EINVAL);
	CHECK_EQ(fs_disk_read(receiver, info.size - 511, some, 512), -EINVAL);
	CHECK_EQ(fs_disk_read(receiver, (uint64_t)-1, some, 1), -EINVAL);
	CHECK_EQ(fs_disk_read(receiver, (uint64_t)-512, some, 1024), -EINVAL);
	CHECK_EQ(fs_disk_read(receiver, 0, some, 4097), -EINVAL);
	CHECK_EQ(fs_disk_read(receiver, 0, some, SIZE_MAX), -EINVAL);
	CHECK_EQ(fs_disk_read(receiver, 0, some, 0), 0);
	for (int i = 0; i < BAD_POINTERS; i++)
		CHECK_EQ(fs_disk_read(receiver, 512, bad_pointers[i], 512), -EFAULT);
	CHECK_EQ(fs_disk_read(receiver, 0, all, sizeof all), 0);
	for (unsigned at = 1; at < 4000; at += 501) {
		memset(some, 0xee, sizeof some);
		CHECK_EQ(fs_disk_read(receiver, at, some, 77), 0);
		CHECK(memcmp(some, all + at, 77) == 0 && (uint8_t)some[77] == 0xee);
	}
}

static void set_wrong_blocks(void)
{
	static const unsigned sizes[] = { 0, 1, 512, 1000, 3072, 8192, 1u << 31, ~0u };
	struct fs_disk_info info;

	look_at_nothing_yet();
	for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		CHECK_EQ(fs_set_blocks(receiver, sizes[i], 4), -EINVAL);
	CHECK_EQ(fs_set_blocks(receiver, 1024, 0), -EINVAL);
	CHECK_EQ(fs_set_blocks(receiver, 1024, disk_blocks + 1), -EINVAL);
	CHECK_EQ(fs_set_blocks(receiver, 4096, disk_blocks), -EINVAL);
	CHECK_EQ(fs_set_blocks(receiver, 1024, UINT64_MAX), -EINVAL);
	CHECK_EQ(fs_set_blocks(receiver, 4096, 1ull << 52), -EINVAL);
	tell_blocks();
	tell_blocks();
	CHECK_EQ(fs_set_blocks(receiver, 1024, disk_blocks - 1), -EBUSY);
	CHECK_EQ(fs_set_blocks(receiver, 2048, disk_blocks / 2), -EBUSY);
	CHECK_EQ(fs_disk(receiver, &info), 0);
	CHECK(info.blocks == disk_blocks && info.block_size == 1024 && info.group && !info.started);
}

static void blocks_are_told_once(void)
{
	struct fs_disk_info info;

	while_mounting = set_wrong_blocks;
	start_model();
	CHECK_EQ(fs_disk(receiver, &info), 0);
	CHECK_EQ(info.started, 1);
	tell_blocks();
	CHECK_EQ(fs_set_blocks(receiver, 1024, disk_blocks - 1), -EBUSY);
	stop_model();
}

static void tell_nothing(void)
{
}

/* Who has told of no blocks when it was mounted has none. */
static void blocks_come_too_late(void)
{
	struct fs_block block = { 0 };

	while_mounting = tell_nothing;
	make_port();
	CHECK_EQ(served_child(do_mount, "disk=test0,ro"), 0);
	CHECK_EQ(fs_set_blocks(receiver, 1024, 10), -EBUSY);
	CHECK_EQ(fs_block_read(receiver, 0, &block), -EINVAL);
	CHECK_EQ(model->asked[FS_START & 0xffff], 0);
	CHECK_EQ(served_child(do_unmount, NULL), 0);
	CHECK_EQ(model->asked[FS_SYNC & 0xffff], 0);
	refused(receiver, -ENOTCONN);
}

/* ---- Reading blocks ---- */

static void reads_of_blocks(void)
{
	static uint8_t data[MODEL_BLOCK_SIZE], early[MODEL_BLOCK_SIZE];
	const uint64_t number = 9;
	struct fs_block block = { 0 };
	uint64_t generation;

	start_model();
	CHECK_EQ(fs_block_read(receiver, number, &block), 0);
	CHECK(!block.generation && block.group && !block.has_early);
	for (int i = 0; i < BAD_POINTERS; i++) {
		CHECK_EQ(fs_block_read(receiver, number, bad_pointers[i]), -EFAULT);
		block = (struct fs_block){ .data = (uint64_t)bad_pointers[i] };
		CHECK_EQ(fs_block_read(receiver, number, &block), bad_pointers[i] ? -EFAULT : 0);
	}
	block = (struct fs_block){ .early = (uint64_t)early };
	CHECK_EQ(fs_block_read(receiver, number, &block), -EINVAL);
	block = (struct fs_block){ .data = (uint64_t)data, .early = (uint64_t)early };
	CHECK_EQ(fs_block_read(receiver, disk_blocks, &block), -EINVAL);
	CHECK_EQ(fs_block_read(receiver, UINT64_MAX, &block), -EINVAL);
	CHECK_EQ(fs_block_read(receiver, disk_blocks - 1, &block), 0);
	CHECK_EQ(fs_block_read(receiver, number, &block), 0);
	CHECK(block.generation && !block.has_early);
	generation = block.generation;
	block = (struct fs_block){ 0 };
	CHECK_EQ(fs_block_read(receiver, number, &block), 0);
	CHECK(block.generation == generation);
	stop_model();
}

/* What a late change hides is the early image, as long as the group is open. */
static void early_images(void)
{
	static uint8_t data[MODEL_BLOCK_SIZE], early[MODEL_BLOCK_SIZE];
	uint64_t late = 0x1122334455667788, after = 0;
	struct fs_base base = { .block = 12 };
	struct fs_change change = { .block = 12, .data = (uint64_t)&late, .length = 8, .kind = FS_COPY, .flags = FS_LATE };
	struct fs_commit commit = { .bases = (uint64_t)&base, .changes = (uint64_t)&change, .generations = (uint64_t)&after, .base_count = 1,
				    .change_count = 1, .free_blocks = UINT64_MAX };
	struct fs_block block = { .data = (uint64_t)data, .early = (uint64_t)early };

	start_model();
	memset(early, 0xee, sizeof early);
	CHECK_EQ(fs_block_read(receiver, 12, &block), 0);
	CHECK(early[0] == 0xee);
	base.generation = block.generation;
	CHECK_EQ(fs_commit(receiver, &commit), 0);
	CHECK_EQ(fs_block_read(receiver, 12, &block), 0);
	CHECK(block.has_early == 1 && block.generation == after && after != base.generation && block.group == commit.open_group);
	CHECK(memcmp(data, &late, 8) == 0 && memcmp(early, &late, 8) != 0);
	/* Another group begins; who relied on the last one hears of it. */
	base.generation = after;
	commit.group = commit.open_group;
	commit.flags = FS_BOUNDARY_AFTER;
	change.flags = 0;
	CHECK_EQ(fs_commit(receiver, &commit), 0);
	base.generation = after;
	CHECK_EQ(fs_commit(receiver, &commit), -ESTALE);
	CHECK_EQ(fs_block_read(receiver, 12, &block), 0);
	CHECK(block.has_early == 0 && block.group != commit.group);
	stop_model();
}

/* ---- Commits that are refused ---- */

enum { BLOCK = 20 };
static uint64_t value, generations[FS_COMMIT_BASES_MAX];
static struct fs_base bases[FS_COMMIT_BASES_MAX + 1];
static struct fs_change changes[FS_COMMIT_CHANGES_MAX + 1];
static char answer_bytes[MSG_PAYLOAD_MAX];

/* One that would do. */
static struct fs_commit good_commit(void)
{
	struct fs_block block = { .data = (uint64_t)answer_bytes };

	CHECK_EQ(fs_block_read(receiver, BLOCK, &block), 0);
	value = 0xabcdef;
	bases[0] = (struct fs_base){ BLOCK, block.generation };
	changes[0] = (struct fs_change){ .block = BLOCK, .data = (uint64_t)&value, .length = 8, .kind = FS_COPY };
	return (struct fs_commit){ .bases = (uint64_t)bases, .changes = (uint64_t)changes, .generations = (uint64_t)generations, .base_count = 1,
				   .change_count = 1, .free_blocks = UINT64_MAX };
}

/* Is refused with @error, and leaves block and generation as they were. */
static void refuses(struct fs_commit commit, int error)
{
	static uint64_t before[MODEL_BLOCK_SIZE / 8], now[MODEL_BLOCK_SIZE / 8];
	uint64_t generation, same;

	CHECK_EQ(read_model_block(BLOCK, before, &generation), 0);
	CHECK_EQ(fs_commit(receiver, &commit), error);
	CHECK_EQ(read_model_block(BLOCK, now, &same), 0);
	CHECK(memcmp(before, now, sizeof now) == 0 && same == generation);
}

#define WRONG(member, wrong, error) \
	do { \
		struct fs_commit commit_ = good_commit(); \
		commit_.member = (wrong); \
		refuses(commit_, error); \
	} while (0)
#define WRONG_CHANGE(member, wrong) \
	do { \
		struct fs_commit commit_ = good_commit(); \
		changes[0].member = (wrong); \
		refuses(commit_, -EINVAL); \
	} while (0)

static void wrong_numbers(void)
{
	WRONG(base_count, FS_COMMIT_BASES_MAX + 1, -EINVAL);
	WRONG(base_count, UINT32_MAX, -EINVAL);
	WRONG(base_count, 0, -EINVAL);
	WRONG(change_count, FS_COMMIT_CHANGES_MAX + 1, -EINVAL);
	WRONG(change_count, UINT32_MAX, -EINVAL);
	WRONG(flags, 8, -EINVAL);
	WRONG(flags, 1u << 31, -EINVAL);
	WRONG(flags, FS_FINAL, -EINVAL);
	WRONG(answer_length, 1, -EINVAL);
	WRONG(answer_length, UINT32_MAX, -EINVAL);
	WRONG(group, 1, -ESTALE);
	WRONG_CHANGE(length, 0);
	WRONG_CHANGE(length, 1025);
	WRONG_CHANGE(length, 4097);
	WRONG_CHANGE(length, UINT32_MAX);
	WRONG_CHANGE(offset, 1024 - 7);
	WRONG_CHANGE(offset, UINT32_MAX - 3);
	WRONG_CHANGE(block, BLOCK + 1);
	WRONG_CHANGE(block, UINT64_MAX);
	WRONG_CHANGE(kind, FS_NEW_DATA + 1);
	WRONG_CHANGE(kind, 255);
	WRONG_CHANGE(flags, 8);
	WRONG_CHANGE(reserved[5], 1);
	WRONG_CHANGE(reserved[0], 255);
}

static void wrong_bases(void)
{
	struct fs_commit commit = good_commit();

	bases[0].generation++;
	refuses(commit, -ESTALE);
	bases[0].generation = 0;
	refuses(commit, -ESTALE);
	commit = good_commit();
	bases[1] = bases[0];
	commit.base_count = 2;
	refuses(commit, -EINVAL);
	bases[1].block = disk_blocks;
	refuses(commit, -EINVAL);
}

static void wrong_pointers(void)
{
	struct fs_commit *unwritable = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < BAD_POINTERS; i++) {
		WRONG(bases, (uint64_t)bad_pointers[i], -EFAULT);
		WRONG(changes, (uint64_t)bad_pointers[i], -EFAULT);
		if (bad_pointers[i])
			WRONG(generations, (uint64_t)bad_pointers[i], -EFAULT);
		{
			struct fs_commit commit = good_commit();

			changes[0].data = (uint64_t)bad_pointers[i];
			refuses(commit, -EFAULT);
		}
		CHECK_EQ(fs_commit(receiver, bad_pointers[i]), -EFAULT);
	}
	*unwritable = good_commit();
	mprotect(unwritable, 4096, PROT_READ);
	CHECK_EQ(fs_commit(receiver, unwritable), -EFAULT);
	refuses((struct fs_commit){ 0 }, 0);
	WRONG(generations, (uint64_t)unwritable, -EFAULT);
}

/* As many bytes as there may be, and one more. */
static void many_bytes(void)
{
	static char data[MODEL_BLOCK_SIZE], back[MODEL_BLOCK_SIZE];
	struct fs_commit commit = good_commit();
	uint64_t generation;

	for (unsigned i = 0; i < FS_COMMIT_BASES_MAX; i++) {
		CHECK_EQ(read_model_block(BLOCK + i, back, &bases[i].generation), 0);
		bases[i].block = BLOCK + i;
	}
	for (unsigned i = 0; i < FS_COMMIT_CHANGES_MAX; i++)
		changes[i] = (struct fs_change){ .block = BLOCK + i % FS_COMMIT_BASES_MAX, .data = (uint64_t)data, .length = 1000, .kind = FS_COPY };
	memset(data, 0x55, sizeof data);
	commit.base_count = FS_COMMIT_BASES_MAX;
	commit.change_count = FS_COMMIT_CHANGES_MAX;
	for (unsigned i = 0; i < FS_COMMIT_CHANGES_MAX; i++)
		changes[i].length = 4096;
	refuses(commit, -EINVAL);
	for (unsigned i = 0; i < FS_COMMIT_CHANGES_MAX; i++)
		changes[i].length = 1000 + i % 25;
	CHECK_EQ(fs_commit(receiver, &commit), 0);
	for (unsigned i = 0; i < FS_COMMIT_BASES_MAX; i++) {
		CHECK_EQ(read_model_block(BLOCK + i, back, &generation), 0);
		CHECK(generation == generations[i] && generation != bases[i].generation && memcmp(back, data, 1000) == 0);
	}
}

static void commits_are_looked_at(void)
{
	static char back[MODEL_BLOCK_SIZE];
	struct fs_commit commit;
	uint64_t generation;

	start_model();
	commit = good_commit();
	CHECK_EQ(fs_commit(receiver, &commit), 0);	/* the good one is good */
	CHECK_EQ(read_model_block(BLOCK, back, &generation), 0);
	CHECK(memcmp(back, &value, 8) == 0 && generation == generations[0] && commit.open_group);
	wrong_numbers();
	wrong_bases();
	wrong_pointers();
	many_bytes();
	stop_model();
}

/* ---- Which call is answered ---- */

static void make_directory(void *argument)
{
	_exit(mkdir(argument, 0700) ? errno : 0);
}

static void call_as_program(void *argument)
{
	int to = (int)port_open(MODEL_PORT, PORT_SEND);
	struct msg_result result;

	(void)argument;
	CHECK(message_buffer() != NULL);
	result = msg_call(to, msg_header_make(7, 0, 0, 0), MSG_WAIT, NULL);
	_exit(result.header == 5 ? 0 : 1);
}

static void foreign_tokens(void)
{
	struct fs_commit commit;
	uint64_t token, old;
	pid_t child;
	int code = -1;

	start_model();
	/* A program's call is not the kernel's. */
	child = check_spawn(call_as_program, NULL);
	token = serve_until(7, child, &code);
	WRONG(token, token, -ENOENT);
	commit = good_commit();
	commit.token = token;
	commit.flags = FS_FINAL;
	refuses(commit, -ENOENT);
	CHECK_EQ(msg_reply(receiver, msg_header_make(5, 0, 0, 0), token, NULL), 0);
	CHECK_EQ(check_wait(child), 0);

	child = check_spawn(make_directory, "m/one");
	old = serve_until(FS_MKDIR, child, &code);
	WRONG(token, old + 1, -ENOENT);
	WRONG(token, 1, -ENOENT);
	WRONG(token, UINT64_MAX, -ENOENT);
	commit = good_commit();
	commit.token = old;
	commit.flags = FS_FINAL;
	commit.answer_length = MSG_PAYLOAD_MAX + 1;
	refuses(commit, -EINVAL);
	for (int i = 0; i < BAD_POINTERS; i++) {
		commit.answer_length = 8;
		commit.answer = (uint64_t)bad_pointers[i];
		refuses(commit, -EFAULT);
	}
	/* Without FS_FINAL it only has to be there. */
	commit = good_commit();
	commit.token = old;
	CHECK_EQ(fs_commit(receiver, &commit), 0);
	/* An answer that is none is EIO for who asked, and the call is over. */
	commit = good_commit();
	commit.token = old;
	commit.flags = FS_FINAL;
	commit.answer = (uint64_t)answer_bytes;
	commit.answer_length = MSG_PAYLOAD_MAX;
	CHECK_EQ(fs_commit(receiver, &commit), 0);
	CHECK_EQ(check_wait(child), EIO);
	commit = good_commit();
	commit.token = old;
	commit.flags = FS_FINAL;
	refuses(commit, -ENOENT);
	stop_model();
}

/* Who is killed while he waits gets no change done. */
static void caller_gives_up(void)
{
	struct fs_commit commit;
	uint64_t token;
	pid_t child;
	int code = -1;

	start_model();
	child = check_spawn(make_directory, "m/one");
	token = serve_until(FS_MKDIR, child, &code);
	kill(child, SIGKILL);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
	commit = good_commit();
	commit.token = token;
	commit.flags = FS_FINAL;
	refuses(commit, -ENOENT);
	stop_model();
}

/* ---- Instances ---- */

static void take_over(void)
{
	int before = receiver;

	receiver = (int)port_control(port, PORT_TAKE, 0);
	CHECK(receiver >= 0);
	refused(before, -ESTALE);
	if (before != port)
		close(before);
}

static void another_instance(void)
{
	struct fs_commit commit;
	struct fs_disk_info info;
	uint64_t token, changes_before;
	int code = -1, before;
	pid_t child;

	start_model();
	child = check_spawn(make_directory, "m/one");
	token = serve_until(FS_MKDIR, child, &code);
	commit = good_commit();
	commit.token = token;
	commit.flags = FS_FINAL;
	before = receiver;
	take_over();
	CHECK_EQ(fs_commit(before, &commit), -ESTALE);
	CHECK_EQ(fs_disk(receiver, &info), 0);
	CHECK(info.started == 1 && info.blocks == disk_blocks && info.block_size == MODEL_BLOCK_SIZE);
	refuses(commit, -ENOENT);	/* the old token is nobody's */
	/* The request comes again, and is done once. */
	changes_before = model->changes;
	CHECK_EQ(serve_until(0, child, &code), 0);
	CHECK_EQ(code, 0);
	CHECK_EQ(model->changes, changes_before + 1);
	stop_model();
}

static atomic_int stop_committing, commits_done;
static int old_receiver;

static void *commit_always(void *argument)
{
	static uint8_t bytes[MODEL_BLOCK_SIZE];

	(void)argument;
	while (!stop_committing) {
		struct fs_block block = { .data = (uint64_t)bytes };
		struct fs_base base = { .block = MODEL_BLOCK + 1 };
		uint64_t count = (uint64_t)++commits_done;
		struct fs_change change = { .block = MODEL_BLOCK + 1, .data = (uint64_t)&count, .length = 8, .kind = FS_COPY };
		struct fs_commit commit = { .bases = (uint64_t)&base, .changes = (uint64_t)&change, .base_count = 1, .change_count = 1 };

		if (fs_block_read(old_receiver, MODEL_BLOCK + 1, &block))
			continue;
		base.generation = block.generation;
		fs_commit(old_receiver, &commit);
	}
	return NULL;
}

/* From the instant at which another takes over nothing changes by who was there before, not even what was under way. */
static void takeover_among_commits(void)
{
	static uint8_t bytes[MODEL_BLOCK_SIZE];

	start_model();
	for (int round = 0; round < 20; round++) {
		uint64_t first, second;
		pthread_t thread;

		old_receiver = receiver;
		stop_committing = commits_done = 0;
		pthread_create(&thread, NULL, commit_always, NULL);
		while (commits_done < 20)
			usleep(100);
		receiver = (int)port_control(port, PORT_TAKE, 0);
		CHECK_EQ(read_model_block(MODEL_BLOCK + 1, bytes, &first), 0);
		usleep(2000);
		CHECK_EQ(read_model_block(MODEL_BLOCK + 1, bytes, &second), 0);
		CHECK(first == second);
		stop_committing = 1;
		pthread_join(thread, NULL);
		if (old_receiver != port)
			close(old_receiver);
	}
	stop_model();
}

/* ---- Mounts ---- */

/* The server's calls are under way when the file system goes. */
static void calls_while_unmounting(void)
{
	pthread_t threads[2];

	start_model();
	for (int round = 0; round < 10; round++) {
		old_receiver = receiver;
		stop_committing = commits_done = 0;
		for (int i = 0; i < 2; i++)
			pthread_create(&threads[i], NULL, commit_always, NULL);
		while (commits_done < 20)
			usleep(100);
		CHECK_EQ(served_child(do_unmount, NULL), 0);
		refused(receiver, -ENOTCONN);
		CHECK_EQ(served_child(do_mount, "disk=test0"), 0);
		stop_committing = 1;
		for (int i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
	}
	stop_model();
}

/* What is left of an unmount is done. */
static void serve_the_end(void)
{
	struct fs_disk_info info;

	while (fs_disk(receiver, &info) != -ENOTCONN) {
		struct msg_result got = msg_recv(receiver, 2 * WAIT_MS, NULL);

		if (got.header >= 0)
			serve_one(msg_type((msg_header)got.header), got.token);
	}
}

/* Who unmounts waits for the next instance, and may be killed: then it ends without him. */
static void unmount_without_server(void)
{
	int code = -1;
	pid_t child;

	start_model();
	port = (int)handle_dup(receiver, PORT_MANAGE, 0);
	CHECK(port >= 0);
	close(receiver);
	child = check_spawn(do_unmount, NULL);
	check_sleep(50);
	CHECK_EQ(waitpid(child, NULL, WNOHANG), 0);
	receiver = (int)port_control(port, PORT_TAKE, 0);
	CHECK(receiver >= 0);
	serve_until(0, child, &code);
	CHECK_EQ(code, 0);
	CHECK_EQ(model->clean, 1);

	CHECK_EQ(served_child(do_mount, "disk=test0"), 0);
	child = check_spawn(do_unmount, NULL);
	CHECK(check_state(child, 'D', 10000) || check_state(child, 'S', 1));
	kill(child, SIGKILL);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
	model->clean = 0;
	serve_the_end();
	CHECK_EQ(model->clean, 1);
	refused(receiver, -ENOTCONN);
	CHECK_EQ(served_child(do_mount, "disk=test0"), 0);
	stop_model();
}

static void one_mount_each(void)
{
	make_port();
	CHECK_EQ(served_child(do_mount, "disk=nothing"), ENXIO);
	CHECK_EQ(served_child(do_mount, "disk="), EINVAL);
	CHECK_EQ(served_child(do_mount, "disk=test0,disk=test0"), EINVAL);
	CHECK_EQ(served_child(do_mount, "disk=test0,rw"), EINVAL);
	CHECK_EQ(served_child(do_mount, "disk=012345678901234567890123456789"), EINVAL);
	CHECK_EQ(served_child(do_mount, "disk=test0"), 0);
	CHECK_EQ(served_child(do_mount, "disk=test0"), EBUSY);
	stop_model();
}

/* Mounting fails in the middle, and leaves nothing behind. */
static void fail_root(void)
{
	model->nodes[MODEL_ROOT].mode = S_IFREG | 0644;
	tell_blocks();
}

static void mounting_fails(void)
{
	while_mounting = fail_root;
	make_port();
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(served_child(do_mount, "disk=test0"), EIO);
		refused(receiver, -ENOTCONN);
	}
	while_mounting = NULL;
	model->nodes[MODEL_ROOT].mode = S_IFDIR | 0755;
	CHECK_EQ(served_child(do_mount, "disk=test0"), 0);
	stop_model();
}

static const struct check_case cases[] = {
	CASE(wrong_handles), CASE(blocks_are_told_once), CASE(blocks_come_too_late), CASE(reads_of_blocks), CASE(early_images), CASE(commits_are_looked_at),
	CASE(foreign_tokens), CASE(caller_gives_up), CASE(another_instance), CASE(takeover_among_commits), CASE(calls_while_unmounting),
	CASE(unmount_without_server), CASE(one_mount_each), CASE(mounting_fails), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("served_calls", supervisor_works() ? cases : supervisor_no_cases, argc, argv);
}
