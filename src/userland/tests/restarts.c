/* SPDX-License-Identifier: MIT */
/*
 * What becomes of each call that waits when a signal comes: all end with EINTR after a handler without SA_RESTART; with it some start again; and
 * after a stop those start again that have no own reason not to. The tables say which; Linux is who says so.
 */
#include "check.h"

#include "built_with.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What the rows say: starts again after a handler with SA_RESTART; after a stop. */
enum { NEVER = 0, BY_FLAG = 1, AFTER_STOP = 2, ALWAYS = BY_FLAG | AFTER_STOP };
enum mode { PLAIN, FLAGGED, STOPPED, MODES };
enum { FIRST = SIGUSR1, LAST = SIGUSR2, FAR_S = 60, FULL_BYTES = 4096 };

struct call {
	const char *name;
	long (*wait)(void);
	int restarts;
};

#define CALL(function, restarts) { #function, function, restarts }

/* How often each handler ran; in shared memory. */
static volatile int *runs;

static void count_run(int number)
{
	runs[number == LAST]++;
}

static void set_handler(int number, int flags)
{
	struct sigaction action = { .sa_handler = count_run, .sa_flags = flags };

	CHECK_EQ(sigaction(number, &action, NULL), 0);
}

struct run { const struct call *call; enum mode mode; };

static void wait_in_call(void *argument)
{
	const struct run *run = argument;
	long result;
	int error;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	set_handler(FIRST, run->mode == FLAGGED ? SA_RESTART : 0);
	set_handler(LAST, 0);
	result = run->call->wait();
	error = errno;
	if (!CHECK_EQ(result, -1) || !CHECK_EQ(error, EINTR))
		fprintf(stderr, "%s in mode %d\n", run->call->name, run->mode);
}

static void until_asleep_or_gone(pid_t child)
{
	while (!check_state(child, 'S', 10) && !check_state(child, 'Z', 10))
		;
}

static void disturb(const struct call *call, enum mode mode)
{
	struct run run = { call, mode };
	bool again = mode == FLAGGED ? call->restarts & BY_FLAG : mode == STOPPED ? call->restarts & AFTER_STOP : false;
	pid_t child;
	int status;

	runs[0] = runs[1] = 0;
	child = check_spawn(wait_in_call, &run);
	until_asleep_or_gone(child);
	if (mode == STOPPED) {
		CHECK_EQ(kill(child, SIGSTOP), 0);
		CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
		CHECK_EQ(kill(child, SIGCONT), 0);
	} else {
		CHECK_EQ(kill(child, FIRST), 0);
		CHECK(check_await(&runs[0], 20000));
	}
	until_asleep_or_gone(child);
	CHECK_EQ(kill(child, LAST), 0);
	CHECK_EQ(check_wait(child), 0);
	if (!CHECK_EQ(runs[1], again))
		fprintf(stderr, "%s in mode %d\n", call->name, mode);
}

static void disturb_all(const struct call *calls)
{
	runs = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (const struct call *call = calls; call->name; call++)
		for (enum mode mode = PLAIN; mode < MODES; mode++)
			disturb(call, mode);
}

/* ---- Descriptors ---- */

static int empty[2], full[2], counter, full_counter, timer, signals, watches, master, slave;

static long read_pipe(void) { char byte; return read(empty[0], &byte, 1); }
static long write_pipe(void) { static char bytes[FULL_BYTES]; return write(full[1], bytes, sizeof bytes); }
static long splice_pipes(void) { return splice(empty[0], NULL, full[1], NULL, 1, 0); }
static long tee_pipes(void) { return tee(empty[0], full[1], 1, 0); }
static long open_fifo(void) { return open("fifo", O_RDONLY); }
static long read_eventfd(void) { uint64_t value; return read(counter, &value, sizeof value); }
static long write_eventfd(void) { uint64_t value = 5; return write(full_counter, &value, sizeof value); }
static long read_timerfd(void) { uint64_t value; return read(timer, &value, sizeof value); }
static long read_signalfd(void) { struct signalfd_siginfo info; return read(signals, &info, sizeof info); }
static long read_inotify(void) { char bytes[512]; return read(watches, bytes, sizeof bytes); }
static long read_terminal(void) { char byte; return read(slave, &byte, 1); }
static long read_master(void) { char byte; return read(master, &byte, 1); }

static void fill(int fd)
{
	static char bytes[FULL_BYTES];
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	while (write(fd, bytes, sizeof bytes) > 0)
		;
	fcntl(fd, F_SETFL, flags);
}

static void make_descriptors(void)
{
	uint64_t most = UINT64_MAX - 1;
	sigset_t set;

	CHECK_EQ(pipe(empty), 0);
	CHECK_EQ(pipe(full), 0);
	fill(full[1]);
	CHECK_EQ(mkfifo("fifo", 0600), 0);
	counter = eventfd(0, 0);
	full_counter = eventfd(0, 0);
	CHECK_EQ(write(full_counter, &most, sizeof most), sizeof most);
	timer = timerfd_create(CLOCK_MONOTONIC, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMAX);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	signals = signalfd(-1, &set, 0);
	CHECK_EQ(openpty(&master, &slave, NULL, NULL, NULL), 0);
}

