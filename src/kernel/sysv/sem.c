/* SPDX-License-Identifier: MIT */
/* What semaphores do, and what is undone when threads end. The calls: sem_calls.c. */
#include "sysv/sem.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "sched/thread.h"
#include "sysv/sysv.h"

enum { WORK_AT_ONCE = 4096 };	/* operations, and sleepers looked at, that one caller does for others */

/* Where threads that share it (CLONE_SYSVSEM) keep what is to be undone. */
struct sem_undo_list {
	struct refcount refs;	/* threads */
	struct mutex lock;
	struct list records;	/* lock; the one used last first */
};

/* ---- Operations ---- */

/* Takes the first @count operations of @who back, the last one first. */
static void take_back(struct sem_set *set, const struct sem_sleeper *who, unsigned count)
{
	while (count--) {
		const struct sembuf *operation = &who->operations[count];

		set->each[operation->sem_num].value -= operation->sem_op;
		if (operation->sem_flg & SEM_UNDO)
			who->undo->change[operation->sem_num] += operation->sem_op;
	}
}

/* One operation of @who: 0, SYSV_UNDECIDED or a negative errno. */
static int perform_one(struct semaphore *semaphore, const struct sembuf *operation, struct sem_undo *undo)
{
	int value = semaphore->value + operation->sem_op, change;

	if (value < 0 || (!operation->sem_op && value))
		return operation->sem_flg & IPC_NOWAIT ? -EAGAIN : SYSV_UNDECIDED;
	if (value > SEMVMX)
		return -ERANGE;
	if (operation->sem_flg & SEM_UNDO) {
		change = undo->change[operation->sem_num] - operation->sem_op;
		if (change != (int16_t)change)
			return -ERANGE;
		undo->change[operation->sem_num] = change;
	}
	semaphore->value = value;
	return 0;
}

int sem_perform(struct sem_set *set, struct sem_sleeper *who)
{
	const struct sembuf *operation = who->operations, *end = operation + who->count;
	int result = 0, before;

	for (; operation < end; operation++) {
		result = perform_one(&set->each[operation->sem_num], operation, who->undo);
		if (result)
			break;
	}
	if (result) {
		/* What operations before this one add to the semaphore is there again next time. */
		before = set->each[operation->sem_num].value;
		take_back(set, who, operation - who->operations);
		who->blocker = operation;
		who->needed = set->each[operation->sem_num].value - before - operation->sem_op;
		return result;
	}
	for (operation = who->operations; operation < end; operation++) {
		struct semaphore *semaphore = &set->each[operation->sem_num];

		semaphore->pid = who->sleeper.pid;
		semaphore->changed |= operation->sem_op != 0;
	}
	atomic_store(&set->operated, sysv_now());
	return 0;
}

unsigned sem_stir(struct sem_set *set, struct semaphore *semaphore)
{
	struct sem_sleeper *who, *next;
	unsigned count = 0;

	if (!semaphore->changed)
		return 0;
	semaphore->changed = false;
	list_for_each_safe(who, next, &semaphore->sleepers, sleeper.link) {
		count++;
		if (who->blocker->sem_op ? semaphore->value < who->needed : semaphore->value != who->needed)
			continue;
		list_remove(&who->sleeper.link);
		list_push_back(&set->ready, &who->sleeper.link);
	}
	return count;
}

void sem_settle(struct sem_set *set)
{
	unsigned work = 0;

	while (!list_empty(&set->ready)) {
		struct sem_sleeper *who = list_first(&set->ready, struct sem_sleeper, sleeper.link);
		int result;

		list_remove(&who->sleeper.link);
		result = sem_perform(set, who);
		if (result == SYSV_UNDECIDED) {
			list_push_back(&set->each[who->blocker->sem_num].sleepers, &who->sleeper.link);
		} else {
			for (unsigned i = 0; i < who->count && !result; i++)
				work += sem_stir(set, &set->each[who->operations[i].sem_num]);
			sysv_decide(&who->sleeper, result);
		}
		work += who->count;
		if (work >= WORK_AT_ONCE)
			sysv_decide_all(&set->ready, SYSV_AGAIN);
	}
}

/* ---- What is undone ---- */

static void free_record(struct sem_undo *record)
{
	list_remove(&record->link);
	sysv_put(&record->set->object);
	sysv_free(record);
}

/* The record of @set, first in its list then; NULL. Those of sets that are no more are freed on the way. list->lock held. */
static struct sem_undo *find_record(struct sem_undo_list *list, const struct sem_set *set)
{
	struct sem_undo *record, *next;

	list_for_each_safe(record, next, &list->records, link) {
		if (record->set == set) {
			list_remove(&record->link);
			list_push_front(&list->records, &record->link);
			return record;
		}
		if (atomic_load(&record->set->removed))
			free_record(record);
	}
	return NULL;
}

static struct sem_undo *make_record(struct sem_undo_list *list, struct sem_set *set)
{
	struct sem_undo *record = sysv_alloc(sizeof(*record) + set->object.size * sizeof(record->change[0]));

	if (!record)
		return NULL;
	sysv_get_object(&set->object);
	record->set = set;
	list_push_front(&list->records, &record->link);
	list_push_back(&set->undos, &record->set_link);
	return record;
}

/* The calling thread's list, made if there is none. NULL when out of memory. */
static struct sem_undo_list *own_list(void)
{
	struct thread *thread = current_thread();
	struct sem_undo_list *list = thread->user.undo;

	if (list)
		return list;
	list = kmalloc(sizeof(*list));
	if (list) {
		refcount_init(&list->refs, 1);
		mutex_init(&list->lock, LOCK_SYSV_UNDO);
		list_init(&list->records);
		thread->user.undo = list;
	}
	return list;
}

struct sem_undo *sem_undo_of(struct sem_set *set)
{
	struct sem_undo_list *list = own_list();
	struct sem_undo *record = NULL;

	if (list) {
		mutex_lock(&list->lock);
		record = find_record(list, set);
		if (!record)
			record = make_record(list, set);
		mutex_unlock(&list->lock);
	}
	return record;
}

bool sysv_share_undo(struct thread *child)
{
	struct sem_undo_list *list = own_list();

	if (list)
		refcount_get(&list->refs);
	child->user.undo = list;
	return list;
}

/* Semaphores stay in their range, whatever others did to them meanwhile. */
static void undo(struct sem_set *set, const struct sem_undo *record)
{
	int pid = sysv_own_pid();

	for (size_t i = 0; i < set->object.size; i++) {
		struct semaphore *semaphore = &set->each[i];

		if (!record->change[i])
			continue;
		semaphore->value = MIN(MAX(semaphore->value + record->change[i], 0), SEMVMX);
		semaphore->pid = pid;
		semaphore->changed = true;
		sem_stir(set, semaphore);
	}
	atomic_store(&set->operated, sysv_now());
	sem_settle(set);
}

void sysv_put_undo(struct thread *thread)
{
	struct sem_undo_list *list = thread->user.undo;

	thread->user.undo = NULL;
	if (!refcount_put(&list->refs))
		return;
	/* Nobody else has the list, nor waits with a record of it. */
	while (!list_empty(&list->records)) {
		struct sem_undo *record = list_first(&list->records, struct sem_undo, link);
		struct sem_set *set = record->set;

		mutex_lock(&set->lock);
		list_remove(&record->set_link);
		if (!set->removed)
			undo(set, record);
		mutex_unlock(&set->lock);
		free_record(record);
	}
	kfree(list);
}
