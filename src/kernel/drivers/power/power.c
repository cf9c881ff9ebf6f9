/* SPDX-License-Identifier: MIT */
/* Power off, reboot and halt, each by the ways a PC may offer, the gentlest first. */
#include "drivers/power/power.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/io.h"
#include "arch/x86_64/smp.h"
#include "drivers/acpi/acpi.h"
#include "drivers/serial/serial.h"
#include "lib/log.h"

enum { KEYBOARD_COMMAND = 0x64, KEYBOARD_PULSE_RESET = 0xfe, RESET_CONTROL = 0xcf9, SPINS = 2000000 };

static void wait_a_little(void)
{
	for (int i = 0; i < SPINS; i++)
		cpu_relax();
}

void power_halt(void)
{
	interrupts_disable();
	/* Whoever was stopped before may have the locks of the log, and keeps them. */
	if (!smp_is_stopping()) {
		log_notice("power: halted; it is safe to switch off");
		serial_flush();
		smp_stop_others();
	}
	cpu_stop();
}

void power_off(void)
{
	log_notice("power: off");
	interrupts_disable();
	serial_flush();
	acpi_power_off();
	wait_a_little();
	power_halt();
}

void power_reboot(void)
{
	log_notice("power: reboot");
	interrupts_disable();
	serial_flush();
	acpi_reset();
	smp_stop_others();
	wait_a_little();
	io_out8(RESET_CONTROL, 0x02);	/* PCI reset control register, as chipsets since the PIIX have it */
	io_out8(RESET_CONTROL, 0x06);
	wait_a_little();
	io_out8(KEYBOARD_COMMAND, KEYBOARD_PULSE_RESET);
	wait_a_little();
	cpu_reset();
	power_halt();
}
