/* SPDX-License-Identifier: MIT */
/*
 * Host test of a protocol's generated code: messages mutated from valid ones against the server's decoder, and answers against the client's. What is
 * valid is decided here a second time, from the protocol's tables; both must agree on each message. What the server itself may do wrong is tried, too. In
 * the end every way in which a message can be rejected must have been seen.
 *
 * Built twice for each protocol, with PROTOCOL_TABLE=NAME_table: under ASan, where bytes behind a message's end are poisoned; and so that branches.py can tell
 * which branches of the generated code were taken.
 *	mutate [COUNT [SEED]]
 */
#include "tables.h"

#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_COUNT = 250000, MUTATIONS_MAX = 3, SOME_HANDLE = 100, REFUSAL = -EXDEV };

/* What a server may do with a valid request. */
enum deed { DEED_ANSWERS, DEED_HAS_NO_FUNCTION, DEED_REFUSES, DEED_ANSWERS_TOO_MUCH, DEED_FORGETS_A_HANDLE, DEEDS };

struct message {
	uint32_t type;
	unsigned length, handles;
	uint64_t token, capabilities, grants;
	_Alignas(16) uint8_t payload[MSG_PAYLOAD_MAX];
};

static uint64_t random_state = 1;
static unsigned long message_number;
static const struct message_table *current;
static unsigned handled;
static enum deed deed;
static struct message message;

static void fail(const char *text)
{
	fprintf(stderr, "%s: message %lu (type %#x %s, length %u, %u handles): %s\n", PROTOCOL_TABLE.protocol->name, message_number, message.type,
		current ? current->name : "unknown", message.length, message.handles, text);
	exit(1);
}

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators". */
static uint64_t any(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dull;
}

static unsigned below(unsigned end)
{
	return (unsigned)((any() >> 32) % end);
}

/* The second opinion */

static uint64_t load(const uint8_t *at, unsigned size)
{
	uint64_t value = 0;

	memcpy(&value, at, size);
	return value;
}

static const struct field_table *tail_of(const struct side_table *side)
{
	return side->field_count && side->fields[side->field_count - 1].tail ? &side->fields[side->field_count - 1] : NULL;
}

static unsigned elements(const struct field_table *field, const uint8_t *base)
{
	if (field->tail)
		return (unsigned)load(base + field->count_offset, 4);
	return field->dimension ? field->dimension : 1;
}

static bool fields_valid(const struct field_table *fields, unsigned count, const uint8_t *base);

static bool element_valid(const struct field_table *field, const uint8_t *at)
{
	uint64_t value;
	bool found = false;

	switch (field->kind) {
	case FIELD_BOOL:
		return *at <= 1;
	case FIELD_RESERVED:
		return *at == 0;
	case FIELD_ENUM:
		value = load(at, 4);
		for (unsigned i = 0; i < field->value_count; i++)
			found |= field->values[i] == value;
		return found;
	case FIELD_STRUCT:
		return fields_valid(field->fields, field->field_count, at);
	default:
		return true;
	}
}

static bool fields_valid(const struct field_table *fields, unsigned count, const uint8_t *base)
{
	for (const struct field_table *field = fields; field < fields + count; field++) {
		bool ended = false;

		for (unsigned i = 0; i < elements(field, base); i++) {
			const uint8_t *at = base + field->offset + i * field->size;

			ended |= *at == 0;
			if (!element_valid(field, at))
				return false;
		}
		if (field->kind == FIELD_TEXT && !ended)
			return false;
	}
	return true;
}

static bool side_valid(const struct side_table *side, const uint8_t *payload, unsigned length)
{
	const struct field_table *tail = tail_of(side);

	if (!tail)
		return length == side->size && fields_valid(side->fields, side->field_count, payload);
	return length >= tail->offset && elements(tail, payload) <= tail->dimension
	       && length == tail->offset + elements(tail, payload) * tail->size && fields_valid(side->fields, side->field_count, payload);
}

/* Valid messages */

static void fill_fields(const struct field_table *fields, unsigned count, uint8_t *base);

static void fill_element(const struct field_table *field, uint8_t *at)
{
	uint64_t value = any();

	if (field->kind == FIELD_STRUCT) {
		fill_fields(field->fields, field->field_count, at);
		return;
	}
	if (field->kind == FIELD_BOOL)
		value &= 1;
	else if (field->kind == FIELD_RESERVED)
		value = 0;
	else if (field->kind == FIELD_ENUM)
		value = field->values[below(field->value_count)];
	else if (field->kind == FIELD_COUNT)
		value = below(8) == 0 ? field->maximum - below(2) : below(field->maximum < 8 ? field->maximum + 1 : 8);
	memcpy(at, &value, field->size);
}

static void fill_fields(const struct field_table *fields, unsigned count, uint8_t *base)
{
	for (const struct field_table *field = fields; field < fields + count; field++) {
		for (unsigned i = 0; i < elements(field, base); i++)
			fill_element(field, base + field->offset + i * field->size);
		if (field->kind == FIELD_TEXT)
			base[field->offset + below(field->dimension)] = 0;
	}
}

