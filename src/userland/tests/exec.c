/* SPDX-License-Identifier: MIT */
/* execve: arguments, limits, scripts, malformed files, close-on-exec, what a new image inherits. */
#include "check.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char self[PATH_MAX];
static char *const no_environment[] = { NULL };

struct exec_call {
	const char *path;
	char *const *arguments;
	char *const *environment;
};

/* The child's exit code is errno when the call fails, 200 when it succeeds without replacing anything. */
static void do_exec(void *argument)
{
	struct exec_call *call = argument;

	execve(call->path, call->arguments, call->environment);
	_exit(errno);
}

static int exec_result(const char *path, char *const *arguments, char *const *environment)
{
	struct exec_call call = { path, arguments, environment };

	return check_child(do_exec, &call);
}

static int exec_error(const char *path)
{
	char *const arguments[] = { "x", NULL };

	return exec_result(path, arguments, no_environment);
}

static void arguments(void)
{
	char *const words[] = { "zero", "--arguments", "a b", "", "\xff\x01", NULL };
	char *const environment[] = { "EMPTY=", "NAME=value=with=marks", NULL };

	CHECK_EQ(exec_result(self, words, environment), 0);
}

static int helper_arguments(int argc, char **argv)
{
	if (argc != 5 || strcmp(argv[0], "zero") || strcmp(argv[2], "a b") || argv[3][0] || strcmp(argv[4], "\xff\x01")
	    || argv[5])
		return 1;
	if (strcmp(getenv("EMPTY"), "") || strcmp(getenv("NAME"), "value=with=marks") || environ[2])
		return 2;
	return 0;
}

enum { LONG = 100000, PERIOD = 251 };

/* Each byte of a long word tells where it is, so that one that is lost shifts the rest. */
static char long_byte(int at)
{
	return 1 + at % PERIOD;
}

/* How many arguments there are; 0 if a byte of the long ones is wrong. */
static int helper_long(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		int at = 0;

		while (at < LONG && argv[i][at] == long_byte(at))
			at++;
		if (at != LONG || argv[i][at])
			return 0;
	}
	return argc;
}

static void limits(void)
{
	enum { MANY = 12 };
	static char longest[LONG + 1], over[131073 + 1];
	char *words[MANY + 3] = { "x", "--long" };
	char *many[40] = { "x", "--long" };

	for (int i = 0; i < LONG; i++)
		longest[i] = long_byte(i);
	memset(over, 'b', sizeof over - 1);
	for (int i = 0; i < MANY; i++)
		words[i + 2] = longest;
	CHECK_EQ(exec_result(self, words, no_environment), MANY + 2);
	/* One string may have 128 KiB with its end; all of them a quarter of the stack's limit of 8 MiB. */
	words[2] = over;
	CHECK_EQ(exec_result(self, words, no_environment), E2BIG);
	for (int i = 0; i < 30; i++)
		many[i + 2] = longest;
	CHECK_EQ(exec_result(self, many, no_environment), E2BIG);
}

/* Not one of the 16 bytes is always zero. */
static void random_bytes(void)
{
	enum { TRIES = 6 };

	for (int at = 0; at < 16; at += 15) {
		char number[4], *const words[] = { "x", "--random", number, NULL };
		int any = 0;

		snprintf(number, sizeof number, "%d", at);
		for (int i = 0; i < TRIES; i++)
			any |= exec_result(self, words, no_environment);
		CHECK(any);
	}
}

static void path_errors(void)
{
	char name[300], deep[5000];

	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	memset(deep, '/', sizeof deep - 1);
	deep[sizeof deep - 1] = '\0';
	check_write_file("plain", "echo no\n", 0644);
	check_write_file("runs", "", 0755);
	CHECK_EQ(symlink("loop", "loop"), 0);
	CHECK_EQ(exec_error("missing"), ENOENT);
	CHECK_EQ(exec_error(""), ENOENT);
	CHECK_EQ(exec_error("plain/x"), ENOTDIR);
	CHECK_EQ(exec_error("plain"), EACCES);
	CHECK_EQ(exec_error("."), EACCES);
	CHECK_EQ(exec_error("/dev/null"), EACCES);
	CHECK_EQ(exec_error("loop"), ELOOP);
	CHECK_EQ(exec_error(name), ENAMETOOLONG);
	CHECK_EQ(exec_error(deep), ENAMETOOLONG);
	CHECK_EQ(exec_error("runs"), ENOEXEC);
	CHECK_EQ(exec_error((const char *)8), EFAULT);
	CHECK_EQ(exec_result(self, (char *const *)8, no_environment), EFAULT);
}

