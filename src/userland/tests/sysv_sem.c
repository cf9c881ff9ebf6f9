/* SPDX-License-Identifier: MIT */
/* System V semaphores: sets, operations that come together, waiting, who is counted as waiting for what, removing, owners. What is undone: sysv_undo.c. */
#include "sysv_sem.h"

#include <pthread.h>
#include <sys/resource.h>

enum { SETS_MAX = 32000, LARGEST = 32000, OPERATIONS_MAX = 500, CROWD = 40, REMOVED = 40, WORKERS = 4, ROUNDS = 300 };

/* ---- Sets and values ---- */

static void sets(void)
{
	int id;

	CHECK_ERR(semget(KEY, 1, 0), ENOENT);
	CHECK_ERR(semget(KEY, 0, IPC_CREAT | 0600), EINVAL);
	CHECK_ERR(semget(KEY, -1, IPC_CREAT | 0600), EINVAL);
	CHECK_ERR(semget(KEY, LARGEST + 1, IPC_CREAT | 0600), EINVAL);
	id = semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0600);
	CHECK(id >= 0);
	CHECK_ERR(semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_EQ(semget(KEY, 2, 0), id);
	CHECK_EQ(semget(KEY, 0, 0), id);
	CHECK_ERR(semget(KEY, 4, 0), EINVAL);
	CHECK_EQ(stat_of(id).sem_nsems, 3);
	CHECK_EQ(stat_of(id).sem_otime, 0);
	CHECK(stat_of(id).sem_ctime > 0);
	CHECK_EQ(stat_of(id).sem_perm.mode, 0600);
	remove_it(id);
	CHECK_ERR(semctl(id, 0, IPC_RMID), EINVAL);
	CHECK_ERR(semctl(id, 0, GETVAL), EINVAL);
	CHECK_ERR(change(id, 0, 1, 0), EINVAL);
	CHECK_ERR(semctl(-1, 0, GETVAL), EINVAL);
	CHECK_ERR(semctl(0, 0, 4711), EINVAL);
	CHECK_ERR(semctl(0, 0, -1), EINVAL);
	id = semget(IPC_PRIVATE, LARGEST, 0600);
	CHECK(id >= 0);
	CHECK_EQ(set_value(id, LARGEST - 1, 7), 0);
	CHECK_EQ(value_of(id, LARGEST - 1), 7);
	CHECK_EQ(change(id, LARGEST - 1, -7, IPC_NOWAIT), 0);
	CHECK_EQ(value_of(id, LARGEST - 1), 0);
	remove_it(id);
}

static void values(void)
{
	unsigned short all[3] = { 1, 2, 32767 };
	int id = make(3);

	CHECK_EQ(semctl(id, 0, SETALL, (union semun){ .array = all }), 0);
	memset(all, 0, sizeof all);
	CHECK_EQ(semctl(id, 99, GETALL, (union semun){ .array = all }), 0);
	CHECK_EQ(all[0] + all[1], 3);
	CHECK_EQ(all[2], 32767);
	CHECK_EQ(semctl(id, 1, GETPID), getpid());
	CHECK_EQ(set_value(id, 1, 32767), 0);
	CHECK_ERR(set_value(id, 1, 32768), ERANGE);
	CHECK_ERR(set_value(id, 1, -1), ERANGE);
	CHECK_ERR(set_value(id, 3, 1), EINVAL);
	CHECK_ERR(set_value(id, -1, 1), EINVAL);
	CHECK_ERR(semctl(id, 3, GETVAL), EINVAL);
	CHECK_ERR(semctl(id, 3, GETPID), EINVAL);
	CHECK_ERR(semctl(id, 3, GETNCNT), EINVAL);
	CHECK_ERR(semctl(id, -1, GETZCNT), EINVAL);
	all[1] = 32768;
	CHECK_ERR(semctl(id, 0, SETALL, (union semun){ .array = all }), ERANGE);
	CHECK_EQ(value_of(id, 0), 1);
	CHECK_EQ(value_of(id, 1), 32767);
	CHECK_ERR(semctl(id, 0, GETALL, (union semun){ .array = (void *)8 }), EFAULT);
	CHECK_ERR(semctl(id, 0, SETALL, (union semun){ .array = (void *)8 }), EFAULT);
	CHECK_ERR(semctl(id, 0, IPC_STAT, (union semun){ .buf = (void *)8 }), EFAULT);
	CHECK_ERR(semctl(id, 0, IPC_SET, (union semun){ .buf = (void *)8 }), EFAULT);
	remove_it(id);
}

