/* SPDX-License-Identifier: MIT */
/* POSIX message queues: being told of messages, what a user may have of them, what hostile callers do, many at one queue, and that nothing is left of it. */
#include "message_queues.h"
#include "leak.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { USER = 1007, OTHER = 1008, DEFAULT_BYTES = 10 * (8192 + 96), QUEUES_MAX = 256, COOKIE = 32, PORT_RESTRICT = 1036 };
enum { RECEIVERS = 2, SENDERS = 2, MESSAGES = 400, ROUNDS = 400, WAITERS = 6 };

static const struct timespec past = { 1, 0 };

static struct sigevent event_of(int how, int number)
{
	return (struct sigevent){ .sigev_notify = how, .sigev_signo = number, .sigev_value.sival_ptr = (void *)0x123456789abcul };
}

static int ask(mqd_t queue)
{
	struct sigevent event = event_of(SIGEV_SIGNAL, SIGUSR1);

	return mq_notify(queue, &event);
}

static void block(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Whether SIGUSR1 has come within @seconds; *@info is about it. */
static int told(siginfo_t *info, int seconds)
{
	struct timespec patience = { seconds, 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return sigtimedwait(&set, info, &patience) == SIGUSR1;
}

static void put_as_other(void *queue)
{
	CHECK_EQ(setresuid(OTHER, 0, 0), 0);
	CHECK_EQ(put(*(mqd_t *)queue, "x", 0), 0);
}

static void signals(void)
{
	struct sigevent event = event_of(SIGEV_SIGNAL, 0);
	mqd_t queue = make("/signals");
	siginfo_t info;
	pid_t child;

	block();
	CHECK_EQ(ask(queue), 0);
	CHECK_ERR(ask(queue), EBUSY);
	child = check_spawn(put_as_other, &queue);
	CHECK(told(&info, PATIENCE_MS / 1000));
	CHECK_EQ(info.si_code, SI_MESGQ);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_uid, OTHER);
	CHECK_EQ((long)info.si_value.sival_ptr, 0x123456789abcl);
	CHECK_EQ(check_wait(child), 0);
	/* Once, and when there was no message before. */
	CHECK_EQ(ask(queue), 0);
	CHECK_EQ(put(queue, "x", 0), 0);
	CHECK(!told(&info, 0));
	CHECK_EQ(take(queue), 2);
	CHECK_EQ(take(queue), 2);
	CHECK_EQ(put(queue, "x", 0), 0);
	CHECK(told(&info, 0));
	CHECK_EQ(take(queue), 2);
	CHECK_EQ(put(queue, "x", 0), 0);
	CHECK(!told(&info, 0));
	CHECK_EQ(take(queue), 2);
	/* Taken back. */
	CHECK_EQ(ask(queue), 0);
	CHECK_EQ(mq_notify(queue, NULL), 0);
	CHECK_EQ(mq_notify(queue, NULL), 0);
	CHECK_EQ(put(queue, "x", 0), 0);
	CHECK(!told(&info, 0));
	CHECK_EQ(take(queue), 2);
	/* Nobody is told, but it counts as having been. */
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(mq_notify(queue, &event), 0);
		CHECK_ERR(ask(queue), EBUSY);
		CHECK_EQ(put(queue, "x", 0), 0);
		CHECK_EQ(take(queue), 2);
		event = event_of(SIGEV_NONE, -1);
	}
	CHECK_EQ(ask(queue), 0);
	CHECK_EQ(mq_unlink("/signals"), 0);
}

static void take_one(void *queue)
{
	CHECK_ERR(ask(*(mqd_t *)queue), EBUSY);
	CHECK_EQ(mq_notify(*(mqd_t *)queue, NULL), 0);
	CHECK_EQ(take(*(mqd_t *)queue), 2);
}

/* A message that somebody waits for is no news; and a child is not told, nor can it take back what its parent asked for. */
static void waited_for(void)
{
	mqd_t queue = make("/waited");
	siginfo_t info;
	pid_t child;

	block();
	CHECK_EQ(ask(queue), 0);
	child = check_spawn(take_one, &queue);
	check_sleep(50);
	check_state(child, 'S', PATIENCE_MS);
	CHECK_EQ(put(queue, "1", 0), 0);
	CHECK_EQ(check_wait(child), 0);
	CHECK(!told(&info, 0));
	CHECK_ERR(ask(queue), EBUSY);
	CHECK_EQ(put(queue, "2", 0), 0);
	CHECK(told(&info, 0));
	CHECK_EQ(mq_unlink("/waited"), 0);
}

