/* SPDX-License-Identifier: MIT */
/* A terminal as tty/ sees it. The locks and their order are in README.md. */
#pragma once

#include <asm/termios.h>
#include "lib/atomic.h"
#include "sync/wait.h"
#include "sync/mutex.h"
#include "vfs/file.h"
#include "vfs/poll.h"
#include "tty/tty.h"
#include "tty/line_discipline.h"

enum { TTY_NAME_LEN = 16, TTY_CHUNK = 512 };

struct tty {
	struct refcount refs;		/* open files, the session that has it, the device */
	char name[TTY_NAME_LEN];	/* set once */
	uint64_t dev;			/* device number; set once */
	const struct tty_driver *driver;
	void *context;
	struct spinlock lock;		/* taken with interrupts off */
	struct line_discipline line;	/* lock */
	struct winsize size;		/* lock */
	unsigned hangups;		/* lock; how often it was hung up: files opened before the last time are dead */
	bool reading, writing;		/* lock; a read or write is under way and must not be mixed with another */
	bool exclusive;			/* lock; TIOCEXCL */
	bool device_gone;		/* before a hang-up: who waits for input gets EIO, not an end of file */
	struct ktermios locked;		/* lock; TIOCSLCKTRMIOS: what is not 0 in it cannot be set */
	unsigned open_count;		/* tty_open_lock */
	struct wait_queue read_queue;	/* input, hang-up, or reading ended */
	struct wait_queue write_queue;	/* room for output, hang-up, or writing ended */
	struct session *session;	/* process_tree_lock; whose controlling terminal it is */
	int foreground_pgid;		/* written under process_tree_lock, read atomically; 0: none */
	struct char_device device;	/* unused by ptys */
	struct list link;		/* tty_open_lock; all but ptys */
};

/* file->private of an open terminal. */
struct tty_file {
	struct tty *tty;		/* referenced */
	unsigned hangups;		/* tty->hangups at open */
	bool console;			/* opened as /dev/console: no job control for it */
};

extern const struct file_ops tty_file_ops;
extern struct mutex tty_open_lock;

/* tty.c */
/* An unregistered tty with one reference. NULL when out of memory. */
struct tty *tty_alloc(const char *name, uint64_t dev, const struct tty_driver *driver, void *context);
void tty_get(struct tty *tty);
void tty_put(struct tty *tty);
enum tty_open_flags { TTY_OPEN_NO_CONTROL = 1 << 0, TTY_OPEN_CONSOLE = 1 << 1 };
/* Makes @file an open file of @tty. */
int tty_open(struct tty *tty, struct file *file, unsigned flags);

/* tty_io.c */
ssize_t tty_file_read(struct file *file, struct uio *uio, uint64_t *pos);
ssize_t tty_file_write(struct file *file, struct uio *uio, uint64_t *pos);
unsigned tty_file_poll(struct file *file, struct poll_table *table);
/* Ends a section under tty->lock: unlocks and does what the line discipline asked for. */
void tty_unlock_and_act(struct tty *tty, uint64_t irq_flags);
bool tty_file_hung_up(const struct tty_file *tty_file);
/* Waits for output to leave: 0, or -ERESTARTSYS. */
int tty_drain(struct tty *tty);
extern const struct line_ops tty_line_ops;

/* tty_ioctl.c */
long tty_ioctl(struct file *file, unsigned request, uint64_t argument);
/* The requests that master and slave of a pty answer alike; -ENOIOCTLCMD when @request is not one of them. */
enum { ENOIOCTLCMD = 515 };
long tty_ioctl_common(struct tty *tty, struct file *file, bool master, unsigned request, uint64_t argument);

/* tty_termios.c */
long tty_ioctl_termios(struct tty *tty, unsigned request, uint64_t argument);
unsigned tty_baud(const struct ktermios *termios);

/* job_control.c */
/* Is the caller in the background of its controlling terminal @tty? Then signals it and returns -ERESTARTSYS or -EIO; else 0. */
int tty_check_background(struct tty *tty, int signal);
void tty_take_control(struct tty *tty, const struct file *file);
struct tty *tty_of_caller(void);		/* the caller's controlling terminal, referenced, or NULL */
void tty_signal_foreground(struct tty *tty, int signal);
/* Takes it away from its session without a signal. */
void tty_release_control(struct tty *tty);
long tty_ioctl_control(struct tty *tty, struct file *file, bool master, unsigned request, uint64_t argument);

/* pty.c */
void pty_init(void);
struct pty;
