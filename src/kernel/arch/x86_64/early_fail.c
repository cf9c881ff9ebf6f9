/* SPDX-License-Identifier: MIT */
/*
 * The message of last resort, before there is a console: COM1, and the screen as the loader left it, framebuffer or VGA text. It needs
 * the identity mapping of the first 4 GiB. Before early_main has relocated the image it does so itself, to the physical address where it
 * runs, so that it can use the font like any other code.
 */
#include "arch/x86_64/early.h"
#include "arch/x86_64/boot_layout.h"
#include "arch/x86_64/io.h"
#include "drivers/video/font.h"
#include "init/boot_info.h"

enum {
	COM1 = 0x3f8, LINE_STATUS = 5, TRANSMIT_EMPTY = 0x20, TRANSMIT_SPINS = 100000,
	VGA_TEXT = 0xb8000, VGA_WHITE_ON_RED = 0x4f00, BYTES_PER_PIXEL = 4,
};
#define IDENTITY_MAP_END (1ull << 32)

static unsigned column, row;	/* in characters */

static void put_serial(char c)
{
	for (int spin = 0; spin < TRANSMIT_SPINS && !(io_in8(COM1 + LINE_STATUS) & TRANSMIT_EMPTY); spin++)
		;
	io_out8(COM1, c);
}

static void put_framebuffer(const struct boot_framebuffer *fb, char c)
{
	struct font_rows rows = font_find(&font_normal, (uint8_t)c);

	for (unsigned y = 0; y < font_normal.height; y++) {
		volatile uint32_t *line = (volatile uint32_t *)(fb->address + (row * font_normal.height + y) * fb->pitch) +
					  column * font_normal.width;
		unsigned bits = font_next_row(&rows);

		for (unsigned x = 0; x < font_normal.width; x++)
			line[x] = bits >> (font_normal.width - 1 - x) & 1 ? 0xffffffff : 0;
	}
}

static void put_screen(char c)
{
	const struct boot_framebuffer *fb = &boot_info.framebuffer;
	bool graphics = fb->kind == FRAMEBUFFER_RGB;
	unsigned columns = graphics ? fb->width / font_normal.width : fb->width ? fb->width : 80;

	if (graphics && (fb->bits_per_pixel != BYTES_PER_PIXEL * 8 || fb->address + fb->pitch * fb->height > IDENTITY_MAP_END))
		return;
	if (graphics)
		put_framebuffer(fb, c);
	else
		((volatile uint16_t *)VGA_TEXT)[row * columns + column] = VGA_WHITE_ON_RED | (uint8_t)c;
	if (++column == columns) {
		column = 0;
		row++;
	}
}

static void put(const char *text)
{
	for (; *text; text++) {
		put_serial(*text);
		put_screen(*text);
	}
}

void early_fail(const char *why)
{
	if ((uint64_t)image_start < KERNEL_IMAGE_AREA)	/* else we run where early_main has relocated to */
		early_relocate((uint64_t)image_start - KERNEL_LINK_BASE);
	put("RaeenOS cannot boot: ");
	put(why);
	put_serial('\r');
	put_serial('\n');
	for (;;)
		__asm__ volatile("cli; hlt");
}
