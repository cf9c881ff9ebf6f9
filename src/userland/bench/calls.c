/* SPDX-License-Identifier: MIT */
/*
 * Calls that touch no object, the vDSO, and a signal to oneself.
 */
#include "bench.h"

#include <elf.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

typedef int (*clock_function)(clockid_t clock, struct timespec *time);

static clock_function vdso_clock;
static volatile sig_atomic_t handled;

void run_getppid(unsigned count)
{
	while (count--)
		getppid();
}

/* As any program does it; musl finds the vDSO by itself. */
void run_clock(unsigned count)
{
	struct timespec time;

	while (count--)
		clock_gettime(CLOCK_MONOTONIC, &time);
}

/* The address of @name in the vDSO at @base, or NULL. Its segments are mapped as the file has them. */
static void *find_symbol(const char *base, const char *name)
{
	const Elf64_Ehdr *header = (const void *)base;
	const Elf64_Shdr *section = (const void *)(base + header->e_shoff);

	for (unsigned i = 0; i < header->e_shnum; i++) {
		if (section[i].sh_type != SHT_DYNSYM)
			continue;
		const Elf64_Sym *symbol = (const void *)(base + section[i].sh_offset);
		const char *names = base + section[section[i].sh_link].sh_offset;
		for (size_t n = section[i].sh_size / sizeof(*symbol); n--; symbol++)
			if (symbol->st_shndx != SHN_UNDEF && !strcmp(names + symbol->st_name, name))
				return (void *)(base + symbol->st_value);
	}
	return NULL;
}

void find_vdso_clock(void)
{
	const char *base = (const char *)getauxval(AT_SYSINFO_EHDR);

	vdso_clock = base ? (clock_function)find_symbol(base, "__vdso_clock_gettime") : NULL;
	if (!vdso_clock)
		vdso_clock = clock_gettime;	/* a guest without vDSO: the row then equals the one above */
}

void run_vdso_clock(unsigned count)
{
	struct timespec time;

	while (count--)
		vdso_clock(CLOCK_MONOTONIC, &time);
}

static void on_signal(int number)
{
	(void)number;
	handled++;
}

void prepare_signal(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	MUST(sigaction(SIGUSR1, &action, NULL) == 0);
}

void run_signal(unsigned count)
{
	pid_t self = getpid();
	sig_atomic_t before = handled;

	for (unsigned i = 0; i < count; i++)
		kill(self, SIGUSR1);
	MUST(handled - before == (sig_atomic_t)count);
}
