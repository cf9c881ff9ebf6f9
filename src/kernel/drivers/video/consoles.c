/* SPDX-License-Identifier: MIT */
/*
 * The virtual consoles tty1 to tty4. The first one exists from boot on; another one gets its terminal when it is first opened or shown. Writing to one that
 * is not shown changes its grid and nothing else.
 */
#include "drivers/video/consoles.h"
#include <asm/signal.h>
#include "drivers/video/backend.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "process/signal.h"
#include "sync/wait.h"
#include "tty/tty.h"

enum { TTY_MAJOR = 4, REPLY_SIZE = 64, BASIC_COLORS = 16 };

struct virtual_console {
	struct tty *tty;		/* set once */
	bool open;			/* written under screen_lock, read atomically */
	struct terminal *terminal;	/* screen_lock, as all below; NULL: never used */
	char replies[REPLY_SIZE];
	unsigned reply_count;
	uint32_t colors[BASIC_COLORS];	/* as its programs have set them */
};

struct spinlock screen_lock = SPINLOCK_INIT(LOCK_SCREEN);
static struct virtual_console consoles[VIDEO_CONSOLES];
static unsigned shown;			/* index; written under screen_lock, read atomically */
static struct wait_queue switched = WAIT_QUEUE_INIT(switched);

/* The terminal's answers wait for the drawing thread, because the tty is locked while it writes. */
static void collect_reply(void *context, const char *text, size_t len)
{
	struct virtual_console *console = context;

	for (size_t i = 0; i < len && console->reply_count < REPLY_SIZE; i++)
		console->replies[console->reply_count++] = text[i];
}

static void set_color(void *context, unsigned index, uint32_t rgb)
{
	struct virtual_console *console = context;

	console->colors[index] = rgb;
	if (console != &consoles[shown])
		return;
	video_set_color(index, rgb);
	video_forget_palette();
	terminal_mark_all_dirty(console->terminal);
}

static void forget_colors(struct virtual_console *console)
{
	for (unsigned i = 0; i < BASIC_COLORS; i++)
		console->colors[i] = terminal_palette(i);
}

static const struct terminal_ops terminal_ops = { .reply = collect_reply, .set_color = set_color };

/* Makes sure that @console has a terminal: false when out of memory. */
static bool use(struct virtual_console *console)
{
	if (atomic_load(&console->terminal))
		return true;
	struct terminal *terminal = terminal_create(video_geometry.rows, video_geometry.columns, TERMINAL_SCROLLBACK, &terminal_ops, console);
	uint64_t irq_flags = spin_lock_irq(&screen_lock);

	/* The drawing thread and who opens it may do so at once. */
	if (terminal && !console->terminal) {
		terminal_mark_all_dirty(terminal);
		atomic_store(&console->terminal, terminal);
		terminal = NULL;
	}
	bool made = console->terminal != NULL;

	spin_unlock_irq(&screen_lock, irq_flags);
	if (terminal)
		terminal_destroy(terminal);
	return made;
}

struct terminal *console_first(void)
{
	return consoles[0].terminal;
}

struct terminal *console_shown(void)
{
	return consoles[shown].terminal;
}

void console_show_any(void)
{
	if (console_shown())
		return;
	shown = 0;
	terminal_mark_all_dirty(console_first());
}

/* Under the lock, so that nobody takes the terminal of one that is open. */
static void set_open(struct virtual_console *console, bool open)
{
	uint64_t irq_flags = spin_lock_irq(&screen_lock);

	atomic_store(&console->open, open);
	spin_unlock_irq(&screen_lock, irq_flags);
}

static int console_open(struct tty *tty)
{
	struct virtual_console *console = tty_context(tty);

	set_open(console, true);
	if (use(console))
		return 0;
	set_open(console, false);
	return -ENOMEM;
}

static void console_last_close(struct tty *tty)
{
	set_open(tty_context(tty), false);
}

static size_t console_write(struct tty *tty, const char *text, size_t len)
{
	struct virtual_console *console = tty_context(tty);
	uint64_t irq_flags = spin_lock_irq(&screen_lock);
	bool wake;

	/* Without a terminal it is the echo of what is typed where nobody reads. */
	if (console->terminal) {
		/* Not for the log, which is written whoever holds the heap. */
		console->terminal->grows = true;
		terminal_write(console->terminal, text, len);
		console->terminal->grows = false;
	}
	/* Another one's answers are the drawing thread's business as well. */
	wake = console == &consoles[shown] || console->reply_count;
	if (wake)
		video_note_change();
	spin_unlock_irq(&screen_lock, irq_flags);
	if (wake)
		video_wake();
	return len;
}

/* As all have them, whatever those who used it before have set. */
static void console_initial_settings(struct ktermios *termios)
{
}

