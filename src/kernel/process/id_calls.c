/* SPDX-License-Identifier: MIT */
/*
 * The calls that read and change user and group ids. Rules as POSIX and Linux have them, with "root" (effective uid 0) in the place
 * of Linux's CAP_SETUID and CAP_SETGID. UINT32_MAX means "leave as it is".
 */
#include <linux/capability.h>

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

long sys_setuid(uint32_t uid)
{
	const struct credentials *old = credentials_current();
	struct credentials *fresh;

	if (uid == KEEP)
		return -EINVAL;
	fresh = credentials_copy(old);
	if (!fresh)
		return -ENOMEM;
	if (credentials_is_root(old))
		fresh->uid = fresh->suid = uid;
	else if (uid != old->uid && uid != old->suid)
		return refuse(fresh);
	fresh->euid = fresh->fsuid = uid;
	return commit(fresh);
}

long sys_setgid(uint32_t gid)
{
	const struct credentials *old = credentials_current();
	struct credentials *fresh;

	if (gid == KEEP)
		return -EINVAL;
	fresh = credentials_copy(old);
	if (!fresh)
		return -ENOMEM;
	if (credentials_is_root(old))
		fresh->gid = fresh->sgid = gid;
	else if (gid != old->gid && gid != old->sgid)
		return refuse(fresh);
	fresh->egid = fresh->fsgid = gid;
	return commit(fresh);
}

static bool one_of(uint32_t id, uint32_t a, uint32_t b, uint32_t c)
{
	return id == KEEP || id == a || id == b || id == c;
}

long sys_setreuid(uint32_t ruid, uint32_t euid)
{
	const struct credentials *old = credentials_current();
	struct credentials *fresh = credentials_copy(old);

	if (!fresh)
		return -ENOMEM;
	if (!credentials_is_root(old) &&
	    (!one_of(ruid, old->uid, old->euid, old->uid) || !one_of(euid, old->uid, old->euid, old->suid)))
		return refuse(fresh);
	if (ruid != KEEP)
		fresh->uid = ruid;
	if (euid != KEEP)
		fresh->euid = euid;
	if (ruid != KEEP || (euid != KEEP && euid != old->uid))
		fresh->suid = fresh->euid;
	fresh->fsuid = fresh->euid;
	return commit(fresh);
}

long sys_setregid(uint32_t rgid, uint32_t egid)
{
	const struct credentials *old = credentials_current();
	struct credentials *fresh = credentials_copy(old);

	if (!fresh)
		return -ENOMEM;
	if (!credentials_is_root(old) &&
	    (!one_of(rgid, old->gid, old->egid, old->gid) || !one_of(egid, old->gid, old->egid, old->sgid)))
		return refuse(fresh);
	if (rgid != KEEP)
		fresh->gid = rgid;
	if (egid != KEEP)
		fresh->egid = egid;
	if (rgid != KEEP || (egid != KEEP && egid != old->gid))
		fresh->sgid = fresh->egid;
	fresh->fsgid = fresh->egid;
	return commit(fresh);
}

long sys_setresuid(uint32_t ruid, uint32_t euid, uint32_t suid)
{
	const struct credentials *old = credentials_current();
	struct credentials *fresh = credentials_copy(old);

	if (!fresh)
		return -ENOMEM;
	if (!credentials_is_root(old) && (!one_of(ruid, old->uid, old->euid, old->suid) ||
					  !one_of(euid, old->uid, old->euid, old->suid) ||
					  !one_of(suid, old->uid, old->euid, old->suid)))
		return refuse(fresh);
	if (ruid != KEEP)
		fresh->uid = ruid;
	if (euid != KEEP)
		fresh->euid = euid;
	if (suid != KEEP)
		fresh->suid = suid;
	fresh->fsuid = fresh->euid;
	return commit(fresh);
}

long sys_setresgid(uint32_t rgid, uint32_t egid, uint32_t sgid)
{
	const struct credentials *old = credentials_current();
	struct credentials *fresh = credentials_copy(old);

	if (!fresh)
		return -ENOMEM;
	if (!credentials_is_root(old) && (!one_of(rgid, old->gid, old->egid, old->sgid) ||
					  !one_of(egid, old->gid, old->egid, old->sgid) ||
					  !one_of(sgid, old->gid, old->egid, old->sgid)))
		return refuse(fresh);
	if (rgid != KEEP)
		fresh->gid = rgid;
	if (egid != KEEP)
		fresh->egid = egid;
	if (sgid != KEEP)
		fresh->sgid = sgid;
	fresh->fsgid = fresh->egid;
	return commit(fresh);
}

