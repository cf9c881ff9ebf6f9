/* SPDX-License-Identifier: MIT */
/* State that outlives a process (region.h). */
#include "region.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, RECORDS_MAX = 1 << 16 };

struct header {
	uint32_t magic, record_size, count, room_size, room_count, flags, length, reserved;
	uint64_t text_sum, sum;      /* the second: of all before it */
	int32_t words[REGION_WORDS];
};

/* A copy of a record: this, then the bytes. */
struct copy {
	uint64_t number;             /* of the save; 0: none */
	uint64_t sum;                /* of the number and the bytes */
	uint64_t bytes[];
};

static struct header *header;
static char *copies, *rooms;

static uint64_t add_word(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * 0x9e3779b97f4a7c15ull;
	return sum ^ sum >> 29;
}

static uint64_t sum_words(uint64_t sum, const void *from, size_t size)
{
	for (const uint64_t *word = from, *end = word + size / sizeof(*word); word < end; word++)
		sum = add_word(sum, *word);
	return sum;
}

static uint64_t sum_text(const char *text, size_t length)
{
	uint64_t sum = length;

	for (size_t i = 0; i < length; i++)
		sum = add_word(sum, (unsigned char)text[i]);
	return sum;
}

static uint64_t sum_of_copy(const struct copy *copy)
{
	return sum_words(add_word(header->magic, copy->number), copy->bytes, header->record_size);
}

static uint64_t sum_of_header(const struct header *from)
{
	return sum_words(from->magic, from, offsetof(struct header, sum));
}

static size_t round_up(size_t size, size_t to)
{
	return (size + to - 1) / to * to;
}

/* Where the parts lie: header and text, copies, room. Returns the size of all. */
static size_t lay_out(char *base, const struct region_shape *shape)
{
	size_t records = round_up(sizeof(struct header) + shape->length, sizeof(uint64_t));
	size_t room = round_up(records + 2ull * shape->count * (sizeof(struct copy) + shape->record_size), PAGE);

	header = (struct header *)base;
	copies = base + records;
	rooms = base + room;
	return room + (size_t)shape->room_count * shape->room_size;
}

int region_memory(const char *name, size_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), error;

	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)size) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* The same at @fd. */
static int make_memory(int fd, size_t size)
{
	int made = region_memory("region", size), moved = made < 0 ? -1 : dup3(made, fd, O_CLOEXEC);

	if (made >= 0)
		close(made);
	return moved;
}

int region_make(int fd, const struct region_shape *shape)
{
	size_t size = lay_out(NULL, shape);
	int memory = make_memory(fd, size);
	char *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | (memory < 0 ? MAP_ANONYMOUS : 0), memory, 0);

	if (base == MAP_FAILED) {
		header = NULL;
		return -1;
	}
	lay_out(base, shape);
	*header = (struct header){
		.magic = shape->magic, .record_size = shape->record_size, .count = shape->count, .room_size = shape->room_size,
		.room_count = shape->room_count, .flags = shape->flags, .length = shape->length,
		.text_sum = sum_text(shape->text, shape->length),
	};
	header->sum = sum_of_header(header);
	memcpy(header + 1, shape->text, shape->length);
	return 0;
}

/* Looks at the region of @size bytes that is mapped at @base. */
static const char *check(char *base, size_t size, struct region_shape *shape)
{
	const struct header *found = (const struct header *)base;

	if (found->magic != shape->magic || found->record_size != shape->record_size || found->room_size != shape->room_size)
		return "it is of another make";
	if (found->sum != sum_of_header(found))
		return "its head has a wrong checksum";
	shape->count = found->count;
	shape->room_count = found->room_count;
	shape->flags = found->flags;
	shape->length = found->length;
	shape->text = (const char *)(found + 1);
	if (found->count > RECORDS_MAX || found->room_count > RECORDS_MAX || lay_out(base, shape) != size)
		return "its size is wrong";
	if (found->text_sum != sum_text(shape->text, shape->length))
		return "its text has a wrong checksum";
	return NULL;
}

const char *region_find(int fd, struct region_shape *shape)
{
	struct stat status;
	const char *wrong;
	char *base;

	header = NULL;
	if (fstat(fd, &status) < 0)
		return "there is none";
	if (!S_ISREG(status.st_mode) || status.st_size < (off_t)sizeof(struct header))
		return "it is something else";
	base = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return "it cannot be mapped";
	wrong = check(base, (size_t)status.st_size, shape);
	if (wrong) {
		munmap(base, (size_t)status.st_size);
		header = NULL;
	} else {
		header = (struct header *)base;
	}
	return wrong;
}

static struct copy *copy_of(uint32_t index, unsigned which)
{
	return (struct copy *)(copies + (2ull * index + which) * (sizeof(struct copy) + header->record_size));
}

static bool is_whole(const struct copy *copy)
{
	return copy->number > 0 && copy->sum == sum_of_copy(copy);
}

const void *region_record(uint32_t index)
{
	const struct copy *a = copy_of(index, 0), *b = copy_of(index, 1);

	if (is_whole(a) && (!is_whole(b) || a->number > b->number))
		return a->bytes;
	return is_whole(b) ? b->bytes : NULL;
}

static bool same(const uint64_t *a, const uint64_t *b, size_t size)
{
	for (size_t i = 0; i < size / sizeof(*a); i++) {
		if (a[i] != b[i])
			return false;
	}
	return true;
}

void region_save(uint32_t index, const void *record)
{
	unsigned old = copy_of(index, 0)->number > copy_of(index, 1)->number;
	struct copy *older = copy_of(index, old), *newer = copy_of(index, !old);

	if (newer->number > 0 && same(newer->bytes, record, header->record_size))
		return;
	older->sum = 0;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	older->number = newer->number + 1;
	memcpy(older->bytes, record, header->record_size);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	older->sum = sum_of_copy(older);
}

void *region_room(uint32_t index)
{
	return header && index < header->room_count ? rooms + (size_t)index * header->room_size : NULL;
}

int32_t region_get(unsigned word)
{
	return header->words[word];
}

void region_set(unsigned word, int32_t value)
{
	__atomic_store_n(&header->words[word], value, __ATOMIC_RELAXED);
}
