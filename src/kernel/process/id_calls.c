/* SPDX-License-Identifier: MIT */
/*
 * The calls that read and change user and group ids. Rules as POSIX and Linux have them, with "root" (effective uid 0) in the place
 * of Linux's CAP_SETUID and CAP_SETGID. UINT32_MAX means "leave as it is".
 */
#include <linux/capability.h>

#include "lib/string.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/internal.h"
#include "security/capabilities.h"
#include "syscall_prototypes.h"

#define KEEP UINT32_MAX

long sys_getuid(void) { return credentials_current()->uid; }
long sys_geteuid(void) { return credentials_current()->euid; }
long sys_getgid(void) { return credentials_current()->gid; }
long sys_getegid(void) { return credentials_current()->egid; }

static bool may_be_root(const struct credentials *credentials)
{
	return !credentials->uid || !credentials->euid || !credentials->suid;
}

/* Who leaves uid 0 for good has an ordinary user's capabilities from then on, unless it has just chosen others. */
static void narrow_capabilities(struct credentials *fresh, const struct credentials *old)
{
	if (fresh->chosen || !may_be_root(old) || may_be_root(fresh))
		return;
	fresh->effective &= CAPABILITIES_USER;
	fresh->permitted &= CAPABILITIES_USER;
}

/* Publishes @fresh; moves the process to the account of a new real uid. */
static long commit(struct credentials *fresh)
{
	struct process *process = current_process();
	const struct credentials *old = credentials_current();
	struct user_account *account = NULL;
	int error;

	if (fresh->uid != old->uid) {
		account = user_account_get(fresh->uid);
		if (!account) {
			credentials_put(fresh);
			return -ENOMEM;
		}
	}
	if (fresh->euid != old->euid || fresh->egid != old->egid || fresh->fsuid != old->fsuid || fresh->fsgid != old->fsgid) {
		process->dumpable = false;
		process->death_signal = 0;
	}
	narrow_capabilities(fresh, old);
	error = credentials_commit(fresh, old);
	if (account && error)
		user_account_put(account);
	else if (account)
		process_set_account(process, account);
	return error;
}

static long refuse(struct credentials *fresh)
{
	credentials_put(fresh);
	return -EPERM;
}

/* The ids of users and those of groups follow the same rules: where the four of a kind lie in struct credentials. */
enum id_kind { USERS = offsetof(struct credentials, uid), GROUPS = offsetof(struct credentials, gid) };
enum { REAL, EFFECTIVE, SAVED, FILES };
_Static_assert(offsetof(struct credentials, euid) == USERS + 4 * EFFECTIVE && offsetof(struct credentials, suid) == USERS + 4 * SAVED &&
	       offsetof(struct credentials, fsuid) == USERS + 4 * FILES, "in this order");
_Static_assert(offsetof(struct credentials, egid) == GROUPS + 4 * EFFECTIVE && offsetof(struct credentials, sgid) == GROUPS + 4 * SAVED &&
	       offsetof(struct credentials, fsgid) == GROUPS + 4 * FILES, "in this order");

static uint32_t *ids_of(const struct credentials *credentials, enum id_kind kind)
{
	return (uint32_t *)((uintptr_t)credentials + kind);
}

static bool one_of(uint32_t id, uint32_t a, uint32_t b, uint32_t c)
{
	return id == KEEP || id == a || id == b || id == c;
}

/* setuid, setgid */
static long set_one(enum id_kind kind, uint32_t id)
{
	struct credentials *fresh;
	uint32_t *ids;

	if (id == KEEP)
		return -EINVAL;
	fresh = credentials_copy(credentials_current());
	if (!fresh)
		return -ENOMEM;
	ids = ids_of(fresh, kind);
	if (credentials_is_root(fresh))
		ids[REAL] = ids[SAVED] = id;
	else if (id != ids[REAL] && id != ids[SAVED])
		return refuse(fresh);
	ids[EFFECTIVE] = ids[FILES] = id;
	return commit(fresh);
}

