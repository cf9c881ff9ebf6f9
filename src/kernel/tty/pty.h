/* SPDX-License-Identifier: MIT */
/* Pseudo terminals: what pty.c and devpts.c share. */
#pragma once

#include "tty/tty_private.h"

enum { PTY_MAX = 4096, PTY_RING_SIZE = 8192, PTY_ARRIVED = 4095, PTY_SLAVE_MAJOR = 136, PTMX_MAJOR = 5, PTMX_MINOR = 2 };

struct pty {
	struct list link;		/* in the list of all ptys; pty_table_lock */
	unsigned index;			/* the N of /dev/pts/N; set once */
	uint64_t serial;		/* tells ptys with the same index apart; set once */
	struct tty *slave;		/* whose context this is; both go together */
	bool master_open;		/* tty_open_lock */
	bool locked;			/* tty_open_lock; the slave cannot be opened until TIOCSPTLCK(0) */
	/* The slave's node in devpts; pty_table_lock. */
	uint32_t uid, gid, mode;
	int64_t atime, mtime, ctime;

	struct spinlock lock;		/* taken inside slave->lock, interrupts off */
	bool slave_closed;		/* lock; it was open and nobody has it open now: the master reads EIO */
	bool packet;			/* lock; TIOCPKT */
	uint8_t packet_status;		/* lock; TIOCPKT_* bits not yet read */
	unsigned head, tail;		/* lock; free-running positions of what the slave wrote */
	char ring[PTY_RING_SIZE];	/* lock */
	bool reading, writing;		/* lock; as in struct tty, for the master */
	struct wait_queue master_read, master_write;
};

extern struct mutex pty_table_lock;

/* The pty with this index while its master is open, its slave referenced (drop with tty_put(pty->slave)); NULL if there is none. */
struct pty *pty_find(unsigned index);
/* The same for the pty with this serial number, also after its master has closed. */
struct pty *pty_find_serial(uint64_t serial);
/* Is it still in the table, so that devpts shows it? */
bool pty_is_listed(const struct pty *pty);
/* The lowest index >= @from in use, or -1. */
int pty_next_index(unsigned from);

/* The master is closing: the index is free for another. */
void pty_table_remove(struct pty *pty);

/* Opens the slave side as @file. */
int pty_slave_open(struct pty *pty, struct file *file);
int ptmx_open(struct file *file);

/* devpts.c: options of the mount that apply to new ptys, and the registration of the type. */
struct devpts_options { bool has_gid; uint32_t gid, mode, ptmx_mode; };
struct devpts_options devpts_options_get(void);
void devpts_init(void);

/* pty_master.c */
extern const struct file_ops pty_master_ops;
