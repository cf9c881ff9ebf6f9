/* SPDX-License-Identifier: MIT */
/* POSIX message queues: names and who may open them, order, waiting and time-outs. */
#include "message_queues.h"

#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { USER = 1007, OTHER = 1008 };

static const struct timespec past = { 1, 0 };

/* ---- Names and attributes ---- */

static void opening(void)
{
	char path[64], text[64] = "";
	struct mq_attr attr, before;
	mqd_t queue, again;

	mq_unlink("/opening");
	CHECK_ERR(mq_open("/opening", O_RDWR), ENOENT);
	queue = mq_open("/opening", O_CREAT | O_RDWR | O_NONBLOCK, 0600, NULL);
	CHECK_EQ(mq_getattr(queue, &attr), 0);
	CHECK_EQ(attr.mq_flags, O_NONBLOCK);
	CHECK_EQ(attr.mq_maxmsg, 10);
	CHECK_EQ(attr.mq_msgsize, 8192);
	CHECK_EQ(attr.mq_curmsgs, 0);
	CHECK_EQ(fcntl(queue, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(queue, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR | O_NONBLOCK);
	CHECK_ERR(mq_open("/opening", O_CREAT | O_EXCL | O_RDWR, 0600, NULL), EEXIST);
	CHECK_ERR(mq_open("/opening", O_RDWR | O_WRONLY), EINVAL);
	/* What there is keeps its attributes, and each open file its own O_NONBLOCK. */
	again = mq_open("/opening", O_CREAT | O_RDONLY, 0600, &small);
	CHECK(again >= 0);
	CHECK_EQ(mq_getattr(again, &attr), 0);
	CHECK_EQ(attr.mq_flags, 0);
	CHECK_EQ(attr.mq_maxmsg, 10);
	attr.mq_flags = O_NONBLOCK;
	CHECK_EQ(mq_setattr(again, &attr, NULL), 0);
	attr.mq_flags = 0;
	CHECK_EQ(mq_setattr(queue, &attr, &before), 0);
	CHECK_EQ(before.mq_flags, O_NONBLOCK);
	CHECK_EQ(fcntl(again, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_EQ(fcntl(queue, F_GETFL) & O_NONBLOCK, 0);
	attr.mq_flags = O_APPEND;
	CHECK_ERR(mq_setattr(queue, &attr, NULL), EINVAL);
	CHECK_ERR(mq_send(again, "x", 1, 0), EBADF);
	CHECK_ERR(mq_receive(mq_open("/opening", O_WRONLY), buffer, SIZE, NULL), EBADF);
	snprintf(path, sizeof path, "/proc/self/fd/%d", queue);
	CHECK(readlink(path, text, sizeof text - 1) > 0);
	CHECK_STR(text, "/opening");
	CHECK_EQ(mq_unlink("/opening"), 0);
}

static void names(void)
{
	char longest[NAME_MAX + 3];

	memset(longest, 'n', sizeof longest);
	longest[0] = '/';
	longest[NAME_MAX + 2] = '\0';
	CHECK_ERR(syscall(SYS_mq_open, longest + 1, O_CREAT | O_RDWR, 0600, NULL), ENAMETOOLONG);
	longest[NAME_MAX + 1] = '\0';
	CHECK(mq_open(longest, O_CREAT | O_RDWR, 0600, NULL) >= 0);
	CHECK_EQ(mq_unlink(longest), 0);
	CHECK_ERR(mq_open("/a/b", O_CREAT | O_RDWR, 0600, NULL), EACCES);
	CHECK_ERR(mq_open("/", O_CREAT | O_RDWR, 0600, NULL), ENOENT);
	CHECK_ERR(syscall(SYS_mq_open, "/absolute", O_CREAT | O_RDWR, 0600, NULL), EACCES);
	CHECK_ERR(syscall(SYS_mq_open, ".", O_CREAT | O_RDWR, 0600, NULL), EACCES);
	CHECK_ERR(syscall(SYS_mq_open, "..", O_RDWR, 0, NULL), EACCES);
	CHECK_ERR(mq_unlink("/absent"), ENOENT);
	CHECK_ERR(mq_unlink("/a/b"), EACCES);
	CHECK_ERR(mq_unlink(""), ENOENT);
}

static void try_attributes(void *user)
{
	struct { long count, size; int root, ordinary; } rows[] = {
		{ 0, 1, EINVAL, EINVAL }, { -1, 1, EINVAL, EINVAL }, { 1, 0, EINVAL, EINVAL }, { 1, LONG_MIN, EINVAL, EINVAL }, { 10, 8192, 0, 0 },
		{ 11, 1, 0, EINVAL }, { 1, 8193, 0, EINVAL }, { 65537, 1, EINVAL, EINVAL }, { 1, (16 << 20) + 1, EINVAL, EINVAL },
		{ LONG_MAX, LONG_MAX, EINVAL, EINVAL }, { 65536, 1, EMFILE, EINVAL },
	};

	if (user)
		CHECK_EQ(setresuid(USER, USER, USER), 0);
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct mq_attr attr = { .mq_maxmsg = rows[i].count, .mq_msgsize = rows[i].size, .mq_flags = -1, .mq_curmsgs = 77 };
		int want = user ? rows[i].ordinary : rows[i].root;
		mqd_t queue = mq_open("/attributes", O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
		int error = queue < 0 ? errno : 0;

		if (!CHECK_EQ(error, want))
			printf("# row %u\n", i);
		if (queue < 0)
			continue;
		CHECK_EQ(held(queue), 0);
		CHECK_EQ(mq_unlink("/attributes"), 0);
		mq_close(queue);
	}
}

static void attributes(void)
{
	mq_unlink("/attributes");
	CHECK_EQ(check_child(try_attributes, NULL), 0);
	CHECK_EQ(check_child(try_attributes, "user"), 0);
}

static void as_other(void *unused)
{
	(void)unused;
	CHECK_EQ(setresgid(OTHER, OTHER, OTHER), 0);
	CHECK_EQ(setresuid(OTHER, OTHER, OTHER), 0);
	CHECK_ERR(mq_open("/owned", O_RDWR), EACCES);
	CHECK_ERR(mq_open("/owned", O_WRONLY), EACCES);
	CHECK_ERR(mq_open("/owned", O_RDWR | O_CREAT, 0600, NULL), EACCES);
	CHECK(mq_open("/owned", O_RDONLY) >= 0);
	CHECK_ERR(syscall(SYS_mq_unlink, "owned"), EPERM);
}

static void as_owner(void *unused)
{
	struct stat st;
	mqd_t queue;

	(void)unused;
	CHECK_EQ(setresgid(USER, USER, USER), 0);
	CHECK_EQ(setresuid(USER, USER, USER), 0);
	umask(023);
	queue = mq_open("/owned", O_CREAT | O_RDWR, 0277, NULL);
	CHECK_EQ(fstat(queue, &st), 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0254);
	CHECK_EQ(st.st_uid, USER);
	CHECK_EQ(st.st_gid, USER);
	CHECK_EQ(st.st_size, 80);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_ERR(mq_open("/owned", O_RDWR), EACCES);
	CHECK(mq_open("/owned", O_WRONLY) >= 0);
}

static void rights(void)
{
	mq_unlink("/owned");
	CHECK_EQ(check_child(as_owner, NULL), 0);
	CHECK_EQ(check_child(as_other, NULL), 0);
	CHECK(mq_open("/owned", O_RDWR) >= 0);
	CHECK_EQ(mq_unlink("/owned"), 0);
}

static void unlinked(void)
{
	mqd_t queue = make("/unlinked"), fresh;

	CHECK_EQ(put(queue, "old", 0), 0);
	CHECK_EQ(mq_unlink("/unlinked"), 0);
	CHECK_ERR(mq_open("/unlinked", O_RDWR), ENOENT);
	fresh = make("/unlinked");
	CHECK_EQ(held(fresh), 0);
	CHECK_EQ(take(queue), 4);
	CHECK_STR(buffer, "old");
	/* Without an open file, but with its name, it stays. */
	CHECK_EQ(put(fresh, "kept", 0), 0);
	CHECK_EQ(mq_close(fresh), 0);
	fresh = mq_open("/unlinked", O_RDWR);
	CHECK_EQ(held(fresh), 1);
	CHECK_EQ(mq_unlink("/unlinked"), 0);
}

static void status(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	mqd_t queue = make("/status");
	char text[128] = "", want[128];

	CHECK_EQ(put(queue, "1234567", 3), 0);
	CHECK_EQ(read(queue, text, sizeof text), 60);
	CHECK_STR(text, "QSIZE:8          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n");
	CHECK_EQ(read(queue, text, sizeof text), 0);
	CHECK_EQ(mq_notify(queue, &event), 0);
	memset(text, 0, sizeof text);
	snprintf(want, sizeof want, "QSIZE:8          NOTIFY:0     SIGNO:%-5d NOTIFY_PID:%-6d\n", SIGUSR2, getpid());
	CHECK_EQ(pread(queue, text, sizeof text, 0), strlen(want));
	CHECK_STR(text, want);
	CHECK_EQ(lseek(queue, 6, SEEK_SET), 6);
	CHECK_EQ(read(queue, text, 1), 1);
	CHECK_EQ(text[0], '8');
	CHECK_ERR(write(queue, text, 1), EINVAL);
	CHECK_ERR(read(mq_open("/status", O_WRONLY), text, 1), EBADF);
	CHECK_ERR(pread(queue, (void *)8, 8, 0), EFAULT);
	CHECK_EQ(mq_unlink("/status"), 0);
}

/* ---- Order and waiting ---- */

static void order(void)
{
	static const struct { const char *text; unsigned priority; } sent[COUNT] = { { "b", 5 }, { "d", 0 }, { "a", 32767 }, { "c", 5 } };
	mqd_t queue = make("/order");

	for (int i = 0; i < COUNT; i++)
		CHECK_EQ(put(queue, sent[i].text, sent[i].priority), 0);
	CHECK_ERR(put(queue, "x", 32768), EINVAL);
	CHECK_EQ(held(queue), COUNT);
	for (int i = 0; i < COUNT; i++) {
		CHECK_EQ(take(queue), 2);
		CHECK_EQ(buffer[0], 'a' + i);
		CHECK_EQ(priority, i == 0 ? 32767 : i == 3 ? 0 : 5);
	}
	CHECK_EQ(mq_send(queue, "", 0, 2), 0);
	CHECK_EQ(take(queue), 0);
	CHECK_EQ(priority, 2);
	CHECK_EQ(mq_unlink("/order"), 0);
}

static struct timespec after(long ms)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_sec += ms / 1000;
	at.tv_nsec += ms % 1000 * 1000000;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	return at;
}

static void times(void)
{
	static const struct timespec bad[] = { { 1, -1 }, { 1, 1000000000 }, { -1, 0 } }, never = { LONG_MAX, 999999999 };
	mqd_t queue = make("/times"), quick = mq_open("/times", O_RDWR | O_NONBLOCK);
	struct timespec soon = after(30);

	CHECK_ERR(mq_timedreceive(queue, buffer, SIZE, NULL, &past), ETIMEDOUT);
	CHECK_ERR(mq_timedreceive(queue, buffer, SIZE, NULL, &soon), ETIMEDOUT);
	CHECK(after(0).tv_sec > soon.tv_sec || after(0).tv_nsec >= soon.tv_nsec);
	CHECK_ERR(mq_timedreceive(quick, buffer, SIZE, NULL, &past), EAGAIN);
	CHECK_EQ(mq_timedsend(queue, "x", 1, 0, &never), 0);
	CHECK_EQ(mq_timedreceive(queue, buffer, SIZE, NULL, &past), 1);
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK_ERR(mq_timedreceive(queue, buffer, SIZE, NULL, &bad[i]), EINVAL);
		CHECK_ERR(mq_timedsend(queue, "x", 1, 0, &bad[i]), EINVAL);
	}
	fill(queue);
	CHECK_ERR(mq_timedsend(queue, "x", 1, 0, &past), ETIMEDOUT);
	soon = after(30);
	CHECK_ERR(mq_timedsend(queue, "x", 1, 0, &soon), ETIMEDOUT);
	CHECK_ERR(put(quick, "x", 0), EAGAIN);
	CHECK_EQ(held(queue), COUNT);
	CHECK_EQ(mq_unlink("/times"), 0);
}

static void wait_long(void *queue)
{
	struct timespec later = after(3000000);

	CHECK_ERR(mq_timedreceive(*(mqd_t *)queue, buffer, SIZE, NULL, &later), ETIMEDOUT);
}

/* The time is the wall clock's, which may be set. */
static void clock_is_set(void)
{
	struct timespec now;
	mqd_t queue = make("/clock");
	pid_t child = check_spawn(wait_long, &queue);

	check_state(child, 'S', PATIENCE_MS);
	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += 4000;
	CHECK_EQ(clock_settime(CLOCK_REALTIME, &now), 0);
	CHECK_EQ(check_wait(child), 0);
	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec -= 4000;
	CHECK_EQ(clock_settime(CLOCK_REALTIME, &now), 0);
	CHECK_EQ(mq_unlink("/clock"), 0);
}

static void send_later(void *queue)
{
	check_state(getppid(), 'S', PATIENCE_MS);
	CHECK_EQ(put(*(mqd_t *)queue, "late", 9), 0);
}

static void take_later(void *queue)
{
	check_state(getppid(), 'S', PATIENCE_MS);
	CHECK_EQ(take(*(mqd_t *)queue), 5);
	CHECK_STR(buffer, "full");
}

static void blocking(void)
{
	mqd_t queue = make("/blocking");
	pid_t child = check_spawn(send_later, &queue);

	CHECK_EQ(take(queue), 5);
	CHECK_STR(buffer, "late");
	CHECK_EQ(priority, 9);
	CHECK_EQ(check_wait(child), 0);
	fill(queue);
	child = check_spawn(take_later, &queue);
	CHECK_EQ(put(queue, "first", 30), 0);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(held(queue), COUNT);
	CHECK_EQ(take(queue), 6);
	CHECK_STR(buffer, "first");
	CHECK_EQ(mq_unlink("/blocking"), 0);
}

static volatile int *shared_flag;

static void on_flag(int number)
{
	(void)number;
	*shared_flag = 1;
}

static void interrupt_and_send(void *queue)
{
	check_signal_parent(SIGUSR1);
	check_await(shared_flag, PATIENCE_MS);
	check_state(getppid(), 'S', PATIENCE_MS);
	CHECK_EQ(put(*(mqd_t *)queue, "again", 0), 0);
}

static void on_signal(int number)
{
	(void)number;
}

static void interrupt(void *unused)
{
	(void)unused;
	check_signal_parent(SIGUSR2);
}

static void interrupted(void)
{
	struct sigaction restart = { .sa_handler = on_flag, .sa_flags = SA_RESTART }, end = { .sa_handler = on_signal };
	mqd_t queue = make("/interrupted");
	pid_t child;

	shared_flag = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGUSR1, &restart, NULL);
	sigaction(SIGUSR2, &end, NULL);
	child = check_spawn(interrupt, NULL);
	CHECK_ERR(take(queue), EINTR);
	CHECK_EQ(check_wait(child), 0);
	child = check_spawn(interrupt_and_send, &queue);
	CHECK_EQ(take(queue), 6);
	CHECK_EQ(check_wait(child), 0);
	fill(queue);
	child = check_spawn(interrupt, NULL);
	CHECK_ERR(put(queue, "x", 0), EINTR);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(held(queue), COUNT);
	CHECK_EQ(mq_unlink("/interrupted"), 0);
}

struct place { mqd_t queue; int number, realtime; };

static void take_mine(void *argument)
{
	struct place *place = argument;
	struct sched_param param = { .sched_priority = place->realtime };

	if (place->realtime)
		CHECK_EQ(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param), 0);
	CHECK_EQ(take(place->queue), 2);
	CHECK_EQ(buffer[0], '0' + place->number);
}