/* ---- Operations ---- */

static void together(void)
{
	struct sembuf all_or_none[3] = { { 0, 5, 0 }, { 1, -1, IPC_NOWAIT }, { 2, 1, 0 } };
	struct sembuf twice[3] = { { 0, 2, 0 }, { 0, -1, 0 }, { 0, -1, IPC_NOWAIT } }, too_many[OPERATIONS_MAX + 1] = { { 0 } };
	int id = make(3);

	CHECK_ERR(semop(id, all_or_none, 3), EAGAIN);
	CHECK_EQ(value_of(id, 0) + value_of(id, 2), 0);
	CHECK_EQ(semctl(id, 0, GETPID), 0);
	CHECK_EQ(stat_of(id).sem_otime, 0);
	CHECK_EQ(set_value(id, 1, 1), 0);
	CHECK_EQ(semop(id, all_or_none, 3), 0);
	CHECK_EQ(value_of(id, 0), 5);
	CHECK_EQ(value_of(id, 1), 0);
	CHECK_EQ(value_of(id, 2), 1);
	CHECK(stat_of(id).sem_otime > 0);
	CHECK_EQ(change(id, 0, -5, 0), 0);
	CHECK_EQ(semop(id, twice, 3), 0);
	twice[0].sem_op = 1;
	CHECK_ERR(semop(id, twice, 3), EAGAIN);
	CHECK_EQ(value_of(id, 0), 0);
	CHECK_EQ(change(id, 0, 0, IPC_NOWAIT), 0);
	CHECK_ERR(change(id, 2, 0, IPC_NOWAIT), EAGAIN);
	CHECK_EQ(change(id, 0, 32767, 0), 0);
	CHECK_ERR(change(id, 0, 1, 0), ERANGE);
	CHECK_EQ(change(id, 0, -32767, 0), 0);
	CHECK_ERR(change(id, 3, 1, 0), EFBIG);
	CHECK_ERR(semop(id, too_many, 0), EINVAL);
	CHECK_ERR(semop(id, too_many, OPERATIONS_MAX + 1), E2BIG);
	CHECK_EQ(semop(id, too_many, OPERATIONS_MAX), 0);
	CHECK_ERR(semop(-1, too_many, 1), EINVAL);
	CHECK_ERR(semop(id, (void *)8, 1), EFAULT);
	remove_it(id);
}

static void waiting(void)
{
	struct timespec soon = { 0, 10 * 1000 * 1000 }, never = { 1000, 0 }, bad = { 0, 1000000000 }, negative = { -1, 0 };
	struct sembuf take = { 0, -2, 0 };
	int id = make(2);
	pid_t child;

	CHECK_ERR(semtimedop(id, &take, 1, &soon), EAGAIN);
	CHECK_ERR(semtimedop(id, &take, 1, &bad), EINVAL);
	CHECK_ERR(semtimedop(id, &take, 1, &negative), EINVAL);
	CHECK_ERR(semtimedop(id, &take, 1, (void *)8), EFAULT);
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	child = start_take(id, 2, 0);
	CHECK(await_takers(id, 1));
	CHECK_EQ(semctl(id, 0, GETZCNT), 0);
	CHECK_EQ(semctl(id, 1, GETNCNT), 0);
	/* Not enough, then enough. */
	CHECK_EQ(change(id, 0, 1, 0), 0);
	CHECK_EQ(semctl(id, 0, GETNCNT), 1);
	CHECK_EQ(change(id, 0, 1, 0), 0);
	CHECK_EQ(value_of(id, 0), 0);
	CHECK_EQ(semctl(id, 0, GETPID), child);
	CHECK_EQ(check_wait(child), 0);
	/* By SETVAL and SETALL, too. */
	child = start_take(id, 2, 0);
	CHECK(await_takers(id, 1));
	CHECK_EQ(set_value(id, 0, 3), 0);
	CHECK_EQ(value_of(id, 0), 1);
	CHECK_EQ(check_wait(child), 0);
	child = start_take(id, 2, 0);
	CHECK(await_takers(id, 1));
	CHECK_EQ(semctl(id, 0, SETALL, (union semun){ .array = (unsigned short[]){ 2, 0 } }), 0);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(value_of(id, 0), 0);
	take.sem_op = 0;
	CHECK_EQ(semtimedop(id, &take, 1, &never), 0);
	remove_it(id);
}

