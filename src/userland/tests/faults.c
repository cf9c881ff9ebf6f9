/* SPDX-License-Identifier: MIT */
/* Processor exceptions as signals: number, si_code and si_addr; recovery by siglongjmp; what an unhandled one does. */
#include "check.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf back;
static siginfo_t seen;
static volatile long sink, seen_error;

static void catch(int number, siginfo_t *info, void *context)
{
	(void)number;
	seen = *info;
	seen_error = ((ucontext_t *)context)->uc_mcontext.gregs[REG_ERR];
	siglongjmp(back, 1);
}

static void catch_all(void)
{
	static char stack[65536];
	stack_t other = { .ss_sp = stack, .ss_size = sizeof stack };
	struct sigaction action = { .sa_sigaction = catch, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	CHECK_EQ(sigaltstack(&other, NULL), 0);
	CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
	CHECK_EQ(sigaction(SIGBUS, &action, NULL), 0);
	CHECK_EQ(sigaction(SIGFPE, &action, NULL), 0);
	CHECK_EQ(sigaction(SIGILL, &action, NULL), 0);
	CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
}

/* Runs @statement and checks the signal it raises; evaluated in the caller's frame, so that siglongjmp may return. */
#define FAULTS(statement, number, code, address) do {			\
	memset(&seen, 0, sizeof seen);					\
	if (!sigsetjmp(back, 1)) {					\
		statement;						\
		CHECK(!"no fault: " #statement);			\
	}								\
	CHECK_EQ(seen.si_signo, number);				\
	CHECK_EQ(seen.si_code, code);					\
	CHECK_EQ(seen.si_addr, address);				\
} while (0)

/* An address that the compiler knows nothing about. */
static volatile char *at(long address)
{
	__asm__("" : "+r"(address));
	return (volatile char *)address;
}

static void memory_faults(void)
{
	char *volatile page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	catch_all();
	FAULTS(sink = *at(16), SIGSEGV, SEGV_MAPERR, 16);
	FAULTS(*at(24) = 1, SIGSEGV, SEGV_MAPERR, 24);
	FAULTS(page[5] = 1, SIGSEGV, SEGV_ACCERR, (long)page + 5);
	CHECK_EQ(mprotect(page, 4096, PROT_NONE), 0);
	FAULTS(sink = *(volatile char *)page, SIGSEGV, SEGV_ACCERR, (long)page);
	CHECK_EQ(munmap(page, 4096), 0);
	FAULTS(sink = *(volatile char *)page, SIGSEGV, SEGV_MAPERR, (long)page);
	/* An access over the border names the first byte of the page that is missing. */
	CHECK_EQ(munmap(page + 4096, 4096), 0);
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_EQ(munmap(page + 4096, 4096), 0);
	FAULTS(sink = *(volatile long *)(page + 4092), SIGSEGV, SEGV_MAPERR, (long)page + 4096);
}

static void no_execution(void)
{
	unsigned char *volatile page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char local[16] = { 0xc3 };

	catch_all();
	page[0] = 0xc3;
	FAULTS(((void (*)(void))page)(), SIGSEGV, SEGV_ACCERR, (long)page);
	FAULTS(((void (*)(void))local)(), SIGSEGV, SEGV_ACCERR, (long)local);
	CHECK_EQ(mprotect(page, 4096, PROT_READ | PROT_EXEC), 0);
	((void (*)(void))page)();
	FAULTS(page[0] = 0x90, SIGSEGV, SEGV_ACCERR, (long)page);
	FAULTS(((void (*)(void))at(8))(), SIGSEGV, SEGV_MAPERR, 8);
	FAULTS(*at((long)memory_faults) = 0, SIGSEGV, SEGV_ACCERR, (long)memory_faults);
}

static void kernel_addresses(void)
{
	static const long addresses[] = { 0xffff800000000000, 0xffff888000000000, 0xffffffff80000000, 0xfffffffffffff000 };

	catch_all();
	for (volatile unsigned i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		volatile char *volatile address = at(addresses[i]);

		memset(&seen, 0, sizeof seen);
		if (!sigsetjmp(back, 1)) {
			sink = *address;
			CHECK(!"kernel memory was read");
		}
		CHECK_EQ(seen.si_signo, SIGSEGV);
		CHECK_EQ(seen.si_code, SEGV_MAPERR);
		/* Whether there is memory is not told: always a page that may not be used. */
		CHECK_EQ(seen_error, 5);
		memset(&seen, 0, sizeof seen);
		if (!sigsetjmp(back, 1)) {
			*address = 1;
			CHECK(!"kernel memory was written");
		}
		CHECK_EQ(seen.si_signo, SIGSEGV);
		if (!sigsetjmp(back, 1)) {
			((void (*)(void))address)();
			CHECK(!"kernel memory was executed");
		}
		CHECK_EQ(seen_error, 0x15);
	}
	/* A non-canonical address has no page: the processor tells no address. */
	FAULTS(sink = *at(0x1234567812345678), SIGSEGV, SI_KERNEL, 0);
}

static void arithmetic(void)
{
	volatile int zero = 0, least = -0x7fffffff - 1;

	catch_all();
	memset(&seen, 0, sizeof seen);
	if (!sigsetjmp(back, 1))
		sink = 5 / zero;
	CHECK_EQ(seen.si_signo, SIGFPE);
	CHECK_EQ(seen.si_code, FPE_INTDIV);
	memset(&seen, 0, sizeof seen);
	if (!sigsetjmp(back, 1))
		sink = least / (zero - 1);
	CHECK_EQ(seen.si_signo, SIGFPE);
}

static void instructions(void)
{
	catch_all();
	memset(&seen, 0, sizeof seen);
	if (!sigsetjmp(back, 1))
		__asm__ volatile("ud2");
	CHECK_EQ(seen.si_signo, SIGILL);
	CHECK_EQ(seen.si_code, ILL_ILLOPN);
	CHECK(seen.si_addr != NULL);
	memset(&seen, 0, sizeof seen);
	if (!sigsetjmp(back, 1))
		__asm__ volatile("int3");
	CHECK_EQ(seen.si_signo, SIGTRAP);
	CHECK_EQ(seen.si_code, SI_KERNEL);
	CHECK(seen.si_addr == NULL);
	FAULTS(__asm__ volatile("int $4"), SIGSEGV, SI_KERNEL, 0);
	/* There is no local descriptor table, wherever. */
	FAULTS(__asm__ volatile("mov %w0, %%ds" :: "r"(0x1234)), SIGSEGV, SI_KERNEL, 0);
	memset(&seen, 0, sizeof seen);
	if (!sigsetjmp(back, 1))
		__asm__ volatile("hlt");
	CHECK_EQ(seen.si_signo, SIGSEGV);
	CHECK_EQ(seen.si_code, SI_KERNEL);
	memset(&seen, 0, sizeof seen);
	if (!sigsetjmp(back, 1))
		__asm__ volatile("cli");
	CHECK_EQ(seen.si_signo, SIGSEGV);
	memset(&seen, 0, sizeof seen);
	if (!sigsetjmp(back, 1))
		__asm__ volatile("outb %%al, $0x80" :: "a"(0));
	CHECK_EQ(seen.si_signo, SIGSEGV);
	memset(&seen, 0, sizeof seen);
	if (!sigsetjmp(back, 1))
		__asm__ volatile("mov %%cr3, %%rax" ::: "rax");
	CHECK_EQ(seen.si_signo, SIGSEGV);
}

static void bus_errors(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	char *volatile page;

	catch_all();
	CHECK_EQ(ftruncate(fd, 100), 0);
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	page[50] = 'x';
	CHECK_EQ(page[4000], 0);
	FAULTS(sink = *(volatile char *)(page + 4096), SIGBUS, BUS_ADRERR, (long)page + 4096);
	FAULTS(page[5000] = 1, SIGBUS, BUS_ADRERR, (long)page + 5000);
	/* A shrinking file takes its pages out of mappings. */
	CHECK_EQ(ftruncate(fd, 8192), 0);
	page[5000] = 'y';
	CHECK_EQ(ftruncate(fd, 0), 0);
	FAULTS(sink = *(volatile char *)page, SIGBUS, BUS_ADRERR, (long)page);
}

static int recurse(int level)
{
	volatile char space[4096];

	space[0] = level;
	if (sink == -1)
		return 0;
	return recurse(level + 1) + space[0];
}

static void overflow(void *unused)
{
	(void)unused;
	_exit(recurse(0));
}

static void stack_overflow(void)
{
	struct rlimit limit = { 256 << 10, 256 << 10 };

	CHECK_EQ(check_child(overflow, NULL), CHECK_KILLED + SIGSEGV);
	catch_all();
	CHECK_EQ(setrlimit(RLIMIT_STACK, &limit), 0);
	memset(&seen, 0, sizeof seen);
	if (!sigsetjmp(back, 1))
		recurse(0);
	CHECK_EQ(seen.si_signo, SIGSEGV);
}

/* A blocked or ignored fault kills: it cannot be put off. */
static void fault_blocked(void *unused)
{
	sigset_t all;

	(void)unused;
	catch_all();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	*at(8) = 1;
}

static void fault_ignored(void *unused)
{
	(void)unused;
	signal(SIGSEGV, SIG_IGN);
	*at(8) = 1;
}

/* No stack for the handler's frame: the process ends, the kernel does not loop. */
static void fault_without_stack(void *unused)
{
	struct sigaction action = { .sa_sigaction = catch, .sa_flags = SA_SIGINFO };

	(void)unused;
	sigaction(SIGSEGV, &action, NULL);
	__asm__ volatile("mov $64, %%rsp; push %%rax" ::: "memory");
}

static void not_to_be_put_off(void)
{
	CHECK_EQ(check_child(fault_blocked, NULL), CHECK_KILLED + SIGSEGV);
	CHECK_EQ(check_child(fault_ignored, NULL), CHECK_KILLED + SIGSEGV);
	CHECK_EQ(check_child(fault_without_stack, NULL), CHECK_KILLED + SIGSEGV);
}

/* The handler changes the interrupted context: skip the faulting instruction (3 bytes) and give it a value. */
static void fix_up(int number, siginfo_t *info, void *context)
{
	ucontext_t *frame = context;

	(void)number;
	seen = *info;
	frame->uc_mcontext.gregs[REG_RIP] += 3;
	frame->uc_mcontext.gregs[REG_RAX] = 4711;
}

static void changed_context(void)
{
	struct sigaction action = { .sa_sigaction = fix_up, .sa_flags = SA_SIGINFO };
	long value = 0;

	CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
	__asm__ volatile("mov (%1), %0" : "=a"(value) : "D"(8L));
	CHECK_EQ(value, 4711);
	CHECK_EQ(seen.si_addr, 8);
}

/* Bad values in a context that goes back to the kernel end the process at most. */
static void spoil_rip(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = 0x8000000000000000;
}

static void spoil_flags(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] = -1;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_CSGSFS] = 0;
}

