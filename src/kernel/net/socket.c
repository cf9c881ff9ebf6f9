/* SPDX-License-Identifier: MIT */
/*
 * Sockets of a machine that has no network and on which nobody listens (README.md): objects that know what they are, and calls that say who may and then
 * what such a machine answers. The network server's proxy and local sockets take their place.
 */
#include "syscall_prototypes.h"
#include "lib/string.h"
#include "net/inet_sockets.h"
#include "security/capabilities.h"
#include "vfs/fd_table.h"
#include "vfs/permission.h"
#include <asm/socket.h>

enum { UNIX_PATH_OFFSET = offsetof(struct sockaddr_un, sun_path) };

static uint64_t last_number;		/* atomic */

/* The socket @fd with *@ref to release, or NULL with *@error. */
static __attribute__((noinline)) struct socket *socket_borrow(int fd, struct fd_ref *ref, long *error)
{
	*ref = fd_borrow_io(fd);
	if (!ref->file) {
		*error = -EBADF;
		return NULL;
	}
	if (ref->file->ops == &socket_file_ops)
		return ref->file->private;
	fd_release(*ref);
	*error = -ENOTSOCK;
	return NULL;
}

static int check_unix_kind(const struct socket *kind)
{
	if (kind->type < TYPE_STREAM || kind->type >= TYPE_MAX)
		return -EINVAL;
	if (kind->protocol && kind->protocol != FAMILY_UNIX)
		return -EPROTONOSUPPORT;
	return kind->type == TYPE_STREAM || kind->type == TYPE_DATAGRAM || kind->type == TYPE_SEQPACKET ? 0 : -ESOCKTNOSUPPORT;
}

long sys_socket(int family, int type, int protocol)
{
	struct socket kind = { family, type & TYPE_MASK, protocol, atomic_add(&last_number, 1) }, *socket;
	struct file *file;
	long result;

	if ((family == FAMILY_PACKET || kind.type == TYPE_RAW) && !capabilities_hold(CAPABILITY_NET_RAW))
		return -EPERM;
	if (type & ~(TYPE_MASK | O_NONBLOCK | O_CLOEXEC))
		return -EINVAL;
	result = family == FAMILY_UNIX ? check_unix_kind(&kind) : check_kind(&kind);
	if (result)
		return result;
	socket = kmalloc(sizeof(*socket));
	if (!socket)
		return -ENOMEM;
	*socket = kind;
	file = file_create(&socket_file_ops, O_RDWR | (type & O_NONBLOCK), socket);
	if (!file) {
		kfree(socket);
		return -ENFILE;
	}
	result = fd_install(file, 0, type & O_CLOEXEC);
	if (result < 0)
		file_put(file);
	return result;
}

/* Nobody listens at any name. */
static int connect_unix(const union address *address, unsigned size)
{
	char name[sizeof(address->un.sun_path) + 1] = "";
	struct path path;
	int error;

	if (size <= UNIX_PATH_OFFSET || size > sizeof(address->un) || address->family != FAMILY_UNIX)
		return -EINVAL;
	memcpy(name, address->un.sun_path, size - UNIX_PATH_OFFSET);
	if (!name[0])
		return -ECONNREFUSED;	/* a name outside of file systems */
	error = path_lookup(AT_FDCWD, name, 0, &path);
	if (error)
		return error;
	error = vnode_check_access(path_vnode(&path), PERMIT_WRITE);
	path_put(&path);
	return error ? error : -ECONNREFUSED;
}

static long connect_socket(const struct socket *socket, uaddr_t from, unsigned size)
{
	bool is_unix = socket->family == FAMILY_UNIX;
	union address address;
	long error;

	if (!capabilities_hold(is_unix ? CAPABILITY_IPC_SEND : CAPABILITY_NET_CONNECT))
		return -EPERM;
	error = read_address(&address, from, size);
	if (error || is_unix)
		return error ? error : connect_unix(&address, size);
	if (size >= sizeof(address.family) && address.family == FAMILY_UNSPECIFIED)
		return 0;	/* it is not connected */
	error = check_inet(socket, &address, size);
	return error ? error : -ENETUNREACH;
}

