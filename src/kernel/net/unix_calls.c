/* SPDX-License-Identifier: MIT */
/*
 * The calls about sockets: of AF_UNIX, and of the other families as far as a machine that has no network has them (README.md). The network server's proxy
 * takes the place of those.
 */
#include "syscall_prototypes.h"
#include "lib/string.h"
#include "net/inet_sockets.h"
#include "net/net.h"
#include "net/socket.h"
#include "net/unix.h"
#include "process/process.h"
#include "security/capabilities.h"
#include "vfs/fd_table.h"
#include "vfs/permission.h"
#include <asm/socket.h>

long with_socket(int fd, uint64_t first, uint64_t second, uint64_t third, uint64_t fourth, socket_action *action)
{
	struct fd_ref ref = fd_borrow_io(fd);
	long result;

	if (!ref.file)
		return -EBADF;
	result = unix_is(ref.file) || ref.file->ops == &socket_file_ops ? action(ref.file, first, second, third, fourth) : -ENOTSOCK;
	fd_release(ref);
	return result;
}

static bool is_local(int family)
{
	return family == FAMILY_UNIX || family == FAMILY_NETLINK;
}

/* What other protocols of netlink are about is not there. */
static int check_netlink_kind(struct socket *kind)
{
	if (kind->type != TYPE_RAW && kind->type != TYPE_DATAGRAM)
		return -ESOCKTNOSUPPORT;
	kind->type |= UNIX_NETLINK;
	return kind->protocol ? -EPROTONOSUPPORT : 0;
}

/* AF_UNIX, with SOCK_RAW for datagrams. */
static int check_local_kind(struct socket *kind)
{
	if (kind->type >= TYPE_MAX)
		return -EINVAL;
	if (kind->family == FAMILY_NETLINK)
		return check_netlink_kind(kind);
	if (kind->protocol && kind->protocol != FAMILY_UNIX)
		return -EPROTONOSUPPORT;
	if (kind->type == TYPE_RAW)
		kind->type = TYPE_DATAGRAM;
	return kind->type == TYPE_STREAM || kind->type == TYPE_DATAGRAM || kind->type == TYPE_SEQPACKET ? 0 : -ESOCKTNOSUPPORT;
}

static int open_inet(const struct socket *kind, uint32_t flags, struct file **file)
{
	struct socket *socket = kmalloc(sizeof(*socket));

	if (!socket)
		return -ENOMEM;
	*socket = *kind;
	socket->number = net_socket_number();
	*file = file_create(&socket_file_ops, O_RDWR | flags, socket);
	if (!*file)
		kfree(socket);
	return *file ? 0 : -ENFILE;
}

static int open_unix(int type, uint32_t flags, struct file **file)
{
	struct unix_socket *socket = unix_create(type);

	return socket ? unix_open(socket, flags, file) : -ENOBUFS;
}

static long install(struct file *file, int type)
{
	long fd = fd_install(file, 0, type & O_CLOEXEC);

	if (fd < 0)
		file_put(file);
	return fd;
}

long sys_socket(int family, int type, int protocol)
{
	struct socket kind = { family, type & TYPE_MASK, protocol, 0 };
	struct file *file;
	int error;

	if ((family == FAMILY_PACKET || (kind.type == TYPE_RAW && !is_local(family))) && !capabilities_hold(CAPABILITY_NET_RAW))
		return -EPERM;
	if (type & ~(TYPE_MASK | O_NONBLOCK | O_CLOEXEC))
		return -EINVAL;
	error = is_local(family) ? check_local_kind(&kind) : check_kind(&kind);
	if (!error)
		error = is_local(family) ? open_unix(kind.type, type & O_NONBLOCK, &file) : open_inet(&kind, type & O_NONBLOCK, &file);
	return error ? error : install(file, type);
}

static __attribute__((noinline)) void set_peer(struct unix_socket *socket, struct unix_socket *peer)
{
	unix_set_own_credentials(socket);
	socket->state = UNIX_CONNECTED;
	socket->peer = unix_get(peer);
}

/* Two sockets that are each other's peer. */
static int open_pair(int type, uint32_t flags, struct file *files[2])
{
	int error = open_unix(type, flags, &files[0]);

	if (error)
		return error;
	error = open_unix(type, flags, &files[1]);
	if (error) {
		file_put(files[0]);
		return error;
	}
	set_peer(files[0]->private, files[1]->private);
	set_peer(files[1]->private, files[0]->private);
	return 0;
}

static __attribute__((noinline)) void fill_or_unreserve(int fd, struct file *file, int error)
{
	if (error)
		fd_unreserve(fd);
	else
		fd_fill(fd, file);
}

