/* SPDX-License-Identifier: MIT */
/*
 * threads: lists threads with the CPU each runs on or ran on last, scheduling class, priority and state, from /proc.
 *
 *	threads [PID...]	of these processes; of all without
 *
 * STATE is the letter of /proc/PID/stat: R runs or is ready, S and D sleep, T is stopped, Z has ended. PRI and NI are as ps prints them. CPUS is the
 * affinity, TIME user and system time, SWITCHES how often it gave the CPU up and how often that was taken from it.
 */
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/proc.h"

enum { NICE_HIGH_BELOW = -10, NICE_LOW_ABOVE = 10 };	/* src/kernel/process/sched_calls.c */

struct row {
	char name[64], state, cpus[64];
	long priority, nice, cpu, policy;
	unsigned long user, system, given, taken;
};

/* proc(5): the name is in parentheses and may hold any character, also these. */
static bool parse_stat(char *text, struct row *row)
{
	char *open = strchr(text, '('), *close = strrchr(text, ')');

	if (!open || !close)
		return false;
	*close = '\0';
	snprintf(row->name, sizeof row->name, "%s", open + 1);
	return sscanf(close + 2, "%c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %ld %ld %*d %*d %*u %*u %*d %*u %*u %*u %*u %*u %*u "
		      "%*u %*u %*u %*u %*u %*u %*u %*d %ld %*u %ld", &row->state, &row->user, &row->system, &row->priority, &row->nice, &row->cpu,
		      &row->policy) == 7;
}

static void parse_status(const char *text, struct row *row)
{
	static const char given[] = "\nvoluntary_ctxt_switches:", taken[] = "\nnonvoluntary_ctxt_switches:", cpus[] = "\nCpus_allowed_list:";
	const char *line;

	if ((line = strstr(text, given)))
		row->given = strtoul(line + sizeof given - 1, NULL, 10);
	if ((line = strstr(text, taken)))
		row->taken = strtoul(line + sizeof taken - 1, NULL, 10);
	if ((line = strstr(text, cpus)))
		sscanf(line + sizeof cpus - 1, "%63s", row->cpus);
}

static const char *class_name(const struct row *row)
{
	if (row->policy == SCHED_FIFO || row->policy == SCHED_RR)
		return row->policy == SCHED_RR ? "rt-rr" : "rt-fifo";
	if (row->policy == SCHED_IDLE)
		return "idle";
	if (row->policy == SCHED_BATCH || row->nice > NICE_LOW_ABOVE)
		return "low";
	return row->nice < NICE_HIGH_BELOW ? "high" : "normal";
}

static void show_thread(int pid, int tid)
{
	struct row row = { .cpus = "-" };
	char path[64], text[4096];
	unsigned long ticks, second = sysconf(_SC_CLK_TCK);

	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
	if (!proc_read(path, text, sizeof text) || !parse_stat(text, &row))
		return;		/* it has ended meanwhile */
	snprintf(path, sizeof path, "/proc/%d/task/%d/status", pid, tid);
	if (proc_read(path, text, sizeof text))
		parse_status(text, &row);
	ticks = row.user + row.system;
	printf("%5d %5d %3ld %-8s %4ld %3ld   %c   %3lu:%02lu.%02lu %6s %10lu/%-8lu %s\n", pid, tid, row.cpu, class_name(&row), row.priority,
	       row.nice, row.state, ticks / second / 60, ticks / second % 60, ticks % second * 100 / second, row.cpus, row.given, row.taken, row.name);
}

static bool show_threads_of(int pid)
{
	char path[40];

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	return proc_for_each_number(path, pid, show_thread);
}

static void show_process(int unused, int pid)
{
	(void)unused;
	show_threads_of(pid);
}

static int usage(FILE *to)
{
	fputs("usage: threads [PID...]\n", to);
	return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc > 1 && argv[1][0] == '-')
		return usage(strcmp(argv[1], "--help") == 0 ? stdout : stderr);
	printf("  PID   TID CPU CLASS     PRI  NI STATE      TIME   CPUS      SWITCHES       NAME\n");
	if (argc == 1)
		return !proc_for_each_number("/proc", 0, show_process);
	for (int i = 1; i < argc; i++)
		if (!show_threads_of(atoi(argv[i]))) {
			fprintf(stderr, "threads: %s: no such process\n", argv[i]);
			status = 1;
		}
	return status;
}
