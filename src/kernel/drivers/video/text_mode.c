/* SPDX-License-Identifier: MIT */
/* Drawing cells in EGA text memory: a code page 437 byte and a colour byte each. */
#include "arch/x86_64/io.h"
#include "drivers/video/backend.h"
#include "drivers/video/cp437.h"
#include "init/boot_info.h"
#include "lib/log.h"
#include "mm/kernel_map.h"

/* The CRT controller's cursor start register; bit 5 turns the hardware cursor off (IBM VGA technical reference). */
enum { CRTC_INDEX = 0x3d4, CRTC_DATA = 0x3d5, CRTC_CURSOR_START = 0x0a, CURSOR_OFF = 0x20, LIGHT_GRAY = 7 };

/* IBM Personal System/2 and Personal Computer BIOS Interface Technical Reference, data areas: segment 40. */
enum { BIOS_DATA = 0x400, BIOS_DATA_SIZE = 0x100, BIOS_VIDEO_MODE = 0x49, BIOS_COLUMNS = 0x4a, BIOS_LAST_ROW = 0x84,
       MODE_COLOR_TEXT_40 = 1, MODE_COLOR_TEXT_80 = 3, COLOR_TEXT_MEMORY = 0xb8000 };

static volatile uint16_t *screen;
static unsigned pitch_cells;

/* ANSI numbers colours red-green-blue from the lowest bit, EGA blue-green-red. */
static unsigned ega_base(unsigned color)
{
	return (color & 8) | (color & 1) << 2 | (color & 2) | (color & 4) >> 2;
}

static unsigned nearest_ega(uint8_t index)
{
	if (index < 16)
		return ega_base(index);
	uint32_t rgb = terminal_palette(index);
	unsigned red = rgb >> 16 & 0xff, green = rgb >> 8 & 0xff, blue = rgb & 0xff;
	unsigned brightest = MAX(red, MAX(green, blue)), color = 0;

	if (brightest < 0x40)
		return 0;
	color |= blue > brightest / 2 ? 1 : 0;
	color |= green > brightest / 2 ? 2 : 0;
	color |= red > brightest / 2 ? 4 : 0;
	if (color == 7)
		return brightest > 0xd4 ? 15 : brightest > 0x80 ? 7 : 8;
	return color | (brightest > 0xd4 ? 8 : 0);
}

bool text_mode_find(struct boot_framebuffer *found)
{
	uint8_t *data = kernel_map_physical(BIOS_DATA, BIOS_DATA_SIZE, MAP_WRITE_BACK);

	if (!data)
		return false;
	unsigned mode = data[BIOS_VIDEO_MODE], columns = data[BIOS_COLUMNS], rows = data[BIOS_LAST_ROW] + 1;

	kernel_unmap(data, BIOS_DATA_SIZE);
	if (mode < MODE_COLOR_TEXT_40 || mode > MODE_COLOR_TEXT_80 || columns < 40 || rows < 25)
		return false;
	*found = (struct boot_framebuffer){
		.kind = FRAMEBUFFER_TEXT, .address = COLOR_TEXT_MEMORY, .pitch = columns * 2, .width = columns, .height = rows,
	};
	return true;
}

static bool text_init(const struct boot_framebuffer *info)
{
	pitch_cells = info->pitch / 2;
	if (!info->width || !info->height || pitch_cells < info->width)
		return false;
	screen = kernel_map_physical(info->address, (size_t)info->pitch * info->height, MAP_UNCACHED);
	if (!screen)
		return false;
	video_geometry = (struct video_geometry){
		.rows = MIN(info->height, (uint32_t)TERMINAL_ROWS_MAX), .columns = MIN(info->width, (uint32_t)TERMINAL_COLUMNS_MAX),
	};
	for (unsigned i = 0; i < pitch_cells * info->height; i++)
		screen[i] = ' ' | LIGHT_GRAY << 8;
	io_out8(CRTC_INDEX, CRTC_CURSOR_START);
	io_out8(CRTC_DATA, CURSOR_OFF);
	log_info("video: text mode, %ux%u characters", video_geometry.columns, video_geometry.rows);
	return true;
}

static void text_draw(unsigned row, unsigned column, const struct drawn_cell *cell)
{
	/* The highest bit of the background means blinking on most adapters: dark backgrounds only. */
	unsigned foreground = nearest_ega(cell->foreground), background = nearest_ega(cell->background) & 7;
	unsigned color = foreground | background << 4;

	if (cell->flags & DRAWN_CURSOR)
		color = background | (foreground & 7) << 4;
	screen[row * pitch_cells + column] = cp437_from_unicode(cell->character) | color << 8;
}

const struct video_backend text_backend = { .name = "text mode", .init = text_init, .draw = text_draw };
