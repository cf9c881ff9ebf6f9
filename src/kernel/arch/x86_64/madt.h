/* SPDX-License-Identifier: MIT */
/* What the MADT tells of CPUs and interrupt controllers (ACPI 6.4 §5.2.12). Pure. */
#pragma once

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/interrupts.h"
#include "drivers/acpi/acpi.h"

struct madt { struct acpi_header header; uint32_t lapic_address, flags; } __attribute__((packed));

enum { MADT_IOAPIC_MAX = 8 };

struct madt_machine {
	paddr_t lapic_address;
	struct { uint32_t address, base; } ioapics[MADT_IOAPIC_MAX];
	unsigned ioapic_count;
	uint8_t cpu_ids[CPU_MAX];	/* APIC ids of usable CPUs */
	unsigned cpu_count;
	unsigned cpus_left_out;		/* usable ones for which there is no room, or whose ids do not fit an interrupt command */
	struct { uint32_t global; uint16_t flags; } routes[ISA_IRQ_COUNT];
};

/* @madt->header.length bytes are readable, and they are at least a struct madt. */
void madt_read(const struct madt *madt, struct madt_machine *machine);
