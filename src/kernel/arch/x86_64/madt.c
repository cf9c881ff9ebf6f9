/* SPDX-License-Identifier: MIT */
#include "arch/x86_64/madt.h"

enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_ADDRESS = 5, MADT_X2APIC = 9, LAPIC_USABLE = 1, LAPIC_BROADCAST = 255 };

struct madt_entry { uint8_t type, length; } __attribute__((packed));
struct madt_lapic { struct madt_entry entry; uint8_t processor, id; uint32_t flags; } __attribute__((packed));
struct madt_x2apic { struct madt_entry entry; uint16_t reserved; uint32_t id, flags, processor; } __attribute__((packed));
struct madt_ioapic { struct madt_entry entry; uint8_t id, reserved; uint32_t address, base; } __attribute__((packed));
struct madt_override { struct madt_entry entry; uint8_t bus, source; uint32_t global; uint16_t flags; } __attribute__((packed));
struct madt_lapic_address { struct madt_entry entry; uint16_t reserved; uint64_t address; } __attribute__((packed));

static void add_cpu(struct madt_machine *machine, uint32_t id, uint32_t flags)
{
	if (!(flags & LAPIC_USABLE))
		return;
	/* Some firmware names CPUs by entries of both kinds. */
	for (unsigned i = 0; i < machine->cpu_count; i++)
		if (machine->cpu_ids[i] == id)
			return;
	if (id < LAPIC_BROADCAST && machine->cpu_count < CPU_MAX)
		machine->cpu_ids[machine->cpu_count++] = id;
	else
		machine->cpus_left_out++;
}

static void read_entry(const struct madt_entry *entry, struct madt_machine *machine)
{
	if (entry->type == MADT_IOAPIC && entry->length >= sizeof(struct madt_ioapic) && machine->ioapic_count < MADT_IOAPIC_MAX) {
		const struct madt_ioapic *ioapic = (const void *)entry;

		machine->ioapics[machine->ioapic_count].address = ioapic->address;
		machine->ioapics[machine->ioapic_count++].base = ioapic->base;
	} else if (entry->type == MADT_LAPIC && entry->length >= sizeof(struct madt_lapic)) {
		add_cpu(machine, ((const struct madt_lapic *)entry)->id, ((const struct madt_lapic *)entry)->flags);
	} else if (entry->type == MADT_X2APIC && entry->length >= sizeof(struct madt_x2apic)) {
		add_cpu(machine, ((const struct madt_x2apic *)entry)->id, ((const struct madt_x2apic *)entry)->flags);
	} else if (entry->type == MADT_OVERRIDE && entry->length >= sizeof(struct madt_override)) {
		const struct madt_override *override = (const void *)entry;

		if (override->source < ISA_IRQ_COUNT) {
			machine->routes[override->source].global = override->global;
			machine->routes[override->source].flags = override->flags;
		}
	} else if (entry->type == MADT_LAPIC_ADDRESS && entry->length >= sizeof(struct madt_lapic_address)) {
		machine->lapic_address = ((const struct madt_lapic_address *)entry)->address;
	}
}

void madt_read(const struct madt *madt, struct madt_machine *machine)
{
	uint32_t at = sizeof(*madt);

	*machine = (struct madt_machine){ .lapic_address = madt->lapic_address };
	for (unsigned i = 0; i < ISA_IRQ_COUNT; i++)
		machine->routes[i].global = i;
	while (at + sizeof(struct madt_entry) <= madt->header.length) {
		const struct madt_entry *entry = (const void *)((const char *)madt + at);

		if (entry->length < sizeof(*entry) || entry->length > madt->header.length - at)
			break;
		read_entry(entry, machine);
		at += entry->length;
	}
}
