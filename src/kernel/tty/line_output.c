/* SPDX-License-Identifier: MIT */
/*
 * The output side of the line discipline: OPOST processing with column tracking, echo, and stopping. Echo that the device cannot take at once
 * waits in line->echo, already processed, and goes out before later output, so that order and column stay right.
 */
#include "tty/line_discipline.h"
#include "lib/string.h"

enum { TAB_WIDTH = 8, EXPANSION_MAX = 8, CHUNK = 128 };

bool line_is_continuation(const struct line_discipline *line, uint8_t c)
{
	return LINE_FLAG(line, c_iflag, IUTF8) && (c & 0xc0) == 0x80;
}

/* Sends waiting echo. Returns true when none is left. */
static bool echo_drain(struct line_discipline *line)
{
	while (line->echo_head != line->echo_tail) {
		unsigned start = line->echo_tail % LINE_ECHO_SIZE;
		size_t run = MIN(line->echo_head - line->echo_tail, LINE_ECHO_SIZE - start);
		size_t taken;

		if (line->stopped)
			return false;
		taken = line->ops->write(line, line->echo + start, run);
		line->echo_tail += taken;
		if (taken < run)
			return false;
	}
	return true;
}

/* Queues processed bytes behind the echo that waits. What does not fit is lost: echo never blocks input. */
void line_echo_bytes(struct line_discipline *line, const char *bytes, size_t len)
{
	size_t i = 0;

	if (echo_drain(line) && !line->stopped)
		i = line->ops->write(line, bytes, len);
	for (; i < len && line->echo_head - line->echo_tail < LINE_ECHO_SIZE; i++)
		line->echo[line->echo_head++ % LINE_ECHO_SIZE] = bytes[i];
}

static size_t process_newline(struct line_discipline *line, char *out)
{
	if (LINE_FLAG(line, c_oflag, ONLRET))
		line->column = 0;
	if (!LINE_FLAG(line, c_oflag, ONLCR)) {
		out[0] = '\n';
		return 1;
	}
	line->column = 0;
	out[0] = '\r';
	out[1] = '\n';
	return 2;
}

static size_t process_return(struct line_discipline *line, char *out)
{
	if (LINE_FLAG(line, c_oflag, ONOCR) && line->column == 0)
		return 0;
	if (LINE_FLAG(line, c_oflag, OCRNL)) {
		if (LINE_FLAG(line, c_oflag, ONLRET))
			line->column = 0;
		out[0] = '\n';
		return 1;
	}
	line->column = 0;
	out[0] = '\r';
	return 1;
}

/* One character through OPOST. Writes at most EXPANSION_MAX bytes to @out, moves the column, returns the count. */
static size_t process(struct line_discipline *line, char character, char *out)
{
	uint8_t c = character;

	if (c == '\n')
		return process_newline(line, out);
	if (c == '\r')
		return process_return(line, out);
	if (c == '\t') {
		unsigned spaces = TAB_WIDTH - line->column % TAB_WIDTH;

		line->column += spaces;
		if ((line->termios.c_oflag & TABDLY) != XTABS) {
			out[0] = c;
			return 1;
		}
		memset(out, ' ', spaces);
		return spaces;
	}
	if (c == '\b') {
		if (line->column)
			line->column--;
	} else if (!line_is_control(c)) {
		if (LINE_FLAG(line, c_oflag, OLCUC) && line_is_lower(c))
			c -= LINE_CASE_BIT;
		if (!line_is_continuation(line, c))
			line->column++;
	}
	out[0] = c;
	return 1;
}

void line_echo_raw(struct line_discipline *line, char c)
{
	char out[EXPANSION_MAX];

	if (!LINE_FLAG(line, c_oflag, OPOST)) {
		line_echo_bytes(line, &c, 1);
		return;
	}
	line_echo_bytes(line, out, process(line, c, out));
}

void line_echo_char(struct line_discipline *line, char c)
{
	if (LINE_FLAG(line, c_lflag, ECHOCTL) && line_is_control(c) && c != '\t') {
		line_echo_raw(line, '^');
		line_echo_raw(line, c ^ 0x40);
		return;
	}
	line_echo_raw(line, c);
}

size_t line_write(struct line_discipline *line, const char *text, size_t len)
{
	size_t done = 0;

	if (!echo_drain(line) || line->stopped)
		return 0;
	if (!LINE_FLAG(line, c_oflag, OPOST))
		return line->ops->write(line, text, len);
	while (done < len) {
		char out[CHUNK];
		size_t room = MIN(line->ops->write_room(line), (size_t)CHUNK);
		size_t used = 0, before = done;

		while (done < len && used + EXPANSION_MAX <= room)
			used += process(line, text[done++], out + used);
		if (done == before) {
			/* Less room than the longest expansion: find out what this very character needs. */
			unsigned column = line->column;

			used = process(line, text[done], out);
			if (used > room) {
				line->column = column;
				break;
			}
			done++;
		}
		/* The room was asked for under the same lock; should the device take less all the same, the rest waits as echo. */
		size_t taken = line->ops->write(line, out, used);

		if (taken < used) {
			line_echo_bytes(line, out + taken, used - taken);
			break;
		}
	}
	return done;
}

bool line_writable(struct line_discipline *line)
{
	return !line->stopped && echo_drain(line) && line->ops->write_room(line) > 0;
}

void line_output_ready(struct line_discipline *line)
{
	if (echo_drain(line) && !line->stopped)
		line->events |= LINE_WRITABLE;
}

void line_flush_output(struct line_discipline *line)
{
	line->echo_tail = line->echo_head;
	line->ops->flush(line);
	line->events |= LINE_WRITABLE | LINE_FLUSHED_OUTPUT;
}

void line_stop(struct line_discipline *line, bool by_call)
{
	if (by_call)
		line->stopped_by_call = true;
	if (line->stopped)
		return;
	line->stopped = true;
	line->events |= LINE_STOPPED;
}

void line_start(struct line_discipline *line, bool by_call)
{
	/* TCOON takes back TCOOFF only, and a key never does. */
	if (by_call != line->stopped_by_call)
		return;
	line->stopped_by_call = false;
	if (!line->stopped)
		return;
	line->stopped = false;
	line->events |= LINE_STARTED | LINE_WRITABLE;
	echo_drain(line);
}

void line_send_flow(struct line_discipline *line, bool stop)
{
	char c = line->termios.c_cc[stop ? VSTOP : VSTART];

	if (c != LINE_CC_DISABLED)
		line->ops->write(line, &c, 1);
}
