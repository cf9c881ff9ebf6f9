/* SPDX-License-Identifier: MIT */
/* The PC's serial ports COM1 to COM4 (16550 and compatible) as log console "ttyS0" and terminals /dev/ttyS0 to ttyS3. */
#pragma once

/* Finds COM1 and, if there is one, registers the log console "ttyS0". Polled output only; needs nothing else to be set up. */
void serial_early_init(void);

/* Sends what waits in the ports' rings, by polling and with a bound: before the machine goes off. Interrupts off. */
void serial_flush(void);

/* Makes the terminals and turns interrupts on; needs tty_init(), the heap and irq_register(). */
void serial_tty_init(void);
