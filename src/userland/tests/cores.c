/* SPDX-License-Identifier: MIT */
/*
 * Core files: what is in them, of which deaths they come, where they lie, and who leaves none. `cores crash` dies in a thread of two, for gdb
 * (ci/tests/test_cores.py).
 */
#include "check.h"

#include "built_with.h"
#include "core_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATTERN "/proc/sys/kernel/core_pattern"
#define USES_PID "/proc/sys/kernel/core_uses_pid"

enum { PAGE = 4096, SLEEPERS = 2, MAPPED = 64, BAD_ADDRESS = 0x10, USER = 1000 };

static int set(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), result = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return result < 0 ? -1 : 0;
}

static void usual_name(void)
{
	CHECK_EQ(set(PATTERN, "core\n"), 0);
	CHECK_EQ(set(USES_PID, "0\n"), 0);
}

static void limit(rlim_t bytes)
{
	struct rlimit both = { bytes, bytes };

	CHECK_EQ(setrlimit(RLIMIT_CORE, &both), 0);
}

static pid_t dead;	/* who has died last */

/* A child that may leave a core of @bytes runs @body and dies. The wait status. */
static int die(rlim_t bytes, void (*body)(void *argument), void *argument)
{
	int status = -1;

	dead = fork();
	if (!dead) {
		limit(bytes);
		body(argument);
		_exit(0);
	}
	CHECK_EQ(waitpid(dead, &status, 0), dead);
	return status;
}

/* A death by a signal without a core? */
static int left_none(int status)
{
	return WIFSIGNALED(status) && !WCOREDUMP(status);
}

static void raise_signal(void *argument)
{
	kill(getpid(), *(int *)argument);
}

static int there(const char *path)
{
	struct stat stat;

	return !lstat(path, &stat);
}

/* ---- What is in it ---- */

/* What the child that dies tells of itself. */
struct told {
	pid_t pid, tids[1 + SLEEPERS];
	unsigned char *memory, *hidden, *shared, *own_file, *shared_file;
	char *stack_at;
	unsigned long entry;
};
static struct told *told;

static volatile uint64_t words[1024];

/* The registers that both leave behind; each is 0x0101010101010101 times its number here, xmm5 holds that of 5 in its lower half. */
void crash_with_registers(void);
void sleep_with_registers(void);
void crash_place(void);
void sleep_place(void);
__asm__(
	".text\n"
	".globl crash_with_registers, sleep_with_registers, crash_place, sleep_place\n"
	"crash_with_registers:\n"
	"	mov $0x0101010101010101, %rax\n"
	"	imul $5, %rax, %rdx\n	movq %rdx, %xmm5\n"
	"	imul $2, %rax, %rcx\n	imul $3, %rax, %rdx\n	imul $4, %rax, %rsi\n	imul $5, %rax, %rdi\n	imul $6, %rax, %rbp\n"
	"	imul $8, %rax, %r8\n	imul $9, %rax, %r9\n	imul $10, %rax, %r10\n	imul $11, %rax, %r11\n	imul $12, %rax, %r12\n"
	"	imul $13, %rax, %r13\n	imul $14, %rax, %r14\n	imul $15, %rax, %r15\n"
	"	mov $0x10, %ebx\n"
	"crash_place:\n"
	"	mov %rax, (%rbx)\n"
	"	ud2\n"
	"sleep_with_registers:\n"
	"	mov $0x0101010101010101, %rax\n"
	"	imul $12, %rax, %r12\n	imul $13, %rax, %r13\n	imul $14, %rax, %r14\n	imul $15, %rax, %r15\n	imul $16, %rax, %rbx\n"
	"	mov $34, %eax\n"
	"	syscall\n"
	"sleep_place:\n"
	"	ud2\n");

static uint64_t times(unsigned number)
{
	return 0x0101010101010101ull * number;
}

static void *sleeper(void *argument)
{
	*(volatile pid_t *)argument = syscall(SYS_gettid);
	sleep_with_registers();
	return NULL;
}

/* Makes one, which has told *@tid its number and sleeps. */
static int start_sleeper(pid_t *tid)
{
	char path[64], text[256] = "";
	pthread_t thread;
	int fd;

	if (pthread_create(&thread, NULL, sleeper, tid))
		return 0;
	while (!*(volatile pid_t *)tid)
		check_sleep(1);
	snprintf(path, sizeof path, "/proc/self/task/%d/stat", *tid);
	while (!strstr(text, ") S ")) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (read(fd, text, sizeof text - 1) <= 0)
			return 0;
		close(fd);
	}
	return 1;
}

