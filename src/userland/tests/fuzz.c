/* SPDX-License-Identifier: MIT */
/*
 * Random calls with random arguments, by a seed, as an ordinary user and as root. The table of calls and of what their arguments are comes from
 * syscalls.def, so that most calls get past their first check: descriptors that are open, names that exist, memory at the edge of nothing.
 *
 * Who calls is a child in a root of its own (a small tmpfs), with little memory; when it is killed, or blocks for good, the next goes on. Two threads of it
 * call at once, with the same memory and descriptors. All is done twice: after the second time a further program must run, and the kernel must have as
 * many objects as after the first. Whoever is killed must end, and so must all that random forks left behind.
 *
 * at_once: the user and root at the same time, once, or for some time.
 *
 *	SEED=N ROUNDS=N [SECONDS=N] fuzz [as_user] [as_root] [at_once]
 */
#include "calls.h"
#include "check.h"
#include "leak.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EPOLLS = 3, OUTSIDE = 6 };
enum {
	PAGE = 4096, AREA_PAGES = 8, DEFAULT_ROUNDS = 1, CALLS_A_ROUND = 1000, RENEW = 64, CHILDREN_A_ROUND = 400,
	SYS_PORT_CREATE = 1024, SYS_SHMEM_CREATE = 1041,	/* RaeenOS's own; elsewhere two descriptors less */
	STUCK_MS = 400, END_MS = 60000, TICK_US = 10000, FIRST_FD = 8, FDS = 23, FIRST_EPOLL = FIRST_FD + FDS - EPOLLS, FIRST_OUTSIDE = 48,
	USER = 1000, OTHER_CPU_SECONDS = 20,
};

struct progress {
	volatile unsigned calls;	/* atomic: made in this round */
	volatile int number;		/* of the last one */
};

static struct progress *progress;
static _Thread_local uint64_t state;
static char *area;	/* AREA_PAGES to be written, one only to be read, a hole */

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static unsigned below(unsigned limit)
{
	return next_random() % limit;
}

/* ---- What there is to call with ---- */

static const char *const names[] = {
	"file", "dir", "dir/sub", "dir/file", "link", "loop", "fifo", "new", "newer", ".", "..", "/", "", "dir/../file", "file/x", "/dir//sub/./..",
	"null", "zero", "broken", "/proc", "tmpfs",
};
enum { NAMES = sizeof names / sizeof *names };
static const char queue_name[] = "fuzz";	/* the only one that a message queue is made by */

static void make_files(void)
{
	int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0666);

	write(file, names, sizeof names);
	close(file);
	mkdir("dir", 0777);
	mkdir("dir/sub", 0777);
	close(open("dir/file", O_RDWR | O_CREAT, 0666));
	symlink("dir", "link");
	symlink("loop", "loop");
	symlink("nowhere", "broken");
	mkfifo("fifo", 0666);
	mknod("null", S_IFCHR | 0666, makedev(1, 3));
	mknod("zero", S_IFCHR | 0666, makedev(1, 5));
}

/* Renews the descriptors that random calls have closed. @outside: opened before the root was changed. */
static void open_files(const int *outside, unsigned count)
{
	int ends[2], at = FIRST_FD;
	sigset_t signals;

	dup2(open("file", O_RDWR), at++);
	dup2(open("dir", O_RDONLY), at++);
	dup2(open("file", O_RDONLY | O_PATH), at++);
	dup2(open("fifo", O_RDWR | O_NONBLOCK), at++);
	if (pipe(ends) == 0) {
		dup2(ends[0], at++);
		dup2(ends[1], at++);
	}
	for (unsigned i = 0; i < EPOLLS; i++)
		dup2(epoll_create1(0), FIRST_EPOLL + i);
	dup2(eventfd(1, EFD_NONBLOCK), at++);
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	dup2(signalfd(-1, &signals, SFD_NONBLOCK), at++);
	dup2(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), at++);
	dup2(syscall(SYS_pidfd_open, getpid(), 0), at++);
	dup2(memfd_create("fuzz", MFD_ALLOW_SEALING), at++);
	dup2(syscall(SYS_PORT_CREATE, 0l, 0), at++);
	dup2(syscall(SYS_SHMEM_CREATE, 4l * PAGE, 0), at++);
	for (unsigned i = 0; i < count; i++)
		dup2(outside[i], at++);
	for (int fd = FIRST_FD + FDS; fd < FIRST_OUTSIDE; fd++)
		close(fd);
}

