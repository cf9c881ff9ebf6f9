/* SPDX-License-Identifier: MIT */
/* The two 8259A interrupt controllers: used when there is no APIC or in safe mode; else masked (Intel 8259A datasheet). */
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/io.h"

enum {
	MASTER_COMMAND = 0x20, MASTER_DATA = 0x21, SLAVE_COMMAND = 0xa0, SLAVE_DATA = 0xa1,
	ICW1_INIT = 0x11, ICW4_8086 = 0x01, END_OF_INTERRUPT = 0x20, READ_IN_SERVICE = 0x0b, CASCADE = 2,
};

static uint16_t mask = 0xffff & ~(1 << CASCADE);

static void write_mask(void)
{
	io_out8(MASTER_DATA, mask);
	io_out8(SLAVE_DATA, mask >> 8);
}

void pic_remap_and_mask(void)
{
	io_out8(MASTER_COMMAND, ICW1_INIT);
	io_out8(SLAVE_COMMAND, ICW1_INIT);
	io_out8(MASTER_DATA, VECTOR_ISA_BASE);
	io_out8(SLAVE_DATA, VECTOR_ISA_BASE + 8);
	io_out8(MASTER_DATA, 1 << CASCADE);
	io_out8(SLAVE_DATA, CASCADE);
	io_out8(MASTER_DATA, ICW4_8086);
	io_out8(SLAVE_DATA, ICW4_8086);
	write_mask();
}

static void pic_enable(unsigned isa_irq)
{
	mask &= ~(1 << isa_irq);
	write_mask();
}

static void pic_end(unsigned vector)
{
	if (vector >= VECTOR_ISA_BASE + 8)
		io_out8(SLAVE_COMMAND, END_OF_INTERRUPT);
	io_out8(MASTER_COMMAND, END_OF_INTERRUPT);
}

static bool in_service(uint16_t command_port)
{
	io_out8(command_port, READ_IN_SERVICE);
	return io_in8(command_port) & 0x80;
}

/* A line that drops before it is acknowledged shows up as IRQ 7 or 15 without its in-service bit. */
static bool pic_is_spurious(unsigned vector)
{
	if (vector == VECTOR_ISA_BASE + 7)
		return !in_service(MASTER_COMMAND);
	if (vector == VECTOR_ISA_BASE + 15 && !in_service(SLAVE_COMMAND)) {
		io_out8(MASTER_COMMAND, END_OF_INTERRUPT);
		return true;
	}
	return false;
}

const struct interrupt_controller pic_controller = { "8259 PIC", pic_enable, pic_end, pic_is_spurious };
