/* SPDX-License-Identifier: MIT */
/* The message of last resort, before there is a console: COM1, and VGA text memory where the loader left text mode. */
#include "arch/x86_64/early.h"
#include "arch/x86_64/io.h"
#include "init/boot_info.h"

enum { COM1 = 0x3f8, LINE_STATUS = 5, TRANSMIT_EMPTY = 0x20, VGA_RED = 0x4f00 };

static void put_serial(char c)
{
	for (int spin = 0; spin < 100000 && !(io_in8(COM1 + LINE_STATUS) & TRANSMIT_EMPTY); spin++)
		;
	io_out8(COM1, c);
}

static volatile uint16_t *put(volatile uint16_t *screen, const char *text)
{
	for (; *text; text++) {
		put_serial(*text);
		if (boot_info.framebuffer.kind != FRAMEBUFFER_RGB)
			*screen++ = VGA_RED | (uint8_t)*text;
	}
	return screen;
}

void early_fail(const char *why)
{
	volatile uint16_t *screen = (volatile uint16_t *)0xb8000;

	screen = put(screen, "RaeenOS cannot boot: ");
	put(screen, why);
	put_serial('\r');
	put_serial('\n');
	for (;;)
		__asm__ volatile("cli; hlt");
}
