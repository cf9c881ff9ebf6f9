/* SPDX-License-Identifier: MIT */
/*
 * The pid table: one number space for processes, threads, process groups and sessions. A bitmap tells which numbers are taken; the slots
 * live in chunks of a page that are made on first use and stay. Everything here needs process_tree_lock.
 */
#include "lib/string.h"
#include "mm/heap.h"
#include "process/internal.h"

enum {
	SLOTS_PER_CHUNK = PAGE_SIZE / sizeof(struct pid_slot),
	CHUNK_COUNT = PID_MAX / SLOTS_PER_CHUNK,
	PID_FIRST_REUSED = 300,		/* low numbers stay with the daemons of the boot */
};

static uint64_t used[PID_MAX / 64];
static struct pid_slot *chunks[CHUNK_COUNT];
static int last_pid;

void pid_table_init(void)
{
	used[0] = 1;	/* 0 is nobody */
}

int process_last_pid(void)
{
	return atomic_load_relaxed(&last_pid);
}

struct pid_slot *pid_slot(int pid)
{
	struct pid_slot *chunk;

	if (pid <= 0 || pid >= PID_MAX)
		return NULL;
	chunk = chunks[pid / SLOTS_PER_CHUNK];
	return chunk ? &chunk[pid % SLOTS_PER_CHUNK] : NULL;
}

/* The lowest number >= @from that is used (@want true) or free, or -1. */
static int scan(int from, bool want)
{
	for (int word = from / 64; word < PID_MAX / 64; word++) {
		uint64_t bits = want ? used[word] : ~used[word];

		if (word == from / 64)
			bits &= ~0ull << (from % 64);
		if (bits)
			return word * 64 + __builtin_ctzll(bits);
	}
	return -1;
}

int pid_next_used(int pid)
{
	return pid + 1 < PID_MAX ? scan(MAX(pid + 1, 1), true) : -1;
}

int pid_alloc(void)
{
	int pid = last_pid + 1 < PID_MAX ? scan(last_pid + 1, false) : -1;

	if (pid < 0)
		pid = scan(PID_FIRST_REUSED, false);
	if (pid < 0)
		return -EAGAIN;
	if (!chunks[pid / SLOTS_PER_CHUNK]) {
		struct pid_slot *chunk = kzalloc(PAGE_SIZE);

		if (!chunk)
			return -ENOMEM;
		chunks[pid / SLOTS_PER_CHUNK] = chunk;
	}
	used[pid / 64] |= 1ull << (pid % 64);
	last_pid = pid;
	return pid;
}

void pid_release(int pid)
{
	struct pid_slot *slot = pid_slot(pid);

	if (!slot->process && !slot->thread && !slot->group && !slot->session)
		used[pid / 64] &= ~(1ull << (pid % 64));
}
