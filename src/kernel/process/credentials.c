/* SPDX-License-Identifier: MIT */
/* Identities: immutable records with a reference count; see credentials.h for how a change spreads. */
#include "lib/string.h"
#include "mm/heap.h"
#include "process/internal.h"
#include "security/capabilities.h"

/* Of kernel threads and of process 1. Its first reference is never dropped. */
struct credentials root_credentials = { .refs = { 1 }, .effective = CAPABILITIES_ALL, .permitted = CAPABILITIES_ALL };

const struct credentials *credentials_current(void)
{
	struct thread *thread = current_thread();

	return thread && thread->process && thread->user.credentials ? thread->user.credentials : &root_credentials;
}

bool credentials_in_group(const struct credentials *credentials, uint32_t gid)
{
	if (credentials->fsgid == gid)
		return true;
	for (unsigned i = 0; i < credentials->group_count; i++)
		if (credentials->groups[i] == gid)
			return true;
	return false;
}

const struct credentials *credentials_get(const struct credentials *credentials)
{
	/* The count is the one part of a published record that changes. */
	refcount_get((struct refcount *)&credentials->refs);
	return credentials;
}

void credentials_put(const struct credentials *credentials)
{
	struct credentials *record = (struct credentials *)credentials;

	if (record && refcount_put(&record->refs))
		kfree(record);
}

struct credentials *credentials_copy(const struct credentials *from)
{
	struct credentials *copy = kmalloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *from;
	refcount_init(&copy->refs, 1);
	return copy;
}

const struct credentials *credentials_of(struct process *process)
{
	uint64_t flags = spin_lock_irq(&process->lock);
	const struct credentials *credentials = credentials_get(process->credentials);

	spin_unlock_irq(&process->lock, flags);
	return credentials;
}

void credentials_refresh(struct thread *thread)
{
	const struct credentials *old = thread->user.credentials;

	thread->user.credentials = credentials_of(thread->process);
	if (atomic_exchange(&thread->user.grant_over, false))
		thread->user.granted = 0;
	thread->user.missing = ~(thread->user.credentials->effective | thread->user.granted);
	credentials_put(old);
}

COLD int credentials_commit(struct credentials *fresh, const struct credentials *expected)
{
	struct thread *self = current_thread(), *thread;
	struct process *process = self->process;
	const struct credentials *old;
	uint64_t flags = spin_lock_irq(&process->lock);
	bool stale;

	old = process->credentials;
	stale = expected && old != expected;
	if (!stale)
		process->credentials = fresh;
	spin_unlock_irq(&process->lock, flags);
	credentials_put(stale ? fresh : old);
	if (stale) {
		atomic_or(&self->user.work, THREAD_WORK_CREDENTIALS);
		return -ERESTARTNOINTR;
	}
	credentials_refresh(self);

	flags = spin_lock_irq(&process->signal_lock);
	list_for_each(thread, &process->threads, process_link)
		if (thread != self)
			atomic_or(&thread->user.work, THREAD_WORK_CREDENTIALS);
	spin_unlock_irq(&process->signal_lock, flags);
	return 0;
}
