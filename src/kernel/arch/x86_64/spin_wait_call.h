/* SPDX-License-Identifier: MIT */
#pragma once

/* Waits for @lock out of line (spin_wait.asm), where all registers are kept. */
#define SPIN_WAIT_CALL(lock) __asm__ volatile("pushq %0; call spin_wait_entry" :: "r"(lock) : "memory", "cc")
