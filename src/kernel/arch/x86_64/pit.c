/* SPDX-License-Identifier: MIT */
/* 8254 programming: Intel 8254 datasheet; port 61h as in the PC/AT technical reference. */
#include "arch/x86_64/pit.h"
#include "arch/x86_64/io.h"

enum {
	CHANNEL0 = 0x40, CHANNEL2 = 0x42, COMMAND = 0x43, PORT_B = 0x61,
	CHANNEL0_ONE_SHOT = 0x30, CHANNEL2_ONE_SHOT = 0xb0,	/* both bytes, mode 0 */
	CHANNEL2_LATCH = 0x80, GATE2 = 1, SPEAKER = 2, OUT2 = 0x20,
};

void pit_start(unsigned ticks)
{
	io_out8(COMMAND, CHANNEL0_ONE_SHOT);
	io_out8(CHANNEL0, ticks);
	io_out8(CHANNEL0, ticks >> 8);
}

void pit_count_start(void)
{
	pit_count_stop();
	io_out8(COMMAND, CHANNEL2_ONE_SHOT);
	io_out8(CHANNEL2, PIT_MAX_TICKS & 0xff);
	io_out8(CHANNEL2, PIT_MAX_TICKS >> 8);
	io_out8(PORT_B, io_in8(PORT_B) | GATE2);
}

unsigned pit_count(void)
{
	unsigned left;

	io_out8(COMMAND, CHANNEL2_LATCH);
	left = io_in8(CHANNEL2);
	left |= io_in8(CHANNEL2) << 8;
	return PIT_MAX_TICKS - left;
}

bool pit_count_expired(void)
{
	return io_in8(PORT_B) & OUT2;
}

void pit_count_stop(void)
{
	io_out8(PORT_B, io_in8(PORT_B) & ~(GATE2 | SPEAKER));
}
