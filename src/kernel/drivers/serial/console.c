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

enum {
	LOCK_SPINS = 1000000,
	LINE_SPINS = 50000,	/* reads of the status register, about 1 µs each: 16 bytes take 17 ms at 9600 baud */
};

static bool lock_bounded(struct serial_port *port)
{
	static bool broken;

	for (unsigned i = 0; i < LOCK_SPINS && !broken; i++) {
		if (!atomic_exchange(&port->lock.locked, 1))
			return true;
		cpu_relax();
	}
	broken = true;
	return false;
}

static bool wait_for_room(struct serial_port *port)
{
	unsigned spins = port->stuck ? 1 : LINE_SPINS;

	while (spins--) {
		if (uart_read(port, UART_LINE_STATUS) & LSR_TRANSMIT_EMPTY) {
			port->stuck = false;
			return true;
		}
	}
	port->stuck = true;
	return false;
}

static void send(struct serial_port *port, const char *text, size_t len)
{
	unsigned room = 0;

	for (size_t i = 0; i < len; i++) {
		bool newline = text[i] == '\n';

		for (unsigned part = newline ? 0 : 1; part < 2; part++) {
			if (!room) {
				if (!wait_for_room(port))
					return;
				room = port->fifo;
			}
			uart_write(port, UART_DATA, part == 0 ? '\r' : text[i]);
			room--;
		}
	}
}

static void console_write(struct console *console, const char *text, size_t len)
{
	struct serial_port *port = &serial_ports[0];
	bool locked = lock_bounded(port);

	send(port, text, len);
	if (locked)
		atomic_store(&port->lock.locked, 0);
}

static struct console serial_console = { .name = "ttyS0", .write = console_write };

void serial_early_init(void)
{
	if (!serial_port_probe(&serial_ports[0]))
		return;
	if (!command_line_has("console") || command_line_has_value("console", "ttyS0"))
		console_register(&serial_console);
}
