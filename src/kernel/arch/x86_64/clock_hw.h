/* SPDX-License-Identifier: MIT */
/* The clock's hardware: TSC as time source, local APIC timer or PIT as one-shot event source, CMOS for the date. */
#pragma once

#include "lib/types.h"

/* Calibrates against the PIT and reads the date. Needs interrupts_init(). */
void clock_hw_init(void);

/* Asks for a timer interrupt when the TSC is at @deadline, or somewhat earlier. Interrupts off. */
void clock_hw_program(uint64_t deadline);
/* The TSC's value at @ns on the monotonic clock, give or take a few. */
uint64_t clock_hw_deadline(uint64_t ns);

/* Ticks of the TSC to ns, for measuring short spans. */
uint64_t clock_hw_cycles_to_ns(uint64_t cycles);
uint64_t clock_hw_tsc_hz(void);
/* How the monotonic clock is computed, see vdso/data.h. */
void clock_hw_describe(uint64_t *base, uint64_t *factor);

/* Seconds since 1970 from the CMOS clock (UTC); 0 if it makes no sense. */
uint64_t rtc_read(void);