long sys_socketpair(int family, int type, int protocol, uaddr_t fds)
{
	struct socket kind = { family, type & TYPE_MASK, protocol, 0 };
	struct file *files[2] = { NULL };
	int numbers[2], error;

	if (type & ~(TYPE_MASK | O_NONBLOCK | O_CLOEXEC))
		return -EINVAL;
	error = fd_reserve_many(2, numbers, type & O_CLOEXEC ? FD_CLOEXEC : 0);
	if (error)
		return error;
	error = copy_to_user(fds, numbers, sizeof(numbers));
	if (!error)
		error = is_local(family) ? check_local_kind(&kind) : check_kind(&kind);
	if (!error && family != FAMILY_UNIX)
		error = -EOPNOTSUPP;
	if (!error)
		error = open_pair(kind.type, type & O_NONBLOCK, files);
	fill_or_unreserve(numbers[0], files[0], error);
	fill_or_unreserve(numbers[1], files[1], error);
	return error;
}

static long connect_socket(struct file *file, uint64_t from, uint64_t size, uint64_t unused, uint64_t unused_too)
{
	union address address;
	long error;

	if (!capabilities_hold(unix_is(file) ? CAPABILITY_IPC_SEND : CAPABILITY_NET_CONNECT))
		return -EPERM;
	error = read_address(&address, from, size);
	if (error)
		return error;
	if (unix_is(file) && unix_is_netlink(file->private))
		return netlink_connect(file->private, (const struct sockaddr_nl *)&address, size);
	if (unix_is(file))
		return unix_connect(file->private, &address.un, size, file->flags & O_NONBLOCK);
	if (size >= sizeof(address.family) && address.family == FAMILY_UNSPECIFIED)
		return 0;	/* it is not connected */
	error = check_inet(file->private, &address, size);
	return error ? error : -ENETUNREACH;
}

/* A port that the machine chooses is what a client binds to; other ports are for who listens. */
static long bind_socket(struct file *file, uint64_t from, uint64_t size, uint64_t unused, uint64_t unused_too)
{
	union address address;
	long error;

	if (unix_is(file)) {
		if (!capabilities_hold(CAPABILITY_IPC_CREATE))
			return -EPERM;
		error = read_address(&address, from, size);
		if (error)
			return error;
		return unix_is_netlink(file->private) ? netlink_bind(file->private, (const struct sockaddr_nl *)&address, size)
						       : unix_bind(file->private, &address.un, size);
	}
	if (!capabilities_hold(CAPABILITY_NET_LISTEN) && !capabilities_hold(CAPABILITY_NET_CONNECT))
		return -EPERM;
	error = read_address(&address, from, size);
	if (error)
		return error;
	if (address.in.sin_port && !capabilities_hold(CAPABILITY_NET_LISTEN))
		return -EPERM;
	error = check_inet(file->private, &address, size);
	return error ? error : -EADDRNOTAVAIL;
}

static long listen_socket(struct file *file, uint64_t backlog, uint64_t unused, uint64_t unused_too, uint64_t nor_this)
{
	const struct socket *socket = file->private;

	if (!capabilities_hold(unix_is(file) ? CAPABILITY_IPC_CREATE : CAPABILITY_NET_LISTEN))
		return -EPERM;
	if (unix_is(file))
		return unix_listen(file->private, backlog);
	return socket->type == TYPE_STREAM ? -EADDRNOTAVAIL : -EOPNOTSUPP;	/* there is no address to listen at */
}

static long shut_socket(struct file *file, uint64_t how, uint64_t unused, uint64_t unused_too, uint64_t nor_this)
{
	if (unix_is(file))
		return unix_is_netlink(file->private) ? -EOPNOTSUPP : unix_shutdown(file->private, how);
	return (unsigned)how > 2 ? -EINVAL : -ENOTCONN;
}

/* Linux takes the address of whatever is open before it asks what that is. */
long sys_connect(int fd, uaddr_t from, unsigned size)
{
	long result = with_socket(fd, from, size, 0, 0, connect_socket);
	union address unused;

	return result == -ENOTSOCK ? read_address(&unused, from, size) ?: result : result;
}

long sys_bind(int fd, uaddr_t address, unsigned size)
{
	return with_socket(fd, address, size, 0, 0, bind_socket);
}

long sys_listen(int fd, int backlog)
{
	return with_socket(fd, backlog, 0, 0, 0, listen_socket);
}

long sys_shutdown(int fd, int how)
{
	return with_socket(fd, how, 0, 0, 0, shut_socket);
}

static long put(uaddr_t to, uaddr_t size_at, const void *from, uint32_t len, bool cut)
{
	uint32_t room;

	if (get_user_u32(&room, size_at))
		return -EFAULT;
	if ((int)room < 0)
		return -EINVAL;
	room = MIN(room, len);
	return copy_to_user(to, from, room) || put_user_u32(size_at, cut ? room : len) ? -EFAULT : 0;
}

long socket_put_sized(uaddr_t to, uaddr_t size_at, const void *from, uint32_t len)
{
	return put(to, size_at, from, len, false);
}

long socket_put_cut(uaddr_t to, uaddr_t size_at, const void *from, uint32_t len)
{
	return put(to, size_at, from, len, true);
}