/* Who waits longest is served first, and real-time threads before all. */
static void fairness(void)
{
	static const int realtime[] = { 0, 0, 10, 0, 20 }, turn[] = { 2, 3, 1, 4, 0 };
	enum { WAITERS = 5 };
	mqd_t queue = make("/fairness");
	pid_t children[WAITERS];

	for (int i = 0; i < WAITERS; i++) {
		struct place place = { queue, turn[i], realtime[i] };

		children[i] = check_spawn(take_mine, &place);
		/* Real-time threads sleep in the call to become so, too, if at all: twice is the better look. */
		for (int look = 0; look < 3; look++) {
			check_sleep(20);
			CHECK(check_state(children[i], 'S', PATIENCE_MS));
		}
	}
	for (int i = 0; i < WAITERS; i++) {
		char text[] = { '0' + i, '\0' };

		CHECK_EQ(put(queue, text, 0), 0);
	}
	for (int i = 0; i < WAITERS; i++)
		CHECK_EQ(check_wait(children[i]), 0);
	CHECK_EQ(mq_unlink("/fairness"), 0);
}

static int events(mqd_t queue)
{
	struct pollfd wanted = { queue, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM, 0 };

	poll(&wanted, 1, 0);
	return wanted.revents;
}

static void polling(void)
{
	mqd_t queue = make("/polling");
	int epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct pollfd room = { queue, POLLOUT, 0 };
	pid_t child;

	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event), 0);
	CHECK_EQ(events(queue), POLLOUT | POLLWRNORM);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	child = check_spawn(send_later, &queue);
	CHECK_EQ(epoll_wait(epoll, &event, 1, PATIENCE_MS), 1);
	CHECK_EQ(event.events, EPOLLIN);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	CHECK_EQ(events(queue), POLLOUT | POLLWRNORM | POLLIN | POLLRDNORM);
	CHECK_EQ(take(queue), 5);
	fill(queue);
	CHECK_EQ(events(queue), POLLIN | POLLRDNORM);
	child = check_spawn(take_later, &queue);
	CHECK_EQ(poll(&room, 1, PATIENCE_MS), 1);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(mq_unlink("/polling"), 0);
}

static const struct check_case cases[] = {
	CASE(opening), CASE(names), CASE(attributes), CASE(rights), CASE(unlinked), CASE(status), CASE(order), CASE(times), CASE(clock_is_set),
	CASE(blocking), CASE(interrupted), CASE(fairness), CASE(polling), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("message_queues", cases, argc, argv);
}
