/* SPDX-License-Identifier: MIT */
/* pidfd: processes as descriptors: opening, the end, sending, waiting, taking descriptors, clone and clone3 that give one. */
#include "check.h"
#include "leak.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
enum { PATIENCE_MS = 20000, BY_DESCRIPTOR = 3 /* P_PIDFD */, USER = 1000, CLONE_WITH_PIDFD = 0x1000, CLONE_ARGS_SIZE = 64, SYS_PORT_CREATE = 1024 };

static int pidfd_open_(int pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }
static int send(int fd, int signal, siginfo_t *info, unsigned flags) { return (int)syscall(SYS_pidfd_send_signal, fd, signal, info, flags); }
static int take(int fd, int number, unsigned flags) { return (int)syscall(SYS_pidfd_getfd, fd, number, flags); }

static int wait_for(int fd, siginfo_t *info, int options)
{
	return waitid((idtype_t)BY_DESCRIPTOR, fd, info, options);
}

static int ready(int fd, int wait_ms)
{
	struct pollfd wanted = { fd, POLLIN | POLLRDNORM | POLLOUT, 0 };

	return poll(&wanted, 1, wait_ms) ? wanted.revents : 0;
}

static void sleep_long(void *unused)
{
	(void)unused;
	for (;;)
		pause();
}

static int thread_id;

static void *tell_id(void *fd)
{
	char byte;

	__atomic_store_n(&thread_id, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	read(*(int *)fd, &byte, 1);
	return NULL;
}

static void refusals(void)
{
	int fd = pidfd_open_(getpid(), 0), nonblocking = pidfd_open_(getpid(), O_NONBLOCK), ends[2];
	pthread_t thread;
	char byte;

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR);
	CHECK_EQ(fcntl(nonblocking, F_GETFL), O_RDWR | O_NONBLOCK);
	CHECK_ERR(pidfd_open_(getpid(), 1), EINVAL);
	CHECK_ERR(pidfd_open_(0, 0), EINVAL);
	CHECK_ERR(pidfd_open_(-1, 0), EINVAL);
	CHECK_ERR(pidfd_open_(32760, 0), ESRCH);
	CHECK_ERR(read(fd, &byte, 1), EINVAL);
	CHECK_ERR(write(fd, &byte, 1), EINVAL);
	CHECK_ERR(lseek(fd, 0, SEEK_SET), ESPIPE);
	CHECK_EQ(ready(fd, 0), 0);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(pthread_create(&thread, NULL, tell_id, &ends[0]), 0);
	while (!__atomic_load_n(&thread_id, __ATOMIC_SEQ_CST))
		check_sleep(1);
	CHECK_ERR(pidfd_open_(thread_id, 0), EINVAL);
	close(ends[1]);
	pthread_join(thread, NULL);
}

static void information(void)
{
	char text[256] = "", path[64], line[64];
	pid_t child = check_spawn(sleep_long, NULL);
	int fd = pidfd_open_(child, 0);

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	CHECK(read(open(path, O_RDONLY), text, sizeof text - 1) > 0);
	snprintf(line, sizeof line, "Pid:\t%d\nNSpid:\t%d\n", child, child);
	CHECK(strstr(text, line) != NULL);
	kill(child, SIGKILL);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
	memset(text, 0, sizeof text);
	CHECK(read(open(path, O_RDONLY), text, sizeof text - 1) > 0);
	CHECK(strstr(text, "Pid:\t-1\n") != NULL);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	memset(text, 0, sizeof text);
	CHECK(readlink(path, text, sizeof text - 1) > 0);
	CHECK_STR(text, "anon_inode:[pidfd]");
}

