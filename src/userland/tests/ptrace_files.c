/* SPDX-License-Identifier: MIT */
/*
 * What debuggers use beside ptrace: /proc/PID/mem and auxv, and programs that lie at the same place each time (personality); and what those ask for that write
 * all of a program down: signals that wait, restartable sequences.
 */
#include "ptrace_kit.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/personality.h>

enum { PAGE = 4096, NOBODY = 65534 };

static volatile long word = 1;
static const volatile long constant = 0x1122334455667788;

static void for_ever(void)
{
	for (;;)
		pause();
}

static int open_of(pid_t pid, const char *format, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), format, pid, pid);
	return open(path, flags | O_CLOEXEC);
}

/* ---- Memory ---- */

static void memory_is_read_and_written(void)
{
	long value = 0, two[2] = { 0 };
	pid_t pid;
	int fd;

	word = 5;
	pid = traced_child(for_ever);
	fd = open_of(pid, "/proc/%d/mem", O_RDWR);
	CHECK(fd >= 0);
	CHECK_EQ(pread(fd, &value, sizeof(value), (long)&word), sizeof(value));
	CHECK_EQ(value, 5);
	value = 6;
	CHECK_EQ(pwrite(fd, &value, sizeof(value), (long)&word), sizeof(value));
	CHECK_EQ(peek(pid, &word), 6);
	CHECK_EQ(word, 5);
	/* Also where the program itself may not write: it gets a page of its own. */
	CHECK_EQ(pwrite(fd, &value, sizeof(value), (long)&constant), sizeof(value));
	CHECK_EQ(peek(pid, &constant), 6);
	CHECK_EQ(constant, 0x1122334455667788);
	CHECK_EQ(lseek(fd, (long)&word, SEEK_SET), (long)&word);
	CHECK_EQ(read(fd, &value, 4), 4);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), (long)&word + 4);
	close(fd);
	fd = open_of(pid, "/proc/%d/task/%d/mem", O_RDONLY);
	CHECK_EQ(pread(fd, two, sizeof(two), (long)&word), sizeof(two));
	CHECK_EQ(two[0], 6);
	CHECK_ERR(pwrite(fd, two, sizeof(two), (long)&word), EBADF);
	kill_child(pid);
	CHECK_EQ(pread(fd, two, sizeof(two), (long)&word), 0);	/* it has none any more */
	close(fd);
	fd = open("/proc/self/mem", O_RDONLY);
	CHECK_EQ(pread(fd, &value, sizeof(value), (long)&word), sizeof(value));
	CHECK_EQ(value, 5);
	close(fd);
}

static void memory_has_borders(void)
{
	char *pages = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *buffer = malloc(4 * PAGE);
	char *common = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int fd;

	memset(pages, 'x', 4 * PAGE);
	munmap(pages + 3 * PAGE, PAGE);
	pid = traced_child(for_ever);
	fd = open_of(pid, "/proc/%d/mem", O_RDWR);
	CHECK_EQ(pread(fd, buffer, 4 * PAGE, (long)pages + 8), 3 * PAGE - 8);
	CHECK_EQ(buffer[3 * PAGE - 9], 'x');
	CHECK_EQ(pwrite(fd, buffer, 4 * PAGE, (long)pages + PAGE - 8), 2 * PAGE + 8);
	CHECK_ERR(pread(fd, buffer, 8, (long)pages + 3 * PAGE), EIO);
	CHECK_ERR(pwrite(fd, buffer, 8, (long)pages + 3 * PAGE), EIO);
	CHECK_ERR(pread(fd, buffer, 8, 8), EIO);
	CHECK_ERR(pread(fd, buffer, 8, 0x7fffffffffffffff - 8), EIO);
	CHECK_ERR(pwrite(fd, buffer, 8, (long)common), EIO);
	CHECK_EQ(pread(fd, buffer, 0, 8), 0);
	CHECK_ERR(pread(fd, (void *)8, 8, (long)pages), EFAULT);
	CHECK_ERR(pwrite(fd, (void *)8, 8, (long)pages), EFAULT);
	CHECK_ERR(lseek(fd, 0, SEEK_END), EINVAL);
	close(fd);
	kill_child(pid);
}

/* What nobody may use, the program itself included. */
static void forbidden_memory_is_read(void)
{
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), buffer[16] = { 0 };
	pid_t pid;
	int fd;

	memset(pages, 'x', PAGE);
	CHECK_EQ(mprotect(pages, 2 * PAGE, PROT_NONE), 0);
	pid = traced_child(for_ever);
	fd = open_of(pid, "/proc/%d/mem", O_RDONLY);
	CHECK_EQ(pread(fd, buffer, 16, (long)pages + PAGE - 8), 16);
	CHECK(!memcmp(buffer, "xxxxxxxx\0\0\0\0\0\0\0\0", 16));
	CHECK_EQ(peek(pid, pages), 0x7878787878787878);
	close(fd);
	kill_child(pid);
}