static void descriptors(void)
{
	static const struct call calls[] = {
		CALL(read_pipe, ALWAYS), CALL(write_pipe, ALWAYS), CALL(splice_pipes, ALWAYS), CALL(tee_pipes, ALWAYS), CALL(open_fifo, ALWAYS),
		CALL(read_eventfd, ALWAYS), CALL(write_eventfd, ALWAYS), CALL(read_timerfd, ALWAYS), CALL(read_signalfd, ALWAYS),
		CALL(read_terminal, ALWAYS), CALL(read_master, ALWAYS), { NULL, NULL, 0 },
	};
	static const struct call of_inotify[] = { CALL(read_inotify, ALWAYS), { NULL, NULL, 0 } };

	make_descriptors();
	disturb_all(calls);
	if (!kernel_has(INOTIFY))
		return;
	watches = inotify_init1(0);
	disturb_all(of_inotify);
}

/* ---- Sockets ---- */

static int pair[2], listener;
static const struct sockaddr_un address = { AF_UNIX, "listener" };

static long read_socket(void) { char byte; return read(pair[0], &byte, 1); }
static long accept_one(void) { return accept(listener, NULL, NULL); }

static long read_with_timeout(void)
{
	struct timeval limit = { FAR_S, 0 };
	char byte;

	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
	return recv(pair[0], &byte, 1, 0);
}

static long write_socket(void)
{
	static char bytes[FULL_BYTES];

	fill(pair[1]);
	return write(pair[1], bytes, 1);
}

static long connect_to_full(void)
{
	for (int i = 0; i < 3; i++)
		connect(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), (const struct sockaddr *)&address, sizeof address);
	return connect(socket(AF_UNIX, SOCK_STREAM, 0), (const struct sockaddr *)&address, sizeof address);
}

static void sockets(void)
{
	static const struct call calls[] = {
		CALL(read_socket, ALWAYS), CALL(accept_one, ALWAYS), CALL(read_with_timeout, NEVER), CALL(write_socket, ALWAYS),
		CALL(connect_to_full, ALWAYS), { NULL, NULL, 0 },
	};

	if (!kernel_has(UNIX_SOCKETS))
		return;
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
	CHECK_EQ(listen(listener, 0), 0);
	disturb_all(calls);
}

/* ---- Readiness ---- */

static struct pollfd asked;
static fd_set set_of_one;

static long poll_forever(void) { return poll(&asked, 1, -1); }
static long poll_limited(void) { return poll(&asked, 1, FAR_S * 1000); }
static long ppoll_forever(void) { return ppoll(&asked, 1, NULL, NULL); }
static long select_forever(void) { return select(empty[0] + 1, &set_of_one, NULL, NULL, NULL); }
static long pselect_forever(void) { return pselect(empty[0] + 1, &set_of_one, NULL, NULL, NULL, NULL); }

static long select_limited(void)
{
	struct timeval limit = { FAR_S, 0 };

	return select(empty[0] + 1, &set_of_one, NULL, NULL, &limit);
}

static long wait_at_epoll(int timeout_ms)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);

	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, empty[0], &event), 0);
	return epoll_wait(epoll, &event, 1, timeout_ms);
}

static long epoll_forever(void) { return wait_at_epoll(-1); }
static long epoll_limited(void) { return wait_at_epoll(FAR_S * 1000); }

static long poll_process(void)
{
	struct pollfd parent = { syscall(SYS_pidfd_open, getppid(), 0), POLLIN, 0 };

	return poll(&parent, 1, -1);
}

static void readiness(void)
{
	static const struct call calls[] = {
		CALL(poll_forever, AFTER_STOP), CALL(poll_limited, AFTER_STOP), CALL(ppoll_forever, AFTER_STOP), CALL(select_forever, AFTER_STOP),
		CALL(select_limited, AFTER_STOP), CALL(pselect_forever, AFTER_STOP), CALL(epoll_forever, NEVER), CALL(epoll_limited, NEVER),
		CALL(poll_process, AFTER_STOP), { NULL, NULL, 0 },
	};

	CHECK_EQ(pipe(empty), 0);
	asked = (struct pollfd){ empty[0], POLLIN, 0 };
	FD_SET(empty[0], &set_of_one);
	disturb_all(calls);
}

/* ---- Time, signals, children, futexes ---- */

static const struct timespec far = { FAR_S, 0 };
static int word;

static struct timespec later(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_sec += FAR_S;
	return time;
}

static long sleep_relative(void) { return syscall(SYS_nanosleep, &far, NULL); }
static long sleep_by_clock(void) { return syscall(SYS_clock_nanosleep, CLOCK_REALTIME, 0, &far, NULL); }
static long sleep_until(void) { struct timespec until = later(); return syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL); }
static long wait_for_any(void) { return pause(); }
static long wait_under_mask(void) { sigset_t none; sigemptyset(&none); return sigsuspend(&none); }
static long wait_on_word(void) { return syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL); }
static long wait_on_word_limited(void) { return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &far); }

