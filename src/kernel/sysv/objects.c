/* SPDX-License-Identifier: MIT */
/*
 * The tables of System V IPC. An id is an index, which is given out again as late as that is possible, and how often indices have begun again: so an id
 * that is used after its object is gone finds nothing for long.
 */
#include "sysv/objects.h"
#include "ipc/port.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/process.h"
#include "sched/clock.h"
#include "security/capabilities.h"
#include "vfs/procfs/proc_text.h"

enum { INDEX_BITS = 15, INDEX_MASK = (1 << INDEX_BITS) - 1, ROUNDS = 1 << 16, INDICES_LEAST = 64 };

/* ---- Ordered numbers ---- */

/* The lowest of @tree that is not below @value, or NULL. */
static struct sysv_number *number_from(const struct rb_tree *tree, uint32_t value)
{
	struct rb_node *node = tree->root;
	struct sysv_number *found = NULL;

	while (node) {
		struct sysv_number *number = rb_entry(node, struct sysv_number, node);

		if (number->value >= value)
			found = number;
		node = number->value >= value ? node->left : node->right;
	}
	return found;
}

static struct sysv_number *number_find(const struct rb_tree *tree, uint32_t value)
{
	struct sysv_number *number = number_from(tree, value);

	return number && number->value == value ? number : NULL;
}

static void number_insert(struct rb_tree *tree, struct sysv_number *number)
{
	struct rb_node **place = &tree->root, *parent = NULL;

	while (*place) {
		parent = *place;
		place = number->value < rb_entry(parent, struct sysv_number, node)->value ? &parent->left : &parent->right;
	}
	rb_insert(tree, &number->node, parent, place, NULL);
}

/* ---- Who may do what ---- */

/* Who may talk to some ports only is not to get round that by keys. */
static bool is_allowed(void)
{
	return port_name_is_allowed("sysv");
}

bool sysv_allowed(uint64_t capabilities)
{
	return is_allowed() && capabilities_hold(capabilities);
}

/* table->lock held. */
static bool permits(const struct sysv_object *object, unsigned wanted)
{
	const struct credentials *credentials = credentials_current();
	unsigned granted = object->mode;

	wanted |= wanted >> 6 | wanted >> 3;
	if (credentials->euid == object->cuid || credentials->euid == object->uid)
		granted >>= 6;
	else if (credentials_in_group(credentials, object->cgid) || credentials_in_group(credentials, object->gid))
		granted >>= 3;
	return !(wanted & ~granted & 7) || credentials_is_root(credentials);
}

bool sysv_permits(struct sysv_object *object, unsigned wanted)
{
	bool permitted;

	spin_lock(&object->table->lock);
	permitted = permits(object, wanted);
	spin_unlock(&object->table->lock);
	return permitted;
}

static bool is_owner(const struct sysv_object *object)
{
	const struct credentials *credentials = credentials_current();

	return credentials->euid == object->cuid || credentials->euid == object->uid || credentials_is_root(credentials);
}

/* ---- Making and finding ---- */

void sysv_init(struct sysv_object *object, struct sysv_table *table, struct refcount *refs, size_t size, int flags)
{
	const struct credentials *credentials = credentials_current();

	object->table = table;
	object->refs = refs;
	object->size = size;
	object->id = -1;
	object->uid = object->cuid = credentials->euid;
	object->gid = object->cgid = credentials->egid;
	object->mode = flags & 0777;
	object->changed = sysv_now();
}

/* The id of the object with that @key, as the *get calls have it, or a negative errno. table->lock held. */
static long find_key(struct sysv_table *table, int key, size_t size, int flags)
{
	struct sysv_number *number = key == IPC_PRIVATE ? NULL : number_find(&table->by_key, key);
	const struct sysv_object *object;

	if (!number)
		return -ENOENT;
	object = container_of(number, struct sysv_object, key);
	if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return -EEXIST;
	if (size > object->size)
		return -EINVAL;
	return permits(object, flags) ? object->id : -EACCES;
}

/* The first index from @index on that is free, or some that is too high. table->lock held. */
static unsigned free_index(const struct sysv_table *table, unsigned index)
{
	uint64_t free = 0;

	for (; index < table->most; index = ROUND_UP(index + 1, 64)) {
		free = ~table->taken[index / 64] >> index % 64;
		if (free)
			return index + __builtin_ctzll(free);
	}
	return index;
}

/* Gives @object a number and @key, which nobody has. Its id or -ENOSPC. table->lock held. */
static long add(struct sysv_table *table, struct sysv_object *object, int key)
{
	unsigned end = MIN(MAX(table->used * 3 / 2, (unsigned)INDICES_LEAST), table->most), index;

	if (table->used >= table->most)
		return -ENOSPC;
	index = free_index(table, table->last + 1);
	if (index >= end)
		index = free_index(table, 0);
	if ((int)index <= table->last)
		table->round = (table->round + 1) % ROUNDS;
	table->last = index;
	table->used++;
	table->taken[index / 64] |= 1ull << index % 64;
	object->index.value = index;
	object->id = table->round << INDEX_BITS | index;
	number_insert(&table->by_index, &object->index);
	object->key.value = key;
	object->keyed = key != IPC_PRIVATE;
	if (object->keyed)
		number_insert(&table->by_key, &object->key);
	return object->id;
}

