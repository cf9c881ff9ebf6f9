/* SPDX-License-Identifier: MIT */
/* A protocol as data, generated for mutate.c, which makes messages of it and decides by itself which are valid. */
#pragma once

#include "lib/server.h"

#include <stdbool.h>
#include <stdint.h>

enum field_kind { FIELD_INT, FIELD_BOOL, FIELD_ENUM, FIELD_TEXT, FIELD_BYTES, FIELD_STRUCT, FIELD_RESERVED, FIELD_COUNT };

struct field_table {
	const char *name;
	enum field_kind kind;
	unsigned offset, size;		/* in its structure; of one element */
	unsigned dimension;		/* elements; 0: no array */
	bool tail;			/* as many as the FIELD_COUNT at count_offset says, at most dimension */
	unsigned count_offset;
	unsigned maximum;		/* FIELD_COUNT */
	const uint32_t *values;		/* FIELD_ENUM */
	unsigned value_count;
	const struct field_table *fields;	/* FIELD_STRUCT */
	unsigned field_count;
};

struct side_table {
	const struct field_table *fields;
	unsigned field_count;
	unsigned size;			/* of the structure */
	unsigned handles;
	int (*check)(const void *message, unsigned length);	/* replies: the client's */
};

struct message_table {
	const char *name;
	uint32_t type;
	struct side_table request, reply;
	uint64_t needs, grants;
	bool notice;
	bool inside;			/* answered by the generated code, without a handler */
};

struct protocol_table {
	const struct protocol *protocol;
	const void *operations;		/* all of whose functions call table_handler() */
	const void *no_operations;	/* a server that has none */
	const struct message_table *messages;
	unsigned message_count;
};

#ifdef PROTOCOL_TABLE
extern const struct protocol_table PROTOCOL_TABLE;
#endif

/* Of `version`. */
static const struct field_table version_fields[] = {
	{ "major", FIELD_INT, .offset = 0, .size = 2 },
	{ "minor", FIELD_INT, .offset = 2, .size = 2 },
};
#define VERSION_TABLE { .fields = version_fields, .field_count = 2, .size = sizeof(struct protocol_version) }

/* mutate.c: what the test does as a server. */
int table_handler(struct server_call *call, const void *request, void *reply);