static void wait_for_zero(void *id)
{
	struct sembuf pass[2] = { { 0, 0, 0 }, { 0, 1, 0 } };

	CHECK_EQ(semop((int)(long)id, pass, 2), 0);
}

/* Each that waits for zero makes it one: they go one after the other, in the order in which they came. */
static void zero(void)
{
	int id = make(1);
	pid_t first, second;

	CHECK_EQ(set_value(id, 0, 1), 0);
	first = check_spawn(wait_for_zero, (void *)(long)id);
	CHECK(await_count(id, GETZCNT, 1));
	second = check_spawn(wait_for_zero, (void *)(long)id);
	CHECK(await_count(id, GETZCNT, 2));
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	CHECK_EQ(change(id, 0, -1, 0), 0);
	CHECK_EQ(semctl(id, 0, GETZCNT), 1);
	CHECK_EQ(semctl(id, 0, GETPID), first);
	CHECK_EQ(check_wait(first), 0);
	CHECK_EQ(change(id, 0, -1, 0), 0);
	CHECK_EQ(check_wait(second), 0);
	CHECK_EQ(value_of(id, 0), 1);
	remove_it(id);
}

static void hand_on(void *id)
{
	struct sembuf pass[2] = { { 0, -1, 0 }, { 1, 1, 0 } };

	CHECK_EQ(semop((int)(long)id, pass, 2), 0);
}

static void need_both(void *id)
{
	struct sembuf both[2] = { { 1, -1, 0 }, { 2, -1, 0 } };

	CHECK_EQ(semop((int)(long)id, both, 2), 0);
}

/* One that can go lets another one go; and only the semaphore that keeps it counts who waits. */
static void chains(void)
{
	int id = make(3);
	pid_t first, second;

	second = check_spawn(need_both, (void *)(long)id);
	CHECK(await_count_of(id, 1, GETNCNT, 1));
	CHECK_EQ(semctl(id, 2, GETNCNT), 0);
	first = check_spawn(hand_on, (void *)(long)id);
	CHECK(await_takers(id, 1));
	CHECK_EQ(change(id, 0, 1, 0), 0);
	CHECK_EQ(value_of(id, 0), 0);
	CHECK_EQ(value_of(id, 1), 1);
	CHECK_EQ(check_wait(first), 0);
	/* It got on to the second one, which keeps it. */
	CHECK_EQ(semctl(id, 1, GETNCNT), 0);
	CHECK_EQ(semctl(id, 2, GETNCNT), 1);
	first = start_take(id, 1, 0);
	CHECK(await_takers(id, 1));
	CHECK_EQ(change(id, 2, 1, 0), 0);
	CHECK_EQ(check_wait(second), 0);
	CHECK_EQ(value_of(id, 1) + value_of(id, 2), 0);
	CHECK_EQ(change(id, 0, 1, 0), 0);
	CHECK_EQ(check_wait(first), 0);
	/* Both at once. */
	first = check_spawn(hand_on, (void *)(long)id);
	CHECK(await_takers(id, 1));
	second = check_spawn(need_both, (void *)(long)id);
	CHECK(await_count_of(id, 1, GETNCNT, 1));
	CHECK_EQ(set_value(id, 2, 1), 0);
	CHECK_EQ(change(id, 0, 1, 0), 0);
	CHECK_EQ(value_of(id, 0) + value_of(id, 1) + value_of(id, 2), 0);
	CHECK_EQ(check_wait(first), 0);
	CHECK_EQ(check_wait(second), 0);
	remove_it(id);
}

/* As many operations as there may be: the first one waits. */
static void take_by_many(void *id)
{
	struct sembuf operations[OPERATIONS_MAX] = { { 0, -1, 0 } };
	int result;

	for (int i = 1; i < OPERATIONS_MAX; i++)
		operations[i].sem_num = 1;
	result = semop((int)(long)id, operations, OPERATIONS_MAX);
	_exit(result == 0 ? 0 : result == -1 && errno == EIDRM ? REMOVED : 1);
}

