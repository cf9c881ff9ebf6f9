/* SPDX-License-Identifier: MIT */
/* Terminals as devices: making them, opening and closing, and the names /dev/tty and /dev/console. */
#include "tty/tty_private.h"
#include <linux/fcntl.h>
#include "init/boot_info.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/credentials.h"
#include "security/capabilities.h"

enum { TTYAUX_MAJOR = 5, MINOR_TTY = 0, MINOR_CONSOLE = 1, TTY_MAJOR = 4 };

struct mutex tty_open_lock = MUTEX_INIT(tty_open_lock, LOCK_TTY_OPEN);
static struct list all_ttys = LIST_INIT(all_ttys);	/* tty_open_lock */
static struct tty *shown;	/* atomic; NULL: there is no screen */

static int tty_device_open(struct char_device *device, unsigned minor, struct file *file)
{
	return tty_open(device->context, file, 0);
}

struct tty *tty_alloc(const char *name, uint64_t dev, const struct tty_driver *driver, void *context)
{
	struct tty *tty = kzalloc(sizeof(*tty));

	if (!tty)
		return NULL;
	refcount_init(&tty->refs, 1);
	string_copy(tty->name, name, sizeof(tty->name));
	tty->dev = dev;
	tty->driver = driver;
	tty->context = context;
	spinlock_init(&tty->lock, LOCK_TTY);
	line_init(&tty->line, &tty_line_ops);
	if (driver->initial_settings)
		driver->initial_settings(&tty->line.termios);
	wait_queue_init(&tty->read_queue);
	wait_queue_init(&tty->write_queue);
	list_init(&tty->link);
	return tty;
}

void tty_get(struct tty *tty)
{
	refcount_get(&tty->refs);
}

void tty_put(struct tty *tty)
{
	if (!refcount_put(&tty->refs))
		return;
	if (tty->driver->destroy)
		tty->driver->destroy(tty);
	kfree(tty);
}

struct tty *tty_create(const char *name, unsigned major, unsigned minor, const struct tty_driver *driver, void *context)
{
	struct tty *tty = tty_alloc(name, make_dev(major, minor), driver, context);

	if (!tty)
		return NULL;
	tty->device = (struct char_device){
		.major = major, .minor = minor, .minor_count = 1, .name = tty->name, .mode = 0600, .ops = &tty_file_ops,
		.open = tty_device_open, .context = tty,
	};
	mutex_lock(&tty_open_lock);
	list_push_back(&all_ttys, &tty->link);
	mutex_unlock(&tty_open_lock);
	int error = char_device_register(&tty->device);

	if (error)
		log_error("tty: %s cannot be registered: error %d", name, -error);
	return tty;
}

void *tty_context(struct tty *tty)
{
	return tty->context;
}

void tty_set_initial_speed(struct tty *tty, unsigned baud)
{
	struct ktermios *termios = &tty->line.termios;

	termios->c_cflag = (termios->c_cflag & ~CBAUD) | (baud == 115200 ? B115200 : baud == 9600 ? B9600 : B38400);
	termios->c_ispeed = termios->c_ospeed = tty_baud(termios);
}

void tty_set_initial_flags(struct tty *tty, unsigned cflag_set, unsigned iflag_clear)
{
	tty->line.termios.c_cflag |= cflag_set;
	tty->line.termios.c_iflag &= ~iflag_clear;
}

static int open_device(struct tty *tty, struct tty_file *tty_file)
{
	int error = 0;

	mutex_lock(&tty_open_lock);
	if (tty->exclusive && !capabilities_may_administer())
		error = -EBUSY;
	else if (tty->driver->open)
		error = tty->driver->open(tty);
	if (!error) {
		tty->open_count++;
		tty_file->hangups = tty->hangups;
	}
	mutex_unlock(&tty_open_lock);
	return error;
}

int tty_open(struct tty *tty, struct file *file, unsigned flags)
{
	struct tty_file *tty_file = kzalloc(sizeof(*tty_file));

	if (!tty_file)
		return -ENOMEM;
	tty_file->tty = tty;
	tty_file->console = flags & TTY_OPEN_CONSOLE;
	int error = open_device(tty, tty_file);

	if (error) {
		kfree(tty_file);
		return error;
	}
	tty_get(tty);
	file->ops = &tty_file_ops;
	file->private = tty_file;
	if (!(flags & TTY_OPEN_NO_CONTROL) && !(file->flags & O_NOCTTY))
		tty_take_control(tty, file);
	return 0;
}