static void ask_and_end(void *queue)
{
	CHECK_EQ(ask(*(mqd_t *)queue), 0);
}

/* Any descriptor of the queue that is closed takes it back; so does the end. */
static void closing(void)
{
	mqd_t queue = make("/closing"), again = mq_open("/closing", O_RDONLY);
	int copy = dup(queue);

	block();
	CHECK_EQ(ask(queue), 0);
	CHECK_EQ(mq_close(again), 0);
	CHECK_EQ(ask(queue), 0);
	CHECK_EQ(close(copy), 0);
	CHECK_EQ(check_child(ask_and_end, &queue), 0);
	CHECK_EQ(ask(queue), 0);
	CHECK_EQ(mq_unlink("/closing"), 0);
}

struct pipes { mqd_t queue; int ready[2], go[2]; };

static void ask_and_run(void *argument)
{
	struct pipes *pipes = argument;

	CHECK_EQ(fcntl(pipes->queue, F_SETFD, 0), 0);
	CHECK_EQ(ask(pipes->queue), 0);
	dup2(pipes->go[0], 0);
	execl("/bin/sh", "sh", "-c", "read line", (char *)NULL);
	_exit(99);
}

/* Who asked for the signal is not the program that would get it. */
static void other_program(void)
{
	struct pipes pipes;
	char byte;
	pid_t child;

	pipes.queue = make("/program");
	CHECK_EQ(pipe2(pipes.ready, O_CLOEXEC), 0);
	CHECK_EQ(pipe2(pipes.go, O_CLOEXEC), 0);
	child = check_spawn(ask_and_run, &pipes);
	close(pipes.ready[1]);
	CHECK_EQ(read(pipes.ready[0], &byte, 1), 0);
	CHECK_ERR(ask(pipes.queue), EBUSY);
	CHECK_EQ(put(pipes.queue, "x", 0), 0);
	CHECK_EQ(ask(pipes.queue), 0);
	CHECK_EQ(write(pipes.go[1], "\n", 1), 1);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(mq_unlink("/program"), 0);
}

static void refusals(void)
{
	struct sigevent event = event_of(SIGEV_SIGNAL, 65);
	char cookie[COOKIE] = "";
	mqd_t queue = make("/refusals");

	CHECK_ERR(syscall(SYS_mq_notify, queue, &event), EINVAL);
	event.sigev_signo = -1;
	CHECK_ERR(syscall(SYS_mq_notify, queue, &event), EINVAL);
	event = event_of(4, SIGUSR1);
	CHECK_ERR(syscall(SYS_mq_notify, queue, &event), EINVAL);
	event = event_of(3, SIGUSR1);
	CHECK_ERR(syscall(SYS_mq_notify, queue, &event), EINVAL);
	/* What the C library needs for a thread is another kind of socket. */
	event = event_of(SIGEV_THREAD, socket(AF_UNIX, SOCK_STREAM, 0));
	event.sigev_value.sival_ptr = cookie;
	CHECK_ERR(syscall(SYS_mq_notify, queue, &event), EINVAL);
	CHECK_EQ(ask(queue), 0);
	CHECK_EQ(mq_unlink("/refusals"), 0);
}

/* Who may open some ports only opens queues of the same names only. (On Linux there is nothing to restrict.) */
static void restricted(void *unused)
{
	static const char names[] = "queue.*";

	(void)unused;
	if (syscall(PORT_RESTRICT, names, sizeof names) && errno == ENOSYS)
		return;
	CHECK_ERR(mq_open("/restricted", O_RDWR), EPERM);
	CHECK_ERR(mq_open("/restricted-too", O_CREAT | O_RDWR, 0600, NULL), EPERM);
	CHECK_ERR(syscall(SYS_mq_unlink, "restricted"), EPERM);
	CHECK(mq_open("/queue.1", O_CREAT | O_RDWR, 0600, NULL) >= 0);
	CHECK_EQ(mq_unlink("/queue.1"), 0);
}

