/* SPDX-License-Identifier: MIT */
/* Futexes inside the kernel: waking those who wait on a word of the calling process. */
#pragma once

#include "lib/types.h"

struct thread;

void futex_init(void);		/* once, before the first use */

/* Wakes up to @count waiters on the word at @addr, shared or private. Returns how many, or a negative errno. May sleep. */
int futex_wake_address(uaddr_t addr, int count);

/* PI locks (futex_pi_state.c). The calling thread ends, or leaves its memory: what it holds goes to those who wait. */
void futex_pi_exit(struct thread *thread);
void futex_pi_reopen(struct thread *thread);	/* it goes on in new memory (exec) */
void futex_pi_priority_changed(struct thread *thread);