/* Nobody has it open any more: the next one to open it finds it as new, but for the settings. */
static void forget_state(struct tty *tty)
{
	uint64_t irq_flags = spin_lock_irq(&tty->lock);

	tty->exclusive = false;
	line_start_any(&tty->line);
	line_flush_input(&tty->line);
	tty_unlock_and_act(tty, irq_flags);
	tty_release_control(tty);
}

static void tty_release(struct file *file)
{
	struct tty_file *tty_file = file->private;
	struct tty *tty = tty_file->tty;

	mutex_lock(&tty_open_lock);
	if (--tty->open_count == 0) {
		if (tty->driver->last_close)
			tty->driver->last_close(tty);
		/* A pty lives as long as its master: what was typed ahead and its session stay. */
		if (!list_empty(&tty->link))
			forget_state(tty);
	}
	mutex_unlock(&tty_open_lock);
	kfree(tty_file);
	tty_put(tty);
}

static void tty_describe(struct file *file, char *buf, size_t size)
{
	struct tty_file *tty_file = file->private;

	string_copy(buf, "/dev/", size);
	if (size > 5)
		string_copy(buf + 5, tty_file->tty->name, size - 5);
}

const struct file_ops tty_file_ops = {
	.read = tty_file_read,
	.write = tty_file_write,
	.poll = tty_file_poll,
	.ioctl = tty_ioctl,
	.release = tty_release,
	.describe = tty_describe,
};

static struct tty *find_by_name(const char *name)
{
	struct tty *tty;

	list_for_each(tty, &all_ttys, link)
		if (strcmp(tty->name, name) == 0)
			return tty;
	return NULL;
}

/* The terminal that /dev/console means: the last console= that exists, else the first serial port, the screen, or nothing. */
static struct tty *console_find(void)
{
	static const char *const fallbacks[] = { "ttyS0", "tty1", "ttynull" };
	char name[TTY_NAME_LEN];
	struct tty *tty = NULL;

	if (command_line_get("console", name, sizeof(name))) {
		char *options = strchr(name, ',');

		if (options)
			*options = '\0';
		tty = strcmp(name, "tty0") == 0 ? atomic_load(&shown) : find_by_name(name);
	}
	for (size_t i = 0; !tty && i < ARRAY_LEN(fallbacks); i++)
		tty = find_by_name(fallbacks[i]);
	return tty;
}

static int console_open(struct char_device *device, unsigned minor, struct file *file)
{
	mutex_lock(&tty_open_lock);
	struct tty *tty = console_find();

	mutex_unlock(&tty_open_lock);
	return tty ? tty_open(tty, file, TTY_OPEN_NO_CONTROL | TTY_OPEN_CONSOLE) : -ENODEV;
}

static int current_tty_open(struct char_device *device, unsigned minor, struct file *file)
{
	struct tty *tty = tty_of_caller();

	if (!tty)
		return -ENXIO;
	int error = tty_open(tty, file, TTY_OPEN_NO_CONTROL);

	tty_put(tty);
	return error;
}

void tty_set_shown(struct tty *tty)
{
	atomic_store(&shown, tty);
}

static int shown_tty_open(struct char_device *device, unsigned minor, struct file *file)
{
	struct tty *tty = atomic_load(&shown);

	return tty ? tty_open(tty, file, TTY_OPEN_NO_CONTROL) : -ENXIO;
}

/* For a machine without any console: programs must still be able to write. Reading waits, as nobody ever types. */
static size_t null_write(struct tty *tty, const char *text, size_t len)
{
	return len;
}
static const struct tty_driver null_driver = { .write = null_write };

static struct char_device devices[] = {
	{ .major = TTYAUX_MAJOR, .minor = MINOR_TTY, .minor_count = 1, .name = "tty", .mode = 0666, .ops = &tty_file_ops,
	  .open = current_tty_open },
	{ .major = TTYAUX_MAJOR, .minor = MINOR_CONSOLE, .minor_count = 1, .name = "console", .mode = 0600, .ops = &tty_file_ops,
	  .open = console_open },
	{ .major = TTY_MAJOR, .minor = 0, .minor_count = 1, .name = "tty0", .mode = 0600, .ops = &tty_file_ops,
	  .open = shown_tty_open },
};

void tty_init(void)
{
	for (size_t i = 0; i < ARRAY_LEN(devices); i++)
		char_device_register(&devices[i]);
	tty_create("ttynull", 5, 3, &null_driver, NULL);
	pty_init();
}
