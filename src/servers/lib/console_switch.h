/* SPDX-License-Identifier: MIT */
/* Which virtual console is on the screen, for process 1: the kernel sends it SIGWINCH when one is shown that nobody has open. */
#ifndef SERVERS_LIB_CONSOLE_SWITCH_H
#define SERVERS_LIB_CONSOLE_SWITCH_H

/* Takes note of SIGWINCH from now on, where it is not blocked. */
void console_switch_watch(void);

/* The name of the terminal shown, such as "tty2", if the signal has come since the last call, else NULL. Valid until the next call. */
const char *console_switch_take(void);

#endif
