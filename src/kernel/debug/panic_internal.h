/* SPDX-License-Identifier: MIT */
/* Panics that know the registers of the code that failed. */
#pragma once

#include "arch/x86_64/trap.h"

__attribute__((noreturn, format(printf, 2, 3))) void panic_with_frame(const struct trap_frame *frame, const char *format, ...);
