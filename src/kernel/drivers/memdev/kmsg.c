/* SPDX-License-Identifier: MIT */
/*
 * /dev/kmsg: each read gives one line of the kernel log as "LEVEL,SEQUENCE,MICROSECONDS,-;TEXT", each write makes log lines. The sequence number is
 * the line's absolute position in the log. A reader's place is kept here, not in the file position, which counts bytes that were read.
 *
 * The log can be written from any context and therefore wakes nobody: while somebody waits, a timer looks every 100 ms whether
 * it has grown. kmsg_timer is armed by those who wait and by itself.
 */
#include "drivers/memdev/memdev.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/credentials.h"
#include "sched/clock.h"
#include "sched/timer.h"
#include "security/capabilities.h"
#include "vfs/file.h"
#include "vfs/poll.h"

#include <linux/fcntl.h>
#include <linux/fs.h>

enum { MEM_MAJOR = 1, MINOR_KMSG = 11, LINE_SIZE = 256, RECORD_SIZE = LINE_SIZE + 64, WRITE_MAX = 512, TEXT_MAX = 200 };
enum { POLL_INTERVAL_NS = 100 * NS_PER_MS };

struct kmsg_reader {
	struct mutex lock;
	uint64_t pos;		/* lock; read atomically by poll */
};

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

static int wait_for_line(struct file *file, struct kmsg_reader *reader)
{
	struct waiter waiter;
	int error = 0;

	if (atomic_load_relaxed(&file->flags) & O_NONBLOCK)
		return -EAGAIN;
	wait_begin(&kmsg_queue, &waiter);
	while (log_end_pos() <= atomic_load(&reader->pos) && !error) {
		timer_arm(&kmsg_timer, clock_monotonic_ns() + POLL_INTERVAL_NS);
		error = wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
	}
	wait_end(&waiter);
	return error;
}

/* One line as a record at @record of RECORD_SIZE bytes. reader->lock held. Its length; 0 when the log ends there; -EPIPE. */
static ssize_t take_record(struct kmsg_reader *reader, char *record, size_t room)
{
	char line[LINE_SIZE + 1];
	uint64_t pos = reader->pos;
	size_t len;

	if (pos < log_start_pos()) {
		atomic_store(&reader->pos, oldest_line());
		return -EPIPE;	/* lines were lost */
	}
	if (!next_line(&pos, line, sizeof(line)))
		return 0;
	len = format_record(record, RECORD_SIZE, reader->pos, line);
	if (len > room)
		return -EINVAL;
	atomic_store(&reader->pos, pos);
	return len;
}

static ssize_t kmsg_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct kmsg_reader *reader = file->private;
	char record[RECORD_SIZE];
	ssize_t len;

	for (;;) {
		int error;

		mutex_lock(&reader->lock);
		len = take_record(reader, record, uio->left);
		mutex_unlock(&reader->lock);
		if (len)
			break;
		error = wait_for_line(file, reader);
		if (error)
			return error;
	}
	if (len < 0)
		return len;
	return uio_write_to(uio, record, len) == len ? len : -EFAULT;
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
	char text[WRITE_MAX];

	if (len >= sizeof(text))
		return -EINVAL;
	if (uio_read_from(uio, text, len) != len)
		return -EFAULT;
	text[len] = 0;
	/* The log appears on terminals: nothing in it may move their cursors. */
	for (size_t i = 0; i < len; i++)
		if (((uint8_t)text[i] < ' ' && text[i] != '\n' && text[i] != '\t') || text[i] == 127)
			text[i] = '?';
	log_text(text);
	return len;
}

static int64_t kmsg_seek(struct file *file, int64_t offset, int whence)
{
	struct kmsg_reader *reader = file->private;

	if (offset)
		return -ESPIPE;
	if (whence != SEEK_SET && whence != SEEK_DATA && whence != SEEK_END)
		return -EINVAL;
	mutex_lock(&reader->lock);
	atomic_store(&reader->pos, whence == SEEK_END ? log_end_pos() : oldest_line());
	mutex_unlock(&reader->lock);
	return 0;
}

static unsigned kmsg_poll(struct file *file, struct poll_table *table)
{
	struct kmsg_reader *reader = file->private;
	uint64_t pos = atomic_load(&reader->pos);

	poll_wait(table, &kmsg_queue);
	if (table)
		timer_arm(&kmsg_timer, clock_monotonic_ns() + POLL_INTERVAL_NS);
	if (pos < log_start_pos())
		return POLL_IN | POLL_RDNORM | POLL_ERR | POLL_PRI | POLL_OUT | POLL_WRNORM;
	return (pos < log_end_pos() ? POLL_IN | POLL_RDNORM : 0) | POLL_OUT | POLL_WRNORM;
}

static int kmsg_open(struct char_device *device, unsigned minor, struct file *file)
{
	struct kmsg_reader *reader;

	/* Reading is root's, whatever the mode of the node (syslog(2) likewise). */
	if ((file->rights & FILE_RIGHT_READ) && !capabilities_may_administer())
		return -EPERM;
	reader = kmalloc(sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	mutex_init(&reader->lock, LOCK_KMSG_READER);
	reader->pos = oldest_line();
	file->private = reader;
	return 0;
}

static void kmsg_release(struct file *file)
{
	kfree(file->private);
}

static const struct file_ops kmsg_ops = { .read = kmsg_read, .write = kmsg_write, .seek = kmsg_seek, .poll = kmsg_poll,
					   .release = kmsg_release };

struct char_device kmsg_device = { .major = MEM_MAJOR, .minor = MINOR_KMSG, .minor_count = 1, .name = "kmsg", .mode = 0644, .ops = &kmsg_ops,
				   .open = kmsg_open };

void kmsg_init(void)
{
	timer_init(&kmsg_timer, look_at_log);
}
