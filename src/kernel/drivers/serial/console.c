/* SPDX-License-Identifier: MIT */
/*
 * The log console "ttyS0": polled output on COM1 that works from the first instruction to the last, in a panic too. It takes the port's lock
 * with a bound only, because whoever holds it may be what broke; and it waits for the line with a bound, because a line that is held
 * (flow control, nobody reads) must not stop the system.
 */
#include "drivers/serial/serial.h"
#include "drivers/serial/port.h"
#include "init/boot_info.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "sched/clock.h"

enum {
	LOCK_SPINS = 1000000,
	LINE_SPINS = 200000,	/* reads of the status register, about 1 µs each on a PC */
	LINE_MS = 100,		/* 16 bytes take 17 ms at 9600 baud */
	/* Times as long in a panic and at the end, once: nothing is worth more than the last message, and a busy emulator stands still, too. */
	LAST_PATIENCE = 40,
};

static bool ending;	/* the machine is switched off: nothing is sent later */

/* In a panic whoever has the lock may be what broke: then with a bound, and never again after the bound was reached. */
static bool lock_bounded(struct serial_port *port)
{
	static bool broken;

	for (unsigned i = 0; !panic_started() || (i < LOCK_SPINS && !broken); i++) {
		if (spin_try(&port->lock))
			return true;
		cpu_relax();
	}
	broken = true;
	return false;
}

/* The clock stands still until it is set up; then the spins alone are the bound. */
static bool wait_for_room(struct serial_port *port)
{
	static bool tried_in_panic;
	bool first = panic_started() && !tried_in_panic;
	unsigned patience = panic_started() || ending ? LAST_PATIENCE : 1, spins = port->stuck && !first ? 1 : patience * LINE_SPINS;
	uint64_t limit = clock_monotonic_ns() + patience * LINE_MS * NS_PER_MS;

	/* Also a line that stood still before gets the patience that the last message is worth. */
	tried_in_panic |= first;

	do {
		if (serial_port_line_status(port) & LSR_TRANSMIT_EMPTY) {
			port->stuck = false;
			return true;
		}
	} while (--spins && (spins % 256 || clock_monotonic_ns() < limit));
	port->stuck = true;
	return false;
}

/* Sends by polling, what was queued for the line first. */
static void send_polled(struct serial_port *port, const char *text, size_t len)
{
	unsigned room = 0;

	while (serial_port_queued(port) || len) {
		if (!room && !wait_for_room(port))
			return;
		room = room ? room - 1 : port->fifo - 1u;
		if (serial_port_queued(port)) {
			uart_write(port, UART_DATA, port->ring[port->tail++ % SERIAL_RING_SIZE]);
		} else {
			uart_write(port, UART_DATA, *text++);
			len--;
		}
	}
}

static void send(struct serial_port *port, const char *text, size_t len)
{
	/* With interrupts running the ring takes what the line does not; a line that stands still loses log lines, not the system's time. */
	if (port->ring && !panic_started())
		serial_port_send(port, text, len);
	else
		send_polled(port, text, len);
}

static void console_write(struct console *console, const char *text, size_t len)
{
	struct serial_port *port = &serial_ports[0];
	bool locked = lock_bounded(port);

	while (len) {
		const char *newline = memchr(text, '\n', len);
		size_t run = newline ? (size_t)(newline - text) : len;

		send(port, text, run);
		if (newline)
			send(port, "\r\n", 2);
		run += newline != NULL;
		text += run;
		len -= run;
	}
	if (locked)
		spin_release(&port->lock);
}

void serial_flush(void)
{
	ending = true;
	for (unsigned i = 0; i < SERIAL_PORTS; i++) {
		struct serial_port *port = &serial_ports[i];

		if (!port->ring)
			continue;
		bool locked = lock_bounded(port);

		port->stuck = false;
		send_polled(port, NULL, 0);
		if (locked)
			spin_release(&port->lock);
	}
}

static struct console serial_console = { .name = "ttyS0", .write = console_write };

void serial_early_init(void)
{
	if (!serial_port_probe(&serial_ports[0]))
		return;
	if (!command_line_has("console") || command_line_has_value("console", "ttyS0"))
		console_register(&serial_console);
}