/* Readable from the end on, also once nobody can wait for it any more. */
static void the_end(void)
{
	pid_t child = check_spawn(sleep_long, NULL);
	int fd = pidfd_open_(child, 0), epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	CHECK_EQ(ready(fd, 0), 0);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(epoll_wait(epoll, &event, 1, PATIENCE_MS), 1);
	CHECK_EQ(ready(fd, PATIENCE_MS), POLLIN | POLLRDNORM);
	CHECK_EQ(send(fd, 0, NULL, 0), 0);
	CHECK(pidfd_open_(child, 0) >= 0);
	CHECK_ERR(take(fd, 0, 0), ESRCH);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
	CHECK_EQ(ready(fd, 0), POLLIN | POLLRDNORM);
	CHECK_ERR(send(fd, 0, NULL, 0), ESRCH);
	CHECK_ERR(send(fd, SIGKILL, NULL, 0), ESRCH);
	CHECK_ERR(pidfd_open_(child, 0), ESRCH);
}

static volatile int got_value, got_code, got_pid;

static void on_signal(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	got_value = info->si_value.sival_int;
	got_code = info->si_code;
	got_pid = info->si_pid;
}

static void become_user(void *argument)
{
	int fd = *(int *)argument;

	if (setresuid(USER, USER, USER))
		_exit(9);
	CHECK_ERR(send(fd, SIGKILL, NULL, 0), EPERM);
	CHECK_ERR(send(fd, 0, NULL, 0), EPERM);
	CHECK_ERR(take(fd, 0, 0), EPERM);
}

static void sending(void)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	int self = pidfd_open_(getpid(), 0), file = open("/dev/null", O_RDWR), fd;
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };
	pid_t child = check_spawn(sleep_long, NULL);

	sigaction(SIGUSR1, &action, NULL);
	fd = pidfd_open_(child, 0);
	info.si_pid = 4711;
	info.si_value.sival_int = 99;
	CHECK_EQ(send(self, SIGUSR1, NULL, 0), 0);
	CHECK_EQ(got_code, SI_USER);
	CHECK_EQ(got_pid, getpid());
	CHECK_EQ(send(self, SIGUSR1, &info, 0), 0);
	CHECK_EQ(got_code, SI_QUEUE);
	CHECK_EQ(got_value, 99);
	CHECK_EQ(got_pid, 4711);
	info.si_code = SI_USER;
	CHECK_EQ(send(self, SIGUSR1, &info, 0), 0);
	CHECK_ERR(send(fd, SIGUSR1, &info, 0), EPERM);
	info.si_code = SI_TKILL;
	CHECK_ERR(send(fd, SIGUSR1, &info, 0), EPERM);
	CHECK_ERR(send(fd, SIGUSR2, &info, 0), EINVAL);
	CHECK_ERR(send(fd, 65, NULL, 0), EINVAL);
	CHECK_ERR(send(fd, -1, NULL, 0), EINVAL);
	CHECK_ERR(send(fd, 0, NULL, 8), EINVAL);
	CHECK_ERR(send(fd, SIGUSR1, (siginfo_t *)8, 0), EFAULT);
	CHECK_ERR(send(file, 0, NULL, 0), EBADF);
	CHECK_ERR(send(-1, 0, NULL, 0), EBADF);
	CHECK_EQ(check_child(become_user, &fd), 0);
	CHECK_EQ(send(fd, 0, NULL, 0), 0);
	CHECK_EQ(send(fd, SIGTERM, NULL, 0), 0);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGTERM);
}

static void send_as_user(void *argument)
{
	if (setresuid(USER, USER, USER))
		_exit(9);
	CHECK_ERR(send(*(int *)argument, 0, NULL, 0), EPERM);
}

/* The directory of a process in /proc does for sending, and for that only; nothing else in /proc does, and not by a name alone (O_PATH). */
static void *ask_by_own_directory(void *unused)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/%ld", syscall(SYS_gettid));
	fd = open(path, O_RDONLY | O_DIRECTORY);
	send(fd, 0, NULL, 0);
	close(fd);
	return unused;
}

