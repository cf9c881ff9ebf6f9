/* SPDX-License-Identifier: MIT */
/* Works about memory, processes and what they tell each other; see works.h. */
#include "ports.h"
#include "works.h"

#include <raeen/view.h>

#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 40, USER = 1011 };
enum { NR_shmem_create = 1041, NR_shmem_map, NR_view_enter = 1050 };

static void *map(size_t size, int flags, int fd)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	return DID(at) ? at : NULL;
}

static bool is_filled(const char *at, size_t size, char with)
{
	for (size_t i = 0; i < size; i += 512)
		if (at[i] != with)
			return false;
	return true;
}

static void use_stack(void)
{
	volatile char room[300 * 1024];

	for (size_t i = 0; i < sizeof room; i += PAGE)
		room[i] = 1;
}

/* By the call itself, as the C library does not. */
static void use_break(void)
{
	char *before = (char *)syscall(SYS_brk, 0), *after = (char *)syscall(SYS_brk, before + 20 * PAGE);

	errno = ENOMEM;
	if (!DID(after == before + 20 * PAGE ? 0 : -1))
		return;
	memset(before, 1, 20 * PAGE);
	DID((char *)syscall(SYS_brk, before) == before ? 0 : -1);
}

/* A part from the middle of a mapping moved elsewhere: what is in it is there or here. */
static void move_part(char *at)
{
	char *moved = mremap(at + 4 * PAGE, 8 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);

	if (DID(moved)) {
		KEPT(is_filled(moved, 8 * PAGE, 5));
		DID(munmap(moved, 16 * PAGE));
	} else {
		KEPT(is_filled(at, PAGES * PAGE, 5));
	}
	KEPT(is_filled(at, 4 * PAGE, 5) && is_filled(at + 12 * PAGE, (PAGES - 12) * PAGE, 5));
}

