/* SPDX-License-Identifier: MIT */
/*
 * Messages between clients and servers that are killed, stopped, signalled, replaced and moved between levels all the time, with handles in them, also
 * those of receivers, with time-outs and by every call there is. Whatever answer comes must be that to the question; at the end nothing may be left.
 * MESSAGES: how many (20000); SEED: what is random follows from it, but for who is first. Native: not for Linux.
 */
#include "check.h"
#include "leak.h"
#include "ports.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PORTS = 4, CLIENTS = 5, PROCESSES = PORTS + CLIENTS, HELD_MAX = 4, BIG = 1600, BATCH = 6, US = 1000, STILL_MS = 60000,
	KIND_PLAIN = 1, KIND_HANDLE, KIND_RECEIVER, KIND_POSTED, KINDS,
	FORM_CALL = 0, FORM_TIMED, FORM_ASK, FORM_HANDLE, FORM_RECEIVER, FORM_POSTED, FORM_BATCH, FORM_NOTIFY, FORMS,
};

struct body {
	uint64_t nonce;
	uint32_t length, kind;
	uint8_t fill[];
};

static struct {
	_Atomic long messages, answers, failures, stop;
	_Atomic long errors[8], forms[FORMS];
} *shared;
static uint64_t seed;
static int ports[PORTS];

/* Prints what is wrong, once or twice. */
#define MUST(condition, ...) do { \
	if (!(condition) && atomic_fetch_add(&shared->failures, 1) < 5) { \
		printf("line %d: " #condition ": ", __LINE__); \
		printf(__VA_ARGS__); \
		printf("\n"); \
		fflush(stdout); \
	} \
} while (0)

static uint64_t next(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	return *random ^= *random << 17;
}

static unsigned pick(uint64_t *random, unsigned limit)
{
	return (next(random) >> 20) % limit;
}

static void body_make(struct body *body, uint64_t nonce, unsigned length, unsigned kind)
{
	body->nonce = nonce;
	body->length = length;
	body->kind = kind;
	for (unsigned i = sizeof(*body); i < length; i++)
		((uint8_t *)body)[i] = (nonce >> i % 8 * 8) + i;
}

static int body_ok(const struct body *body, unsigned length)
{
	if (length < sizeof(*body) || body->length != length || body->kind == 0 || body->kind >= KINDS)
		return 0;
	for (unsigned i = sizeof(*body); i < length; i++)
		if (((const uint8_t *)body)[i] != (uint8_t)((body->nonce >> i % 8 * 8) + i))
			return 0;
	return 1;
}

static uint64_t answer_to(uint64_t nonce) { return nonce * 0x9e3779b97f4a7c15 + 1; }

static unsigned random_length(uint64_t *random)
{
	switch (pick(random, 4)) {
	case 0:
		return sizeof(struct body) + pick(random, BIG);
	case 1:
		return pick(random, 16) ? 4096 : MSG_PAYLOAD_MAX;
	default:
		return sizeof(struct body) + 8 * pick(random, 12);
	}
}

/* ---- Servers ---- */

struct server {
	int fd;
	uint64_t random;
	char *buffer, batch[MSG_PAYLOAD_MAX];
	unsigned held;
	struct { uint64_t token; struct body body; } calls[HELD_MAX + BATCH];
};

/* A handle that was received goes on or is closed. */
static void use_handle(struct server *server, int fd)
{
	struct msg_extra extra = { .handles = { fd } };

	if (pick(&server->random, 3) == 0) {
		body_make((struct body *)server->buffer, 1, sizeof(struct body), KIND_RECEIVER);
		msg_send(ports[pick(&server->random, PORTS)], msg_header_make(KIND_RECEIVER, sizeof(struct body), 1, pick(&server->random, 20)), 0, &extra);
	} else {
		close(fd);
	}
}

/* Answers a call it holds, with what else that takes. The next message, if @form wants one. */
static struct result settle(struct server *server, unsigned at, int form)
{
	struct body body = server->calls[at].body;
	uint64_t token = server->calls[at].token;
	struct result none = { .value = -EAGAIN };
	long done;

	server->calls[at] = server->calls[--server->held];
	if (pick(&server->random, 200) == 0) {
		port_control(server->fd, PORT_DROP, token);
		return none;
	}
	body_make((struct body *)server->buffer, answer_to(body.nonce), body.length, body.kind);
	if (form == 1)
		return msg_reply_recv(server->fd, HEADER(body.kind, body.length), token, 2000 * US, NULL);
	if (form == 2)
		return msg_serve(server->fd, HEADER(body.kind, body.length), token);
	done = msg_reply(server->fd, HEADER(body.kind, body.length), token, NULL);
	MUST(done == 0 || errno == ENOENT || errno == ESTALE, "reply: %d", errno);
	return none;
}

