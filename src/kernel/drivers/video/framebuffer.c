/* SPDX-License-Identifier: MIT */
/* Drawing cells on a linear framebuffer of 16, 24 or 32 bits a pixel. Only writes: reading video memory is very slow. */
#include "drivers/video/backend.h"
#include "drivers/video/font.h"
#include "init/boot_info.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kernel_map.h"

enum { LARGE_MIN_WIDTH = 1600, LARGE_MIN_HEIGHT = 1000, CELL_WIDTH_MAX = 16, CURSOR_LINES = 2 };
static const struct font *const font = &font_normal;

static uint8_t *screen;
static struct boot_framebuffer info;
static unsigned scale;		/* 1, or 2: each pixel of a character is four of the screen */
static unsigned pixel_bytes;
static uint32_t pixels[256];	/* the palette as the framebuffer wants it; a cell drawn while it changes is drawn again */

static uint32_t component(uint32_t value, unsigned bits, unsigned shift)
{
	return (bits >= 8 ? value << (bits - 8) : value >> (8 - bits)) << shift;
}

static void set_color(unsigned index, uint32_t rgb)
{
	pixels[index] = component(rgb >> 16 & 0xff, info.red_bits, info.red_shift) |
			component(rgb >> 8 & 0xff, info.green_bits, info.green_shift) |
			component(rgb & 0xff, info.blue_bits, info.blue_shift);
}

static void make_palette(void)
{
	for (unsigned i = 0; i < 256; i++)
		set_color(i, terminal_palette(i));
}

static bool framebuffer_init(const struct boot_framebuffer *boot)
{
	info = *boot;
	pixel_bytes = (info.bits_per_pixel + 7) / 8;
	if (pixel_bytes < 2 || pixel_bytes > 4 || info.pitch < info.width * pixel_bytes) {
		log_warning("video: framebuffer %ux%u with %u bits a pixel is not supported", info.width, info.height,
			    info.bits_per_pixel);
		return false;
	}
	scale = info.width >= LARGE_MIN_WIDTH && info.height >= LARGE_MIN_HEIGHT ? 2 : 1;
	screen = kernel_map_physical(info.address, (size_t)info.pitch * info.height, MAP_WRITE_COMBINING);
	if (!screen)
		return false;
	make_palette();
	video_geometry = (struct video_geometry){
		.rows = MIN(info.height / (scale * font->height), (unsigned)TERMINAL_ROWS_MAX),
		.columns = MIN(info.width / (scale * font->width), (unsigned)TERMINAL_COLUMNS_MAX),
		.x_pixels = info.width, .y_pixels = info.height,
	};
	for (unsigned y = 0; y < info.height; y++)
		memset(screen + (size_t)y * info.pitch, 0, info.width * pixel_bytes);
	log_info("video: framebuffer %ux%u, %u bits, %ux%u characters", info.width, info.height, info.bits_per_pixel,
		 video_geometry.columns, video_geometry.rows);
	return true;
}

/* Each of 8 bits twice. */
static unsigned doubled(unsigned bits)
{
	bits = (bits | bits << 4) & 0x0f0f;
	bits = (bits | bits << 2) & 0x3333;
	bits = (bits | bits << 1) & 0x5555;
	return bits | bits << 1;
}

/* One row of a cell: pixels of 4 bytes go out two at a time, others through a small buffer. */
static void draw_row(uint8_t *to, unsigned bits, uint32_t foreground, uint32_t background)
{
	uint8_t line[CELL_WIDTH_MAX * 4];
	unsigned width = scale * font->width;

	if (scale > 1)
		bits = doubled(bits);

	if (pixel_bytes == 4) {
		const uint64_t pairs[4] = {
			(uint64_t)background << 32 | background, (uint64_t)foreground << 32 | background,
			(uint64_t)background << 32 | foreground, (uint64_t)foreground << 32 | foreground,
		};

		for (int shift = (int)width - 2; shift >= 0; shift -= 2, to += 8)
			*(volatile uint64_t *)to = pairs[bits >> shift & 3];
		return;
	}
	for (unsigned i = 0; i < width; i++) {
		uint32_t pixel = bits >> (width - 1 - i) & 1 ? foreground : background;

		memcpy(line + i * pixel_bytes, &pixel, pixel_bytes);
	}
	memcpy(to, line, width * pixel_bytes);
}

static void framebuffer_draw(unsigned row, unsigned column, const struct drawn_cell *cell)
{
	struct font_rows rows = font_find(font, cell->character);
	uint8_t *to = screen + (size_t)row * scale * font->height * info.pitch + column * scale * font->width * pixel_bytes;
	uint32_t foreground = pixels[cell->foreground], background = pixels[cell->background];
	unsigned all = (1u << font->width) - 1, height = font->height;
	unsigned cursor_from = cell->flags & DRAWN_CURSOR_BLOCK ? 0 : height - CURSOR_LINES;

	for (unsigned y = 0; y < height; y++) {
		unsigned bits = font_next_row(&rows);

		if ((cell->flags & DRAWN_UNDERLINE) && y == height - 2)
			bits = all;
		if ((cell->flags & DRAWN_STRIKE) && y == height / 2)
			bits = all;
		if ((cell->flags & DRAWN_CURSOR) && y >= cursor_from)
			bits ^= all;
		for (unsigned i = 0; i < scale; i++, to += info.pitch)
			draw_row(to, bits, foreground, background);
	}
}

const struct video_backend framebuffer_backend = {
	.name = "framebuffer", .init = framebuffer_init, .draw = framebuffer_draw, .set_color = set_color,
};