static void restrictions(void)
{
	make("/restricted");
	CHECK_EQ(check_child(restricted, NULL), 0);
	CHECK_EQ(mq_unlink("/restricted"), 0);
}

/* ---- Hostile callers ---- */

static void bad_descriptors(void)
{
	int other = eventfd(0, 0), place = open("/", O_PATH), file = open("file", O_CREAT | O_RDWR, 0600), bad[] = { -1, 9999, other, place, file, AT_FDCWD };
	struct mq_attr attr = { .mq_flags = 0 };

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK_ERR(mq_send(bad[i], "x", 1, 0), EBADF);
		CHECK_ERR(mq_receive(bad[i], buffer, SIZE, NULL), EBADF);
		CHECK_ERR(ask(bad[i]), EBADF);
		CHECK_ERR(mq_notify(bad[i], NULL), EBADF);
		CHECK_ERR(mq_getattr(bad[i], &attr), EBADF);
		CHECK_ERR(mq_setattr(bad[i], &attr, NULL), EBADF);
		CHECK_ERR(syscall(SYS_mq_getsetattr, bad[i], NULL, NULL), EBADF);
	}
}

static void bad_sizes(void)
{
	mqd_t queue = make("/sizes");

	CHECK_ERR(mq_send(queue, "x", SIZE + 1, 0), EMSGSIZE);
	CHECK_ERR(mq_send(queue, "x", SIZE_MAX, 0), EMSGSIZE);
	CHECK_ERR(mq_send(queue, "x", SIZE_MAX - 47, 0), EMSGSIZE);
	CHECK_ERR(mq_receive(queue, buffer, SIZE - 1, NULL), EMSGSIZE);
	CHECK_ERR(mq_receive(queue, buffer, 0, NULL), EMSGSIZE);
	CHECK_EQ(mq_send(queue, buffer, SIZE, 0), 0);
	CHECK_EQ(mq_receive(queue, buffer, SIZE, NULL), SIZE);
	CHECK_ERR(mq_send(queue, "x", 1, UINT32_MAX), EINVAL);
	CHECK_EQ(mq_unlink("/sizes"), 0);
}

static void bad_addresses(void)
{
	static void *const bad[] = { NULL, (void *)8, (void *)-8, (void *)0x7ffffffffff8, (void *)0x8000000000000000 };
	struct mq_attr attr = { .mq_flags = 0 };
	mqd_t queue = make("/addresses");

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK_ERR(syscall(SYS_mq_open, bad[i], O_RDWR, 0, NULL), EFAULT);
		CHECK_ERR(syscall(SYS_mq_unlink, bad[i]), EFAULT);
		CHECK_ERR(syscall(SYS_mq_timedsend, queue, bad[i], 8, 0, NULL), EFAULT);
		CHECK_EQ(held(queue), 0);
		CHECK_EQ(put(queue, "1234567", 0), 0);
		CHECK_ERR(syscall(SYS_mq_timedreceive, queue, bad[i], SIZE, NULL, NULL), EFAULT);
		CHECK_EQ(held(queue), 0);	/* as on Linux, it is lost */
		if (!bad[i])
			continue;
		CHECK_ERR(syscall(SYS_mq_open, "absent", O_RDWR, 0, bad[i]), EFAULT);
		CHECK_ERR(syscall(SYS_mq_timedsend, queue, "x", 1, 0, bad[i]), EFAULT);
		CHECK_ERR(syscall(SYS_mq_timedreceive, queue, buffer, SIZE, NULL, bad[i]), EFAULT);
		CHECK_EQ(put(queue, "1234567", 0), 0);
		CHECK_ERR(syscall(SYS_mq_timedreceive, queue, buffer, SIZE, bad[i], NULL), EFAULT);
		CHECK_ERR(syscall(SYS_mq_notify, queue, bad[i]), EFAULT);
		CHECK_ERR(syscall(SYS_mq_getsetattr, queue, bad[i], NULL), EFAULT);
		CHECK_ERR(syscall(SYS_mq_getsetattr, queue, NULL, bad[i]), EFAULT);
		CHECK_ERR(syscall(SYS_mq_getsetattr, queue, &attr, bad[i]), EFAULT);
	}
	CHECK_EQ(mq_unlink("/addresses"), 0);
}