/* Returns the length. */
static unsigned fill_side(const struct side_table *side, uint8_t *payload)
{
	const struct field_table *tail = tail_of(side);

	fill_fields(side->fields, side->field_count, payload);
	return tail ? tail->offset + elements(tail, payload) * tail->size : side->size;
}

static void make_valid(const struct message_table *table)
{
	message.type = table->type;
	message.handles = table->request.handles;
	message.token = 1 + (any() >> 1);
	message.capabilities = any() | table->needs;
	message.grants = any() | table->grants;
	message.length = fill_side(&table->request, message.payload);
}

/* Mutations */

/* Changes one field, however deep: all of it, its last element, or a byte. */
static void mutate_field(const struct field_table *fields, unsigned count, uint8_t *base)
{
	const struct field_table *field = fields + below(count);
	unsigned number = field->tail ? field->dimension : field->dimension ? field->dimension : 1;
	uint8_t *at = base + field->offset;

	if (field->kind == FIELD_STRUCT) {
		/* The first elements: those that a message is likely to have. */
		mutate_field(field->fields, field->field_count, at + below(number < 4 ? number : 4) * field->size);
		return;
	}
	switch (below(5)) {
	case 0:
		memset(at, 1 + (int)below(255), number * field->size);
		break;
	case 1:
		memset(at, 0, number * field->size);
		break;
	case 2:
		at[below(number * field->size)] ^= 1 << below(8);
		break;
	case 3:
		at[below(number * field->size)] = (uint8_t)any();
		break;
	case 4:
		memset(at, 0xff, field->size);
		break;
	}
	if (field->kind == FIELD_COUNT && below(2) == 0) {
		uint32_t value = field->maximum + 1 - below(3);

		memcpy(at, &value, sizeof value);
	}
}

static unsigned mutate_length(unsigned length, unsigned size)
{
	switch (below(4)) {
	case 0:
		return below(MSG_PAYLOAD_MAX + 1);
	case 1:
		return below(16);
	case 2:
		return length ? length - 1 : 1;
	default:
		return size < MSG_PAYLOAD_MAX ? size + 1 : 0;
	}
}

static void mutate_message(const struct message_table *table)
{
	switch (below(10)) {
	case 0:
		message.length = mutate_length(message.length, table->request.size);
		break;
	case 1:
		message.handles = below(MSG_HANDLES_MAX + 1);
		break;
	case 2:
		message.token = 0;
		break;
	case 3:
		message.type = (message.type & 0xffff0000) | (below(2) ? below(0x10000) : below(16));
		break;
	case 4:
		message.capabilities = below(2) ? 0 : any();
		break;
	case 5:
		message.grants = below(2) ? 0 : any();
		break;
	case 6:
		message.payload[below(message.length + 1) % MSG_PAYLOAD_MAX] = (uint8_t)any();
		break;
	default:
		if (table->request.field_count)
			mutate_field(table->request.fields, table->request.field_count, message.payload);
	}
}

/* The test */

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* Where the decoder's reply will be: what it does not clear shows. */
static __attribute__((noinline)) void soil_stack(void)
{
	uint8_t bytes[4 * MSG_PAYLOAD_MAX];

	memset(bytes, 0xa5, sizeof bytes);
	__asm__ volatile("" :: "r"(bytes) : "memory");
}

int table_handler(struct server_call *call, const void *request, void *reply)
{
	const struct side_table *side = &current->reply;

	handled++;
	ASAN_UNPOISON_MEMORY_REGION(message.payload, sizeof message.payload);
	if (current->request.field_count && !fields_valid(current->request.fields, current->request.field_count, request))
		fail("the handler got something invalid");
	/* Of what it ends with the handler says how much there is, and fills just that. */
	if (reply && !is_zero(reply, tail_of(side) ? tail_of(side)->offset : side->size))
		fail("the handler got a reply that is not zero");
	if (reply)
		fill_side(side, reply);
	for (unsigned i = 0; i < side->handles; i++)
		call->reply_handles[i] = SOME_HANDLE + (int)i;
	if (deed == DEED_FORGETS_A_HANDLE)
		call->reply_handles[below(side->handles)] = -1;
	if (deed == DEED_ANSWERS_TOO_MUCH)
		*(uint32_t *)((uint8_t *)reply + tail_of(side)->count_offset) = tail_of(side)->dimension + 1 + below(2) * (unsigned)(any() >> 40);
	return deed == DEED_REFUSES ? REFUSAL : 0;
}

/* Something that the server can do with a request of @table: nearly always what it should. */
static enum deed some_deed(const struct message_table *table)
{
	enum deed some = below(8) == 0 ? below(DEEDS) : DEED_ANSWERS;

	if (!table || table->inside)
		return DEED_ANSWERS;
	if ((some == DEED_ANSWERS_TOO_MUCH && !tail_of(&table->reply)) || (some == DEED_FORGETS_A_HANDLE && table->reply.handles == 0))
		return DEED_ANSWERS;
	return some;
}

