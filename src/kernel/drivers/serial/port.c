/* SPDX-License-Identifier: MIT */
/*
 * The UARTs: finding them, line parameters, and sending. Bytes go into the UART while it takes them, else into a ring that the
 * transmit interrupt empties.
 */
#include "drivers/serial/port.h"

enum { SEND_BURST = 256 /* bytes that one locked section sends at most */ };

struct serial_port serial_ports[SERIAL_PORTS] = {
	{ .lock = SPINLOCK_INIT(LOCK_SERIAL_PORT), .base = 0x3f8, .irq = 4 },
	{ .lock = SPINLOCK_INIT(LOCK_SERIAL_PORT), .base = 0x2f8, .irq = 3 },
	{ .lock = SPINLOCK_INIT(LOCK_SERIAL_PORT), .base = 0x3e8, .irq = 4 },
	{ .lock = SPINLOCK_INIT(LOCK_SERIAL_PORT), .base = 0x2e8, .irq = 3 },
};

/* The scratch register keeps what is written only where there is a UART (an empty bus reads 0xff). */
static bool scratch_works(const struct serial_port *port)
{
	uart_write(port, UART_SCRATCH, 0x5a);
	if (uart_read(port, UART_SCRATCH) != 0x5a)
		return false;
	uart_write(port, UART_SCRATCH, 0xa5);
	return uart_read(port, UART_SCRATCH) == 0xa5;
}

/* In loop-back mode the modem outputs come back as modem inputs: RTS and OUT2 as CTS and carrier. */
static bool loopback_works(const struct serial_port *port)
{
	uint8_t modem = uart_read(port, UART_MODEM_CONTROL);

	uart_write(port, UART_MODEM_CONTROL, MCR_LOOP | MCR_OUT2 | MCR_RTS);
	uint8_t status = uart_read(port, UART_MODEM_STATUS) & (MSR_CTS | MSR_DSR | MSR_RING | MSR_CARRIER);

	uart_write(port, UART_MODEM_CONTROL, modem);
	return status == (MSR_CTS | MSR_CARRIER);
}

void serial_port_set_line(struct serial_port *port, unsigned baud, uint8_t line_control)
{
	unsigned divisor = baud ? UART_CLOCK_BAUD / baud : 0;

	if (divisor > UINT16_MAX)
		divisor = UINT16_MAX;
	if (divisor) {
		uart_write(port, UART_LINE_CONTROL, line_control | LCR_DIVISOR);
		uart_write(port, UART_DATA, divisor & 0xff);
		uart_write(port, UART_INTERRUPT_ENABLE, divisor >> 8);
	}
	uart_write(port, UART_LINE_CONTROL, line_control);
}

bool serial_port_probe(struct serial_port *port)
{
	if (!scratch_works(port) || !loopback_works(port))
		return false;
	uart_write(port, UART_INTERRUPT_ENABLE, 0);
	serial_port_set_line(port, UART_CLOCK_BAUD, LCR_WORD_LENGTH);
	uart_write(port, UART_FIFO_CONTROL, FCR_ENABLE | FCR_CLEAR_RECEIVE | FCR_CLEAR_TRANSMIT | FCR_TRIGGER_8);
	port->fifo = (uart_read(port, UART_INTERRUPT_ID) & IIR_FIFO_WORKS) == IIR_FIFO_WORKS ? UART_FIFO_SIZE : 1;
	port->modem = MCR_DTR | MCR_RTS | MCR_OUT2;
	uart_write(port, UART_MODEM_CONTROL, port->modem);
	port->present = true;
	return true;
}

uint8_t serial_port_line_status(struct serial_port *port)
{
	uint8_t status = uart_read(port, UART_LINE_STATUS);

	port->line_errors |= status & (LSR_OVERRUN | LSR_BREAK | LSR_PARITY | LSR_FRAMING);
	return status;
}

static bool can_send(struct serial_port *port)
{
	if (!(serial_port_line_status(port) & LSR_TRANSMIT_EMPTY))
		return false;
	return !port->cts_flow || (uart_read(port, UART_MODEM_STATUS) & MSR_CTS);
}

void serial_port_set_interrupts(struct serial_port *port, uint8_t interrupts)
{
	if (interrupts == port->interrupts)
		return;
	port->interrupts = interrupts;
	uart_write(port, UART_INTERRUPT_ENABLE, interrupts);
}

void serial_port_make_edge(struct serial_port *port)
{
	uart_write(port, UART_INTERRUPT_ENABLE, 0);
	uart_write(port, UART_INTERRUPT_ENABLE, port->interrupts);
}

void serial_port_set_modem(struct serial_port *port, uint8_t modem)
{
	port->modem = modem;
	uart_write(port, UART_MODEM_CONTROL, modem);
}

void serial_port_send_queued(struct serial_port *port)
{
	unsigned budget = SEND_BURST;

	while (budget && serial_port_queued(port) && can_send(port)) {
		for (unsigned i = 0; i < port->fifo && serial_port_queued(port); i++, budget -= budget != 0)
			uart_write(port, UART_DATA, port->ring[port->tail++ % SERIAL_RING_SIZE]);
	}
	serial_port_set_interrupts(port, serial_port_queued(port) ? port->interrupts | IER_TRANSMIT : port->interrupts & ~IER_TRANSMIT);
}

size_t serial_port_send(struct serial_port *port, const char *text, size_t len)
{
	size_t done = 0;

	if (!serial_port_queued(port)) {
		while (done < len && done < SEND_BURST && can_send(port))
			for (unsigned i = 0; i < port->fifo && done < len; i++)
				uart_write(port, UART_DATA, text[done++]);
	}
	while (done < len && serial_port_queued(port) < SERIAL_RING_SIZE)
		port->ring[port->head++ % SERIAL_RING_SIZE] = text[done++];
	if (serial_port_queued(port))
		serial_port_set_interrupts(port, port->interrupts | IER_TRANSMIT);
	return done;
}