/* Asking by the directory of a thread leaves nothing of it behind. */
static void by_thread_that_ends(void)
{
	enum { THREADS = 50 };
	struct leak_mark mark;
	pthread_t thread;

	for (int i = 0; i <= THREADS; i++) {
		if (i == 1)
			leak_mark(&mark);
		CHECK_EQ(pthread_create(&thread, NULL, ask_by_own_directory, NULL), 0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
	leak_check(&mark, "the directories of threads");
}

static void by_directory(void)
{
	static const char *const others[] = { "/proc", "/proc/self/task", "/proc/self/fd", "/proc/self/stat", "/proc/sys", "/" };
	pid_t child = check_spawn(sleep_long, NULL);
	char path[64];
	int fd, by_name, task;

	snprintf(path, sizeof path, "/proc/%d", child);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	by_name = open(path, O_PATH);
	snprintf(path, sizeof path, "/proc/%d/task/%d", child, child);
	task = open(path, O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0 && by_name >= 0 && task >= 0);
	CHECK_ERR(send(task, 0, NULL, 0), EBADF);
	CHECK_ERR(send(by_name, 0, NULL, 0), EBADF);
	for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
		CHECK_ERR(send(open(others[i], O_RDONLY), 0, NULL, 0), EBADF);
	CHECK_ERR(take(fd, 0, 0), EBADF);
	CHECK_ERR(wait_for(fd, NULL, WEXITED), EBADF);
	CHECK_ERR(send(fd, 0, NULL, 8), EINVAL);
	CHECK_ERR(send(fd, 65, NULL, 0), EINVAL);
	CHECK_EQ(check_child(send_as_user, &fd), 0);
	CHECK_EQ(send(fd, SIGTERM, NULL, 0), 0);
	CHECK(check_state(child, 'Z', PATIENCE_MS));
	CHECK_EQ(send(fd, 0, NULL, 0), 0);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGTERM);
	CHECK_ERR(send(fd, 0, NULL, 0), ESRCH);
	CHECK_ERR(send(fd, SIGKILL, NULL, 0), ESRCH);
}

static void exit_with_5(void *unused)
{
	(void)unused;
	_exit(5);
}

static void waiting(void)
{
	pid_t child = check_spawn(sleep_long, NULL), other = check_spawn(exit_with_5, NULL);
	int fd = pidfd_open_(child, 0), quick = pidfd_open_(other, O_NONBLOCK), file = open("/dev/null", O_RDWR);
	siginfo_t info;

	memset(&info, 0, sizeof info);
	CHECK_EQ(wait_for(fd, &info, WEXITED | WNOHANG), 0);
	CHECK_EQ(info.si_pid, 0);
	CHECK_ERR(wait_for(file, &info, WEXITED), EBADF);
	CHECK_ERR(wait_for(99, &info, WEXITED), EBADF);
	CHECK_ERR(wait_for(-1, &info, WEXITED), EINVAL);
	CHECK_ERR(wait_for(pidfd_open_(getpid(), 0), &info, WEXITED), ECHILD);
	CHECK_EQ(ready(quick, PATIENCE_MS), POLLIN | POLLRDNORM);
	CHECK_EQ(wait_for(quick, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(info.si_pid, other);
	CHECK_EQ(info.si_status, 5);
	CHECK_EQ(wait_for(quick, &info, WEXITED), 0);
	CHECK_ERR(wait_for(quick, &info, WEXITED), ECHILD);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	CHECK_ERR(wait_for(fd, &info, WEXITED), EAGAIN);
	CHECK_EQ(wait_for(fd, &info, WEXITED | WNOHANG), 0);
	fcntl(fd, F_SETFL, 0);
	CHECK_EQ(send(fd, SIGKILL, NULL, 0), 0);
	CHECK_EQ(wait_for(fd, &info, WEXITED), 0);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_code, CLD_KILLED);
	CHECK_EQ(info.si_status, SIGKILL);
}

static void hold_file(void *argument)
{
	int fd = open("held", O_RDWR | O_CREAT, 0600);

	dup2(fd, 50);
	write(*(int *)argument, "x", 1);
	sleep_long(NULL);
}

static void taking(void)
{
	int ends[2], fd, taken, port;
	char text[8] = "";
	pid_t child;

	CHECK_EQ(pipe(ends), 0);
	child = check_spawn(hold_file, &ends[1]);
	CHECK_EQ(read(ends[0], text, 1), 1);
	fd = pidfd_open_(child, 0);
	taken = take(fd, 50, 0);
	CHECK(taken >= 0);
	CHECK_EQ(fcntl(taken, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(taken, "hello", 5), 5);
	CHECK_EQ(pread(open("held", O_RDONLY), text, 5, 0), 5);
	CHECK_STR(text, "hello");
	CHECK_EQ(syscall(SYS_kcmp, getpid(), getpid(), 0, taken, dup(taken)) == 0 || errno == ENOSYS, 1);
	/* Own ones, too; but no native handles, where there are any. */
	CHECK(take(pidfd_open_(getpid(), 0), taken, 0) >= 0);
	port = (int)syscall(SYS_PORT_CREATE, 0l, 0);
	if (port >= 0)
		CHECK_ERR(take(pidfd_open_(getpid(), 0), port, 0), EPERM);
	CHECK_ERR(take(fd, 51, 0), EBADF);
	CHECK_ERR(take(fd, -1, 0), EBADF);
	CHECK_ERR(take(fd, 50, 1), EINVAL);
	CHECK_ERR(take(ends[0], 50, 0), EBADF);
	CHECK_ERR(take(99, 50, 0), EBADF);
	kill(child, SIGKILL);
	CHECK_EQ(check_wait(child), CHECK_KILLED + SIGKILL);
}

static pid_t clone_with(unsigned long flags, int *fd)
{
	pid_t pid = (pid_t)syscall(SYS_clone, flags, 0, fd, 0, 0);

	if (pid == 0)
		_exit(fcntl(3, F_GETFD) < 0 && errno == EBADF ? 3 : 4);
	return pid;
}

struct arguments { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls; };

static void cloned(void)
{
	struct arguments args = { .flags = CLONE_WITH_PIDFD, .exit_signal = SIGCHLD };
	siginfo_t info;
	int fd = -1;
	pid_t pid;

	for (int i = 3; i < 64; i++)
		close(i);
	pid = clone_with(CLONE_WITH_PIDFD | SIGCHLD, &fd);
	CHECK(pid > 0);
	CHECK_EQ(fd, 3);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR);
	CHECK_EQ(ready(fd, PATIENCE_MS), POLLIN | POLLRDNORM);
	CHECK_EQ(wait_for(fd, &info, WEXITED), 0);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_status, 3);	/* the child has not got it */
	close(fd);
	CHECK_ERR(clone_with(CLONE_WITH_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, &fd), EINVAL);
	CHECK_ERR(clone_with(CLONE_WITH_PIDFD | CLONE_DETACHED | SIGCHLD, &fd), EINVAL);
	CHECK_ERR(clone_with(CLONE_WITH_PIDFD | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, &fd), EINVAL);
	CHECK_ERR(clone_with(CLONE_WITH_PIDFD | SIGCHLD, (int *)8), EFAULT);
	CHECK_ERR(check_wait(-1), ECHILD);
	CHECK_EQ(open("/dev/null", O_RDWR), 3);	/* a failed call left no descriptor */
	close(3);
	args.pidfd = (uint64_t)&fd;
	pid = (pid_t)syscall(SYS_clone3, &args, CLONE_ARGS_SIZE);
	if (pid == 0)
		_exit(6);
	CHECK(pid > 0);
	CHECK_EQ(wait_for(fd, &info, WEXITED), 0);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_status, 6);
	args.parent_tid = args.pidfd;
	args.flags |= CLONE_PARENT_SETTID;
	CHECK_ERR(syscall(SYS_clone3, &args, CLONE_ARGS_SIZE), EINVAL);
}

static const struct check_case cases[] = {
	CASE(refusals), CASE(information), CASE(the_end), CASE(sending), CASE(by_directory), CASE(by_thread_that_ends),
	CASE(waiting), CASE(taking), CASE(cloned), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("pidfd", cases, argc, argv);
}
