/* SPDX-License-Identifier: MIT */
/*
 * Kills the server of a file system DEATHS=N times, and asks something of the next instance each time: every other time with a request held for sure (the
 * server is stopped, then asked, then killed), the rest at any moment, while others work. The request must be answered as if nothing had happened. No request
 * meets two deaths.
 *
 * SEED=N; SERVICE=NAME is the server's in services.conf (default ext2); the file system is TMPDIR's. It prints how many were killed, how many of them
 * with its request held, and the median and the longest time from the kill to that request's answer. On Linux nothing is checked.
 */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DEATHS_MAX = 4000, COMES_MS = 10000, ASKS_MS = 1000, SETTLE_MS = 3, PAUSE_MS = 30 };

struct asked {
	int begun, answered;
	uint64_t when;			/* it was answered, in nanoseconds */
};

static uint64_t state, times[DEATHS_MAX];
static struct asked *asked;
static unsigned long count;

static uint64_t draw(uint64_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state * 0x2545f4914f6cdd1dull >> 16) % limit;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* The process of a service, as svc tells it; 0 when there is none. */
static pid_t find(const char *service)
{
	char line[256], name[64], run[32];
	FILE *list = popen("svc list 2>/dev/null", "r");
	pid_t found = 0;
	int pid;

	while (list && fgets(line, sizeof line, list))
		if (sscanf(line, "%63s %31s %d", name, run, &pid) == 3 && !strcmp(name, service) && !strcmp(run, "running"))
			found = pid;
	if (list)
		pclose(list);
	return found;
}

static pid_t find_another(const char *service, pid_t than)
{
	long end = check_now() + COMES_MS;
	pid_t found;

	while ((found = find(service)) == than || !found) {
		if (check_now() > end)
			return 0;
		check_sleep(2);
	}
	return found;
}

/* A file comes and goes, which nobody but the server can do. */
static void ask(void *argument)
{
	char name[32];
	int fd;

	(void)argument;
	snprintf(name, sizeof name, "asked-%lu", count);
	__atomic_store_n(&asked->begun, 1, __ATOMIC_SEQ_CST);
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	asked->when = now();
	__atomic_store_n(&asked->answered, 1, __ATOMIC_SEQ_CST);
	CHECK(fd >= 0);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(unlink(name), 0);
}

/* Returns whether the request was held when the server was killed. */
static int kill_one(pid_t server, int held, uint64_t *took)
{
	pid_t child;
	uint64_t killed;

	memset(asked, 0, sizeof *asked);
	if (held)
		CHECK_EQ(kill(server, SIGSTOP), 0);
	else
		check_sleep((int)draw(PAUSE_MS));
	child = check_spawn(ask, NULL);
	if (held) {
		for (long end = check_now() + ASKS_MS; !__atomic_load_n(&asked->begun, __ATOMIC_SEQ_CST) && check_now() < end;)
			check_sleep(1);
		check_sleep(SETTLE_MS);
	}
	held = held && !__atomic_load_n(&asked->answered, __ATOMIC_SEQ_CST);
	killed = now();
	CHECK_EQ(kill(server, SIGKILL), 0);
	CHECK_EQ(check_wait(child), 0);
	*took = asked->when > killed ? asked->when - killed : 0;
	return held;
}

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static void deaths(void)
{
	const char *text = getenv("DEATHS"), *given = getenv("SEED"), *service = getenv("SERVICE") ? getenv("SERVICE") : "ext2";
	unsigned long wanted = text ? strtoul(text, NULL, 10) : 20, seed = given ? strtoul(given, NULL, 10) : (unsigned long)check_now();
	unsigned held_count = 0;
	pid_t server;
	struct utsname system;

	printf("SEED=%lu\n", seed);
	state = (seed + 1) * 0x9e3779b97f4a7c15ull;
	uname(&system);
	if (strcmp(system.sysname, "RaeenOS"))
		return;
	server = find_another(service, 0);
	if (!CHECK(server != 0) || !CHECK(wanted <= DEATHS_MAX))
		return;
	/* Nothing of this program may have to be read while the server is stopped. */
	CHECK_EQ(mlockall(MCL_CURRENT | MCL_FUTURE), 0);
	asked = mmap(NULL, sizeof *asked, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (count = 0; count < wanted && server; count++) {
		uint64_t took;

		if (kill_one(server, count % 2 == 0, &took))
			times[held_count++] = took;
		server = find_another(service, server);
		CHECK(server != 0);
		/* What it was given again is answered before this. A request that met two deaths would fail, and rightly. */
		CHECK_EQ(check_wait(check_spawn(ask, NULL)), 0);
	}
	qsort(times, held_count, sizeof times[0], compare);
	printf("%lu deaths, %u of them with a request held; median %llu ns, longest %llu ns\n", count, held_count,
	       (unsigned long long)(held_count ? times[held_count / 2] : 0), (unsigned long long)(held_count ? times[held_count - 1] : 0));
}

static const struct check_case cases[] = {
	CASE(deaths),
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("root_killer", cases, argc, argv);
}
