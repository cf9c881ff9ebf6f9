/* SPDX-License-Identifier: MIT */
/* The vDSO: its symbols as a dynamic loader finds them, called directly and compared with the system calls. */
#include "check.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NS = 1000000000 };

static int (*vdso_gettime)(clockid_t clock, struct timespec *time);
static int (*vdso_getres)(clockid_t clock, struct timespec *resolution);
static int (*vdso_timeofday)(struct timeval *time, void *zone);
static time_t (*vdso_time)(time_t *out);
static int (*vdso_cpu)(unsigned *cpu, unsigned *node, void *cache);

static const ElfW(Dyn) *dynamic_of(uintptr_t base)
{
	const ElfW(Ehdr) *header = (const void *)base;
	const ElfW(Phdr) *segment = (const void *)(base + header->e_phoff);

	for (int i = 0; i < header->e_phnum; i++)
		if (segment[i].p_type == PT_DYNAMIC)
			return (const void *)(base + segment[i].p_vaddr);
	return NULL;
}

static uintptr_t entry(const ElfW(Dyn) *dynamic, uintptr_t base, long tag)
{
	for (; dynamic->d_tag != DT_NULL; dynamic++)
		if (dynamic->d_tag == tag)
			return dynamic->d_un.d_ptr < base ? base + dynamic->d_un.d_ptr : dynamic->d_un.d_ptr;
	return 0;
}

/* Is @version, of a symbol, called LINUX_2.6? */
static int right_version(uintptr_t base, const ElfW(Dyn) *dynamic, unsigned version)
{
	const ElfW(Verdef) *definition = (const void *)entry(dynamic, base, DT_VERDEF);
	const char *names = (const char *)entry(dynamic, base, DT_STRTAB);

	while (definition->vd_ndx != (version & 0x7fff)) {
		if (!definition->vd_next)
			return 0;
		definition = (const void *)((const char *)definition + definition->vd_next);
	}
	return !strcmp(names + ((const ElfW(Verdaux) *)((const char *)definition + definition->vd_aux))->vda_name, "LINUX_2.6");
}

/* By DT_HASH, as musl does. */
static void *find(const char *name)
{
	uintptr_t base = getauxval(AT_SYSINFO_EHDR);
	const ElfW(Dyn) *dynamic = dynamic_of(base);
	const uint32_t *hash = (const void *)entry(dynamic, base, DT_HASH);
	const ElfW(Sym) *symbols = (const void *)entry(dynamic, base, DT_SYMTAB);
	const char *names = (const char *)entry(dynamic, base, DT_STRTAB);
	const uint16_t *versions = (const void *)entry(dynamic, base, DT_VERSYM);

	/* The chains are walked from all buckets: the hash function is the loader's business, that a name is in a chain is the object's. */
	for (uint32_t bucket = 0; bucket < hash[0]; bucket++)
		for (uint32_t i = hash[2 + bucket]; i; i = hash[2 + hash[0] + i])
			if (!strcmp(names + symbols[i].st_name, name) && symbols[i].st_shndx && right_version(base, dynamic, versions[i]))
				return (void *)(base + symbols[i].st_value);
	return NULL;
}

static int bind(void)
{
	if (!CHECK(getauxval(AT_SYSINFO_EHDR) != 0))
		return 0;
	vdso_gettime = find("__vdso_clock_gettime");
	vdso_getres = find("__vdso_clock_getres");
	vdso_timeofday = find("__vdso_gettimeofday");
	vdso_time = find("__vdso_time");
	vdso_cpu = find("__vdso_getcpu");
	return CHECK(vdso_gettime && vdso_getres && vdso_timeofday && vdso_time && vdso_cpu);
}

static long long by_call(clockid_t clock)
{
	struct timespec time = { 0, 0 };

	CHECK_EQ(syscall(SYS_clock_gettime, clock, &time), 0);
	return time.tv_sec * (long long)NS + time.tv_nsec;
}

