/* SPDX-License-Identifier: MIT */
/*
 * /dev/trace, root's: a write switches tracing, a read gives what was recorded (abi/trace_records.h), each reader all of it.
 *
 *	on GROUP,GROUP... [size=KIB] [rate=HZ]		sched syscall fault irq sample message; the ring's size for each CPU; samples a second
 *	off
 *
 * Tracing belongs to the open file that switched it on: for others "on" gives EBUSY, and it ends when the file is closed. What was recorded stays
 * until the next "on", or until nobody has the device open. A read never waits: 0 says that there is nothing new.
 */
#include "debug/trace/rings.h"
#include "arch/x86_64/boot_layout.h"
#include "arch/x86_64/clock_hw.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/credentials.h"
#include "process/process.h"
#include "sched/clock.h"
#include "syscall/syscall.h"
#include "syscall_prototypes.h"
#include "vfs/file.h"
#include "vfs/procfs/proc_text.h"
#include <raeen/caps.h>

enum {
	MISC_MAJOR = 10, TRACE_MINOR = 250, COMMAND_MAX = 128,
	KIB_MIN = 16, KIB_MAX = 16384, KIB_USUAL = 512,	/* KiB */
	RATE_MIN = 1, RATE_MAX = 10000, RATE_USUAL = 1000,	/* Hz */
	CHUNK = 128,						/* records copied at a time */
};

struct reader {
	unsigned generation;			/* of what it reads; 0 before the first read */
	struct proc_text head;
	size_t head_done;
	uint64_t done[CPU_MAX];			/* records read of each CPU */
	struct trace_record chunk[CHUNK];
};

/* All guarded by trace_lock. */
static struct mutex trace_lock = MUTEX_INIT(trace_lock, LOCK_TRACE);
static struct trace_ring *rings[CPU_MAX];	/* what trace_rings has while tracing is on */
static struct reader *owner;			/* who has switched it on, or NULL */
static unsigned generation, ring_count, open_count, groups;
static uint64_t start_tsc, start_ns, sampling_period;

static const char *const group_names[] = { "sched", "syscall", "fault", "irq", "sample", "message" };	/* by bit */

static void free_rings(void)
{
	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
		if (rings[cpu])
			kfree(rings[cpu]->records);
		kfree(rings[cpu]);
		rings[cpu] = NULL;
	}
	ring_count = 0;
}

static int make_rings(size_t kib)
{
	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
		struct trace_ring *ring;

		if (!cpus[cpu])
			continue;
		ring = rings[cpu] = kzalloc(sizeof(*ring));
		if (ring)
			ring->records = kmalloc(kib << 10);
		if (!ring || !ring->records) {
			free_rings();
			return -ENOMEM;
		}
		ring->capacity = (kib << 10) / sizeof(*ring->records);
		ring_count++;
	}
	return 0;
}

#ifdef PTRACE
void trace_calls_watch(const unsigned *wanted)
{
	mutex_lock(&trace_lock);
	trace_calls_watch_locked(wanted);
	mutex_unlock(&trace_lock);
}
#endif

static void switch_off(void)
{
	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
		if (rings[cpu])
			trace_sampler_stop(rings[cpu]);
		trace_rings[cpu] = NULL;
	}
	trace_calls_switch(0);
	trace_points_switch(0);
	owner = NULL;
}

static unsigned samplers_to_start;	/* atomic */

static void start_sampler(void *ring)
{
	trace_sampler_start(ring, sampling_period);
	atomic_sub(&samplers_to_start, 1);
}

/* A timer is armed by the CPU where it is to expire: by a thread there, as the caller's own affinity is nobody else's to change. */
static void start_samplers(void)
{
	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
		bool sampled = rings[cpu] && atomic_load(&cpus_online) >> cpu & 1;
		struct thread *thread = sampled ? thread_create_kernel("sampler", start_sampler, rings[cpu], CLASS_HIGH) : NULL;

		if (!thread)
			continue;
		sched_set_affinity(thread, 1ull << cpu);
		atomic_add(&samplers_to_start, 1);
		thread_start(thread);
	}
	while (atomic_load(&samplers_to_start))
		sched_sleep_until(clock_monotonic_ns() + NS_PER_MS, false);
}

