/* SPDX-License-Identifier: MIT */
/* What tests switch on in a memory disk: a log of writes and flushes, and faults. All is guarded by memory->lock. */
#include "block/memory_disk_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"

enum { FAULTS_MAX = 8, WORD_MAX = 24, WORDS_MAX = 5 };

struct fault {
	enum disk_operation operation;
	uint64_t first, count;
	uint64_t times;		/* left; UINT64_MAX: for ever */
};

struct memory_disk_test {
	struct fault faults[FAULTS_MAX];
	unsigned fault_count;
	void **chunks;		/* pages of the log, NULL without one */
	uint64_t size, used;	/* bytes */
	uint64_t sequence;
	bool cut_short;		/* something did not fit */
};

static void log_free(struct memory_disk_test *test)
{
	for (uint64_t i = 0; test->chunks && i < test->size / PAGE_SIZE; i++)
		kfree(test->chunks[i]);
	kfree(test->chunks);
	test->chunks = NULL;
}

void memory_disk_test_free(struct memory_disk_test *test)
{
	if (test)
		log_free(test);
	kfree(test);
}

int memory_disk_fault(struct memory_disk_test *test, const struct disk_request *request)
{
	for (unsigned i = 0; i < test->fault_count; i++) {
		struct fault *fault = &test->faults[i];

		if (fault->operation != request->operation || !fault->times)
			continue;
		if (request->operation != DISK_FLUSH &&
		    (request->sector >= fault->first + fault->count || fault->first >= request->sector + request->sector_count))
			continue;
		if (fault->times != UINT64_MAX)
			fault->times--;
		return -EIO;
	}
	return 0;
}

/* ---- The log ---- */

static bool make_room(struct memory_disk_test *test, uint64_t len)
{
	uint64_t end = test->used + len;

	if (end > test->size)
		return false;
	for (uint64_t i = test->used / PAGE_SIZE; i * PAGE_SIZE < end; i++) {
		if (!test->chunks[i])
			test->chunks[i] = kmalloc(PAGE_SIZE);
		if (!test->chunks[i])
			return false;
	}
	return true;
}

static void append(struct memory_disk_test *test, const char *bytes, uint64_t len)
{
	while (len) {
		uint64_t part = MIN(len, PAGE_SIZE - test->used % PAGE_SIZE);

		memcpy((char *)test->chunks[test->used / PAGE_SIZE] + test->used % PAGE_SIZE, bytes, part);
		bytes += part;
		test->used += part;
		len -= part;
	}
}

void memory_disk_log(struct memory_disk *memory, const struct disk_request *request)
{
	struct memory_disk_test *test = memory->test;
	struct memory_disk_record record = { test->sequence, request->sector, request->sector_count, request->operation };

	if (!test->chunks || test->cut_short)
		return;
	if (!make_room(test, sizeof(record) + (uint64_t)request->sector_count * MEMORY_DISK_SECTOR)) {
		test->cut_short = true;
		return;
	}
	test->sequence++;
	append(test, (const char *)&record, sizeof(record));
	for (unsigned i = 0; i < request->segment_count; i++)
		append(test, phys_to_virt(request->segments[i].start), request->segments[i].len);
}

ssize_t memory_disk_log_read(struct memory_disk *memory, uint64_t position, void *bytes, size_t size)
{
	struct memory_disk_test *test;
	ssize_t done = -ENOENT;

	mutex_lock(&memory->lock);
	test = memory->test;
	if (test && test->chunks) {
		uint64_t end = position < test->used ? MIN(test->used, position + size) : position;

		for (done = 0; position < end;) {
			uint64_t part = MIN(end - position, PAGE_SIZE - position % PAGE_SIZE);

			memcpy((char *)bytes + done, (char *)test->chunks[position / PAGE_SIZE] + position % PAGE_SIZE, part);
			position += part;
			done += part;
		}
		if (!done && size && test->cut_short)
			done = -ENOSPC;
	}
	mutex_unlock(&memory->lock);
	return done;
}

/* ---- Commands ---- */

/* Splits at blanks. Returns the number of words, 0 if there are too many or one is too long. */
static unsigned split(const char *command, char words[WORDS_MAX][WORD_MAX])
{
	unsigned count = 0, len = 0;

	for (;; command++) {
		bool end = !*command || *command == ' ' || *command == '\n';

		if (end && len)
			words[count++][len] = 0;
		if (end)
			len = 0;
		if (!*command)
			return count;
		if (!end && (count == WORDS_MAX || len == WORD_MAX - 1))
			return 0;
		if (!end)
			words[count][len++] = *command;
	}
}

static int log_begin(struct memory_disk_test *test, uint64_t size)
{
	enum { LOG_MAX = 1 << 30 };

	if (size < PAGE_SIZE || size > LOG_MAX)
		return -EINVAL;
	if (test->chunks)
		return -EEXIST;
	test->size = ROUND_DOWN(size, PAGE_SIZE);
	test->used = test->sequence = 0;
	test->cut_short = false;
	test->chunks = kmalloc_array(test->size / PAGE_SIZE, sizeof(void *));
	return test->chunks ? 0 : -ENOMEM;
}

static int fault_add(struct memory_disk_test *test, char words[WORDS_MAX][WORD_MAX], unsigned count)
{
	struct fault fault = { .times = UINT64_MAX };

	if (!strcmp(words[1], "read"))
		fault.operation = DISK_READ;
	else if (!strcmp(words[1], "write"))
		fault.operation = DISK_WRITE;
	else if (!strcmp(words[1], "flush"))
		fault.operation = DISK_FLUSH;
	else
		return -EINVAL;
	if (!string_to_u64(words[2], &fault.first) || !string_to_u64(words[3], &fault.count) || fault.first + fault.count < fault.first ||
	    (count == 5 && !string_to_u64(words[4], &fault.times)))
		return -EINVAL;
	if (test->fault_count == FAULTS_MAX)
		return -ENOSPC;
	test->faults[test->fault_count++] = fault;
	return 0;
}

static int command_locked(struct memory_disk_test *test, char words[WORDS_MAX][WORD_MAX], unsigned count)
{
	bool off = count == 2 && !strcmp(words[1], "off");
	uint64_t size;

	if (count < 2)
		return -EINVAL;
	if (!strcmp(words[0], "log") && off)
		log_free(test);
	else if (!strcmp(words[0], "log") && count == 3 && !strcmp(words[1], "on") && string_to_u64(words[2], &size))
		return log_begin(test, size);
	else if (!strcmp(words[0], "fail") && off)
		test->fault_count = 0;
	else if (!strcmp(words[0], "fail") && count >= 4)
		return fault_add(test, words, count);
	else
		return -EINVAL;
	return 0;
}

int memory_disk_control(struct memory_disk *memory, const char *command)
{
	char words[WORDS_MAX][WORD_MAX];
	unsigned count = split(command, words);
	int error;

	mutex_lock(&memory->lock);
	if (!memory->test)
		memory->test = kzalloc(sizeof(*memory->test));
	error = memory->test ? command_locked(memory->test, words, count) : -ENOMEM;
	if (memory->test && !memory->test->chunks && !memory->test->fault_count) {
		kfree(memory->test);
		memory->test = NULL;
	}
	mutex_unlock(&memory->lock);
	return error;
}