static unsigned char *map(int protection, int flags, int fd, size_t pages)
{
	unsigned char *at = mmap(NULL, pages * PAGE, protection, flags, fd, 0);

	CHECK(at != MAP_FAILED);
	return at;
}

static void map_all(void)
{
	int fd = open("mapped", O_RDWR | O_CREAT, 0600);

	CHECK_EQ(ftruncate(fd, 2 * PAGE), 0);
	told->memory = map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, MAPPED);
	memset(told->memory + PAGE, 0xa1, PAGE);
	memset(told->memory + (MAPPED - 1) * PAGE, 0xa2, PAGE);
	told->hidden = map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1);
	memset(told->hidden, 0xa3, PAGE);
	CHECK_EQ(mprotect(told->hidden, PAGE, PROT_NONE), 0);
	told->shared = map(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 1);
	memset(told->shared, 0xa4, PAGE);
	told->own_file = map(PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 2);
	memset(told->own_file, 0xa5, PAGE);
	told->shared_file = map(PROT_READ | PROT_WRITE, MAP_SHARED, fd, 1);
	told->shared_file[1] = 0xa6;
}

static void die_in_threads(void *argument)
{
	struct told *told = argument;
	char stack[16] = "on the stack";

	told->pid = told->tids[0] = getpid();
	told->entry = getauxval(AT_ENTRY);
	map_all();
	words[1000] = 0x1234567890abcdef;
	for (unsigned i = 1; i <= SLEEPERS; i++)
		CHECK(start_sleeper(&told->tids[i]));
	told->stack_at = stack;
	__asm__ volatile("" :: "r"(stack) : "memory");
	crash_with_registers();
}

static void check_crasher(struct core *core)
{
	const struct user_regs_struct *regs = core_registers(core, told->tids[0]);
	const struct user_fpregs_struct *floats = core_note(core, NT_PRFPREG, 0, NULL);
	uint64_t low = 0;

	if (!CHECK(regs && floats))
		return;
	CHECK_EQ(regs->rax, times(1));
	CHECK_EQ(regs->rbx, BAD_ADDRESS);
	CHECK_EQ(regs->rcx, times(2));
	CHECK_EQ(regs->rdx, times(3));
	CHECK_EQ(regs->rsi, times(4));
	CHECK_EQ(regs->rdi, times(5));
	CHECK_EQ(regs->rbp, times(6));
	CHECK_EQ(regs->r8, times(8));
	CHECK_EQ(regs->r11, times(11));
	CHECK_EQ(regs->r15, times(15));
	CHECK_EQ(regs->rip, crash_place);
	CHECK_EQ(regs->orig_rax, -1);
	CHECK(regs->fs_base);
	CHECK((char *)regs->rsp < told->stack_at && told->stack_at - (char *)regs->rsp < PAGE);
	memcpy(&low, &floats->xmm_space[5 * 4], sizeof low);
	CHECK_EQ(low, times(5));
	CHECK_EQ(floats->cwd, 0x37f);
	CHECK_EQ(floats->mxcsr & ~0x3f, 0x1f80);
}

static void check_sleeper(struct core *core, pid_t tid)
{
	const struct user_regs_struct *regs = core_registers(core, tid);

	if (!CHECK(regs))
		return;
	CHECK_EQ(regs->rbx, times(16));
	CHECK_EQ(regs->r12, times(12));
	CHECK_EQ(regs->r13, times(13));
	CHECK_EQ(regs->r14, times(14));
	CHECK_EQ(regs->r15, times(15));
	CHECK_EQ(regs->rip, sleep_place);
	CHECK_EQ(regs->orig_rax, SYS_pause);
}

