/* SPDX-License-Identifier: MIT */
/* Grants: they hold for the thread that got them, besides what its process has, until they end. */
#include "process/internal.h"
#include "security/capabilities.h"
#include "test/selftest.h"

/* What became of the steps in test_grants, checked when the thread is a kernel thread again. */
struct findings { bool before, during, after_refresh, after; };

/* As a thread of @process, which has the credentials @few. Must not be switched away: it has no user state to come back to. */
static struct findings go_through(struct process *process, const struct credentials *few)
{
	struct thread *self = current_thread();
	struct findings found;

	preempt_disable();
	self->process = process;
	self->user.credentials = credentials_get(few);
	self->user.missing = ~few->effective;
	found.before = capabilities_hold(CAPABILITY_FILE_READ) && !capabilities_hold(CAPABILITY_FILE_WRITE);
	capabilities_grant(CAPABILITY_FILE_EXECUTE);
	capabilities_grant(CAPABILITY_FILE_WRITE | 1ull << 40);
	found.during = capabilities_current() == (CAPABILITY_FILE_READ | CAPABILITY_FILE_WRITE) && !capabilities_hold(1ull << 40);
	credentials_refresh(self);	/* another thread has changed the process's */
	found.after_refresh = capabilities_hold(CAPABILITY_FILE_READ | CAPABILITY_FILE_WRITE) && !capabilities_hold(CAPABILITY_FILE_EXECUTE);
	capabilities_end_grant();
	found.after = capabilities_current() == CAPABILITY_FILE_READ;
	self->process = NULL;
	credentials_put(self->user.credentials);
	self->user.credentials = NULL;
	self->user.missing = 0;
	preempt_enable();
	return found;
}

SELFTEST(grants_hold_until_they_end)
{
	struct credentials *few = credentials_copy(&root_credentials);
	struct process *process = process_alloc();
	struct findings found;

	SELFTEST_CHECK(few && process && capabilities_current() == CAPABILITIES_ALL);
	if (!few || !process)
		return;
	few->effective = CAPABILITY_FILE_READ;
	process->credentials = few;
	found = go_through(process, few);
	SELFTEST_CHECK(found.before && found.during && found.after_refresh && found.after);
	process_put(process);
}