static long put_unix_name(const struct unix_socket *socket, uaddr_t to, uaddr_t size)
{
	static const uint16_t family = FAMILY_UNIX;
	const struct unix_name *name = atomic_load(&socket->name);

	if (unix_is_netlink(socket))
		return socket_put_sized(to, size, &socket->netlink, sizeof(socket->netlink));
	return name ? socket_put_sized(to, size, &name->address, name->size) : socket_put_sized(to, size, &family, sizeof(family));
}

/* A socket without a name has its family and zeroes. */
static long name_socket(struct file *file, uint64_t to, uint64_t size, uint64_t unused, uint64_t unused_too)
{
	static const uint8_t size_of[] = { [FAMILY_INET] = sizeof(struct sockaddr_in), [FAMILY_INET6] = sizeof(struct sockaddr_in6) };
	struct sockaddr_in6 address = { 0 };

	if (unix_is(file))
		return put_unix_name(file->private, to, size);
	address.sin6_family = ((const struct socket *)file->private)->family;
	return socket_put_sized(to, size, &address, size_of[address.sin6_family]);
}

static long name_peer(struct file *file, uint64_t to, uint64_t size, uint64_t unused, uint64_t unused_too)
{
	struct unix_socket *peer = unix_is(file) ? unix_datagram_peer(file->private) : NULL;
	long result;

	if (!peer)
		return -ENOTCONN;
	result = put_unix_name(peer, to, size);
	unix_put(peer);
	return result;
}

long sys_getsockname(int fd, uaddr_t to, uaddr_t size)
{
	return with_socket(fd, to, size, 0, 0, name_socket);
}

long sys_getpeername(int fd, uaddr_t to, uaddr_t size)
{
	return with_socket(fd, to, size, 0, 0, name_peer);
}

/* ---- Options ---- */

static long get_inet_option(const struct socket *kind, int level, int option, uaddr_t to, uaddr_t size)
{
	uint32_t value;

	if (level != SOL_SOCKET)
		return -ENOPROTOOPT;
	switch (option) {
	case SO_DOMAIN: value = kind->family; break;
	case SO_TYPE: value = kind->type; break;
	case SO_PROTOCOL: value = kind->protocol; break;
	case SO_ERROR:
	case SO_ACCEPTCONN: value = 0; break;
	default: return -ENOPROTOOPT;
	}
	return socket_put_sized(to, size, &value, sizeof(value));
}

static long get_option(struct file *file, uint64_t level, uint64_t option, uint64_t to, uint64_t size)
{
	uint32_t room;

	if (!unix_is(file))
		return get_inet_option(file->private, level, option, to, size);
	if ((int)level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (get_user_u32(&room, size))
		return -EFAULT;
	return (int)room < 0 ? -EINVAL : unix_get_option(file->private, option, to, size);
}

long sys_getsockopt(int fd, int level, int option, uaddr_t to, uaddr_t size)
{
	return with_socket(fd, level, option, to, size, get_option);
}

static long set_option(struct file *file, uint64_t level, uint64_t option, uint64_t value, uint64_t size)
{
	if (!unix_is(file))
		return -ENOPROTOOPT;
	return (int)level == SOL_SOCKET ? unix_set_option(file->private, option, value, size) : -EOPNOTSUPP;
}

long sys_setsockopt(int fd, int level, int option, uaddr_t value, unsigned size)
{
	return (int)size < 0 ? -EINVAL : with_socket(fd, level, option, value, size, set_option);
}

/* ---- accept ---- */

static long accept_on(struct unix_socket *listener, bool now, uaddr_t address, uaddr_t size, int flags)
{
	const struct unix_socket *peer;
	struct file *accepted = NULL;
	struct unix_socket *socket;
	int error, fd = fd_reserve(0, flags & O_CLOEXEC);

	if (fd < 0)
		return fd;
	socket = unix_accept(listener, now, &error);
	if (socket) {
		unix_inherit(socket, listener);
		peer = socket->peer;
		error = unix_open(socket, flags, &accepted);
		if (!error && address) {
			error = put_unix_name(peer, address, size);
			if (error)
				file_put(accepted);
		}
	}
	fill_or_unreserve(fd, accepted, error);
	return error ? error : fd;
}

static long accept_connection(struct file *file, uint64_t address, uint64_t size, uint64_t flags, uint64_t unused)
{
	if (flags & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (unix_is(file))
		return accept_on(file->private, file->flags & O_NONBLOCK, address, size, flags);
	return ((const struct socket *)file->private)->type == TYPE_STREAM ? -EINVAL : -EOPNOTSUPP;
}

/* Linux looks at the flags before it asks what is open. */
long sys_accept4(int fd, uaddr_t address, uaddr_t size, int flags)
{
	long result = with_socket(fd, address, size, flags, 0, accept_connection);

	return result == -ENOTSOCK && flags & ~(O_CLOEXEC | O_NONBLOCK) ? -EINVAL : result;
}

long sys_accept(int fd, uaddr_t address, uaddr_t size)
{
	return sys_accept4(fd, address, size, 0);
}
