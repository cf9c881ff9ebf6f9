/* SPDX-License-Identifier: MIT */
/* io_getevents that waits, requests that wait, signals, threads, and fork. */
#include "aio_kit.h"
#include "built_with.h"

#include <pthread.h>
#include <sys/wait.h>

enum { SIGNAL_SET_SIZE = 8, THREADS = 4, EACH = 300 };

static aio_context_t shared;
static volatile int waiter_tid;
static long waited;

static void *wait_for_two(void *unused)
{
	struct io_event got[2];

	(void)unused;
	waiter_tid = gettid();
	waited = io_getevents(shared, 2, 2, got, NULL);
	if (waited < 0)
		waited = -errno;
	return NULL;
}

static void waiting(void)
{
	enum { PAGE = 4096 };
	int fd = file_with("text");
	pthread_t thread;
	char *place, text[PAGE];

	shared = context(MANY);
	CHECK_EQ(pthread_create(&thread, NULL, wait_for_two, NULL), 0);
	CHECK(check_await(&waiter_tid, PATIENCE_MS));
	CHECK(check_state(waiter_tid, 'S', PATIENCE_MS));
	submit_many(shared, fd, 1);
	CHECK(check_state(waiter_tid, 'S', PATIENCE_MS));
	submit_many(shared, fd, 1);
	pthread_join(thread, NULL);
	CHECK_EQ(waited, 2);
	/* Whose context is gone. */
	waiter_tid = 0;
	CHECK_EQ(pthread_create(&thread, NULL, wait_for_two, NULL), 0);
	CHECK(check_await(&waiter_tid, PATIENCE_MS));
	CHECK(check_state(waiter_tid, 'S', PATIENCE_MS));
	CHECK_EQ(io_destroy(shared), 0);
	/* What comes to its place is nobody's ring. */
	place = mmap((void *)shared, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	memset(text, 5, PAGE);
	memset(place, 5, PAGE);
	pthread_join(thread, NULL);
	CHECK_EQ(waited, -EINVAL);
	CHECK(memcmp(place, text, PAGE) == 0);
}

static void handler(int number)
{
	(void)number;
}

static void tell_parent(void *unused)
{
	(void)unused;
	check_signal_parent(SIGUSR1);
}

static void signals(void)
{
	struct { const sigset_t *mask; size_t size; } given;
	sigset_t blocked, empty;
	struct io_event event;
	struct timespec now = { 0, 0 }, second = { 0, 1000000000 };
	char buf[4];
	int ends[2];
	struct iocb one;
	aio_context_t id = context(MANY);
	pid_t pid;

	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = handler, .sa_flags = SA_RESTART }, NULL);
	pid = check_spawn(tell_parent, NULL);
	CHECK_ERR(io_getevents(id, 1, 1, &event, NULL), EINTR);
	check_wait(pid);
	CHECK_EQ(io_getevents(id, 1, 1, &event, &second), 0);
	/* A mask for the while. */
	sigemptyset(&empty);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	raise(SIGUSR1);
	given.mask = &empty;
	given.size = SIGNAL_SET_SIZE;
	CHECK_ERR(syscall(SYS_io_pgetevents, id, 1, 1, &event, NULL, &given), EINTR);
	CHECK_EQ(syscall(SYS_io_pgetevents, id, 1, 1, &event, &now, &given), 0);
	given.size = 4;
	CHECK_ERR(syscall(SYS_io_pgetevents, id, 1, 1, &event, &now, &given), EINVAL);
	given.mask = NULL;
	CHECK_EQ(syscall(SYS_io_pgetevents, id, 1, 1, &event, &now, &given), 0);
	CHECK_EQ(syscall(SYS_io_pgetevents, id, 1, 1, &event, &now, NULL), 0);
	CHECK_ERR(syscall(SYS_io_pgetevents, 0, 1, 1, &event, &now, 8), EFAULT);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	/* A request that waits ends, and is done. */
	CHECK_EQ(pipe(ends), 0);
	one = request(ends[0], IOCB_CMD_PREAD, buf, 4, 0);
	pid = check_spawn(tell_parent, NULL);
	CHECK_EQ(result_of(id, &one), -EINTR);
	check_wait(pid);
}

