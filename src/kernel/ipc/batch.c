/* SPDX-License-Identifier: MIT */
/* Several messages in one call. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trap.h"
#include "ipc/messages.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "process/process.h"
#include "security/capabilities.h"
#include "syscall_prototypes.h"
#include "vfs/fd_table.h"
#include "vfs/file.h"

enum { RECORD_ALIGN = 8 };

/* The record at @offset of the caller's buffer; false if no message that can be sent so lies there. */
static bool read_record(struct endpoint *me, size_t offset, struct msg_record *record)
{
	if (offset + sizeof(*record) > MSG_PAYLOAD_MAX)
		return false;
	payload_read(&me->payload, offset, record, sizeof(*record));
	return msg_type(record->header) < MSG_TYPE_KERNEL && !msg_handles(record->header) && msg_priority(record->header) <= MSG_PRIORITY_MAX &&
	       msg_length(record->header) <= MSG_PAYLOAD_MAX - sizeof(*record) - offset;
}

static long send_many(struct port *port, struct endpoint *me, uint64_t badge, unsigned count, int64_t timeout)
{
	struct msg_record record;
	struct posted *posted;
	size_t offset = 0;
	long error = 0;
	unsigned sent;

	for (sent = 0; sent < count && !error; sent++) {
		if (!read_record(me, offset, &record))
			return sent ? (long)sent : -EINVAL;
		error = msg_make_posted(me, offset + sizeof(record), record.header, timeout, &posted);
		if (error)
			break;
		posted->message.badge = badge;
		error = msg_post(port, posted);
		if (error)
			break;
		offset = ROUND_UP(offset + sizeof(record) + msg_length(record.header), RECORD_ALIGN);
	}
	return sent ? (long)sent : error;
}

long sys_msg_send_many(int fd, unsigned count, int64_t timeout)
{
	struct endpoint *me = endpoint_current();
	struct port_ref ref = port_borrow(fd, PORT_SEND);
	long result;

	if (!ref.port)
		return ref.error;
	result = me ? send_many(ref.port, me, port_file_badge(ref.fd.file), count, timeout) : -ENOBUFS;
	port_release_ref(ref);
	return result;
}

/* What a batch has taken so far. */
struct batch {
	struct endpoint *me;
	size_t used;		/* bytes of the buffer */
	unsigned count;
	struct list read;	/* messages to be freed */
};

/* Puts the first message of @port into the batch, if it can be. port->lock held. */
static bool take_into(struct port *port, struct batch *batch)
{
	struct message *message = queue_first(port);
	struct msg_record record;
	size_t len;

	if (!message || message->handle_count)
		return false;
	len = msg_length(message->header);
	if (sizeof(record) + len > MSG_PAYLOAD_MAX - batch->used)
		return false;
	queue_remove(port, message);
	record = (struct msg_record){ .header = message->header };
	if (message->is_call) {
		held_add(port, call_of(message), batch->me);
		record.token = call_of(message)->token;
	} else {
		list_push_back(&batch->read, &message->link);
		port->posts++;
	}
	payload_write(&batch->me->payload, batch->used, &record, sizeof(record));
	for (int piece = 0; len; piece++) {
		size_t part = MIN(len, (size_t)PAGE_SIZE);

		payload_write(&batch->me->payload, batch->used + sizeof(record) + piece * PAGE_SIZE, message->payload.pieces[piece], part);
		len -= part;
	}
	batch->used = MIN((size_t)MSG_PAYLOAD_MAX, ROUND_UP(batch->used + sizeof(record) + msg_length(record.header), RECORD_ALIGN));
	batch->count++;
	return true;
}

static void free_read(struct batch *batch)
{
	while (!list_empty(&batch->read)) {
		struct message *message = list_first(&batch->read, struct message, link);

		list_remove(&message->link);
		posted_free(posted_of(message));
	}
}

static long recv_many(struct port *port, uint32_t epoch, struct endpoint *me, unsigned max, int64_t timeout)
{
	struct batch batch = { .me = me };
	struct receipt receipt;
	uint64_t flags;
	int error;

	list_init(&batch.read);
	/* What is on the kernel stack is needed when it sleeps, and the short way answers no call of this port. */
	me->by_serve = false;
	capabilities_end_grant();
	me->serve_fd = NO_DESCRIPTOR;
	me->serve_port = &no_port;
again:
	error = msg_wait(port, epoch, me, timeout);
	if (error)
		return error;
	flags = spin_lock_irq(&port->lock);
	if ((!port->notified || port->notified_last) && port_epoch_is(port, epoch))
		while (batch.count < max && take_into(port, &batch))
			continue;
	if (batch.count)
		port->receiver_pid = current_process()->pid;
	spin_unlock_irq(&port->lock, flags);
	free_read(&batch);
	if (batch.count) {
		cpu_user_frame()->rdx = batch.count;
		return msg_header_make(MSG_BATCH, batch.used, 0, 0);
	}
	/* A notification, or a message that fills the buffer: what another thread has taken meanwhile is not there any more. */
	error = msg_receive(port, epoch, me, 0, FILES_REFUSED, &receipt);
	if (error == -EAGAIN && timeout < 0)
		goto again;
	if (error)
		return error;
	cpu_user_frame()->rdx = receipt.token;
	return receipt.header;
}

long sys_msg_recv_many(int fd, unsigned max, int64_t timeout)
{
	struct endpoint *me = endpoint_current();
	struct port_ref ref = port_borrow(fd, PORT_RECV);
	long result;

	if (!ref.port)
		return ref.error;
	result = !max ? -EINVAL : me ? recv_many(ref.port, port_file_epoch(ref.fd.file), me, max, timeout) : -ENOBUFS;
	port_release_ref(ref);
	return result;
}