static uint64_t random_number(void)
{
	switch (below(8)) {
	case 0:
		return next_random();
	case 1:
		return -(uint64_t)below(200);
	case 2:
		return 1ull << below(64) | 1ull << below(64);
	case 3:
		return 1ull << below(32);
	case 4:
		return (uint32_t)next_random();
	default:
		return below(64);
	}
}

static uint64_t random_address(void)
{
	static const uint64_t wild[] = { 0, 1, 0x1000, 0x7fffffffe000, 0x7ffffffff000, 0x800000000000, 0xffff800000000000, 0xffffffff80200000, -8ull, -1ull };

	switch (below(8)) {
	case 0:
		return wild[below(sizeof wild / sizeof *wild)];
	case 1:
		return (uint64_t)area + AREA_PAGES * PAGE - below(64);	/* runs into what may not be written */
	case 2:
		return (uint64_t)area + (AREA_PAGES + 1) * PAGE - below(64);	/* runs into the hole */
	case 3:
		return (uint64_t)area + below(AREA_PAGES * PAGE);
	default:
		return (uint64_t)area + below(AREA_PAGES) * PAGE;
	}
}

static uint64_t random_name(void)
{
	char *text = area + below(AREA_PAGES) * PAGE;

	switch (below(12)) {
	case 0:
		return random_address();
	case 1:
		memset(text, 'n', PAGE);	/* too long, or not ended */
		text[below(PAGE)] = below(2) ? '/' : 0;
		return (uint64_t)text;
	default:
		return (uint64_t)strcpy(text, names[below(NAMES)]);
	}
}

/* Structures full of things that mean something. */
static uint64_t random_structure(void)
{
	uint64_t at = random_address(), *words = (uint64_t *)(area + below(AREA_PAGES) * PAGE);

	if (below(2))
		return at;
	for (int i = 0; i < 16; i++)
		words[i] = below(3) ? below(4) : below(2) ? random_address() : random_number();
	return (uint64_t)words;
}

static uint64_t random_argument(enum argument_kind kind)
{
	static const int sizes[] = { 0, 1, 7, 8, 16, 24, 64, 128, 255, 4095, 4096, 4097, 65536 };

	if (!below(16))
		return random_number();
	switch (kind) {
	case ARG_COUNT: return below(4) ? below(8) : random_number();
	case ARG_SIZE: return below(4) ? (unsigned)sizes[below(sizeof sizes / sizeof *sizes)] : random_number();
	case ARG_SET_SIZE: return 8;
	case ARG_RESOURCE: return below(20);
	case ARG_SIGNAL: return below(4) ? SIGCHLD : below(66);
	case ARG_FD: return below(16) ? FIRST_FD + below(FDS) : below(64);
	case ARG_EPOLL: return below(16) ? FIRST_EPOLL + below(EPOLLS) : below(64);
	case ARG_DIR: return below(2) ? (uint64_t)AT_FDCWD : FIRST_FD + below(4);
	case ARG_PID: return below(2) ? 0 : (uint64_t)getpid();
	case ARG_ADDRESS: return random_address();
	case ARG_PATH: return random_name();
	case ARG_POINTER: return random_structure();
	default: return random_number();
	}
}

/* ---- Who calls ---- */

struct caller {
	int root;
	uint64_t seed;
	int outside[OUTSIDE];		/* descriptors opened before the root was changed */
};

