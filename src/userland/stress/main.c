/* SPDX-License-Identifier: MIT */
/*
 * stress: storms of system calls from many threads and processes at once, with every result checked.
 *
 *	stress [--seconds N | --rounds N] [--seed N] [--workers N] [--hang N] [--together] [STORM...]
 *	stress --list
 *
 * Each storm runs for N seconds (3), or until each worker has done N rounds; all storms when none is named, one after the
 * other or all at once. A storm goes on past its seconds until every worker has done a round. It fails when a check does,
 * when it leaves processes behind, or when one of its workers makes no progress for --hang seconds (120): however slow the
 * machine is, what counts is that nothing moves. Prints "ok STORM: N rounds" or why not; exits with 0 when all are ok.
 */
#include "stress.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	STORMS_MAX = 40,
	LOOK_NS = 20000000,
	/* To wait for the workers of a storm that has failed, so that what they do is not printed half. */
	KILL_LOOKS = 10,
};

static const struct storm *const storms[] = {
#define STORM_ENTRY(name) &name##_storm,
	STORMS(STORM_ENTRY)
};
enum { STORM_COUNT = sizeof storms / sizeof *storms };

static struct {
	uint64_t seed, rounds, seconds, hang;
	unsigned workers;
	bool together;
} options = { .seconds = 3, .hang = 120 };

/* One storm that runs, as main.c sees it. */
struct run {
	const struct storm *storm;
	struct storm_state *state;
	pid_t leader;			/* and the process group */
	char folder[64];
	uint64_t start;
	struct {
		uint64_t moves, since;	/* the progress last seen, and when it was first seen */
	} seen[STORM_WORKERS_MAX];
	bool ended, failed;
	int status;			/* of the leader, when it has ended */
};

