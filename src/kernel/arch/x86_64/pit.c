/* SPDX-License-Identifier: MIT */
/* 8254 programming: Intel 8254 datasheet; port 61h as in the PC/AT technical reference. */
#include "arch/x86_64/pit.h"
#include "arch/x86_64/io.h"

enum {
	CHANNEL0 = 0x40, CHANNEL2 = 0x42, COMMAND = 0x43, PORT_B = 0x61,
	CHANNEL0_ONE_SHOT = 0x30, CHANNEL2_ONE_SHOT = 0xb0,	/* both bytes, mode 0 */
	GATE2 = 1, SPEAKER = 2, OUT2 = 0x20, SPINS_MAX = 2000000,
};

void pit_start(unsigned ticks)
{
	io_out8(COMMAND, CHANNEL0_ONE_SHOT);
	io_out8(CHANNEL0, ticks);
	io_out8(CHANNEL0, ticks >> 8);
}

bool pit_wait(unsigned ticks)
{
	uint8_t port_b = io_in8(PORT_B) & ~(GATE2 | SPEAKER);
	int spins = 0;

	io_out8(PORT_B, port_b);
	io_out8(COMMAND, CHANNEL2_ONE_SHOT);
	io_out8(CHANNEL2, ticks);
	io_out8(CHANNEL2, ticks >> 8);
	io_out8(PORT_B, port_b | GATE2);
	while (!(io_in8(PORT_B) & OUT2) && spins < SPINS_MAX)
		spins++;
	io_out8(PORT_B, port_b);
	return spins > 0 && spins < SPINS_MAX;
}
