/* SPDX-License-Identifier: MIT */
/* /proc/PID/stat, status and limits (field orders: proc(5)). What this kernel does not have is 0 in stat and left out in status. */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "process/core_dump.h"
#include "process/ptrace.h"
#include "process/signal_state.h"
#include "sched/clock.h"
#include "tty/tty.h"
#include "vfs/file.h"
#include "vfs/procfs/entry.h"

#include <asm/resource.h>
#include <linux/capability.h>

enum { NS_PER_TICK = 10000000 };	/* USER_HZ is 100 */

/* Everything that is read under a lock. */
struct snapshot {
	struct thread *thread;		/* the thread shown, or the leader; referenced; NULL for zombies */
	char name[THREAD_NAME_LEN];
	char state;
	int id, ppid, pgid, sid, tty_pgid, exit_signal, exit_status;
	unsigned tty_dev, threads, queued_signals;
	uint64_t user_ns, system_ns, children_user_ns, children_system_ns;
	uint64_t switches[2], minor_faults, children_minor_faults;
	signal_set pending, shared_pending, blocked, ignored, caught;
	struct resource_limit limits[RLIMIT_COUNT];
};

static char thread_letter(const struct thread *thread)
{
	uint32_t state = atomic_load_relaxed(&thread->run_state);

	if (ptrace_is_stopped(thread))
		return 't';
	if (thread->user.stopped)
		return 'T';
	if (state == THREAD_SLEEPING)
		return thread->wait_mode == WAIT_INTERRUPTIBLE ? 'S' : 'D';
	return state == THREAD_DEAD ? 'X' : 'R';
}

static void snapshot_tree(struct snapshot *s, struct process *process)
{
	uint64_t flags = spin_lock_irq(&process_tree_lock);
	struct session *session = process->session;

	s->ppid = process->parent ? process->parent->pid : 0;
	s->pgid = process->pgid;
	s->sid = session ? session->sid : 0;
	s->exit_signal = process->exit_signal;
	s->children_minor_faults = process->children_minor_faults;
	s->children_user_ns = process->children_user_ns;
	s->children_system_ns = process->children_system_ns;
	tty_describe_control(process, &s->tty_dev, &s->tty_pgid);
	spin_unlock_irq(&process_tree_lock, flags);
}

static void snapshot_signals(struct snapshot *s, struct process *process)
{
	uint64_t flags = spin_lock_irq(&process->signal_lock);
	struct signal_handlers *handlers = process->handlers;
	struct thread *thread;

	s->threads = process->thread_count;
	s->exit_status = process->exit_status;
	s->queued_signals = process->queued_signals;
	s->shared_pending = process->queue.set;
	s->minor_faults = process->dead_minor_faults;
	list_for_each(thread, &process->threads, process_link)
		s->minor_faults += thread->minor_faults;
	if (s->thread) {
		s->pending = s->thread->user.queue.set;
		s->blocked = s->thread->user.blocked;
	}
	for (unsigned i = 0; handlers && i < SIGNAL_COUNT; i++) {
		uint64_t handler = atomic_load_relaxed(&handlers->actions[i].handler);

		if (handler == HANDLER_IGNORE)
			s->ignored |= 1ull << i;
		else if (handler != HANDLER_DEFAULT)
			s->caught |= 1ull << i;
	}
	spin_unlock_irq(&process->signal_lock, flags);
}

static void snapshot_take(struct snapshot *s, const struct proc_subject *subject)
{
	struct process *process = subject->process;
	uint64_t flags;

	memset(s, 0, sizeof(*s));
	s->thread = subject->thread;
	if (s->thread)
		thread_get(s->thread);
	else
		s->thread = process_get_leader(process);
	snapshot_tree(s, process);
	snapshot_signals(s, process);
	flags = spin_lock_irq(&process->lock);
	string_copy(s->name, subject->thread ? subject->thread->name : process->name, sizeof(s->name));
	memcpy(s->limits, process->limits, sizeof(s->limits));
	spin_unlock_irq(&process->lock, flags);
	if (subject->thread) {
		s->id = subject->thread->tid;
		s->state = thread_letter(subject->thread);
	} else {
		s->id = process->pid;
		s->state = process_state_letter(process);
	}
	if (subject->thread && !subject->whole) {
		thread_times(subject->thread, &s->user_ns, &s->system_ns);
		s->minor_faults = subject->thread->minor_faults;
	} else {
		process_times(process, &s->user_ns, &s->system_ns);
	}
	if (s->thread) {
		s->switches[0] = s->thread->voluntary_switches;
		s->switches[1] = s->thread->involuntary_switches;
	}
}

