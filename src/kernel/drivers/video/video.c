/* SPDX-License-Identifier: MIT */
/*
 * The screen as a console: a terminal emulator in front of a backend. Writing only changes the emulator's grid; a thread draws what differs
 * from what the screen shows, some 60 times a second at most, so that a program that scrolls is not slowed down by video memory. Log lines are
 * drawn at once now and then, and always in a panic, when no thread runs any more.
 */
#include "drivers/video/video.h"
#include "drivers/video/backend.h"
#include "drivers/video/consoles.h"
#include "init/boot_info.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "mm/heap.h"
#include "sched/clock.h"
#include "sched/thread.h"
#include "sync/wait.h"

enum {
	FRAME_MS = 16,			/* between two drawings */
	LOG_FRAME_MS = 50,		/* between two drawings for the log */
	BLINK_MS = 500,
	BLINK_TIMES = 40,		/* then the cursor stays on, and an idle machine is left alone */
	LOCK_SPINS = 1000000,
};

struct video_geometry video_geometry;

static struct {
	const struct video_backend *backend;	/* set once; NULL: no screen */
	unsigned blink_count;			/* screen_lock, as up to the blank line; since the last change; odd: the cursor is off */
	bool changed;
	uint8_t palette;			/* for struct drawn_cell */

	uint32_t drawing;			/* atomic: somebody draws and owns the fields below */
	struct drawn_cell *shadow;		/* what the screen shows, rows × columns */
	unsigned cursor_row;			/* where the cursor was drawn */
	uint64_t last_drawn;

	struct wait_queue queue;		/* the drawing thread */
	bool thread_runs;			/* set once */
} screen = { .queue = WAIT_QUEUE_INIT(screen.queue) };
static struct drawn_cell composed[TERMINAL_COLUMNS_MAX];	/* a row of what is to be shown; whoever has set screen.drawing */

static void compose_cell(const struct terminal *terminal, const struct cell *cell, struct drawn_cell *drawn)
{
	struct cell_colors colors = terminal_cell_colors(terminal, cell);

	*drawn = (struct drawn_cell){
		.character = cell->character, .foreground = colors.foreground, .background = colors.background,
		.palette = screen.palette,
		.flags = (cell->attributes & CELL_UNDERLINE ? DRAWN_UNDERLINE : 0) | (cell->attributes & CELL_STRIKE ? DRAWN_STRIKE : 0),
	};
}

/* Composes @row into composed[] if it may have changed. screen_lock held. */
static bool compose_row(unsigned row)
{
	struct terminal *terminal = console_shown();
	unsigned cursor_row, cursor_column;

	if (!terminal)
		return false;
	bool cursor = terminal_cursor_position(terminal, &cursor_row, &cursor_column) && cursor_row == row && !(screen.blink_count & 1);

	if (!terminal->dirty[row] && !cursor && screen.cursor_row != row)
		return false;
	terminal->dirty[row] = false;
	const struct cell *cells = terminal_line(terminal, row);

	for (unsigned column = 0; column < terminal->columns; column++)
		compose_cell(terminal, &cells[column], &composed[column]);
	if (cursor) {
		composed[cursor_column].flags |= DRAWN_CURSOR | (terminal->cursor_block ? DRAWN_CURSOR_BLOCK : 0);
		screen.cursor_row = row;
	}
	return true;
}

static void draw_row(unsigned row)
{
	unsigned columns = video_geometry.columns;
	struct drawn_cell *shown = &screen.shadow[row * columns];

	for (unsigned column = 0; column < columns; column++) {
		if (__builtin_memcmp(&shown[column], &composed[column], sizeof(*shown)) == 0)	/* inline */
			continue;
		shown[column] = composed[column];
		screen.backend->draw(row, column, &shown[column]);
	}
}

/*
 * The lock of the console. In a panic whoever has it may be what broke: then with a bound, and never again after the bound was reached. Returns
 * whether it is held.
 */
static bool lock_bounded(void)
{
	static bool broken;

	for (unsigned i = 0; !panic_started() || (i < LOCK_SPINS && !broken); i++) {
		if (spin_try(&screen_lock))
			return true;
		cpu_relax();
	}
	broken = true;
	return false;
}

static void unlock_bounded(bool locked)
{
	if (locked)
		spin_release(&screen_lock);
}

/* Draws what changed. @panicking: whatever the state, with interrupts off. */
static void draw(bool panicking)
{
	if (atomic_exchange(&screen.drawing, 1) && !panicking)
		return;
	for (unsigned row = 0; row < video_geometry.rows; row++) {
		uint64_t irq_flags = interrupts_save();
		bool locked = lock_bounded();
		bool changed = compose_row(row);

		unlock_bounded(locked);
		interrupts_restore(irq_flags);
		if (changed)
			draw_row(row);
	}
	screen.last_drawn = clock_monotonic_ns();
	atomic_store(&screen.drawing, 0);
}