/* Would end the test or the guest, or change for later tests what nothing changes back. */
static int is_left_out(int number, int root)
{
	/* The last: it would be stopped for good, and who made it waits for its end only. */
	static const int always[] = { SYS_exit, SYS_exit_group, SYS_reboot, SYS_ptrace };
	/* Root could kill everybody, keep the CPU for itself, silence the console, or change the time that later tests go by. */
	static const int for_root[] = { SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_syslog, SYS_setpriority,
		SYS_sched_setscheduler, SYS_sched_setparam, SYS_kill, SYS_tkill, SYS_pidfd_send_signal, SYS_process_vm_writev, SYS_sethostname,
		SYS_setdomainname, SYS_vhangup };

	for (unsigned i = 0; i < sizeof always / sizeof *always; i++)
		if (always[i] == number)
			return 1;
	for (unsigned i = 0; root && i < sizeof for_root / sizeof *for_root; i++)
		if (for_root[i] == number)
			return 1;
	return 0;
}

static void on_tick(int number)
{
	(void)number;
}

/* Ends calls that block; what random calls did to signals is undone now and then. */
static void start_ticks(void)
{
	struct sigaction action = { .sa_handler = on_tick };
	struct itimerval tick = { { 0, TICK_US }, { 0, TICK_US } };
	sigset_t none;

	sigemptyset(&none);
	sigaction(SIGALRM, &action, NULL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
}

static void make_area(void)
{
	area = mmap(NULL, (AREA_PAGES + 2) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		_exit(1);
	mprotect(area + AREA_PAGES * PAGE, PAGE, PROT_READ);
	munmap(area + (AREA_PAGES + 1) * PAGE, PAGE);
}

static void make_calls(const struct caller *caller)
{
	pid_t self = getpid();

	state = caller->seed ? caller->seed : 1;

	for (unsigned made; (made = __atomic_fetch_add(&progress->calls, 1, __ATOMIC_RELAXED)) < CALLS_A_ROUND;) {
		const struct call *call = &calls[below(CALLS)];
		uint64_t a[CALL_ARGUMENTS] = { 0 };

		if (made % RENEW == 0) {
			start_ticks();
			make_files();
			open_files(caller->outside, OUTSIDE);
		}
		for (unsigned i = 0; i < call->count; i++) {
			enum argument_kind kind = call->arguments[i].kind;

			/* Root could end or limit who watches, so it names nobody else. */
			a[i] = caller->root && kind == ARG_PID ? below(2) * self : random_argument(kind);
		}
		if (call->number == SYS_mq_open && (a[1] & O_CREAT))
			a[0] = (uint64_t)queue_name;
		progress->number = call->number;
		if (call_is_here(call) && !is_left_out(call->number, caller->root))
			syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
		if (syscall(SYS_getpid) != self)
			syscall(SYS_exit_group, 0);	/* a child of a random fork */
	}
	_exit(0);
}

static void *make_calls_too(void *caller)
{
	make_calls(caller);
	return NULL;
}

static void limit(void)
{
	struct rlimit memory = { 96 << 20, 96 << 20 }, files = { 64, 64 }, size = { 1 << 20, 1 << 20 }, processes = { 64, 64 };
	struct rlimit cpu = { OTHER_CPU_SECONDS, OTHER_CPU_SECONDS };

	setrlimit(RLIMIT_AS, &memory);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_FSIZE, &size);
	setrlimit(RLIMIT_NPROC, &processes);
	setrlimit(RLIMIT_CPU, &cpu);
}

static void run_child(int root, uint64_t seed)
{
	struct caller callers[] = { { root, seed, { 0 } }, { root, ~seed, { 0 } } };
	int *outside = callers[0].outside;
	pthread_t thread;

	setsid();
	outside[0] = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
	outside[1] = open("/dev/zero", O_RDWR);
	outside[2] = open("/proc/self/maps", O_RDONLY);
	outside[3] = open("/proc/self/status", O_RDONLY);
	outside[4] = open("/dev/urandom", O_RDONLY);
	outside[5] = open("/dev/null", O_RDWR);
	for (int i = 0; i < OUTSIDE; i++)
		outside[i] = dup2(outside[i], FIRST_OUTSIDE + i);
	for (int fd = 0; fd < 3; fd++)
		dup2(outside[5], fd);
	if (chroot("stage") < 0 || chdir("/") < 0)
		_exit(1);
	make_files();
	make_area();
	limit();
	if (!root && (setgid(USER) < 0 || setuid(USER) < 0))
		_exit(1);
	memcpy(callers[1].outside, outside, sizeof callers[1].outside);
	pthread_create(&thread, NULL, make_calls_too, &callers[1]);
	make_calls(&callers[0]);
}

/* ---- Who watches ---- */

/* Waits for @pid, which was killed. */
static void await_end(pid_t pid)
{
	for (long end = check_now() + END_MS; check_now() < end; check_sleep(2))
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return;
	printf("process %d, last call %d\n", (int)pid, progress->number);
	CHECK(!"who is killed ends");
}

/* Waits for @pid as long as it makes calls; one that blocks for good is killed. */
static void watch(pid_t pid)
{
	unsigned seen = progress->calls;
	long since = check_now();

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (progress->calls != seen) {
			seen = progress->calls;
			since = check_now();
		} else if (check_now() - since > STUCK_MS) {
			kill(pid, SIGKILL);
			await_end(pid);
			return;
		}
		check_sleep(2);
	}
}

