/* SPDX-License-Identifier: MIT */
/*
 * Terminals: a line discipline between a device (serial port, framebuffer console with keyboard, pty master) and programs. struct tty is private to
 * tty/; drivers see only what is here.
 */
#pragma once

#include "lib/types.h"

struct tty;
struct file;
struct session;
struct ktermios;

/*
 * What a device does for its terminal. write, write_room, flush_output and output_pending are called with the tty's spinlock held and
 * interrupts off: they may take the device's own lock inside, and must not sleep nor call back into tty/. The others are called
 * from thread context without locks. All but write may be NULL.
 */
struct tty_driver {
	/* Takes as many of @len bytes as fit and returns how many. */
	size_t (*write)(struct tty *tty, const char *text, size_t len);
	/* Room for output in bytes; when it was 0 the driver calls tty_output_ready() later. NULL: always room. */
	size_t (*write_room)(struct tty *tty);
	/* Throws away what was taken and is not sent. */
	void (*flush_output)(struct tty *tty);
	/* Bytes taken and not sent. */
	size_t (*output_pending)(struct tty *tty);
	/* The device is opened (each time): 0 or a negative errno, which open(2) returns. Serialised with last_close. */
	int (*open)(struct tty *tty);
	void (*last_close)(struct tty *tty);
	/* From the settings of all new terminals makes this one's, which a hang-up brings back. NULL: no difference, and a hang-up changes nothing. */
	void (*initial_settings)(struct ktermios *termios);
	/* The settings changed (speed, flow control). */
	void (*settings_changed)(struct tty *tty, const struct ktermios *old, const struct ktermios *now);
	/* Input may flow again after tty_receive took less than offered. Any context. */
	void (*unthrottle)(struct tty *tty);
	/* Waits until everything written has left. 0 or -ERESTARTSYS. */
	int (*drain)(struct tty *tty);
	void (*set_break)(struct tty *tty, bool on);
	/* Requests of ioctl(2) that only this device knows; -ENOTTY for others. */
	long (*ioctl)(struct tty *tty, unsigned request, uint64_t argument);
	/* Modem lines as TIOCM_* bits. */
	unsigned (*modem_get)(struct tty *tty);
	void (*modem_set)(struct tty *tty, unsigned set, unsigned clear);
	/* Packet mode of ptys: what happened, enum line_events bits. Any context. */
	void (*events)(struct tty *tty, unsigned events);
	/* The last reference is gone: free @context. */
	void (*destroy)(struct tty *tty);
};

/* Makes a tty that appears in devfs as @name with this device number. NULL when out of memory. */
struct tty *tty_create(const char *name, unsigned major, unsigned minor, const struct tty_driver *driver, void *context);
void *tty_context(struct tty *tty);

/* From now on /dev/tty0 means @tty, which lives for ever. Any context. */
void tty_set_shown(struct tty *tty);

/* The settings that a device starts with; before anybody can open it. */
void tty_set_initial_speed(struct tty *tty, unsigned baud);
void tty_set_initial_flags(struct tty *tty, unsigned cflag_set, unsigned iflag_clear);

/*
 * Input from the device, callable from interrupts, with no lock held that write() takes. Returns the bytes taken; when that is less
 * than @len the device keeps the rest and goes on when unthrottle() is called, or drops it.
 */
size_t tty_receive(struct tty *tty, const char *bytes, size_t len);
enum tty_error { TTY_BREAK, TTY_PARITY_ERROR, TTY_FRAMING_ERROR, TTY_OVERRUN };
void tty_receive_error(struct tty *tty, enum tty_error error, char byte);
/* The device has room for output again. Same contexts as tty_receive. */
void tty_output_ready(struct tty *tty);
/* Makes every open file of it dead, and tells the session that has it. Thread context. */
void tty_hangup(struct tty *tty);
/* SIGWINCH to the foreground group when it changed. Pixel sizes may be 0. */
void tty_set_size(struct tty *tty, unsigned rows, unsigned columns, unsigned x_pixels, unsigned y_pixels);

/* A session leader ends: its terminal is hung up and given up (process/exit.c calls it; no locks held). */
void tty_session_leader_exit(struct session *session);
/* For /proc/PID/stat: device number and foreground group of the terminal that controls @process; 0 and -1 if none. process_tree_lock held. */
void tty_describe_control(const struct process *process, unsigned *dev, int *foreground_pgid);

/* Whom the open terminal @file tells of events (F_GETOWN) once the caller has set O_ASYNC: its foreground group, else the caller. */
int tty_default_owner(const struct file *file);
/* Is it the calling process's controlling terminal? */
bool tty_controls_caller(const struct tty *tty);
/* The device number of the calling process's controlling terminal; 0: it has none. */
unsigned tty_device_of_caller(void);

void tty_init(void);		/* /dev/tty, /dev/console, /dev/ptmx, devpts */
