/* SPDX-License-Identifier: MIT */
/* The input side of the line discipline: what each received character does, and reading. See line_discipline.h. */
#include "tty/line_discipline.h"
#include "tty/line_edit.h"
#include "lib/string.h"

enum {
	INDEX_MASK = LINE_BUFFER_SIZE - 1,
	DELIMITER_RESERVE = 1,	/* the last place is kept for the end of the line */
	THROTTLE_ROOM = 128,	/* IXOFF: STOP is sent when less room is left … */
	UNTHROTTLE_COUNT = 128,	/* … and START when this little is unread */
};

const struct ktermios line_initial_settings = {
	.c_iflag = ICRNL | IXON | IUTF8,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B38400 | CS8 | CREAD | HUPCL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = {
		[VINTR] = 'C' & 0x1f, [VQUIT] = '\\' & 0x1f, [VERASE] = 0x7f, [VKILL] = 'U' & 0x1f, [VEOF] = 'D' & 0x1f,
		[VTIME] = 0, [VMIN] = 1, [VSTART] = 'Q' & 0x1f, [VSTOP] = 'S' & 0x1f, [VSUSP] = 'Z' & 0x1f,
		[VREPRINT] = 'R' & 0x1f, [VDISCARD] = 'O' & 0x1f, [VWERASE] = 'W' & 0x1f, [VLNEXT] = 'V' & 0x1f,
	},
	.c_ispeed = 38400, .c_ospeed = 38400,
};

void line_init(struct line_discipline *line, const struct line_ops *ops)
{
	memset(line, 0, sizeof(*line));
	line->ops = ops;
	line->termios = line_initial_settings;
}

static bool delimiter_get(const struct line_discipline *line, unsigned position)
{
	unsigned index = position & INDEX_MASK;

	return line->delimiters[index / 64] >> (index % 64) & 1;
}

static void delimiter_set(struct line_discipline *line, unsigned position, bool on)
{
	unsigned index = position & INDEX_MASK;

	if (on)
		line->delimiters[index / 64] |= 1ull << (index % 64);
	else
		line->delimiters[index / 64] &= ~(1ull << (index % 64));
}

static bool canonical(const struct line_discipline *line)
{
	return LINE_FLAG(line, c_lflag, ICANON) && !LINE_FLAG(line, c_lflag, EXTPROC);
}

void line_set_termios(struct line_discipline *line, const struct ktermios *new)
{
	tcflag_t changed = line->termios.c_lflag ^ new->c_lflag;

	line->termios = *new;
	if (changed & (ICANON | EXTPROC)) {
		memset(line->delimiters, 0, sizeof(line->delimiters));
		if (canonical(line) && line->head != line->tail)
			delimiter_set(line, line->head - 1, true);
		line->line_head = line->head;
		line->erasing = false;
		line->literal_next = false;
		line->events |= LINE_READABLE;
	}
	/* Somebody who turns XON/XOFF off would have no key to start output again. */
	if (!LINE_FLAG(line, c_iflag, IXON) && line->stopped && !line->stopped_by_call)
		line_start(line, false);
}

static unsigned free_places(const struct line_discipline *line)
{
	return LINE_BUFFER_SIZE - (line->head - line->tail);
}

static void put(struct line_discipline *line, uint8_t c)
{
	line->buffer[line->head & INDEX_MASK] = c;
	delimiter_set(line, line->head, false);
	line->head++;
}

/* Stores a character of the line under edit, or of raw input. A line that is too long loses its surplus. */
static void put_character(struct line_discipline *line, uint8_t c)
{
	unsigned copies = LINE_FLAG(line, c_iflag, PARMRK) && !LINE_FLAG(line, c_lflag, EXTPROC) && c == 0xff ? 2 : 1;
	unsigned reserve = canonical(line) ? DELIMITER_RESERVE : 0;

	if (free_places(line) < copies + reserve)
		return;
	while (copies--)
		put(line, c);
	if (!canonical(line)) {
		line->line_head = line->head;
		line->events |= LINE_READABLE;
	}
}

/* Ends the line under edit with @c, which for an EOF is 0 (LINE_CC_DISABLED). line_receive has made sure of a free place. */
static void put_delimiter(struct line_discipline *line, uint8_t c)
{
	put(line, c);
	delimiter_set(line, line->head - 1, true);
	line->line_head = line->head;
	line->events |= LINE_READABLE;
}

static void echo_input(struct line_discipline *line, uint8_t c)
{
	line_edit_finish_erasing(line);
	if (line->head == line->line_head)
		line->line_column = line->column;
	line_echo_char(line, c);
}

static void receive_signal(struct line_discipline *line, unsigned event, uint8_t c)
{
	if (!LINE_FLAG(line, c_lflag, NOFLSH)) {
		line_flush_output(line);
		line_flush_input(line);
	}
	line->events |= event;
	if (LINE_FLAG(line, c_iflag, IXON))
		line_start(line, false);
	if (LINE_FLAG(line, c_lflag, ECHO))
		line_echo_char(line, c);
}