/* The parent of @pid, by /proc; 0 if it is gone. */
static pid_t parent_of(const char *pid)
{
	char path[64], text[512], *name_end;
	int file, parent = 0;
	ssize_t length;

	snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
	file = open(path, O_RDONLY | O_CLOEXEC);
	length = read(file, text, sizeof text - 1);
	close(file);
	text[length < 0 ? 0 : length] = '\0';
	name_end = strrchr(text, ')');
	if (name_end)
		sscanf(name_end + 1, " %*c %d", &parent);
	return parent;
}

static void kill_children(void)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;

	if (!CHECK(folder))
		return;
	while ((entry = readdir(folder)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && parent_of(entry->d_name) == getpid())
			kill(atoi(entry->d_name), SIGKILL);
	closedir(folder);
}

/* What random forks left behind belongs to us now, or does when who made it has ended. */
static void end_orphans(void)
{
	for (long end = check_now() + END_MS; check_now() < end; check_sleep(2)) {
		pid_t pid;

		kill_children();
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0)
			return;
	}
	CHECK(!"what random forks left behind ends when it is killed");
}

/* Names of message queues are everybody's, and so are what later tests count. */
static void remove_queue(void)
{
	syscall(SYS_mq_unlink, queue_name);
}

/* Root may have given the open devices another mode or owner, with which whatever runs afterwards would have to live. */
static void restore_devices(void)
{
	static const char *const names[] = { "/dev/ptmx", "/dev/zero", "/dev/urandom", "/dev/null" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		CHECK(chown(names[i], 0, 0) == 0 && chmod(names[i], 0666) == 0);
}

static void round_of_calls(int root, uint64_t seed)
{
	unsigned children = 0;

	progress->calls = 0;
	while (progress->calls < CALLS_A_ROUND && children < CHILDREN_A_ROUND) {
		pid_t pid = fork();

		if (pid == 0)
			run_child(root, seed * 0x9e3779b97f4a7c15ull + children);
		if (!CHECK(pid > 0))
			return;
		children++;
		watch(pid);
	}
	end_orphans();
	remove_queue();
	restore_devices();
	if (!CHECK(progress->calls >= CALLS_A_ROUND))
		printf("%u children made %u calls\n", children, progress->calls);
}

static void run_shell(void *unused)
{
	(void)unused;
	execl("/bin/sh", "sh", "-c", "test \"$(echo alive | cat)\" = alive", (char *)NULL);
	_exit(99);
}

static void open_stage(void)
{
	mkdir("stage", 0777);
	CHECK_EQ(mount("fuzz", "stage", "tmpfs", 0, "size=8m,mode=777"), 0);
}

static void close_stage(void)
{
	while (umount2("stage", MNT_DETACH) == 0)
		;
}

/* System V IPC outlives who made it. */
static void remove_objects(void)
{
	union { struct shmid_ds shm; struct semid_ds sem; struct msqid_ds msg; char bytes[256]; } status;
	int segments = shmctl(0, SHM_INFO, &status.shm), sets = semctl(0, 0, SEM_INFO, &status), queues = msgctl(0, MSG_INFO, &status.msg);

	for (int i = 0; i <= segments; i++)
		shmctl(shmctl(i, SHM_STAT_ANY, &status.shm), IPC_RMID, NULL);
	for (int i = 0; i <= sets; i++)
		semctl(semctl(i, 0, SEM_STAT_ANY, &status), 0, IPC_RMID);
	for (int i = 0; i <= queues; i++)
		msgctl(msgctl(i, MSG_STAT_ANY, &status.msg), IPC_RMID, NULL);
}

/* @end: goes on until then; 0: @rounds times. */
static void rounds_of_calls(int root, uint64_t seed, unsigned rounds, long end)
{
	for (unsigned i = 0; end ? check_now() < end : i < rounds; i++) {
		open_stage();
		round_of_calls(root, seed + i);
		close_stage();
		remove_objects();
	}
}

struct amount {
	uint64_t seed;
	unsigned rounds, seconds;
};

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *given = getenv(name);

	return given ? strtoull(given, NULL, 0) : otherwise;
}