static void check_process(struct core *core)
{
	const struct core_process *process = core_note(core, NT_PRPSINFO, 0, NULL);
	const siginfo_t *info = core_note(core, NT_SIGINFO, 0, NULL);
	const unsigned long *vector;
	size_t size = 0;
	int entries = 0;

	if (CHECK(process)) {
		CHECK_EQ(process->pid, told->pid);
		CHECK_EQ(process->ppid, getpid());
		CHECK_EQ(process->sid, getsid(0));
		CHECK_EQ(process->uid, 0);
		CHECK_STR(process->name, "cores");
		CHECK(strstr(process->arguments, "cores"));
	}
	if (CHECK(info)) {
		CHECK_EQ(info->si_signo, SIGSEGV);
		CHECK_EQ(info->si_code, SEGV_MAPERR);
		CHECK_EQ(info->si_addr, BAD_ADDRESS);
	}
	vector = core_note(core, NT_AUXV, 0, &size);
	if (!CHECK(vector))
		return;
	for (size_t i = 0; i + 1 < size / sizeof *vector && vector[i] != AT_NULL; i += 2) {
		entries += vector[i] == AT_ENTRY && vector[i + 1] == told->entry;
		entries += vector[i] == AT_PAGESZ && vector[i + 1] == PAGE;
	}
	CHECK_EQ(entries, 2);
}

static void check_memory(struct core *core)
{
	char stack[16] = "";
	uint64_t word = 0;

	CHECK_EQ(core_read(core, (void *)&words[1000], &word, sizeof word), 0);
	CHECK_EQ(word, 0x1234567890abcdef);
	CHECK_EQ(core_read(core, told->stack_at, stack, sizeof stack), 0);
	CHECK_STR(stack, "on the stack");
	CHECK(core_page_is(core, told->memory, 0));
	CHECK(core_page_is(core, told->memory + PAGE, 0xa1));
	CHECK(core_page_is(core, told->memory + (MAPPED - 1) * PAGE, 0xa2));
	CHECK(core_page_is(core, told->hidden, 0xa3));
	CHECK(core_page_is(core, told->shared, 0xa4));
	CHECK(core_page_is(core, told->own_file, 0xa5));
	CHECK(core_page_is(core, told->own_file + PAGE, 0));
	/* What is in a file can be read there. */
	CHECK_ERR(core_read(core, told->shared_file, &word, sizeof word), ENOENT);
	/* Code too, but for the head of each file, by which it can be found. */
	CHECK_ERR(core_read(core, (void *)crash_place, &word, sizeof word), ENOENT);
	CHECK(core_has_head(core, "/cores"));
}

static void check_names(struct core *core)
{
	char place[256], folder[200];

	snprintf(place, sizeof place, "%s/mapped", getcwd(folder, sizeof folder));
	CHECK_STR(core_name_at(core, told->own_file), place);
	CHECK_STR(core_name_at(core, told->shared_file), place);
	CHECK(strstr(core_name_at(core, (void *)crash_place), "/cores"));
	CHECK_STR(core_name_at(core, told->memory), "");
}

static void contents(void)
{
	struct core core;
	struct stat stat;
	int status;

	usual_name();
	told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(told != MAP_FAILED);
	status = die(RLIM_INFINITY, die_in_threads, told);
	CHECK(WIFSIGNALED(status) && WCOREDUMP(status));
	CHECK_EQ(WTERMSIG(status), SIGSEGV);
	if (!CHECK_EQ(core_open(&core, "core"), 0))
		return;
	CHECK_EQ(core_count(&core, NT_PRSTATUS), 1 + SLEEPERS);
	CHECK_EQ(core_count(&core, NT_PRFPREG), 1 + SLEEPERS);
	CHECK_EQ(core_first_thread(&core), told->tids[0]);
	CHECK_EQ(core_signal(&core), SIGSEGV);
	check_crasher(&core);
	for (unsigned i = 1; i <= SLEEPERS; i++)
		check_sleeper(&core, told->tids[i]);
	check_process(&core);
	check_memory(&core);
	check_names(&core);
	core_close(&core);
	CHECK_EQ(lstat("core", &stat), 0);
	CHECK_EQ(stat.st_mode, S_IFREG | 0600);
	CHECK_EQ(stat.st_uid, 0);
	/* The pages of zeroes between those of known bytes take no room. */
	CHECK(stat.st_blocks * 512 <= stat.st_size - (MAPPED - 4) * PAGE);
}

/* ---- Which deaths ---- */

