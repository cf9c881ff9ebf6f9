/* SPDX-License-Identifier: MIT */
/*
 * State that outlives a process: sealed shared memory at a descriptor that the next instance is given, or knows by its number. It holds a text, a row of
 * records of one size, room without form beside them (for rings), and a few words.
 *
 * A record lies there twice, each copy with a number and a checksum; the older one is written. Whenever the writer is killed, one copy of each is whole.
 * One writer, one region a process.
 */
#ifndef SERVERS_LIB_REGION_H
#define SERVERS_LIB_REGION_H

#include <stddef.h>
#include <stdint.h>

enum { REGION_WORDS = 8 };

struct region_shape {
	uint32_t magic;              /* whose region it is, and which version of it */
	uint32_t record_size;        /* bytes, a multiple of 8 */
	uint32_t count;              /* of records */
	uint32_t room_size, room_count; /* further pieces, zero at first; the size a multiple of 8 */
	uint32_t flags;              /* the owner's */
	const char *text;            /* copied; in the region when region_find() gives it */
	uint32_t length;
};

/* Memory of @size bytes, which nobody can change, that many processes can share: a descriptor (close-on-exec), or -1 and errno. */
int region_memory(const char *name, size_t size);

/*
 * Makes a region and puts it at descriptor @fd. Where the kernel has no such memory it is made all the same and dies with the process. Returns 0, or -1
 * and errno.
 */
int region_make(int fd, const struct region_shape *shape);

/* Takes over the one at descriptor @fd, which must have @shape's magic and sizes of records and room; fills in the rest. NULL, or what is wrong. */
const char *region_find(int fd, struct region_shape *shape);

/* The last whole copy of record @index. NULL: none was saved. */
const void *region_record(uint32_t index);

/* Saves the record, if it is another one than the last. */
void region_save(uint32_t index, const void *record);

/* Piece @index of the room. NULL: there are not so many, or no region. */
void *region_room(uint32_t index);

/* The owner's words, 0 at first. */
int32_t region_get(unsigned word);
void region_set(unsigned word, int32_t value);

#endif
