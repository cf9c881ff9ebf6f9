/* SPDX-License-Identifier: MIT */
/*
 * Wrong answers of file systems (../../proto/fs.def), for services of the tests: one in two is changed, in its length, in some bytes, or in a field that gets
 * a value which it must not have. And commits (<raeen/fs.h>) that must be refused.
 */
#ifndef TEST_LIES_H
#define TEST_LIES_H

#include "lib/server.h"

#include <raeen/fs.h>

enum { LIES_SAID = 100 };

/* From now on; @seed is not 0. */
void lies_begin(uint64_t seed);

/* Before @call is served: what is asked, and about what. Its answer may lie in the same place. */
void lies_note_request(const struct server_call *call);

/*
 * Perhaps changes the answer to that, *@length bytes at @answer, where MSG_PAYLOAD_MAX have room. True: it differs from the right one now, not only perhaps,
 * and lies_count() is due when it has been sent.
 */
bool lies_change(void *answer, unsigned *length);

/* Counts, and each LIES_SAID times says so, for who adds them up. */
void lies_count(void);

/*
 * Perhaps makes a commit that must be refused, whatever the cache has, of one that need not be, to be tried before that. What it leads to lasts until the next
 * one. False: not this time.
 */
bool lies_spoil_commit(const struct fs_commit *right, struct fs_commit *wrong);

/* What came of it: counted and said, too. */
void lies_count_commit(int error);

#endif