void work_memory(void)
{
	char *at = map(PAGES * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1), *moved;
	size_t size = PAGES * PAGE, whole = size;

	if (!at)
		return;
	memset(at, 5, size);
	for (int i = 1; i < PAGES; i += 2)
		DID(mprotect(at + i * PAGE, PAGE, PROT_READ));
	KEPT(is_filled(at, size, 5));
	DID(mprotect(at, size, PROT_READ | PROT_WRITE));
	DID(mlock(at, 4 * PAGE));
	DID(munlock(at, 4 * PAGE));
	moved = mremap(at, size, 2 * size, MREMAP_MAYMOVE);
	if (DID(moved)) {
		at = moved;
		whole = 2 * size;
	}
	KEPT(is_filled(at, size, 5));
	move_part(at);
	DID(madvise(at, 2 * PAGE, MADV_DONTNEED));
	DID(munmap(at + 3 * PAGE, PAGE));
	KEPT(is_filled(at + 12 * PAGE, size - 12 * PAGE, 5));
	DID(mmap(at + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	DID(munmap(at, whole));
	use_break();
	use_stack();
}

/* Mappings of files, of nothing that are shared, and of memfds. */
void work_shared_memory(void)
{
	int fd = open("mapped", O_RDWR | O_CREAT, 0600), memfd = memfd_create("works", MFD_ALLOW_SEALING);
	char *shared, *file, *own;

	if (DID(fd) && DID(ftruncate(fd, PAGES * PAGE)) && (file = map(PAGES * PAGE, MAP_SHARED, fd))) {
		memset(file, 3, PAGES * PAGE);
		DID(msync(file, PAGES * PAGE, MS_SYNC));
		own = map(PAGES * PAGE, MAP_PRIVATE, fd);
		if (own) {
			own[0] = 4;
			KEPT(file[0] == 3 && own[PAGE] == 3);
			DID(munmap(own, PAGES * PAGE));
		}
		DID(munmap(file, PAGES * PAGE));
	}
	if (DID(memfd) && DID(ftruncate(memfd, 4 * PAGE)) && (file = map(4 * PAGE, MAP_SHARED, memfd))) {
		memset(file, 6, 4 * PAGE);
		DID(munmap(file, 4 * PAGE));
		DID(fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE));
	}
	if ((shared = map(PAGES * PAGE, MAP_SHARED | MAP_ANONYMOUS, -1))) {
		memset(shared, 7, PAGES * PAGE);
		DID(munmap(shared, PAGES * PAGE));
	}
	close(memfd);
	close(fd);
	DID(unlink("mapped"));
}

/* As many page tables as pages, in several forms. */
void work_tables(void)
{
	enum { STEP = 2 << 20, TABLES = 40 };
	char *at = map((size_t)TABLES * STEP, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	if (!at)
		return;
	for (size_t i = 0; i < TABLES; i++)
		at[i * STEP] = i;
	for (size_t i = 0; i < TABLES; i++)
		KEPT(at[i * STEP] == (char)i);
	DID(mprotect(at, (size_t)TABLES * STEP, PROT_READ));
	DID(munmap(at, (size_t)TABLES * STEP));
}

static char *forked;

static void change_forked(void)
{
	KEPT(is_filled(forked, PAGES * PAGE, 8));
	memset(forked, 9, PAGES * PAGE);
	KEPT(is_filled(forked, PAGES * PAGE, 9));
}

static void fork_again(void)
{
	change_forked();
	in_child(end_child);
}

void work_fork(void)
{
	int pid;

	forked = map(PAGES * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (!forked)
		return;
	memset(forked, 8, PAGES * PAGE);
	in_child(change_forked);
	in_child(fork_again);
	KEPT(is_filled(forked, PAGES * PAGE, 8));
	memset(forked, 7, PAGES * PAGE);
	pid = vfork();
	if (pid == 0)
		_exit(0);
	if (DID(pid))
		await_child(pid);
	DID(munmap(forked, PAGES * PAGE));
}

static void run_many_words(void)
{
	enum { WORDS = 200 };
	static char word[300], *words[WORDS + 1];

	memset(word, 'w', sizeof word - 1);
	for (int i = 0; i < WORDS; i++)
		words[i] = word;
	words[0] = "true";
	DID(execve("/bin/true", words, words + WORDS / 2));
	end_child();
}

static void run_script(void)
{
	DID(execl("./script", "script", "word", (char *)NULL));
	end_child();
}

void work_exec(void)
{
	static const char text[] = "#!/bin/sh\nexit 0\n";
	int fd = open("script", O_WRONLY | O_CREAT, 0700);

	if (DID(fd)) {
		DID(write(fd, text, sizeof text - 1));
		close(fd);
		in_child(run_script);
	}
	in_child(run_many_words);
	DID(unlink("script"));
}

static pthread_mutex_t thread_lock;
static volatile int counted;

/* With a time limit: the C library waits for good where the kernel has no memory for such a lock. */
static void *count_in_thread(void *unused)
{
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 2;
	for (int i = 0; i < 20; i++) {
		if (!DID((errno = pthread_mutex_timedlock(&thread_lock, &limit)) ? -1 : 0))
			break;
		counted++;
		sched_yield();
		pthread_mutex_unlock(&thread_lock);
	}
	return unused;
}

void work_threads(void)
{
	enum { THREADS = 4 };
	pthread_t threads[THREADS];
	pthread_mutexattr_t inherit;
	int made = 0;

	counted = 0;
	pthread_mutexattr_init(&inherit);
	if (!pthread_mutexattr_setprotocol(&inherit, PTHREAD_PRIO_INHERIT))
		pthread_mutex_init(&thread_lock, &inherit);
	for (int i = 0; i < THREADS; i++)
		made += DID((errno = pthread_create(&threads[made], NULL, count_in_thread, NULL)) ? -1 : 0);
	for (int i = 0; i < made; i++)
		pthread_join(threads[i], NULL);
	EXPECT(counted == 20 * THREADS);
	pthread_mutex_destroy(&thread_lock);
}

static volatile int handled;

static void handle(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
	handled++;
}

void work_signals(void)
{
	struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	char *room = map(16 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	stack_t stack = { .ss_sp = room, .ss_size = 16 * PAGE };
	sigset_t set, old;
	int queued = 0;

	handled = 0;
	if (!room)
		return;
	DID(sigaltstack(&stack, NULL));
	DID(sigaction(SIGRTMIN + 1, &action, NULL));
	DID(sigaction(SIGUSR1, &action, NULL));
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	DID(sigprocmask(SIG_BLOCK, &set, &old));
	for (int i = 0; i < 20; i++)
		queued += DID(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = i }));
	DID(sigtimedwait(&set, NULL, &(struct timespec){ 0, 0 }));
	DID(sigprocmask(SIG_SETMASK, &old, NULL));
	DID(kill(getpid(), SIGUSR1));
	EXPECT(handled == queued);
	stack.ss_flags = SS_DISABLE;
	DID(sigaltstack(&stack, NULL));
	DID(munmap(room, 16 * PAGE));
}

void work_timers(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2 };
	struct itimerspec far = { .it_value = { .tv_sec = 1000000 } };
	struct itimerval long_time = { .it_value = { .tv_sec = 1000000 } };
	timer_t timers[3];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 2);
	DID(sigprocmask(SIG_BLOCK, &set, NULL));
	for (int i = 0; i < 3; i++) {
		if (!DID(timer_create(CLOCK_MONOTONIC, &event, &timers[i])))
			continue;
		DID(timer_settime(timers[i], 0, &far, NULL));
		if (i)
			DID(timer_delete(timers[i]));
	}
	DID(setitimer(ITIMER_REAL, &long_time, NULL));
	DID(setitimer(ITIMER_VIRTUAL, &long_time, NULL));
	alarm(0);
	DID(nanosleep(&(struct timespec){ 0, 1000 }, NULL));
}

