/* SPDX-License-Identifier: MIT */
/*
 * Local APIC and I/O APIC (Intel SDM vol. 3A chapter 11; 82093AA datasheet). The MADT says where they are and which global interrupt
 * each ISA interrupt is wired to (madt.h).
 */
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/io.h"
#include "arch/x86_64/madt.h"
#include "lib/log.h"
#include "mm/kernel_map.h"

enum {
	MSR_APIC_BASE = 0x1b, APIC_BASE_ENABLE = 1 << 11,
	LAPIC_ID = 0x20, LAPIC_COMMAND_LOW = 0x300, LAPIC_COMMAND_HIGH = 0x310,
	COMMAND_NMI = 4 << 8, COMMAND_INIT = 5 << 8, COMMAND_STARTUP = 6 << 8, COMMAND_PENDING = 1 << 12, COMMAND_ASSERT = 1 << 14,
	LAPIC_TASK_PRIORITY = 0x80, LAPIC_END = 0xb0, LAPIC_SPURIOUS = 0xf0, LAPIC_TIMER = 0x320, LAPIC_LINT0 = 0x350,
	LAPIC_LINT1 = 0x360, LAPIC_TIMER_INITIAL = 0x380, LAPIC_TIMER_CURRENT = 0x390, LAPIC_TIMER_DIVIDE = 0x3e0,
	LAPIC_ENABLE = 1 << 8, LAPIC_MASKED = 1 << 16, LAPIC_NMI = 4 << 8, DIVIDE_BY_16 = 3,
	IOAPIC_SELECT = 0x00, IOAPIC_WINDOW = 0x10, IOAPIC_VERSION = 1, IOAPIC_REDIRECTION = 0x10,
	REDIRECTION_MASKED = 1 << 16, REDIRECTION_LEVEL = 1 << 15, REDIRECTION_LOW = 1 << 13,
};

static volatile char *lapic;
static struct { volatile char *registers; uint32_t base, count; } ioapics[MADT_IOAPIC_MAX];
static size_t ioapic_count;
static struct madt_machine machine;

static uint32_t ioapic_read(volatile char *registers, uint32_t index)
{
	mmio_write32(registers + IOAPIC_SELECT, index);
	return mmio_read32(registers + IOAPIC_WINDOW);
}

static void ioapic_write(volatile char *registers, uint32_t index, uint32_t value)
{
	mmio_write32(registers + IOAPIC_SELECT, index);
	mmio_write32(registers + IOAPIC_WINDOW, value);
}

static void set_up_ioapic(uint32_t address, uint32_t base)
{
	volatile char *registers = kernel_map_physical(address, PAGE_SIZE, MAP_UNCACHED);
	uint32_t count;

	if (!registers)
		return;
	count = (ioapic_read(registers, IOAPIC_VERSION) >> 16 & 0xff) + 1;
	for (uint32_t i = 0; i < count; i++)
		ioapic_write(registers, IOAPIC_REDIRECTION + 2 * i, REDIRECTION_MASKED);
	ioapics[ioapic_count].registers = registers;
	ioapics[ioapic_count].base = base;
	ioapics[ioapic_count++].count = count;
}

void apic_init_cpu(void)
{
	cpu_write_msr(MSR_APIC_BASE, cpu_read_msr(MSR_APIC_BASE) | APIC_BASE_ENABLE);
	mmio_write32(lapic + LAPIC_SPURIOUS, LAPIC_ENABLE | VECTOR_SPURIOUS);
	mmio_write32(lapic + LAPIC_TASK_PRIORITY, 0);
	mmio_write32(lapic + LAPIC_LINT0, LAPIC_MASKED);
	mmio_write32(lapic + LAPIC_LINT1, LAPIC_NMI);
	mmio_write32(lapic + LAPIC_TIMER_DIVIDE, DIVIDE_BY_16);
	mmio_write32(lapic + LAPIC_TIMER, VECTOR_TIMER);
	mmio_write32(lapic + LAPIC_TIMER_INITIAL, 0);
}

