/* SPDX-License-Identifier: MIT */
/* Limits and calls of shared memory: <linux/shm.h> is not for kernels. Those of semaphores and messages are in <linux/sem.h> and <linux/msg.h>. */
#pragma once

#include <linux/ipc.h>

#define SHMMAX (UINT64_MAX - (1ul << 24))	/* bytes of one; more than any machine has */
#define SHMALL SHMMAX				/* pages of all; never reached */

enum {
	SHMMNI = 4096, SHMMIN = 1,
	SHM_HUGETLB = 04000, SHM_NORESERVE = 010000,				/* shmget */
	SHM_RDONLY = 010000, SHM_RND = 020000, SHM_REMAP = 040000, SHM_EXEC = 0100000,	/* shmat */
	SHM_LOCK = 11, SHM_UNLOCK = 12, SHM_STAT = 13, SHM_INFO = 14, SHM_STAT_ANY = 15,	/* shmctl */
	SHM_DEST = 01000, SHM_LOCKED = 02000,	/* in a mode: goes when nobody has it mapped any more; locked in memory */
};

struct shm_info {
	int used_ids;
	unsigned long shm_tot, shm_rss, shm_swp;	/* pages */
	unsigned long swap_attempts, swap_successes;
};