/* One change lets so many go on that whoever makes it does not do it all for them; some may find the set gone instead. */
static void crowds(void)
{
	pid_t crowd[CROWD];

	for (int removed = 0; removed < 2; removed++) {
		int id = make(2), end;

		for (int i = 0; i < CROWD; i++)
			crowd[i] = check_spawn(take_by_many, (void *)(long)id);
		CHECK(await_takers(id, CROWD));
		CHECK_EQ(change(id, 0, CROWD, 0), 0);
		if (removed)
			remove_it(id);
		for (int i = 0; i < CROWD; i++) {
			end = check_wait(crowd[i]);
			CHECK(end == 0 || (removed && end == REMOVED));
		}
		if (removed)
			continue;
		CHECK_EQ(value_of(id, 0), 0);
		remove_it(id);
	}
}

static void try_second(void *id)
{
	struct sembuf both[2] = { { 0, -1, 0 }, { 1, -1, IPC_NOWAIT } };

	CHECK_ERR(semop((int)(long)id, both, 2), EAGAIN);
}

static void overflow(void *id)
{
	struct sembuf both[2] = { { 0, -1, 0 }, { 1, 1, 0 } };

	CHECK_ERR(semop((int)(long)id, both, 2), ERANGE);
}

/* What fails only after the wait. */
static void late_errors(void)
{
	int id = make(2);
	pid_t child = check_spawn(try_second, (void *)(long)id);

	CHECK(await_takers(id, 1));
	CHECK_EQ(change(id, 0, 1, 0), 0);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(set_value(id, 0, 0), 0);
	CHECK_EQ(set_value(id, 1, 32767), 0);
	child = check_spawn(overflow, (void *)(long)id);
	CHECK(await_takers(id, 1));
	CHECK_EQ(change(id, 0, 1, 0), 0);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(value_of(id, 0), 1);
	remove_it(id);
}

static void interrupted(void *id)
{
	struct sembuf take = { 0, -1, 0 };

	catch_signal(SA_RESTART);
	CHECK_ERR(semop((int)(long)id, &take, 1), EINTR);
}

static void removed_below(void *id)
{
	struct sembuf take = { 0, -1, 0 }, zero = { 1, 0, 0 };

	CHECK_ERR(semop((int)(long)id, getpid() % 2 ? &take : &zero, 1), EIDRM);
}

static int waiters_id;

static bool all_wait(int count)
{
	return semctl(waiters_id, 0, GETNCNT) + semctl(waiters_id, 1, GETZCNT) == count;
}

static void ends(void)
{
	int id = waiters_id = make(2);
	pid_t child = check_spawn(interrupted, (void *)(long)id), crowd[CROWD];

	CHECK(await_takers(id, 1));
	CHECK_EQ(kill(child, SIGUSR1), 0);
	CHECK_EQ(check_wait(child), 0);
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	/* Killed while it waits. */
	child = start_take(id, 1, 0);
	CHECK(await_takers(id, 1));
	kill_and_wait(child);
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	CHECK_EQ(set_value(id, 1, 1), 0);
	for (int i = 0; i < CROWD; i++)
		crowd[i] = check_spawn(removed_below, (void *)(long)id);
	CHECK(comes_true(all_wait, CROWD));
	remove_it(id);
	for (int i = 0; i < CROWD; i++)
		CHECK_EQ(check_wait(crowd[i]), 0);
}

/* ---- Owners ---- */

static int shared_id;

static void as_user(void *unused)
{
	struct semid_ds stat;

	(void)unused;
	become(USER, USER);
	CHECK_EQ(semget(KEY, 1, 0444), shared_id);
	CHECK_ERR(semget(KEY, 1, 0222), EACCES);
	CHECK_EQ(value_of(shared_id, 0), 0);
	CHECK_EQ(change(shared_id, 0, 0, 0), 0);
	CHECK_ERR(change(shared_id, 0, 1, 0), EACCES);
	CHECK_ERR(change(shared_id, 9, 1, 0), EFBIG);
	CHECK_ERR(set_value(shared_id, 0, 1), EACCES);
	CHECK_ERR(set_value(shared_id, 9, 1), EINVAL);
	CHECK_ERR(semctl(shared_id, 0, SETALL, (union semun){ .array = (unsigned short[]){ 1 } }), EACCES);
	CHECK_EQ(semctl(shared_id, 0, IPC_STAT, (union semun){ .buf = &stat }), 0);
	CHECK_ERR(semctl(shared_id, 0, IPC_SET, (union semun){ .buf = &stat }), EPERM);
	CHECK_ERR(semctl(shared_id, 0, IPC_RMID), EPERM);
}

