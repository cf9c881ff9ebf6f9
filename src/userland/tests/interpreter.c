/* SPDX-License-Identifier: MIT */
/*
 * execve of programs that name an interpreter (PT_INTERP). The programs are made here; their interpreter is this program itself, which is
 * position-independent, or a few instructions that exit.
 */
#include "check.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096, TEXT = 0x1000, DATA = 0x2000, DATA_BYTES = 0x100, BSS_END = 0x5000, FILE_BYTES = 0x3000, NAME_AT = 0x400,
	SEGMENTS = 5, EXIT_PROGRAM = 77, EXIT_INTERPRETER = 78, GARBAGE = 0xa7,
};

/* Where a program at fixed addresses goes; nothing else is there. */
static const uint64_t fixed_base = 0x10000000;

static char self[PATH_MAX];

/* Where this program's own ELF header lies. */
static uintptr_t own_base(void)
{
	uintptr_t base;

	__asm__("lea __ehdr_start(%%rip), %0" : "=r"(base));
	return base;
}

/* A program or an interpreter: header, text that exits, and data with a bss, whose last page in the file ends in garbage. */
struct image {
	union {
		Elf64_Ehdr head;
		unsigned char bytes[FILE_BYTES];
	};
};

static Elf64_Phdr *segment(struct image *image, int index)
{
	return (Elf64_Phdr *)(image->bytes + sizeof image->head) + index;
}

/* mov $@status, %edi; mov $231 (exit_group), %eax; syscall */
static void put_exit(unsigned char *at, int status)
{
	const unsigned char code[] = { 0xbf, status, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05 };

	memcpy(at, code, sizeof code);
}

/* @interpreter: its name, or NULL for none (then the place of its PT_INTERP is a PT_NULL). */
static struct image *make(int type, const char *interpreter, int status)
{
	static struct image image;
	uint64_t base = type == ET_EXEC ? fixed_base : 0;

	memset(&image, 0, sizeof image);
	image.head = (Elf64_Ehdr){
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = type, .e_machine = EM_X86_64,
		.e_version = EV_CURRENT, .e_entry = base + TEXT, .e_phoff = sizeof image.head, .e_ehsize = sizeof image.head,
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = SEGMENTS,
	};
	if (interpreter) {
		strcpy((char *)image.bytes + NAME_AT, interpreter);
		*segment(&image, 0) = (Elf64_Phdr){ PT_INTERP, PF_R, NAME_AT, base + NAME_AT, 0, strlen(interpreter) + 1, strlen(interpreter) + 1, 1 };
	}
	*segment(&image, 1) = (Elf64_Phdr){ PT_LOAD, PF_R, 0, base, 0, TEXT, TEXT, PAGE };
	*segment(&image, 2) = (Elf64_Phdr){ PT_LOAD, PF_R | PF_X, TEXT, base + TEXT, 0, DATA - TEXT, DATA - TEXT, PAGE };
	*segment(&image, 3) = (Elf64_Phdr){ PT_LOAD, PF_R | PF_W, DATA, base + DATA, 0, DATA_BYTES, BSS_END - DATA, PAGE };
	*segment(&image, 4) = (Elf64_Phdr){ PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16 };
	memset(image.bytes + DATA, GARBAGE, FILE_BYTES - DATA);
	put_exit(image.bytes + TEXT, status);
	return &image;
}

static void put_file(const char *name, const void *bytes, size_t size, int mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size && fchmod(fd, mode) == 0 && close(fd) == 0);
}

static void put_image(const char *name, const struct image *image)
{
	put_file(name, image, sizeof *image, 0755);
}

static void do_exec(void *arguments)
{
	char **words = arguments;

	execve(words[0], words + 1, environ);
	_exit(errno);
}

/* The exit status of the program @path, or errno when it cannot be run. */
static int result_of(const char *path)
{
	char *words[] = { (char *)path, "x", NULL };

	return check_child(do_exec, words);
}

/* The same of a program that wants @interpreter. */
static int result_with(const char *interpreter)
{
	put_image("program", make(ET_DYN, interpreter, EXIT_PROGRAM));
	return result_of("./program");
}

/* ---- What the interpreter finds, told by this program as the interpreter ---- */

#define EXPECT(condition) do { if (!(condition)) { fprintf(stderr, "interpreter: not so: %s\n", #condition); return 1; } } while (0)