static const struct tty_driver console_driver = {
	.initial_settings = console_initial_settings,
	.write = console_write, .open = console_open, .last_close = console_last_close, .ioctl = console_ioctl,
};

bool consoles_early_init(void)
{
	for (unsigned i = 0; i < VIDEO_CONSOLES; i++)
		forget_colors(&consoles[i]);
	return use(&consoles[0]);
}

bool consoles_init(void)
{
	for (unsigned i = 0; i < VIDEO_CONSOLES; i++) {
		char name[8];

		snprintf(name, sizeof(name), "tty%u", i + 1);
		consoles[i].tty = tty_create(name, TTY_MAJOR, i + 1, &console_driver, &consoles[i]);
		if (consoles[i].tty)
			tty_set_size(consoles[i].tty, video_geometry.rows, video_geometry.columns, video_geometry.x_pixels, video_geometry.y_pixels);
	}
	if (consoles[0].tty)
		tty_set_shown(consoles[0].tty);
	return consoles[0].tty != NULL;
}

void consoles_prepare(void)
{
	unsigned number = atomic_load(&shown);

	if (!use(&consoles[number])) {
		log_error("video: no memory for tty%u", number + 1);
		video_show_console(1);
	}
	uint64_t irq_flags = spin_lock_irq(&screen_lock);

	if (console_shown())
		terminal_provide_lines(console_shown());
	spin_unlock_irq(&screen_lock, irq_flags);
}

void consoles_deliver_replies(void)
{
	char replies[REPLY_SIZE];

	for (unsigned i = 0; i < VIDEO_CONSOLES; i++) {
		uint64_t irq_flags = spin_lock_irq(&screen_lock);
		unsigned count = consoles[i].reply_count;

		memcpy(replies, consoles[i].replies, count);
		consoles[i].reply_count = 0;
		spin_unlock_irq(&screen_lock, irq_flags);
		if (count)
			tty_receive(consoles[i].tty, replies, count);
	}
}

bool video_show_console(unsigned number)
{
	if (number < 1 || number > VIDEO_CONSOLES || !consoles[number - 1].tty)
		return false;
	struct virtual_console *console = &consoles[number - 1];
	uint64_t irq_flags = spin_lock_irq(&screen_lock);
	bool changes = shown != number - 1;

	if (changes) {
		atomic_store(&shown, number - 1);
		tty_set_shown(console->tty);
		for (unsigned i = 0; i < BASIC_COLORS; i++)
			video_set_color(i, console->colors[i]);
		video_forget_palette();
		if (console->terminal)
			terminal_mark_all_dirty(console->terminal);
		video_note_change();
	}
	spin_unlock_irq(&screen_lock, irq_flags);
	if (!changes)
		return true;
	video_wake();
	wake_all(&switched);
	/* Process 1 may want to offer a login there, as it may on Linux's "spawn console" key. */
	if (!atomic_load(&console->open))
		signal_send_init(SIGWINCH);
	return true;
}

struct tty *video_tty(void)
{
	return consoles[atomic_load(&shown)].tty;
}

void video_scroll_view(int half_screens)
{
	uint64_t irq_flags = spin_lock_irq(&screen_lock);

	if (console_shown()) {
		terminal_scroll_view(console_shown(), half_screens * (int)(video_geometry.rows / 2));
		video_note_change();
	}
	spin_unlock_irq(&screen_lock, irq_flags);
	video_wake();
}

struct video_modes video_modes(void)
{
	struct video_modes modes = { false };
	uint64_t irq_flags = spin_lock_irq(&screen_lock);
	const struct terminal *terminal = console_shown();

	if (terminal) {
		modes.cursor_keys_application = terminal->cursor_keys_application;
		modes.keypad_application = terminal->keypad_application;
		modes.newline = terminal->newline_mode;
	}
	spin_unlock_irq(&screen_lock, irq_flags);
	return modes;
}

unsigned console_shown_number(void)
{
	return atomic_load(&shown) + 1;
}

bool console_is_open(unsigned number)
{
	return atomic_load(&consoles[number - 1].open);
}

int console_wait_shown(unsigned number)
{
	struct waiter waiter;
	int error = 0;

	wait_begin(&switched, &waiter);
	while (console_shown_number() != number && !error)
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
	wait_end(&waiter);
	return error;
}

int console_free(unsigned number)
{
	struct virtual_console *console = &consoles[number - 1];
	struct terminal *terminal = NULL;

	uint64_t irq_flags = spin_lock_irq(&screen_lock);
	/* The first one is the log's. */
	bool busy = number == 1 || console->open || shown == number - 1;

	if (!busy) {
		terminal = console->terminal;
		atomic_store(&console->terminal, NULL);
		console->reply_count = 0;
		forget_colors(console);
	}
	spin_unlock_irq(&screen_lock, irq_flags);
	if (terminal)
		terminal_destroy(terminal);
	return busy ? -EBUSY : 0;
}