static bool is_cc(const struct line_discipline *line, unsigned which, uint8_t c)
{
	return c == line->termios.c_cc[which] && c != LINE_CC_DISABLED;
}

static bool receive_flow(struct line_discipline *line, uint8_t c)
{
	if (!LINE_FLAG(line, c_iflag, IXON))
		return false;
	/* One character for both starts. */
	if (is_cc(line, VSTART, c)) {
		line_start(line, false);
		return true;
	}
	if (is_cc(line, VSTOP, c)) {
		line_stop(line, false);
		return true;
	}
	return false;
}

static unsigned signal_event(const struct line_discipline *line, uint8_t c)
{
	if (!LINE_FLAG(line, c_lflag, ISIG))
		return 0;
	if (is_cc(line, VINTR, c))
		return LINE_SIGNAL_INTR;
	if (is_cc(line, VQUIT, c))
		return LINE_SIGNAL_QUIT;
	return is_cc(line, VSUSP, c) ? LINE_SIGNAL_SUSP : 0;
}

/* Does @c (already through the CR and NL mappings) end a line? */
static bool ends_line(const struct line_discipline *line, uint8_t c)
{
	return c == '\n' || is_cc(line, VEOF, c) || is_cc(line, VEOL, c) ||
	       (is_cc(line, VEOL2, c) && LINE_FLAG(line, c_lflag, IEXTEN));
}

static void receive_line_end(struct line_discipline *line, uint8_t c)
{
	if (c == '\n') {
		if (LINE_FLAG(line, c_lflag, ECHO) || LINE_FLAG(line, c_lflag, ECHONL))
			line_echo_raw(line, c);
		put_delimiter(line, c);
	} else if (is_cc(line, VEOF, c)) {
		put_delimiter(line, LINE_CC_DISABLED);
	} else {
		if (LINE_FLAG(line, c_lflag, ECHO))
			line_echo_char(line, c);
		if (LINE_FLAG(line, c_iflag, PARMRK) && c == 0xff && free_places(line) > 1)
			put(line, c);
		put_delimiter(line, c);
	}
}

/* Editing keys of canonical mode. Returns whether @c was one. */
static bool receive_edit(struct line_discipline *line, uint8_t c)
{
	bool extended = LINE_FLAG(line, c_lflag, IEXTEN);

	if (is_cc(line, VERASE, c)) {
		line_edit_erase(line, LINE_ERASE_CHARACTER);
		return true;
	}
	if (is_cc(line, VKILL, c)) {
		line_edit_erase(line, LINE_ERASE_ALL);
		return true;
	}
	if (is_cc(line, VWERASE, c) && extended) {
		line_edit_erase(line, LINE_ERASE_WORD);
		return true;
	}
	if (is_cc(line, VLNEXT, c) && extended) {
		line->literal_next = true;
		if (LINE_FLAG(line, c_lflag, ECHO)) {
			line_edit_finish_erasing(line);
			if (LINE_FLAG(line, c_lflag, ECHOCTL))
				line_echo_bytes(line, "^\b", 2);
		}
		return true;
	}
	if (is_cc(line, VREPRINT, c) && extended && LINE_FLAG(line, c_lflag, ECHO)) {
		line_edit_reprint(line, c);
		return true;
	}
	return false;
}

/* @from_return: a newline that was typed as a carriage return. In raw mode only that one is echoed as a newline, others as ^J. */
static void receive_plain(struct line_discipline *line, uint8_t c, bool from_return)
{
	if (LINE_FLAG(line, c_lflag, ECHO)) {
		if (from_return) {
			line_edit_finish_erasing(line);
			line_echo_raw(line, c);
		} else {
			echo_input(line, c);
		}
	}
	put_character(line, c);
}

/*
 * Must this character wait until somebody reads? Only data waits: flow control and signals act at once, and so do editing keys, which make
 * room. A line under edit that fills the buffer alone takes everything (and forgets it): nobody can read before its end.
 */
static bool must_wait(const struct line_discipline *line, uint8_t c)
{
	unsigned room = free_places(line);

	if (!canonical(line))
		return room < 2;	/* 2: a doubled 0xff */
	if (line->line_head == line->tail)
		return false;
	if (ends_line(line, c))
		return room < 1;
	return room < 2 + DELIMITER_RESERVE;
}

/* Processes one character; false when it must wait. */
static bool receive_character(struct line_discipline *line, uint8_t c)
{
	if (LINE_FLAG(line, c_iflag, ISTRIP))
		c &= 0x7f;
	if (LINE_FLAG(line, c_iflag, IUCLC) && LINE_FLAG(line, c_lflag, IEXTEN) && line_is_upper(c))
		c |= LINE_CASE_BIT;
	if (line->literal_next || LINE_FLAG(line, c_lflag, EXTPROC)) {
		if (must_wait(line, 'x'))
			return false;
		if (line->literal_next)
			receive_plain(line, c, false);
		else
			put_character(line, c);
		line->literal_next = false;
		return true;
	}
	if (receive_flow(line, c))
		return true;
	if (line->stopped && LINE_FLAG(line, c_iflag, IXON) && LINE_FLAG(line, c_iflag, IXANY))
		line_start(line, false);

	bool from_return = false;
	unsigned event = signal_event(line, c);

	if (event) {
		receive_signal(line, event, c);
		return true;
	}
	if (c == '\r') {
		if (LINE_FLAG(line, c_iflag, IGNCR))
			return true;
		if (LINE_FLAG(line, c_iflag, ICRNL)) {
			c = '\n';
			from_return = true;
		}
	} else if (c == '\n' && LINE_FLAG(line, c_iflag, INLCR)) {
		c = '\r';
	}
	if (canonical(line) && receive_edit(line, c))
		return true;
	if (must_wait(line, c))
		return false;
	if (canonical(line) && ends_line(line, c))
		receive_line_end(line, c);
	else
		receive_plain(line, c, from_return);
	return true;
}

