/* SPDX-License-Identifier: MIT */
/* What server.c needs of server_setup.c; not for servers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The bit by which the SIGTERM handler wakes the loop: a signal may come between the question whether one came and the wait. */
#define SERVER_TERM_BIT (1ull << 63)

/* Whether SIGTERM came. */
bool server_term_came(void);

/* From now on server_beat_came() says each @period_ns that it is time for a heartbeat. */
void server_start_beats(int64_t period_ns);

/* Whether it is time, once each time. */
bool server_beat_came(void);

/* CLOCK_MONOTONIC, as coarse as the clock tick: for heartbeats. */
int64_t server_now_ns(void);
