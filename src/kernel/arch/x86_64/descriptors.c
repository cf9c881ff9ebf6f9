/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables. Exceptions that may hit on a bad stack or before SWAPGS (debug, NMI, double fault, machine check) get stacks of
 * their own through the IST (Intel SDM vol. 3A §6.14.5).
 */
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/entry.h"
#include "arch/x86_64/trap.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/kernel_map.h"

enum {
	GDT_ENTRIES = 8,	/* null, kernel code and data, user data and code, TSS (two), CPU number */
	IST_COUNT = 4,
	IST_STACK_SIZE = 8192,
	GATE_INTERRUPT = 0x8e,
	GATE_INTERRUPT_USER = 0xee,
	MSR_EFER = 0xc0000080, MSR_STAR = 0xc0000081, MSR_LSTAR = 0xc0000082, MSR_FMASK = 0xc0000084,
	MSR_GS_BASE = 0xc0000101, MSR_KERNEL_GS_BASE = 0xc0000102,
	FLAGS_CLEARED_ON_SYSCALL = 0x200 | 0x400 | 0x100 | 0x4000 | 0x40000,	/* IF, DF, TF, NT, AC */
};

struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_middle;
	uint32_t offset_high, reserved;
};

struct table_pointer { uint16_t limit; uint64_t base; } __attribute__((packed));

static uint64_t boot_gdt_entries[GDT_ENTRIES];
static struct gate idt[256];
static uint8_t boot_ist[IST_COUNT][IST_STACK_SIZE] __attribute__((aligned(16)));	/* until descriptors_guard_stacks */

static unsigned vector_ist(unsigned vector)
{
	switch (vector) {
	case 1: return 1;	/* debug: may be delayed into the kernel's first instruction by MOV SS */
	case 2: return 2;	/* NMI */
	case 8: return 3;	/* double fault */
	case 18: return 4;	/* machine check */
	default: return 0;
	}
}

static uint64_t vector_entry(unsigned vector)
{
	unsigned interrupt = vector - VECTOR_FIRST_IRQ;

	if (vector < VECTOR_FIRST_IRQ)
		return (uint64_t)exception_stubs + vector * STUB_LEN;
	return (uint64_t)interrupt_stubs + interrupt / GROUP_STUBS * GROUP_LEN + interrupt % GROUP_STUBS * SHORT_STUB_LEN;
}

static void idt_fill(void)
{
	for (unsigned vector = 0; vector < 256; vector++) {
		uint64_t address = vector_entry(vector);
		bool user = vector == 3 || vector == 4;	/* INT3 and INTO may be used by programs */

		idt[vector] = (struct gate){
			.offset_low = address, .offset_middle = address >> 16, .offset_high = address >> 32,
			.selector = SELECTOR_KERNEL_CODE, .ist = vector_ist(vector),
			.type = user ? GATE_INTERRUPT_USER : GATE_INTERRUPT,
		};
	}
}

static void gdt_fill(uint64_t *gdt, struct tss *tss, unsigned cpu)
{
	uint64_t base = (uint64_t)tss;

	gdt[0] = 0;
	gdt[1] = 0x00af9b000000ffff;	/* kernel code, 64-bit */
	gdt[2] = 0x00cf93000000ffff;	/* kernel data */
	gdt[3] = 0x00cff3000000ffff;	/* user data */
	gdt[4] = 0x00affb000000ffff;	/* user code, 64-bit */
	gdt[5] = (sizeof(*tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
	gdt[6] = base >> 32;
	gdt[7] = 0x0040f10000000000 | cpu;	/* read-only for users; LSL tells the limit: vdso_cpu.h */
}

static void load(uint64_t *gdt)
{
	struct table_pointer gdt_pointer = { GDT_ENTRIES * 8 - 1, (uint64_t)gdt };
	struct table_pointer idt_pointer = { sizeof(idt) - 1, (uint64_t)idt };

	__asm__ volatile("lgdt %0; lidt %1" :: "m"(gdt_pointer), "m"(idt_pointer));
	__asm__ volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:" :: "i"(SELECTOR_KERNEL_CODE) : "rax", "memory");
	__asm__ volatile("movw %w0, %%ds; movw %w0, %%es; movw %w0, %%ss" :: "r"(SELECTOR_KERNEL_DATA));
	/* After a reset the local table is all there is at address 0. */
	__asm__ volatile("movw %w0, %%fs; movw %w0, %%gs; lldt %w0" :: "r"(0));
	__asm__ volatile("ltr %w0" :: "r"(SELECTOR_TSS));
}

static void use_boot_tables(struct cpu *cpu)
{
	for (int i = 0; i < IST_COUNT; i++)
		cpu->tss.ist[i] = (uint64_t)boot_ist[i] + IST_STACK_SIZE;
	idt_fill();
	cpu->gdt = boot_gdt_entries;
}

void descriptors_init(struct cpu *cpu)
{
	if (!cpu->gdt)
		use_boot_tables(cpu);
	cpu->tss.io_map = sizeof(struct tss);
	gdt_fill(cpu->gdt, &cpu->tss, cpu->id);
	load(cpu->gdt);
	cpu->self = cpu;
	cpu_write_msr(MSR_GS_BASE, (uint64_t)cpu);
	cpu_write_msr(MSR_KERNEL_GS_BASE, 0);
}

bool descriptors_guard_stacks(struct cpu *cpu)
{
	for (int i = 0; i < IST_COUNT; i++) {
		void *stack = kernel_stack_alloc(IST_STACK_SIZE);

		if (!stack)
			return false;
		cpu->tss.ist[i] = (uint64_t)stack + IST_STACK_SIZE;
	}
	return true;
}

bool descriptors_alloc(struct cpu *cpu)
{
	cpu->gdt = kzalloc(GDT_ENTRIES * sizeof(uint64_t));
	return cpu->gdt && descriptors_guard_stacks(cpu);
}

void syscall_init(void)
{
	cpu_write_msr(MSR_EFER, cpu_read_msr(MSR_EFER) | 1);	/* SCE */
	cpu_write_msr(MSR_STAR, (uint64_t)(SELECTOR_KERNEL_DATA | 3) << 48 | (uint64_t)SELECTOR_KERNEL_CODE << 32);
	cpu_write_msr(MSR_LSTAR, (uint64_t)syscall_entry);
	cpu_write_msr(MSR_FMASK, FLAGS_CLEARED_ON_SYSCALL);
}
