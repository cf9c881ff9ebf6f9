/* SPDX-License-Identifier: MIT */
/*
 * Local APIC and I/O APIC (Intel SDM vol. 3A chapter 11; 82093AA datasheet). The MADT says where they are and which global interrupt
 * each ISA interrupt is wired to (ACPI 6.4 §5.2.12).
 */
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/io.h"
#include "drivers/acpi/acpi.h"
#include "lib/log.h"
#include "mm/kernel_map.h"

enum {
	MSR_APIC_BASE = 0x1b, APIC_BASE_ENABLE = 1 << 11,
	LAPIC_ID = 0x20, LAPIC_COMMAND_LOW = 0x300, LAPIC_COMMAND_HIGH = 0x310,
	COMMAND_NMI = 4 << 8, COMMAND_INIT = 5 << 8, COMMAND_STARTUP = 6 << 8, COMMAND_PENDING = 1 << 12, COMMAND_ASSERT = 1 << 14,
	COMMAND_ALL_OTHERS = 3 << 18, LAPIC_TASK_PRIORITY = 0x80, LAPIC_END = 0xb0, LAPIC_SPURIOUS = 0xf0, LAPIC_TIMER = 0x320, LAPIC_LINT0 = 0x350,
	LAPIC_LINT1 = 0x360, LAPIC_TIMER_INITIAL = 0x380, LAPIC_TIMER_CURRENT = 0x390, LAPIC_TIMER_DIVIDE = 0x3e0,
	LAPIC_ENABLE = 1 << 8, LAPIC_MASKED = 1 << 16, LAPIC_NMI = 4 << 8, DIVIDE_BY_16 = 3,
	IOAPIC_SELECT = 0x00, IOAPIC_WINDOW = 0x10, IOAPIC_VERSION = 1, IOAPIC_REDIRECTION = 0x10,
	REDIRECTION_MASKED = 1 << 16, REDIRECTION_LEVEL = 1 << 15, REDIRECTION_LOW = 1 << 13,
	MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_ADDRESS = 5, LAPIC_USABLE = 1,
	IOAPIC_MAX = 8,
};

struct madt { struct acpi_header header; uint32_t lapic_address, flags; } __attribute__((packed));
struct madt_entry { uint8_t type, length; } __attribute__((packed));
struct madt_lapic { struct madt_entry entry; uint8_t processor, id; uint32_t flags; } __attribute__((packed));
struct madt_ioapic { struct madt_entry entry; uint8_t id, reserved; uint32_t address, base; } __attribute__((packed));
struct madt_override { struct madt_entry entry; uint8_t bus, source; uint32_t global; uint16_t flags; } __attribute__((packed));
struct madt_lapic_address { struct madt_entry entry; uint16_t reserved; uint64_t address; } __attribute__((packed));

static volatile char *lapic;
static struct { volatile char *registers; uint32_t base, count; } ioapics[IOAPIC_MAX];
static size_t ioapic_count;
static uint8_t cpu_ids[CPU_MAX];	/* APIC ids of all usable CPUs */
static unsigned cpu_count;
static struct { uint32_t global; uint16_t flags; } routes[ISA_IRQ_COUNT];

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

static void add_ioapic(const struct madt_ioapic *entry)
{
	volatile char *registers;
	uint32_t count;

	if (ioapic_count == IOAPIC_MAX)
		return;
	registers = kernel_map_physical(entry->address, PAGE_SIZE, MAP_UNCACHED);
	if (!registers)
		return;
	count = (ioapic_read(registers, IOAPIC_VERSION) >> 16 & 0xff) + 1;
	for (uint32_t i = 0; i < count; i++)
		ioapic_write(registers, IOAPIC_REDIRECTION + 2 * i, REDIRECTION_MASKED);
	ioapics[ioapic_count].registers = registers;
	ioapics[ioapic_count].base = entry->base;
	ioapics[ioapic_count++].count = count;
}

static void add_cpu(const struct madt_lapic *entry)
{
	if ((entry->flags & LAPIC_USABLE) && cpu_count < CPU_MAX)
		cpu_ids[cpu_count++] = entry->id;
}

static paddr_t read_madt(const struct madt *madt)
{
	paddr_t lapic_address = madt->lapic_address;
	uint32_t at = sizeof(*madt);

	for (unsigned i = 0; i < ISA_IRQ_COUNT; i++)
		routes[i].global = i;
	while (at + sizeof(struct madt_entry) <= madt->header.length) {
		const struct madt_entry *entry = (const void *)((const char *)madt + at);

		if (entry->length < sizeof(*entry) || entry->length > madt->header.length - at)
			break;
		if (entry->type == MADT_IOAPIC && entry->length >= sizeof(struct madt_ioapic)) {
			add_ioapic((const void *)entry);
		} else if (entry->type == MADT_LAPIC && entry->length >= sizeof(struct madt_lapic)) {
			add_cpu((const void *)entry);
		} else if (entry->type == MADT_OVERRIDE && entry->length >= sizeof(struct madt_override)) {
			const struct madt_override *override = (const void *)entry;

			if (override->source < ISA_IRQ_COUNT) {
				routes[override->source].global = override->global;
				routes[override->source].flags = override->flags;
			}
		} else if (entry->type == MADT_LAPIC_ADDRESS && entry->length >= sizeof(struct madt_lapic_address)) {
			lapic_address = ((const struct madt_lapic_address *)entry)->address;
		}
		at += entry->length;
	}
	return lapic_address;
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
	paddr_t address;

	cpuid(1, 0, leaf1);
	if (!(leaf1[3] & 1 << 9) || !madt || madt->header.length < sizeof(*madt)) {
		log_notice("interrupts: no APIC or no MADT, using the 8259");
		return false;
	}
	address = read_madt(madt);
	if (!ioapic_count) {
		log_notice("interrupts: the MADT names no I/O APIC, using the 8259");
		return false;
	}
	lapic = kernel_map_physical(address, PAGE_SIZE, MAP_UNCACHED);
	if (!lapic)
		return false;
	apic_init_cpu();
	this_cpu()->apic_id = mmio_read32(lapic + LAPIC_ID) >> 24;
	return true;
}

static void apic_enable(unsigned isa_irq)
{
	uint32_t global = routes[isa_irq].global;
	uint16_t flags = routes[isa_irq].flags;
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

	for (unsigned i = 0; i < cpu_count && count < max; i++) {
		if (!interrupts_use_apic() || cpu_ids[i] == self)
			continue;
		if (ids)
			ids[count] = cpu_ids[i];
		count++;
	}
	return count;
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

void apic_send_nmi_to_others(void)
{
	send(0, COMMAND_NMI | COMMAND_ALL_OTHERS);
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