static void read_for_ever(void *ends)
{
	char buf[4];
	struct iocb one = request(*(int *)ends, IOCB_CMD_PREAD, buf, 4, 0);

	submit_one(context(MANY), &one);
}

static void streams(void)
{
	char buf[8] = "";
	int ends[2];
	struct iocb one;
	aio_context_t id = context(MANY);
	pid_t pid;

	CHECK_EQ(pipe(ends), 0);
	one = request(ends[1], IOCB_CMD_PWRITE, "hello", 5, 7);
	CHECK_EQ(result_of(id, &one), 5);
	one = request(ends[0], IOCB_CMD_PREAD, buf, 8, 3);
	CHECK_EQ(result_of(id, &one), 5);
	CHECK_STR(buf, "hello");
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	CHECK_EQ(result_of(id, &one), -EAGAIN);
	fcntl(ends[0], F_SETFL, 0);
	pid = check_spawn(read_for_ever, ends);
	CHECK(check_state(pid, 'S', PATIENCE_MS));
	kill(pid, SIGKILL);
	CHECK_EQ(check_wait(pid), CHECK_KILLED + SIGKILL);
}

/* ---- Several at once ---- */

static int shared_file;

static int refused_for_now(int error)
{
	return CHECK_EQ(error, EAGAIN);
}

static void *submit_each(void *argument)
{
	char buf[4];

	for (long i = 0; i < EACH; i++) {
		struct iocb one = request(shared_file, IOCB_CMD_PREAD, buf, 4, 0);

		one.aio_data = (long)argument * EACH + i;
		while (submit_one(shared, &one) != 1)
			if (!refused_for_now(errno))
				return NULL;
	}
	return NULL;
}

static void threads(void)
{
	static unsigned char seen[THREADS * EACH];
	pthread_t submitters[THREADS];
	struct io_event got[8];
	int total = 0, now;

	shared = context(8);
	shared_file = file_with("text");
	for (long i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&submitters[i], NULL, submit_each, (void *)i), 0);
	while (total < THREADS * EACH && (now = io_getevents(shared, 1, 8, got, NULL)) > 0) {
		for (int i = 0; i < now; i++)
			CHECK(got[i].data < sizeof seen && got[i].res == 4 && !seen[got[i].data]++);
		total += now;
	}
	CHECK_EQ(total, THREADS * EACH);
	for (int i = 0; i < THREADS; i++)
		pthread_join(submitters[i], NULL);
	CHECK_EQ(io_getevents(shared, 0, 8, got, NULL), 0);
}

static void use_of_parents(void *argument)
{
	aio_context_t id = *(aio_context_t *)argument, own = 0;
	struct io_event got;

	CHECK_ERR(io_submit(id, 0, NULL), EINVAL);
	CHECK_ERR(io_getevents(id, 0, 1, &got, NULL), EINVAL);
	CHECK_ERR(io_destroy(id), EINVAL);
	own = context(4);
	submit_many(own, file_with("text"), 2);
	CHECK_EQ(io_getevents(own, 2, 2, &(struct io_event [2]){ { 0 } }[0], NULL), 2);
}

static void forked(void)
{
	aio_context_t id = context(MANY);
	struct io_event got;

	submit_many(id, file_with("text"), 1);
	CHECK_EQ(check_child(use_of_parents, &id), 0);
	CHECK_EQ(io_getevents(id, 1, 1, &got, NULL), 1);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = { CASE(waiting), CASE(signals), CASE(streams), CASE(threads), CASE(forked), { NULL, NULL } };

	return kernel_has(AIO) ? check_main("aio_waits", cases, argc, argv) : skip_program("aio_waits", AIO);
}
