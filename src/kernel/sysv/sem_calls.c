/* SPDX-License-Identifier: MIT */
/* semget, semop, semtimedop, semctl. User memory is copied before the set is locked, or after. */
#include "lib/errno.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/time_user.h"
#include "security/capabilities.h"
#include "syscall_prototypes.h"
#include "sysv/sem.h"
#include "sysv/sysv.h"
#include "vfs/procfs/entry.h"

static struct sysv_table sets;
static uint64_t taken[SYSV_WORDS(SEMMNI)];
static uint64_t all_semaphores;	/* atomic */

/* ---- The life of a set ---- */

static struct sysv_object *make_set(size_t count, int flags)
{
	struct sem_set *set;

	if (!count)
		return sysv_error(-EINVAL);
	set = sysv_alloc(sizeof(*set));
	if (!set)
		return sysv_error(-ENOMEM);
	set->each = sysv_alloc(count * sizeof(set->each[0]));
	if (!set->each) {
		sysv_free(set);
		return sysv_error(-ENOMEM);
	}
	refcount_init(&set->refs, 1);
	sysv_init(&set->object, &sets, &set->refs, count, flags);
	mutex_init(&set->lock, LOCK_SYSV_OBJECT);
	list_init(&set->undos);
	list_init(&set->ready);
	for (size_t i = 0; i < count; i++)
		list_init(&set->each[i].sleepers);
	atomic_add(&all_semaphores, count);
	return &set->object;
}

static void end_set(struct sysv_object *object)
{
	atomic_sub(&all_semaphores, object->size);
	sysv_free(((struct sem_set *)object)->each);
	sysv_free(object);
}

/* With the lock: 0; or -EIDRM without it. */
static int lock_set(struct sem_set *set)
{
	mutex_lock(&set->lock);
	if (likely(!set->removed))
		return 0;
	mutex_unlock(&set->lock);
	return -EIDRM;
}

static int remove_set(struct sysv_object *object)
{
	struct sem_set *set = (struct sem_set *)object;
	int error = lock_set(set);

	if (error)
		return error;
	sysv_remove(object);
	for (size_t i = 0; i < object->size; i++)
		sysv_decide_all(&set->each[i].sleepers, -EIDRM);
	sysv_decide_all(&set->ready, -EIDRM);
	/* Others' records of what to undo may keep the set for long, but nothing that its maker pays much for. */
	sysv_free(set->each);
	set->each = NULL;
	while (!list_empty(&set->undos))
		list_remove(set->undos.next);
	atomic_store(&set->removed, true);	/* whose threads search their records may free that of this set now */
	mutex_unlock(&set->lock);
	sysv_put(object);	/* the table's */
	return 0;
}

static void describe(struct sysv_object *object, union sysv_status *status)
{
	status->sem.sem_otime = atomic_load(&((struct sem_set *)object)->operated);
	status->sem.sem_ctime = atomic_load(&object->changed);
	status->sem.sem_nsems = object->size;
}

static void print(struct proc_text *text, const struct sysv_object *object, const union sysv_status *status)
{
	const struct ipc64_perm *perm = &status->perm;

	proc_text_print(text, "%10lu %5u %5u %5u %5u %10lu %10lu\n", status->sem.sem_nsems, perm->uid, perm->gid, perm->cuid, perm->cgid, status->sem.sem_otime,
			status->sem.sem_ctime);
}

static struct sysv_table sets = {
	SYSV_TABLE_INIT, .taken = taken, .most = SEMMNI, .status_size = sizeof(struct semid64_ds), .make = make_set, .end = end_set, .describe = describe,
	.print = print, .remove = remove_set, .columns = "     semid perms      nsems   uid   gid  cuid  cgid      otime      ctime",
};

long sys_semget(int key, int count, int flags)
{
	return count < 0 || count > SEMMSL ? -EINVAL : sysv_get(&sets, key, count, flags);
}

static struct sem_set *find_set(int id, unsigned wanted)
{
	return (struct sem_set *)sysv_find(&sets, id, wanted);
}

static void put_set(struct sem_set *set)
{
	sysv_put(&set->object);
}

/* ---- semop ---- */

/* What @count operations are about. */
struct summary { unsigned highest; bool alter, undo; };

static struct summary summarize(const struct sembuf *operations, unsigned count)
{
	struct summary summary = { 0, false, false };

