/* SPDX-License-Identifier: MIT */
/*
 * /dev/kmsg: each read gives one line of the kernel log as "LEVEL,SEQUENCE,MICROSECONDS,-;TEXT", each write makes log lines. The file position is
 * the absolute position in the log; it also serves as the sequence number.
 *
 * The log can be written from any context and therefore wakes nobody: while somebody waits, a timer looks every 100 ms whether
 * it has grown. kmsg_timer is armed by those who wait and by itself.
 */
#include "drivers/memdev/memdev.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "sched/clock.h"
#include "sched/timer.h"
#include "vfs/file.h"
#include "vfs/poll.h"

#include <linux/fcntl.h>
#include <linux/fs.h>

enum { MEM_MAJOR = 1, MINOR_KMSG = 11, LINE_SIZE = 256, RECORD_SIZE = LINE_SIZE + 64, WRITE_MAX = 1024, TEXT_MAX = 200 };
enum { POLL_INTERVAL_NS = 100 * NS_PER_MS };

static struct wait_queue kmsg_queue = WAIT_QUEUE_INIT(kmsg_queue);
static struct timer kmsg_timer;
static uint64_t seen_end;	/* timer only */

static void look_at_log(struct timer *timer)
{
	uint64_t end = log_end_pos();

	if (end != seen_end)
		wake_all(&kmsg_queue);
	seen_end = end;
	if (!list_empty(&kmsg_queue.waiters))
		timer_arm(timer, clock_monotonic_ns() + POLL_INTERVAL_NS);
}

/* Copies one whole line without its newline. Its length; 0 when the log ends at *pos. */
static size_t next_line(uint64_t *pos, char *line, size_t size)
{
	uint64_t at = *pos;
	size_t len = log_read(&at, line, size - 1);
	char *newline = memchr(line, '\n', len);

	if (!newline)
		return 0;
	*pos = at - len + (newline - line) + 1;
	*newline = 0;
	return newline - line + 1;
}

/* "<6>[   12.345678] text" as a record. */
static size_t format_record(char *record, size_t size, uint64_t sequence, const char *line)
{
	uint64_t seconds = 0, microseconds = 0;
	const char *text = line;
	unsigned level = LOG_INFO;

	if (line[0] == '<' && line[1] >= '0' && line[1] <= '7' && line[2] == '>') {
		level = line[1] - '0';
		text = line + 3;
	}
	if (*text == '[' && strchr(text, ']')) {
		uint64_t *number = &seconds;

		for (text++; *text != ']'; text++) {
			if (*text == '.')
				number = &microseconds;
			else if (*text >= '0' && *text <= '9')
				*number = *number * 10 + (*text - '0');
		}
		text += text[1] == ' ' ? 2 : 1;
	}
	return MIN((size_t)snprintf(record, size, "%u,%llu,%llu,-;%s\n", level, (unsigned long long)sequence,
				    (unsigned long long)(seconds * 1000000 + microseconds), text), size - 1);
}

/* Where reading starts: the oldest whole line. */
static uint64_t oldest_line(void)
{
	uint64_t start = log_start_pos(), at = start;
	char line[LINE_SIZE];
	size_t len;
	char *newline;

	if (!start)
		return 0;
	len = log_read(&at, line, sizeof(line));
	newline = memchr(line, '\n', len);
	return newline ? at - len + (newline - line) + 1 : at;
}

static int wait_for_line(struct file *file, uint64_t pos)
{
	struct waiter waiter;
	int error = 0;

	if (atomic_load_relaxed(&file->flags) & O_NONBLOCK)
		return -EAGAIN;
	wait_begin(&kmsg_queue, &waiter);
	while (log_end_pos() <= pos && !error) {
		timer_arm(&kmsg_timer, clock_monotonic_ns() + POLL_INTERVAL_NS);
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
	}
	wait_end(&waiter);
	return error;
}

static ssize_t kmsg_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	char line[LINE_SIZE + 1], record[RECORD_SIZE];
	uint64_t start = *pos;
	size_t len;

	if (start < log_start_pos()) {
		*pos = oldest_line();
		return -EPIPE;	/* lines were lost */
	}
	while (!next_line(pos, line, sizeof(line))) {
		int error = wait_for_line(file, start);

		if (error)
			return error;
	}
	len = format_record(record, sizeof(record), start, line);
	if (len > uio->left) {
		*pos = start;
		return -EINVAL;
	}
	return uio_write_to(uio, record, len) == len ? (ssize_t)len : -EFAULT;
}

static void log_text(char *text)
{
	unsigned level = LOG_NOTICE;

	if (text[0] == '<') {
		char *end = strchr(text, '>');
		uint64_t priority;

		if (end && end - text < 5) {
			*end = 0;
			if (string_to_u64(text + 1, &priority)) {
				level = priority & 7;
				text = end + 1;
			} else {
				*end = '>';
			}
		}
	}
	while (*text) {
		char *newline = strchr(text, '\n');
		size_t len = newline ? (size_t)(newline - text) : strlen(text);
		size_t shown = MIN(len, (size_t)TEXT_MAX);

		if (shown)
			log_write(level, "%.*s", (int)shown, text);
		text += shown + (newline && shown == len);
	}
}

static ssize_t kmsg_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	size_t len = uio->left;
	char text[WRITE_MAX / 2];

	if (len >= sizeof(text))
		return -EINVAL;
	if (uio_read_from(uio, text, len) != len)
		return -EFAULT;
	text[len] = 0;
	log_text(text);
	return len;
}

static int64_t kmsg_seek(struct file *file, int64_t offset, int whence)
{
	if (offset)
		return -ESPIPE;
	if (whence == SEEK_END)
		file->pos = log_end_pos();
	else if (whence == SEEK_SET || whence == SEEK_DATA)
		file->pos = oldest_line();
	return whence == SEEK_CUR || whence == SEEK_HOLE ? -EINVAL : 0;
}

static unsigned kmsg_poll(struct file *file, struct poll_table *table)
{
	uint64_t pos = atomic_load_relaxed(&file->pos);

	poll_wait(table, &kmsg_queue);
	if (table)
		timer_arm(&kmsg_timer, clock_monotonic_ns() + POLL_INTERVAL_NS);
	if (pos < log_start_pos())
		return POLL_IN | POLL_RDNORM | POLL_ERR | POLL_PRI | POLL_OUT | POLL_WRNORM;
	return (pos < log_end_pos() ? POLL_IN | POLL_RDNORM : 0) | POLL_OUT | POLL_WRNORM;
}

static int kmsg_open(struct char_device *device, unsigned minor, struct file *file)
{
	file->pos = oldest_line();
	return 0;
}

static const struct file_ops kmsg_ops = { .read = kmsg_read, .write = kmsg_write, .seek = kmsg_seek, .poll = kmsg_poll };

struct char_device kmsg_device = { .major = MEM_MAJOR, .minor = MINOR_KMSG, .minor_count = 1, .name = "kmsg", .mode = 0644, .ops = &kmsg_ops,
				   .open = kmsg_open };

void kmsg_init(void)
{
	timer_init(&kmsg_timer, look_at_log);
}
