/* SPDX-License-Identifier: MIT */
/* Names of AF_UNIX sockets: in file systems, and abstract ones, which a socket of each type may have. */
#include "ipc/ipc.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/net.h"
#include "net/unix.h"
#include "process/process.h"
#include "security/capabilities.h"
#include "vfs/dentry.h"
#include "vfs/name_change.h"
#include "vfs/permission.h"
#include "vfs/procfs/proc_text.h"
#include "vfs/vnode.h"
#include <asm/socket.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

enum { BUCKETS = 256, OPTION_BINDING = 63 /* of socket->options: a name is being made */, AUTOMATIC_NAMES = 1 << 20, AUTOMATIC_DIGITS = 5 };

static struct mutex names_lock = MUTEX_INIT(names_lock, LOCK_UNIX_NAMES);
static struct unix_name *buckets[BUCKETS];	/* names_lock */
static struct list all = LIST_INIT(all);	/* names_lock */

void unix_list_add(struct unix_socket *socket)
{
	mutex_lock(&names_lock);
	list_push_back(&all, &socket->all);
	mutex_unlock(&names_lock);
}

void unix_list_remove(struct unix_socket *socket)
{
	mutex_lock(&names_lock);
	list_remove(&socket->all);
	mutex_unlock(&names_lock);
}

int unix_check_address(const struct sockaddr_un *address, unsigned size)
{
	return size <= UNIX_NAME_OFFSET || size > sizeof(*address) || address->sun_family != FAMILY_UNIX ? -EINVAL : 0;
}

static unsigned hash_abstract(const struct sockaddr_un *address, unsigned size, int type)
{
	unsigned hash = type;

	for (unsigned i = 0; i < size - UNIX_NAME_OFFSET; i++)
		hash = hash * 31 + (uint8_t)address->sun_path[i];
	return hash % BUCKETS;
}

static unsigned hash_node(const struct vnode *vnode)
{
	return (uint64_t)vnode / sizeof(*vnode) % BUCKETS;
}

/* names_lock held. */
static struct unix_socket *find_abstract(const struct sockaddr_un *address, unsigned size, int type)
{
	for (struct unix_name *name = buckets[hash_abstract(address, size, type)]; name; name = name->next)
		if (!name->path.dentry && name->size == size && name->socket->type == type && !memcmp(&name->address, address, size))
			return name->socket;
	return NULL;
}

static struct unix_socket *find_node(const struct vnode *vnode)
{
	for (struct unix_name *name = buckets[hash_node(vnode)]; name; name = name->next)
		if (name->path.dentry && path_vnode(&name->path) == vnode)
			return name->socket;
	return NULL;
}

/* May the caller use an abstract name? Who is restricted to some names of ports is to the same names here. */
static bool allows(const struct sockaddr_un *address, unsigned size)
{
	struct process *process = current_process();
	const char *text = address->sun_path + 1;
	unsigned len = size - UNIX_NAME_OFFSET - 1;
	struct port_names *names;
	uint64_t flags;
	bool allowed;

	if (!process || !atomic_load_relaxed(&process->port_names))
		return true;
	flags = spin_lock_irq(&process->lock);
	names = port_names_get(process->port_names);
	spin_unlock_irq(&process->lock, flags);
	allowed = len && strlen(text) == len && port_names_allow(names, text);
	port_names_put(names);
	return allowed;
}

/* ---- Looking up ---- */

static struct unix_socket *find_by_path(const char *name, int type, int *error)
{
	struct unix_socket *socket = NULL;
	struct path path;

	*error = path_lookup(AT_FDCWD, name, 0, &path);
	if (*error)
		return NULL;
	*error = vnode_check_access(path_vnode(&path), PERMIT_WRITE);
	if (!*error) {
		mutex_lock(&names_lock);
		socket = find_node(path_vnode(&path));
		if (!socket)
			*error = -ECONNREFUSED;
		else if (socket->type != type)
			*error = -EPROTOTYPE;
		if (*error)
			socket = NULL;
		else
			unix_get(socket);
		mutex_unlock(&names_lock);
	}
	path_put(&path);
	return socket;
}

struct unix_socket *unix_find(const struct sockaddr_un *address, unsigned size, int type, int *error)
{
	struct unix_socket *socket;

	if (!capabilities_hold(CAPABILITY_IPC_SEND)) {
		*error = -EPERM;
		return NULL;
	}
	if (address->sun_path[0])
		return find_by_path(address->sun_path, type, error);
	*error = -ECONNREFUSED;
	if (!allows(address, size))
		return NULL;
	mutex_lock(&names_lock);
	socket = find_abstract(address, size, type);
	if (socket)
		unix_get(socket);
	mutex_unlock(&names_lock);
	return socket;
}

/* ---- Binding ---- */

static struct unix_name *name_alloc(struct unix_socket *socket, const struct sockaddr_un *address, unsigned size)
{
	struct unix_name *name = kzalloc(sizeof(*name));

	if (!name)
		return NULL;
	refcount_init(&name->refs, 1);
	name->socket = socket;
	name->size = size;
	if (address)
		memcpy(&name->address, address, size);
	return name;
}

void unix_name_put(struct unix_name *name)
{
	if (!refcount_put(&name->refs))
		return;
	if (name->path.dentry)
		path_put(&name->path);
	kfree(name);
}

/* names_lock held. */
static void publish(struct unix_name *name, unsigned bucket)
{
	name->bucket = bucket;
	name->next = buckets[bucket];
	buckets[bucket] = name;
	atomic_store(&name->socket->name, name);
}

