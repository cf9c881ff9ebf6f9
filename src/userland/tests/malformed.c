/* SPDX-License-Identifier: MIT */
/*
 * Malformed programs of every kind are run: each field of the headers of a small program with each evil value, the file cut at every length, and
 * all of that again for the interpreter that a sound program names. What may come is an error of exec or a signal, never harm to the system;
 * and the kernel must have as many objects as before.
 */
#include "check.h"
#include "leak.h"

#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILE_SIZE = 0x3000, HEADERS = 3, CODE = 0x1000, EXIT_OF_PROGRAM = 7, EXIT_OF_FAILURE = 100 };

struct field { size_t offset, size; };

#define FIELD(type, name) { offsetof(type, name), sizeof(((type *)0)->name) }

static const struct field header_fields[] = {
	{ EI_MAG0, 1 }, { EI_CLASS, 1 }, { EI_DATA, 1 }, { EI_VERSION, 1 }, FIELD(Elf64_Ehdr, e_type), FIELD(Elf64_Ehdr, e_machine),
	FIELD(Elf64_Ehdr, e_version), FIELD(Elf64_Ehdr, e_entry), FIELD(Elf64_Ehdr, e_phoff), FIELD(Elf64_Ehdr, e_phentsize),
	FIELD(Elf64_Ehdr, e_phnum),
};

static const struct field segment_fields[] = {
	FIELD(Elf64_Phdr, p_type), FIELD(Elf64_Phdr, p_flags), FIELD(Elf64_Phdr, p_offset), FIELD(Elf64_Phdr, p_vaddr),
	FIELD(Elf64_Phdr, p_filesz), FIELD(Elf64_Phdr, p_memsz), FIELD(Elf64_Phdr, p_align),
};

static const unsigned long evil[] = {
	0, 1, 2, 3, 0x38, 0xff, 0xfff, 0x1000, 0x1001, FILE_SIZE, FILE_SIZE + 1, 0xffff, 0x10000, 0x400000, 0x401000, 0x7fffffff, 0x80000000,
	0xffffffff, 0x7fffffffe000, 0x7ffffffff000, 0x800000000000, 0xffff800000000000, 0x8000000000000000, -0x400000UL, -0x1000UL, -1UL,
};
enum { EVIL = sizeof evil / sizeof *evil };

static unsigned char file[FILE_SIZE];
static int outcomes[4];		/* ran, refused, killed, strange */

/* A program that exits with EXIT_OF_PROGRAM; all the rest of it is int3. @interpreter may be NULL. */
static void make_sound(const char *interpreter)
{
	static const unsigned char code[] = { 0xb8, 60, 0, 0, 0, 0xbf, EXIT_OF_PROGRAM, 0, 0, 0, 0x0f, 0x05 };
	unsigned long base = interpreter ? 0x400000 : 0x600000;
	const Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_EXEC,
		.e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_entry = base + CODE, .e_phoff = sizeof header,
		.e_ehsize = sizeof header, .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = HEADERS,
	};
	size_t name_size = interpreter ? strlen(interpreter) + 1 : 0;
	const Elf64_Phdr segments[HEADERS] = {
		{ interpreter ? PT_INTERP : PT_NOTE, PF_R, 0x200, base + 0x200, 0, name_size, name_size, 1 },
		{ PT_LOAD, PF_R | PF_X, 0, base, 0, 0x2000, 0x2000, 0x1000 },
		{ PT_LOAD, PF_R | PF_W, 0x2010, base + 0x3010, 0, 0x800, 0x4000, 0x1000 },
	};

	memset(file, 0xcc, sizeof file);
	memcpy(file, &header, sizeof header);
	memcpy(file + sizeof header, segments, sizeof segments);
	memcpy(file + CODE, code, sizeof code);
	if (interpreter)
		memcpy(file + 0x200, interpreter, name_size);
}

static void write_program(const char *name, size_t size)
{
	int out = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	CHECK_EQ(write(out, file, size), size);
	close(out);
}

