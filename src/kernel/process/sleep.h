/* SPDX-License-Identifier: MIT */
/* Sleeping on the wall clock. */
#pragma once

/* The wall clock was set: those who sleep until a wall-clock time look again. */
void sleep_clock_was_set(void);