void video_note_change(void)
{
	screen.changed = true;
	screen.blink_count = 0;
}

void video_wake(void)
{
	wake_all(&screen.queue);
}

void video_forget_palette(void)
{
	screen.palette++;
}

void video_set_color(unsigned index, uint32_t rgb)
{
	if (screen.backend->set_color)
		screen.backend->set_color(index, rgb);
}

/* Where the log goes: to the first console, but what a panic says to the one that is shown. */
static struct terminal *log_terminal(bool panicking)
{
	if (!panicking)
		return console_first();
	console_show_any();
	return console_shown();
}

static void log_console_write(struct console *console, const char *text, size_t len)
{
	bool panicking = panic_started();
	bool locked = lock_bounded();
	struct terminal *terminal = log_terminal(panicking);

	/* A log line starts a line of its own and ends at its left edge. */
	if (terminal->cursor.column)
		terminal_write(terminal, "\r\n", 2);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			terminal_write(terminal, "\r", 1);
		terminal_write(terminal, &text[i], 1);
	}
	video_note_change();
	unlock_bounded(locked);
	uint64_t now = clock_monotonic_ns();

	/* Before the clock runs it stands still; the few lines of that time are drawn one by one. */
	if (panicking || now == screen.last_drawn || now - screen.last_drawn >= LOG_FRAME_MS * NS_PER_MS)
		draw(panicking);
}

static struct console log_console = { .name = "tty1", .write = log_console_write };

static bool take_change(void)
{
	uint64_t irq_flags = spin_lock_irq(&screen_lock);
	bool changed = screen.changed;

	screen.changed = false;
	spin_unlock_irq(&screen_lock, irq_flags);
	return changed;
}

/* Half a blink has passed. Returns when the next one is due. */
static uint64_t blink(void)
{
	uint64_t irq_flags = spin_lock_irq(&screen_lock);
	bool goes_on = screen.blink_count < BLINK_TIMES;

	if (goes_on)
		screen.blink_count++;
	spin_unlock_irq(&screen_lock, irq_flags);
	return goes_on ? clock_monotonic_ns() + BLINK_MS * NS_PER_MS : WAIT_FOREVER;
}

static void draw_thread(void *unused)
{
	uint64_t next_blink = clock_monotonic_ns() + BLINK_MS * NS_PER_MS;
	struct waiter waiter;

	for (;;) {
		int timeout = 0;

		wait_begin(&screen.queue, &waiter);
		while (!atomic_load(&screen.changed) && !timeout)
			timeout = wait_block(&waiter, next_blink, WAIT_UNINTERRUPTIBLE);
		wait_end(&waiter);
		if (take_change())
			next_blink = clock_monotonic_ns() + BLINK_MS * NS_PER_MS;
		else
			next_blink = blink();
		consoles_prepare();
		consoles_deliver_replies();
		draw(false);
		sched_sleep_until(clock_monotonic_ns() + FRAME_MS * NS_PER_MS, false);
	}
}

/* The shadow of the empty screen that the backend has made. */
static bool create_shadow(void)
{
	size_t cells = (size_t)video_geometry.rows * video_geometry.columns;
	struct drawn_cell empty;

	screen.shadow = kmalloc_array(cells, sizeof(*screen.shadow));
	compose_cell(console_first(), &terminal_line(console_first(), 0)[0], &empty);
	for (size_t i = 0; screen.shadow && i < cells; i++)
		screen.shadow[i] = empty;
	return screen.shadow != NULL;
}

void video_early_init(void)
{
	if (boot_info.framebuffer.kind == FRAMEBUFFER_NONE && !boot_info.efi)
		text_mode_find(&boot_info.framebuffer);
	const struct video_backend *backend = boot_info.framebuffer.kind == FRAMEBUFFER_RGB ? &framebuffer_backend :
					      boot_info.framebuffer.kind == FRAMEBUFFER_TEXT ? &text_backend : NULL;

	if (!backend) {
		log_info("video: no screen");
		return;
	}
	if (!backend->init(&boot_info.framebuffer))
		return;
	if (!consoles_early_init() || !create_shadow()) {
		log_error("video: no memory for the console");
		return;
	}
	screen.backend = backend;
	if (!command_line_has("console") || command_line_has_value("console", "tty1") || command_line_has_value("console", "tty0"))
		console_register(&log_console);
}

void video_init(void)
{
	if (!screen.backend)
		return;
	struct thread *thread = thread_create_kernel("video", draw_thread, NULL, CLASS_HIGH);

	if (!consoles_init() || !thread) {
		log_error("video: no memory for /dev/tty1");
		return;
	}
	thread_start(thread);
}
