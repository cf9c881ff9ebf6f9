/* SPDX-License-Identifier: MIT */
/* The virtual consoles behind the screen: a terminal emulator and a tty each, of which one is shown. For drivers/video only. */
#pragma once

#include "sync/spinlock.h"
#include "tty/terminal.h"
#include "video.h"

/* With interrupts off: the consoles, and which of them is shown. Taken inside tty->lock. */
extern struct spinlock screen_lock;

/* Makes the terminal of the first console, which the log writes to. False when out of memory. */
bool consoles_early_init(void);
/* Makes /dev/tty1 to ttyN, and /dev/tty0, which is the one that is shown. False when there is not even tty1. */
bool consoles_init(void);

/* The emulator of the first console, and of the one shown: NULL until consoles_prepare() if that was never used. screen_lock held. */
struct terminal *console_first(void);
struct terminal *console_shown(void);
/* In a panic: there is something to be seen. Whatever is locked. */
void console_show_any(void);

/* What the drawing thread does before it draws: gives the console shown a terminal and lines that can scroll away. Allocates. */
void consoles_prepare(void);
/* The terminals' answers go to the programs as if typed. Called by the drawing thread. */
void consoles_deliver_replies(void);

/* ioctl(2) of a console beside what every terminal has (console_ioctl(4)); -ENOTTY for others. May sleep. */
struct virtual_console;
long console_ioctl(struct tty *tty, unsigned request, uint64_t argument);

/* --- between consoles.c and console_ioctl.c --- */

unsigned console_shown_number(void);		/* from 1 */
bool console_is_open(unsigned number);
/* Waits until @number is shown: 0 or -ERESTARTSYS. */
int console_wait_shown(unsigned number);
/* Gives back the memory of a console: -EBUSY while it is open or shown. */
int console_free(unsigned number);

/* --- video.c --- */

/* Something of the console shown has changed: it is drawn soon, with the cursor on. screen_lock held. */
void video_note_change(void);
void video_wake(void);		/* the drawing thread, after video_note_change(); without the lock */
void video_forget_palette(void);	/* all is drawn anew: the meaning of colours has changed. screen_lock held */
/* The colour of palette index @index is 0xRRGGBB from now on, where the screen can. screen_lock held. */
void video_set_color(unsigned index, uint32_t rgb);