/* musl's brk() and sbrk() do nothing. Returns where the heap ends. */
static uintptr_t set_brk(uintptr_t end)
{
	return syscall(SYS_brk, end);
}

/* @memory: bytes of the data segment, of which the file has DATA_BYTES. */
static int helper_interpret(const char *path, int type, int memory)
{
	const Elf64_Phdr *segments = (void *)getauxval(AT_PHDR);
	const unsigned char *base = (const unsigned char *)segments - sizeof(Elf64_Ehdr), *data = base + DATA;
	uintptr_t top = set_brk(0);
	char executable[PATH_MAX], wanted[PATH_MAX];

	EXPECT(getauxval(AT_BASE) == own_base());
	EXPECT(getauxval(AT_PHNUM) == SEGMENTS && getauxval(AT_PHENT) == sizeof *segments);
	EXPECT(segments[0].p_type == PT_INTERP && !strcmp((char *)base + NAME_AT, self));
	EXPECT(getauxval(AT_ENTRY) == (uintptr_t)base + TEXT);
	EXPECT(type == ET_DYN || base == (void *)fixed_base);
	EXPECT(!strcmp((char *)getauxval(AT_EXECFN), path) && !getauxval(AT_SECURE));
	EXPECT(realpath("/proc/self/exe", executable) && realpath(path, wanted) && !strcmp(executable, wanted));
	/* Linux clears the last page to its end; glibc's dynamic linker, whose first allocations lie there, needs it. */
	for (int i = 0; i < memory || i % PAGE; i++)
		EXPECT(data[i] == (i < DATA_BYTES ? GARBAGE : 0));
	/* The heap belongs to the program, not to the interpreter. */
	EXPECT(top >= (uintptr_t)data + memory && top < (uintptr_t)base + (1ul << 30));
	EXPECT(set_brk(top + PAGE) == top + PAGE);
	/* Neither lies in the other. */
	EXPECT(own_base() < (uintptr_t)base || own_base() >= top);
	return EXIT_INTERPRETER;
}

static void found(void)
{
	static const int types[] = { ET_DYN, ET_EXEC }, sizes[] = { BSS_END - DATA, DATA_BYTES + 8 };

	for (unsigned i = 0; i < 4; i++) {
		char type[8], size[8], *words[] = { "./program", "x", "--interpret", "./program", type, size, NULL };
		struct image *image = make(types[i % 2], self, EXIT_PROGRAM);

		segment(image, 3)->p_memsz = sizes[i / 2];
		snprintf(type, sizeof type, "%d", types[i % 2]);
		snprintf(size, sizeof size, "%d", sizes[i / 2]);
		put_image("program", image);
		CHECK_EQ(check_child(do_exec, words), EXIT_INTERPRETER);
	}
}

/* The dynamic linker's way: a program, given on its command line, that it maps itself. Here it is only run. */
static void run_directly(void)
{
	char *words[] = { self, "x", "--alone", NULL };

	CHECK_EQ(check_child(do_exec, words), EXIT_INTERPRETER);
}

static int helper_alone(void)
{
	uintptr_t top = set_brk(0);

	EXPECT(getauxval(AT_BASE) == 0);
	EXPECT(getauxval(AT_PHDR) == own_base() + ((Elf64_Ehdr *)own_base())->e_phoff);
	EXPECT(set_brk(top + (1 << 20)) == top + (1 << 20));
	return EXIT_INTERPRETER;
}

/* ---- Which interpreters there may be ---- */

static void kinds(void)
{
	/* At fixed addresses, itself naming an interpreter that is not there, and by way of a symbolic link. */
	put_image("fixed", make(ET_EXEC, NULL, EXIT_INTERPRETER));
	CHECK_EQ(result_with("./fixed"), EXIT_INTERPRETER);
	put_image("nested", make(ET_DYN, "/no/such/interpreter", EXIT_INTERPRETER));
	CHECK_EQ(result_with("./nested"), EXIT_INTERPRETER);
	CHECK_EQ(symlink("nested", "link"), 0);
	CHECK_EQ(result_with("./link"), EXIT_INTERPRETER);
	CHECK_EQ(result_with("link"), EXIT_INTERPRETER);
	/* Execution is what counts, not reading. */
	CHECK_EQ(chmod("nested", 0111), 0);
	CHECK_EQ(result_with("./nested"), EXIT_INTERPRETER);
	/* Without one the program itself runs. */
	CHECK_EQ(result_with(NULL), EXIT_PROGRAM);
}

