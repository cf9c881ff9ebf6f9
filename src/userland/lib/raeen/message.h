/* SPDX-License-Identifier: MIT */
/*
 * libraeen: messages, for programs. What a message is: <raeen/ipc.h>; the calls themselves: <raeen/stubs.h>. Clients of a protocol use its generated
 * functions ("proto/NAME.h"), which are made of this.
 *
 * Errors are negative errno values; message_error_text() has words for them.
 */
#pragma once

#include <raeen/stubs.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Request 0 of every protocol, and its answer: the version of who sends it. Another major version is another protocol; a minor one adds requests. */
struct protocol_version {
	uint16_t major, minor;
};

extern __thread void *message_buffer_of_thread;
/* Asks the kernel for this thread's buffer. NULL: no memory. */
void *message_buffer_first(void);

/*
 * The calling thread's message buffer, MSG_PAYLOAD_MAX bytes: what is sent is written here, what is received is found here, until the next message.
 * NULL: no memory. It is the thread's as long as the thread lives. Not for signal handlers.
 */
static inline void *message_buffer(void)
{
	return __builtin_expect(message_buffer_of_thread != NULL, 1) ? message_buffer_of_thread : message_buffer_first();
}

/*
 * For a program that makes processes without fork() (raw clone calls): the child's thread has no buffer yet, whatever its parent had. fork() does
 * this by itself.
 */
void message_buffer_forget(void);

/*
 * Makes of a call's result what the generated functions return: 0, or a negative errno; the service's own errors come as the type of its answer.
 * @handles: how many the answer has. -EPROTO: it has another number; those that came are closed. @extra: what was given to the call.
 */
int message_answer(int64_t header, unsigned handles, const struct msg_extra *extra);

/* Closes the first @count of @handles that are descriptors (not negative), and makes them -1. */
void message_close(int32_t *handles, unsigned count);

/* Sets all handles of @extra to -1, and everything else to zero. */
void message_extra_clear(struct msg_extra *extra);

/*
 * A handle with @rights (PORT_SEND, ...) to the port @name; while there is no such port, tries again until @timeout nanoseconds are over (0: once;
 * MSG_WAIT: for ever). Returns the descriptor or a negative errno, -ENOENT when it did not come. Sleeps.
 */
int message_open(const char *name, unsigned rights, int64_t timeout);

/*
 * For who looks after another process: makes *@port, by which that tells how it is, and returns a handle with NOTIFY to it, which children inherit. A negative
 * errno: then there is neither, and *@port is -1.
 */
int message_supervise(int32_t *port);

/* The bits that have been notified at @port since the last time; waits for some for @timeout nanoseconds. 0: none came. */
uint64_t message_bits(int port, int64_t timeout);

/* What @error (an errno, negative or not) means to who sends and receives messages; for others strerror()'s text. Not to be freed. */
const char *message_error_text(int error);

/* What the type of a request is called, "svc.start"; NULL when no protocol of this system has it. For traces and logs. */
const char *message_type_name(uint32_t type);

#ifdef __cplusplus
}
#endif
