/* SPDX-License-Identifier: MIT */
/* The kernel's random number generator (a ChaCha20 CSPRNG seeded from RDRAND, RDSEED and timing jitter). */
#pragma once

#include "lib/types.h"

/* Fills @buf. Any context; does not sleep. */
void random_bytes(void *buf, size_t len);
uint64_t random_u64(void);
/* Uniform in [0, bound). */
uint64_t random_below(uint64_t bound);
/* The moment of an interrupt, for its jitter. From interrupt handlers; costs nothing most of the time. */
void random_add_timing(void);
/* Mixes in unpredictable timing or data; cheap, any context. */
void random_add_entropy(const void *data, size_t len);
