/* SPDX-License-Identifier: MIT */
/* Bytes of messages: between message buffers, and into the kernel for messages whose sender does not wait. */
#include "ipc/messages.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "process/process.h"
#include "security/capabilities.h"

enum { PROCESS_BYTES_MAX = 256 << 10 /* of messages sent and not yet received */, USER_PART = 16 /* of the memory, for those of all his processes */ };

void payload_copy(const struct payload *to, const struct payload *from, size_t len)
{
	size_t first = MIN(len, (size_t)PAGE_SIZE);

	memcpy(to->pieces[0], from->pieces[0], first);
	if (unlikely(len > first))
		memcpy(to->pieces[1], from->pieces[1], len - first);
}

void message_deliver(const struct message *message, struct endpoint *receiver, uint64_t token)
{
	payload_copy(&receiver->payload, &message->payload, msg_length(message->header));
	receiver->header = message->header;
	receiver->token = token;
	receiver->badge = message->badge;
	receiver->sender = message->sender;
	receiver->grants = message->grants;
	receiver->granted_token = message->grants ? token : 0;
	receiver->request = receiver->deaths = 0;
	if (message->is_call) {
		const struct call *call = container_of(message, struct call, message);

		receiver->deaths = call->deaths;
		receiver->request = call->deaths ? call->request : token;
		if (unlikely(call->by_kernel))
			receiver->sender = (struct sender){ .capabilities = CAPABILITIES_ALL };
		else
			msg_fill_sender(&receiver->sender, call->caller);
	}
}

static uint64_t user_limit(void)
{
	return capabilities_may_administer() ? UINT64_MAX : frame_total() / USER_PART * PAGE_SIZE;
}

int posted_create(struct endpoint *sender, size_t offset, size_t len, struct posted **out)
{
	struct process *process = sender->thread->process;
	size_t size = sizeof(struct posted) + len;
	struct posted *posted;

	if (!process_charge_messages(process, size, PROCESS_BYTES_MAX, user_limit()))
		return -EAGAIN;
	posted = kmalloc(size);
	if (!posted) {
		process_uncharge_messages(process, size);
		return -ENOMEM;
	}
	memset(posted, 0, sizeof(*posted));
	list_init(&posted->message.link);
	process_get(process);
	posted->process = process;
	posted->charged = size;
	payload_read(&sender->payload, offset, posted->bytes, len);
	posted->message.payload = (struct payload){ { posted->bytes, posted->bytes + PAGE_SIZE } };
	*out = posted;
	return 0;
}

void posted_free(struct posted *posted)
{
	struct process *process = posted->process;

	handles_leave(posted->message.files, posted->message.handle_count);
	handles_put(posted->message.files, posted->message.handle_count);
	process_uncharge_messages(process, posted->charged);
	wake_all(&process->message_room);
	process_put(process);
	kfree(posted);
}
