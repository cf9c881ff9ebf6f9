/* SPDX-License-Identifier: MIT */
/* The streaming "newc" cpio reader (cpio.h). */
#include "cpio.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { HEADER_SIZE = 110, FIELD_COUNT = 13, MIN_BUFFER = 4096 };

/* The fields behind the magic, 8 hexadecimal digits each. */
enum field {
	FIELD_INODE, FIELD_MODE, FIELD_UID, FIELD_GID, FIELD_LINKS, FIELD_MTIME, FIELD_SIZE, FIELD_MAJOR, FIELD_MINOR,
	FIELD_RDEV_MAJOR, FIELD_RDEV_MINOR, FIELD_NAME_SIZE, FIELD_CHECK,
};

/* A file with several names, until the end of the archive. */
struct hard_link {
	struct hard_link *next;
	uint32_t inode, major, minor;
	char name[];
};

struct reader {
	const struct cpio_source *source;
	const struct cpio_sink *sink;
	char *error;
	unsigned char *buffer;
	size_t size, start, end;     /* of the buffer; unread bytes are start to end */
	uint64_t offset;             /* in the archive, of the next unread byte */
	uint32_t fields[FIELD_COUNT];
	struct hard_link *links;
	char name[CPIO_MAX_NAME];
	char target[CPIO_MAX_NAME];
};

__attribute__((format(printf, 3, 4)))
static int fault(struct reader *reader, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reader->error, CPIO_ERROR_TEXT, format, arguments);
	va_end(arguments);
	return error;
}

/* Refills an empty buffer. Returns 0; at the end of the source -EINVAL, as every archive says itself where it ends. */
static int refill(struct reader *reader)
{
	ssize_t got = reader->source->read(reader->source->context, reader->buffer, reader->size);

	if (got < 0)
		return fault(reader, (int)got, "cannot read the archive at byte %llu: %s",
			     (unsigned long long)reader->offset, strerror((int)-got));
	if (got == 0)
		return fault(reader, -EINVAL, "the archive ends at byte %llu, without its TRAILER!!! entry",
			     (unsigned long long)reader->offset);
	reader->start = 0;
	reader->end = (size_t)got;
	return 0;
}

/* Points *@bytes at 1 to @length unread bytes and takes them. Returns their number or an error. */
static ssize_t take(struct reader *reader, size_t length, const unsigned char **bytes)
{
	size_t there;

	if (reader->start == reader->end) {
		int error = refill(reader);

		if (error)
			return error;
	}
	there = reader->end - reader->start;
	if (there > length)
		there = length;
	*bytes = reader->buffer + reader->start;
	reader->start += there;
	reader->offset += there;
	return (ssize_t)there;
}

/* Copies exactly @length bytes; @to may be NULL. */
static int copy(struct reader *reader, void *to, size_t length)
{
	unsigned char *place = to;

	while (length > 0) {
		const unsigned char *bytes = NULL;
		ssize_t got = take(reader, length, &bytes);

		if (got < 0)
			return (int)got;
		if (place) {
			memcpy(place, bytes, (size_t)got);
			place += got;
		}
		length -= (size_t)got;
	}
	return 0;
}

/* Names and data are padded so that what follows them begins at a multiple of 4. */
static int skip_padding(struct reader *reader)
{
	return copy(reader, NULL, (size_t)(-reader->offset & 3));
}

