/* SPDX-License-Identifier: MIT */
/* The calls that send and receive messages: what programs pass is taken apart here. */
#include "syscall_prototypes.h"
#include "lib/errno.h"
#include "lib/same_layout.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/user_copy.h"
#include "net/socket.h"
#include "net/unix.h"
#include "sched/clock.h"
#include "security/capabilities.h"
#include "vfs/poll_table.h"
#include <asm/socket.h>
#include <linux/fcntl.h>

enum { VECTOR_INLINE = 8, CONTROL_MAX = 20480, MESSAGES_MAX = 1024 };

/* struct msghdr and struct mmsghdr, which the C library has. */
struct header {
	uint64_t name;
	uint32_t name_size, unused;
	uint64_t vector, vector_count, control, control_size;
	uint32_t flags, unused_too;
};
struct header_of_many {
	struct header header;
	uint32_t len, unused;
};
_Static_assert(sizeof(struct header) == 56 && sizeof(struct header_of_many) == 64, "as C libraries have them");
FIELD_AT(struct header, name, 0, 8);
FIELD_AT(struct header, name_size, 8, 4);
FIELD_AT(struct header, vector, 16, 8);
FIELD_AT(struct header, vector_count, 24, 8);
FIELD_AT(struct header, control, 32, 8);
FIELD_AT(struct header, control_size, 40, 8);
FIELD_AT(struct header, flags, 48, 4);
FIELD_AT(struct header_of_many, len, 56, 4);

/* One message of a program. */
struct exchange {
	struct unix_socket *socket;
	struct unix_message message;
	struct uio uio;
	struct uio_segment few[VECTOR_INLINE], *segments;
	union { struct sockaddr_un un; char bytes[ADDRESS_MAX]; } address;
};

static void begin(struct exchange *exchange, const struct file *file, int flags)
{
	exchange->socket = file->private;
	exchange->segments = exchange->few;
	exchange->message = (struct unix_message){ .uio = &exchange->uio, .flags = flags | (file->flags & O_NONBLOCK ? MESSAGE_DONTWAIT : 0) };
}

static int read_vector(struct exchange *exchange, uint64_t vector, uint64_t count)
{
	if (count > UIO_SEGMENTS_MAX)
		return -EMSGSIZE;
	if (count > VECTOR_INLINE)
		exchange->segments = kmalloc_array(count, sizeof(*exchange->segments));
	if (!exchange->segments)
		return -ENOMEM;
	exchange->few[0] = (struct uio_segment){ 0, 0 };
	if (copy_from_user(exchange->segments, vector, count * sizeof(*exchange->segments)))
		return -EFAULT;
	return uio_init_vector(&exchange->uio, exchange->segments, count);
}

/* Linux finds so much out before it looks at the descriptor. */
static bool is_kernels(uaddr_t buffer, size_t len)
{
	return (int64_t)(buffer | (buffer + len)) < 0;
}

/* Of a single buffer. */
static int use_buffer(struct exchange *exchange, uaddr_t buffer, size_t len)
{
	exchange->few[0] = (struct uio_segment){ buffer, len };
	return uio_init_vector(&exchange->uio, exchange->few, 1);
}

static int read_name(struct exchange *exchange, uaddr_t name, uint32_t size)
{
	if (!name || !size)
		return 0;
	if (size > ADDRESS_MAX)
		return -EINVAL;
	memset(&exchange->address, 0, sizeof(exchange->address));
	if (copy_from_user(&exchange->address, name, size))
		return -EFAULT;
	exchange->message.to = &exchange->address.un;
	exchange->message.to_size = size;
	return 0;
}

static void end(struct exchange *exchange)
{
	if (exchange->message.rights)
		unix_rights_discard(exchange->message.rights);
	if (exchange->message.from)
		unix_name_put(exchange->message.from);
	if (exchange->segments != exchange->few)
		kfree(exchange->segments);
}

/* ---- Sending ---- */

static int read_control(struct exchange *exchange, uint64_t at, uint64_t size)
{
	char *control;
	int error;

	if (size >= CONTROL_MAX)
		return -ENOBUFS;
	if (!size)
		return 0;
	control = kmalloc(size);
	if (!control)
		return -ENOBUFS;
	error = copy_from_user(control, at, size);
	if (!error)
		error = unix_read_control(control, size, &exchange->message);
	kfree(control);
	return error;
}