static long long by_vdso(clockid_t clock)
{
	struct timespec time = { 0, -1 };

	CHECK_EQ(vdso_gettime(clock, &time), 0);
	CHECK(time.tv_nsec >= 0 && time.tv_nsec < NS);
	return time.tv_sec * (long long)NS + time.tv_nsec;
}

static void symbols(void)
{
	bind();
	CHECK(find("clock_gettime") == (void *)vdso_gettime);
	CHECK(find("__vdso_nothing") == NULL);
}

/* Taken in turn, the times never run backwards. */
static void agrees_with_calls(void)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_TAI };

	if (!bind())
		return;
	for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
		long long last = by_call(clocks[i]);
		int backwards = 0;

		for (int turn = 0; turn < 2000; turn++) {
			long long now = turn & 1 ? by_call(clocks[i]) : by_vdso(clocks[i]);

			backwards += now < last;
			last = now;
		}
		CHECK_EQ(backwards, 0);
	}
	CHECK(by_vdso(CLOCK_MONOTONIC_COARSE) <= by_call(CLOCK_MONOTONIC));
	CHECK(by_vdso(CLOCK_REALTIME_COARSE) <= by_call(CLOCK_REALTIME));
}

static void other_numbers(void)
{
	struct timespec time;
	long long before, now, after;

	if (!bind())
		return;
	CHECK_EQ(vdso_gettime(99, &time), -EINVAL);
	CHECK_EQ(vdso_gettime(-12345, &time), -EINVAL);
	CHECK_EQ(vdso_getres(99, &time), -EINVAL);
	CHECK_EQ(vdso_getres(CLOCK_MONOTONIC, NULL), 0);
	CHECK_EQ(vdso_getres(CLOCK_MONOTONIC, &time), 0);
	CHECK(time.tv_sec == 0 && time.tv_nsec == 1);
	before = by_call(CLOCK_THREAD_CPUTIME_ID), now = by_vdso(CLOCK_THREAD_CPUTIME_ID), after = by_call(CLOCK_THREAD_CPUTIME_ID);
	CHECK(before <= now && now <= after);
}

static void wall_clock(void)
{
	struct { int west, dst; } zone = { 7, 7 };
	struct timeval time = { 0, -1 };
	long long before, after;
	time_t seconds = 0, result;

	if (!bind())
		return;
	before = by_call(CLOCK_REALTIME);
	CHECK_EQ(vdso_timeofday(&time, &zone), 0);
	after = by_call(CLOCK_REALTIME);
	CHECK(time.tv_usec >= 0 && time.tv_usec < 1000000);
	CHECK(time.tv_sec * (long long)NS + time.tv_usec * 1000 >= before / 1000 * 1000);
	CHECK(time.tv_sec * (long long)NS + time.tv_usec * 1000 <= after);
	CHECK(zone.west == 0 && zone.dst == 0);
	CHECK_EQ(vdso_timeofday(NULL, NULL), 0);
	before = by_call(CLOCK_REALTIME_COARSE) / NS;
	result = vdso_time(&seconds);
	CHECK(result == seconds && result >= before && result <= by_call(CLOCK_REALTIME) / NS);
	CHECK(vdso_time(NULL) >= result);
}

static void processor(void)
{
	unsigned cpu = 99, node = 99, cpu_by_call = 98, node_by_call = 98;
	cpu_set_t all, one;

	if (!bind())
		return;
	CHECK_EQ(sched_getaffinity(0, sizeof all, &all), 0);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		CHECK_EQ(sched_setaffinity(0, sizeof one, &one), 0);
		CHECK_EQ(vdso_cpu(&cpu, &node, NULL), 0);
		CHECK_EQ(syscall(SYS_getcpu, &cpu_by_call, &node_by_call, NULL), 0);
		CHECK_EQ(cpu, i);
		CHECK_EQ(cpu_by_call, i);
		CHECK_EQ(node, node_by_call);
	}
	CHECK_EQ(vdso_cpu(NULL, NULL, NULL), 0);
}