static bool parse_field(const char *digits, uint32_t *value)
{
	*value = 0;
	for (unsigned i = 0; i < 8; i++) {
		char c = digits[i];
		uint32_t digit;

		if (c >= '0' && c <= '9')
			digit = (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return false;
		*value = *value << 4 | digit;
	}
	return true;
}

static int read_header(struct reader *reader)
{
	uint64_t at = reader->offset;
	char header[HEADER_SIZE];
	int error = copy(reader, header, sizeof(header));

	if (error)
		return error;
	if (memcmp(header, "070701", 6) != 0)
		return fault(reader, -EINVAL, "no entry in the newc format (070701) at byte %llu",
			     (unsigned long long)at);
	for (unsigned i = 0; i < FIELD_COUNT; i++) {
		if (!parse_field(header + 6 + 8 * i, &reader->fields[i]))
			return fault(reader, -EINVAL, "the entry at byte %llu has a field without 8 hexadecimal digits",
				     (unsigned long long)at);
	}
	return 0;
}

/* Reads the name that follows a header. */
static int read_name(struct reader *reader)
{
	uint32_t size = reader->fields[FIELD_NAME_SIZE];
	uint64_t at = reader->offset;
	int error;

	if (size == 0 || size > sizeof(reader->name))
		return fault(reader, -EINVAL, "the name at byte %llu has %u bytes, expected 1 to %zu",
			     (unsigned long long)at, size, sizeof(reader->name));
	error = copy(reader, reader->name, size);
	if (error)
		return error;
	if (strnlen(reader->name, size) != size - 1)
		return fault(reader, -EINVAL, "the name at byte %llu is not %u characters and a zero byte",
			     (unsigned long long)at, size - 1);
	return skip_padding(reader);
}

/*
 * Takes leading and double '/' and "." out of the name in place ("" is the root directory). A ".." could leave the
 * place where the archive is unpacked.
 */
static int clean_name(struct reader *reader)
{
	char *from = reader->name, *to = reader->name;

	while (*from) {
		size_t length = strcspn(from, "/");

		if (length == 2 && memcmp(from, "..", 2) == 0)
			return fault(reader, -EINVAL, "the name before byte %llu contains ..",
				     (unsigned long long)reader->offset);
		if (length > 0 && !(length == 1 && *from == '.')) {
			if (to != reader->name)
				*to++ = '/';
			memmove(to, from, length);
			to += length;
		}
		from += length;
		from += strspn(from, "/");
	}
	*to = '\0';
	return 0;
}

/* Finds an earlier name of the same file; remembers the name when there is none. */
static int find_link(struct reader *reader, const char **earlier)
{
	uint32_t inode = reader->fields[FIELD_INODE];
	uint32_t major = reader->fields[FIELD_MAJOR], minor = reader->fields[FIELD_MINOR];
	size_t size = strlen(reader->name) + 1;
	struct hard_link *link;

	*earlier = NULL;
	if (!S_ISREG(reader->fields[FIELD_MODE]) || reader->fields[FIELD_LINKS] < 2)
		return 0;
	for (link = reader->links; link; link = link->next) {
		if (link->inode == inode && link->major == major && link->minor == minor) {
			*earlier = link->name;
			return 0;
		}
	}
	link = malloc(sizeof(*link) + size);
	if (!link)
		return fault(reader, -ENOMEM, "no memory for the hard link %.100s", reader->name);
	*link = (struct hard_link){ .next = reader->links, .inode = inode, .major = major, .minor = minor };
	memcpy(link->name, reader->name, size);
	reader->links = link;
	return 0;
}

static int read_target(struct reader *reader)
{
	uint32_t size = reader->fields[FIELD_SIZE];
	int error;

	if (size == 0 || size >= sizeof(reader->target))
		return fault(reader, -EINVAL, "the symbolic link %.100s has a target of %u bytes", reader->name, size);
	error = copy(reader, reader->target, size);
	reader->target[size] = '\0';
	return error;
}

/* A sink has complained in its own words; the archive's error names the entry. */
static int sink_fault(struct reader *reader, int error)
{
	return fault(reader, error, "cannot unpack %.150s: %s", reader->name, strerror(-error));
}

static int pass_data(struct reader *reader, uint32_t left)
{
	int error;

	while (left > 0) {
		const unsigned char *bytes = NULL;
		ssize_t got = take(reader, left, &bytes);

		if (got < 0)
			return (int)got;
		error = reader->sink->data(reader->sink->context, bytes, (size_t)got);
		if (error)
			return sink_fault(reader, error);
		left -= (uint32_t)got;
	}
	error = reader->sink->finish(reader->sink->context);
	return error ? sink_fault(reader, error) : 0;
}

/* The entry whose header and name have been read. */
static int read_entry(struct reader *reader)
{
	const uint32_t *fields = reader->fields;
	struct cpio_entry entry = {
		.name = reader->name, .mode = fields[FIELD_MODE], .uid = fields[FIELD_UID], .gid = fields[FIELD_GID],
		.size = fields[FIELD_SIZE], .mtime = fields[FIELD_MTIME], .device_major = fields[FIELD_RDEV_MAJOR],
		.device_minor = fields[FIELD_RDEV_MINOR],
	};
	int error = clean_name(reader);

	if (!error)
		error = find_link(reader, &entry.link);
	if (!error && S_ISLNK(entry.mode)) {
		entry.target = reader->target;
		error = read_target(reader);
	} else if (!error && !S_ISREG(entry.mode)) {
		error = copy(reader, NULL, entry.size);
	}
	if (error)
		return error;
	error = reader->sink->begin(reader->sink->context, &entry);
	if (error)
		return sink_fault(reader, error);
	if (S_ISREG(entry.mode) && entry.size > 0)
		error = pass_data(reader, entry.size);
	return error ? error : skip_padding(reader);
}

static int read_archive(struct reader *reader)
{
	for (;;) {
		int error = read_header(reader);

		if (!error)
			error = read_name(reader);
		if (error)
			return error;
		if (strcmp(reader->name, "TRAILER!!!") == 0)
			return 0;
		error = read_entry(reader);
		if (error)
			return error;
	}
}

int cpio_read(const struct cpio_source *source, const struct cpio_sink *sink, size_t buffer_size,
	      char error_text[CPIO_ERROR_TEXT])
{
	struct reader *reader = calloc(1, sizeof(*reader));
	unsigned char *buffer = malloc(buffer_size < MIN_BUFFER ? MIN_BUFFER : buffer_size);
	int error = -ENOMEM;

	snprintf(error_text, CPIO_ERROR_TEXT, "no memory to read the archive");
	if (reader && buffer) {
		reader->source = source;
		reader->sink = sink;
		reader->error = error_text;
		reader->buffer = buffer;
		reader->size = buffer_size < MIN_BUFFER ? MIN_BUFFER : buffer_size;
		error = read_archive(reader);
		while (reader->links) {
			struct hard_link *link = reader->links;

			reader->links = link->next;
			free(link);
		}
	}
	free(buffer);
	free(reader);
	return error;
}