	for (unsigned i = 0; i < count; i++) {
		summary.highest = MAX(summary.highest, (unsigned)operations[i].sem_num);
		summary.alter |= operations[i].sem_op != 0;
		summary.undo |= (operations[i].sem_flg & SEM_UNDO) != 0;
	}
	return summary;
}

/* @set is locked. */
static int operate_locked(struct sem_set *set, struct sem_sleeper *who, bool undo, uint64_t deadline)
{
	int result;

	if (undo) {
		who->undo = sem_undo_of(set);
		if (!who->undo)
			return -ENOMEM;
	}
	do {
		result = sem_perform(set, who);
		if (!result) {
			for (unsigned i = 0; i < who->count; i++)
				sem_stir(set, &set->each[who->operations[i].sem_num]);
			sem_settle(set);
		} else if (result == SYSV_UNDECIDED) {
			result = sysv_sleep(&who->sleeper, &set->each[who->blocker->sem_num].sleepers, &set->lock, deadline);
		}
		/* Told to try again, but the set went before this thread had the lock: what it would undo may be gone, too. */
		if (result == SYSV_AGAIN && set->removed)
			result = -EIDRM;
	} while (result == SYSV_AGAIN);
	return result == -ETIMEDOUT ? -EAGAIN : result == -ERESTARTSYS ? -EINTR : result;
}

static int operate(int id, const struct sembuf *operations, unsigned count, uint64_t deadline)
{
	struct sem_sleeper who = { .sleeper.pid = sysv_own_pid(), .operations = operations, .count = count };
	struct summary summary = summarize(operations, count);
	struct sem_set *set = find_set(id, 0);
	int error = sysv_error_of(set);

	if (error)
		return error;
	if (summary.highest >= set->object.size)
		error = -EFBIG;
	else if (!sysv_permits(&set->object, summary.alter ? 0222 : 0444))
		error = -EACCES;
	if (!error)
		error = lock_set(set);
	if (!error) {
		error = operate_locked(set, &who, summary.undo, deadline);
		mutex_unlock(&set->lock);
	}
	put_set(set);
	return error;
}

long sys_semtimedop(int id, uaddr_t user_operations, unsigned count, uaddr_t timeout)
{
	struct sembuf *operations;
	uint64_t ns = 0;
	int error = timeout ? timespec_from_user(&ns, timeout) : 0;

	if (error == -EFAULT)
		return error;
	if (count > SEMOPM)
		return -E2BIG;
	if (!count)
		return -EINVAL;
	operations = kmalloc_array(count, sizeof(*operations));
	if (!operations)
		return -ENOMEM;
	if (copy_from_user(operations, user_operations, count * sizeof(*operations)))
		error = -EFAULT;
	else if (id < 0)
		error = -EINVAL;
	if (!error)
		error = operate(id, operations, count, timeout ? deadline_after(ns) : WAIT_FOREVER);
	kfree(operations);
	return error;
}

long sys_semop(int id, uaddr_t operations, unsigned count)
{
	return sys_semtimedop(id, operations, count, 0);
}

/* ---- semctl: values ---- */

/* Semaphore @index gets a @value from outside, and nobody undoes what he did to it before. @set is locked. */
static void set_value(struct sem_set *set, unsigned index, uint16_t value)
{
	struct semaphore *semaphore = &set->each[index];
	struct sem_undo *record;

	list_for_each(record, &set->undos, set_link)
		record->change[index] = 0;
	semaphore->value = value;
	semaphore->pid = sysv_own_pid();
	semaphore->changed = true;
	sem_stir(set, semaphore);
}

static void end_change(struct sem_set *set)
{
	atomic_store(&set->object.changed, sysv_now());
	sem_settle(set);
	mutex_unlock(&set->lock);
}

static int set_one(int id, int index, int value)
{
	struct sem_set *set;
	int error;

	if (value < 0 || value > SEMVMX)
		return -ERANGE;
	set = find_set(id, 0);
	error = sysv_error_of(set);
	if (error)
		return error;
	if ((unsigned)index >= set->object.size)
		error = -EINVAL;
	else if (!sysv_permits(&set->object, 0222))
		error = -EACCES;
	if (!error)
		error = lock_set(set);
	if (!error) {
		set_value(set, index, value);
		end_change(set);
	}
	put_set(set);
	return error;
}

