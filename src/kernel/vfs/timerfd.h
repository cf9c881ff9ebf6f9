/* SPDX-License-Identifier: MIT */
/* Timers that are descriptors. */
#pragma once

/* The wall clock was set: those that expire by it look again, and those that asked for it tell their readers. Thread context. */
void timerfd_clock_was_set(void);
