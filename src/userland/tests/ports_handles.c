/* SPDX-License-Identifier: MIT */
/* Handles in messages while other threads change the descriptors, and batches before messages with handles. Native; races need several CPUs. */
#include "check.h"
#include "ports.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS = 20000, PATIENCE_MS = 4000, SLOT = 100, TYPE = 7 };

static int port;
static unsigned char sent[ROUNDS + 1];
static unsigned turns, over;

/* Sends what is at descriptor SLOT, and notes which file that was. */
static void *send_slot(void *unused)
{
	(void)unused;
	msg_buffer();
	while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
		struct msg_extra extra = { .handles = { SLOT } };
		struct stat info;

		if (msg_send(port, msg_header_make(TYPE, 0, 1, 0), 0, &extra) == 0) {
			msg_recv(port, 0, &extra);
			if (fstat(extra.handles[0], &info) == 0 && info.st_size <= ROUNDS)
				sent[info.st_size]++;
			close(extra.handles[0]);
		}
		__atomic_add_fetch(&turns, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void await_turns(unsigned count)
{
	unsigned begin = __atomic_load_n(&turns, __ATOMIC_ACQUIRE);

	while (__atomic_load_n(&turns, __ATOMIC_ACQUIRE) - begin < count)
		sched_yield();
}

/* Each file there is either found still there or was sent: never closed in another's place. Files are told apart by their sizes. */
static void what_is_sent_was_there(void)
{
	unsigned lost = 0, gone = 0;
	long end = check_now() + PATIENCE_MS;
	pthread_t sender;

	port = port_create(NULL, 0);
	CHECK_EQ(pthread_create(&sender, NULL, send_slot, NULL), 0);
	for (unsigned i = 1; i <= ROUNDS && (check_now() < end || !gone); i++) {
		int file = memfd_create("numbered", 0);

		ftruncate(file, i);
		dup2(file, SLOT);
		close(file);
		for (unsigned wait = rand() % 64; wait; wait--)
			__asm__ volatile("pause");
		if (fcntl(SLOT, F_GETFD) == 0)
			continue;
		gone++;
		await_turns(2);
		lost += !sent[i];
	}
	__atomic_store_n(&over, 1, __ATOMIC_RELEASE);
	pthread_join(sender, NULL);
	CHECK(gone > 0);
	CHECK_EQ(lost, 0);
}

/* A batch ends before a message with handles, which stays for who can take them. */
static void batch_leaves_handles(void)
{
	struct msg_extra extra = { .handles = { 0 } };
	struct result got;
	int file = memfd_create("sent", 0);

	msg_buffer();
	port = port_create(NULL, 0);
	CHECK_EQ(msg_send(port, HEADER(TYPE, 0), 0, NULL), 0);
	CHECK_EQ(ftruncate(file, 4711), 0);
	extra.handles[0] = file;
	CHECK_EQ(msg_send(port, msg_header_make(TYPE, 0, 1, 0), 0, &extra), 0);
	got = native(NR_msg_recv_many, port, 8, 0, 0, 0);
	CHECK_EQ(msg_type(got.value), MSG_BATCH);
	CHECK_EQ(got.token, 1);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(native(NR_msg_recv_many, port, 8, i ? MSG_WAIT : 0, 0, 0).value, -EMSGSIZE);
	got = msg_recv(port, 0, &extra);
	CHECK_EQ(got.value, msg_header_make(TYPE, 0, 1, 0));
	CHECK_EQ(lseek(extra.handles[0], 0, SEEK_END), 4711);
	CHECK_EQ(native(NR_msg_recv_many, port, 8, 0, 0, 0).value, -EAGAIN);
}

static const struct check_case cases[] = { CASE(what_is_sent_was_there), CASE(batch_leaves_handles), { NULL, NULL } };

int main(int argc, char **argv)
{
	return check_main("ports_handles", cases, argc, argv);
}