static long wait_on_word_until(void)
{
	struct timespec until = later();

	return syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &until, NULL, -1);
}

/* Not by the library, which waits again by itself. */
static long take_signal_by(const struct timespec *limit)
{
	uint64_t set = 1ull << (SIGRTMAX - 1);

	return syscall(SYS_rt_sigtimedwait, &set, NULL, limit, sizeof set);
}

static long take_signal(void) { return take_signal_by(NULL); }
static long take_signal_limited(void) { return take_signal_by(&far); }

static void live(void *unused)
{
	(void)unused;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static long wait_for_child(void) { check_spawn(live, NULL); return wait4(-1, NULL, 0, NULL); }
static long wait_for_child_id(void) { siginfo_t info; check_spawn(live, NULL); return waitid(P_ALL, 0, &info, WEXITED); }

static void sleeps(void)
{
	static const struct call calls[] = {
		CALL(sleep_relative, AFTER_STOP), CALL(sleep_by_clock, AFTER_STOP), CALL(sleep_until, AFTER_STOP), CALL(wait_for_any, AFTER_STOP),
		CALL(wait_under_mask, AFTER_STOP), CALL(take_signal, NEVER), CALL(take_signal_limited, NEVER), CALL(wait_on_word, ALWAYS),
		CALL(wait_on_word_limited, AFTER_STOP), CALL(wait_on_word_until, AFTER_STOP), CALL(wait_for_child, ALWAYS),
		CALL(wait_for_child_id, ALWAYS), { NULL, NULL, 0 },
	};

	disturb_all(calls);
}

/* ---- Queues, semaphores, locks ---- */

static struct { long type; char text[8000]; } message;
static int semaphores, messages;
static mqd_t empty_queue, full_queue;

static long take_semaphore(void) { struct sembuf take = { 0, -1, 0 }; return semop(semaphores, &take, 1); }
static long take_semaphore_limited(void) { struct sembuf take = { 0, -1, 0 }; return semtimedop(semaphores, &take, 1, &far); }
static long receive_message(void) { return msgrcv(messages, &message, sizeof message.text, 77, 0); }
static long send_message(void) { return msgsnd(messages, &message, sizeof message.text, 0); }
static long receive_from_queue(void) { char text[16]; return mq_receive(empty_queue, text, sizeof text, NULL); }
static long send_to_queue(void) { return mq_send(full_queue, "x", 1, 0); }
static long lock_whole(void) { return flock(open("locked", O_RDWR), LOCK_EX); }
static long lock_range(void) { struct flock all = { .l_type = F_WRLCK }; return fcntl(open("locked", O_RDWR), F_SETLKW, &all); }
static long lock_open_file(void) { struct flock all = { .l_type = F_WRLCK }; return fcntl(open("locked", O_RDWR), F_OFD_SETLKW, &all); }

static mqd_t make_queue(const char *name)
{
	struct mq_attr attributes = { .mq_maxmsg = 1, .mq_msgsize = 16 };
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attributes);

	CHECK(queue >= 0);
	mq_unlink(name);
	return queue;
}

static void queues_and_locks(void)
{
	static const struct call calls[] = {
		CALL(take_semaphore, NEVER), CALL(take_semaphore_limited, NEVER), CALL(receive_message, AFTER_STOP), CALL(send_message, AFTER_STOP),
		CALL(receive_from_queue, ALWAYS), CALL(send_to_queue, ALWAYS), CALL(lock_whole, ALWAYS), CALL(lock_range, ALWAYS),
		CALL(lock_open_file, ALWAYS), { NULL, NULL, 0 },
	};
	struct flock all = { .l_type = F_WRLCK };
	int fd = open("locked", O_RDWR | O_CREAT, 0600);

	CHECK_EQ(flock(fd, LOCK_EX), 0);
	CHECK_EQ(fcntl(fd, F_SETLK, &all), 0);
	semaphores = semget(IPC_PRIVATE, 1, 0600);
	messages = msgget(IPC_PRIVATE, 0600);
	message.type = 1;
	while (!msgsnd(messages, &message, sizeof message.text, IPC_NOWAIT))
		;
	empty_queue = make_queue("/restarts-empty");
	full_queue = make_queue("/restarts-full");
	CHECK_EQ(mq_send(full_queue, "x", 1, 0), 0);
	disturb_all(calls);
	CHECK_EQ(semctl(semaphores, 0, IPC_RMID), 0);
	CHECK_EQ(msgctl(messages, IPC_RMID, NULL), 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(descriptors), CASE(sockets), CASE(readiness), CASE(sleeps), CASE(queues_and_locks), { NULL, NULL },
	};

	return check_main("restarts", cases, argc, argv);
}