static long put_three(uaddr_t a, uint32_t va, uaddr_t b, uint32_t vb, uaddr_t c, uint32_t vc)
{
	if (put_user_u32(a, va) || put_user_u32(b, vb) || put_user_u32(c, vc))
		return -EFAULT;
	return 0;
}

long sys_getresuid(uaddr_t ruid, uaddr_t euid, uaddr_t suid)
{
	const struct credentials *credentials = credentials_current();

	return put_three(ruid, credentials->uid, euid, credentials->euid, suid, credentials->suid);
}

long sys_getresgid(uaddr_t rgid, uaddr_t egid, uaddr_t sgid)
{
	const struct credentials *credentials = credentials_current();

	return put_three(rgid, credentials->gid, egid, credentials->egid, sgid, credentials->sgid);
}

/* Returns the old id whether or not the change was allowed; so the call says. */
long sys_setfsuid(uint32_t uid)
{
	const struct credentials *old = credentials_current();
	uint32_t before = old->fsuid;
	struct credentials *fresh;

	if (uid == before || uid == KEEP || (!credentials_is_root(old) && !one_of(uid, old->uid, old->euid, old->suid)))
		return before;
	fresh = credentials_copy(old);
	if (fresh) {
		fresh->fsuid = uid;
		if (commit(fresh) == -ERESTARTNOINTR)
			return -ERESTARTNOINTR;
	}
	return before;
}

long sys_setfsgid(uint32_t gid)
{
	const struct credentials *old = credentials_current();
	uint32_t before = old->fsgid;
	struct credentials *fresh;

	if (gid == before || gid == KEEP || (!credentials_is_root(old) && !one_of(gid, old->gid, old->egid, old->sgid)))
		return before;
	fresh = credentials_copy(old);
	if (fresh) {
		fresh->fsgid = gid;
		if (commit(fresh) == -ERESTARTNOINTR)
			return -ERESTARTNOINTR;
	}
	return before;
}

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

static int capabilities_of(int pid, uint64_t *effective, uint64_t *permitted)
{
	struct thread *thread = pid ? thread_find(pid) : NULL;
	const struct credentials *credentials;

	if (pid && !thread)
		return -ESRCH;
	credentials = credentials_of(thread ? thread->process : current_process());
	credentials_linux_capabilities(credentials, effective, permitted);
	credentials_put(credentials);
	if (thread)
		thread_put(thread);
	return 0;
}

long sys_capget(uaddr_t header, uaddr_t data)
{
	struct __user_cap_data_struct sets[CAPABILITY_WORDS] = { 0 };
	uint64_t effective, permitted;
	int words = capability_words(header), error;
	uint32_t pid;

	/* Without data the question is for the version. */
	if (!data || words < 0)
		return !data && words == -EINVAL ? 0 : MIN(words, 0);
	if (get_user_u32(&pid, header + offsetof(struct __user_cap_header_struct, pid)))
		return -EFAULT;
	error = (int)pid < 0 ? -EINVAL : capabilities_of(pid, &effective, &permitted);
	if (error)
		return error;
	for (int i = 0; i < words; i++) {
		sets[i].effective = effective >> 32 * i;
		sets[i].permitted = permitted >> 32 * i;
	}
	return copy_to_user(data, sets, words * sizeof(*sets)) ? -EFAULT : 0;
}

/* What a process has can be set as it is. Less than all cannot be held, so it is refused like more. */
long sys_capset(uaddr_t header, uaddr_t data)
{
	struct __user_cap_data_struct sets[CAPABILITY_WORDS] = { 0 };
	uint64_t effective, permitted;
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
	capabilities_of(0, &effective, &permitted);
	for (int i = 0; i < words; i++)
		if (sets[i].effective != (uint32_t)(effective >> 32 * i) || sets[i].permitted != (uint32_t)(permitted >> 32 * i) || sets[i].inheritable)
			return -EPERM;
	return 0;
}
