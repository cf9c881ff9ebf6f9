/* SPDX-License-Identifier: MIT */
/*
 * Names of ports, and which of them a process may open and make. A name belongs to its port until that is dead. Those that begin with "user.UID." are for
 * the user; all others only for who may administer the system, as nobody else shall take a service's name while it is free.
 */
#include "ipc/ipc.h"
#include "ipc/port.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "process/process.h"
#include "security/capabilities.h"
#include "syscall_prototypes.h"

/* Names in all; of a user who may not administer; so many that such users leave to others. */
enum { NAMES_MAX = 1024, USER_NAMES_MAX = 64, NAMES_RESERVED = 512 };
enum { RESTRICT_MAX = 4096 /* bytes of a list of names */ };

/* The names that a process may open and make, one behind the other, each with a NUL; "prefix*" stands for all that begin so. Never changes. */
struct port_names {
	struct refcount refs;
	size_t size;
	char text[];
};

static struct spinlock names_lock = SPINLOCK_INIT(LOCK_PORT_NAMES);
static struct list named = LIST_INIT(named);	/* struct port.name_link */
static unsigned named_count;

static bool is_name_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

int port_name_check(const char *name)
{
	size_t len = 0;

	while (is_name_character(name[len]))
		len++;
	return !len || name[len] || len >= PORT_NAME_MAX ? -EINVAL : 0;
}

/* names_lock held. */
static struct port *find(const char *name)
{
	struct port *port;

	list_for_each(port, &named, name_link)
		if (strcmp(port->name, name) == 0)
			return port;
	return NULL;
}

bool port_name_is_own(const char *name)
{
	char prefix[sizeof("user.4294967295.")];
	int len;

	if (capabilities_may_administer())
		return true;
	len = snprintf(prefix, sizeof(prefix), "user.%u.", credentials_current()->uid);
	return strncmp(name, prefix, len) == 0 && name[len];
}

/* names_lock held. */
static bool has_room(const struct user_account *account)
{
	const struct port *port;
	unsigned own = 0;

	if (capabilities_may_administer())
		return named_count < NAMES_MAX;
	list_for_each(port, &named, name_link)
		own += port->account == account;
	return own < USER_NAMES_MAX && named_count < NAMES_MAX - NAMES_RESERVED;
}

int port_name_add(struct port *port, const char *name)
{
	int error = 0;

	spin_lock(&names_lock);
	if (find(name))
		error = -EEXIST;
	else if (!has_room(port->account))
		error = -ENOSPC;
	if (!error) {
		string_copy(port->name, name, sizeof(port->name));
		list_push_back(&named, &port->name_link);
		named_count++;
	}
	spin_unlock(&names_lock);
	return error;
}

void port_name_remove(struct port *port)
{
	spin_lock(&names_lock);
	if (!list_empty(&port->name_link)) {
		list_remove(&port->name_link);
		named_count--;
	}
	spin_unlock(&names_lock);
}

struct port *port_name_find(const char *name)
{
	struct port *port;

	spin_lock(&names_lock);
	port = find(name);
	if (port)
		port_get(port);
	spin_unlock(&names_lock);
	return port;
}

/* Does @pattern, a name or "prefix*", allow @name, which may be a pattern, too? */
static bool pattern_allows(const char *pattern, const char *name)
{
	size_t len = strlen(pattern);

	if (len && pattern[len - 1] == '*')
		return strncmp(pattern, name, len - 1) == 0;
	return strcmp(pattern, name) == 0;
}

bool port_names_allow(const struct port_names *names, const char *name)
{
	if (!names)
		return true;
	for (size_t at = 0; at < names->size; at += strlen(names->text + at) + 1)
		if (pattern_allows(names->text + at, name))
			return true;
	return false;
}

struct port_names *port_names_get(struct port_names *names)
{
	if (names)
		refcount_get(&names->refs);
	return names;
}

void port_names_put(struct port_names *names)
{
	if (names && refcount_put(&names->refs))
		kfree(names);
}

/* Is each a name or a prefix, with its NUL, and allowed by what the caller has now? */
static int check_list(const struct port_names *names, const struct port_names *now)
{
	if (names->size && names->text[names->size - 1])
		return -EINVAL;
	for (size_t at = 0; at < names->size; at += strlen(names->text + at) + 1) {
		const char *name = names->text + at;
		size_t len = 0;

		while (is_name_character(name[len]))
			len++;
		if (len >= PORT_NAME_MAX || (name[len] && strcmp(name + len, "*")) || (!len && !name[len]))
			return -EINVAL;
		if (!port_names_allow(now, name))
			return -EPERM;
	}
	return 0;
}

long sys_port_restrict(uaddr_t list, size_t size)
{
	struct process *process = current_process();
	struct port_names *names, *old;
	uint64_t flags;
	bool done;
	int error;

	if (size > RESTRICT_MAX)
		return -E2BIG;
	names = kzalloc(sizeof(*names) + size);
	if (!names)
		return -ENOMEM;
	refcount_init(&names->refs, 1);
	names->size = size;
	error = copy_from_user(names->text, list, size);
	while (!error) {
		/* Looked at without the lock, as it may take long: again if another thread has narrowed them meanwhile. */
		flags = spin_lock_irq(&process->lock);
		old = port_names_get(process->port_names);
		spin_unlock_irq(&process->lock, flags);
		error = check_list(names, old);
		flags = spin_lock_irq(&process->lock);
		done = !error && process->port_names == old;
		if (done)
			process->port_names = names;
		spin_unlock_irq(&process->lock, flags);
		port_names_put(old);
		if (done) {
			port_names_put(old);	/* the process's reference */
			return 0;
		}
	}
	port_names_put(names);
	return error;
}
