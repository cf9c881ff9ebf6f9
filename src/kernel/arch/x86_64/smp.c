/* SPDX-License-Identifier: MIT */
/*
 * Starting the other CPUs (Intel SDM vol. 3A §8.4.4.1: INIT, 10 ms, start-up, start-up again). All start at the same time; the thread that waits for
 * them sleeps. One that is not up in time is left out: should it come later, it finds itself given up and stops.
 */
#include "arch/x86_64/smp.h"
#include "arch/x86_64/boot_layout.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/entry.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/tlb.h"
#include "debug/checks.h"
#include "debug/trace/rings.h"
#include "init/boot_info.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/kernel_map.h"
#include "sched/clock.h"
#include "sched/scheduler.h"
#include "syscall/syscall.h"
#include "vfs/path_ready.h"

enum { LOW_MEMORY_END = 0xa0000, INIT_MS = 10, RESEND_US = 200, POLL_MS = 1, PATIENCE_MS = 10000, APIC_IDS = 256 };

/* What ap_start.asm finds behind its code. */
struct parameters {
	uint64_t root, entry;
	uint64_t gdt[3];
	struct { uint16_t limit; uint32_t base; } __attribute__((packed)) gdt_pointer;
	struct { uint32_t offset; uint16_t selector; } __attribute__((packed)) far_pointer;
} __attribute__((packed));

struct cpu *ap_cpus[APIC_IDS];		/* by APIC id: who may start; read by ap_start.asm */
uint64_t cpus_online = 1;
static unsigned others_wanted;		/* set once, by smp_start_others */
static uint64_t cpus_to_come;		/* atomic: a bit for each that is waited for, whether it is up already or not */

/* ---- On the CPU that starts ---- */

/* Called by ap_start.asm on the CPU's idle stack, interrupts off. */
__attribute__((noreturn, no_stack_protector)) void ap_main(struct cpu *cpu);

void ap_main(struct cpu *cpu)
{
	uint32_t starting = CPU_STARTING;

	cpu_write_cr3(paging_kernel_root());
	descriptors_init(cpu);
	features_init_cpu();
	paging_init_cpu();
	interrupts_init_cpu();
	syscall_init();
	if (!atomic_compare_exchange(&cpu->start_state, &starting, CPU_STARTED))
		cpu_stop();
	atomic_store(&cpus[cpu->id], cpu);
	atomic_or(&cpus_online, 1ull << cpu->id);
	if (smp_is_stopping())
		cpu_stop();
	tlb_flush_everything_local();	/* nobody has told this CPU what changed before */
	cpu->preempt_count = 0;
	scheduler_idle_loop();
}

/* ---- On the CPU that boots ---- */

/* A page of usable memory that real mode reaches, or 0. All of it is left alone by the frame allocator (mm_init). */
static paddr_t trampoline_page(void)
{
	for (size_t i = 0; i < boot_info.range_count; i++) {
		const struct memory_range *range = &boot_info.ranges[i];
		paddr_t end = MIN(range->end, (paddr_t)LOW_MEMORY_END) & PAGE_MASK;

		if (boot_info.symbols_start < end && boot_info.symbols_end > end - PAGE_SIZE)
			end = boot_info.symbols_start & PAGE_MASK;
		if (range->usable && end >= range->start + PAGE_SIZE && end > PAGE_SIZE)
			return end - PAGE_SIZE;
	}
	return 0;
}

/* The tables that boot.asm made map low memory where it is; the kernel's half is added. */
static paddr_t start_tables(void)
{
	memcpy((uint64_t *)boot_tables + TABLE_USER_ENTRIES, (uint64_t *)phys_to_virt(paging_kernel_root()) + TABLE_USER_ENTRIES,
	       TABLE_USER_ENTRIES * sizeof(uint64_t));
	return kernel_virt_to_phys(boot_tables);
}

static void place_trampoline(paddr_t page)
{
	struct parameters *parameters = phys_to_virt(page + (ap_parameters - ap_trampoline));

	memcpy(phys_to_virt(page), ap_trampoline, ap_trampoline_end - ap_trampoline);
	parameters->root = start_tables();
	parameters->entry = (uint64_t)ap_entry;
	parameters->gdt_pointer.base += page;
	parameters->far_pointer.offset += page;
}

/* Everything that CPU @id will need. NULL when out of memory. */
static struct cpu *prepare(unsigned id, unsigned apic_id)
{
	void *memory = kzalloc(sizeof(struct cpu) + __alignof__(struct cpu));
	struct cpu *cpu = (void *)ROUND_UP((uint64_t)memory, __alignof__(struct cpu));

	if (!memory)
		return NULL;
	cpu->id = id;
	cpu->apic_id = apic_id;
	cpu->preempt_count = 1;
	cpu->stack_canary = this_cpu()->stack_canary;
	cpu->loaded_root = paging_kernel_root();
	if (!descriptors_alloc(cpu) || !heap_init_cpu(id) || !path_ready_init_cpu(cpu) || !scheduler_init_cpu(cpu))
		return NULL;	/* what it has so far is lost; memory that is out at boot has worse consequences */
	cpu->scratch_rsp = (uint64_t)cpu->idle->stack_base + KERNEL_STACK_SIZE;
	return cpu;
}