static void write_bytes(const char *path, const void *data, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	CHECK(fd >= 0 && write(fd, data, length) == (ssize_t)length && close(fd) == 0);
}

static void malformed(void)
{
	static unsigned char image[4096];
	Elf64_Ehdr *head = (void *)image;
	Elf64_Phdr *segment = (void *)(image + sizeof *head);
	Elf64_Ehdr good = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_EXEC,
		.e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_entry = 0x400000, .e_phoff = sizeof *head,
		.e_ehsize = sizeof *head, .e_phentsize = sizeof *segment, .e_phnum = 1,
	};

	check_write_file("text", "this is no program\n", 0755);
	CHECK_EQ(exec_error("text"), ENOEXEC);
	*head = good;
	write_bytes("short", image, 20);
	CHECK_EQ(exec_error("short"), ENOEXEC);
	head->e_machine = EM_ARM;
	write_bytes("machine", image, sizeof image);
	CHECK_EQ(exec_error("machine"), ENOEXEC);
	*head = good;
	head->e_type = ET_REL;
	write_bytes("type", image, sizeof image);
	CHECK_EQ(exec_error("type"), ENOEXEC);
	*head = good;
	head->e_phentsize = 8;
	write_bytes("entry_size", image, sizeof image);
	CHECK_EQ(exec_error("entry_size"), ENOEXEC);
	*head = good;
	head->e_phnum = 0;
	write_bytes("no_segments", image, sizeof image);
	CHECK_EQ(exec_error("no_segments"), ENOEXEC);
}

static void script_run(void)
{
	char *const words[] = { "name", "one", "two words", NULL };
	char line[400], text[600];

	snprintf(text, sizeof text, "#!%s --script\n", self);
	check_write_file("script", text, 0755);
	CHECK_EQ(exec_result("./script", words, no_environment), 0);
	snprintf(text, sizeof text, "#! \t%s   --script  \nmore", self);
	check_write_file("script", text, 0755);
	CHECK_EQ(exec_result("./script", words, no_environment), 0);
	check_write_file("outer", "#!./script ignored\n", 0755);
	CHECK_EQ(exec_result("./outer", words, no_environment), 3);
	check_write_file("lost", "#!/no/such/interpreter\n", 0755);
	CHECK_EQ(exec_error("lost"), ENOENT);
	check_write_file("empty", "#!\n", 0755);
	CHECK_EQ(exec_error("empty"), ENOEXEC);
	check_write_file("loop", "#!./loop\n", 0755);
	CHECK_EQ(exec_error("./loop"), ELOOP);
	memset(line, 'x', sizeof line - 1);
	line[sizeof line - 1] = '\0';
	snprintf(text, sizeof text, "#!/%s\n", line);
	check_write_file("long", text, 0755);
	CHECK_EQ(exec_error("long"), ENOEXEC);
	check_write_file("shell", "#!/bin/sh\nexit 23\n", 0755);
	CHECK_EQ(exec_error("shell"), 23);
}

/* As an interpreter: argv is the interpreter, its one argument, the script, then the caller's arguments. */
static int helper_script(int argc, char **argv)
{
	if (argc == 7 && !strcmp(argv[2], "./script"))
		return 3;
	if (argc != 5 || strcmp(argv[0], self) || strcmp(argv[2], "./script") || strcmp(argv[3], "one"))
		return 1;
	return strcmp(argv[4], "two words") ? 2 : 0;
}

