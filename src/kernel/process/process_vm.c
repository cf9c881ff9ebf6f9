/* SPDX-License-Identifier: MIT */
/* Other processes' memory and what two processes share, for who may look into them (proc_check_inspect); and barriers on all CPUs. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/tlb.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/heap.h"
#include "mm/uio.h"
#include "mm/user_copy.h"
#include "process/internal.h"
#include "process/layout.h"
#include "process/process.h"
#include "process/rseq.h"
#include "process/signal.h"
#include "security/random.h"
#include "syscall_prototypes.h"
#include "vfs/file.h"
#include "vfs/procfs/entry.h"
#include <linux/kcmp.h>
#include <linux/membarrier.h>
#include <linux/personality.h>


struct segment { uint64_t base, len; };		/* as struct iovec */

/* A vector of a program's, read as it is used. */
struct vector { uaddr_t at; uint64_t left; struct segment now; };

/* Goes on to the next piece with bytes. 1, 0 at the end, or -EFAULT. */
static int vector_next(struct vector *vector)
{
	while (!vector->now.len) {
		if (!vector->left)
			return 0;
		if (copy_from_user(&vector->now, vector->at, sizeof(vector->now)))
			return -EFAULT;
		vector->at += sizeof(vector->now);
		vector->left--;
	}
	return 1;
}

/* Checks all of a vector first: how many bytes it is for, -EINVAL or -EFAULT. */
static int64_t vector_check(const struct vector *vector, bool own)
{
	struct segment segment;
	int64_t total = 0;

	if (vector->left > UIO_SEGMENTS_MAX)
		return -EINVAL;
	for (uint64_t i = 0; i < vector->left; i++) {
		if (copy_from_user(&segment, vector->at + i * sizeof(segment), sizeof(segment)))
			return -EFAULT;
		if ((int64_t)segment.len < 0)
			return -EINVAL;
		if (own && !user_range_ok(segment.base, segment.len))
			return -EFAULT;
		total += MIN((int64_t)segment.len, UIO_BYTES_MAX - total);
	}
	return total;
}

/* Moves up to a page, within one page of the other process. Bytes moved. */
static size_t move(struct address_space *as, const struct segment *own, const struct segment *other, void *page, bool write)
{
	size_t len = MIN(MIN(own->len, other->len), PAGE_SIZE - (other->base & (PAGE_SIZE - 1)));

	if (!user_range_ok(other->base, len))
		return 0;
	if (write) {
		len -= copy_from_user_partial(page, own->base, len);
		return address_space_access(as, other->base, page, len, true);
	}
	len = address_space_access(as, other->base, page, len, false);
	return len - copy_to_user_partial(own->base, page, len);
}

static ssize_t move_all(struct address_space *as, struct vector *own, struct vector *other, bool write)
{
	void *page = kmalloc(PAGE_SIZE);
	ssize_t done = 0;
	int error = 0;

	if (!page)
		return -ENOMEM;
	while (done < UIO_BYTES_MAX && (error = vector_next(own)) > 0 && (error = vector_next(other)) > 0) {
		size_t moved = signal_fatal_pending() ? 0 : move(as, &own->now, &other->now, page, write);

		if (!moved) {
			error = -EFAULT;
			break;
		}
		own->now.base += moved;
		own->now.len -= moved;
		other->now.base += moved;
		other->now.len -= moved;
		done += moved;
	}
	kfree(page);
	return done ? done : error;
}

/*
 * Process @pid, or that of thread @pid, if the caller may look into it; NULL with *@error. @as: its memory, that of the program which may be looked
 * into; NULL if it has none any more. May be NULL.
 */
static struct process *inspected(int pid, struct address_space **as, int *error)
{
	struct process *process = process_find_any(pid);

	*error = -ESRCH;
	if (!process)
		return NULL;
	for (;;) {
		if (as)
			*as = process_get_address_space(process);
		*error = proc_check_inspect(process) ? -EPERM : 0;
		if (!*error && (!as || process_has_address_space(process, *as)))
			return process;
		if (as && *as)
			address_space_put(*as);
		if (*error)
			break;
	}
	process_put(process);
	return NULL;
}

static long access_process(int pid, struct vector own, struct vector other, uint64_t flags, bool write)
{
	struct address_space *as;
	struct process *process;
	int64_t done = flags ? -EINVAL : vector_check(&own, true);
	int error;

	/* Nothing to move: nothing else is looked at. */
	if (done <= 0 || (done = vector_check(&other, false)) < 0)
		return done;
	process = inspected(pid, &as, &error);
	if (!process)
		return error;
	process_put(process);
	if (!as)
		return -ESRCH;
	done = move_all(as, &own, &other, write);
	address_space_put(as);
	return done;
}

long sys_process_vm_readv(int pid, uaddr_t own, uint64_t own_count, uaddr_t other, uint64_t other_count, uint64_t flags)
{
	return access_process(pid, (struct vector){ own, own_count, { 0, 0 } }, (struct vector){ other, other_count, { 0, 0 } }, flags, false);
}

