/* SPDX-License-Identifier: MIT */
/* How many threads each user runs, for RLIMIT_NPROC, and what else he holds. One record a real uid in use, found by a small hash table. */
#include "mm/heap.h"
#include "process/internal.h"

enum { BUCKETS = 64 };

struct user_account {
	struct list link;	/* accounts_lock */
	unsigned refs;		/* accounts_lock */
	uint32_t uid;
	uint64_t count;		/* atomic: threads, and zombies until they are reaped */
	uint64_t signals;	/* atomic: real-time ones that wait, and timers */
	uint64_t pipe_pages;	/* atomic */
	uint64_t watches;	/* atomic */
	uint64_t ports;		/* atomic */
	uint64_t message_bytes;	/* atomic */
	uint64_t queue_bytes;	/* atomic */
	uint64_t sysv_bytes;	/* atomic */
	uint64_t segment_bytes;	/* atomic */
	uint64_t optional[ACCOUNT_OPTIONAL];	/* atomic: of what the build can leave out */
};

static struct spinlock accounts_lock = SPINLOCK_INIT(LOCK_USER_ACCOUNTS);	/* with interrupts off; innermost */
static struct list buckets[BUCKETS];

static struct list *bucket_of(uint32_t uid)
{
	struct list *bucket = &buckets[uid % BUCKETS];

	if (!bucket->next)
		list_init(bucket);
	return bucket;
}

struct user_account *user_account_get(uint32_t uid)
{
	uint64_t flags = spin_lock_irq(&accounts_lock);
	struct list *bucket = bucket_of(uid);
	struct user_account *account;

	list_for_each(account, bucket, link)
		if (account->uid == uid) {
			account->refs++;
			goto out;
		}
	account = kzalloc(sizeof(*account));
	if (account) {
		account->uid = uid;
		account->refs = 1;
		list_push_back(bucket, &account->link);
	}
out:
	spin_unlock_irq(&accounts_lock, flags);
	return account;
}

void user_account_ref(struct user_account *account)
{
	uint64_t flags = spin_lock_irq(&accounts_lock);

	account->refs++;
	spin_unlock_irq(&accounts_lock, flags);
}

void user_account_put(struct user_account *account)
{
	uint64_t flags = spin_lock_irq(&accounts_lock);
	bool last = --account->refs == 0;

	if (last)
		list_remove(&account->link);
	spin_unlock_irq(&accounts_lock, flags);
	if (last)
		kfree(account);
}

struct user_account *user_account_current(void)
{
	return current_process() ? user_account_get(credentials_current()->uid) : NULL;
}

static bool charge(uint64_t *count, long change, uint64_t limit)
{
	if (atomic_add(count, change) <= limit || change < 0)
		return true;
	atomic_sub(count, change);
	return false;
}

bool user_account_charge_pipes(struct user_account *account, long change, uint64_t limit)
{
	return !account || charge(&account->pipe_pages, change, limit);
}

bool user_account_charge_watches(struct user_account *account, long change, uint64_t limit)
{
	return !account || charge(&account->watches, change, limit);
}

bool user_account_charge_ports(struct user_account *account, long change, uint64_t limit)
{
	return !account || charge(&account->ports, change, limit);
}

bool user_account_charge_queues(struct user_account *account, long change, uint64_t limit)
{
	return !account || charge(&account->queue_bytes, change, limit);
}

bool user_account_charge_sysv(struct user_account *account, long change, uint64_t limit)
{
	return charge(&account->sysv_bytes, change, limit);
}

bool user_account_charge_segments(struct user_account *account, long change, uint64_t limit)
{
	return charge(&account->segment_bytes, change, limit);
}

bool user_account_charge_optional(struct user_account *account, unsigned what, long change, uint64_t limit)
{
	return !account || charge(&account->optional[what], change, limit);
}

/* What a user pays for a process of his with @bytes in queues. */
static uint64_t price_of_messages(size_t bytes)
{
	return bytes ? bytes + sizeof(struct process) : 0;
}

bool process_charge_messages(struct process *process, size_t bytes, size_t own_limit, uint64_t user_limit)
{
	uint64_t flags = spin_lock_irq(&process->lock);
	size_t now = process->message_bytes;
	bool ok = now + bytes <= own_limit &&
		  charge(&process->account->message_bytes, (long)(price_of_messages(now + bytes) - price_of_messages(now)), user_limit);

	if (ok)
		atomic_store(&process->message_bytes, now + bytes);
	spin_unlock_irq(&process->lock, flags);
	return ok;
}

void process_uncharge_messages(struct process *process, size_t bytes)
{
	uint64_t flags = spin_lock_irq(&process->lock);
	size_t now = process->message_bytes;

	atomic_sub(&process->account->message_bytes, price_of_messages(now) - price_of_messages(now - bytes));
	atomic_store(&process->message_bytes, now - bytes);
	spin_unlock_irq(&process->lock, flags);
}

bool process_charge(struct process *process, uint64_t limit)
{
	uint64_t flags = spin_lock_irq(&process->lock);
	bool ok = atomic_add(&process->account->count, 1) <= limit;

	if (ok)
		process->charged++;
	else
		atomic_sub(&process->account->count, 1);
	spin_unlock_irq(&process->lock, flags);
	return ok;
}

void process_uncharge(struct process *process)
{
	uint64_t flags = spin_lock_irq(&process->lock);

	if (process->charged) {
		process->charged--;
		atomic_sub(&process->account->count, 1);
	}
	spin_unlock_irq(&process->lock, flags);
}

bool process_charge_signal(struct process *process, uint64_t limit)
{
	bool ok = charge(&process->account->signals, 1, limit);

	process->charged_signals += ok;
	return ok;
}

void process_uncharge_signals(struct process *process, unsigned count)
{
	process->charged_signals -= count;
	atomic_sub(&process->account->signals, count);
}

void process_set_account(struct process *process, struct user_account *account)
{
	uint64_t flags = spin_lock_irq(&process->lock);
	struct user_account *unused = account;

	/* Another thread may have changed the identity again meanwhile: then it brings the account of that. */
	if (likely(process->credentials->uid == account->uid)) {
		unused = process->account;
		atomic_sub(&unused->count, process->charged);
		atomic_add(&account->count, process->charged);
		atomic_sub(&unused->message_bytes, price_of_messages(process->message_bytes));
		atomic_add(&account->message_bytes, price_of_messages(process->message_bytes));
		spin_lock(&process->signal_lock);
		atomic_sub(&unused->signals, process->charged_signals);
		atomic_add(&account->signals, process->charged_signals);
		process->account = account;
		spin_unlock(&process->signal_lock);
	}
	spin_unlock_irq(&process->lock, flags);
	user_account_put(unused);
}