static void keep(struct server *server, const struct body *body, uint64_t token)
{
	server->calls[server->held].token = token;
	server->calls[server->held++].body = *body;
}

static void take_in(struct server *server, struct result got, struct msg_extra *extra)
{
	struct body *body = (struct body *)server->buffer;
	struct msg_extra back = { .handles = { 0 } };

	if (msg_type(got.value) == MSG_NOTIFICATION)
		return;
	if (msg_type(got.value) == MSG_BATCH) {
		size_t at = 0;

		memcpy(server->batch, server->buffer, sizeof(server->batch));
		for (uint64_t i = 0; i < got.token; i++) {
			struct msg_record *record = (struct msg_record *)(server->batch + at);

			MUST(body_ok((struct body *)(record + 1), msg_length(record->header)), "batch of %lu, %lu", got.token, i);
			if (record->token)
				keep(server, (struct body *)(record + 1), record->token);
			at = (at + sizeof(*record) + msg_length(record->header) + 7) & ~7ul;
		}
		return;
	}
	MUST(body_ok(body, msg_length(got.value)), "length %u type %u", msg_length(got.value), msg_type(got.value));
	if (body->kind == KIND_HANDLE && got.token && msg_handles(got.value) == 1) {
		struct body copy = *body;

		back.handles[0] = extra->handles[0];
		body_make(body, answer_to(copy.nonce), copy.length, KIND_HANDLE);
		msg_reply(server->fd, msg_header_make(KIND_HANDLE, copy.length, 1, 0), got.token, &back);
		return;
	}
	if (got.token)
		keep(server, body, got.token);
	for (unsigned i = 0; i < msg_handles(got.value); i++)
		use_handle(server, extra->handles[i]);
}

static struct result receive(struct server *server, int form, struct msg_extra *extra)
{
	if (form == 0 && pick(&server->random, 4) == 0) {
		struct result got = native(NR_msg_recv_many, server->fd, BATCH, 1000 * US, 0, 0);

		/* With handles it comes alone. */
		return got.value == -EMSGSIZE ? msg_recv(server->fd, 0, extra) : got;
	}
	if (form == 2)
		return native(NR_msg_serve, server->fd, 0, 0, 0, 0);
	return msg_recv(server->fd, 1000 * US, extra);
}

static void *serve_thread(void *argument)
{
	struct server *server = argument;
	struct msg_extra extra;

	server->buffer = msg_buffer();
	while (shared->stop < 2) {
		struct result got = { .value = -EAGAIN };
		int form = pick(&server->random, 4);

		if (server->held && (server->held >= HELD_MAX || pick(&server->random, 3))) {
			got = settle(server, pick(&server->random, server->held), form);
			memset(&extra, -1, sizeof(extra));
		}
		if (got.value == -EAGAIN && server->held < HELD_MAX) {
			got = receive(server, form, &extra);
		}
		if (got.value == -ESTALE)
			break;
		MUST(got.value >= 0 || got.value == -EAGAIN || got.value == -EINTR || got.value == -ETIMEDOUT || got.value == -ENOENT, "%ld", got.value);
		if (got.value >= 0)
			take_in(server, got, &extra);
		if (pick(&server->random, 4000) == 0)
			_exit(0);
	}
	return NULL;
}

static void serve(int fd, uint64_t random)
{
	static struct server servers[2];
	pthread_t thread;

	for (int i = 0; i < 2; i++)
		servers[i] = (struct server){ .fd = fd, .random = random + i * 77 };
	if (random & 1 && pthread_create(&thread, NULL, serve_thread, &servers[1]) == 0) {
		serve_thread(&servers[0]);
		pthread_join(thread, NULL);
	} else {
		serve_thread(&servers[0]);
	}
	_exit(0);
}

/* ---- Clients ---- */

static int allowed(long error)
{
	static const int list[] = { ETIMEDOUT, EINTR, ECONNRESET, EIO, EAGAIN };

	for (unsigned i = 0; i < sizeof(list) / sizeof(*list); i++)
		if (error == -list[i]) {
			atomic_fetch_add(&shared->errors[i], 1);
			return 1;
		}
	return 0;
}

