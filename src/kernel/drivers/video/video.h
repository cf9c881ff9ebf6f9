/* SPDX-License-Identifier: MIT */
/* The screen: a text console on a linear framebuffer or on EGA text memory. */
#pragma once

#include "lib/types.h"

struct tty;

/* Maps the screen and registers the log console "tty1"; needs the heap and kernel_map_physical(). No screen: does nothing. */
void video_early_init(void);

/* Makes /dev/tty1 to tty4 and starts the drawing thread; needs tty_init() and the scheduler. */
void video_init(void);

/* For the keyboard, callable from interrupts. The tty is that of the console shown, NULL when there is no screen. */
struct tty *video_tty(void);
enum { VIDEO_CONSOLES = 4 };
bool video_show_console(unsigned number);	/* from 1; false when there is none of that number */
void video_scroll_view(int half_screens);	/* positive goes back in the scroll-back */
enum { VIDEO_PRESENT = -1000 };			/* half screens: further than it reaches */

/* What the program on the screen asked of the keyboard. Callable from interrupts. */
struct video_modes { bool cursor_keys_application, keypad_application, newline; };
struct video_modes video_modes(void);
