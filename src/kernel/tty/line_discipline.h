/* SPDX-License-Identifier: MIT */
/*
 * The line discipline: what stands between the bytes of a device and the bytes that programs read and write. Line editing,
 * echo, signals from keys, flow control and output processing as Linux's N_TTY does them.
 *
 * Pure: no locks, no sleeping, no other kernel service. The owner (tty_io.c) holds tty->lock around every call, gives output
 * to the device through @ops, and afterwards acts upon the events that piled up in @events.
 */
#pragma once

#include "lib/types.h"
#include <asm/termbits.h>

enum {
	LINE_BUFFER_SIZE = 4096,	/* input not yet read; also the longest canonical line, its delimiter included */
	LINE_ECHO_SIZE = 1024,		/* output that the device has not taken yet (echo) */
};

/* What the owner has to do after a call. */
enum line_events {
	LINE_READABLE = 1 << 0,		/* wake readers */
	LINE_WRITABLE = 1 << 1,		/* wake writers: output goes on, or its buffer was flushed */
	LINE_INPUT_ROOM = 1 << 2,	/* input was read or flushed: the device may send again */
	LINE_FLUSHED_INPUT = 1 << 3,	/* packet mode tells the master of these four */
	LINE_FLUSHED_OUTPUT = 1 << 4,
	LINE_STOPPED = 1 << 5,
	LINE_STARTED = 1 << 6,
	LINE_SIGNAL_INTR = 1 << 8,	/* signals for the foreground group */
	LINE_SIGNAL_QUIT = 1 << 9,
	LINE_SIGNAL_SUSP = 1 << 10,
};

enum line_error { LINE_BREAK, LINE_PARITY_ERROR, LINE_FRAMING_ERROR, LINE_OVERRUN };

struct line_discipline;

struct line_ops {
	/* Gives bytes to the device; returns how many it took. */
	size_t (*write)(struct line_discipline *line, const char *text, size_t len);
	/* How many it would take now. */
	size_t (*write_room)(struct line_discipline *line);
	/* Throws away what the device has taken but not sent. */
	void (*flush)(struct line_discipline *line);
};

struct line_discipline {
	const struct line_ops *ops;
	struct ktermios termios;
	unsigned events;	/* enum line_events, added up until the owner takes them */

	/* Input: a ring with free-running positions tail <= line_head <= head. In canonical mode only [tail, line_head) is readable. */
	unsigned head, tail, line_head;
	uint8_t buffer[LINE_BUFFER_SIZE];
	uint64_t delimiters[LINE_BUFFER_SIZE / 64];	/* one bit a byte: ends a line. With byte 0: an EOF, which is not data */
	bool literal_next;	/* the character after LNEXT */
	bool erasing;		/* inside the \…/ of ECHOPRT */
	bool input_stopped;	/* we have sent STOP (IXOFF) */
	bool never_stops_input;	/* IXOFF means nothing: set once by the owner of a pty */

	/* Output. */
	unsigned column;	/* where the next character lands, for tabs */
	unsigned line_column;	/* where the line being edited began */
	bool stopped;		/* by STOP or TCOOFF */
	bool stopped_by_call;	/* TCOOFF: only TCOON ends it */
	unsigned echo_head, echo_tail;
	char echo[LINE_ECHO_SIZE];	/* processed bytes; go out before anything else */
};

extern const struct ktermios line_initial_settings;
void line_init(struct line_discipline *line, const struct line_ops *ops);

/* New settings. Changing ICANON makes pending input readable in the new mode. */
void line_set_termios(struct line_discipline *line, const struct ktermios *new);

/*
 * Input from the device. Returns the bytes taken: fewer than @len when the buffer is full and a reader has something to take. Of a line
 * under edit that is too long the surplus is taken and thrown away; its end is always kept.
 */
size_t line_receive(struct line_discipline *line, const char *bytes, size_t len);
void line_receive_error(struct line_discipline *line, enum line_error error, char byte);

/* Would a read give something now? For poll VMIN counts (unless VTIME is set). */
bool line_readable(const struct line_discipline *line, bool for_poll);
/* Bytes that FIONREAD reports. */
size_t line_input_count(const struct line_discipline *line);
/* How many bytes line_receive would take at least. */
size_t line_input_room(const struct line_discipline *line);

/* Takes up to @size bytes. *line_end tells that a canonical read is complete with them (0 bytes and line_end: end of file). */
size_t line_read(struct line_discipline *line, char *buf, size_t size, bool *line_end);

/* Processes and sends program output; returns the bytes of @text consumed. 0 when stopped or the device is full. */
size_t line_write(struct line_discipline *line, const char *text, size_t len);
/* Would line_write take something? */
bool line_writable(struct line_discipline *line);
/* The device has room again: sends the echo that waited. */
void line_output_ready(struct line_discipline *line);

void line_flush_input(struct line_discipline *line);
void line_flush_output(struct line_discipline *line);
void line_stop(struct line_discipline *line, bool by_call);
void line_start(struct line_discipline *line, bool by_call);
/* Whatever stopped it: output goes on. */
static inline void line_start_any(struct line_discipline *line)
{
	line_start(line, line->stopped_by_call);
}
/* Sends STOP or START at once, past stopped output and processing. */
void line_send_flow(struct line_discipline *line, bool stop);

/* line_output.c, for line_discipline.c: */
void line_echo_raw(struct line_discipline *line, char c);	/* through output processing */
void line_echo_char(struct line_discipline *line, char c);	/* control characters as ^X if ECHOCTL */
void line_echo_bytes(struct line_discipline *line, const char *bytes, size_t len);	/* as they are; column untouched */
bool line_is_continuation(const struct line_discipline *line, uint8_t c);	/* of a UTF-8 character, with IUTF8 */

#define LINE_FLAG(line, field, bit) (((line)->termios.field & (bit)) != 0)
enum { LINE_CC_DISABLED = 0 };

/* Letters as Linux's N_TTY knows them: ASCII's and Latin-1's. */
static inline bool line_is_upper(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
}

static inline bool line_is_lower(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 0xdf && c != 0xf7);
}

enum { LINE_CASE_BIT = 0x20 };

static inline bool line_is_control(uint8_t c)
{
	return c < 0x20 || c == 0x7f;
}
