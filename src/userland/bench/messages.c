/* SPDX-License-Identifier: MIT */
/*
 * RaeenOS's own calls: messages between two processes, whose payload both sides write and read word by word; notifications. The instructions are those of
 * the kernel and of the loops here.
 */
#include "bench.h"

#include <raeen/ipc.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NR_port_create = 1024, NR_msg_buffer = 1026, NR_port_notify = 1034, NR_port_control = 1035, NR_msg_ask = 1044, NR_msg_serve = 1045 };

static int port, back;
static volatile uint64_t *buffer;
static pid_t partner;

static inline int64_t native(long number, uint64_t a, uint64_t b, uint64_t c)
{
	register int64_t result __asm__("rax") = number;

	__asm__ volatile("syscall" : "+a"(result), "+D"(a), "+S"(b), "+d"(c)
			 :: "rcx", "r8", "r9", "r10", "r11", "rbx", "r12", "r13", "r14", "r15", "memory", "xmm0");
	return result;
}

/* Both return the header; *@token is the received call's. */
static inline int64_t ask(int fd, msg_header header)
{
	uint64_t a = fd;
	int64_t result = NR_msg_ask;

	__asm__ volatile("syscall" : "+a"(result), "+D"(a), "+S"(header)
			 :: "rcx", "rdx", "r8", "r9", "r10", "r11", "rbx", "r12", "r13", "r14", "r15", "memory");
	return result;
}

static inline int64_t serve(int fd, msg_header header, uint64_t *token)
{
	uint64_t a = fd, c = *token;
	int64_t result = NR_msg_serve;

	__asm__ volatile("syscall" : "+a"(result), "+D"(a), "+S"(header), "+d"(c)
			 :: "rcx", "r8", "r9", "r10", "r11", "rbx", "r12", "r13", "r14", "r15", "memory");
	*token = c;
	return result;
}

/* Waits for a notification, whose bits nobody wants. */
static inline int64_t wait_notified(int fd)
{
	uint64_t a = (unsigned)fd;
	int64_t result = NR_msg_serve;

	__asm__ volatile("xorl %%esi, %%esi; xorl %%edx, %%edx; syscall" : "+a"(result), "+D"(a)
			 :: "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "rbx", "r12", "r13", "r14", "r15", "memory");
	return result;
}

static inline int64_t buffer_call(void)
{
	int64_t result = NR_msg_buffer;

	__asm__ volatile("syscall" : "+a"(result) :: "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
	return result;
}

static inline int64_t notify(int fd, uint64_t bits)
{
	int64_t result = NR_port_notify;

	__asm__ volatile("syscall" : "+a"(result) : "D"(fd), "S"(bits) : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
	return result;
}

/* Word by word, without a loop, whatever the compiler thinks of that. */
#define EIGHT(do, at) do(at) do(at + 1) do(at + 2) do(at + 3) do(at + 4) do(at + 5) do(at + 6) do(at + 7)
#define WORDS(count, do)			\
	if ((count) >= 8) { EIGHT(do, 0) }	\
	if ((count) >= 16) { EIGHT(do, 8) }
#define READ(word) (void)bytes[word];
#define WRITE(word) bytes[word] = 1;

/* The server reads @words of the request and writes @answer words of its answer. */
static inline __attribute__((always_inline)) void serve_words(unsigned words, unsigned answer)
{
	volatile uint64_t *bytes = buffer;
	uint64_t token = 0;
	int64_t header = serve(port, 0, &token);

	while (header >= 0) {
		WORDS(words, READ)
		WORDS(answer, WRITE)
		header = serve(port, msg_header_make(1, answer * 8, 0, 0), &token);
	}
	_exit(1);
}

static inline __attribute__((always_inline)) void ask_words(unsigned count, unsigned words, unsigned answer)
{
	volatile uint64_t *bytes = buffer;

	while (count--) {
		WORDS(words, WRITE)
		MUST(ask(port, msg_header_make(1, words * 8, 0, 0)) >= 0);
		WORDS(answer, READ)
	}
}

/* Before the fork: the port, of which the child then takes the receiver's handle. */
static int begin(void)
{
	int receiver;

	MUST((buffer = (uint64_t *)native(NR_msg_buffer, 0, 0, 0)) != NULL);
	MUST((port = native(NR_port_create, 0, PORT_KEEP, 0)) >= 0);
	MUST((receiver = native(NR_port_control, port, PORT_TAKE, PORT_KEEP)) >= 0);
	MUST((partner = fork()) >= 0);
	if (partner) {
		close(receiver);
		return 0;
	}
	buffer = (uint64_t *)native(NR_msg_buffer, 0, 0, 0);
	close(port);
	port = receiver;
	return 1;
}

void prepare_message_64(void) { if (begin()) serve_words(8, 8); }
void prepare_message_128(void) { if (begin()) serve_words(16, 16); }
void prepare_message_page(void) { if (begin()) serve_words(0, 0); }
void run_message_64(unsigned count) { ask_words(count, 8, 8); }
void run_message_128(unsigned count) { ask_words(count, 16, 16); }

void run_message_page(unsigned count)
{
	while (count--)
		MUST(ask(port, msg_header_make(1, PAGE, 0, 0)) >= 0);
}

void finish_message(void)
{
	MUST(kill(partner, SIGKILL) == 0 && waitpid(partner, NULL, 0) == partner);
	close(port);
}

/* The other side waits for a notification and sends one back: two of what the row is about, a notification and that the other one goes on with it. */
void prepare_notify(void)
{
	int receiver;

	native(NR_msg_buffer, 0, 0, 0);
	MUST((port = native(NR_port_create, 0, PORT_KEEP, 0)) >= 0 && (back = native(NR_port_create, 0, PORT_KEEP, 0)) >= 0);
	MUST((receiver = native(NR_port_control, port, PORT_TAKE, PORT_KEEP)) >= 0);
	MUST((partner = fork()) >= 0);
	if (partner) {
		close(receiver);
		usleep(50000);	/* it may have sunk below the other one by what it computed before, and rises */
		return;
	}
	native(NR_msg_buffer, 0, 0, 0);
	while (wait_notified(receiver) >= 0)
		notify(back, 1);
	_exit(1);
}

void run_notify(unsigned count)
{
	while (count--) {
		MUST(notify(port, 1) == 0);
		MUST(wait_notified(back) >= 0);
	}
}

void finish_notify(void)
{
	finish_message();
	close(back);
}

/* A native call that finds nothing to do. */
void run_native(unsigned count)
{
	while (count--)
		buffer_call();
}
