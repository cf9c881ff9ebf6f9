/* SPDX-License-Identifier: MIT */
/*
 * Kills the server of a file system DEATHS=N times, within about SECONDS=N, while a child asks something of it in a loop, and others work: every other time
 * while it holds a request (it is stopped at moments until its port says so), the rest at any moment. All requests must be answered as if nothing had
 * happened, and what is locked on that file system must stay so. No request meets two deaths: that would be an error, and rightly.
 *
 * SEED=N; SERVICE=NAME is the server's in services.conf (default ext2), PORT=NAME its port (fs.root); the file system is TMPDIR's. It prints how many were
 * killed, how many of them with a request held, how often the port has given out a request again, and the median and the longest time from such a kill to the
 * child's next answer. On Linux nothing is checked.
 */
#include "check.h"
#include "held_locks.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { DEATHS_MAX = 4000, COMES_MS = 20000, SETTLE_MS = 3, SOON_MS = 5, PAUSE_MS = 30 };

/* A line of /proc/ports. */
struct port {
	unsigned held;
	unsigned long replayed;
};

/* What the child that asks is told, and tells. */
struct asked {
	int wanted, over;
	uint64_t killed;		/* when a server was, in nanoseconds; 0: not yet */
	uint64_t answered;		/* the first request after that */
	unsigned long rounds;		/* of a few requests each */
};

static uint64_t state, times[DEATHS_MAX];
static struct asked *asked;
static const char *service, *port_name;

static uint64_t draw(uint64_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state * 0x2545f4914f6cdd1dull >> 16) % limit;
}

static unsigned long number(const char *name, unsigned long usual)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : usual;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static struct port look(void)
{
	static char text[16384];
	struct port port = { 0 };
	size_t have = 0;
	ssize_t got;
	int fd = open("/proc/ports", O_RDONLY);
	char name[64], *line, *rest = text;

	while ((got = read(fd, text + have, sizeof text - 1 - have)) > 0)
		have += (size_t)got;
	close(fd);
	text[have] = 0;
	while ((line = strtok_r(rest, "\n", &rest)))
		if (sscanf(line, "%63s", name) == 1 && !strcmp(name, port_name))
			CHECK_EQ(sscanf(line, "%*s %*u %*s %*u %u %*d %*u %lu", &port.held, &port.replayed), 2);
	return port;
}

/* The process of the service, as svc tells it; 0 when there is none. */
static pid_t find(void)
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

static pid_t find_another(pid_t than)
{
	pid_t found;

	for (long end = check_now() + COMES_MS; (found = find()) == than || !found; check_sleep(2))
		if (check_now() > end)
			return 0;
	return found;
}

/* A file comes and goes, which nobody but the server can do. */
static void ask(void)
{
	uint64_t answered;
	int fd = open("asked", O_WRONLY | O_CREAT | O_EXCL, 0600);

	answered = now();
	if (!CHECK(fd >= 0))
		_exit(1);
	if (__atomic_load_n(&asked->killed, __ATOMIC_SEQ_CST) && !asked->answered)
		__atomic_store_n(&asked->answered, answered, __ATOMIC_SEQ_CST);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(unlink("asked"), 0);
	__atomic_add_fetch(&asked->rounds, 1, __ATOMIC_SEQ_CST);
}

static void ask_often(void *argument)
{
	(void)argument;
	while (!__atomic_load_n(&asked->over, __ATOMIC_SEQ_CST))
		if (__atomic_load_n(&asked->wanted, __ATOMIC_SEQ_CST))
			ask();
		else
			check_sleep(1);
}

static void set_policy(int policy, int level)
{
	CHECK_EQ(syscall(SYS_sched_setscheduler, 0, policy, &(struct sched_param){ .sched_priority = level }), 0);
}

/*
 * Stops it at a moment at which it holds a request: it will die with that in its hands. Real-time priority finds it there, also where both have one CPU.
 * The moments are drawn: by a clock of instructions they would fall in step with who asks.
 */