/* setreuid, setregid: the saved one follows where the call makes something of the process that it was not. */
static long set_two(enum id_kind kind, uint32_t real, uint32_t effective)
{
	struct credentials *fresh = credentials_copy(credentials_current());
	uint32_t *ids, was;

	if (!fresh)
		return -ENOMEM;
	ids = ids_of(fresh, kind);
	was = ids[REAL];
	if (!credentials_is_root(fresh) && (!one_of(real, was, ids[EFFECTIVE], was) || !one_of(effective, was, ids[EFFECTIVE], ids[SAVED])))
		return refuse(fresh);
	if (real != KEEP)
		ids[REAL] = real;
	if (effective != KEEP)
		ids[EFFECTIVE] = effective;
	if (real != KEEP || (effective != KEEP && effective != was))
		ids[SAVED] = ids[EFFECTIVE];
	ids[FILES] = ids[EFFECTIVE];
	return commit(fresh);
}

/* setresuid, setresgid */
static long set_three(enum id_kind kind, uint32_t real, uint32_t effective, uint32_t saved)
{
	const struct credentials *old = credentials_current();
	const uint32_t wanted[] = { real, effective, saved }, *was = ids_of(old, kind);
	struct credentials *fresh = credentials_copy(old);
	uint32_t *ids;

	if (!fresh)
		return -ENOMEM;
	ids = ids_of(fresh, kind);
	for (int i = REAL; i <= SAVED; i++) {
		if (!credentials_is_root(old) && !one_of(wanted[i], was[REAL], was[EFFECTIVE], was[SAVED]))
			return refuse(fresh);
		if (wanted[i] != KEEP)
			ids[i] = wanted[i];
	}
	ids[FILES] = ids[EFFECTIVE];
	return commit(fresh);
}

/* setfsuid, setfsgid: the old id whether or not the change was allowed; so the call says. */
static long set_files(enum id_kind kind, uint32_t id)
{
	const struct credentials *old = credentials_current();
	const uint32_t *was = ids_of(old, kind);
	uint32_t before = was[FILES];
	struct credentials *fresh;

	if (id == before || id == KEEP || (!credentials_is_root(old) && !one_of(id, was[REAL], was[EFFECTIVE], was[SAVED])))
		return before;
	fresh = credentials_copy(old);
	if (fresh) {
		ids_of(fresh, kind)[FILES] = id;
		if (commit(fresh) == -ERESTARTNOINTR)
			return -ERESTARTNOINTR;
	}
	return before;
}

long sys_setuid(uint32_t uid) { return set_one(USERS, uid); }
long sys_setgid(uint32_t gid) { return set_one(GROUPS, gid); }
long sys_setreuid(uint32_t ruid, uint32_t euid) { return set_two(USERS, ruid, euid); }
long sys_setregid(uint32_t rgid, uint32_t egid) { return set_two(GROUPS, rgid, egid); }
long sys_setresuid(uint32_t ruid, uint32_t euid, uint32_t suid) { return set_three(USERS, ruid, euid, suid); }
long sys_setresgid(uint32_t rgid, uint32_t egid, uint32_t sgid) { return set_three(GROUPS, rgid, egid, sgid); }
long sys_setfsuid(uint32_t uid) { return set_files(USERS, uid); }
long sys_setfsgid(uint32_t gid) { return set_files(GROUPS, gid); }

static long get_three(enum id_kind kind, uaddr_t real, uaddr_t effective, uaddr_t saved)
{
	const uint32_t *ids = ids_of(credentials_current(), kind);

	if (put_user_u32(real, ids[REAL]) || put_user_u32(effective, ids[EFFECTIVE]) || put_user_u32(saved, ids[SAVED]))
		return -EFAULT;
	return 0;
}

long sys_getresuid(uaddr_t ruid, uaddr_t euid, uaddr_t suid) { return get_three(USERS, ruid, euid, suid); }
long sys_getresgid(uaddr_t rgid, uaddr_t egid, uaddr_t sgid) { return get_three(GROUPS, rgid, egid, sgid); }

long sys_getgroups(int size, uaddr_t list)
{
	const struct credentials *credentials = credentials_current();

	if (size < 0)
		return -EINVAL;
	if (size == 0)
		return credentials->group_count;
	if ((unsigned)size < credentials->group_count)
		return -EINVAL;
	if (copy_to_user(list, credentials->groups, credentials->group_count * sizeof(uint32_t)))
		return -EFAULT;
	return credentials->group_count;
}