long sysv_get(struct sysv_table *table, int key, size_t size, int flags)
{
	bool makes = key == IPC_PRIVATE || flags & IPC_CREAT;
	struct sysv_object *made = NULL;
	long result;

	if (!is_allowed() || (makes && !capabilities_hold(CAPABILITY_IPC_CREATE)))
		return -EPERM;
	for (;;) {
		spin_lock(&table->lock);
		result = find_key(table, key, size, flags);
		if (result == -ENOENT && made) {
			result = add(table, made, key);
			if (result >= 0)
				made = NULL;	/* its reference is the table's */
		}
		spin_unlock(&table->lock);
		if (result != -ENOENT || !makes)
			break;
		/* Others may make one with that key meanwhile. */
		made = table->make(size, flags);
		if (sysv_error_of(made))
			return sysv_error_of(made);
	}
	if (made)
		sysv_put(made);
	return result;
}

struct sysv_object *sysv_find(struct sysv_table *table, int id, unsigned wanted)
{
	struct sysv_object *object = NULL;
	struct sysv_number *number;
	int error = -EINVAL;

	if (!is_allowed())
		return sysv_error(-EPERM);
	spin_lock(&table->lock);
	number = number_find(&table->by_index, id & INDEX_MASK);
	if (number)
		object = container_of(number, struct sysv_object, index);
	if (object && (wanted & SYSV_BY_INDEX || object->id == id)) {
		if (wanted & SYSV_OWNER)
			error = is_owner(object) ? 0 : -EPERM;
		else
			error = permits(object, wanted) ? 0 : -EACCES;
		if (!error && !refcount_get_unless_zero(object->refs))
			error = -EINVAL;
	}
	spin_unlock(&table->lock);
	return error ? sysv_error(error) : object;
}

struct sysv_object *sysv_next(struct sysv_table *table, unsigned index)
{
	struct sysv_object *object = NULL;
	struct sysv_number *number;

	spin_lock(&table->lock);
	do {
		number = number_from(&table->by_index, index);
		if (number) {
			object = container_of(number, struct sysv_object, index);
			index = number->value + 1;
		}
	} while (number && !refcount_get_unless_zero(object->refs));
	spin_unlock(&table->lock);
	return number ? object : NULL;
}

int sysv_highest(struct sysv_table *table)
{
	struct rb_node *last;
	int index;

	spin_lock(&table->lock);
	last = rb_last(&table->by_index);
	index = last ? rb_entry(last, struct sysv_number, node)->value : 0;
	spin_unlock(&table->lock);
	return index;
}

void sysv_put(struct sysv_object *object)
{
	if (refcount_put(object->refs))
		object->table->end(object);
}

/* ---- Changing and removing ---- */

/* table->lock held. */
static void forget_key(struct sysv_object *object)
{
	if (object->keyed)
		rb_remove(&object->table->by_key, &object->key.node, NULL);
	object->keyed = false;
}

void sysv_forget_key(struct sysv_object *object)
{
	spin_lock(&object->table->lock);
	forget_key(object);
	spin_unlock(&object->table->lock);
}

void sysv_remove(struct sysv_object *object)
{
	struct sysv_table *table = object->table;

	spin_lock(&table->lock);
	if (object->id >= 0) {
		forget_key(object);
		rb_remove(&table->by_index, &object->index.node, NULL);
		table->taken[sysv_index(object) / 64] &= ~(1ull << sysv_index(object) % 64);
		table->used--;
	}
	spin_unlock(&table->lock);
}

static void describe(struct sysv_object *object, union sysv_status *status)
{
	struct ipc64_perm *perm = &status->perm;

	memset(status, 0, sizeof(*status));
	object->table->describe(object, status);
	spin_lock(&object->table->lock);
	perm->key = object->keyed ? object->key.value : IPC_PRIVATE;
	perm->uid = object->uid;
	perm->gid = object->gid;
	perm->cuid = object->cuid;
	perm->cgid = object->cgid;
	perm->mode = object->mode;
	perm->seq = object->id >> INDEX_BITS;
	spin_unlock(&object->table->lock);
}

int sysv_change(struct sysv_object *object, const struct ipc64_perm *perm)
{
	if (perm->uid == UINT32_MAX || perm->gid == UINT32_MAX)
		return -EINVAL;
	spin_lock(&object->table->lock);
	object->uid = perm->uid;
	object->gid = perm->gid;
	object->mode = (object->mode & ~0777u) | (perm->mode & 0777);
	spin_unlock(&object->table->lock);
	atomic_store(&object->changed, sysv_now());
	return 0;
}

