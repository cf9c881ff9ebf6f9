/* SPDX-License-Identifier: MIT */
/* Futexes inside the kernel: waking those who wait on a word of the calling process. */
#pragma once

#include "lib/types.h"

void futex_init(void);		/* once, before the first use */

/* Wakes up to @count waiters on the word at @addr, shared or private. Returns how many, or a negative errno. May sleep. */
int futex_wake_address(uaddr_t addr, int count);
