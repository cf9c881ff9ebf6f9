/* SPDX-License-Identifier: MIT */
/*
 * Serial ports as terminals. Output goes into the UART at once while it takes it, else into a ring that the transmit interrupt empties; input comes
 * by interrupt. When the tty is full the receive interrupt is turned off, so that the sender is held by its own flow control (RTS, or the
 * emulator's back-pressure) instead of losing bytes here.
 */
#include <asm/termios.h>
#include "arch/x86_64/trap.h"
#include "drivers/serial/port.h"
#include "drivers/serial/serial.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/clock.h"
#include "sched/thread.h"
#include "tty/tty.h"

enum {
	TTY_MAJOR = 4, TTY_SERIAL_MINOR = 64,
	RECEIVE_BURST = 256,		/* bytes that one interrupt receives at most */
	CAUSES_PER_INTERRUPT = 8,
	ROOM_WANTED = SERIAL_RING_SIZE / 4,
	DRAIN_LIMIT_S = 30,		/* as Linux's closing_wait: a line that is held does not hold its program for ever */
};

static size_t serial_write(struct tty *tty, const char *text, size_t len)
{
	struct serial_port *port = tty_context(tty);
	uint64_t irq_flags = spin_lock_irq(&port->lock);
	size_t done = serial_port_send(port, text, len);

	if (done < len)
		port->want_room = true;
	spin_unlock_irq(&port->lock, irq_flags);
	return done;
}

static size_t serial_write_room(struct tty *tty)
{
	struct serial_port *port = tty_context(tty);
	uint64_t irq_flags = spin_lock_irq(&port->lock);
	size_t room = SERIAL_RING_SIZE - serial_port_queued(port);

	if (!room)
		port->want_room = true;
	spin_unlock_irq(&port->lock, irq_flags);
	return room;
}

static void serial_flush_output(struct tty *tty)
{
	struct serial_port *port = tty_context(tty);
	uint64_t irq_flags = spin_lock_irq(&port->lock);

	port->tail = port->head;
	spin_unlock_irq(&port->lock, irq_flags);
}

static size_t serial_output_pending(struct tty *tty)
{
	return SERIAL_RING_SIZE - serial_write_room(tty);
}

static int serial_drain(struct tty *tty)
{
	struct serial_port *port = tty_context(tty);
	uint64_t limit = clock_monotonic_ns() + DRAIN_LIMIT_S * NS_PER_SEC;

	for (;;) {
		uint64_t irq_flags = spin_lock_irq(&port->lock);
		bool empty = !serial_port_queued(port) && (serial_port_line_status(port) & LSR_ALL_SENT);

		spin_unlock_irq(&port->lock, irq_flags);
		uint64_t now = clock_monotonic_ns();

		if (empty || now >= limit)
			return 0;
		int error = sched_sleep_until(now + NS_PER_MS, true);

		if (error)
			return error;
	}
}

static void serial_settings_changed(struct tty *tty, const struct ktermios *old, const struct ktermios *now)
{
	struct serial_port *port = tty_context(tty);
	uint8_t line_control = (now->c_cflag & CSIZE) >> 4;	/* CS5 to CS8 are 0x00 to 0x30, the UART's 0 to 3 */

	if (now->c_cflag == old->c_cflag && now->c_ospeed == old->c_ospeed)
		return;
	if (now->c_cflag & CSTOPB)
		line_control |= LCR_TWO_STOP;
	if (now->c_cflag & PARENB)
		line_control |= LCR_PARITY | (now->c_cflag & PARODD ? 0 : LCR_EVEN) | (now->c_cflag & CMSPAR ? LCR_STICK : 0);
	uint64_t irq_flags = spin_lock_irq(&port->lock);

	serial_port_set_line(port, now->c_ospeed, line_control);
	/* The divisor's high byte shares its address with the interrupt register. */
	uart_write(port, UART_INTERRUPT_ENABLE, port->interrupts);
	port->cts_flow = now->c_cflag & CRTSCTS;
	serial_port_set_interrupts(port, port->cts_flow ? port->interrupts | IER_MODEM_STATUS : port->interrupts & ~IER_MODEM_STATUS);
	if (!now->c_ospeed)
		serial_port_set_modem(port, port->modem & ~(MCR_DTR | MCR_RTS));
	else if (!old->c_ospeed)
		serial_port_set_modem(port, port->modem | MCR_DTR | MCR_RTS);
	spin_unlock_irq(&port->lock, irq_flags);
}

static void serial_set_break(struct tty *tty, bool on)
{
	struct serial_port *port = tty_context(tty);
	uint64_t irq_flags = spin_lock_irq(&port->lock);
	uint8_t control = uart_read(port, UART_LINE_CONTROL);

	uart_write(port, UART_LINE_CONTROL, on ? control | LCR_BREAK : control & ~LCR_BREAK);
	spin_unlock_irq(&port->lock, irq_flags);
}