static void close_on_exec(void)
{
	int kept = open("/dev/null", O_RDONLY), gone = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int changed = open("/dev/null", O_RDONLY | O_CLOEXEC), dupped = fcntl(gone, F_DUPFD_CLOEXEC, 50);
	int plain = dup(gone);
	char numbers[5][16];
	char *const words[] = { "x", "--descriptors", numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], NULL };

	CHECK_EQ(fcntl(gone, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(changed, F_SETFD, 0), 0);
	CHECK_EQ(fcntl(dupped, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(plain, F_GETFD), 0);
	snprintf(numbers[0], 16, "%d", kept);
	snprintf(numbers[1], 16, "%d", gone);
	snprintf(numbers[2], 16, "%d", changed);
	snprintf(numbers[3], 16, "%d", dupped);
	snprintf(numbers[4], 16, "%d", plain);
	CHECK_EQ(exec_result(self, words, no_environment), 1 | 4 | 16);
}

static int helper_descriptors(int argc, char **argv)
{
	int open_mask = 0;

	for (int i = 2; i < argc; i++)
		if (fcntl(atoi(argv[i]), F_GETFD) >= 0)
			open_mask |= 1 << (i - 2);
	return open_mask;
}

static void ignore(int number)
{
	(void)number;
}

static void signal_state(void)
{
	char *const words[] = { "x", "--signals", NULL };
	sigset_t blocked;
	pid_t child;

	signal(SIGUSR1, ignore);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
	/* A pending signal of the process survives exec, but not fork: the child sends it to itself. */
	child = fork();
	if (child == 0) {
		kill(getpid(), SIGTERM);
		execve(self, words, no_environment);
		_exit(99);
	}
	CHECK_EQ(check_wait(child), 0);
}

static int helper_signals(void)
{
	struct sigaction action;
	sigset_t set;

	if (sigaction(SIGUSR1, NULL, &action) || action.sa_handler != SIG_DFL)
		return 1;
	if (sigaction(SIGUSR2, NULL, &action) || action.sa_handler != SIG_IGN)
		return 2;
	if (sigprocmask(SIG_BLOCK, NULL, &set) || !sigismember(&set, SIGTERM) || sigismember(&set, SIGINT))
		return 3;
	if (sigpending(&set) || !sigismember(&set, SIGTERM))
		return 4;
	return 0;
}

static void inheritance(void)
{
	char *const words[] = { "x", "--identity", NULL };
	char number[16], *environment[] = { number, NULL };
	struct exec_call call = { self, words, environment };
	pid_t child;

	umask(027);
	child = fork();
	if (child == 0) {
		snprintf(number, sizeof number, "PID=%d", getpid());
		do_exec(&call);
	}
	CHECK_EQ(check_wait(child), 0);
}

static int helper_identity(char **argv)
{
	char path[PATH_MAX], line[64];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	int fd = open("/proc/self/cmdline", O_RDONLY);
	unsigned char *random = (void *)getauxval(AT_RANDOM);
	Elf64_Phdr *segments = (void *)getauxval(AT_PHDR);

	(void)argv;
	if (getpid() != atoi(getenv("PID")))
		return 1;
	if (umask(0) != 027)
		return 2;
	if (length < 0 || (path[length] = '\0', strcmp(path, self)))
		return 3;
	if (read(fd, line, sizeof line) != 13 || memcmp(line, "x\0--identity", 13))
		return 4;
	if (getauxval(AT_PAGESZ) != 4096 || !random || getauxval(AT_SECURE) || strcmp((char *)getauxval(AT_EXECFN), self))
		return 5;
	if (!segments || getauxval(AT_PHENT) != sizeof *segments || !getauxval(AT_PHNUM) || !getauxval(AT_ENTRY))
		return 6;
	return getauxval(AT_UID) || getauxval(AT_EGID) ? 7 : 0;
}

/* What a program writes over its arguments is what /proc tells of them. Up to its last byte they are what they were, else a string. */
static void titles(void)
{
	static char large[6000];
	char *const words[] = { "x", "--title", "third", NULL }, *const environment[] = { "A=b", large, NULL };

	memset(large, 'E', sizeof large - 1);
	CHECK_EQ(exec_result(self, words, environment), 0);
}

/* The bytes of /proc/self/cmdline. */
static ssize_t command_line(char *text, size_t size)
{
	int fd = open("/proc/self/cmdline", O_RDONLY);
	ssize_t length = read(fd, text, size);

	close(fd);
	return length;
}

static int helper_title(char **argv)
{
	enum { SIZE = sizeof "x" + sizeof "--title" + sizeof "third" };
	static char text[8192];
	char *start = argv[0];

	if (environ[0] != start + SIZE)
		return 1;
	memcpy(start, "name\0rest", 9);
	if (command_line(text, sizeof text) != SIZE || memcmp(text, "name\0rest\0third", SIZE))
		return 2;
	memset(start + 5, ' ', SIZE - 5);	/* the last NUL is gone */
	if (command_line(text, sizeof text) != 5 || memcmp(text, "name", 5))
		return 3;
	start[4] = ' ';				/* and it goes on in the environment */
	if (command_line(text, sizeof text) != SIZE + 4 || memcmp(text + SIZE - 1, " A=b", 5))
		return 4;
	environ[0][3] = ' ';
	if (command_line(text, sizeof text) != 4096 || memcmp(text + SIZE - 1, " A=b EEE", 8) || text[4095] != 'E')
		return 5;
	start[SIZE - 1] = '\0';
	return command_line(text, sizeof text) == SIZE ? 0 : 6;
}

/* fexecve(): execveat with an empty path. A file in memory has no path that could be used instead. */
/* What the interpreter ./i writes to the file "said": its arguments, each with a bar behind it. */
static int helper_said(int argc, char **argv)
{
	FILE *file = fopen("said", "w");

	for (int i = 0; i < argc; i++)
		fprintf(file, "%s|", argv[i]);
	return fclose(file);
}

static const char *read_said(void)
{
	static char said[600];
	int fd = open("said", O_RDONLY);
	ssize_t len = read(fd, said, sizeof said - 1);

	said[len < 0 ? 0 : len] = '\0';
	close(fd);
	return said;
}

/* Runs the script ./s of @len bytes: what its interpreter says, or the name of the error. */
static const char *script_says(const char *text, size_t len)
{
	char *const words[] = { "zero", "one", NULL };
	int fd = open("s", O_WRONLY | O_CREAT | O_TRUNC, 0755), error;

	CHECK_EQ(write(fd, text, len), len);
	close(fd);
	error = exec_result("./s", words, no_environment);
	if (error)
		return error == ENOEXEC ? "ENOEXEC" : error == ENOENT ? "ENOENT" : error == EACCES ? "EACCES" : strerror(error);
	return read_said();
}

static void script_lines(void)
{
#define LINE(text, says) { text, sizeof text - 1, says }
	static const struct { const char *text; size_t len; const char *says; } lines[] = {
		LINE("#!./i\n", "./i|./s|one|"), LINE("#!./i", "./i|./s|one|"), LINE("#!./i  ", "./i||./s|one|"), LINE("#! \t./i \t \n", "./i|./s|one|"),
		LINE("#!./i  x \t y \t\nz", "./i|x \t y|./s|one|"), LINE("#!./i x\r\n", "./i|x\r|./s|one|"), LINE("#!./i\r\n", "ENOENT"),
		LINE("#!\n./i\n", "ENOEXEC"), LINE("#! \n", "ENOEXEC"), LINE(" #!./i\n", "ENOEXEC"), LINE("#!", "EACCES"), LINE("#!\0./i\n", "EACCES"),
		/* Before a NUL no line ends: what follows are bytes like others, and the first string of them is taken. */
		LINE("#!./i\0x\n", "./i|./s|one|"), LINE("#!./i x\0y\n", "./i|x|./s|one|"), LINE("#!./i x \0 y\n", "./i|x |./s|one|"),
		LINE("#!./i \0 y\n", "./i||./s|one|"), LINE("#!.\n", "EACCES"), LINE("#!./i/ x\n", "Not a directory"),
	};

	CHECK_EQ(symlink(self, "i"), 0);
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		CHECK_STR(script_says(lines[i].text, lines[i].len), lines[i].says);
}

/* Of a line that goes on 255 bytes are used, if it is seen among 256 that they hold the interpreter's whole name. */
static void long_script_lines(void)
{
	char text[400], want[400];

	CHECK_EQ(symlink(self, "i"), 0);
	for (int len = 253; len < 260; len++) {
		int used = (len < 255 ? len : 255) - 6;

		memset(text, 'x', sizeof text);
		memcpy(text, "#!./i ", 6);
		text[len] = '\n';
		snprintf(want, sizeof want, "./i|%.*s|./s|one|", used, text + 6);
		CHECK_STR(script_says(text, sizeof text), want);
	}
	for (int begin = 250; begin < 256; begin++) {
		memset(text, ' ', sizeof text);
		memcpy(text, "#!", 2);
		memcpy(text + begin, "./i x\n", 6);
		CHECK_STR(script_says(text, sizeof text), begin < 251 ? "./i|x|./s|one|" : begin < 253 ? "./i|./s|one|" : "ENOEXEC");
	}
}

static int run_by_descriptor(int fd, const char *name, int flags)
{
	char *const words[] = { "zero", "one", NULL };
	pid_t child = fork();

	if (child == 0) {
		syscall(SYS_execveat, fd, name, words, no_environment, flags);
		_exit(errno);
	}
	return check_wait(child);
}

/* The interpreter opens a script by way of the descriptor. */
static void script_by_descriptor(void)
{
	int kept, closed, folder = open(".", O_RDONLY | O_CLOEXEC), none = open(self, O_RDONLY | O_CLOEXEC);
	char path[64], want[64];

	CHECK_EQ(symlink(self, "i"), 0);
	check_write_file("s", "#!./i x\n", 0755);
	kept = open("s", O_RDONLY);
	closed = open("s", O_RDONLY | O_CLOEXEC);
	CHECK_EQ(run_by_descriptor(kept, "", AT_EMPTY_PATH), 0);
	snprintf(want, sizeof want, "./i|x|/dev/fd/%d|one|", kept);
	CHECK_STR(read_said(), want);
	CHECK_EQ(run_by_descriptor(closed, "", AT_EMPTY_PATH), ENOENT);
	CHECK_EQ(run_by_descriptor(folder, "s", 0), ENOENT);
	CHECK_EQ(run_by_descriptor(AT_FDCWD, "s", 0), 0);
	snprintf(path, sizeof path, "%s/s", getcwd((char[50]){ 0 }, 50));
	CHECK_EQ(run_by_descriptor(closed, path, 0), 0);
	CHECK_EQ(fcntl(folder, F_SETFD, 0), 0);
	CHECK_EQ(run_by_descriptor(folder, "s", 0), 0);
	snprintf(want, sizeof want, "./i|x|/dev/fd/%d/s|one|", folder);
	CHECK_STR(read_said(), want);
	/* What is no script needs no descriptor. */
	CHECK_EQ(run_by_descriptor(none, "", AT_EMPTY_PATH), 2);
	CHECK_EQ(run_by_descriptor(folder, "i", AT_SYMLINK_NOFOLLOW), ELOOP);
	CHECK_EQ(run_by_descriptor(folder, "i", 1), EINVAL);
}

static void by_descriptor(void)
{
	int fd = open(self, O_RDONLY | O_CLOEXEC), folder = open("/bin", O_RDONLY | O_DIRECTORY);
	char *const words[] = { "x", "--count", "y", NULL };
	char *const shell[] = { "sh", "-c", "exit 9", NULL };
	pid_t child = fork();

	if (child == 0) {
		syscall(SYS_execveat, fd, "", words, no_environment, AT_EMPTY_PATH);
		_exit(errno);
	}
	CHECK_EQ(check_wait(child), 3);
	child = fork();
	if (child == 0) {
		syscall(SYS_execveat, folder, "sh", shell, no_environment, 0);
		_exit(errno);
	}
	CHECK_EQ(check_wait(child), 9);
	child = fork();
	if (child == 0) {
		syscall(SYS_execveat, 999, "sh", shell, no_environment, 0);
		_exit(errno);
	}
	CHECK_EQ(check_wait(child), EBADF);
}

static void busy_text(void)
{
	int fd;

	check_write_file("script", "#!/bin/sh\nexit 0\n", 0755);
	fd = open("script", O_WRONLY);
	CHECK_EQ(exec_error("./script"), ETXTBSY);
	close(fd);
	CHECK_EQ(exec_error("./script"), 0);
	CHECK_ERR(open(self, O_WRONLY), ETXTBSY);
	CHECK_ERR(open("/proc/self/exe", O_RDWR), ETXTBSY);
}

static void read_fs_base(void *unused)
{
	unsigned long base;

	(void)unused;
	__asm__ volatile("rdfsbase %0" : "=r"(base));
}

/* What the auxiliary vector says of the CPU's instructions is so. */
static void announced_instructions(void)
{
	enum { FSGSBASE = 2 };

	if (getauxval(AT_HWCAP2) & FSGSBASE)
		CHECK_EQ(check_child(read_fs_base, NULL), 0);
	else
		CHECK_EQ(check_child(read_fs_base, NULL), CHECK_KILLED + SIGILL);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(arguments), CASE(limits), CASE(random_bytes), CASE(path_errors), CASE(malformed), CASE(script_run), CASE(script_lines),
		CASE(long_script_lines), CASE(script_by_descriptor), CASE(close_on_exec),
		CASE(signal_state), CASE(inheritance), CASE(titles), CASE(by_descriptor), CASE(busy_text),
		CASE(announced_instructions), { NULL, NULL },
	};
	const char *helper = argc > 1 ? argv[1] : "";
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

	self[length < 0 ? 0 : length] = '\0';
	if (!strcmp(argv[0], "./i"))
		return helper_said(argc, argv);
	if (!strcmp(argv[0], "zero") && argc == 2 && !strcmp(helper, "one"))
		return argc;
	if (!strcmp(helper, "--arguments"))
		return helper_arguments(argc, argv);
	if (!strcmp(helper, "--count"))
		return argc;
	if (!strcmp(helper, "--long"))
		return helper_long(argc, argv);
	if (!strcmp(helper, "--random"))
		return ((unsigned char *)getauxval(AT_RANDOM))[atoi(argv[2])];
	if (!strcmp(helper, "--script"))
		return helper_script(argc, argv);
	if (!strcmp(helper, "--descriptors"))
		return helper_descriptors(argc, argv);
	if (!strcmp(helper, "--signals"))
		return helper_signals();
	if (!strcmp(helper, "--identity"))
		return helper_identity(argv);
	if (!strcmp(helper, "--title"))
		return helper_title(argv);
	return check_main("exec", cases, argc, argv);
}