long sysv_tell(struct sysv_table *table, int id, unsigned wanted, uaddr_t to)
{
	union sysv_status status;
	struct sysv_object *object = sysv_find(table, id, wanted);

	if (sysv_error_of(object))
		return sysv_error_of(object);
	describe(object, &status);
	id = wanted & SYSV_BY_INDEX ? object->id : 0;
	sysv_put(object);
	return copy_to_user(to, &status, table->status_size) ? -EFAULT : id;
}

long sysv_control(struct sysv_table *table, int id, int command, uaddr_t from)
{
	union sysv_status status;
	struct sysv_object *object;
	int error;

	if (command == IPC_SET && copy_from_user(&status, from, table->status_size))
		return -EFAULT;
	object = sysv_find(table, id, SYSV_OWNER);
	error = sysv_error_of(object);
	if (error)
		return error;
	if (command == IPC_RMID)
		error = table->remove(object);
	else
		error = table->change ? table->change(object, &status) : sysv_change(object, &status.perm);
	sysv_put(object);
	return error;
}

int sysv_show(struct sysv_table *table, struct proc_text *text)
{
	struct sysv_object *object;
	union sysv_status status;
	unsigned index = 0;

	if (!sysv_allowed(CAPABILITY_IPC_RECV))
		return -EPERM;
	proc_text_print(text, "       key %s\n", table->columns);
	for (; (object = sysv_next(table, index)); sysv_put(object)) {
		index = object->index.value + 1;
		describe(object, &status);
		proc_text_print(text, "%10d %10d  %4o ", status.perm.key, object->id, status.perm.mode);
		table->print(text, object, &status);
	}
	return 0;
}

unsigned sysv_change_mode(struct sysv_object *object, unsigned clear, unsigned set)
{
	unsigned before;

	spin_lock(&object->table->lock);
	before = object->mode;
	object->mode = (before & ~clear) | set;
	spin_unlock(&object->table->lock);
	return before;
}

int64_t sysv_now(void)
{
	return clock_realtime_ns() / NS_PER_SEC;
}

int sysv_own_pid(void)
{
	const struct process *process = current_process();

	return process ? process->pid : 0;
}

/* ---- Memory that users pay for ---- */

enum { KERNEL_SHARE = 16, PAGES_SHARE = 2, IN_PIECES_MAX = 2048 /* bytes; what is larger takes whole pages of the heap's */ };

/* In front of each allocation. */
struct payment {
	struct user_account *account;	/* referenced */
	size_t bytes;
};

/* What one user may have at most: a @part-th of the machine's memory. */
static uint64_t limit_of(unsigned part)
{
	return capabilities_may_administer() ? UINT64_MAX : ((uint64_t)frame_total() << PAGE_SHIFT) / part;
}

void *sysv_alloc(size_t size)
{
	struct payment *payment = kzalloc(sizeof(*payment) + size);
	struct user_account *account = payment ? user_account_current() : NULL;

	if (account) {
		payment->account = account;
		payment->bytes = sizeof(*payment) + size;
		if (payment->bytes > IN_PIECES_MAX)
			payment->bytes = ROUND_UP(payment->bytes, PAGE_SIZE);
		if (user_account_charge_sysv(account, payment->bytes, limit_of(KERNEL_SHARE)))
			return payment + 1;
		user_account_put(account);
	}
	kfree(payment);
	return NULL;
}

void sysv_free(void *memory)
{
	struct payment *payment;

	if (!memory)
		return;
	payment = (struct payment *)memory - 1;
	user_account_charge_sysv(payment->account, -(long)payment->bytes, 0);
	user_account_put(payment->account);
	kfree(payment);
}

bool sysv_charge_pages(void *memory, long bytes)
{
	const struct payment *payment = (struct payment *)memory - 1;

	return user_account_charge_segments(payment->account, bytes, limit_of(PAGES_SHARE));
}

/* ---- Waiting ---- */

int sysv_sleep(struct sysv_sleeper *sleeper, struct list *sleepers, struct mutex *lock, uint64_t deadline)
{
	struct waiter waiter;
	int error = 0;

	sleeper->result = SYSV_UNDECIDED;
	wait_queue_init(&sleeper->wake);
	wait_begin(&sleeper->wake, &waiter);
	list_push_back(sleepers, &sleeper->link);
	mutex_unlock(lock);
	while (atomic_load(&sleeper->result) == SYSV_UNDECIDED && !error)
		error = wait_block(&waiter, deadline, WAIT_INTERRUPTIBLE);
	mutex_lock(lock);
	list_remove(&sleeper->link);
	wait_end(&waiter);
	return sleeper->result == SYSV_UNDECIDED ? error : sleeper->result;
}

void sysv_decide(struct sysv_sleeper *sleeper, int result)
{
	list_remove(&sleeper->link);
	atomic_store(&sleeper->result, result);
	wake_all(&sleeper->wake);	/* it stays until it gets the lock */
}

void sysv_decide_all(struct list *sleepers, int result)
{
	while (!list_empty(sleepers))
		sysv_decide(list_first(sleepers, struct sysv_sleeper, link), result);
}
