/* SPDX-License-Identifier: MIT */
/* The engine below poll and select: looks at all files, waits in all their queues at once, looks again. */
#include "vfs/poll_table.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "sched/clock.h"

enum { CHUNK_ENTRIES = 32 };

struct poll_chunk {
	struct poll_chunk *next;
	unsigned used;
	struct poll_entry entries[CHUNK_ENTRIES];
};

static void add_entry(struct poll_table *table, struct wait_queue *queue, unsigned events);

void poll_waits_init(struct poll_waits *waits)
{
	wait_queue_init_class(&waits->queue, LOCK_POLL_QUEUE);
	wait_begin(&waits->queue, &waits->sleeper);
	waits->table = (struct poll_table){ .add = add_entry };
	waits->out_of_memory = false;
	waits->used = 0;
	waits->chunks = NULL;
}

static struct poll_entry *entry_alloc(struct poll_waits *waits)
{
	struct poll_chunk *chunk = waits->chunks;

	if (waits->used < POLL_INLINE_ENTRIES)
		return &waits->entries[waits->used++];
	if (!chunk || chunk->used == CHUNK_ENTRIES) {
		chunk = kmalloc(sizeof(*chunk));
		if (!chunk)
			return NULL;
		chunk->used = 0;
		chunk->next = waits->chunks;
		waits->chunks = chunk;
	}
	return &chunk->entries[chunk->used++];
}

static void entry_free(struct poll_entry *entry)
{
	wait_end(&entry->waiter);
	file_put(entry->file);
}

void poll_waits_free(struct poll_waits *waits)
{
	struct poll_chunk *chunk;

	for (unsigned i = 0; i < waits->used; i++)
		entry_free(&waits->entries[i]);
	while ((chunk = waits->chunks)) {
		for (unsigned i = 0; i < chunk->used; i++)
			entry_free(&chunk->entries[i]);
		waits->chunks = chunk->next;
		kfree(chunk);
	}
	wait_end(&waits->sleeper);
}

/* A file's queue was woken (its lock is held): wakes the poller. */
static bool notify(struct waiter *waiter)
{
	wake_all(&container_of(waiter, struct poll_entry, waiter)->waits->queue);
	return true;
}

static void add_entry(struct poll_table *table, struct wait_queue *queue, unsigned events)
{
	struct poll_waits *waits = container_of(table, struct poll_waits, table);
	struct poll_entry *entry = entry_alloc(waits);

	if (!entry) {
		waits->out_of_memory = true;
		return;
	}
	file_get(table->file);
	entry->file = table->file;
	entry->waits = waits;
	wait_begin_notify(queue, &entry->waiter, false, notify);
}

void poll_register(struct poll_table *table, struct wait_queue *queue, unsigned events)
{
	table->add(table, queue, events);
}

unsigned poll_file(struct file *file, struct poll_table *table)
{
	if (!file->ops->poll)
		return POLL_IN | POLL_OUT | POLL_RDNORM | POLL_WRNORM;
	if (table)
		table->file = file;
	return file->ops->poll(file, table);
}

/* Waits with the queues registered. */
static int wait_for_events(poll_scan *scan, void *context, uint64_t deadline)
{
	struct poll_waits waits;
	int ready, error = 0;

	poll_waits_init(&waits);
	ready = scan(context, &waits.table);
	if (!ready && waits.out_of_memory)
		ready = -ENOMEM;
	while (!ready && !error) {
		error = wait_block(&waits.sleeper, deadline, WAIT_INTERRUPTIBLE);
		ready = scan(context, NULL);
	}
	poll_waits_free(&waits);
	if (ready || error == -ETIMEDOUT)
		return ready;
	return -ERESTARTNOHAND;
}

int poll_loop(poll_scan *scan, void *context, uint64_t deadline)
{
	/* Most polls find something at once, or do not want to wait: no queue is touched then. */
	int ready = scan(context, NULL);

	if (ready || !deadline)
		return ready;
	return wait_for_events(scan, context, deadline);
}

uint64_t poll_deadline(uint64_t ns)
{
	uint64_t deadline;

	return __builtin_add_overflow(clock_monotonic_ns(), ns, &deadline) ? WAIT_FOREVER : deadline;
}

int poll_read_timeout(uaddr_t from, unsigned unit_ns, uint64_t *deadline)
{
	int64_t time[2];
	uint64_t ns;

	*deadline = WAIT_FOREVER;
	if (!from)
		return 0;
	if (copy_from_user(time, from, sizeof(time)))
		return -EFAULT;
	if (unit_ns == NS_PER_US && time[0] >= 0 && time[1] >= 0) {
		/* A timeval may hold more than a second of microseconds. */
		time[0] += time[1] / 1000000;
		time[1] %= 1000000;
	}
	if (time[0] < 0 || time[1] < 0 || (uint64_t)time[1] * unit_ns >= NS_PER_SEC)
		return -EINVAL;
	if (!__builtin_mul_overflow((uint64_t)time[0], NS_PER_SEC, &ns) && !__builtin_add_overflow(ns, (uint64_t)time[1] * unit_ns, &ns))
		*deadline = ns ? poll_deadline(ns) : 0;
	return 0;
}

void poll_write_timeout(uaddr_t to, unsigned unit_ns, uint64_t deadline)
{
	uint64_t now, left;
	int64_t time[2];

	if (!to || deadline == WAIT_FOREVER)
		return;
	now = deadline ? clock_monotonic_ns() : 0;
	left = deadline > now ? deadline - now : 0;
	time[0] = left / NS_PER_SEC;
	time[1] = left % NS_PER_SEC / unit_ns;
	(void)!copy_to_user(to, time, sizeof(time));
}