/* Run as a program, with the memory of what ran before as its output: nothing is written to it. */
static int write_to_self(void)
{
	long before = word, value = 7;

	return pwrite(1, &value, sizeof(value), (long)&word) != 0 || word != before || pread(1, &value, sizeof(value), (long)&word) != 0;
}

static void run_with_own_memory(void *unused)
{
	int fd = open("/proc/self/mem", O_RDWR);

	(void)unused;
	CHECK(fd >= 0);
	dup2(fd, 1);
	execl("/proc/self/exe", "self", "to-self", NULL);
}

/* What a file was opened for ends with the program, so that a set-id one cannot be made to write to itself. */
static void memory_ends_with_the_program(void)
{
	CHECK_EQ(check_child(run_with_own_memory, NULL), 0);
}

static void open_as_nobody(void *of)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return;
	CHECK_ERR(open_of(*(pid_t *)of, "/proc/%d/mem", O_RDONLY), EACCES);
	CHECK_ERR(open_of(*(pid_t *)of, "/proc/%d/auxv", O_RDONLY), EACCES);
}

static void others_are_kept_out(void)
{
	pid_t pid = check_spawn((void (*)(void *))for_ever, NULL);

	CHECK_EQ(check_child(open_as_nobody, &pid), 0);
	kill_child(pid);
}

static void auxiliary_vector(void)
{
	Elf64_auxv_t vector[64] = { 0 };
	pid_t pid = traced_child(for_ever);
	int fd = open_of(pid, "/proc/%d/auxv", O_RDONLY), count = 0, random = 0;
	ssize_t len = read(fd, vector, sizeof(vector));

	CHECK(len > 0 && len % sizeof(vector[0]) == 0);
	for (; count < 63 && vector[count].a_type != AT_NULL; count++) {
		CHECK_EQ(vector[count].a_un.a_val, getauxval(vector[count].a_type));
		random |= vector[count].a_type == AT_RANDOM;
	}
	CHECK(count > 10 && random);
	close(fd);
	kill_child(pid);
}

/* ---- Places ---- */

/* Run as a program: where things lie. */
static int say_where(void)
{
	int local = 0;
	void *places[] = { &local, (void *)say_where, sbrk(0), mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), (void *)getauxval(AT_RANDOM) };

	return write(1, places, sizeof(places)) != sizeof(places);
}

struct run {
	int out;
	unsigned long personality;
};

static void run_self(void *argument)
{
	const struct run *run = argument;

	CHECK_EQ(personality(run->personality), PER_LINUX);
	CHECK_EQ(personality(0xffffffff), run->personality);
	dup2(run->out, 1);
	/* Also of who inherits it. */
	if (fork() == 0) {
		execl("/proc/self/exe", "self", "where", NULL);
		_exit(1);
	}
	wait(NULL);
}

static void places_of(unsigned long personality, void *places[5])
{
	int ends[2];
	struct run run = { .personality = personality };

	CHECK_EQ(pipe(ends), 0);
	run.out = ends[1];
	CHECK_EQ(check_child(run_self, &run), 0);
	close(ends[1]);
	CHECK_EQ(read(ends[0], places, 5 * sizeof(places[0])), 5 * sizeof(places[0]));
	close(ends[0]);
}

static void programs_lie_at_the_same_place(void)
{
	void *first[5] = { 0 }, *second[5] = { 0 };

	places_of(ADDR_NO_RANDOMIZE, first);
	places_of(ADDR_NO_RANDOMIZE, second);
	for (int i = 0; i < 5; i++)
		CHECK_EQ((long)first[i], (long)second[i]);
	places_of(PER_LINUX, first);
	places_of(PER_LINUX, second);
	for (int i = 0; i < 5; i++)
		CHECK((long)first[i] != (long)second[i]);
}

/* ---- Signals that wait, and restartable sequences ---- */

enum { PEEK_SIGNALS = 0x4209, RSEQ_CONFIGURATION = 0x420f, PEEKED = 3, SENT = 3, SIGNATURE = 0x53053053, RSEQ_SIZE = 32 };
struct which { uint64_t from; uint32_t flags; int32_t count; };

static void block_and_wait(void)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal_self(SIGUSR2);
	for_ever();
}