static void spoil_floating(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	((ucontext_t *)context)->uc_mcontext.fpregs = (void *)0xffff800000000000;
}

static void run_spoiled(void *handler)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
}

static void jump_out_of_range(void *unused)
{
	(void)unused;
	__asm__ volatile("mov $0x7fffffffffff, %%rax; jmp *%%rax" ::: "rax");
}

/* sigreturn with a stack that holds no frame. */
static void return_from_nothing(void *unused)
{
	(void)unused;
	__asm__ volatile("xor %%esp, %%esp; mov %0, %%eax; syscall" :: "i"(SYS_rt_sigreturn));
}

static void spoiled_contexts(void)
{
	CHECK_EQ(check_child(run_spoiled, spoil_rip), CHECK_KILLED + SIGSEGV);
	CHECK(check_child(run_spoiled, spoil_flags) >= 0);
	CHECK_EQ(check_child(run_spoiled, spoil_floating), CHECK_KILLED + SIGSEGV);
	CHECK_EQ(check_child(jump_out_of_range, NULL), CHECK_KILLED + SIGSEGV);
	CHECK_EQ(check_child(return_from_nothing, NULL), CHECK_KILLED + SIGSEGV);
}

static int cpu_has(const char *flag)
{
	static char text[65536];
	int fd = open("/proc/cpuinfo", O_RDONLY);
	ssize_t size = read(fd, text, sizeof text - 1);

	close(fd);
	return size > 0 && strstr(text, flag) != NULL;
}

