/* SPDX-License-Identifier: MIT */
/*
 * Who goes when memory is out. As a rule the process that asked, unless another holds a large part of all memory: pages of programs leave
 * when memory is short and come back when they are needed, so that whoever just runs on asks, too. But process 1 and what root runs (services,
 * the shell of whoever wants to mend things) do not pay for an ordinary user's greed: for them the ordinary process that holds the most memory goes.
 * Process 1, and who serves a file system from a disk, go on while anybody else can go, whoever that is: the others need them.
 * /proc/PID/oom_score_adj adds to what a process has, or takes from it: who is given more is ordinary, root's or not, who is given less is not, and who is
 * given the least is needed.
 */
#include <asm/signal.h>
#include <linux/oom.h>

#include "lib/log.h"
#include "lib/panic.h"
#include "mm/address_space.h"
#include "mm/frame.h"
#include "mm/oom.h"
#include "process/internal.h"
#include "sched/clock.h"
#include "security/capabilities.h"

enum { PAUSE_MS = 20, PATIENCE_MS = 5000, FORGET_MS = 500, LARGE_PART = 4 };

static bool is_needed(const struct process *process)
{
	return process == init_process || process->serves_files || process->oom_score_adj == OOM_SCORE_ADJ_MIN;
}

static bool is_ordinary(struct process *process)
{
	int adj = process->oom_score_adj;

	return !is_needed(process) && (adj ? adj > 0 : process_uid(process) != 0);
}

/* Pages that @process has, and what is added to them. False: it has no memory. */
static bool weigh(struct process *process, long *pages)
{
	struct address_space *as = process_get_address_space(process);

	if (!as)
		return false;
	*pages = as->resident + as->table_pages + process->oom_score_adj * (long)(frame_total() / 1000);
	address_space_put(as);
	return true;
}

/* At least 1, or 0: it has none. */
static size_t counted_pages(struct process *process)
{
	long pages;

	return weigh(process, &pages) ? MAX(pages, 1l) : 0;
}

unsigned process_oom_score(struct process *process)
{
	long pages;

	if (is_needed(process) || !weigh(process, &pages))
		return 0;
	/* Linux's scale: 0 to 2000 thirds of thousandths, 667 for who has nothing and is given nothing. */
	return (1000 + pages * 1000 / (long)frame_total()) * 2 / 3;
}

int process_set_oom_score_adj(struct process *process, int value)
{
	bool privileged = capabilities_may_administer();
	uint64_t flags = spin_lock_irq(&process->lock);
	int error = value < process->oom_score_adj_least && !privileged ? -EACCES : 0;

	if (!error)
		process->oom_score_adj = value;
	if (privileged)
		process->oom_score_adj_least = value;
	spin_unlock_irq(&process->lock, flags);
	return error;
}

/*
 * The process with the most memory, referenced; NULL if there is none. Only ordinary ones, or all but those that are needed, that hold @least pages.
 * *@dying: one of them is on its way out already.
 */
static struct process *find_largest(bool only_ordinary, size_t least, bool *dying)
{
	struct process *process, *largest = NULL;
	size_t most = 0;
	int pid = 0;

	*dying = false;
	while ((process = process_next(pid))) {
		bool eligible = only_ordinary ? is_ordinary(process) : !is_needed(process);
		size_t pages = eligible ? counted_pages(process) : 0;

		pid = process->pid;
		/* Without an address space, but no zombie yet: it is just giving its memory back. */
		if (eligible && process->exiting && (pages ? pages >= least : !process->zombie))
			*dying = true;
		if (pages >= least && pages > most && !process->exiting) {
			if (largest)
				process_put(largest);
			largest = process;
			most = pages;
		} else {
			process_put(process);
		}
	}
	return largest;
}

static void end(struct process *process)
{
	struct signal_info info = signal_info_kernel(SIGKILL);

	log_error("out of memory: killing process %d (%s)", process->pid, process->name);
	signal_send_process(process, &info);
}

/*
 * Has the caller waited long enough for others to end? A victim may be waiting for a lock that the caller holds; then it never will. A wait that
 * ended is another one's affair: memory ran out then, and came back.
 */
static bool patience_is_over(void)
{
	struct thread_state *state = &current_thread()->user;
	uint64_t now = clock_monotonic_ns();

	if (!state->memory_wait_start || now - state->memory_wait_last > FORGET_MS * NS_PER_MS)
		state->memory_wait_start = now;
	state->memory_wait_last = now;
	return now - state->memory_wait_start > PATIENCE_MS * NS_PER_MS;
}

/*
 * Whom the rule names, other than the caller, ends or is ending, and the caller has waited a moment; or what one gave back is there. False: the rule names the
 * caller, or nobody.
 */
static bool others_give(struct process *asker)
{
	struct process *victim = NULL;
	bool dying = false, impatient = patience_is_over(), ordinary = is_ordinary(asker), needed = is_needed(asker);
	size_t large = frame_total() / LARGE_PART;
	bool other, again;

	if (!impatient || needed)
		victim = find_largest(true, ordinary ? large : 1, &dying);
	if (!victim && (!dying || impatient) && !ordinary && (!impatient || needed))
		victim = find_largest(false, needed ? 1 : large, &dying);
	other = victim != asker && (victim || dying);
	if (other && victim && (!dying || impatient))
		end(victim);
	if (victim)
		process_put(victim);
	/* The last one may have ended since the caller found nothing. */
	again = other || (!impatient && frame_free() > frame_reserve() + RECLAIM_FRAMES);
	if (again)
		sched_sleep_until(clock_monotonic_ns() + PAUSE_MS * NS_PER_MS, false);
	return again;
}

bool process_end_for_memory(void)
{
	struct process *asker = current_process();

	if (others_give(asker))
		return true;
	if (asker == init_process)
		panic("out of memory: process 1 cannot go on and nothing else is left to end");
	end(asker);
	return false;
}

bool process_make_room(unsigned *tries)
{
	return memory_reclaim_again(tries) || others_give(current_process());
}