/* Sets the wall clock to @ns and looks whether both ways of reading it follow, and the monotonic clock does not. */
static void try_setting(long long ns)
{
	struct timespec time = { ns / NS, ns % NS };
	long long monotonic = by_vdso(CLOCK_MONOTONIC), now;

	if (!CHECK_EQ(clock_settime(CLOCK_REALTIME, &time), 0))
		return;
	now = by_vdso(CLOCK_REALTIME);
	CHECK(now >= ns && now < ns + 60LL * NS);
	CHECK(by_call(CLOCK_REALTIME) >= now);
	CHECK(by_vdso(CLOCK_MONOTONIC) - monotonic < 60LL * NS);
}

static void follows_settings(void)
{
	long long start, began;

	if (!bind())
		return;
	start = by_call(CLOCK_REALTIME), began = by_call(CLOCK_MONOTONIC);
	try_setting(start + 1000LL * NS + 999999999);
	try_setting(start + 12345);
	try_setting(2000000000LL * NS + 1);
	try_setting(start);
	try_setting(start + by_call(CLOCK_MONOTONIC) - began);
}

/* Two processes pass a time on through shared memory, many switches long: it never runs backwards. */
static void across_switches(void)
{
	volatile long long *last = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	if (!bind() || !CHECK(last != MAP_FAILED))
		return;
	child = fork();
	for (int turn = 0; turn < 300; turn++) {
		int backwards = 0;

		for (int i = 0; i < 20; i++) {
			long long before = *last, now = i & 1 ? by_call(CLOCK_MONOTONIC) : by_vdso(CLOCK_MONOTONIC);

			backwards += now < before;
			*last = now;
		}
		CHECK_EQ(backwards, 0);
		sched_yield();
	}
	if (!child)
		_exit(0);
	CHECK_EQ(check_wait(child), 0);
}

static void write_to(void *address)
{
	*(volatile char *)address = 1;
}

static void is_not_writable(void)
{
	uintptr_t base = getauxval(AT_SYSINFO_EHDR);

	CHECK_EQ(check_child(write_to, (void *)base), CHECK_KILLED + SIGSEGV);
	CHECK_EQ(check_child(write_to, (void *)(base - 4096)), CHECK_KILLED + SIGSEGV);
}

static void is_in_maps(void)
{
	uintptr_t base = getauxval(AT_SYSINFO_EHDR), start, vvar_end = 0;
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], rights[5];
	int found = 0;

	if (!CHECK(maps != NULL))
		return;
	while (fgets(line, sizeof line, maps)) {
		uintptr_t end;

		if (sscanf(line, "%lx-%lx %4s", &start, &end, rights) != 3)
			continue;
		if (strstr(line, "[vvar")) {	/* newer kernels have more of them */
			CHECK(rights[1] == '-' && rights[2] == '-');
			vvar_end = end;
		}
		if (strstr(line, "[vdso]")) {
			CHECK_EQ(start, base);
			CHECK_EQ(start, vvar_end);
			CHECK_STR(rights, "r-xp");
			found++;
		}
	}
	fclose(maps);
	CHECK_EQ(found, 1);
}

/* Tells the address to whoever ran us. */
static void print_address(void)
{
	printf("%lx\n", getauxval(AT_SYSINFO_EHDR));
}

static void moves(void)
{
	unsigned long first = 0, other;
	int different = 0;

	for (int i = 0; i < 4; i++) {
		FILE *self = popen("/tests/vdso address", "r");

		other = 0;
		CHECK(self && fscanf(self, "%lx", &other) == 1 && other);
		pclose(self);
		first = first ? first : other;
		different += other != first;
	}
	CHECK(different > 0);
}

static const struct check_case cases[] = {
	CASE(symbols), CASE(agrees_with_calls), CASE(other_numbers), CASE(wall_clock), CASE(processor), CASE(follows_settings),
	CASE(across_switches), CASE(is_not_writable), CASE(is_in_maps), CASE(moves), { NULL, NULL },
};

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "address")) {
		print_address();
		return 0;
	}
	return check_main("vdso", cases, argc, argv);
}
