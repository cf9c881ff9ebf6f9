/* SPDX-License-Identifier: MIT */
/* What services print (output.h). */
#include "output.h"
#include "log.h"
#include "run_state.h"

#include <stdio.h>
#include <unistd.h>

/* Who writes into a full pipe waits for so long at most. As many readings as a pipe holds, and some. */
enum { LOOK_NS = 50000000, READINGS = 40, PIECE = 2048 };

static void keep(struct output *output, struct ring *ring, char *text, size_t length)
{
	ring_put(ring, text, length);
	log_output(&output->plain, text, length);
}

bool output_take(struct output *output, int fd, struct ring *ring)
{
	char text[PIECE];
	ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof(text));

	if (got <= 0)
		return false;
	keep(output, ring, text, throttle_pass(&output->throttle, text, (size_t)got, now_ns()));
	return true;
}

bool output_floods(const struct output *output)
{
	return output->throttle.dropping;
}

uint64_t output_due(const struct output *output)
{
	return output_floods(output) ? output->look_ns : UINT64_MAX;
}

void output_look(struct output *output, int fd, struct ring *ring, const char *name, uint64_t now_ns)
{
	char text[100];
	uint32_t lines;

	if (now_ns < output->look_ns || !output_floods(output))
		return;
	for (unsigned i = 0; i < READINGS && output_take(output, fd, ring); i++)
		;
	output->look_ns = now_ns + LOOK_NS;
	lines = throttle_over(&output->throttle, now_ns);
	if (lines > 0)
		keep(output, ring, text, (size_t)snprintf(text, sizeof(text), "%s%.40s: %u lines dropped\n", output->throttle.within_line ? "\n" : "",
							  name, lines));
}
