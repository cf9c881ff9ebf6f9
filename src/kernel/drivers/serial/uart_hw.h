/* SPDX-License-Identifier: MIT */
/* Registers of the 16550 UART (PC16550D data sheet, National Semiconductor, 1995, table II). */
#pragma once

enum uart_register {
	UART_DATA = 0,			/* receive on reading, transmit on writing; divisor low with LCR_DIVISOR */
	UART_INTERRUPT_ENABLE = 1,	/* divisor high with LCR_DIVISOR */
	UART_INTERRUPT_ID = 2,		/* on reading */
	UART_FIFO_CONTROL = 2,		/* on writing */
	UART_LINE_CONTROL = 3,
	UART_MODEM_CONTROL = 4,
	UART_LINE_STATUS = 5,
	UART_MODEM_STATUS = 6,
	UART_SCRATCH = 7,
};

enum { IER_RECEIVE = 1 << 0, IER_TRANSMIT = 1 << 1, IER_LINE_STATUS = 1 << 2, IER_MODEM_STATUS = 1 << 3 };
enum { IIR_NONE_PENDING = 1 << 0, IIR_CAUSE = 0xe, IIR_FIFO_WORKS = 3 << 6 };
enum { IIR_MODEM_STATUS = 0x0, IIR_TRANSMIT = 0x2, IIR_RECEIVED = 0x4, IIR_LINE_STATUS = 0x6, IIR_RECEIVE_TIMEOUT = 0xc };
enum { FCR_ENABLE = 1 << 0, FCR_CLEAR_RECEIVE = 1 << 1, FCR_CLEAR_TRANSMIT = 1 << 2, FCR_TRIGGER_8 = 2 << 6 };
enum { LCR_WORD_LENGTH = 3 << 0, LCR_TWO_STOP = 1 << 2, LCR_PARITY = 1 << 3, LCR_EVEN = 1 << 4, LCR_STICK = 1 << 5,
       LCR_BREAK = 1 << 6, LCR_DIVISOR = 1 << 7 };
enum { MCR_DTR = 1 << 0, MCR_RTS = 1 << 1, MCR_OUT1 = 1 << 2, MCR_OUT2 = 1 << 3 /* gates the interrupt on PCs */, MCR_LOOP = 1 << 4 };
enum { LSR_DATA = 1 << 0, LSR_OVERRUN = 1 << 1, LSR_PARITY = 1 << 2, LSR_FRAMING = 1 << 3, LSR_BREAK = 1 << 4,
       LSR_TRANSMIT_EMPTY = 1 << 5, LSR_ALL_SENT = 1 << 6 };
enum { MSR_CTS = 1 << 4, MSR_DSR = 1 << 5, MSR_RING = 1 << 6, MSR_CARRIER = 1 << 7 };

enum { UART_FIFO_SIZE = 16, UART_CLOCK_BAUD = 115200 };