static uint64_t seed_of(const struct storm *storm)
{
	uint64_t hash = options.seed;

	for (const char *c = storm->name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
	return hash;
}

/* The leader: what is left of the storm's processes becomes its children, and none may be left at the end. */
noreturn static void lead(struct run *run)
{
	int status;

	storm_current = run->storm;
	storm_state = run->state;
	setpgid(0, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	EXPECT(chdir(run->folder) == 0, "%s", run->folder);
	run->storm->run(options.workers);
	while (waitpid(-1, &status, 0) > 0 || errno == EINTR)
		;
	EXPECT(errno == ECHILD, "waitpid");
	exit(0);
}

static void start(struct run *run, const struct storm *storm)
{
	const char *place = getenv("TMPDIR");

	run->storm = storm;
	run->start = storm_now();
	run->state = mmap(NULL, sizeof *run->state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(run->folder, sizeof run->folder, "%.32s/stress-XXXXXX", place ? place : "/tmp");
	if (run->state == MAP_FAILED || !mkdtemp(run->folder)) {
		perror("stress");
		exit(2);
	}
	run->state->seed = seed_of(storm);
	run->state->rounds = options.rounds;
	fflush(stdout);
	run->leader = fork();
	if (run->leader < 0) {
		perror("stress: fork");
		exit(2);
	}
	if (!run->leader)
		lead(run);
	setpgid(run->leader, run->leader);
}

/* Whether each worker has done a round, and how many rounds there were. */
static bool all_have_begun(const struct run *run, uint64_t *rounds)
{
	unsigned workers = run->state->workers;

	*rounds = 0;
	for (unsigned i = 0; i < workers; i++) {
		uint64_t count = run->state->worker[i].count;

		if (count < 2)
			return false;
		*rounds += count - 1;
	}
	return workers > 0;
}

/* The worker that has made no progress for too long, or -1. */
static int find_hanging(struct run *run)
{
	uint64_t now = storm_now();

	for (unsigned i = 0; i < STORM_WORKERS_MAX; i++) {
		uint64_t moves = run->state->worker[i].moves;

		if (moves != run->seen[i].moves || !run->seen[i].since) {
			run->seen[i].moves = moves;
			run->seen[i].since = now;
		}
		if (run->state->worker[i].tid && now - run->seen[i].since > options.hang * 1000000000)
			return i;
	}
	return -1;
}

static void fail(struct run *run, const char *why)
{
	if (!run->failed) {
		printf("FAILED %s: %s (--seed %lu); its threads:\n", run->storm->name, why, (unsigned long)options.seed);
		watch_print(run->leader, run->state);
	}
	run->failed = true;
	kill(-run->leader, SIGKILL);
}

/* The leader has ended and was reaped. */
static void conclude(struct run *run)
{
	uint64_t rounds;
	char why[64];

	run->ended = true;
	if (run->status != 0) {
		snprintf(why, sizeof why, "it ended with status %#x", run->status);
		fail(run, why);
	} else if (!run->failed && kill(-run->leader, 0) == 0) {
		fail(run, "processes are left");
	} else if (!run->failed && !all_have_begun(run, &rounds)) {
		fail(run, "a worker never did a round");
	} else if (!run->failed) {
		printf("ok %s: %lu rounds in %lu ms\n", run->storm->name, (unsigned long)rounds, (unsigned long)((storm_now() - run->start) / 1000000));
	}
	watch_remove_tree(run->folder);
	munmap(run->state, sizeof *run->state);
	fflush(stdout);
}

static void look_at(struct run *run)
{
	uint64_t rounds;
	char why[64];
	int hanging;

	if (run->state->failures) {
		for (int i = 0; i < KILL_LOOKS; i++)
			storm_nap(LOOK_NS);
		fail(run, "a check failed");
		return;
	}
	if (!options.rounds && storm_now() - run->start > options.seconds * 1000000000 && all_have_begun(run, &rounds))
		run->state->stop = 1;
	/* A worker's progress counts until the storm is over; what the leader does at the end is worth as long again. */
	hanging = find_hanging(run);
	if (hanging >= 0) {
		snprintf(why, sizeof why, "worker %d makes no progress", hanging);
		fail(run, why);
	}
}

static void reap(struct run *runs, unsigned count)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < count; i++)
			if (runs[i].leader == pid) {
				runs[i].status = status;
				conclude(&runs[i]);
			}
}

/* Runs @count storms at once; returns how many failed. */
static unsigned run_storms(const struct storm *const *chosen, unsigned count)
{
	struct run *runs = calloc(count, sizeof *runs);
	unsigned left = count, failed = 0;

	for (unsigned i = 0; i < count; i++) {
		printf("storm %s: seed %lu, %u workers\n", chosen[i]->name, (unsigned long)options.seed, options.workers);
		start(&runs[i], chosen[i]);
	}
	while (left) {
		storm_nap(LOOK_NS);
		reap(runs, count);
		left = 0;
		for (unsigned i = 0; i < count; i++)
			if (!runs[i].ended) {
				look_at(&runs[i]);
				left++;
			}
	}
	for (unsigned i = 0; i < count; i++)
		failed += runs[i].failed;
	free(runs);
	return failed;
}

static const struct storm *find(const char *name)
{
	for (unsigned i = 0; i < STORM_COUNT; i++)
		if (!strcmp(storms[i]->name, name))
			return storms[i];
	fprintf(stderr, "stress: no storm \"%s\" (--list shows them)\n", name);
	exit(2);
}

static uint64_t number(const char *option, const char *text)
{
	char *end = NULL;
	uint64_t value = text ? strtoull(text, &end, 0) : 0;

	if (!text || !*text || *end) {
		fprintf(stderr, "stress: %s: expected a number\n", option);
		exit(2);
	}
	return value;
}

static void set_option(const char *option, const char *text)
{
	if (!strcmp(option, "--seconds"))
		options.seconds = number(option, text);
	else if (!strcmp(option, "--rounds"))
		options.rounds = number(option, text);
	else if (!strcmp(option, "--seed"))
		options.seed = number(option, text);
	else if (!strcmp(option, "--hang"))
		options.hang = number(option, text);
	else if (!strcmp(option, "--workers"))
		options.workers = number(option, text);
	else {
		fprintf(stderr, "stress: no option %s\n", option);
		exit(2);
	}
}

static void list(void)
{
	for (unsigned i = 0; i < STORM_COUNT; i++)
		printf("%s\t%s\n", storms[i]->name, storms[i]->what);
}

/* By default twice as many workers as CPUs, so that CPUs are both shared and changed. */
static void complete_options(void)
{
	if (!options.workers)
		options.workers = 2 * sysconf(_SC_NPROCESSORS_ONLN);
	if (options.workers < 4)
		options.workers = 4;
	if (options.workers > STORM_WORKERS_MAX)
		options.workers = STORM_WORKERS_MAX;
	if (!options.seed)
		options.seed = time(NULL);
}

static const char *own_path(void)
{
	static char path[256];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);

	if (length < 0) {
		perror("stress: /proc/self/exe");
		exit(2);
	}
	path[length] = 0;
	return path;
}

int main(int argc, char **argv)
{
	const struct storm *chosen[STORMS_MAX];
	unsigned count = 0, failed = 0;

	storm_program = own_path();
	if (argc > 2 && !strcmp(argv[1], "--child"))
		return find(argv[2])->child(argc - 3, argv + 3);
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--list")) {
			list();
			return 0;
		}
		if (!strcmp(argv[i], "--together")) {
			options.together = true;
		} else if (argv[i][0] == '-') {
			set_option(argv[i], argv[i + 1]);
			i++;
		} else if (count < STORMS_MAX) {
			chosen[count++] = find(argv[i]);
		}
	}
	complete_options();
	if (!count) {
		memcpy(chosen, storms, sizeof storms);
		count = STORM_COUNT;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (options.together)
		failed = run_storms(chosen, count);
	for (unsigned i = 0; i < count && !options.together; i++)
		failed += run_storms(&chosen[i], 1);
	printf(failed ? "FAILED stress: %u of %u storms (seed %lu)\n" : "ok stress: %u failed of %u storms (seed %lu)\n", failed, count,
	       (unsigned long)options.seed);
	return failed != 0;
}