static void signals(void)
{
	static const int leave[] = { SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS };
	static const int leave_none[] = { SIGHUP, SIGINT, SIGKILL, SIGTERM, SIGUSR1, SIGPIPE, SIGALRM, 64 };
	int status;

	usual_name();
	for (unsigned i = 0; i < sizeof leave / sizeof *leave; i++) {
		int number = leave[i];
		struct core core;

		status = die(RLIM_INFINITY, raise_signal, &number);
		CHECK(WIFSIGNALED(status) && WCOREDUMP(status));
		CHECK_EQ(WTERMSIG(status), number);
		if (CHECK_EQ(core_open(&core, "core"), 0)) {
			CHECK_EQ(core_signal(&core), number);
			core_close(&core);
		}
		CHECK_EQ(unlink("core"), 0);
	}
	for (unsigned i = 0; i < sizeof leave_none / sizeof *leave_none; i++) {
		int number = leave_none[i];

		CHECK(left_none(die(RLIM_INFINITY, raise_signal, &number)));
		CHECK(!there("core"));
	}
}

/* A signal from elsewhere that finds all threads asleep; and the parent's SIGCHLD tells of the core, too. */
static void from_outside(void)
{
	struct core core;
	siginfo_t info = { 0 };
	pid_t pid;

	usual_name();
	pid = fork();
	if (!pid) {
		limit(RLIM_INFINITY);
		pause();
		_exit(0);
	}
	CHECK(check_state(pid, 'S', 10000));
	CHECK_EQ(kill(pid, SIGQUIT), 0);
	CHECK_EQ(waitid(P_PID, pid, &info, WEXITED), 0);
	CHECK_EQ(info.si_code, CLD_DUMPED);
	CHECK_EQ(info.si_status, SIGQUIT);
	if (CHECK_EQ(core_open(&core, "core"), 0)) {
		CHECK_EQ(core_first_thread(&core), pid);
		core_close(&core);
	}
}

/* ---- Who leaves none ---- */

static void limits(void)
{
	int number = SIGSEGV;
	struct stat stat;

	usual_name();
	CHECK(left_none(die(0, raise_signal, &number)));
	CHECK(!there("core"));
	CHECK(left_none(die(PAGE - 1, raise_signal, &number)));
	CHECK(!there("core"));
	/* Cut short it is one still. */
	CHECK(WCOREDUMP(die(3 * PAGE, raise_signal, &number)));
	CHECK_EQ(lstat("core", &stat), 0);
	CHECK(stat.st_size && stat.st_blocks * 512 <= 3 * PAGE);
}

static void die_undumpable(void *argument)
{
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), 0);
	raise_signal(argument);
}

static void die_as_user(void *argument)
{
	CHECK_EQ(setuid(USER), 0);
	raise_signal(argument);
}

static void die_as_dumpable_user(void *argument)
{
	CHECK_EQ(setuid(USER), 0);
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), 0);
	raise_signal(argument);
}

static void not_dumpable(void)
{
	int number = SIGSEGV;
	struct stat stat;

	usual_name();
	CHECK_EQ(chmod(".", 0777), 0);
	CHECK(left_none(die(RLIM_INFINITY, die_undumpable, &number)) && !there("core"));
	/* Who was root may have secrets that the user must not see. */
	CHECK(left_none(die(RLIM_INFINITY, die_as_user, &number)) && !there("core"));
	CHECK(WCOREDUMP(die(RLIM_INFINITY, die_as_dumpable_user, &number)));
	CHECK_EQ(lstat("core", &stat), 0);
	CHECK_EQ(stat.st_uid, USER);
	CHECK_EQ(stat.st_mode, S_IFREG | 0600);
}

/* ---- Where it lies ---- */

static void die_with_a_name(void *argument)
{
	prctl(PR_SET_NAME, "a/b");
	raise_signal(argument);
}

static void names(void)
{
	char want[64], text[64] = "";
	int number = SIGABRT, fd;

	usual_name();
	CHECK_EQ(mkdir("folder", 0700), 0);
	CHECK_EQ(set(PATTERN, "folder/%e-%s-%u-%%-%p-%q\n"), 0);
	fd = open(PATTERN, O_RDONLY);
	CHECK(read(fd, text, sizeof text - 1) > 0);
	close(fd);
	CHECK_STR(text, "folder/%e-%s-%u-%%-%p-%q\n");
	CHECK(WCOREDUMP(die(RLIM_INFINITY, die_with_a_name, &number)));
	snprintf(want, sizeof want, "folder/a!b-%d-0-%%-%d-", SIGABRT, dead);
	CHECK(there(want));

	usual_name();
	CHECK_EQ(set(USES_PID, "1\n"), 0);
	CHECK(WCOREDUMP(die(RLIM_INFINITY, raise_signal, &number)));
	snprintf(want, sizeof want, "core.%d", dead);
	CHECK(there(want) && !there("core"));
	usual_name();
	if (!access("/dev/trace", F_OK))	/* there are no programs to pipe it to here */
		CHECK_ERR(set(PATTERN, "|/bin/true"), EOPNOTSUPP);
}