static void check_throttle(struct line_discipline *line)
{
	if (LINE_FLAG(line, c_iflag, IXOFF) && !line->never_stops_input && !line->input_stopped && free_places(line) < THROTTLE_ROOM &&
	    line_readable(line, false)) {
		line->input_stopped = true;
		line_send_flow(line, true);
	}
}

size_t line_receive(struct line_discipline *line, const char *bytes, size_t len)
{
	size_t done = 0;

	while (done < len && receive_character(line, bytes[done]))
		done++;
	check_throttle(line);
	return done;
}

void line_receive_error(struct line_discipline *line, enum line_error error, char byte)
{
	if (error == LINE_OVERRUN)
		return;		/* bytes are missing; there is none to mark */
	if (error == LINE_BREAK) {
		if (LINE_FLAG(line, c_iflag, IGNBRK))
			return;
		if (LINE_FLAG(line, c_iflag, BRKINT)) {
			line_flush_input(line);
			line_flush_output(line);
			line->events |= LINE_SIGNAL_INTR;
			return;
		}
		byte = 0;
	} else if (!LINE_FLAG(line, c_iflag, INPCK)) {
		line_receive(line, &byte, 1);
		return;
	} else if (LINE_FLAG(line, c_iflag, IGNPAR)) {
		return;
	}
	if (!LINE_FLAG(line, c_iflag, PARMRK)) {
		put_character(line, 0);
		return;
	}
	if (free_places(line) < 3 + DELIMITER_RESERVE)
		return;
	put(line, 0xff);
	put(line, 0);
	put_character(line, byte);
}

bool line_readable(const struct line_discipline *line, bool for_poll)
{
	unsigned wanted = 1;

	if (canonical(line))
		return line->line_head != line->tail;
	if (for_poll && !line->termios.c_cc[VTIME] && line->termios.c_cc[VMIN])
		wanted = line->termios.c_cc[VMIN];
	return line->head - line->tail >= wanted;
}

size_t line_input_count(const struct line_discipline *line)
{
	size_t count = 0;

	if (!canonical(line))
		return line->head - line->tail;
	for (unsigned i = line->tail; i != line->line_head; i++)
		if (!(delimiter_get(line, i) && line->buffer[i & INDEX_MASK] == LINE_CC_DISABLED))
			count++;
	return count;
}

size_t line_input_room(const struct line_discipline *line)
{
	unsigned used = 2 + DELIMITER_RESERVE - 1, room = free_places(line);

	if (canonical(line) && line->line_head == line->tail)
		return LINE_BUFFER_SIZE;
	return room > used ? room - used : 0;
}

static size_t read_canonical(struct line_discipline *line, char *buf, size_t size, bool *line_end)
{
	size_t count = 0;

	while (line->tail != line->line_head) {
		bool delimiter = delimiter_get(line, line->tail);
		uint8_t c = line->buffer[line->tail & INDEX_MASK];
		bool is_data = !(delimiter && c == LINE_CC_DISABLED);

		/* An EOF right behind the last byte that fits belongs to this read, or the next one would report an end of file. */
		if (is_data && count == size)
			return count;
		delimiter_set(line, line->tail, false);
		line->tail++;
		if (is_data)
			buf[count++] = c;
		if (delimiter) {
			*line_end = true;
			return count;
		}
	}
	return count;
}

size_t line_read(struct line_discipline *line, char *buf, size_t size, bool *line_end)
{
	unsigned before = line->tail;
	size_t count = 0;

	*line_end = false;
	if (canonical(line)) {
		count = read_canonical(line, buf, size, line_end);
	} else {
		while (count < size && line->tail != line->head)
			buf[count++] = line->buffer[line->tail++ & INDEX_MASK];
		line->line_head = line->head;
	}
	if (line->tail != before)
		line->events |= LINE_INPUT_ROOM;
	if (line->input_stopped && LINE_FLAG(line, c_iflag, IXOFF) && line->head - line->tail <= UNTHROTTLE_COUNT) {
		line->input_stopped = false;
		line_send_flow(line, false);
	}
	return count;
}

void line_flush_input(struct line_discipline *line)
{
	line->tail = line->line_head = line->head;
	memset(line->delimiters, 0, sizeof(line->delimiters));
	line->literal_next = false;
	line->erasing = false;
	line->events |= LINE_INPUT_ROOM | LINE_FLUSHED_INPUT;
}