static int stop_with_request(pid_t server)
{
	int held = 0;

	set_policy(SCHED_FIFO, 1);
	for (long end = check_now() + COMES_MS; !held && check_now() < end; usleep(1 + (useconds_t)draw(100))) {
		if (look().held == 0)
			continue;
		CHECK_EQ(kill(server, SIGSTOP), 0);
		CHECK(check_state(server, 'T', COMES_MS));
		held = look().held >= 1;
		if (!held)
			CHECK_EQ(kill(server, SIGCONT), 0);
	}
	set_policy(SCHED_OTHER, 0);
	/* Who was answered before goes on, and asks again. */
	if (held)
		check_sleep(SETTLE_MS);
	return held;
}

/* Two rounds from now the child is answered, and so is all that the next instance was given again, which went first. */
static void wait_for_answers(void)
{
	unsigned long wanted = __atomic_load_n(&asked->rounds, __ATOMIC_SEQ_CST) + 2;

	for (long end = check_now() + COMES_MS; __atomic_load_n(&asked->rounds, __ATOMIC_SEQ_CST) < wanted && check_now() < end;)
		check_sleep(1);
	CHECK(asked->rounds >= wanted);
}

/* Returns whether a request was held when the server was killed. */
static int kill_one(pid_t server, int held)
{
	if (held)
		held = stop_with_request(server);
	else
		check_sleep((int)draw(SOON_MS));
	asked->answered = 0;
	__atomic_store_n(&asked->killed, now(), __ATOMIC_SEQ_CST);
	CHECK_EQ(kill(server, SIGKILL), 0);
	return held;
}

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* Returns how many requests were held for sure. */
static unsigned kill_often(pid_t server, unsigned long wanted, unsigned long pause)
{
	unsigned held_count = 0;

	for (unsigned long count = 0; count < wanted && CHECK(server != 0); count++) {
		int held;

		__atomic_store_n(&asked->wanted, 0, __ATOMIC_SEQ_CST);
		check_sleep((int)draw(pause));
		__atomic_store_n(&asked->wanted, 1, __ATOMIC_SEQ_CST);
		held = kill_one(server, count % 2 == 0);
		server = find_another(server);
		wait_for_answers();
		held_locks_check();
		if (held)
			times[held_count++] = asked->answered - asked->killed;
	}
	return held_count;
}

static void deaths(void)
{
	unsigned long wanted = number("DEATHS", 20), seed = number("SEED", (unsigned long)check_now()), seconds = number("SECONDS", 0), replayed;
	pid_t asker, server;
	unsigned held;

	printf("SEED=%lu\n", seed);
	state = (seed + 1) * 0x9e3779b97f4a7c15ull;
	service = getenv("SERVICE") ? getenv("SERVICE") : "ext2";
	port_name = getenv("PORT") ? getenv("PORT") : "fs.root";
	if (check_on_linux() || !CHECK(wanted > 0 && wanted <= DEATHS_MAX))
		return;
	/* Nothing of this program may have to be read while the server is stopped. */
	CHECK_EQ(mlockall(MCL_CURRENT | MCL_FUTURE), 0);
	asked = mmap(NULL, sizeof *asked, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	held_locks_take();
	asked->wanted = 1;
	asker = check_spawn(ask_often, NULL);
	wait_for_answers();
	replayed = look().replayed;
	server = find_another(0);
	held = kill_often(server, wanted, seconds ? 2000 * seconds / wanted : PAUSE_MS);
	asked->over = 1;
	CHECK_EQ(check_wait(asker), 0);
	qsort(times, held, sizeof times[0], compare);
	printf("%lu deaths, %u of them with a request held, %lu replayed; median %llu ns, longest %llu ns\n", wanted, held, look().replayed - replayed,
	       (unsigned long long)(held ? times[held / 2] : 0), (unsigned long long)(held ? times[held - 1] : 0));
}

static const struct check_case cases[] = {
	CASE(deaths),
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("root_killer", cases, argc, argv);
}
