/* SPDX-License-Identifier: MIT */
/* One serial port: what port.c, console.c and serial_tty.c share. */
#pragma once

#include "arch/x86_64/io.h"
#include "sync/spinlock.h"
#include "drivers/serial/uart_hw.h"

enum { SERIAL_PORTS = 4, SERIAL_RING_SIZE = 8192, SERIAL_PENDING_SIZE = 64 };

struct tty;

struct serial_port {
	uint16_t base;			/* I/O port; set once */
	uint8_t irq;			/* ISA interrupt; set once */
	bool present;			/* set once, by serial_port_probe */
	uint8_t fifo;			/* bytes that fit when the transmitter is empty: 16, or 1 on an 8250; set once */
	struct tty *tty;		/* set once, before interrupts are on */
	struct spinlock lock;		/* interrupts off: the registers and all below */
	bool stuck;			/* the console gave up on the line; until it moves again */
	bool cts_flow;			/* CRTSCTS */
	bool receiving;			/* somebody is in receive() */
	bool receive_again;		/* and shall look once more */
	bool receive_held;		/* the tty is full: received bytes stay in the FIFO */
	uint8_t line_errors;		/* LSR error bits seen and not yet reported */
	bool want_room;			/* write() was short: tell the tty when there is room */
	uint8_t interrupts;		/* IER as it should be */
	uint8_t modem;			/* MCR as it should be */
	unsigned head, tail;		/* ring positions, free-running */
	char *ring;			/* SERIAL_RING_SIZE bytes to send; NULL until the tty exists */
	/* Received bytes that the tty has not taken. */
	unsigned pending_count;
	char pending[SERIAL_PENDING_SIZE];
};

extern struct serial_port serial_ports[SERIAL_PORTS];

static inline uint8_t uart_read(const struct serial_port *port, enum uart_register reg)
{
	return io_in8(port->base + reg);
}

static inline void uart_write(const struct serial_port *port, enum uart_register reg, uint8_t value)
{
	io_out8(port->base + reg, value);
}

/* Is there a UART? Sets it to 115200 8N1 with FIFOs on and interrupts off. Called once a port. */
bool serial_port_probe(struct serial_port *port);

/* The rest needs port->lock. */

static inline unsigned serial_port_queued(const struct serial_port *port)
{
	return port->head - port->tail;
}

/* Takes bytes to send, at once or in the ring; returns how many. Only when there is a ring. */
size_t serial_port_send(struct serial_port *port, const char *text, size_t len);
/* Moves bytes of the ring into the UART, and has it interrupt when it wants more. */
void serial_port_send_queued(struct serial_port *port);
/* Reading the line status clears its error bits; this keeps them for the receiver. */
uint8_t serial_port_line_status(struct serial_port *port);
void serial_port_set_interrupts(struct serial_port *port, uint8_t interrupts);
/*
 * The interrupt controller sees edges only: off and on again makes a new one when something is still or again pending, so that the work of
 * one interrupt may be bounded.
 */
void serial_port_make_edge(struct serial_port *port);
void serial_port_set_modem(struct serial_port *port, uint8_t modem);
/* Line parameters. @baud 0 means hang up, which the caller does with the modem lines. */
void serial_port_set_line(struct serial_port *port, unsigned baud, uint8_t line_control);