/* What nr_cpus= leaves of the others. */
static uint64_t others_allowed(void)
{
	uint64_t limit = CPU_MAX;
	char value[16];

	if (command_line_get("nr_cpus", value, sizeof(value)) && (!string_to_u64(value, &limit) || !limit)) {
		log_warning("cpus: nr_cpus=%s is not a number from 1 on, all CPUs are used", value);
		limit = CPU_MAX;
	}
	return MIN(limit, (uint64_t)CPU_MAX) - 1;
}

unsigned smp_others_wanted(void)
{
	return others_wanted;
}

static bool all_started(struct cpu *const *starting, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!(atomic_load(&cpus_online) >> starting[i]->id & 1))
			return false;
	return true;
}

static void sleep_ns(uint64_t ns)
{
	sched_sleep_until(clock_monotonic_ns() + ns, false);
}

/* The debug build keeps the start from CPU N when it is told debug_lost_cpu=N. */
static bool is_kept_back(const struct cpu *cpu)
{
	char value[16];
	uint64_t id;

	return KERNEL_CHECKS && command_line_get("debug_lost_cpu", value, sizeof(value)) && string_to_u64(value, &id) && id == cpu->id;
}

static void send_starts(struct cpu *const *starting, unsigned count, paddr_t page)
{
	for (unsigned i = 0; i < count; i++)
		if (atomic_load(&starting[i]->start_state) == CPU_STARTING && !is_kept_back(starting[i]))
			apic_send_startup(starting[i]->apic_id, page);
}

static void give_up_late(struct cpu *const *starting, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint32_t state = CPU_STARTING;

		if (atomic_compare_exchange(&starting[i]->start_state, &state, CPU_GIVEN_UP))
			log_warning("cpus: CPU %u (APIC id %u) did not start, going on without it", starting[i]->id, starting[i]->apic_id);
	}
}

static void start_all(void)
{
	unsigned apic_ids[CPU_MAX], wanted = others_wanted, count = 0;
	paddr_t page = trampoline_page();
	struct cpu *starting[CPU_MAX];
	uint64_t deadline;

	apic_other_cpus(apic_ids, wanted);
	if (!page) {
		log_warning("cpus: no memory below 640 KiB to start the others from, going on with one");
		return;
	}
	place_trampoline(page);
	for (; count < wanted; count++) {
		starting[count] = prepare(count + 1, apic_ids[count]);
		if (!starting[count]) {
			log_warning("cpus: no memory for more than %u", count + 1);
			break;
		}
		ap_cpus[apic_ids[count]] = starting[count];
		apic_send_init(apic_ids[count]);
	}
	sleep_ns(INIT_MS * NS_PER_MS);
	send_starts(starting, count, page);
	sleep_ns(RESEND_US * NS_PER_US);
	send_starts(starting, count, page);
	deadline = clock_monotonic_ns() + PATIENCE_MS * NS_PER_MS;
	while (!all_started(starting, count) && clock_monotonic_ns() < deadline)
		sleep_ns(POLL_MS * NS_PER_MS);
	give_up_late(starting, count);
	log_info("cpus: %u of %u run", cpus_count(), apic_cpus_there());
}

static void start_others(void *unused)
{
	start_all();
	atomic_store(&cpus_to_come, 0ull);
}

void smp_await(uint64_t mask)
{
	while (atomic_load(&cpus_to_come) & mask & ~atomic_load(&cpus_online))
		sleep_ns(POLL_MS * NS_PER_MS);
}

unsigned cpus_count(void)
{
	unsigned count = 0;

	for (uint64_t rest = atomic_load(&cpus_online); rest; rest &= rest - 1)
		count++;
	return count;
}

void smp_start_others(void)
{
	struct thread *thread;

	others_wanted = MIN(others_allowed(), (uint64_t)apic_other_cpus(NULL, CPU_MAX));
	thread = others_wanted ? thread_create_kernel("cpus", start_others, NULL, CLASS_NORMAL) : NULL;
	if (thread) {
		trace_points_switch(0);		/* before any program runs: that there are others (TRACE_GROUP_CPUS) */
		atomic_store(&cpus_to_come, (2ull << others_wanted) - 2);
		thread_start(thread);
	} else {
		log_info("cpus: 1 of %u runs", apic_cpus_there());
	}
}

/* ---- Interrupts between CPUs ---- */

void smp_send_reschedule(const struct cpu *cpu)
{
	apic_send_vector(cpu->apic_id, VECTOR_RESCHEDULE);
}

static bool stopping;	/* atomic */

void smp_stop_others(void)
{
	uint64_t others;

	atomic_store(&stopping, true);
	/* Those that are just starting could not take it yet: they stop by themselves. */
	others = atomic_load(&cpus_online) & ~(1ull << this_cpu()->id);
	for (; others; others &= others - 1)
		apic_send_nmi(cpus[__builtin_ctzll(others)]->apic_id);
}

bool smp_is_stopping(void)
{
	return atomic_load(&stopping);
}