static int switch_on(struct reader *reader, unsigned wanted, size_t kib, unsigned rate)
{
	int error;

	if (owner && owner != reader)
		return -EBUSY;
	if (owner)
		switch_off();
	free_rings();
	error = make_rings(kib);
	if (error)
		return error;
	generation++;
	owner = reader;
	groups = wanted;
	start_tsc = cpu_read_tsc();
	start_ns = clock_realtime_ns();
	memcpy(trace_rings, rings, sizeof(rings));
	trace_points_switch(wanted | TRACE_GROUP_ALWAYS);
	trace_calls_switch(wanted);
	sampling_period = NS_PER_SEC / rate;
	if (wanted & TRACE_GROUP_SAMPLE)
		start_samplers();
	return 0;
}

/* ---- Commands ---- */

/* The next word of *@text up to one of @ends, which is cut off; NULL at the end. */
static char *next_word(char **text, const char *ends)
{
	char *word = *text, *end;

	while (*word && strchr(ends, *word))
		word++;
	for (end = word; *end && !strchr(ends, *end); end++)
		;
	*text = *end ? end + 1 : end;
	*end = 0;
	return *word ? word : NULL;
}

static int parse_groups(char *text, unsigned *wanted)
{
	char *name;

	while ((name = next_word(&text, ","))) {
		size_t bit = 0;

		while (bit < ARRAY_LEN(group_names) && strcmp(name, group_names[bit]))
			bit++;
		if (bit == ARRAY_LEN(group_names))
			return -EINVAL;
		*wanted |= 1u << bit;
	}
	return *wanted ? 0 : -EINVAL;
}

static int run_command(struct reader *reader, char *text)
{
	uint64_t size = KIB_USUAL, rate = RATE_USUAL;
	char *verb = next_word(&text, " \n"), *word = next_word(&text, " \n");
	unsigned wanted = 0;

	if (verb && !word && strcmp(verb, "off") == 0) {
		if (owner != reader)
			return owner ? -EBUSY : 0;
		switch_off();
		return 0;
	}
	if (!verb || strcmp(verb, "on") || !word || parse_groups(word, &wanted))
		return -EINVAL;
	while ((word = next_word(&text, " \n"))) {
		bool is_size = strncmp(word, "size=", 5) == 0;

		if ((!is_size && strncmp(word, "rate=", 5)) || !string_to_u64(word + 5, is_size ? &size : &rate))
			return -EINVAL;
	}
	if (size < KIB_MIN || size > KIB_MAX || rate < RATE_MIN || rate > RATE_MAX)
		return -EINVAL;
	return switch_on(reader, wanted, size, rate);
}

static ssize_t trace_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	size_t len = uio->left;
	char text[COMMAND_MAX];
	int error;

	if (len >= sizeof(text))
		return -EINVAL;
	if (uio_read_from(uio, text, len) != len)
		return -EFAULT;
	text[len] = 0;
	mutex_lock(&trace_lock);
	error = run_command(file->private, text);
	mutex_unlock(&trace_lock);
	return error ? error : (ssize_t)len;
}

/* ---- Reading ---- */

static void add_threads(struct proc_text *text)
{
	struct process *process, *next;
	struct thread *thread, *following;

	for (process = process_next(0); process; process = next) {
		for (thread = process_next_thread(process, 0); thread; thread = following) {
			proc_text_print(text, "thread %d %d ", thread->tid, process->pid);
			proc_text_add_escaped(text, thread->name);
			proc_text_add(text, "\n", 1);
			following = process_next_thread(process, thread->tid);
			thread_put(thread);
		}
		next = process_next(process->pid);
		process_put(process);
	}
}

static int make_head(struct reader *reader)
{
	struct proc_text *text = &reader->head;
	const char *name = syscall_names;

	proc_text_clear(text);
	proc_text_print(text, "raeen-trace 1\nrecord_bytes %zu\ncpus %u\ntsc_hz %lu\nstart_tsc %lu\nstart_ns %lu\nslide %lu\ngroups ",
			sizeof(struct trace_record), ring_count, clock_hw_tsc_hz(), start_tsc, start_ns, boot_layout.slide);
	for (size_t bit = 0; bit < ARRAY_LEN(group_names); bit++)
		if (groups & 1u << bit)
			proc_text_print(text, "%s,", group_names[bit]);
	text->len--;	/* the last comma */
	proc_text_add(text, "\n", 1);
	for (unsigned i = 0; i < SYSCALL_COUNT; i++, name += strlen(name) + 1)
		if (*name)
			proc_text_print(text, "syscall %u %s\n", syscall_number(i), name);
	add_threads(text);
	proc_text_add(text, "end\n", 4);
	if (text->failed)
		return -ENOMEM;
	memset(reader->done, 0, sizeof(reader->done));
	reader->head_done = 0;
	reader->generation = generation;
	return 0;
}

