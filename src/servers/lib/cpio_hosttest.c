/* SPDX-License-Identifier: MIT */
/* LINK: lib/cpio.c */
/* The newc reader: archives made here, read in pieces of every size, and damaged in every place. */
#include "check.h"
#include "cpio.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct archive {
	unsigned char bytes[65536];
	size_t length, at, piece;    /* read at most piece bytes at once */
};

/* What the sink has been told, as one line of text. */
struct record {
	char text[16384];
	size_t length;
	unsigned sum;                /* of the data bytes */
	unsigned data_bytes;
	int refuse;                  /* begin() returns this */
};

static struct archive archive;
static struct record record;
static char error_text[CPIO_ERROR_TEXT];

static ssize_t read_piece(void *context, void *buffer, size_t length)
{
	struct archive *from = context;
	size_t left = from->length - from->at;

	if (length > left)
		length = left;
	if (length > from->piece)
		length = from->piece;
	memcpy(buffer, from->bytes + from->at, length);
	from->at += length;
	return (ssize_t)length;
}

static int begin(void *context, const struct cpio_entry *entry)
{
	struct record *to = context;

	to->length += (size_t)snprintf(to->text + to->length, sizeof(to->text) - to->length, "%s %o %u:%u %u%s%s%s%s\n",
				       entry->name, entry->mode, entry->uid, entry->gid, entry->size,
				       entry->target ? " -> " : "", entry->target ? entry->target : "",
				       entry->link ? " = " : "", entry->link ? entry->link : "");
	return to->refuse;
}

static int data(void *context, const void *bytes, size_t length)
{
	struct record *to = context;

	for (size_t i = 0; i < length; i++)
		to->sum = to->sum * 31 + ((const unsigned char *)bytes)[i];
	to->data_bytes += (unsigned)length;
	return 0;
}

static int finish(void *context)
{
	struct record *to = context;

	to->length += (size_t)snprintf(to->text + to->length, sizeof(to->text) - to->length, "end %u\n",
				       to->data_bytes);
	return 0;
}

static int read_all(size_t piece)
{
	struct cpio_source source = { &archive, read_piece };
	struct cpio_sink sink = { &record, begin, data, finish };
	int refuse = record.refuse;

	archive.at = 0;
	archive.piece = piece;
	record = (struct record){ .refuse = refuse };
	return cpio_read(&source, &sink, 4096, error_text);
}

static void pad(void)
{
	while (archive.length % 4)
		archive.bytes[archive.length++] = 0;
}

static void add(const char *name, unsigned mode, unsigned inode, unsigned links, const void *content, unsigned size)
{
	archive.length += (size_t)sprintf((char *)archive.bytes + archive.length,
					  "070701%08X%08x%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", inode, mode,
					  10, 20, links, 0, size, 1, 2, 0, 0, (unsigned)strlen(name) + 1, 0);
	memcpy(archive.bytes + archive.length, name, strlen(name) + 1);
	archive.length += strlen(name) + 1;
	pad();
	memcpy(archive.bytes + archive.length, content, size);
	archive.length += size;
	pad();
}

static void make_good(void)
{
	static unsigned char big[9001];

	for (unsigned i = 0; i < sizeof(big); i++)
		big[i] = (unsigned char)(i * 7);
	archive.length = 0;
	add(".", S_IFDIR | 0755, 1, 2, "", 0);
	add("./etc//x/", S_IFDIR | 0700, 2, 2, "", 0);
	add("/etc/x/file", S_IFREG | 0644, 3, 1, "hello", 5);
	add("empty", S_IFREG | 04755, 4, 1, "", 0);
	add("link", S_IFLNK | 0777, 5, 1, "etc/x/file", 10);
	add("big", S_IFREG | 0600, 6, 1, big, sizeof(big));
	add("one", S_IFREG | 0600, 7, 2, "", 0);
	add("two", S_IFREG | 0600, 7, 2, "data", 4);
	add("TRAILER!!!", 0, 0, 1, "", 0);
}