static int count_sleepers(const struct semaphore *semaphore, bool for_zero)
{
	const struct sem_sleeper *who;
	int count = 0;

	list_for_each(who, &semaphore->sleepers, sleeper.link)
		count += (who->blocker->sem_op == 0) == for_zero;
	return count;
}

static int get_one(int id, int index, int command)
{
	struct semaphore *semaphore;
	struct sem_set *set = find_set(id, 0444);
	int result = sysv_error_of(set);

	if (result)
		return result;
	result = (unsigned)index < set->object.size ? lock_set(set) : -EINVAL;
	if (!result) {
		semaphore = &set->each[index];
		switch (command) {
		case GETVAL: result = semaphore->value; break;
		case GETPID: result = semaphore->pid; break;
		default: result = count_sleepers(semaphore, command == GETZCNT);
		}
		mutex_unlock(&set->lock);
	}
	put_set(set);
	return result;
}

static int get_all(struct sem_set *set, uint16_t *values, uaddr_t to)
{
	int error = lock_set(set);

	if (error)
		return error;
	for (size_t i = 0; i < set->object.size; i++)
		values[i] = set->each[i].value;
	mutex_unlock(&set->lock);
	return copy_to_user(to, values, set->object.size * sizeof(*values));
}

static int set_all(struct sem_set *set, uint16_t *values, uaddr_t from)
{
	int error = copy_from_user(values, from, set->object.size * sizeof(*values));

	for (size_t i = 0; i < set->object.size && !error; i++)
		if (values[i] > SEMVMX)
			error = -ERANGE;
	if (!error)
		error = lock_set(set);
	if (error)
		return error;
	for (size_t i = 0; i < set->object.size; i++)
		set_value(set, i, values[i]);
	end_change(set);
	return 0;
}

/* GETALL and SETALL. A set keeps its size, and @set cannot become another one. */
static int move_all(int id, int command, uaddr_t user)
{
	struct sem_set *set = find_set(id, command == SETALL ? 0222 : 0444);
	int error = sysv_error_of(set);
	uint16_t *values;

	if (error)
		return error;
	values = sysv_alloc(set->object.size * sizeof(*values));
	if (values)
		error = command == SETALL ? set_all(set, values, user) : get_all(set, values, user);
	else
		error = -ENOMEM;
	sysv_free(values);
	put_set(set);
	return error;
}

/* ---- semctl: sets ---- */

static long tell_limits(int command, uaddr_t to)
{
	struct seminfo limits = { .semmap = SEMMAP, .semmni = SEMMNI, .semmns = SEMMNS, .semmnu = SEMMNU, .semmsl = SEMMSL, .semopm = SEMOPM,
				  .semume = SEMUME, .semusz = SEMUSZ, .semvmx = SEMVMX, .semaem = SEMAEM };

	if (command == SEM_INFO) {
		limits.semusz = atomic_load(&sets.used);
		limits.semaem = atomic_load(&all_semaphores);
	}
	return copy_to_user(to, &limits, sizeof(limits)) ? -EFAULT : sysv_highest(&sets);
}

static uint64_t needed_capability(int command)
{
	switch (command) {
	case IPC_RMID: case IPC_SET: return CAPABILITY_IPC_CREATE;
	case SETVAL: case SETALL: return CAPABILITY_IPC_SEND;
	default: return CAPABILITY_IPC_RECV;
	}
}

long sys_semctl(int id, int index, int command, uint64_t argument)
{
	if (!sysv_allowed(needed_capability(command)))
		return -EPERM;
	if (id < 0)
		return -EINVAL;
	switch (command) {
	case IPC_INFO: case SEM_INFO: return tell_limits(command, argument);
	case IPC_STAT: return sysv_tell(&sets, id, 0444, argument);
	case SEM_STAT: return sysv_tell(&sets, id, 0444 | SYSV_BY_INDEX, argument);
	case SEM_STAT_ANY: return sysv_tell(&sets, id, SYSV_BY_INDEX, argument);
	case GETVAL: case GETPID: case GETNCNT: case GETZCNT: return get_one(id, index, command);
	case GETALL: case SETALL: return move_all(id, command, argument);
	case SETVAL: return set_one(id, index, argument);
	case IPC_SET: case IPC_RMID: return sysv_control(&sets, id, command, argument);
	default: return -EINVAL;
	}
}

int sysv_show_sem(struct proc_text *text, const struct proc_subject *subject)
{
	return sysv_show(&sets, text);
}