/* Is what has the name now a new file of root's? */
static void check_new(void)
{
	int number = SIGSEGV;
	struct stat stat;

	CHECK(WCOREDUMP(die(RLIM_INFINITY, raise_signal, &number)));
	CHECK_EQ(lstat("core", &stat), 0);
	CHECK_EQ(stat.st_mode, S_IFREG | 0600);
	CHECK(stat.st_uid == 0 && stat.st_nlink == 1 && stat.st_size > 4);
}

/* What has the name already is neither written to nor followed, but goes. */
static void other_files(void)
{
	int number = SIGSEGV;
	struct stat stat;

	usual_name();
	check_write_file("core", "mine", 0644);
	CHECK_EQ(chown("core", USER, USER), 0);
	check_new();
	CHECK_EQ(unlink("core"), 0);
	check_write_file("target", "mine", 0600);
	CHECK_EQ(link("target", "core"), 0);
	check_new();
	CHECK_EQ(unlink("core"), 0);
	CHECK_EQ(symlink("target", "core"), 0);
	check_new();
	CHECK_EQ(unlink("core"), 0);
	CHECK_EQ(mkfifo("core", 0600), 0);
	check_new();
	CHECK_EQ(lstat("target", &stat), 0);
	CHECK_EQ(stat.st_size, 4);

	/* Unless the process could not remove it. */
	CHECK_EQ(unlink("core"), 0);
	CHECK_EQ(mkdir("core", 0700), 0);
	CHECK(left_none(die(RLIM_INFINITY, raise_signal, &number)));
	CHECK_EQ(rmdir("core"), 0);
	CHECK_EQ(chmod(".", 01777), 0);
	check_write_file("core", "mine", 0666);
	CHECK(left_none(die(RLIM_INFINITY, die_as_dumpable_user, &number)));
	CHECK_EQ(lstat("core", &stat), 0);
	CHECK_EQ(stat.st_size, 4);
}

/* SIGKILL does not wait for what is left of it, unless it is too late. */
static void killed(void)
{
	enum { BYTES = 32 << 20 };
	struct stat stat = { 0 };
	int status;
	pid_t pid;

	usual_name();
	pid = fork();
	if (!pid) {
		char *memory = (char *)map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, BYTES / PAGE);
		int number = SIGSEGV;

		memset(memory, 1, BYTES);
		limit(RLIM_INFINITY);
		raise_signal(&number);
	}
	while (lstat("core", &stat) || !stat.st_size)
		check_sleep(1);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(lstat("core", &stat), 0);
	CHECK_EQ(WTERMSIG(status), WCOREDUMP(status) ? SIGSEGV : SIGKILL);
	CHECK(WCOREDUMP(status) ? stat.st_size > BYTES : stat.st_size <= BYTES + (1 << 20));
}

/* ---- For gdb ---- */

volatile int core_marker = 4711;
static volatile int *volatile nowhere = (volatile int *)BAD_ADDRESS;

__attribute__((noinline)) static void innermost(volatile int *to)
{
	*to = core_marker;
	__asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) static void middle(volatile int *to)
{
	core_marker++;
	innermost(to);
	__asm__ volatile("" ::: "memory");
}

static int crash(void)
{
	static pid_t tid;

	if (start_sleeper(&tid))
		middle(nowhere);
	return 1;
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(contents), CASE(signals), CASE(from_outside), CASE(limits), CASE(not_dumpable), CASE(names), CASE(other_files), CASE(killed),
		{ NULL, NULL },
	};

	if (!kernel_has(CORE_FILES))
		return skip_program("cores", CORE_FILES);
	if (argc == 2 && !strcmp(argv[1], "crash"))
		return crash();
	return check_main("cores", cases, argc, argv);
}