static long send_header(struct exchange *exchange, const struct header *header)
{
	long result = 0;

	if ((int)header->name_size < 0 && header->name)
		return -EINVAL;
	result = read_name(exchange, header->name, MIN(header->name_size, (uint32_t)ADDRESS_MAX));
	if (!result)
		result = read_vector(exchange, header->vector, header->vector_count);
	if (!result)
		result = read_control(exchange, header->control, header->control_size);
	return result ? result : unix_send(exchange->socket, &exchange->message);
}

/* *@left: bytes that were not sent. */
static long send_one(const struct file *file, uaddr_t at, int flags, size_t *left)
{
	struct exchange exchange;
	struct header header;
	long result;

	if (copy_from_user(&header, at, sizeof(header)))
		return -EFAULT;
	begin(&exchange, file, flags);
	result = send_header(&exchange, &header);
	*left = exchange.uio.left;
	end(&exchange);
	return result;
}

/* What a machine without a network says. */
static long send_inet(bool addressed)
{
	if (!addressed)
		return -ENOTCONN;
	return capabilities_hold(CAPABILITY_NET_CONNECT) ? -ENETUNREACH : -EPERM;
}

static long send_message(struct file *file, uint64_t at, uint64_t flags, uint64_t unused, uint64_t unused_too)
{
	size_t left;

	return unix_is(file) ? send_one(file, at, flags, &left) : send_inet(false);
}

long sys_sendmsg(int fd, uaddr_t at, unsigned flags)
{
	return flags & MESSAGE_COMPAT ? -EINVAL : with_socket(fd, at, flags, 0, 0, send_message);
}

/* None after one that was sent in part: the bytes of a stream would have a hole. */
static long send_many(struct file *file, uint64_t at, uint64_t count, uint64_t flags, uint64_t unused)
{
	unsigned done = 0;
	size_t left;
	long result = unix_is(file) ? 0 : send_inet(false);

	for (; result >= 0 && done < MIN(count, (uint64_t)MESSAGES_MAX); at += sizeof(struct header_of_many)) {
		result = send_one(file, at, flags, &left);
		if (result >= 0)
			result = put_user_u32(at + offsetof(struct header_of_many, len), result);
		done += result >= 0;
		if (result >= 0 && (left || signal_pending()))
			break;
	}
	return done ? (long)done : MIN(result, 0);
}

long sys_sendmmsg(int fd, uaddr_t at, unsigned count, unsigned flags)
{
	return flags & MESSAGE_COMPAT ? -EINVAL : with_socket(fd, at, count, flags, 0, send_many);
}

static long send_buffer(struct file *file, uint64_t buffer, uint64_t size_and_flags, uint64_t name, uint64_t name_size)
{
	struct exchange exchange;
	long result;

	if (!unix_is(file))
		return send_inet(name);
	begin(&exchange, file, size_and_flags >> 32);
	result = read_name(&exchange, name, name_size);
	if (!result)
		result = use_buffer(&exchange, buffer, (uint32_t)size_and_flags);
	if (!result)
		result = unix_send(exchange.socket, &exchange.message);
	end(&exchange);
	return result;
}

/* No call moves more bytes than half a word says: the other half is free for flags. */
static uint64_t size_with_flags(size_t len, unsigned flags)
{
	return MIN(len, (size_t)UIO_BYTES_MAX) | (uint64_t)flags << 32;
}

long sys_sendto(int fd, uaddr_t buffer, size_t len, int flags, uaddr_t name, unsigned size)
{
	return is_kernels(buffer, len) ? -EFAULT : with_socket(fd, buffer, size_with_flags(len, flags), name, size, send_buffer);
}

/* ---- Receiving ---- */

/* The sender's address, which who did not bind has not. */
static int put_sender(const struct exchange *exchange, uaddr_t name, uaddr_t size)
{
	const struct unix_name *from = exchange->message.from;

	if (name && unix_is_netlink(exchange->socket))
		return socket_put_sized(name, size, &netlink_kernel, sizeof(netlink_kernel));
	return name ? socket_put_sized(name, size, from ? &from->address : NULL, from ? from->size : 0) : 0;
}

