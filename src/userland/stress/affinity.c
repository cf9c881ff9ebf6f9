/* SPDX-License-Identifier: MIT */
/*
 * affinity: threads under load are moved from CPU to CPU by themselves and by each other. Once sched_setaffinity has returned,
 * its thread runs on a CPU of the mask; the vector and floating-point registers and thread-local variables come along.
 */
#include "stress.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { REGISTERS = 16, VECTOR = 32, SPINS = 2000, LOOKS = 50 };

/* Of each worker; its mask is changed under the lock, between two steps of the sequence. */
static struct seat {
	_Atomic int lock, tid;
	_Atomic uint32_t sequence;	/* odd: the mask is being changed */
	cpu_set_t mask;
} seats[STORM_WORKERS_MAX];
static unsigned seat_count;
static cpu_set_t allowed;
static bool has_avx;
static __thread uint64_t local;

static void pick_mask(struct worker *worker, cpu_set_t *mask)
{
	bool one = storm_pick(worker, 2);
	unsigned count = CPU_COUNT(&allowed), only = storm_pick(worker, count), at = 0;

	CPU_ZERO(mask);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && (at++ == only || (!one && storm_pick(worker, 2))))
			CPU_SET(cpu, mask);
}

static void move(struct worker *worker, struct seat *seat)
{
	cpu_set_t mask, got;
	int tid = seat->tid;

	if (!tid || atomic_exchange(&seat->lock, 1))
		return;
	pick_mask(worker, &mask);
	seat->sequence++;
	if (sched_setaffinity(tid, sizeof mask, &mask) == 0) {
		seat->mask = mask;
		CPU_ZERO(&got);
		EXPECT(sched_getaffinity(tid, sizeof got, &got) == 0 && CPU_EQUAL(&got, &mask), "thread %d has another mask", tid);
	} else {
		EXPECT(errno == ESRCH && seat->tid != tid, "sched_setaffinity(%d)", tid);
	}
	seat->sequence++;
	seat->lock = 0;
}

static void check_place(struct seat *seat)
{
	uint32_t before = seat->sequence;
	cpu_set_t mask = seat->mask;
	unsigned cpu = ~0u, cpu_by_call = ~0u;

	if (before % 2 || seat->sequence != before)
		return;
	cpu = sched_getcpu();
	EXPECT(syscall(SYS_getcpu, &cpu_by_call, NULL, NULL) == 0, "getcpu");
	if (seat->sequence == before)
		EXPECT(CPU_ISSET(cpu, &mask) && CPU_ISSET(cpu_by_call, &mask), "on CPU %u, then %u, outside of the mask (%d CPUs, sequence %u)",
		       cpu, cpu_by_call, CPU_COUNT(&mask), before);
}

/*
 * All vector registers are loaded, then others run (@calls times sched_yield, @spins idle turns), then they are stored. In one
 * piece of assembly, so that the compiler has no use for them in between.
 */
#define EACH_REGISTER(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define LOAD_XMM(n) "movdqu " #n "*32(%[in]), %%xmm" #n "\n"
#define STORE_XMM(n) "movdqu %%xmm" #n ", " #n "*32(%[out])\n"
#define LOAD_YMM(n) "vmovdqu " #n "*32(%[in]), %%ymm" #n "\n"
#define STORE_YMM(n) "vmovdqu %%ymm" #n ", " #n "*32(%[out])\n"
#define LET_OTHERS_RUN \
	"1: mov %[spins], %%r12\n" \
	"2: pause\n dec %%r12\n jnz 2b\n" \
	"mov $24, %%eax\n syscall\n" \
	"dec %[calls]\n jnz 1b\n"
#define CLOBBERS "rax", "rcx", "r11", "r12", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", \
	"xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