long sys_process_vm_writev(int pid, uaddr_t own, uint64_t own_count, uaddr_t other, uint64_t other_count, uint64_t flags)
{
	return access_process(pid, (struct vector){ own, own_count, { 0, 0 } }, (struct vector){ other, other_count, { 0, 0 } }, flags, true);
}

/* ---- kcmp ---- */

/* An order that tells no addresses: the factor is odd, so different ones stay different. */
static long compare(const void *first, const void *second)
{
	static uint64_t secrets[2];	/* set at the first use; whoever else does that at the same time only loses an order */
	uint64_t a = (uint64_t)first, b = (uint64_t)second;

	if (!atomic_load(&secrets[1])) {
		secrets[0] = random_u64();
		atomic_store(&secrets[1], random_u64() | 1);
	}
	a = (a ^ secrets[0]) * secrets[1];
	b = (b ^ secrets[0]) * secrets[1];
	return (a != b) + (a > b);
}

/* Open file @number of @process, which the caller only compares. NULL: there is none. */
static const void *file_of(struct process *process, uint64_t number)
{
	struct fd_table *files = process_get_files(process);
	struct file *file = files && number <= INT32_MAX ? fd_get_from(files, number) : NULL;

	if (file)
		file_put(file);
	if (files)
		fd_table_put(files);
	return file;
}

static long compare_processes(struct process *first, struct process *second, int type, uint64_t number1, uint64_t number2)
{
	const void *a, *b;

	switch (type) {
	case KCMP_FILE:
		a = file_of(first, number1);
		b = file_of(second, number2);
		return a && b ? compare(a, b) : -EBADF;
	case KCMP_VM:
		return compare(atomic_load(&first->as), atomic_load(&second->as));
	case KCMP_FILES:
		return compare(atomic_load(&first->files), atomic_load(&second->files));
	case KCMP_FS:
		return compare(atomic_load(&first->fs), atomic_load(&second->fs));
	case KCMP_SIGHAND:
		return compare(atomic_load(&first->handlers), atomic_load(&second->handlers));
	default:
		return -EINVAL;
	}
}

long sys_kcmp(int pid1, int pid2, int type, uint64_t number1, uint64_t number2)
{
	struct process *first, *second;
	long result;
	int error;

	first = inspected(pid1, NULL, &error);
	if (!first)
		return error;
	second = inspected(pid2, NULL, &error);
	result = second ? compare_processes(first, second, type, number1, number2) : error;
	process_put(second);
	process_put(first);
	return result;
}

/* ---- Barriers, personality ---- */

/* Each command is a bit, and a private one's is followed by that of its registration: those are what struct address_space keeps. */
enum {
	REGISTRATIONS = MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |
			MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED,
	PRIVATE_BARRIERS = MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE | MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ,
	RSEQ_COMMANDS = MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ,
	ALL_COMMANDS = REGISTRATIONS | PRIVATE_BARRIERS | MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED,
#ifdef RSEQ
	BARRIER_COMMANDS = ALL_COMMANDS,
#else
	BARRIER_COMMANDS = ALL_COMMANDS & ~RSEQ_COMMANDS,
#endif
};

/* Sections of the caller's other threads end: those that run look on their way back from the interrupt that follows, others before they run again. */
static void disturb_sections(struct process *process)
{
	uint64_t flags = spin_lock_irq(&process->signal_lock);
	struct thread *thread;

	list_for_each(thread, &process->threads, process_link)
		if (thread != current_thread())
			rseq_disturb(thread);
	spin_unlock_irq(&process->signal_lock, flags);
}

/* Every other CPU is interrupted, has answered, and returns by an instruction that begins with none that was fetched before. */
static void barrier_everywhere(void)
{
	uint64_t page = (uint64_t)&sys_membarrier & PAGE_MASK;

	tlb_flush_kernel_range(page, page + PAGE_SIZE);
}

COLD long sys_membarrier(int command, unsigned flags, int cpu)
{
	struct address_space *as = current_process()->as;
	uint32_t unused[4];

	if (flags & ~(command == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ ? (unsigned)MEMBARRIER_CMD_FLAG_CPU : 0u))
		return -EINVAL;
	if (command == MEMBARRIER_CMD_QUERY)
		return BARRIER_COMMANDS;
	if (command & ~BARRIER_COMMANDS || command & (command - 1))
		return -EINVAL;
	if (command & REGISTRATIONS) {
		(void)atomic_or(&as->barriers, command);
		return 0;
	}
	if (command & PRIVATE_BARRIERS && !(atomic_load(&as->barriers) & command << 1))
		return -EPERM;
	if (command == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ)
		disturb_sections(current_process());
	if (command == MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE)
		cpuid(0, 0, unused);	/* the same for the caller's own CPU */
	barrier_everywhere();
	return 0;
}

/* There is one personality, Linux's, and at most one wish beside it; asking for it, and for which there is. */
long sys_personality(unsigned personality)
{
	unsigned before = layout_personality(current_process());

	return personality == UINT32_MAX ? before : layout_set_personality(personality) ?: before;
}