/* Fills in what @header, at @at, says has come. */
static int put_header(struct exchange *exchange, const struct header *header, uaddr_t at)
{
	struct unix_message *message = &exchange->message;
	bool tells = !message->at_end && unix_option(exchange->socket, SO_PASSCRED);
	size_t control;
	int error;

	if (header->control) {
		control = unix_put_control(header->control, header->control_size, tells, message);
	} else {
		control = 0;
		if (tells || message->rights)
			message->flags |= MESSAGE_CTRUNC;
	}
	error = header->name ? put_sender(exchange, header->name, at + offsetof(struct header, name_size)) : 0;
	message->flags &= MESSAGE_TRUNC | MESSAGE_CTRUNC | MESSAGE_CLOEXEC;
	if (!error)
		error = put_user_u32(at + offsetof(struct header, flags), message->flags);
	return error ? error : put_user_u64(at + offsetof(struct header, control_size), control);
}

static long receive_one(const struct file *file, uaddr_t at, int flags)
{
	struct exchange exchange;
	struct header header;
	long result;
	int error;

	if (copy_from_user(&header, at, sizeof(header)))
		return -EFAULT;
	begin(&exchange, file, flags & ~MESSAGE_CTRUNC);
	exchange.message.wants_name = header.name;
	result = (int)header.name_size < 0 && header.name ? -EINVAL : read_vector(&exchange, header.vector, header.vector_count);
	if (!result)
		result = unix_receive(exchange.socket, &exchange.message);
	if (result >= 0) {
		if (exchange.socket->type == TYPE_STREAM)
			exchange.message.flags &= ~MESSAGE_TRUNC;
		error = put_header(&exchange, &header, at);
		result = error ? error : result;
	}
	end(&exchange);
	return result;
}

static long receive_message(struct file *file, uint64_t at, uint64_t flags, uint64_t unused, uint64_t unused_too)
{
	return unix_is(file) ? receive_one(file, at, flags) : -ENOTCONN;
}

long sys_recvmsg(int fd, uaddr_t at, unsigned flags)
{
	return flags & MESSAGE_COMPAT ? -EINVAL : with_socket(fd, at, flags, 0, 0, receive_message);
}

/* As many messages as there are, or come in time; with MSG_WAITFORONE only the first one is waited for. */
static long receive_many(struct file *file, uint64_t at, uint64_t count, uint64_t flags, uint64_t deadline)
{
	struct unix_socket *socket = file->private;
	unsigned done = 0;
	long result;

	if (!unix_is(file))
		return -ENOTCONN;
	result = unix_take_error(socket);
	while (!result && done < MIN(count, (uint64_t)MESSAGES_MAX)) {
		result = receive_one(file, at, flags & ~(uint64_t)MESSAGE_WAITFORONE);
		if (result < 0)
			break;
		result = put_user_u32(at + offsetof(struct header_of_many, len), result);
		done += !result;
		at += sizeof(struct header_of_many);
		if (flags & MESSAGE_WAITFORONE)
			flags |= MESSAGE_DONTWAIT;
		if (signal_pending() || (deadline != WAIT_FOREVER && clock_monotonic_ns() >= deadline))
			break;
	}
	/* What went wrong after the first is told by the next call. */
	if (done && result && result != -EAGAIN && result != -ERESTARTSYS)
		atomic_store(&socket->error, -result);
	return done ? (long)done : result;
}

long sys_recvmmsg(int fd, uaddr_t at, unsigned count, unsigned flags, uaddr_t timeout)
{
	uint64_t deadline;
	long result;

	if (flags & MESSAGE_COMPAT)
		return -EINVAL;
	result = poll_read_timeout(timeout, 1, &deadline);
	if (result)
		return result;
	result = with_socket(fd, at, count, flags, deadline, receive_many);
	if (result > 0)
		poll_write_timeout(timeout, 1, deadline);
	return result;
}

static long receive_buffer(struct file *file, uint64_t buffer, uint64_t size_and_flags, uint64_t name, uint64_t size)
{
	struct exchange exchange;
	long result;
	int error;

	if (!unix_is(file))
		return -ENOTCONN;
	begin(&exchange, file, size_and_flags >> 32);
	exchange.message.wants_name = name;
	result = use_buffer(&exchange, buffer, (uint32_t)size_and_flags);
	if (!result)
		result = unix_receive(exchange.socket, &exchange.message);
	if (result >= 0) {
		error = put_sender(&exchange, name, size);
		result = error ? error : result;
	}
	end(&exchange);
	return result;
}

long sys_recvfrom(int fd, uaddr_t buffer, size_t len, int flags, uaddr_t name, uaddr_t size)
{
	return is_kernels(buffer, len) ? -EFAULT : with_socket(fd, buffer, size_with_flags(len, flags), name, size, receive_buffer);
}