static void snapshot_drop(struct snapshot *s)
{
	if (s->thread)
		thread_put(s->thread);
}

static long long ticks(uint64_t ns)
{
	return ns / NS_PER_TICK;
}

static int stat_priority(const struct thread *thread)
{
	if (!thread)
		return 20;
	return thread->rt_priority ? -1 - thread->rt_priority : 20 + thread->nice;
}

int proc_show_stat(struct proc_text *text, const struct proc_subject *subject)
{
	struct process *process = subject->process;
	struct proc_memory memory;
	struct snapshot s;

	snapshot_take(&s, subject);
	proc_get_memory(process, &memory);
	/* 1-22: identity, terminal, faults, times, priority, start. */
	proc_text_print(text, "%d (%s) %c %d %d %d %u %d 0 %llu %llu 0 0", s.id, s.name, s.state, s.ppid, s.pgid, s.sid, s.tty_dev, s.tty_pgid,
			(unsigned long long)s.minor_faults, (unsigned long long)s.children_minor_faults);
	proc_text_print(text, " %lld %lld %lld %lld %d %d %u 0 %lld", ticks(s.user_ns), ticks(s.system_ns), ticks(s.children_user_ns),
			ticks(s.children_system_ns), stat_priority(s.thread), s.thread ? s.thread->nice : 0, s.threads,
			ticks(process->start_ns));
	/*
	 * 23-30: memory; where the stack begins is for who may see the mappings (pmap finds it by that); the addresses of code and registers are nobody's
	 * business.
	 */
	proc_text_print(text, " %llu %llu %llu 0 0 %llu 0 0", (unsigned long long)memory.mapped, (unsigned long long)memory.resident >> PAGE_SHIFT,
			(unsigned long long)s.limits[RLIMIT_RSS].soft, (unsigned long long)(proc_check_inspect(process) ? 0 : memory.arg_start));
	/* 31-34: signals; 35-37: no wait channel, no swap. */
	proc_text_print(text, " %llu %llu %llu %llu 0 0 0", (unsigned long long)(s.pending & INT32_MAX), (unsigned long long)(s.blocked & INT32_MAX),
			(unsigned long long)(s.ignored & INT32_MAX), (unsigned long long)(s.caught & INT32_MAX));
	/* 38-52: exit signal, CPU, scheduling; then addresses again, and the exit code that only a parent may see. */
	proc_text_print(text, " %d %u %u %u 0 0 0 0 0 0 0 0 0 0 0\n", s.exit_signal, s.thread ? s.thread->cpu : 0,
			s.thread ? s.thread->rt_priority : 0, s.thread ? s.thread->policy : 0);
	snapshot_drop(&s);
	return 0;
}

static const char *state_name(char letter)
{
	static const struct { char letter; const char *name; } names[] = {
		{ 'R', "R (running)" }, { 'S', "S (sleeping)" }, { 'D', "D (disk sleep)" }, { 'T', "T (stopped)" }, { 'Z', "Z (zombie)" },
		{ 'X', "X (dead)" }, PTRACE_STATE_NAMES
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].letter == letter)
			return names[i].name;
	return "R (running)";
}

static void show_identity(struct proc_text *text, struct process *process)
{
	const struct credentials *c = credentials_of(process);
	struct fd_table *files = process_get_files(process);
	int fd, size = 0;

	proc_text_print(text, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid, c->fsuid, c->gid, c->egid, c->sgid,
			c->fsgid);
	proc_text_print(text, "RaeenCapEff:\t%016lx\nRaeenCapPrm:\t%016lx\n", c->effective, c->permitted);
	if (files) {
		for (fd = fd_next_open(files, 0); fd >= 0; fd = fd_next_open(files, fd + 1))
			size = fd + 1;
		size = ROUND_UP(MAX(size, 1), 64);
		fd_table_put(files);
	}
	proc_text_print(text, "FDSize:\t%d\nGroups:\t", size);
	for (unsigned i = 0; i < c->group_count; i++)
		proc_text_print(text, i ? " %u" : "%u", c->groups[i]);
	proc_text_print(text, " \n");
	credentials_put(c);
}