/* A port that the machine chooses is what a client binds to; other ports are for who listens. */
static long bind_socket(const struct socket *socket, uaddr_t from, unsigned size)
{
	union address address;
	long error;

	if (socket->family == FAMILY_UNIX)
		return capabilities_hold(CAPABILITY_IPC_CREATE) ? -EOPNOTSUPP : -EPERM;
	if (!capabilities_hold(CAPABILITY_NET_LISTEN) && !capabilities_hold(CAPABILITY_NET_CONNECT))
		return -EPERM;
	error = read_address(&address, from, size);
	if (error)
		return error;
	if (address.in.sin_port && !capabilities_hold(CAPABILITY_NET_LISTEN))
		return -EPERM;
	error = check_inet(socket, &address, size);
	return error ? error : -EADDRNOTAVAIL;
}

static long listen_socket(const struct socket *socket, uaddr_t unused, unsigned nothing)
{
	bool is_unix = socket->family == FAMILY_UNIX;

	if (!capabilities_hold(is_unix ? CAPABILITY_IPC_CREATE : CAPABILITY_NET_LISTEN))
		return -EPERM;
	if (socket->type != TYPE_STREAM && socket->type != TYPE_SEQPACKET)
		return -EOPNOTSUPP;
	return is_unix ? -EINVAL : -EADDRNOTAVAIL;	/* it has no name; there is no address to listen at */
}

typedef long socket_action(const struct socket *socket, uaddr_t address, unsigned size);

static long with_socket(int fd, socket_action *action, uaddr_t address, unsigned size)
{
	struct fd_ref ref;
	long result;
	struct socket *socket = socket_borrow(fd, &ref, &result);

	if (!socket)
		return result;
	result = action(socket, address, size);
	fd_release(ref);
	return result;
}

/* Linux takes the address of whatever is open before it asks what that is. */
long sys_connect(int fd, uaddr_t from, unsigned size)
{
	long result = with_socket(fd, connect_socket, from, size);
	union address unused;

	return result == -ENOTSOCK ? read_address(&unused, from, size) ?: result : result;
}

long sys_bind(int fd, uaddr_t address, unsigned size)
{
	return with_socket(fd, bind_socket, address, size);
}

long sys_listen(int fd, int backlog)
{
	return with_socket(fd, listen_socket, 0, 0);
}

/* Copies @len bytes of @from out, as many as fit, and says how many there are. */
static long put_sized(uaddr_t to, uaddr_t size_at, const void *from, uint32_t len)
{
	uint32_t room;

	if (get_user_u32(&room, size_at))
		return -EFAULT;
	if ((int)room < 0)
		return -EINVAL;
	if (copy_to_user(to, from, MIN(room, len)) || put_user_u32(size_at, len))
		return -EFAULT;
	return 0;
}

/* A socket without a name has its family and zeroes. */
long sys_getsockname(int fd, uaddr_t to, uaddr_t size)
{
	static const uint8_t size_of[] = { [FAMILY_UNIX] = UNIX_PATH_OFFSET, [FAMILY_INET] = sizeof(struct sockaddr_in),
					   [FAMILY_INET6] = sizeof(struct sockaddr_in6) };
	struct sockaddr_in6 address = { 0 };
	struct fd_ref ref;
	long result;
	struct socket *socket = socket_borrow(fd, &ref, &result);

	if (!socket)
		return result;
	address.sin6_family = socket->family;
	fd_release(ref);
	return put_sized(to, size, &address, size_of[address.sin6_family]);
}

static long name_peer(const struct socket *socket, uaddr_t unused, unsigned nothing)
{
	return -ENOTCONN;
}

long sys_getpeername(int fd, uaddr_t to, uaddr_t size)
{
	return with_socket(fd, name_peer, 0, 0);
}

long sys_getsockopt(int fd, int level, int option, uaddr_t to, uaddr_t size)
{
	struct fd_ref ref;
	long result;
	struct socket *socket = socket_borrow(fd, &ref, &result), kind;
	uint32_t value;

	if (!socket)
		return result;
	kind = *socket;
	fd_release(ref);
	if (level != SOL_SOCKET)
		return -ENOPROTOOPT;
	switch (option) {
	case SO_DOMAIN: value = kind.family; break;
	case SO_TYPE: value = kind.type; break;
	case SO_PROTOCOL: value = kind.protocol; break;
	case SO_ERROR:
	case SO_ACCEPTCONN: value = 0; break;
	default: return -ENOPROTOOPT;
	}
	return put_sized(to, size, &value, sizeof(value));
}