static void ask_something(uint64_t *random, char *buffer, int form, int timed)
{
	struct body *body = (struct body *)buffer;
	struct msg_extra extra = { .handles = { 0 } };
	unsigned length = random_length(random), handles = form == FORM_HANDLE, kind = handles ? KIND_HANDLE : KIND_PLAIN;
	int fd = ports[pick(random, PORTS)], ends[2] = { -1, -1 };
	uint64_t nonce = next(random);
	struct stat before, after;
	struct result got;

	if (handles) {
		if (pipe(ends))
			return;
		fstat(ends[1], &before);
		extra.handles[0] = ends[1];
	}
	body_make(body, nonce, length, kind);
	if (form == FORM_ASK)
		got = msg_ask(fd, HEADER(kind, length));
	else
		got = msg_call(fd, msg_header_make(kind, length, handles, pick(random, 20)), timed ? 200 * US + pick(random, 4000 * US) : MSG_WAIT,
			       handles || pick(random, 2) ? &extra : NULL);
	if (got.value < 0) {
		MUST(allowed(got.value), "call: %ld", got.value);
	} else {
		atomic_fetch_add(&shared->answers, 1);
		MUST(msg_length(got.value) == length && msg_type(got.value) == kind, "header %lx for %u", got.value, length);
		MUST(body_ok(body, length) && body->nonce == answer_to(nonce), "nonce %lx gave %lx", nonce, body->nonce);
		if (msg_handles(got.value)) {
			MUST(handles && fstat(extra.handles[0], &after) == 0 && after.st_ino == before.st_ino, "another's handle");
			close(extra.handles[0]);
		}
	}
	if (handles)
		close(ends[0]);
}

static void send_receiver(uint64_t *random, char *buffer)
{
	static _Atomic int count;
	struct msg_extra extra = { .handles = { 0 } };
	char name[PORT_NAME_MAX];
	int receiver, send;
	long done;

	snprintf(name, sizeof(name), "storm.%d.%d", getpid(), atomic_fetch_add(&count, 1));
	receiver = port_create(name, pick(random, 2) ? PORT_PERSISTENT : 0);
	if (receiver < 0)
		return;
	send = port_open(name, PORT_SEND);
	body_make((struct body *)buffer, 7, sizeof(struct body), KIND_RECEIVER);
	if (pick(random, 2))
		msg_send(send, HEADER(KIND_RECEIVER, sizeof(struct body)), 0, NULL);
	extra.handles[0] = receiver;
	if (pick(random, 2)) {
		done = msg_call(ports[pick(random, PORTS)], msg_header_make(KIND_RECEIVER, sizeof(struct body), 1, 0), 1000 * US, &extra).value;
		MUST(done >= 0 || done == -EINVAL || allowed(done), "%ld", done);
	} else {
		done = msg_send(ports[pick(random, PORTS)], msg_header_make(KIND_RECEIVER, sizeof(struct body), 1, 0), 0, &extra);
		MUST(done == 0 || errno == EINVAL || allowed(-errno), "%d", errno);
	}
	close(send);
}

static void send_batch(uint64_t *random, char *buffer)
{
	size_t at = 0;
	long sent;

	for (int i = 0; i < BATCH; i++) {
		unsigned length = sizeof(struct body) + pick(random, 300);
		struct msg_record *record = (struct msg_record *)(buffer + at);

		*record = (struct msg_record){ .header = HEADER(KIND_POSTED, length) };
		body_make((struct body *)(record + 1), next(random), length, KIND_POSTED);
		at = (at + sizeof(*record) + length + 7) & ~7ul;
	}
	sent = checked(native(NR_msg_send_many, ports[pick(random, PORTS)], BATCH, 0, 0, 0));
	MUST(sent > 0 || allowed(-errno), "%d", errno);
}

static void *client_thread(void *argument)
{
	uint64_t random = (uint64_t)argument;
	char *buffer = msg_buffer();
	unsigned length;
	long done;

	next(&random);
	while (!shared->stop) {
		int form = pick(&random, FORMS);

		switch (form) {
		case FORM_RECEIVER:
			send_receiver(&random, buffer);
			break;
		case FORM_POSTED:
			length = random_length(&random);
			body_make((struct body *)buffer, next(&random), length, KIND_POSTED);
			done = msg_send(ports[pick(&random, PORTS)], msg_header_make(KIND_POSTED, length, 0, pick(&random, 20)),
					pick(&random, 2) ? 0 : 1000 * US, NULL);
			MUST(done == 0 || allowed(-errno), "%d", errno);
			break;
		case FORM_BATCH:
			send_batch(&random, buffer);
			break;
		case FORM_NOTIFY:
			MUST(port_notify(ports[pick(&random, PORTS)], 1 + pick(&random, 255)) == 0, "%d", errno);
			break;
		default:
			ask_something(&random, buffer, form, form == FORM_TIMED);
		}
		atomic_fetch_add(&shared->messages, form == FORM_BATCH ? BATCH : 1);
		atomic_fetch_add(&shared->forms[form], 1);
	}
	return NULL;
}

static void on_signal(int signal) { (void)signal; }