static struct amount wanted_amount(void)
{
	struct amount amount = { number_of("SEED", time(NULL)), number_of("ROUNDS", DEFAULT_ROUNDS), number_of("SECONDS", 0) };

	printf("fuzz: SEED=%llu ROUNDS=%u SECONDS=%u\n", (unsigned long long)amount.seed, amount.rounds, amount.seconds);
	return amount;
}

/* Calling process: becomes one that watches. */
static void begin_watching(void)
{
	progress = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(progress != MAP_FAILED);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

static void restore_name(const struct utsname *before)
{
	CHECK_EQ(sethostname(before->nodename, strlen(before->nodename)), 0);
}

static void fuzz(int root)
{
	static struct leak_mark mark;
	struct amount amount = wanted_amount();
	struct utsname names_before;

	begin_watching();
	uname(&names_before);
	CHECK_EQ(check_child(run_shell, NULL), 0);	/* whose files have their nodes from now on */
	rounds_of_calls(root, amount.seed, amount.rounds, 0);
	leak_mark(&mark);
	rounds_of_calls(root, amount.seed, amount.rounds, 0);
	restore_name(&names_before);
	CHECK_EQ(check_child(run_shell, NULL), 0);
	leak_check(&mark, "random calls");
}

static void as_user(void)
{
	fuzz(0);
}

static void as_root(void)
{
	fuzz(1);
}

static void watch_one(void *root)
{
	struct amount amount = wanted_amount();
	const char *folder = *(int *)root ? "of-root" : "of-user";

	CHECK(mkdir(folder, 0777) == 0 && chdir(folder) == 0);
	begin_watching();
	rounds_of_calls(*(int *)root, amount.seed, amount.rounds, amount.seconds ? check_now() + amount.seconds * 1000l : 0);
}

static void at_once(void)
{
	struct utsname names_before;
	int roots[] = { 0, 1 };

	uname(&names_before);
	for (unsigned i = 0; i < 2; i++)
		check_spawn(watch_one, &roots[i]);
	for (unsigned i = 0; i < 2; i++)
		CHECK_EQ(check_wait(-1), 0);
	restore_name(&names_before);
	CHECK_EQ(check_child(run_shell, NULL), 0);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = { CASE(as_user), CASE(as_root), CASE(at_once), { NULL, NULL } };

	return check_main("fuzz", cases, argc, argv);
}