/* ---- What a user may have ---- */

static void set_limit(unsigned long bytes)
{
	struct rlimit limit = { bytes, bytes };

	CHECK_EQ(setrlimit(RLIMIT_MSGQUEUE, &limit), 0);
	CHECK_EQ(setresuid(USER, USER, USER), 0);
}

static void two_and_no_more(void *unused)
{
	mqd_t first;

	(void)unused;
	set_limit(2 * DEFAULT_BYTES);
	first = mq_open("/bytes-1", O_CREAT | O_RDWR, 0600, NULL);
	CHECK(first >= 0);
	CHECK(mq_open("/bytes-2", O_CREAT | O_RDWR, 0600, NULL) >= 0);
	CHECK_ERR(mq_open("/bytes-3", O_CREAT | O_RDWR, 0600, &small), EMFILE);
	CHECK_ERR(mq_open("/bytes-3", O_RDWR), ENOENT);
	/* It counts until it is gone. */
	CHECK_EQ(mq_unlink("/bytes-1"), 0);
	CHECK_ERR(mq_open("/bytes-3", O_CREAT | O_RDWR, 0600, &small), EMFILE);
	CHECK_EQ(mq_close(first), 0);
	CHECK(mq_open("/bytes-3", O_CREAT | O_RDWR, 0600, &small) >= 0);
	CHECK_EQ(mq_unlink("/bytes-2"), 0);
	CHECK_EQ(mq_unlink("/bytes-3"), 0);
}

static void not_even_two(void *unused)
{
	(void)unused;
	set_limit(2 * DEFAULT_BYTES - 1);
	CHECK(mq_open("/bytes-1", O_CREAT | O_RDWR, 0600, NULL) >= 0);
	CHECK_ERR(mq_open("/bytes-2", O_CREAT | O_RDWR, 0600, NULL), EMFILE);
	CHECK_EQ(mq_unlink("/bytes-1"), 0);
}

static void bytes(void)
{
	CHECK_EQ(check_child(two_and_no_more, NULL), 0);
	CHECK_EQ(check_child(not_even_two, NULL), 0);
}

/* As many names as there may be; each with a message. */
static void take_all_names(void *unused)
{
	struct mq_attr tiny = { .mq_maxmsg = 1, .mq_msgsize = 1 };
	char name[32];
	int count = 0, error;

	(void)unused;
	CHECK_EQ(setresuid(USER, USER, USER), 0);
	for (;; count++) {
		mqd_t queue;

		snprintf(name, sizeof name, "/count-%d", count);
		queue = mq_open(name, O_CREAT | O_RDWR, 0600, &tiny);
		error = errno;
		if (queue < 0)
			break;
		CHECK_EQ(mq_send(queue, "x", 1, 0), 0);
		close(queue);
	}
	CHECK_EQ(error, ENOSPC);
	CHECK_EQ(count, QUEUES_MAX);
}

static void count(void)
{
	char name[32];

	CHECK_EQ(check_child(take_all_names, NULL), 0);
	CHECK(make("/one-more") >= 0);
	CHECK_EQ(mq_unlink("/one-more"), 0);
	for (int i = 0; i < QUEUES_MAX; i++) {
		snprintf(name, sizeof name, "/count-%d", i);
		CHECK_EQ(mq_unlink(name), 0);
	}
}

static void no_descriptors(void)
{
	struct rlimit none = { 3, 3 };

	mq_unlink("/descriptors");
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	while (dup(0) >= 0)
		;
	CHECK_ERR(mq_open("/descriptors", O_CREAT | O_RDWR, 0600, NULL), EMFILE);
	close(2);
	CHECK_ERR(mq_open("/descriptors", O_RDWR), ENOENT);
}

/* ---- Many at one queue ---- */

static mqd_t race_queue;
static volatile int race_ended;
static int received[SENDERS * MESSAGES];	/* atomic */