static void large_alignment(void)
{
	struct image *image = make(ET_DYN, NULL, EXIT_INTERPRETER);

	for (int i = 1; i <= 3; i++)
		segment(image, i)->p_align = 1 << 21;
	put_image("aligned", image);
	CHECK_EQ(result_with("./aligned"), EXIT_INTERPRETER);
	CHECK_EQ(result_of("./aligned"), EXIT_INTERPRETER);
}

static void in_the_way(void *path)
{
	CHECK_EQ(result_with(path), EACCES);
}

static void missing(void)
{
	char folder[] = "folder", plain[] = "./plain";

	put_file("plain", "text", 4, 0644);
	CHECK_EQ(mkdir(folder, 0755), 0);
	CHECK_EQ(symlink("loop", "loop"), 0);
	CHECK_EQ(result_with("/no/such/interpreter"), ENOENT);
	CHECK_EQ(result_with("./plain/x"), ENOTDIR);
	CHECK_EQ(result_with("./loop"), ELOOP);
	in_the_way(plain);
	in_the_way(folder);
	in_the_way("/dev/null");
}

static void busy(void)
{
	int fd;

	put_image("interpreter", make(ET_DYN, NULL, EXIT_INTERPRETER));
	fd = open("interpreter", O_WRONLY);
	CHECK_EQ(result_with("./interpreter"), ETXTBSY);
	close(fd);
	CHECK_EQ(result_with("./interpreter"), EXIT_INTERPRETER);
}

/* ---- Names that are none ---- */

static int result_of_name(uint64_t offset, uint64_t size)
{
	struct image *image = make(ET_DYN, "./interpreter", EXIT_PROGRAM);

	segment(image, 0)->p_offset = offset;
	segment(image, 0)->p_filesz = size;
	put_image("program", image);
	return result_of("./program");
}

static void malformed_names(void)
{
	const int size = sizeof "./interpreter";

	put_image("interpreter", make(ET_DYN, NULL, EXIT_INTERPRETER));
	CHECK_EQ(result_of_name(NAME_AT, size), EXIT_INTERPRETER);
	CHECK_EQ(result_of_name(NAME_AT, size + 5), EXIT_INTERPRETER);		/* more NULs */
	CHECK_EQ(result_of_name(NAME_AT, size - 1), ENOEXEC);			/* no NUL */
	CHECK_EQ(result_of_name(NAME_AT, 0), ENOEXEC);
	CHECK_EQ(result_of_name(NAME_AT + size - 1, 1), ENOEXEC);
	CHECK_EQ(result_of_name(NAME_AT + size - 1, 2), EACCES);		/* an empty name: the working directory */
	CHECK_EQ(result_of_name(NAME_AT, PATH_MAX + 1), ENOEXEC);
	CHECK_EQ(result_of_name(NAME_AT, UINT64_MAX), ENOEXEC);
	CHECK_EQ(result_of_name(FILE_BYTES - 1, 2), EIO);			/* beyond the file's end */
	CHECK_EQ(result_of_name(FILE_BYTES + PAGE, 20), EIO);
}

/* ---- Interpreters that are none ---- */

static int result_of_interpreter(const struct image *image)
{
	put_image("interpreter", image);
	return result_with("./interpreter");
}

static void malformed(void)
{
	struct image *image = make(ET_DYN, NULL, EXIT_INTERPRETER);
	static const char text[] = "#!/bin/sh\n# A script is an interpreter for programs of its own kind only, never for this one.\n";

	put_file("interpreter", image, sizeof image->head - 1, 0755);
	CHECK_EQ(result_with("./interpreter"), EIO);
	put_file("interpreter", text, sizeof text, 0755);
	CHECK_EQ(result_with("./interpreter"), ELIBBAD);
	image = make(ET_DYN, NULL, EXIT_INTERPRETER);
	image->head.e_machine = EM_AARCH64;
	CHECK_EQ(result_of_interpreter(image), ELIBBAD);
	image = make(ET_DYN, NULL, EXIT_INTERPRETER);
	image->head.e_phentsize = 8;
	CHECK_EQ(result_of_interpreter(image), ELIBBAD);
	image = make(ET_DYN, NULL, EXIT_INTERPRETER);
	image->head.e_phnum = 0;
	CHECK_EQ(result_of_interpreter(image), ELIBBAD);
	image = make(ET_DYN, NULL, EXIT_INTERPRETER);
	image->head.e_phoff = FILE_BYTES - 8;
	CHECK_EQ(result_of_interpreter(image), ELIBBAD);
}