static void be_client(uint64_t random)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = random & 2 ? SA_RESTART : 0 };
	pthread_t thread;
	bool two = random & 4;

	sigaction(SIGUSR1, &action, NULL);
	if (two)
		two = pthread_create(&thread, NULL, client_thread, (void *)(random + 12345)) == 0;
	client_thread((void *)random);
	if (two)
		pthread_join(thread, NULL);
	_exit(0);
}

/* ---- Who starts and ends them ---- */

static pid_t pids[PROCESSES];
static uint64_t chance;

static void start(int index)
{
	uint64_t random = next(&chance);
	int fd = index < PORTS ? port_control(ports[index], PORT_TAKE, PORT_KEEP) : -1;

	if (index < PORTS)
		MUST(fd >= 0, "take: %d", errno);
	pids[index] = fork();
	if (pids[index] == 0) {
		signal(SIGUSR1, on_signal);
		if (index < PORTS)
			serve(fd, random);
		be_client(random);
	}
	if (fd >= 0)
		close(fd);
}

static void disturb(void)
{
	int index = pick(&chance, PROCESSES);
	pid_t pid = pids[index];

	switch (pick(&chance, 8)) {
	case 0:
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		start(index);
		break;
	case 1:
		/* The one before finds out by itself. */
		if (index < PORTS) {
			start(index);
			waitpid(pid, NULL, 0);
		}
		break;
	case 2:
		kill(pid, SIGSTOP);
		check_sleep(1);
		kill(pid, SIGCONT);
		break;
	case 3:
		setpriority(PRIO_PROCESS, pid, (int)pick(&chance, 40) - 20);
		break;
	default:
		kill(pid, SIGUSR1);
	}
}

static void print_ports(void)
{
	char text[8192];
	int fd = open("/proc/ports", O_RDONLY);
	ssize_t len = read(fd, text, sizeof(text) - 1);

	if (len > 0)
		printf("%.*s", (int)len, text);
	close(fd);
}

/* Every other client is killed; the rest get their answers and end by themselves, then the servers. */
static void end_all(void)
{
	for (int i = PORTS; i < PROCESSES; i++) {
		if (i % 2)
			kill(pids[i], SIGKILL);
		while (waitpid(pids[i], NULL, WNOHANG) == 0) {
			for (int j = 0; j < PORTS; j++) {
				port_notify(ports[j], 1);
				if (waitpid(pids[j], NULL, WNOHANG) == pids[j])
					start(j);
			}
			check_sleep(1);
		}
	}
	shared->stop = 2;
	for (int i = 0; i < PORTS; i++)
		kill(pids[i], SIGKILL);
}

static void run(long messages)
{
	static const unsigned flags[PORTS] = { PORT_PERSISTENT, PORT_PERSISTENT | PORT_REPLAY, PORT_PERSISTENT, PORT_PERSISTENT | PORT_REPLAY };
	long seen = 0, moved = check_now();
	pid_t pid;

	shared->messages = shared->stop = 0;
	for (int i = 0; i < PORTS; i++)
		CHECK((ports[i] = port_create(NULL, flags[i] | PORT_KEEP)) >= 0);
	for (int i = 0; i < PROCESSES; i++)
		start(i);
	while (shared->messages < messages && !shared->failures) {
		check_sleep(2);
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			for (int i = 0; i < PROCESSES; i++)
				if (pids[i] == pid)
					start(i);
		disturb();
		if (shared->messages != seen)
			moved = check_now();
		seen = shared->messages;
		if (check_now() - moved > STILL_MS) {
			printf("nothing moves any more after %ld messages\n", seen);
			print_ports();
			CHECK(false);
			break;
		}
	}
	shared->stop = 1;
	end_all();
	for (int i = 0; i < PORTS; i++)
		close(ports[i]);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
}

static void storm(void)
{
	const char *messages = getenv("MESSAGES"), *given = getenv("SEED");
	static struct leak_mark mark;
	long count = messages ? atol(messages) : 20000;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	chance = seed * 0x9e3779b97f4a7c15 | 1;
	printf("SEED=%lu\n", seed);
	run(count / 10);	/* what stays once it was used */
	leak_mark(&mark);
	run(count);
	leak_check(&mark, "the storm");
	printf("%ld answers; timed out %ld, interrupted %ld, server lost %ld, given up %ld, full %ld\n", (long)shared->answers, (long)shared->errors[0],
	       (long)shared->errors[1], (long)shared->errors[2], (long)shared->errors[3], (long)shared->errors[4]);
	CHECK_EQ(shared->failures, 0);
	CHECK(shared->answers > count / 20);
}

static const struct check_case cases[] = { CASE(storm), { NULL, NULL } };

int main(int argc, char **argv)
{
	return check_main("ports_storm", cases, argc, argv);
}