static void *race_receive(void *unused)
{
	int number;

	(void)unused;
	for (int i = 0; i < SENDERS * MESSAGES / RECEIVERS; i++) {
		CHECK_EQ(mq_receive(race_queue, (char *)&number, SIZE, NULL), sizeof number);
		__atomic_fetch_add(&received[number], 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void *race_send(void *first)
{
	for (int i = 0; i < MESSAGES; i++) {
		int number = (int)(long)first + i;

		CHECK_EQ(mq_send(race_queue, (char *)&number, sizeof number, number % 3), 0);
	}
	return NULL;
}

static void *race_notify(void *unused)
{
	(void)unused;
	while (!race_ended)
		if (ask(race_queue) && errno != EBUSY)
			CHECK_EQ(errno, EBUSY);
	return NULL;
}

static void *race_close(void *unused)
{
	(void)unused;
	while (!race_ended) {
		mqd_t queue = mq_open("/race", O_RDWR | O_CREAT, 0600, &small);

		CHECK(queue >= 0);
		mq_unlink("/race");
		CHECK_EQ(mq_close(queue), 0);
	}
	return NULL;
}

/* Each message comes once, whoever asks to be told, opens, closes and removes names. */
static void race(void)
{
	pthread_t threads[RECEIVERS + SENDERS], others[2];

	signal(SIGUSR1, SIG_IGN);
	race_queue = make("/race");
	for (int i = 0; i < RECEIVERS; i++)
		pthread_create(&threads[i], NULL, race_receive, NULL);
	for (int i = 0; i < SENDERS; i++)
		pthread_create(&threads[RECEIVERS + i], NULL, race_send, (void *)(long)(i * MESSAGES));
	pthread_create(&others[0], NULL, race_notify, NULL);
	pthread_create(&others[1], NULL, race_close, NULL);
	for (int i = 0; i < RECEIVERS + SENDERS; i++)
		pthread_join(threads[i], NULL);
	race_ended = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(others[i], NULL);
	for (int i = 0; i < SENDERS * MESSAGES; i++)
		if (received[i] != 1)
			CHECK_EQ(received[i], 1);
	CHECK_EQ(held(race_queue), 0);
	mq_unlink("/race");
}

static void wait_for_kill(void *queue)
{
	/* Half of them wait for a message, half for room. */
	if (getpid() % 2)
		take(*(mqd_t *)queue);
	else
		put(*(mqd_t *)queue, "in the way", 0);
}

static void kill_waiters(void *argument)
{
	mqd_t queue = *(mqd_t *)argument;
	pid_t children[WAITERS];

	for (int round = 0; round < 4; round++) {
		if (round % 2)
			fill(queue);
		for (int i = 0; i < WAITERS; i++)
			children[i] = check_spawn(wait_for_kill, &queue);
		check_sleep(20);
		for (int i = 0; i < WAITERS; i++)
			kill(children[i], SIGKILL);
		for (int i = 0; i < WAITERS; i++)
			check_wait(children[i]);
		while (mq_timedreceive(queue, buffer, SIZE, NULL, &past) >= 0)
			;
	}
}

static void use_up(void *unused)
{
	mqd_t queue = make("/leaks");

	(void)unused;
	for (int i = 0; i < ROUNDS; i++) {
		mqd_t again = mq_open("/leaks", O_RDWR);

		ask(again);
		CHECK_ERR(mq_open("/leaks", O_CREAT | O_EXCL, 0600, NULL), EEXIST);
		CHECK_ERR(mq_timedsend(again, (void *)8, 8, 0, NULL), EFAULT);
		put(again, "x", 0);
		mq_close(again);
		if (i % 2)
			take(queue);
		else
			mq_timedreceive(queue, (void *)8, SIZE, NULL, &past);
	}
	kill_waiters(&queue);
	fill(queue);	/* with the name gone: what is in it goes with the last descriptor */
	ask(queue);
	mq_unlink("/leaks");
}

static void leaks(void)
{
	static struct leak_mark mark;

	signal(SIGUSR1, SIG_IGN);
	CHECK_EQ(check_child(use_up, NULL), 0);
	leak_mark(&mark);
	CHECK_EQ(check_child(use_up, NULL), 0);
	bytes();
	leak_check(&mark, "queues");
}

static const struct check_case cases[] = {
	CASE(signals), CASE(waited_for), CASE(closing), CASE(other_program), CASE(refusals), CASE(restrictions), CASE(bad_descriptors), CASE(bad_sizes),
	CASE(bad_addresses), CASE(bytes), CASE(count), CASE(no_descriptors), CASE(race), CASE(leaks), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("queue_notices", cases, argc, argv);
}