static void waiting_signals_are_told(void)
{
	pid_t pid = traced_child(block_and_wait);
	struct which own = { 0, 0, PEEKED }, shared = { 0, 1, PEEKED };
	siginfo_t infos[PEEKED];

	CHECK_EQ(CONTINUE(pid, 0), SIGUSR2);
	CHECK_EQ(request(PEEK_SIGNALS, pid, (long)&own, (long)infos), 0);
	for (int i = 0; i < SENT; i++)
		CHECK_EQ(sigqueue(pid, SIGRTMIN, (union sigval){ .sival_int = 40 + i }), 0);
	CHECK_EQ(syscall(SYS_tkill, pid, SIGUSR1), 0);
	CHECK_EQ(request(PEEK_SIGNALS, pid, (long)&own, (long)infos), 1);
	CHECK_EQ(infos[0].si_signo, SIGUSR1);
	CHECK_EQ(infos[0].si_code, SI_TKILL);
	CHECK_EQ(infos[0].si_pid, getpid());
	for (unsigned from = 0; from < SENT + 2; from++) {
		long left = from < SENT ? SENT - from : 0;

		shared.from = from;
		CHECK_EQ(request(PEEK_SIGNALS, pid, (long)&shared, (long)infos), left);
		for (int i = 0; i < left; i++) {
			CHECK_EQ(infos[i].si_signo, SIGRTMIN);
			CHECK_EQ(infos[i].si_code, SI_QUEUE);
			CHECK_EQ(infos[i].si_value.sival_int, 40 + (int)from + i);
		}
	}
	shared = (struct which){ 0, 1, 2 };
	CHECK_EQ(request(PEEK_SIGNALS, pid, (long)&shared, (long)infos), 2);
	CHECK_ERR(request(PEEK_SIGNALS, pid, (long)&shared, 8), EFAULT);
	CHECK_ERR(request(PEEK_SIGNALS, pid, 8, (long)infos), EFAULT);
	shared.count = 0;
	CHECK_EQ(request(PEEK_SIGNALS, pid, (long)&shared, 8), 0);
	shared.count = -1;
	CHECK_ERR(request(PEEK_SIGNALS, pid, (long)&shared, (long)infos), EINVAL);
	shared = (struct which){ 0, 2, 1 };
	CHECK_ERR(request(PEEK_SIGNALS, pid, (long)&shared, (long)infos), EINVAL);
	kill_child(pid);
}

static uint32_t area[RSEQ_SIZE / 4] __attribute__((aligned(RSEQ_SIZE)));

static void register_area(void)
{
	if (syscall(SYS_rseq, area, RSEQ_SIZE, 0, SIGNATURE) < 0)
		_exit(9);
	signal_self(SIGUSR1);
	_exit(8);
}

static void rseq_is_described(void)
{
	struct { uint64_t at; uint32_t size, signature, flags, pad; } told = { .pad = 1 };
	pid_t pid;

	if (!kernel_has(RSEQ))
		return;
	pid = traced_child(register_area);
	CHECK_EQ(request(RSEQ_CONFIGURATION, pid, sizeof told, (long)&told), sizeof told);
	CHECK_EQ(told.at, 0);
	CHECK_EQ(told.size, RSEQ_SIZE);
	CHECK_EQ(told.pad, 0);
	CHECK_EQ(CONTINUE(pid, 0), SIGUSR1);
	CHECK_EQ(request(RSEQ_CONFIGURATION, pid, 2000, (long)&told), sizeof told);
	CHECK_EQ(told.at, (unsigned long)area);
	CHECK_EQ(told.signature, SIGNATURE);
	CHECK_EQ(told.flags, 0);
	told.size = 1;
	CHECK_EQ(request(RSEQ_CONFIGURATION, pid, 8, (long)&told), sizeof told);
	CHECK_EQ(told.size, 1);
	CHECK_ERR(request(RSEQ_CONFIGURATION, pid, sizeof told, 8), EFAULT);
	kill_child(pid);
}

static const struct check_case cases[] = {
	CASE(memory_is_read_and_written), CASE(memory_has_borders), CASE(forbidden_memory_is_read), CASE(memory_ends_with_the_program),
	CASE(others_are_kept_out), CASE(auxiliary_vector), CASE(programs_lie_at_the_same_place),
	CASE(waiting_signals_are_told), CASE(rseq_is_described), { NULL, NULL },
};

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "where"))
		return say_where();
	if (argc == 2 && !strcmp(argv[1], "to-self"))
		return write_to_self();
	return run_cases("ptrace_files", cases, argc, argv);
}
