/* SPDX-License-Identifier: MIT */
/*
 * What a service prints: from its pipe into the ring of its log, as it is, and to the console, without what a terminal obeys. One that prints without end is
 * throttled; the log and the console say how many lines were dropped. One thread.
 */
#ifndef SERVERS_LIB_OUTPUT_H
#define SERVERS_LIB_OUTPUT_H

#include "plain_text.h"
#include "ring.h"
#include "throttle.h"

/* All zero at first. */
struct output {
	struct throttle throttle;
	struct plain_text plain;
	uint64_t look_ns;            /* when the pipe is read next, while too much comes */
};

/* Takes a piece from the pipe @fd (non-blocking; -1: none). False: there is nothing. */
bool output_take(struct output *output, int fd, struct ring *ring);

/* True while too much comes: then the pipe is not to be waited for, but output_look() called at output_due(). So it costs little. */
bool output_floods(const struct output *output);

/* UINT64_MAX: never. */
uint64_t output_due(const struct output *output);

/* Empties the pipe of one that floods, and when that is over says that of @name lines were dropped. Does nothing before its time. */
void output_look(struct output *output, int fd, struct ring *ring, const char *name, uint64_t now_ns);

#endif