static void as_nobody(void *unused)
{
	struct semid_ds stat;

	(void)unused;
	become(OTHER, OTHER);
	CHECK_ERR(change(shared_id, 0, 0, 0), EACCES);
	CHECK_ERR(semctl(shared_id, 0, GETVAL), EACCES);
	CHECK_ERR(semctl(shared_id, 9, GETVAL), EACCES);
	CHECK_ERR(semctl(shared_id, 0, IPC_STAT, (union semun){ .buf = &stat }), EACCES);
	CHECK_ERR(semctl(shared_id & 0x7fff, 0, SEM_STAT, (union semun){ .buf = &stat }), EACCES);
	CHECK_EQ(semctl(shared_id & 0x7fff, 0, SEM_STAT_ANY, (union semun){ .buf = &stat }), shared_id);
}

static void as_owner(void *unused)
{
	(void)unused;
	become(OTHER, OTHER);
	CHECK_EQ(semctl(shared_id, 0, IPC_RMID), 0);
}

static void owners(void)
{
	struct semid_ds stat;

	shared_id = semget(KEY, 1, IPC_CREAT | 0644);
	CHECK_EQ(check_child(as_user, NULL), 0);
	stat = stat_of(shared_id);
	stat.sem_perm.mode = 0600;
	CHECK_EQ(semctl(shared_id, 0, IPC_SET, (union semun){ .buf = &stat }), 0);
	CHECK_EQ(check_child(as_nobody, NULL), 0);
	stat.sem_perm.uid = OTHER;
	CHECK_EQ(semctl(shared_id, 0, IPC_SET, (union semun){ .buf = &stat }), 0);
	CHECK_EQ(check_child(as_owner, NULL), 0);
}

/* ---- Lists and limits ---- */

static void lists(void)
{
	int before = used(), id = semget(KEY, 3, IPC_CREAT | 0640), index = id & 0x7fff;
	struct semid_ds stat;
	struct seminfo info;
	char line[128];

	CHECK(semctl(0, 0, IPC_INFO, (union semun){ .__buf = &info }) >= index);
	CHECK_EQ(info.semmni, SETS_MAX);
	CHECK_EQ(info.semmsl, LARGEST);
	CHECK_EQ(info.semmns, SETS_MAX * LARGEST);
	CHECK_EQ(info.semopm, OPERATIONS_MAX);
	CHECK_EQ(info.semvmx, 32767);
	CHECK_EQ(info.semaem, 32767);
	CHECK_EQ(info.semusz, 20);
	CHECK(semctl(0, 0, SEM_INFO, (union semun){ .__buf = &info }) >= index);
	CHECK_EQ(info.semusz, before + 1);
	CHECK(info.semaem >= 3);
	CHECK_EQ(semctl(index, 0, SEM_STAT, (union semun){ .buf = &stat }), id);
	CHECK_EQ(stat.sem_nsems, 3);
	CHECK(has_line("/proc/sysvipc/sem", "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n"));
	snprintf(line, sizeof line, "%10d %10d   640 %10d     0     0     0     0          0 ", KEY, id, 3);
	CHECK(has_line("/proc/sysvipc/sem", line));
	CHECK(has_line("/proc/sys/kernel/sem", "32000\t1024000000\t500\t32000\n"));
	remove_it(id);
	CHECK_ERR(semctl(index, 0, SEM_STAT, (union semun){ .buf = &stat }), EINVAL);
	CHECK_ERR(semctl(0, 0, SEM_INFO, (union semun){ .__buf = (void *)8 }), EFAULT);
}