/* Copies up to @room of @cpu's next records to reader->chunk. How many. */
static size_t take_records(struct reader *reader, unsigned cpu, size_t room)
{
	const struct trace_ring *ring = rings[cpu];
	uint64_t *done = &reader->done[cpu], kept = ring->capacity - RING_MARGIN;

	for (;;) {
		uint64_t head = atomic_load(&ring->head);
		size_t count = MIN(MIN(head - *done, room), (uint64_t)CHUNK), at = *done % ring->capacity;
		size_t first = MIN(count, ring->capacity - at);

		if (head - *done > kept) {
			reader->chunk[0] = (struct trace_record){ .argument = head - kept - *done, .event = TRACE_LOST, .cpu = cpu };
			*done = head - kept;
			return 1;
		}
		memcpy(reader->chunk, &ring->records[at], first * sizeof(*reader->chunk));
		memcpy(reader->chunk + first, ring->records, (count - first) * sizeof(*reader->chunk));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (atomic_load(&ring->head) - *done > kept)
			continue;	/* the writer was here meanwhile */
		*done += count;
		return count;
	}
}

/* Whole records only; those that a bad address keeps from being copied are there for the next read. */
static ssize_t copy_records(struct reader *reader, struct uio *uio)
{
	const size_t size = sizeof(*reader->chunk);
	size_t total = 0, count, copied;
	uint64_t before;

	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
		while (rings[cpu] && uio->left >= size) {
			before = reader->done[cpu];
			count = take_records(reader, cpu, uio->left / size);
			if (!count)
				break;
			copied = uio_write_to_now(uio, reader->chunk, count * size) / size;
			total += copied;
			if (copied == count)
				continue;
			/* What says that records were lost is one record, but stands for many. */
			reader->done[cpu] = before + copied;
			return total ? (ssize_t)(total * size) : -EFAULT;
		}
	return total * size;
}

/* -EFAULT also when the memory is not there now. */
static ssize_t read_now(struct reader *reader, struct uio *uio)
{
	size_t wanted;
	ssize_t result = 0;

	mutex_lock(&trace_lock);
	if (ring_count && reader->generation != generation)
		result = make_head(reader);
	wanted = result ? 0 : MIN(uio->left, reader->head.len - reader->head_done);
	if (wanted) {
		result = uio_write_to_now(uio, reader->head.data + reader->head_done, wanted);
		reader->head_done += result;
		if (!result)
			result = -EFAULT;
	} else if (!result) {
		result = uio->left && uio->left < sizeof(struct trace_record) ? -EINVAL : copy_records(reader, uio);
	}
	mutex_unlock(&trace_lock);
	return result;
}

static ssize_t trace_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	const struct uio before = *uio;
	ssize_t result;

	while ((result = read_now(file->private, uio)) == -EFAULT) {
		*uio = before;
		result = uio_page_in(uio, sizeof(struct trace_record), true);
		if (result)
			break;
	}
	return result;
}

static int trace_open(struct char_device *device, unsigned minor, struct file *file)
{
	struct reader *reader;

	/* It shows what others do, whatever the mode of the node. */
	if (!credentials_is_root(credentials_current()))
		return -EPERM;
	reader = kzalloc(sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	file->private = reader;
	mutex_lock(&trace_lock);
	open_count++;
	mutex_unlock(&trace_lock);
	return 0;
}

static void trace_release(struct file *file)
{
	struct reader *reader = file->private;

	mutex_lock(&trace_lock);
	if (owner == reader)
		switch_off();
	if (!--open_count)
		free_rings();
	mutex_unlock(&trace_lock);
	proc_text_clear(&reader->head);
	kfree(reader);
}

static const struct file_ops trace_ops = { .read = trace_read, .write = trace_write, .release = trace_release };

static struct char_device trace_device = { .major = MISC_MAJOR, .minor = TRACE_MINOR, .minor_count = 1, .name = "trace", .mode = 0600,
					   .needs = CAPABILITY_PROC_TRACE, .ops = &trace_ops, .open = trace_open };

void trace_init(void)
{
	trace_points_switch(0);		/* before any program runs: what the CPU has (TRACE_GROUP_XSAVE) */
	if (char_device_register(&trace_device))
		log_error("trace: cannot register /dev/trace");
}