/* What is found only when the new memory is already being made: Linux then ends the program, RaeenOS refuses the call. */
static int refused(int result)
{
	return result == ELIBBAD || result == CHECK_KILLED + 11 /* SIGSEGV */;
}

static void malformed_segments(void)
{
	static const uint64_t strange[] = { 0xffff800000000000, 0x7ffffffff000 };
	struct image *image;

	for (unsigned i = 0; i < 2; i++) {
		image = make(ET_DYN, NULL, EXIT_INTERPRETER);
		segment(image, 3)->p_vaddr = strange[i];
		CHECK(refused(result_of_interpreter(image)));
	}
	image = make(ET_DYN, NULL, EXIT_INTERPRETER);
	segment(image, 3)->p_memsz = UINT64_MAX;
	CHECK(refused(result_of_interpreter(image)));
	image = make(ET_DYN, NULL, EXIT_INTERPRETER);
	for (int i = 1; i <= 3; i++)
		segment(image, i)->p_type = PT_NULL;
	CHECK(refused(result_of_interpreter(image)));
	CHECK_EQ(result_of_interpreter(make(ET_DYN, NULL, EXIT_INTERPRETER)), EXIT_INTERPRETER);
}

/* ---- Damage at random ---- */

static void exec_for_a_while(void *arguments)
{
	alarm(10);	/* damaged code may run in circles */
	do_exec(arguments);
}

static void damage(struct image *image, unsigned *state)
{
	static const uint64_t values[] = { 0, 1, 0xfff, 0x1000, 0x7fffffff, 0x7fffffffefff, 0x8000000000000000, UINT64_MAX };
	enum { HEADERS = sizeof(Elf64_Ehdr) + SEGMENTS * sizeof(Elf64_Phdr) };

	for (int i = rand_r(state) % 3; i >= 0; i--) {
		uint64_t value = rand_r(state) % 2 ? values[rand_r(state) % 8] : (uint64_t)rand_r(state) << (rand_r(state) % 34);
		int size = 1 << rand_r(state) % 4, at = rand_r(state) % (HEADERS / 8) * 8;

		memcpy(image->bytes + at, &value, size);
	}
}

/* Programs and interpreters with wrong headers: any error or signal will do, and the next one runs. */
static void damaged(void)
{
	const char *given = getenv("SEED");
	unsigned seed = given ? strtoul(given, NULL, 0) : (unsigned)time(NULL), state = seed;
	char *words[] = { "./program", "x", NULL };

	printf("interpreter: SEED=%u\n", seed);
	for (int round = 0; round < 200; round++) {
		struct image *image = make(ET_DYN, round % 2 ? "./interpreter" : NULL, EXIT_INTERPRETER);

		damage(image, &state);
		put_image(round % 2 ? "program" : "interpreter", image);
		put_image(round % 2 ? "interpreter" : "program", make(ET_DYN, round % 2 ? NULL : "./interpreter", EXIT_PROGRAM));
		CHECK(check_child(exec_for_a_while, words) >= 0);
	}
	put_image("interpreter", make(ET_DYN, NULL, EXIT_INTERPRETER));
	CHECK_EQ(result_with("./interpreter"), EXIT_INTERPRETER);
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(found), CASE(run_directly), CASE(kinds), CASE(large_alignment), CASE(missing), CASE(busy), CASE(malformed_names),
		CASE(malformed), CASE(malformed_segments), CASE(damaged), { NULL, NULL },
	};

	if (argc == 5 && !strcmp(argv[1], "--interpret")) {
		snprintf(self, sizeof self, "%s", getenv("INTERPRETER"));
		return helper_interpret(argv[2], atoi(argv[3]), atoi(argv[4]));
	}
	if (argc == 2 && !strcmp(argv[1], "--alone"))
		return helper_alone();
	if (readlink("/proc/self/exe", self, sizeof self - 1) < 0 || setenv("INTERPRETER", self, 1))
		return 2;
	return check_main("interpreter", cases, argc, argv);
}