static void lead(void)
{
	DID(setsid());
	in_child(end_child);
}

static void join_group(void)
{
	DID(setpgid(0, 0));
	in_child(end_child);
}

void work_sessions(void)
{
	in_child(lead);
	in_child(join_group);
	DID(prctl(PR_SET_NAME, "worker"));
}

static void be_another_user(void)
{
	gid_t groups[40];
	int ends[2];

	for (int i = 0; i < 40; i++)
		groups[i] = 2000 + i;
	DID(setgroups(40, groups));
	DID(setresgid(USER, USER, USER));
	DID(setresuid(USER, USER, USER));
	if (DID(pipe(ends))) {
		close(ends[0]);
		close(ends[1]);
	}
	in_child(end_child);
}

void work_users(void)
{
	DID(setresgid(-1, USER, -1));
	DID(setresgid(-1, 0, -1));
	in_child(be_another_user);
}

void work_events(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), outer = epoll_create1(EPOLL_CLOEXEC), event = eventfd(1, EFD_NONBLOCK);
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), pid = syscall(SYS_pidfd_open, getpid(), 0), signals, sockets[2];
	struct itimerspec far = { .it_value = { .tv_sec = 1000000 } };
	struct epoll_event wanted = { .events = EPOLLIN }, came[4];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	signals = signalfd(-1, &set, SFD_NONBLOCK);
	if (DID(timer))
		DID(timerfd_settime(timer, 0, &far, NULL));
	if (DID(epoll) && DID(outer) && DID(event)) {
		DID(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted));
		DID(epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &wanted));
		DID(epoll_ctl(epoll, EPOLL_CTL_ADD, signals, &wanted));
		DID(epoll_ctl(epoll, EPOLL_CTL_ADD, pid, &wanted));
		DID(epoll_ctl(outer, EPOLL_CTL_ADD, epoll, &wanted));
		EXPECT(epoll_wait(epoll, came, 4, 0) == 1);
		EXPECT(epoll_wait(outer, came, 4, 0) == 1);
	}
	sockets[0] = socket(AF_INET, SOCK_DGRAM, 0);
	if (DID(sockets[0]))
		close(sockets[0]);
	if (DID(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))) {
		DID(write(sockets[0], "text", 4));
		close(sockets[0]);
		close(sockets[1]);
	}
	close(signals);
	close(pid);
	close(timer);
	close(event);
	close(outer);
	close(epoll);
}

static int semaphores;

static void undo_semaphores(void)
{
	struct sembuf operations[2] = { { 0, 1, SEM_UNDO }, { 1, 1, SEM_UNDO } };

	DID(semop(semaphores, operations, 2));
}

static void use_queue(void)
{
	mqd_t queue = mq_open("/works", O_RDWR | O_CREAT | O_NONBLOCK, 0600, NULL);
	static char text[8192];

	if (!DID(queue))
		return;
	DID(mq_send(queue, "text", 5, 0));
	if (DID(mq_receive(queue, text, sizeof text, NULL)))
		EXPECT(!strcmp(text, "text"));
	mq_close(queue);
	DID(mq_unlink("/works"));
}

void work_ipc(void)
{
	struct { long type; char text[300]; } message = { 1, "text" };
	int segment = shmget(IPC_PRIVATE, 4 * PAGE, 0600), queue = msgget(IPC_PRIVATE, 0600);
	char *at;

	semaphores = semget(IPC_PRIVATE, 3, 0600);
	if (DID(segment)) {
		at = shmat(segment, NULL, 0);
		if (DID(at)) {
			memset(at, 1, 4 * PAGE);
			DID(shmdt(at));
		}
		shmctl(segment, IPC_RMID, NULL);
	}
	if (DID(queue)) {
		DID(msgsnd(queue, &message, sizeof message.text, IPC_NOWAIT));
		DID(msgrcv(queue, &message, sizeof message.text, 0, IPC_NOWAIT));
		msgctl(queue, IPC_RMID, NULL);
	}
	if (DID(semaphores)) {
		in_child(undo_semaphores);
		EXPECT(semctl(semaphores, 0, GETVAL) == 0);
		semctl(semaphores, 0, IPC_RMID);
	}
	use_queue();
}