static void limits(void)
{
	static int ids[SETS_MAX];
	int before = used(), count;

	for (count = 0; count < SETS_MAX; count++) {
		ids[count] = semget(IPC_PRIVATE, 1, 0600);
		if (ids[count] < 0)
			break;
	}
	CHECK_EQ(count, SETS_MAX - before);
	CHECK_ERR(semget(IPC_PRIVATE, 1, 0600), ENOSPC);
	while (count)
		remove_it(ids[--count]);
	CHECK_EQ(used(), before);
}

static void take_all(void *unused)
{
	static int ids[SETS_MAX];
	int count;

	(void)unused;
	become(USER, USER);
	for (count = 0; count < SETS_MAX; count++) {
		ids[count] = semget(IPC_PRIVATE, LARGEST, 0600);
		if (ids[count] < 0)
			break;
	}
	CHECK(count > 0 && count < SETS_MAX);
	CHECK_ERR(semget(IPC_PRIVATE, LARGEST, 0600), ENOMEM);
	while (count)
		remove_it(ids[--count]);
	ids[0] = make(1);
	remove_it(ids[0]);
}

/* The kernel's memory that one user may have in sets. */
static void shares(void)
{
	if (has_shares())
		CHECK_EQ(check_child(take_all, NULL), 0);
}

/* ---- Storms ---- */

/* Sets of one key that are removed and made again with other sizes, while others use them. */
static void remake(void *seed)
{
	static unsigned short all[LARGEST];
	unsigned state = 1 + (unsigned)(long)seed;

	for (int i = 0; i < ROUNDS; i++) {
		int count = rand_r(&state) % 2 ? 1 : 1 + rand_r(&state) % 3000, id = semget(KEY, count, IPC_CREAT | 0600);
		struct timespec soon = { 0, 100000 };
		struct sembuf operations[2] = { { 0, rand_r(&state) % 3 - 1, 0 }, { 0, 1, IPC_NOWAIT } };

		if (id < 0)
			id = semget(KEY, 0, 0);
		semctl(id, 0, SETALL, (union semun){ .array = all });
		semctl(id, 0, GETALL, (union semun){ .array = all });
		semtimedop(id, operations, 2, &soon);
		if (rand_r(&state) % 3 == 0)
			semctl(id, 0, IPC_RMID);
	}
}

/* A lock and a count that it guards, by processes of which some are killed: nothing is lost, as their operations are undone. */
static void work(void *id)
{
	struct sembuf lock = { 0, -1, SEM_UNDO }, unlock[2] = { { 0, 1, SEM_UNDO }, { 1, 1, 0 } };

	for (;;) {
		if (!CHECK_EQ(semop((int)(long)id, &lock, 1), 0) || !CHECK_EQ(semctl((int)(long)id, 0, GETVAL), 0))
			_exit(1);
		CHECK_EQ(semop((int)(long)id, unlock, 2), 0);
	}
}

static bool has_worked(int id)
{
	return value_of(id, 1) > 100;
}

static void storm_round(void)
{
	pid_t workers[WORKERS];
	int before = used(), id = make(2);

	CHECK_EQ(set_value(id, 0, 1), 0);
	for (int i = 0; i < WORKERS; i++)
		workers[i] = check_spawn(work, (void *)(long)id);
	for (int i = 0; i < WORKERS; i++) {
		CHECK(comes_true(has_worked, id));
		kill_and_wait(workers[i]);
		CHECK_EQ(set_value(id, 1, 0), 0);
	}
	CHECK_EQ(value_of(id, 0), 1);
	remove_it(id);
	for (long i = 0; i < WORKERS; i++)
		workers[i] = check_spawn(remake, (void *)i);
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(check_wait(workers[i]), 0);
	semctl(semget(KEY, 0, 0), 0, IPC_RMID);
	CHECK_EQ(used(), before);
}

static void storm(void)
{
	static struct leak_mark mark;

	storm_round();
	ends();
	leak_mark(&mark);
	storm_round();
	ends();
	leak_check(&mark, "semaphores");
}

int main(int argc, char **argv)
{
	static const struct check_case cases[] = {
		CASE(sets), CASE(values), CASE(together), CASE(waiting), CASE(zero), CASE(chains), CASE(crowds), CASE(late_errors), CASE(ends), CASE(owners),
		CASE(lists), CASE(limits), CASE(shares), CASE(storm), { NULL, NULL },
	};

	return check_main("sysv_sem", cases, argc, argv);
}
