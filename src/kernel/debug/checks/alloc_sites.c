/* SPDX-License-Identifier: MIT */
/*
 * Allocations that fail on purpose. The linker sends the calls of an allocator from other files through here (--wrap, in ../../Makefile). Each place of
 * such a call, known by the address that it returns to, is a site; sites are numbered as they are first met. One at a time can be told to fail: by
 * /proc/fail_alloc or, while the system starts, by fail_alloc=N (../README.md).
 *
 * No locks: allocators are called under nearly all there are. A site's place in the table is claimed by one compare-and-exchange, and stays.
 */
#include "debug/checks/internal.h"
#include "arch/x86_64/boot_layout.h"
#include "arch/x86_64/paging.h"
#include "init/boot_info.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "process/process.h"
#include "vfs/procfs/entry.h"

enum { SITES_MAX = 1024 };

struct site {
	uint64_t address;	/* which its call returns to, 0: the place is free; atomic */
	uint32_t number;	/* from 1, 0: just being added; atomic */
	uint32_t in_boot;	/* how often it was passed before process 1 ran; atomic */
	uint32_t passed, meant;	/* how often in all, and by those who are meant; atomic */
	uint32_t failed;	/* atomic */
	char place[PLACE_MAX];	/* its name, once somebody has asked */
};

static struct site sites[SITES_MAX];			/* by address */
static struct site *by_number[SITES_MAX + 1];
static uint32_t site_count;				/* atomic */
static uint32_t boot_is_over;				/* atomic */

/* What is to fail. Changed by one writer at a time, while @number is 0. */
static struct {
	uint32_t number;	/* 0: nothing; atomic */
	int group;		/* process group; negative: all but that one, 0: all; atomic */
	uint64_t skip, times;	/* passes by those who are meant that do not fail yet, and how many do then, 0: each */
	uint64_t passes;	/* by those who are meant, since; atomic */
} plan;

static struct site *find_site(uint64_t address)
{
	for (uint64_t i = 0; i < SITES_MAX; i++) {
		struct site *site = &sites[(address + i) % SITES_MAX];
		uint64_t found = atomic_load(&site->address);

		if (!found && atomic_compare_exchange(&site->address, &found, address)) {
			uint32_t number = atomic_add(&site_count, 1);

			atomic_store(&by_number[number], site);
			atomic_store(&site->number, number);
			return site;
		}
		if (found == address)
			return site;
	}
	panic("fail_alloc: there are more than %d sites", SITES_MAX);
}

/* Is it the running thread that is meant? Without a lock: a group that changes meanwhile is one or the other. */
static bool is_meant(const struct process *process)
{
	int group = atomic_load_relaxed(&plan.group), own = process ? atomic_load_relaxed(&process->pgid) : 0;

	return !group || (group > 0 ? own == group : own != -group);
}

static bool fails(struct site *site)
{
	char text[PLACE_MAX];
	uint64_t pass;

	if (atomic_load(&plan.number) != site->number || !site->number)
		return false;
	pass = atomic_add(&plan.passes, 1) - 1;
	if (pass < plan.skip || (plan.times && pass - plan.skip >= plan.times))
		return false;
	atomic_add(&site->failed, 1);
	if (pass == plan.skip)
		log_notice("fail_alloc: site %u, %s, fails", site->number, place_name((void *)site->address, text));
	return true;
}

bool alloc_call_fails(void *address)
{
	struct thread *thread = current_thread();	/* NULL until there is a scheduler */
	const struct process *process = thread ? thread->process : NULL;
	struct site *site = find_site((uint64_t)address);

	if (process && !atomic_exchange(&boot_is_over, 1))
		atomic_store(&plan.number, 0);
	if (!atomic_load(&boot_is_over))
		atomic_add(&site->in_boot, 1);
	atomic_add(&site->passed, 1);
	if (!is_meant(process))
		return false;
	atomic_add(&site->meant, 1);
	return fails(site);
}

static void make_plan(uint32_t number, int group, uint64_t skip, uint64_t times)
{
	atomic_store(&plan.number, 0);
	atomic_store(&plan.group, group);
	plan.skip = skip;
	plan.times = times;
	plan.passes = 0;
	atomic_store(&plan.number, number);
}

void alloc_sites_from_command_line(void)
{
	uint64_t number = command_line_size("fail_alloc", 0);

	if (number && number <= SITES_MAX)
		make_plan(number, 0, 0, 1);
}

/* ---- /proc/fail_alloc ---- */

/* A blank-separated number at *@at, which goes on behind it. False: there is none. */
static bool next_number(const char **at, int64_t *value)
{
	bool negative;
	const char *digits;

	while (**at == ' ')
		(*at)++;
	negative = **at == '-';
	digits = *at += negative;
	for (*value = 0; **at >= '0' && **at <= '9' && *value <= INT32_MAX; (*at)++)
		*value = *value * 10 + (**at - '0');
	if (negative)
		*value = -*value;
	return *at != digits && *value >= -INT32_MAX && *value <= INT32_MAX && (!**at || **at == ' ' || **at == '\n');
}

/* "SITE GROUP SKIP TIMES" */
int proc_store_fail_alloc(const struct proc_subject *subject, const char *text, size_t len)
{
	int64_t site, group, skip, times;

	if (!next_number(&text, &site) || !next_number(&text, &group) || !next_number(&text, &skip) || !next_number(&text, &times))
		return -EINVAL;
	if (site < 0 || site > atomic_load(&site_count) || skip < 0 || times < 0)
		return -EINVAL;
	make_plan(site, group, skip, times);
	return 0;
}

int proc_show_fail_alloc(struct proc_text *text, const struct proc_subject *subject)
{
	uint32_t count = atomic_load(&site_count);

	proc_text_print(text, "site %u group %d skip %lu times %lu passes %lu stocks %zu\n", atomic_load(&plan.number), plan.group, plan.skip, plan.times,
			atomic_load(&plan.passes), table_stock_frames());
	for (uint32_t number = 1; number <= count; number++) {
		struct site *site = atomic_load(&by_number[number]);

		if (!site)
			continue;
		if (!site->place[0])
			place_name((void *)site->address, site->place);
		proc_text_print(text, "%u %u %u %u %u %s %#lx\n", number, site->in_boot, site->passed, site->meant, site->failed, site->place,
				site->address - boot_layout.slide);
	}
	return 0;
}
