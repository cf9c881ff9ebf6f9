/* SPDX-License-Identifier: MIT */
/* What the programs about System V semaphores share. For one program each: the functions are static. */
#ifndef SYSV_SEM_H
#define SYSV_SEM_H

#include "sysv_kit.h"

#include <sys/sem.h>
#include <time.h>

union semun { int val; struct semid_ds *buf; unsigned short *array; struct seminfo *__buf; };

static inline int make(int count)
{
	int id = semget(IPC_PRIVATE, count, 0600);

	CHECK(id >= 0);
	return id;
}

static inline void remove_it(int id)
{
	CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
}

static inline struct semid_ds stat_of(int id)
{
	struct semid_ds stat = { .sem_nsems = 0 };

	CHECK_EQ(semctl(id, 0, IPC_STAT, (union semun){ .buf = &stat }), 0);
	return stat;
}

static inline int used(void)
{
	struct seminfo info;

	CHECK(semctl(0, 0, SEM_INFO, (union semun){ .__buf = &info }) >= 0);
	return info.semusz;
}

static inline int value_of(int id, int index)
{
	return semctl(id, index, GETVAL);
}

static inline int set_value(int id, int index, int value)
{
	return semctl(id, index, SETVAL, (union semun){ .val = value });
}

static inline int change(int id, int index, int by, int flags)
{
	struct sembuf operation = { index, by, flags };

	return semop(id, &operation, 1);
}

/* Whether as many wait for semaphore @index as @count says, before long; @command is GETNCNT or GETZCNT. */
static inline bool await_count_of(int id, int index, int command, int count)
{
	long end = check_now() + PATIENCE_MS;

	while (semctl(id, index, command) != count && check_now() < end)
		check_sleep(1);
	return semctl(id, index, command) == count;
}

static inline bool await_count(int id, int command, int count)
{
	return await_count_of(id, 0, command, count);
}

static inline bool await_takers(int id, int count)
{
	return await_count(id, GETNCNT, count);
}

struct taking { int id, count, flags; };

static inline void take_and_end(void *argument)
{
	const struct taking *taking = argument;

	CHECK_EQ(change(taking->id, 0, -taking->count, taking->flags), 0);
}

/* A child that takes @count from the first semaphore, and ends. */
static inline pid_t start_take(int id, int count, int flags)
{
	struct taking taking = { id, count, flags };

	return check_spawn(take_and_end, &taking);
}

#endif