bool apic_init(void)
{
	const struct madt *madt = (const struct madt *)acpi_find_table("APIC");
	uint32_t leaf1[4];

	cpuid(1, 0, leaf1);
	if (!(leaf1[3] & 1 << 9) || !madt || madt->header.length < sizeof(*madt)) {
		log_notice("interrupts: no APIC or no MADT, using the 8259");
		return false;
	}
	madt_read(madt, &machine);
	if (machine.cpus_left_out)
		log_warning("cpus: %u left out: beyond %u, or APIC id above 254", machine.cpus_left_out, CPU_MAX);
	for (unsigned i = 0; i < machine.ioapic_count; i++)
		set_up_ioapic(machine.ioapics[i].address, machine.ioapics[i].base);
	if (!ioapic_count) {
		log_notice("interrupts: the MADT names no I/O APIC, using the 8259");
		return false;
	}
	lapic = kernel_map_physical(machine.lapic_address, PAGE_SIZE, MAP_UNCACHED);
	if (!lapic)
		return false;
	apic_init_cpu();
	this_cpu()->apic_id = mmio_read32(lapic + LAPIC_ID) >> 24;
	return true;
}

static void apic_enable(unsigned isa_irq)
{
	uint32_t global = machine.routes[isa_irq].global;
	uint16_t flags = machine.routes[isa_irq].flags;
	uint32_t low = VECTOR_ISA_BASE + isa_irq;

	/* MPS INTI flags: polarity 3 is active low, trigger 3 is level; 0 conforms to ISA: high, edge. */
	if ((flags & 3) == 3)
		low |= REDIRECTION_LOW;
	if ((flags >> 2 & 3) == 3)
		low |= REDIRECTION_LEVEL;
	for (size_t i = 0; i < ioapic_count; i++) {
		if (global < ioapics[i].base || global >= ioapics[i].base + ioapics[i].count)
			continue;
		ioapic_write(ioapics[i].registers, IOAPIC_REDIRECTION + 2 * (global - ioapics[i].base) + 1, this_cpu()->apic_id << 24);
		ioapic_write(ioapics[i].registers, IOAPIC_REDIRECTION + 2 * (global - ioapics[i].base), low);
	}
}

static void apic_end(unsigned vector)
{
	mmio_write32(lapic + LAPIC_END, 0);
}

static bool apic_is_spurious(unsigned vector)
{
	return vector == VECTOR_SPURIOUS;
}

unsigned apic_other_cpus(unsigned *ids, unsigned max)
{
	unsigned count = 0, self = cpus[0]->apic_id;

	for (unsigned i = 0; i < machine.cpu_count && count < max; i++) {
		if (!interrupts_use_apic() || machine.cpu_ids[i] == self)
			continue;
		if (ids)
			ids[count] = machine.cpu_ids[i];
		count++;
	}
	return count;
}

unsigned apic_cpus_there(void)
{
	return apic_other_cpus(NULL, CPU_MAX) + 1 + machine.cpus_left_out;
}

static void send(unsigned apic_id, uint32_t command)
{
	uint64_t flags = interrupts_save();

	while (mmio_read32(lapic + LAPIC_COMMAND_LOW) & COMMAND_PENDING)
		cpu_relax();
	mmio_write32(lapic + LAPIC_COMMAND_HIGH, apic_id << 24);
	mmio_write32(lapic + LAPIC_COMMAND_LOW, command | COMMAND_ASSERT);
	interrupts_restore(flags);
}

void apic_send_init(unsigned apic_id)
{
	send(apic_id, COMMAND_INIT);
}

void apic_send_startup(unsigned apic_id, paddr_t page)
{
	send(apic_id, COMMAND_STARTUP | page >> PAGE_SHIFT);
}

void apic_send_vector(unsigned apic_id, unsigned vector)
{
	send(apic_id, vector);
}

void apic_send_nmi(unsigned apic_id)
{
	send(apic_id, COMMAND_NMI);
}

void apic_timer_start(uint64_t ticks)
{
	mmio_write32(lapic + LAPIC_TIMER_INITIAL, MIN(MAX(ticks, 1ull), 0xffffffffull));
}

uint32_t apic_timer_count(void)
{
	return mmio_read32(lapic + LAPIC_TIMER_CURRENT);
}

const struct interrupt_controller apic_controller = { "local APIC and I/O APIC", apic_enable, apic_end, apic_is_spurious };