static void show_memory(struct proc_text *text, struct process *process)
{
	static const char names[][9] = { "VmPeak", "VmSize", "VmLck", "VmPin", "VmHWM", "VmRSS", "RssAnon", "RssFile", "RssShmem", "VmData", "VmStk", "VmExe",
					 "VmPTE", "VmSwap" };
	uint64_t anonymous, shared;
	struct proc_memory memory;

	proc_get_memory(process, &memory);
	if (!memory.mapped)
		return;
	proc_get_resident_kinds(process, memory.resident, &anonymous, &shared);

	const uint64_t figures[] = { memory.mapped_peak, memory.mapped, memory.locked, 0, memory.resident_peak, memory.resident, anonymous,
				     memory.resident - anonymous - shared, shared, memory.data, memory.stack, memory.program, memory.tables, 0 };

	for (unsigned i = 0; i < ARRAY_LEN(figures); i++)
		proc_text_print(text, "%s:\t%8llu kB\n", names[i], (unsigned long long)figures[i] >> 10);
}

void proc_add_cpus(struct proc_text *text, uint64_t mask)
{
	const char *separator = "";

	for (unsigned first = 0, end; first < CPU_MAX; first = end) {
		for (end = first; end < CPU_MAX && mask >> end & 1; end++)
			;
		if (end > first + 1)
			proc_text_print(text, "%s%u-%u", separator, first, end - 1);
		else if (end > first)
			proc_text_print(text, "%s%u", separator, first);
		if (end++ > first)
			separator = ",";
	}
}

void proc_add_cpu_mask(struct proc_text *text, uint64_t mask)
{
	if (mask >> 32)
		proc_text_print(text, "%llx,%08x\n", (unsigned long long)mask >> 32, (uint32_t)mask);
	else
		proc_text_print(text, "%x\n", (uint32_t)mask);
}

/* As a mask of the CPUs there are, and as a list of ranges. */
static void show_affinity(struct proc_text *text, uint64_t affinity)
{
	affinity &= atomic_load(&cpus_online);
	proc_text_print(text, "Cpus_allowed:\t");
	proc_add_cpu_mask(text, affinity);
	proc_text_print(text, "Cpus_allowed_list:\t");
	proc_add_cpus(text, affinity);
	proc_text_add(text, "\n", 1);
}

/* As Linux names them (capget); nobody's can be limited, nor are any passed on but by user ids. */
static void show_capabilities(struct proc_text *text, struct process *process)
{
	const struct credentials *c = credentials_of(process);
	uint64_t effective, permitted;

	credentials_linux_capabilities(c, &effective, &permitted);
	credentials_put(c);
	proc_text_print(text, "CapInh:\t%016x\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016llx\nCapAmb:\t%016x\n", 0, permitted, effective,
			LINUX_CAPABILITIES, 0);
}

