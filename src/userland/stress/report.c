/* SPDX-License-Identifier: MIT */
/* How a storm's workers report failures and progress, and their random numbers; see stress.h. */
#include "stress.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct storm *storm_current;
struct storm_state *storm_state;
const char *storm_program;

/* One write(2), so that lines of several processes do not mix. */
static void print_line(const char *kind, const char *where, const char *format, va_list list)
{
	char line[1024];
	int length = snprintf(line, sizeof line, "%s %s (pid %d, tid %d)%s: ", kind, storm_current->name, getpid(), storm_tid(), where);

	length += vsnprintf(line + length, sizeof line - length, format, list);
	if (length > (int)sizeof line - 2)
		length = sizeof line - 2;
	line[length++] = '\n';
	if (write(STDOUT_FILENO, line, length) != length)
		_exit(99);
}

noreturn void storm_fail(const char *file, int line, const char *text, const char *format, ...)
{
	char where[256];
	int number = errno;
	va_list list;

	/* Who fails because another has failed has nothing to tell. */
	if (atomic_fetch_add(&storm_state->failures, 1) < 5) {
		snprintf(where, sizeof where, " %s:%d: %s is false (errno %d, %s)", file, line, text, number, strerror(number));
		va_start(list, format);
		print_line("FAIL", where, format, list);
		va_end(list);
	}
	storm_state->stop = 1;
	_exit(1);
}

void storm_note(const char *format, ...)
{
	va_list list;

	if (storm_state->notes++)
		return;
	va_start(list, format);
	print_line("note", "", format, list);
	va_end(list);
}

void storm_advance(struct worker *worker)
{
	storm_state->worker[worker->index].moves++;
}

bool storm_goes_on(struct worker *worker)
{
	uint64_t begun = ++storm_state->worker[worker->index].count;

	storm_state->worker[worker->index].moves++;
	return !storm_state->stop && (!storm_state->rounds || begun <= storm_state->rounds);
}

bool storm_meet(struct worker *worker, struct storm_meeting *meeting)
{
	bool mine = storm_goes_on(worker);

	/* The second barrier keeps the decision until everyone has seen it. */
	if (pthread_barrier_wait(&meeting->barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
		meeting->go_on = mine;
	pthread_barrier_wait(&meeting->barrier);
	return meeting->go_on;
}

/* Xorshift with a multiplier: any state but 0 is a good one. */
uint64_t storm_random(struct worker *worker)
{
	worker->random ^= worker->random >> 12;
	worker->random ^= worker->random << 25;
	worker->random ^= worker->random >> 27;
	return worker->random * 0x2545f4914f6cdd1d;
}

unsigned storm_pick(struct worker *worker, unsigned limit)
{
	return (storm_random(worker) >> 32) % limit;
}