static const char good_text[] = " 40755 10:20 0\n"
				"etc/x 40700 10:20 0\n"
				"etc/x/file 100644 10:20 5\nend 5\n"
				"empty 104755 10:20 0\n"
				"link 120777 10:20 10 -> etc/x/file\n"
				"big 100600 10:20 9001\nend 9006\n"
				"one 100600 10:20 0\n"
				"two 100600 10:20 4 = one\nend 9010\n";

static void test_good(void)
{
	unsigned sum = 0;

	make_good();
	for (size_t piece = 1; piece < 5000; piece = piece * 3 / 2 + 1) {
		int error = read_all(piece);

		CHECK(error == 0, "pieces of %zu: %s", piece, error_text);
		CHECK(strcmp(record.text, good_text) == 0, "pieces of %zu: %s", piece, record.text);
		CHECK(sum == 0 || record.sum == sum, "pieces of %zu: other data", piece);
		sum = record.sum;
	}
	/* What follows the trailer is padding to the size of a tape block. */
	memset(archive.bytes + archive.length, 0, 512);
	archive.length += 512;
	CHECK(read_all(512) == 0, "padding after the trailer: %s", error_text);
}

static void test_truncated(void)
{
	size_t whole;

	make_good();
	whole = archive.length;
	for (archive.length = 0; archive.length < whole - 4; archive.length++) {
		int error = read_all(1000);

		CHECK(error == -EINVAL && strstr(error_text, "the archive ends at byte"), "%zu bytes: %d %s",
		      archive.length, error, error_text);
	}
}

/* One byte changed anywhere: an error or another archive, but never a wild access (the sanitizers watch). */
static void test_damaged(void)
{
	make_good();
	for (size_t i = 0; i < 700; i++) {
		unsigned char old = archive.bytes[i];

		for (unsigned bit = 0; bit < 8; bit++) {
			archive.bytes[i] = (unsigned char)(old ^ 1 << bit);
			read_all(1000);
		}
		archive.bytes[i] = old;
	}
	CHECK(read_all(1000) == 0, "restored: %s", error_text);
}

static void expect_fault(const char *words)
{
	int error = read_all(1000);

	CHECK(error == -EINVAL && strstr(error_text, words), "%d: %s, expected %s", error, error_text, words);
}

static void test_faults(void)
{
	static char long_name[CPIO_MAX_NAME + 1];

	archive.length = 200;
	memset(archive.bytes, 'x', archive.length);
	expect_fault("no entry in the newc format (070701) at byte 0");
	make_good();
	archive.bytes[20] = 'g';
	expect_fault("without 8 hexadecimal digits");
	for (unsigned i = 0; i < 3; i++) {
		static const char *const names[] = { "../up", "a/../../b", ".." };

		archive.length = 0;
		add(names[i], S_IFREG | 0644, 1, 1, "", 0);
		expect_fault("contains ..");
	}
	memset(long_name, 'n', CPIO_MAX_NAME);
	archive.length = 0;
	add(long_name, S_IFREG | 0644, 1, 1, "", 0);
	expect_fault("has 4097 bytes, expected 1 to 4096");
	archive.length = 0;
	add("s", S_IFLNK | 0777, 1, 1, "", 0);
	expect_fault("has a target of 0 bytes");
	make_good();
	memcpy(archive.bytes + 94, "00000000", 8);
	expect_fault("has 0 bytes");
	memcpy(archive.bytes + 94, "00000003", 8);
	expect_fault("is not 2 characters and a zero byte");
	record.refuse = -ENOSPC;
	make_good();
	CHECK(read_all(1000) == -ENOSPC && strstr(error_text, "cannot unpack"), "%s", error_text);
	record.refuse = 0;
}

int main(void)
{
	test_good();
	test_truncated();
	test_damaged();
	test_faults();
	return check_result("lib/cpio");
}