static unsigned serial_modem_get(struct tty *tty)
{
	struct serial_port *port = tty_context(tty);
	uint64_t irq_flags = spin_lock_irq(&port->lock);
	uint8_t status = uart_read(port, UART_MODEM_STATUS), modem = port->modem;

	spin_unlock_irq(&port->lock, irq_flags);
	return (modem & MCR_DTR ? TIOCM_DTR : 0) | (modem & MCR_RTS ? TIOCM_RTS : 0) | (modem & MCR_OUT1 ? TIOCM_OUT1 : 0) |
	       (modem & MCR_OUT2 ? TIOCM_OUT2 : 0) | (modem & MCR_LOOP ? TIOCM_LOOP : 0) | (status & MSR_CTS ? TIOCM_CTS : 0) |
	       (status & MSR_DSR ? TIOCM_DSR : 0) | (status & MSR_RING ? TIOCM_RNG : 0) | (status & MSR_CARRIER ? TIOCM_CAR : 0);
}

/* OUT2 gates our interrupts and is not for programs to change. */
static uint8_t modem_bits(unsigned lines)
{
	return (lines & TIOCM_DTR ? MCR_DTR : 0) | (lines & TIOCM_RTS ? MCR_RTS : 0) | (lines & TIOCM_OUT1 ? MCR_OUT1 : 0) |
	       (lines & TIOCM_LOOP ? MCR_LOOP : 0);
}

static void serial_modem_set(struct tty *tty, unsigned set, unsigned clear)
{
	struct serial_port *port = tty_context(tty);
	uint64_t irq_flags = spin_lock_irq(&port->lock);

	serial_port_set_modem(port, (port->modem & ~modem_bits(clear)) | modem_bits(set));
	spin_unlock_irq(&port->lock, irq_flags);
}

/* What one look at the receiver found; handed to the tty after the lock is dropped, because the tty's own lock comes first. */
struct received {
	char bytes[SERIAL_PENDING_SIZE];
	unsigned count;
	uint8_t error;		/* LSR bits, of the byte after @bytes */
	char error_byte;
};

/* port->lock held. What the tty did not take comes first. */
static void receive_some(struct serial_port *port, struct received *received)
{
	received->count = port->pending_count;
	received->error = 0;
	memcpy(received->bytes, port->pending, port->pending_count);
	port->pending_count = 0;
	while (received->count < SERIAL_PENDING_SIZE) {
		uint8_t status = serial_port_line_status(port);

		if (!(status & LSR_DATA))
			break;
		char byte = uart_read(port, UART_DATA);

		status |= port->line_errors;
		port->line_errors = 0;
		if (status & (LSR_BREAK | LSR_PARITY | LSR_FRAMING)) {
			received->error = status;
			received->error_byte = byte;
			break;
		}
		received->bytes[received->count++] = byte;
	}
}

/*
 * Hands one batch to the tty. Returns how many bytes that were, 0 when there was nothing; what the tty refuses goes to port->pending. Called
 * and returns with port->lock held (@irq_flags), drops it in between.
 */
static unsigned deliver(struct serial_port *port, uint64_t *irq_flags)
{
	struct received received;

	receive_some(port, &received);
	spin_unlock_irq(&port->lock, *irq_flags);
	size_t taken = received.count ? tty_receive(port->tty, received.bytes, received.count) : 0;

	if (received.error)
		tty_receive_error(port->tty, received.error & LSR_BREAK ? TTY_BREAK :
				  received.error & LSR_PARITY ? TTY_PARITY_ERROR : TTY_FRAMING_ERROR, received.error_byte);
	*irq_flags = spin_lock_irq(&port->lock);
	port->pending_count = received.count - taken;
	memcpy(port->pending, received.bytes + taken, port->pending_count);
	return received.count + (received.error != 0);
}

/*
 * Receives until there is nothing, the tty is full, or enough was done for one interrupt. One caller at a time, or bytes would change places: who
 * comes meanwhile (an interrupt, or a reader that made room) leaves a mark, with the interrupt off, and the first goes round again.
 */
static void receive(struct serial_port *port)
{
	uint64_t irq_flags = spin_lock_irq(&port->lock);
	uint8_t bits = IER_RECEIVE | IER_LINE_STATUS;
	unsigned budget = RECEIVE_BURST, count;

	if (port->receiving) {
		port->receive_again = true;
		serial_port_set_interrupts(port, port->interrupts & ~bits);
		spin_unlock_irq(&port->lock, irq_flags);
		return;
	}
	port->receiving = true;
	do {
		port->receive_again = false;
		count = deliver(port, &irq_flags);
		budget -= MIN(budget, count);
	} while (port->receive_again || (count && budget && !port->pending_count));
	port->receiving = false;
	/* Bytes that the tty refused hold the line until unthrottle(). */
	bool held = port->pending_count != 0;

	if (held != port->receive_held && port->cts_flow)
		serial_port_set_modem(port, held ? port->modem & ~MCR_RTS : port->modem | MCR_RTS);
	port->receive_held = held;
	serial_port_set_interrupts(port, held ? port->interrupts & ~bits : port->interrupts | bits);
	if (!budget && !held)
		serial_port_make_edge(port);
	spin_unlock_irq(&port->lock, irq_flags);
}

