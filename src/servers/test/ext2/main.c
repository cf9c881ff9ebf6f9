/* SPDX-License-Identifier: MIT */
/*
 * ext2-service: the ext2 server (../../fs/ext2) for the tests, which goes wrong when it is told to.
 *
 *	ext2-service [--grow] [OPTION=N ...]
 *
 *	--die=N			kills itself with each Nth request in its hands
 *	--die-before-commit=N	... before each Nth commit
 *	--die-after-commit=N	... after it, before anything else
 *	--hang=N		does nothing any more, with each Nth request in its hands
 *	--late=N		dies with each Nth request; a child that it leaves answers that when another instance has it, and says how it ended
 *	--die-mapping=N		kills itself at each Nth commit of blocks for what was written, before it and after it in turn
 *	--err-mapping=N		fails each Nth request for blocks for what was written: EIO
 *	--garbage=SEED		one answer in two is wrong (../lies); how many differ from the right ones it says now and then
 *	--poison=NAME		kills itself with each request that has NAME in it
 *	--dying			kills itself with each request
 *
 * Never twice with the same request, but for --poison and --dying. Options are also taken from the program itself, where whoever makes a copy of it writes
 * them: the manager starts it with the arguments of the service whose place it takes, and it may read no files.
 */
#include "fs/ext2/handlers.h"
#include "test/ext2/points.h"
#include "test/lies/lies.h"

#include <errno.h>
#include <fcntl.h>
#include <raeen/message.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LATE_S = 2 };

#define MARK "RAEEN-EXT2-OPTIONS"

struct points points;

/* Words after MARK, which ci/tests/test_root_faults.py writes. */
static volatile char written[256] = MARK;

static bool is_time(unsigned long every, unsigned long count)
{
	return every && count % every == 0 && points.call->extra.deaths == 0;
}

/* The child has a message buffer of its own, and leaves the process group, which is ended with the service. */
static void begin_late(struct server_call *call)
{
	static uint8_t request[MSG_PAYLOAD_MAX];
	unsigned length = msg_length(call->header);
	pid_t child;

	memcpy(request, call->payload, length);
	/* Else the port is closed in a child. */
	fcntl(call->server->port, F_SETFD, FD_CLOEXEC);
	child = fork();
	while (child > 0)
		pause();
	if (child < 0)
		return;
	setsid();
	call->payload = message_buffer();
	if (!call->payload)
		_exit(1);
	memcpy(call->payload, request, length);
	points.is_late = true;
}

void wait_until_late(void)
{
	static bool waited;
	struct timespec rest = { .tv_sec = LATE_S };

	if (waited)
		return;
	waited = true;
	kill(getppid(), SIGKILL);
	while (nanosleep(&rest, &rest) < 0)
		;
}

void say_late(const char *what, int error)
{
	if (error == -ESTALE)
		dprintf(STDERR_FILENO, "a late %s was refused\n", what);
	else
		dprintf(STDERR_FILENO, "a late %s WAS NOT REFUSED: %d\n", what, error);
}

/* The answer, too, whatever came of the request. */
static void end_late(struct server_call *call, int result)
{
	struct msg_extra extra;

	message_extra_clear(&extra);
	wait_until_late();
	say_late("answer", (int)msg_reply(call->server->port, msg_header_make(0, result == 0 ? call->reply_length : 0, 0, 0), call->token, &extra));
	_exit(0);
}

static void go_wrong(struct server_call *call)
{
	static unsigned long requests;

	requests++;
	if (points.dying)
		kill(getpid(), SIGKILL);
	if (points.poison && memmem(call->payload, msg_length(call->header), points.poison, strlen(points.poison)))
		kill(getpid(), SIGKILL);
	if (is_time(points.die, requests))
		kill(getpid(), SIGKILL);
	while (is_time(points.hang, requests))
		pause();
	if (is_time(points.late, requests))
		begin_late(call);
}

static bool is_allocating(const struct server_call *call)
{
	const struct fs_map_extents_request *request = call->payload;

	return msg_type(call->header) == FS_MAP_EXTENTS && msg_length(call->header) == sizeof *request && request->allocate;
}

static int serve(struct server_call *call, const void *operations)
{
	static unsigned long failures;
	int result;

	points.call = call;
	lies_note_request(call);
	points.allocating = is_allocating(call);
	go_wrong(call);
	if (points.err_mapping && points.allocating && ++failures % points.err_mapping == 0)
		return -EIO;
	result = fs_protocol.serve(call, operations);
	if (points.is_late)
		end_late(call, result);
	if (result == 0 && lies_change(call->payload, &call->reply_length))
		lies_count();
	return result;
}

static bool take_option(const char *text, struct ext2_server *instance)
{
	static const char poison[] = "--poison=";
	unsigned long seed;

	if (strcmp(text, "--grow") == 0)
		instance->grow = true;
	else if (strcmp(text, "--dying") == 0)
		points.dying = true;
	else if (sscanf(text, "--garbage=%lu", &seed) == 1 && seed)
		lies_begin(seed);
	else if (strncmp(text, poison, sizeof poison - 1) == 0 && text[sizeof poison - 1])
		points.poison = text + sizeof poison - 1;
	else
		return sscanf(text, "--die=%lu", &points.die) == 1 || sscanf(text, "--die-before-commit=%lu", &points.die_before_commit) == 1 ||
		       sscanf(text, "--die-after-commit=%lu", &points.die_after_commit) == 1 || sscanf(text, "--hang=%lu", &points.hang) == 1 ||
		       sscanf(text, "--late=%lu", &points.late) == 1 ||
		       sscanf(text, "--die-mapping=%lu", &points.die_mapping) == 1 || sscanf(text, "--err-mapping=%lu", &points.err_mapping) == 1;
	return true;
}

static int take(const char *text, struct ext2_server *instance)
{
	if (take_option(text, instance))
		return 0;
	fprintf(stderr, "ext2-service: %s: expected --grow, --die=N, --die-before-commit=N, --die-after-commit=N, --hang=N, --late=N, --garbage=SEED, "
			"--die-mapping=N, --err-mapping=N, --poison=NAME or --dying\n", text);
	return 2;
}

static int take_written(struct ext2_server *instance)
{
	static char words[sizeof written];
	char *rest = words, *word;
	int status = 0;

	for (size_t i = strlen(MARK); i < sizeof written - 1; i++)
		*rest++ = written[i];
	rest = words;
	while (!status && (word = strtok_r(rest, " ", &rest)))
		status = take(word, instance);
	return status;
}

int main(int argc, char **argv)
{
	static struct ext2_server instance;
	static struct protocol protocol;
	static struct server server = { .name = "ext2", .port_flags = PORT_PERSISTENT | PORT_REPLAY, .protocols = { { &protocol, &ext2_operations } },
					.context = &instance };
	int status = take_written(&instance);

	protocol = fs_protocol;
	protocol.serve = serve;
	for (int i = 1; i < argc && !status; i++)
		status = take(argv[i], &instance);
	return status ? status : server_run(&server);
}