int proc_show_status(struct proc_text *text, const struct proc_subject *subject)
{
	struct process *process = subject->process;
	struct fs_context *fs = process_get_fs(process);
	struct snapshot s;

	snapshot_take(&s, subject);
	proc_text_print(text, "Name:\t%s\n", s.name);
	if (fs) {
		proc_text_print(text, "Umask:\t%04o\n", fs_context_umask(fs));
		fs_context_put(fs);
	}
	proc_text_print(text, "State:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t" PTRACE_TRACER_FORMAT "\n", state_name(s.state),
			process->pid, s.id, s.ppid PTRACE_TRACER(s.thread));
	show_identity(text, process);
	proc_text_print(text, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", process->pid, s.id, s.pgid, s.sid);
	show_memory(text, process);
	proc_text_print(text, "CoreDumping:\t%d\nTHP_enabled:\t0\n", core_is_dumped(process));
	proc_text_print(text, "Threads:\t%u\nSigQ:\t%u/%llu\n", s.threads, s.queued_signals,
			(unsigned long long)s.limits[RLIMIT_SIGPENDING].soft);
	proc_text_print(text, "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
			(unsigned long long)s.pending, (unsigned long long)s.shared_pending, (unsigned long long)s.blocked,
			(unsigned long long)s.ignored, (unsigned long long)s.caught);
	show_capabilities(text, process);
	proc_text_print(text, "NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n", process->no_new_privs);
	if (s.thread)
		show_affinity(text, s.thread->affinity);
	proc_text_print(text, "Mems_allowed:\t1\nMems_allowed_list:\t0\n");
	proc_text_print(text, "voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n", (unsigned long long)s.switches[0],
			(unsigned long long)s.switches[1]);
	snapshot_drop(&s);
	return 0;
}

/* Of the one thread: how long it ran, how long it waited for that, which nobody measures, and how often. */
int proc_show_schedstat(struct proc_text *text, const struct proc_subject *subject)
{
	struct snapshot s;
	uint64_t user = 0, system = 0;

	snapshot_take(&s, subject);
	if (s.thread)
		thread_times(s.thread, &user, &system);
	proc_text_print(text, "%lu 0 %lu\n", user + system, s.switches[0] + s.switches[1]);
	snapshot_drop(&s);
	return 0;
}

/*
 * How many threads wait for a CPU, have one, and do neither: who is ready and never gets a CPU hangs through no fault of its own. Stopped threads do
 * neither, whatever they were doing.
 */
int proc_show_runstate(struct proc_text *text, const struct proc_subject *subject)
{
	unsigned ready = 0, running = 0, blocked = 0;
	uint64_t flags = spin_lock_irq(&subject->process->signal_lock);
	struct thread *thread;

	list_for_each(thread, &subject->process->threads, process_link) {
		uint32_t state = atomic_load_relaxed(&thread->run_state);

		if (state == THREAD_RUNNING)
			running++;
		else if (state == THREAD_SLEEPING || state == THREAD_DEAD || thread->user.stopped)
			blocked++;
		else
			ready++;
	}
	spin_unlock_irq(&subject->process->signal_lock, flags);
	proc_text_print(text, "%u %u %u\n", ready, running, blocked);
	return 0;
}

static void show_limit(struct proc_text *text, uint64_t value)
{
	if (value == RLIM_INFINITY)
		proc_text_print(text, " %-20s", "unlimited");
	else
		proc_text_print(text, " %-20llu", (unsigned long long)value);
}

int proc_show_limits(struct proc_text *text, const struct proc_subject *subject)
{
	static const struct { const char *name, *unit; } names[RLIMIT_COUNT] = {
		[RLIMIT_CPU] = { "Max cpu time", "seconds" }, [RLIMIT_FSIZE] = { "Max file size", "bytes" },
		[RLIMIT_DATA] = { "Max data size", "bytes" }, [RLIMIT_STACK] = { "Max stack size", "bytes" },
		[RLIMIT_CORE] = { "Max core file size", "bytes" }, [RLIMIT_RSS] = { "Max resident set", "bytes" },
		[RLIMIT_NPROC] = { "Max processes", "processes" }, [RLIMIT_NOFILE] = { "Max open files", "files" },
		[RLIMIT_MEMLOCK] = { "Max locked memory", "bytes" }, [RLIMIT_AS] = { "Max address space", "bytes" },
		[RLIMIT_LOCKS] = { "Max file locks", "locks" }, [RLIMIT_SIGPENDING] = { "Max pending signals", "signals" },
		[RLIMIT_MSGQUEUE] = { "Max msgqueue size", "bytes" }, [RLIMIT_NICE] = { "Max nice priority", "" },
		[RLIMIT_RTPRIO] = { "Max realtime priority", "" }, [RLIMIT_RTTIME] = { "Max realtime timeout", "us" },
	};
	struct snapshot s;

	snapshot_take(&s, subject);
	proc_text_print(text, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (unsigned i = 0; i < RLIMIT_COUNT; i++) {
		proc_text_print(text, "%-25s", names[i].name);
		show_limit(text, s.limits[i].soft);
		show_limit(text, s.limits[i].hard);
		proc_text_print(text, names[i].unit[0] ? " %-10s\n" : " %s\n", names[i].unit);
	}
	snapshot_drop(&s);
	return 0;
}