/* As Linux shows them. False if one is none. */
static bool sort_groups(struct credentials *fresh)
{
	uint32_t *groups = fresh->groups;

	for (unsigned i = 0; i < fresh->group_count; i++) {
		uint32_t group = groups[i];
		unsigned at = i;

		if (group == KEEP)
			return false;
		for (; at && groups[at - 1] > group; at--)
			groups[at] = groups[at - 1];
		groups[at] = group;
	}
	return true;
}

long sys_setgroups(int size, uaddr_t list)
{
	const struct credentials *old = credentials_current();
	struct credentials *fresh;

	if (!credentials_is_root(old))
		return -EPERM;
	if (size < 0 || size > GROUPS_MAX)
		return -EINVAL;
	fresh = credentials_copy(old);
	if (!fresh)
		return -ENOMEM;
	if (copy_from_user(fresh->groups, list, size * sizeof(uint32_t))) {
		credentials_put(fresh);
		return -EFAULT;
	}
	fresh->group_count = size;
	if (!sort_groups(fresh)) {
		credentials_put(fresh);
		return -EINVAL;
	}
	return commit(fresh);
}

/* ---- Linux's capabilities, which decide nothing here: root has all there are, effective while its effective uid is 0; others have none ---- */

enum { CAPABILITY_WORDS = 2 };

/* How many words of each set the version of @header has; an unknown one is replaced by the newest. */
static int capability_words(uaddr_t header)
{
	uint32_t version;

	if (get_user_u32(&version, header))
		return -EFAULT;
	switch (version) {
	case _LINUX_CAPABILITY_VERSION_1: return 1;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3: return CAPABILITY_WORDS;
	default: return put_user_u32(header, _LINUX_CAPABILITY_VERSION_3) ? -EFAULT : -EINVAL;
	}
}

void credentials_linux_capabilities(const struct credentials *credentials, uint64_t *effective, uint64_t *permitted)
{
	*effective = credentials->euid == 0 ? LINUX_CAPABILITIES : 0;
	*permitted = may_be_root(credentials) ? LINUX_CAPABILITIES : 0;
}

/* Writes CAPABILITY_WORDS words of each set of thread @pid, or the caller's for 0. */
static int capabilities_of(int pid, struct __user_cap_data_struct *sets)
{
	struct thread *thread = pid ? thread_find(pid) : NULL;
	const struct credentials *credentials;
	uint64_t effective, permitted;

	if (pid && !thread)
		return -ESRCH;
	credentials = credentials_of(thread ? thread->process : current_process());
	credentials_linux_capabilities(credentials, &effective, &permitted);
	credentials_put(credentials);
	for (int i = 0; i < CAPABILITY_WORDS; i++)
		sets[i] = (struct __user_cap_data_struct){ .effective = effective >> 32 * i, .permitted = permitted >> 32 * i };
	if (thread)
		thread_put(thread);
	return 0;
}

long sys_capget(uaddr_t header, uaddr_t data)
{
	struct __user_cap_data_struct sets[CAPABILITY_WORDS];
	int words = capability_words(header), error;
	uint32_t pid;

	/* Without data the question is for the version. */
	if (!data || words < 0)
		return !data && words == -EINVAL ? 0 : MIN(words, 0);
	if (get_user_u32(&pid, header + offsetof(struct __user_cap_header_struct, pid)))
		return -EFAULT;
	error = (int)pid < 0 ? -EINVAL : capabilities_of(pid, sets);
	if (error)
		return error;
	return copy_to_user(data, sets, words * sizeof(*sets)) ? -EFAULT : 0;
}

/* What a process has can be set as it is. Less than all cannot be held, so it is refused like more. */
long sys_capset(uaddr_t header, uaddr_t data)
{
	struct __user_cap_data_struct sets[CAPABILITY_WORDS], own[CAPABILITY_WORDS];
	int words = capability_words(header);
	uint32_t pid;

	if (words < 0)
		return words;
	if (get_user_u32(&pid, header + offsetof(struct __user_cap_header_struct, pid)))
		return -EFAULT;
	if (pid && (int)pid != current_thread()->tid)
		return -EPERM;
	if (copy_from_user(sets, data, words * sizeof(*sets)))
		return -EFAULT;
	capabilities_of(0, own);
	return memcmp(sets, own, words * sizeof(*sets)) ? -EPERM : 0;
}
