/* SPDX-License-Identifier: MIT */
/* The pid table's promises: unique numbers, no early reuse, slots that are free when everything has left them. */
#include "process/internal.h"
#include "test/selftest.h"

enum { SAMPLE = 300 };

SELFTEST(pids_are_unique_and_come_back)
{
	static int pids[SAMPLE];
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	int previous = process_last_pid(), again;
	bool ascending = true;

	for (int i = 0; i < SAMPLE; i++) {
		pids[i] = pid_alloc();
		ascending &= pids[i] > previous;
		previous = pids[i];
	}
	SELFTEST_CHECK(ascending);
	SELFTEST_CHECK(pid_next_used(pids[0] - 1) == pids[0] && pid_next_used(pids[0]) == pids[1]);
	SELFTEST_CHECK(pid_slot(pids[5]) && !pid_slot(pids[5])->process && !pid_slot(0) && !pid_slot(-1) && !pid_slot(PID_MAX));
	/* A number that something still has is not freed. */
	pid_slot(pids[7])->group = (struct process_group *)pids;
	for (int i = 0; i < SAMPLE; i++)
		pid_release(pids[i]);
	SELFTEST_CHECK(pid_next_used(pids[0] - 1) == pids[7]);
	pid_slot(pids[7])->group = NULL;
	pid_release(pids[7]);
	SELFTEST_CHECK(pid_next_used(pids[0] - 1) == -1);
	/* Numbers just given back are not the next to be given out. */
	again = pid_alloc();
	SELFTEST_CHECK(again > pids[SAMPLE - 1]);
	pid_release(again);
	spin_unlock_irq(&process_tree_lock, flags);
}

SELFTEST(user_accounts_are_shared_and_counted)
{
	struct user_account *first = user_account_get(4711), *second = user_account_get(4711), *other = user_account_get(4712);
	struct credentials *credentials = credentials_copy(&root_credentials);
	struct process *process = process_alloc();

	SELFTEST_CHECK(first && first == second && other && other != first && process && credentials);
	if (!process || !credentials)
		return;
	process->account = first;
	process->credentials = credentials;
	credentials->uid = 4712;
	SELFTEST_CHECK(process_charge(process, 2) && process_charge(process, 2) && !process_charge(process, 2));
	SELFTEST_CHECK(process_charge_signal(process, 2) && process_charge_signal(process, 2) && !process_charge_signal(process, 2));
	process_set_account(process, other);
	/* The new user has them now. */
	SELFTEST_CHECK(process->charged_signals == 2 && !process_charge_signal(process, 2));
	process_uncharge_signals(process, 2);
	process_set_account(process, second);	/* too late: not the identity's any more */
	SELFTEST_CHECK(process->account == other && process->charged == 2 && !process_charge(process, 2) && process_charge(process, 3));
	for (int i = 0; i < 4; i++)
		process_uncharge(process);	/* one too many does no harm */
	SELFTEST_CHECK(process->charged == 0 && process_charge(process, 1));
	process_uncharge(process);
	process_put(process);
}