/* A mutant may loop; the limit is its own, and it is alone in its memory from exec on. */
static void limit_harm(void)
{
	static const struct rlimit cpu = { 2, 2 }, memory = { 256 << 20, 256 << 20 };

	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_AS, &memory);
}

static int run(const char *name)
{
	char *const words[] = { (char *)name, NULL };
	int status = 0;
	pid_t pid = vfork();

	if (pid == 0) {
		limit_harm();
		execve(name, words, words + 1);
		_exit(EXIT_OF_FAILURE + (errno == ENOEXEC || errno == ENOMEM || errno == EINVAL || errno == EIO || errno == ELIBBAD ||
					 errno == EFAULT || errno == ENOENT || errno == EACCES || errno == ENAMETOOLONG ? 0 : errno));
	}
	waitpid(pid, &status, 0);
	return status;
}

/* Runs @name and counts what came. Another exit than the program's own cannot be. */
static void judge(const char *name)
{
	int status = run(name), signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGTRAP || signal == SIGKILL || signal == SIGFPE) {
		outcomes[2]++;
	} else if (!signal && WEXITSTATUS(status) == EXIT_OF_FAILURE) {
		outcomes[1]++;
	} else if (!signal && WEXITSTATUS(status) == EXIT_OF_PROGRAM) {
		outcomes[0]++;
	} else {
		outcomes[3]++;
		printf("%s ended with status %#x\n", name, status);
	}
}

static void corrupt(size_t base, const struct field *fields, size_t count, const char *mutant, const char *program)
{
	for (size_t i = 0; i < count; i++) {
		unsigned char *at = file + base + fields[i].offset, sound[8];

		memcpy(sound, at, fields[i].size);
		for (int k = 0; k < EVIL; k++) {
			memcpy(at, &evil[k], fields[i].size);
			write_program(mutant, FILE_SIZE);
			judge(program);
		}
		memcpy(at, sound, fields[i].size);
	}
}

/* @mutant is changed in every way, @program is run. */
static void try_all(const char *mutant, const char *program)
{
	corrupt(0, header_fields, sizeof header_fields / sizeof *header_fields, mutant, program);
	for (int i = 0; i < HEADERS; i++)
		corrupt(sizeof(Elf64_Ehdr) + i * sizeof(Elf64_Phdr), segment_fields, sizeof segment_fields / sizeof *segment_fields,
			mutant, program);
	for (size_t size = 0; size < FILE_SIZE; size += size < 256 ? 8 : 509) {
		write_program(mutant, size);
		judge(program);
	}
	write_program(mutant, FILE_SIZE);
	CHECK_EQ(WEXITSTATUS(run(program)), EXIT_OF_PROGRAM);
}

static void count_outcomes(void)
{
	CHECK_EQ(outcomes[3], 0);
	CHECK(outcomes[0] > 20);
	/* Where exec finds the interpreter wrong after the point of no return (Linux does), a signal comes in place of an error. */
	CHECK(outcomes[1] + outcomes[2] > 200);
}

static void run_programs(void *unused)
{
	(void)unused;
	make_sound(NULL);
	try_all("program", "./program");
	count_outcomes();
}

static void run_interpreters(void *unused)
{
	(void)unused;
	make_sound("./interpreter");
	write_program("program", FILE_SIZE);
	make_sound(NULL);
	try_all("interpreter", "./program");
	count_outcomes();
}

static void twice(void (*body)(void *argument))
{
	static struct leak_mark mark;

	CHECK_EQ(check_child(body, NULL), 0);
	leak_mark(&mark);
	CHECK_EQ(check_child(body, NULL), 0);
	leak_check(&mark, "running malformed programs once more");
}

static void programs(void)
{
	twice(run_programs);
}

static void interpreters(void)
{
	twice(run_interpreters);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = { CASE(programs), CASE(interpreters), { NULL, NULL } };

	return check_main("malformed", cases, argc, argv);
}