static void serial_unthrottle(struct tty *tty)
{
	struct serial_port *port = tty_context(tty);

	if (atomic_load(&port->receive_held) || atomic_load(&port->receiving))
		receive(port);
}

static void port_interrupt(struct serial_port *port, uint8_t cause)
{
	if (cause == IIR_MODEM_STATUS)
		uart_read(port, UART_MODEM_STATUS);	/* which ends it */
	if (cause == IIR_RECEIVED || cause == IIR_RECEIVE_TIMEOUT || cause == IIR_LINE_STATUS)
		receive(port);
	uint64_t irq_flags = spin_lock_irq(&port->lock);

	serial_port_send_queued(port);
	bool room = port->want_room && SERIAL_RING_SIZE - serial_port_queued(port) >= ROOM_WANTED;

	if (room)
		port->want_room = false;
	spin_unlock_irq(&port->lock, irq_flags);
	if (room)
		tty_output_ready(port->tty);
}

/* The interrupt controller must see the line go down, or it never sees it rise again: until nothing is pending, or by force. */
static void serve_port(struct serial_port *port)
{
	for (unsigned i = 0; i < CAUSES_PER_INTERRUPT; i++) {
		uint8_t cause = uart_read(port, UART_INTERRUPT_ID);

		if (cause & IIR_NONE_PENDING)
			return;
		port_interrupt(port, cause & IIR_CAUSE);
	}
	uint64_t irq_flags = spin_lock_irq(&port->lock);

	serial_port_make_edge(port);
	spin_unlock_irq(&port->lock, irq_flags);
}

/* COM1 and COM3 share an interrupt line, and so do COM2 and COM4. */
static void serial_interrupt(void *context)
{
	unsigned irq = (unsigned)(uintptr_t)context;

	for (unsigned i = 0; i < SERIAL_PORTS; i++)
		if (serial_ports[i].tty && serial_ports[i].irq == irq)
			serve_port(&serial_ports[i]);
}

static const struct tty_driver serial_driver = {
	.write = serial_write, .write_room = serial_write_room, .flush_output = serial_flush_output,
	.output_pending = serial_output_pending, .settings_changed = serial_settings_changed, .unthrottle = serial_unthrottle,
	.drain = serial_drain, .set_break = serial_set_break, .modem_get = serial_modem_get, .modem_set = serial_modem_set,
};

static bool start_port(struct serial_port *port, unsigned number)
{
	char name[8];

	snprintf(name, sizeof(name), "ttyS%u", number);
	port->ring = kmalloc(SERIAL_RING_SIZE);
	struct tty *tty = port->ring ? tty_create(name, TTY_MAJOR, TTY_SERIAL_MINOR + number, &serial_driver, port) : NULL;

	if (!tty) {
		log_error("serial: no memory for %s", name);
		return false;
	}
	tty_set_initial_speed(tty, UART_CLOCK_BAUD);
	tty_set_initial_flags(tty, CLOCAL, 0);
	port->tty = tty;
	log_info("serial: %s at I/O 0x%x, interrupt %u, %s", name, port->base, port->irq, port->fifo > 1 ? "16550A" : "8250");
	return true;
}

void serial_tty_init(void)
{
	bool line_used[16] = { false };

	for (unsigned i = 0; i < SERIAL_PORTS; i++) {
		struct serial_port *port = &serial_ports[i];

		if ((port->present || serial_port_probe(port)) && start_port(port, i))
			line_used[port->irq] = true;
	}
	for (unsigned irq = 0; irq < ARRAY_LEN(line_used); irq++) {
		int error = line_used[irq] ? irq_register(irq, serial_interrupt, (void *)(uintptr_t)irq, "serial") : 0;

		if (error)
			log_error("serial: interrupt %u cannot be had: error %d", irq, -error);
	}
	for (unsigned i = 0; i < SERIAL_PORTS; i++) {
		struct serial_port *port = &serial_ports[i];

		if (!port->tty)
			continue;
		uint64_t irq_flags = spin_lock_irq(&port->lock);

		serial_port_set_interrupts(port, IER_RECEIVE | IER_LINE_STATUS);
		spin_unlock_irq(&port->lock, irq_flags);
	}
}