/* What comes of a valid message. */
static int result_of(enum deed done)
{
	static const int results[] = {
		[DEED_HAS_NO_FUNCTION] = -ENOSYS, [DEED_REFUSES] = REFUSAL, [DEED_ANSWERS_TOO_MUCH] = -EIO, [DEED_FORGETS_A_HANDLE] = -EIO,
	};

	return results[done];
}

static uint64_t all_rejects(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < PROTOCOL_TABLE.protocol->reject_count; i++)
		sum += PROTOCOL_TABLE.protocol->rejects[i];
	return sum;
}

static bool message_valid(void)
{
	return current && (message.token || current->notice) && message.handles == current->request.handles
	       && (current->needs & ~message.capabilities) == 0 && (current->grants & ~message.grants) == 0
	       && side_valid(&current->request, message.payload, message.length);
}

static void check_answer(const struct server_call *call)
{
	const struct side_table *reply = &current->reply;

	if (call->reply_handle_count != reply->handles)
		fail("the answer has another number of handles");
	if (reply->field_count && !side_valid(reply, message.payload, call->reply_length))
		fail("the answer is invalid");
	if (reply->check && reply->check(message.payload, call->reply_length) != 0)
		fail("the client refuses a valid answer");
}

/* Hands the message to the server's decoder. Returns whether it was valid. */
static bool run(void)
{
	struct server_call call = {
		.header = msg_header_make(message.type, message.length, message.handles, 0), .token = message.token, .payload = message.payload,
		.extra = { .grants = message.grants, .capabilities = message.capabilities },
	};
	uint64_t rejects = all_rejects();
	const void *operations;
	bool valid;
	int result;

	current = NULL;
	for (unsigned i = 0; i < PROTOCOL_TABLE.message_count; i++)
		if (PROTOCOL_TABLE.messages[i].type == message.type)
			current = &PROTOCOL_TABLE.messages[i];
	valid = message_valid();
	deed = some_deed(current);
	operations = deed == DEED_HAS_NO_FUNCTION ? PROTOCOL_TABLE.no_operations : PROTOCOL_TABLE.operations;
	handled = 0;
	memset(call.reply_handles, -1, sizeof call.reply_handles);
	ASAN_POISON_MEMORY_REGION(message.payload + message.length, sizeof message.payload - message.length);
	if (below(64) == 0)
		soil_stack();
	result = PROTOCOL_TABLE.protocol->serve(&call, operations);
	ASAN_UNPOISON_MEMORY_REGION(message.payload, sizeof message.payload);
	if (valid ? result != result_of(deed) : result == 0)
		fail(valid ? "a valid message had another result" : "an invalid message was served");
	if (handled != (valid && !current->inside && deed != DEED_HAS_NO_FUNCTION))
		fail("the handler was called for nothing, or was not");
	if (all_rejects() != rejects + !valid)
		fail("the rejection was not counted once");
	if (!valid && result != -EBADMSG && result != -EPERM && result != -ENOSYS)
		fail("another error than EBADMSG, EPERM or ENOSYS");
	if (valid && result == 0)
		check_answer(&call);
	return valid;
}

/* The client's check of an answer, of which a broken server has changed something. */
static void run_reply(const struct message_table *table)
{
	const struct side_table *side = &table->reply;
	bool valid;

	current = table;
	message.type = table->type;
	message.length = fill_side(side, message.payload);
	for (unsigned i = below(MUTATIONS_MAX + 1); i > 0; i--) {
		if (below(3) == 0)
			message.length = mutate_length(message.length, side->size);
		else
			mutate_field(side->fields, side->field_count, message.payload);
	}
	valid = side_valid(side, message.payload, message.length);
	ASAN_POISON_MEMORY_REGION(message.payload + message.length, sizeof message.payload - message.length);
	if ((side->check(message.payload, message.length) == 0) != valid)
		fail(valid ? "the client refuses a valid answer" : "the client takes an invalid answer");
	ASAN_UNPOISON_MEMORY_REGION(message.payload, sizeof message.payload);
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : DEFAULT_COUNT;
	const struct protocol *protocol = PROTOCOL_TABLE.protocol;
	unsigned long valid = 0;
	unsigned missed = 0;

	random_state = argc > 2 ? strtoul(argv[2], NULL, 10) | 1 : 1;
	for (message_number = 0; message_number < count; message_number++) {
		const struct message_table *table = &PROTOCOL_TABLE.messages[below(PROTOCOL_TABLE.message_count)];

		make_valid(table);
		for (unsigned i = below(MUTATIONS_MAX + 1); i > 0; i--)
			mutate_message(table);
		valid += run();
		if (table->reply.check)
			run_reply(table);
	}
	for (unsigned i = 0; i < protocol->reject_count; i++) {
		if (protocol->rejects[i] == 0) {
			fprintf(stderr, "%s: nothing was rejected for %s\n", protocol->name, protocol->reject_names[i]);
			missed++;
		}
	}
	printf("%s: %lu mutated messages, %lu valid, %lu rejected in %u ways\n", protocol->name, count, valid, count - valid, protocol->reject_count);
	return missed != 0 || valid == 0;
}