static void keep_xmm(const uint8_t *in, uint8_t *out, uint64_t calls, uint64_t spins)
{
	__asm__ volatile(EACH_REGISTER(LOAD_XMM) LET_OTHERS_RUN EACH_REGISTER(STORE_XMM)
			 : [calls] "+r"(calls) : [in] "r"(in), [out] "r"(out), [spins] "r"(spins) : CLOBBERS);
}

static void keep_ymm(const uint8_t *in, uint8_t *out, uint64_t calls, uint64_t spins)
{
	__asm__ volatile(EACH_REGISTER(LOAD_YMM) LET_OTHERS_RUN EACH_REGISTER(STORE_YMM) "vzeroupper\n"
			 : [calls] "+r"(calls) : [in] "r"(in), [out] "r"(out), [spins] "r"(spins) : CLOBBERS);
}

static void check_registers(struct worker *worker)
{
	uint8_t in[REGISTERS][VECTOR], out[REGISTERS][VECTOR];
	uint32_t rounding = storm_pick(worker, 4), control = 0x1f80 | rounding << 13, after;
	uint16_t x87 = 0x037f | rounding << 10, x87_after;
	size_t size = has_avx ? VECTOR : VECTOR / 2;

	for (unsigned i = 0; i < sizeof in / 8; i++)
		((uint64_t *)in)[i] = storm_random(worker);
	__asm__ volatile("ldmxcsr %0\n fldcw %1" : : "m"(control), "m"(x87));
	(has_avx ? keep_ymm : keep_xmm)(in[0], out[0], 1 + storm_pick(worker, 8), 1 + storm_pick(worker, SPINS));
	__asm__ volatile("stmxcsr %0\n fnstcw %1" : "=m"(after), "=m"(x87_after));
	for (unsigned i = 0; i < REGISTERS; i++)
		EXPECT(memcmp(in[i], out[i], size) == 0, "vector register %u has changed: %#lx is %#lx", i, *(long *)in[i], *(long *)out[i]);
	EXPECT((after & ~0x3fu) == control && x87_after == x87, "the control words %#x, %#x are %#x, %#x", control, x87, after, x87_after);
	control = 0x1f80;
	x87 = 0x037f;
	__asm__ volatile("ldmxcsr %0\n fldcw %1" : : "m"(control), "m"(x87));
}

static void change_class(struct worker *worker)
{
	static const int policies[] = { SCHED_OTHER, SCHED_BATCH };
	struct sched_param none = { 0 };
	int policy = policies[storm_pick(worker, 2)], nice = storm_pick(worker, 11);

	EXPECT(syscall(SYS_sched_setscheduler, 0, policy, &none) == 0 && syscall(SYS_sched_getscheduler, 0) == policy, "policy %d", policy);
	EXPECT(setpriority(PRIO_PROCESS, storm_tid(), nice) == 0 && getpriority(PRIO_PROCESS, storm_tid()) == nice, "nice %d", nice);
}

static void work(struct worker *worker)
{
	struct seat *seat = &seats[worker->index];
	uint64_t mark = storm_random(worker);

	seat->mask = allowed;
	local = mark;
	seat->tid = storm_tid();
	while (storm_goes_on(worker)) {
		if (storm_pick(worker, 8) == 0)
			change_class(worker);
		move(worker, storm_pick(worker, 2) ? seat : &seats[storm_pick(worker, seat_count)]);
		for (int i = 0; i < LOOKS; i++) {
			check_place(seat);
			if (i % 16 == 0)
				sched_yield();
		}
		check_registers(worker);
		EXPECT(*(volatile uint64_t *)&local == mark, "a thread-local variable is %#lx", (long)local);
	}
	while (atomic_exchange(&seat->lock, 1))
		sched_yield();
	seat->tid = 0;
	seat->lock = 0;
}

static void run(unsigned workers)
{
	EXPECT(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "sched_getaffinity");
	has_avx = __builtin_cpu_supports("avx");
	seat_count = workers;
	storm_threads(workers, work);
}

const struct storm affinity_storm = { "affinity", "masks changed under load; registers and thread-local variables come along", run, NULL };