void unix_name_drop(struct unix_socket *socket)
{
	struct unix_name *name = socket->name;

	/* Accepted sockets have the name of who listened, but cannot be found by it. */
	if (!name)
		return;
	mutex_lock(&names_lock);
	if (name->socket == socket) {
		struct unix_name **link = &buckets[name->bucket];

		while (*link != name)
			link = &(*link)->next;
		*link = name->next;
		name->socket = NULL;
	}
	mutex_unlock(&names_lock);
}

/* The following give @name to its socket. */
static int bind_abstract(struct unix_name *name)
{
	int error = 0;

	if (!allows(&name->address, name->size))
		return -EPERM;
	mutex_lock(&names_lock);
	if (find_abstract(&name->address, name->size, name->socket->type))
		error = -EADDRINUSE;
	else
		publish(name, hash_abstract(&name->address, name->size, name->socket->type));
	mutex_unlock(&names_lock);
	return error;
}

static int bind_path(struct unix_name *name)
{
	struct new_node node = { .mode = S_IFSOCK | 0777 };
	int error;

	if (!capabilities_hold(CAPABILITY_FILE_WRITE))
		return -EPERM;
	name->size = UNIX_NAME_OFFSET + strlen(name->address.sun_path) + 1;
	error = name_create_known(name->address.sun_path, &node, &name->path);
	if (error)
		return error == -EEXIST ? -EADDRINUSE : error;
	mutex_lock(&names_lock);
	publish(name, hash_node(path_vnode(&name->path)));
	mutex_unlock(&names_lock);
	return 0;
}

/* Five digits that no other has. */
static int bind_automatically(struct unix_name *name)
{
	static unsigned last;	/* atomic */
	int error = -ENOSPC;

	name->address.sun_family = FAMILY_UNIX;
	name->size = UNIX_NAME_OFFSET + 1 + AUTOMATIC_DIGITS;
	for (unsigned tries = 0; tries < AUTOMATIC_NAMES; tries++) {
		snprintf(name->address.sun_path + 1, AUTOMATIC_DIGITS + 1, "%05x", atomic_add(&last, 1) % AUTOMATIC_NAMES);
		error = bind_abstract(name);
		if (error != -EADDRINUSE)
			break;
	}
	return error;
}

static int bind_name(struct unix_socket *socket, const struct sockaddr_un *address, unsigned size)
{
	struct unix_name *name = name_alloc(socket, address, size);
	int error;

	if (!name)
		return -ENOMEM;
	if (size <= UNIX_NAME_OFFSET)
		error = bind_automatically(name);
	else
		error = address->sun_path[0] ? bind_path(name) : bind_abstract(name);
	if (error)
		unix_name_put(name);
	return error;
}

/* Takes the right to give the socket its name; whoever has it gives it back. */
static bool begin_binding(struct unix_socket *socket)
{
	if (atomic_or(&socket->options, 1ull << OPTION_BINDING) >> OPTION_BINDING)
		return false;
	if (!socket->name)
		return true;
	(void)atomic_and(&socket->options, ~(1ull << OPTION_BINDING));
	return false;
}

/* Of a socket with a name. */
static int refuse_second_name(const struct sockaddr_un *address)
{
	struct path path;

	if (!address->sun_path[0] || path_lookup(AT_FDCWD, address->sun_path, PATH_NO_FOLLOW, &path))
		return -EINVAL;
	path_put(&path);
	return -EADDRINUSE;
}

int unix_bind(struct unix_socket *socket, const struct sockaddr_un *address, unsigned size)
{
	bool automatic = !address || (size == UNIX_NAME_OFFSET && address->sun_family == FAMILY_UNIX);
	int error = automatic ? 0 : unix_check_address(address, size);

	if (!capabilities_hold(CAPABILITY_IPC_CREATE))
		return -EPERM;
	if (error)
		return error;
	if (!begin_binding(socket))
		return automatic ? 0 : refuse_second_name(address);
	error = bind_name(socket, address, size);
	(void)atomic_and(&socket->options, ~(1ull << OPTION_BINDING));
	return error;
}

int unix_bind_itself(struct unix_socket *socket)
{
	int error;

	if (!unix_option(socket, SO_PASSCRED) || atomic_load(&socket->name))
		return 0;
	error = unix_bind(socket, NULL, 0);
	/* Who may have no name stays without. */
	return error == -EPERM ? 0 : error;
}

/* ---- /proc/net/unix ---- */

enum { PROC_LISTENS = 1 << 16, STATE_UNCONNECTED = 1, STATE_CONNECTED = 3 };

static void show(struct proc_text *text, const struct unix_socket *socket)
{
	const struct unix_name *name = atomic_load(&socket->name);
	uint8_t state = atomic_load(&socket->state);

	proc_text_print(text, "%016x: %08X %08X %08X %04X %02X %5lu", 0, socket->refs.count, 0, state == UNIX_LISTENING ? PROC_LISTENS : 0, socket->type,
			state == UNIX_CONNECTED || socket->peer ? STATE_CONNECTED : STATE_UNCONNECTED, socket->file ? socket->number : 0);
	if (name) {
		char shown[sizeof(name->address.sun_path) + 1] = "";
		unsigned len = name->size - UNIX_NAME_OFFSET - (name->path.dentry ? 1 : 0);

		for (unsigned i = 0; i < len; i++)
			shown[i] = name->address.sun_path[i] ? name->address.sun_path[i] : '@';
		proc_text_print(text, " %s", shown);
	}
	proc_text_add(text, "\n", 1);
}

void unix_show_all(struct proc_text *text)
{
	const struct unix_socket *socket;

	proc_text_print(text, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	mutex_lock(&names_lock);
	list_for_each(socket, &all, all)
		if (!unix_is_netlink(socket) && (!socket->name || socket->name->path.dentry || allows(&socket->name->address, socket->name->size)))
			show(text, socket);
	mutex_unlock(&names_lock);
}
