/* SPDX-License-Identifier: MIT */
/* What the files that write core files share. */
#pragma once

#include "mm/core_memory.h"
#include "process/core_dump.h"

/* A core file on its way. Its thread's own, but @thread is read by who holds process->signal_lock. */
struct core_dump {
	struct thread *thread;		/* which took the signal and writes the file */
	signal_set blocked;		/* by it, until the dump began */
	int number;
	unsigned filter;		/* CORE_* of mm/core_memory.h */
	const struct signal_info *info;	/* SIGNAL_INFO_KEPT bytes */
	struct address_space *as;

	struct file *file;
	bool only_counts;		/* nothing is written, @pos moves */
	uint64_t pos;			/* in the file, of the next byte; @filled of those before it are in @buffer still */
	uint64_t room;			/* bytes that may be written yet: RLIMIT_CORE. Holes are free */
	bool ends_with_hole;
	unsigned filled;
	char *buffer;			/* a page */
	char *scratch;			/* PATH_MAX_LEN bytes, for whoever composes something; core_next_mapping() leaves the name there */
	int error;			/* negative errno: nothing more is written */
};

/* core_file.c */
void core_add(struct core_dump *core, const void *bytes, size_t size);
/* core_mapping_find(), and the first page of a program is kept, too: it says which program that is. */
bool core_next_mapping(struct core_dump *core, uint64_t addr, struct core_mapping *mapping);
/* Writes all of the file. core->error says how that went. */
void core_write(struct core_dump *core);

/* core_notes.c: registers, identity, what is mapped. */
void core_add_notes(struct core_dump *core);
