/* SPDX-License-Identifier: MIT */
/*
 * The screen as a console: a terminal emulator in front of a backend. Writing only changes the emulator's grid; a thread draws what differs
 * from what the screen shows, some 60 times a second at most, so that a program that scrolls is not slowed down by video memory. Log lines are
 * drawn at once now and then, and always in a panic, when no thread runs any more.
 */
#include "drivers/video/video.h"
#include "drivers/video/backend.h"
#include "init/boot_info.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/clock.h"
#include "sched/thread.h"
#include "sync/wait.h"
#include "tty/tty.h"

enum {
	TTY_MAJOR = 4, TTY1_MINOR = 1,
	FRAME_MS = 16,			/* between two drawings */
	LOG_FRAME_MS = 50,		/* between two drawings for the log */
	BLINK_MS = 500,
	BLINK_TIMES = 40,		/* then the cursor stays on, and an idle machine is left alone */
	REPLY_SIZE = 64,
	LOCK_SPINS = 1000000,
};

struct video_geometry video_geometry;

static struct {
	const struct video_backend *backend;	/* set once; NULL: no screen */
	struct tty *tty;			/* set once */
	struct spinlock lock;			/* interrupts off: the fields up to the blank line */
	struct terminal *terminal;
	char replies[REPLY_SIZE];
	unsigned reply_count;
	unsigned blink_count;			/* since the last change; odd: the cursor is off */
	bool changed;
	uint8_t palette;			/* for struct drawn_cell */

	uint32_t drawing;			/* atomic: somebody draws and owns the fields below */
	struct drawn_cell *shadow;		/* what the screen shows, rows × columns */
	unsigned cursor_row;			/* where the cursor was drawn */
	uint64_t last_drawn;

	struct wait_queue queue;		/* the drawing thread */
	bool thread_runs;			/* set once */
} screen = { .lock = SPINLOCK_INIT(LOCK_SCREEN), .queue = WAIT_QUEUE_INIT(screen.queue) };
static struct drawn_cell composed[TERMINAL_COLUMNS_MAX];	/* a row of what is to be shown; whoever has set screen.drawing */

static void compose_cell(const struct cell *cell, struct drawn_cell *drawn)
{
	struct cell_colors colors = terminal_cell_colors(screen.terminal, cell);

	*drawn = (struct drawn_cell){
		.character = cell->character, .foreground = colors.foreground, .background = colors.background,
		.palette = screen.palette,
		.flags = (cell->attributes & CELL_UNDERLINE ? DRAWN_UNDERLINE : 0) | (cell->attributes & CELL_STRIKE ? DRAWN_STRIKE : 0),
	};
}

/* Composes @row into composed[] if it may have changed. screen.lock held. */
static bool compose_row(unsigned row)
{
	struct terminal *terminal = screen.terminal;
	unsigned cursor_row, cursor_column;
	bool cursor = terminal_cursor_position(terminal, &cursor_row, &cursor_column) && cursor_row == row && !(screen.blink_count & 1);

	if (!terminal->dirty[row] && !cursor && screen.cursor_row != row)
		return false;
	terminal->dirty[row] = false;
	const struct cell *cells = terminal_line(terminal, row);

	for (unsigned column = 0; column < terminal->columns; column++)
		compose_cell(&cells[column], &composed[column]);
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
		if (spin_try(&screen.lock))
			return true;
		cpu_relax();
	}
	broken = true;
	return false;
}

static void unlock_bounded(bool locked)
{
	if (locked)
		spin_release(&screen.lock);
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

static void note_change(void)
{
	screen.changed = true;
	screen.blink_count = 0;
}

static void log_console_write(struct console *console, const char *text, size_t len)
{
	bool panicking = panic_started();
	bool locked = lock_bounded();

	/* A log line starts a line of its own and ends at its left edge. */
	if (screen.terminal->cursor.column)
		terminal_write(screen.terminal, "\r\n", 2);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			terminal_write(screen.terminal, "\r", 1);
		terminal_write(screen.terminal, &text[i], 1);
	}
	note_change();
	unlock_bounded(locked);
	uint64_t now = clock_monotonic_ns();

	/* Before the clock runs it stands still; the few lines of that time are drawn one by one. */
	if (panicking || now == screen.last_drawn || now - screen.last_drawn >= LOG_FRAME_MS * NS_PER_MS)
		draw(panicking);
}