/* Who is killed in the midst of its work leaves its System V objects. All without a key, whosoever they are. */
void works_clean(void)
{
	struct shmid_ds segment;
	struct msqid_ds queue;
	struct semid_ds set;
	int most, id;

	mq_unlink("/works");
	most = shmctl(0, SHM_INFO, &segment);
	for (int i = 0; i <= most; i++)
		if ((id = shmctl(i, SHM_STAT, &segment)) >= 0 && segment.shm_perm.__key == IPC_PRIVATE)
			shmctl(id, IPC_RMID, NULL);
	most = msgctl(0, MSG_INFO, &queue);
	for (int i = 0; i <= most; i++)
		if ((id = msgctl(i, MSG_STAT, &queue)) >= 0 && queue.msg_perm.__key == IPC_PRIVATE)
			msgctl(id, IPC_RMID, NULL);
	most = semctl(0, 0, SEM_INFO, &set);
	for (int i = 0; i <= most; i++)
		if ((id = semctl(i, 0, SEM_STAT, &set)) >= 0 && set.sem_perm.__key == IPC_PRIVATE)
			semctl(id, 0, IPC_RMID);
}

/* A message with a handle in it, sent to a port of one's own, and a call that nobody answers. */
void work_ports(void)
{
	char *buffer = msg_buffer(), *at;
	struct msg_extra extra = { .handles = { dup(0) } };
	struct result got;
	int port;

	if ((intptr_t)buffer < 0 && (intptr_t)buffer >= -4095)
		errno = -(intptr_t)buffer;
	if (!DID((intptr_t)buffer < 0 ? -1 : 0))
		return;
	port = port_create(NULL, 0);
	if (DID(port)) {
		memset(buffer, 1, 3000);
		DID(msg_send(port, msg_header_make(1, 3000, 1, 0), 0, &extra));
		got = msg_recv(port, 0, &extra);
		DID(checked(got));
		if (extra.handles[0] > 2)
			close(extra.handles[0]);
		DID(port_notify(port, 1));
		close(port);
	}
	port = syscall(NR_shmem_create, 4l * PAGE, 0);
	if (DID(port)) {
		at = (char *)syscall(NR_shmem_map, port, 0l, 0l, 4l * PAGE, PROT_READ | PROT_WRITE, 0);
		if (DID(at)) {
			memset(at, 1, 4 * PAGE);
			DID(munmap(at, 4 * PAGE));
		}
		close(port);
	}
}

/* A part of the tree for all that can be seen, and one name for all ports. */
static void enter_view(void)
{
	const struct view_part parts[] = {
		{ .source = (uintptr_t)"seen", .target = (uintptr_t)"/x/seen", .flags = VIEW_READ_ONLY },
		{ .source = (uintptr_t)"changed", .target = (uintptr_t)"/changed" },
	};
	int fd;

	DID(port_restrict("works", sizeof "works"));
	DID(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	if (!DID(syscall(NR_view_enter, parts, 2l, 0)))
		return;
	fd = open("/changed/file", O_RDWR | O_CREAT, 0600);
	if (DID(fd))
		close(fd);
	DID(access("/x/seen", F_OK));
}

void work_views(void)
{
	DID(mkdir("seen", 0755));
	DID(mkdir("changed", 0755));
	in_child(enter_view);
	unlink("changed/file");
	DID(rmdir("changed"));
	DID(rmdir("seen"));
}

void work_shell(void)
{
	static char script[] =
		"mkdir -p a/b && echo one > a/f; cat a/f a/f | sed s/one/two/ | grep -c two > a/n; cp -r a c; ln -s f a/l; ls -lR . > list; "
		"(cd a && tar cf - .) | (mkdir -p d && cd d && tar xf -); mv c e; "
		"for i in 1 2 3; do echo $i; done > a/loop; while read x; do :; done < a/loop; echo $(cat a/n) > a/m; "
		"dd if=/dev/zero of=z bs=4096 count=8; gzip z; ps; mount; df; stat a/f; sleep 0 & wait; trap : USR1; kill -USR1 $$; "
		"(exit 3); rm -rf a d e z.gz list; exit 0";
	int pid = fork();

	if (pid == 0) {
		int fd = open("/dev/null", O_RDWR);

		if (DID(fd)) {
			for (int i = 0; i < 3; i++)
				dup2(fd, i);
			close(fd);
		}
		DID(execl("/bin/sh", "sh", "-c", script, (char *)NULL));
		end_child();
	}
	if (DID(pid))
		await_child(pid);
}