/* With UMIP no program learns where the kernel's tables lie: a fault, or (Linux emulates it) an answer that is always the same. */
static void table_addresses(void)
{
	struct { unsigned short limit; unsigned long base; } __attribute__((packed)) table = { 0, 0 };

	if (!cpu_has(" umip"))
		return;
	for (int which = 0; which < 2; which++) {
		memset(&seen, 0, sizeof seen);
		if (!sigsetjmp(back, 1)) {
			if (which)
				__asm__ volatile("sidt %0" : "=m"(table));
			else
				__asm__ volatile("sgdt %0" : "=m"(table));
			CHECK(table.base == 0xfffffffffffe0000 || table.base == 0xffffffffffff0000);
		} else {
			CHECK_EQ(seen.si_signo, SIGSEGV);
		}
	}
}

static void table_addresses_are_hidden(void)
{
	catch_all();
	table_addresses();
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(memory_faults), CASE(no_execution), CASE(kernel_addresses), CASE(arithmetic), CASE(instructions),
		CASE(bus_errors), CASE(stack_overflow), CASE(not_to_be_put_off), CASE(changed_context),
		CASE(spoiled_contexts), CASE(table_addresses_are_hidden), { NULL, NULL },
	};

	return check_main("faults", cases, argc, argv);
}