static struct console log_console = { .name = "tty1", .write = log_console_write };

static size_t tty1_write(struct tty *tty, const char *text, size_t len)
{
	uint64_t irq_flags = spin_lock_irq(&screen.lock);

	/* Not for the log, which is written whoever holds the heap. */
	screen.terminal->grows = true;
	terminal_write(screen.terminal, text, len);
	screen.terminal->grows = false;
	note_change();
	spin_unlock_irq(&screen.lock, irq_flags);
	wake_all(&screen.queue);
	return len;
}

static const struct tty_driver tty1_driver = { .write = tty1_write };

/* The terminal's answers go to the program as if typed. They wait for the drawing thread, because the tty is locked while it writes. */
static void collect_reply(void *context, const char *text, size_t len)
{
	for (size_t i = 0; i < len && screen.reply_count < REPLY_SIZE; i++)
		screen.replies[screen.reply_count++] = text[i];
}

static void set_color(void *context, unsigned index, uint32_t rgb)
{
	if (!screen.backend->set_color)
		return;
	screen.backend->set_color(index, rgb);
	screen.palette++;
	terminal_mark_all_dirty(screen.terminal);
}

static const struct terminal_ops terminal_ops = { .reply = collect_reply, .set_color = set_color };

static void deliver_replies(void)
{
	char replies[REPLY_SIZE];
	uint64_t irq_flags = spin_lock_irq(&screen.lock);
	unsigned count = screen.reply_count;

	memcpy(replies, screen.replies, count);
	screen.reply_count = 0;
	spin_unlock_irq(&screen.lock, irq_flags);
	if (count)
		tty_receive(screen.tty, replies, count);
}

static bool take_change(void)
{
	uint64_t irq_flags = spin_lock_irq(&screen.lock);
	bool changed = screen.changed;

	screen.changed = false;
	if (changed)
		terminal_provide_lines(screen.terminal);
	spin_unlock_irq(&screen.lock, irq_flags);
	return changed;
}

/* Half a blink has passed. Returns when the next one is due. */
static uint64_t blink(void)
{
	uint64_t irq_flags = spin_lock_irq(&screen.lock);
	bool goes_on = screen.blink_count < BLINK_TIMES;

	if (goes_on)
		screen.blink_count++;
	spin_unlock_irq(&screen.lock, irq_flags);
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
		deliver_replies();
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
	compose_cell(&terminal_line(screen.terminal, 0)[0], &empty);
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
	screen.terminal = terminal_create(video_geometry.rows, video_geometry.columns, TERMINAL_SCROLLBACK, &terminal_ops, NULL);
	if (!screen.terminal || !create_shadow()) {
		log_error("video: no memory for the console");
		return;
	}
	screen.backend = backend;
	terminal_mark_all_dirty(screen.terminal);
	if (!command_line_has("console") || command_line_has_value("console", "tty1") || command_line_has_value("console", "tty0"))
		console_register(&log_console);
}

void video_init(void)
{
	if (!screen.backend)
		return;
	screen.tty = tty_create("tty1", TTY_MAJOR, TTY1_MINOR, &tty1_driver, NULL);
	struct thread *thread = thread_create_kernel("video", draw_thread, NULL, CLASS_HIGH);

	if (!screen.tty || !thread) {
		log_error("video: no memory for /dev/tty1");
		return;
	}
	tty_set_size(screen.tty, video_geometry.rows, video_geometry.columns, video_geometry.x_pixels, video_geometry.y_pixels);
	thread_start(thread);
}

struct tty *video_tty(void)
{
	return screen.tty;
}

void video_scroll_view(int half_screens)
{
	if (!screen.backend)
		return;
	uint64_t irq_flags = spin_lock_irq(&screen.lock);

	terminal_scroll_view(screen.terminal, half_screens * (int)(video_geometry.rows / 2));
	note_change();
	spin_unlock_irq(&screen.lock, irq_flags);
	wake_all(&screen.queue);
}

struct video_modes video_modes(void)
{
	struct video_modes modes = { false };

	if (!screen.backend)
		return modes;
	uint64_t irq_flags = spin_lock_irq(&screen.lock);

	modes.cursor_keys_application = screen.terminal->cursor_keys_application;
	modes.keypad_application = screen.terminal->keypad_application;
	modes.newline = screen.terminal->newline_mode;
	spin_unlock_irq(&screen.lock, irq_flags);
	return modes;
}
