/* SPDX-License-Identifier: MIT */
/* ptrace(2): which request does what (ptrace_internal.h says how). */
#include <linux/audit.h>
#include <linux/elf.h>
#include <linux/uio.h>

#include "lib/same_layout.h"
#include "mm/address_space.h"
#include "mm/poke.h"
#include "mm/user_copy.h"
#include "process/ptrace_internal.h"
#include "process/rseq.h"
#include "syscall_prototypes.h"

/* struct user, of which the registers come first. */
enum { USER_SIZE = 928, USER_DEBUG_REGISTERS = 848, DEBUG_REGISTERS = 8 };

struct vector { uint64_t base, len; };
SAME_SIZE(struct vector, struct iovec);
SAME_FIELD(struct vector, base, struct iovec, iov_base);
SAME_FIELD(struct vector, len, struct iovec, iov_len);

/* Request's arguments. */
struct request {
	struct thread *thread;
	long number;
	uint64_t addr, data;
};

/* ---- Memory ---- */

static bool is_stopped(struct thread *thread)
{
	uint64_t flags = spin_lock_irq(&thread->process->signal_lock);
	bool stopped = traced_may_touch(thread);

	spin_unlock_irq(&thread->process->signal_lock, flags);
	return stopped;
}

static long move_word(const struct request *r, bool write)
{
	struct address_space *as = process_get_address_space(r->thread->process);
	uint64_t word = r->data;
	long result = -EIO;

	if (!as)
		return -EIO;
	/* Looked at only now: whoever let it go meanwhile may have let it become a program that the caller may not trace. */
	if (!is_stopped(r->thread))
		result = -ESRCH;
	else if (user_range_ok(r->addr, sizeof(word)) &&
		 (write ? address_space_poke(as, r->addr, &word, sizeof(word)) : address_space_read_any(as, r->addr, &word, sizeof(word))) == sizeof(word))
		result = write ? 0 : put_user_u64(r->data, word);
	address_space_put(as);
	return result;
}

/* ---- Registers ---- */

/* struct user: 0 where it has no register. *@word is set if @write is false. signal_lock held. */
static int access_user(struct thread *thread, uint64_t addr, uint64_t *word, bool write)
{
	if (addr % sizeof(*word) || addr >= USER_SIZE)
		return -EIO;
	if (addr >= USER_DEBUG_REGISTERS && addr < USER_DEBUG_REGISTERS + DEBUG_REGISTERS * sizeof(*word))
		return ptrace_access_debug_register(thread, (addr - USER_DEBUG_REGISTERS) / sizeof(*word), word, write);
	if (addr >= PTRACE_REGISTERS_SIZE) {
		if (!write)
			*word = 0;
		return write ? -EIO : 0;
	}
	if (write)
		return ptrace_set_register(thread, addr / sizeof(*word), *word);
	*word = ptrace_get_register(thread, addr / sizeof(*word));
	return 0;
}

static long move_regset(const struct request *r, bool write)
{
	size_t size = ptrace_set_size(r->addr);
	struct vector vector;
	long result;

	if (copy_from_user(&vector, r->data, sizeof(vector)))
		return -EFAULT;
	if (!size || vector.len % sizeof(uint64_t))
		return -EINVAL;
	vector.len = MIN(vector.len, (uint64_t)size);
	result = ptrace_move_set(r->thread, r->addr, vector.base, vector.len, write);
	return result ? result : put_user_u64(r->data + offsetof(struct vector, len), vector.len);
}

/* ---- What needs signal_lock, and the thread stopped ---- */

/* What such a request gives the caller, who gets it without locks. */
union answer {
	uint64_t word;
	struct signal_info info;
	struct ptrace_syscall_info call;
	struct ptrace_rseq_configuration rseq;
	struct ptrace_peeksiginfo_args which;
};

static void give_info(union answer *answer, const void *info)
{
	answer->info = (struct signal_info){ 0 };
	signal_info_copy(&answer->info, info);
}

static int get_info(struct traced *traced, union answer *answer)
{
	if (!traced->info[0])
		return -EINVAL;
	give_info(answer, traced->info);
	return 0;
}

static int set_info(struct traced *traced, const struct signal_info *info)
{
	if (!traced->info[0])
		return -EINVAL;
	signal_info_copy(traced->info, info);
	return 0;
}

/* One of the signals that wait for the thread, or for its process. Whether there is one. */
static bool find_waiting(struct thread *thread, union answer *answer)
{
	struct signal_queue *queue = answer->which.flags ? &thread->process->queue : &thread->user.queue;
	uint64_t skip = answer->which.off;
	struct signal_info_node *node;

	list_for_each(node, &queue->nodes, link)
		if (!skip--) {
			give_info(answer, node->info);
			return true;
		}
	return false;
}

static void set_mask(struct thread *thread, signal_set mask)
{
	atomic_and(&thread->user.work, ~THREAD_WORK_MASK);
	thread->user.blocked = mask & ~SIGNAL_SET_UNBLOCKABLE;
	signal_recompute(thread);
}

/* How many bytes of *@out count. */
static size_t describe_call(const struct thread *thread, struct ptrace_syscall_info *out)
{
	const struct trap_frame *frame = traced_frame(thread);
	uint8_t phase = thread->user.traced.phase;

	*out = (struct ptrace_syscall_info){
		.op = phase, .arch = AUDIT_ARCH_X86_64, .instruction_pointer = frame->rip, .stack_pointer = frame->rsp,
	};
	if (phase == PTRACE_SYSCALL_INFO_ENTRY) {
		const uint64_t arguments[] = { frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9 };

		out->entry.nr = frame->error;
		for (unsigned i = 0; i < ARRAY_LEN(arguments); i++)
			out->entry.args[i] = arguments[i];
		return offsetof(struct ptrace_syscall_info, entry) + sizeof(out->entry);
	}
	if (phase == PTRACE_SYSCALL_INFO_EXIT) {
		out->exit.rval = frame->rax;
		out->exit.is_error = out->exit.rval < 0 && out->exit.rval >= -4095;
		return offsetof(struct ptrace_syscall_info, exit.is_error) + 1;
	}
	return offsetof(struct ptrace_syscall_info, entry);
}

static long ask_locked(const struct request *r, union answer *answer)
{
	struct thread *thread = r->thread;
	struct traced *traced = &thread->user.traced;

	switch (r->number) {
	case PTRACE_PEEKUSR:
		return access_user(thread, r->addr, &answer->word, false);
	case PTRACE_POKEUSR:
		return access_user(thread, r->addr, &answer->word, true);
	case PTRACE_SETOPTIONS:
	case PTRACE_OLDSETOPTIONS:
		traced->options = r->data;
		return 0;
	case PTRACE_GETEVENTMSG:
		answer->word = traced->message;
		return 0;
	case PTRACE_GETSIGINFO:
		return get_info(traced, answer);
	case PTRACE_SETSIGINFO:
		return set_info(traced, &answer->info);
	case PTRACE_PEEKSIGINFO:
		return find_waiting(thread, answer);
	case PTRACE_GET_RSEQ_CONFIGURATION:
		return rseq_describe(thread, &answer->rseq);
	case PTRACE_GETSIGMASK:
		answer->word = atomic_load_relaxed(&thread->user.work) & THREAD_WORK_MASK ? thread->user.saved_blocked : thread->user.blocked;
		return 0;
	case PTRACE_SETSIGMASK:
		set_mask(thread, answer->word);
		return 0;
	case PTRACE_LISTEN:
		/* Only in a stop with its process, or after it; what has come since is told at once. */
		if (!traced->seized || traced->code >> 8 != PTRACE_EVENT_STOP)
			return -EIO;
		traced->listening = true;
		traced->unreported = false;
		if (traced->trap)
			ptrace_let_go(thread);
		return 0;
	default:
		return describe_call(thread, &answer->call);	/* PTRACE_GET_SYSCALL_INFO */
	}
}

static long ask(const struct request *r, union answer *answer)
{
	uint64_t flags = spin_lock_irq(&r->thread->process->signal_lock);
	long result = traced_may_touch(r->thread) ? ask_locked(r, answer) : -ESRCH;

	spin_unlock_irq(&r->thread->process->signal_lock, flags);
	return result;
}

static long get_word(const struct request *r)
{
	union answer answer;

	return ask(r, &answer) ?: put_user_u64(r->data, answer.word);
}

static long set_word(const struct request *r, uint64_t word)
{
	union answer answer = { .word = word };

	return ask(r, &answer);
}

static long move_info(const struct request *r, bool write)
{
	union answer answer;

	if (write && copy_from_user(&answer.info, r->data, sizeof(answer.info)))
		return -EFAULT;
	return ask(r, &answer) ?: write ? 0 : copy_to_user(r->data, &answer.info, sizeof(answer.info));
}

static long move_mask(const struct request *r, bool write)
{
	uint64_t mask;

	if (r->addr != sizeof(mask))
		return -EINVAL;
	if (!write)
		return get_word(r);
	return get_user_u64(&mask, r->data) ?: set_word(r, mask);
}

/* As many of the signals that wait as the caller asks for: how many came. */
static long peek_infos(const struct request *r)
{
	struct ptrace_peeksiginfo_args which;
	long found = 1;
	int count;

	if (copy_from_user(&which, r->addr, sizeof(which)))
		return -EFAULT;
	if (which.flags & ~PTRACE_PEEKSIGINFO_SHARED || which.nr < 0)
		return -EINVAL;
	for (count = 0; count < which.nr; count++, which.off++) {
		union answer answer = { .which = which };

		found = ask(r, &answer);
		if (found > 0 && copy_to_user(r->data + count * sizeof(answer.info), &answer.info, sizeof(answer.info)))
			found = -EFAULT;
		if (found <= 0)
			break;
	}
	return count || found > 0 ? count : found;
}

/* What comes in pieces as long as the caller takes. */
static long get_part(const struct request *r)
{
	union answer answer;
	long size = ask(r, &answer);

	if (size > 0 && copy_to_user(r->data, &answer, MIN((uint64_t)size, r->addr)))
		return -EFAULT;
	return size;
}

/* ---- Going on ---- */

static long go_on(const struct request *r)
{
	struct thread *thread = r->thread;
	struct traced *traced = &thread->user.traced;
	uint8_t watch = r->number == PTRACE_SYSCALL ? TRACED_CALLS : r->number == PTRACE_SINGLESTEP ? TRACED_STEPS : 0;
	struct trap_frame *frame = traced_frame(thread);
	long result = -ESRCH;
	uint64_t flags;

	if (r->data > SIGNAL_COUNT)
		return -EIO;
	if (watch)
		ptrace_watch_calls();
	flags = spin_lock_irq(&thread->process->signal_lock);
	if (traced_may_touch(thread)) {
		traced->watch = watch;
		traced->signal = r->data;
		traced->own_step = watch == TRACED_STEPS && !(frame->rflags & PTRACE_RFLAGS_TF);
		if (traced->own_step)
			frame->rflags |= PTRACE_RFLAGS_TF;
		ptrace_let_go(thread);
		result = 0;
	}
	spin_unlock_irq(&thread->process->signal_lock, flags);
	return result;
}

static long detach(const struct request *r)
{
	struct thread *thread = r->thread;
	long result = -ESRCH;
	uint64_t flags;

	if (r->data > SIGNAL_COUNT)
		return -EIO;
	flags = spin_lock_irq(&process_tree_lock);
	spin_lock(&thread->process->signal_lock);
	if (traced_may_touch(thread)) {
		thread->user.traced.signal = r->data;
		ptrace_unlink(thread);
		result = 0;
	}
	spin_unlock(&thread->process->signal_lock);
	spin_unlock_irq(&process_tree_lock, flags);
	ptrace_settle();
	return result;
}

/* Stops a thread that was seized, whatever it does. */
static long interrupt(struct thread *thread)
{
	struct traced *traced = &thread->user.traced;
	uint64_t flags;
	long result = -EIO;

	flags = spin_lock_irq(&thread->process->signal_lock);
	if (traced->seized && ptrace_is_traced_by(thread, current_process())) {
		result = 0;
		/* One that listens in a stop of its process tells of that stop again. */
		if (!traced->listening || !thread->user.stopped) {
			traced->trap = true;
			atomic_or(&thread->user.work, THREAD_WORK_TRAP);
		}
		if (traced->stopped && traced->listening)
			ptrace_let_go(thread);
		else
			thread_interrupt(thread, false);
	}
	spin_unlock_irq(&thread->process->signal_lock, flags);
	return result;
}

static long kill(struct thread *thread)
{
	struct signal_info info = signal_info_kernel(SIGKILL);
	uint64_t flags = spin_lock_irq(&process_tree_lock);

	if (ptrace_is_traced_by(thread, current_process()))
		signal_send(thread->process, NULL, &info);
	spin_unlock_irq(&process_tree_lock, flags);
	return 0;
}

/* ---- The call ---- */

static long perform_stopped(const struct request *r)
{
	switch (r->number) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		return move_word(r, false);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return move_word(r, true);
	case PTRACE_PEEKUSR:
	case PTRACE_GETEVENTMSG:
		return get_word(r);
	case PTRACE_POKEUSR:
		return set_word(r, r->data);
	case PTRACE_SETOPTIONS:
	case PTRACE_OLDSETOPTIONS:
		return ptrace_options_valid(r->data) ? set_word(r, 0) : -EINVAL;
	case PTRACE_GETREGS:
	case PTRACE_SETREGS:
		return ptrace_move_set(r->thread, NT_PRSTATUS, r->data, PTRACE_REGISTERS_SIZE, r->number == PTRACE_SETREGS);
	case PTRACE_GETFPREGS:
	case PTRACE_SETFPREGS:
		return ptrace_move_set(r->thread, NT_PRFPREG, r->data, PTRACE_FPU_SIZE, r->number == PTRACE_SETFPREGS);
	case PTRACE_GETREGSET:
	case PTRACE_SETREGSET:
		return move_regset(r, r->number == PTRACE_SETREGSET);
	case PTRACE_GETSIGINFO:
	case PTRACE_SETSIGINFO:
		return move_info(r, r->number == PTRACE_SETSIGINFO);
	case PTRACE_GETSIGMASK:
	case PTRACE_SETSIGMASK:
		return move_mask(r, r->number == PTRACE_SETSIGMASK);
	case PTRACE_PEEKSIGINFO:
		return peek_infos(r);
	case PTRACE_GET_SYSCALL_INFO:
	case PTRACE_GET_RSEQ_CONFIGURATION:
		return get_part(r);
	case PTRACE_LISTEN:
		return set_word(r, 0);
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
	case PTRACE_SINGLESTEP:
		return go_on(r);
	case PTRACE_DETACH:
		return detach(r);
	default:
		return -EIO;
	}
}

/* A thread that the caller traces, with a reference; NULL if @tid is none. */
static struct thread *find_tracee(int tid)
{
	struct thread *thread = thread_find(tid);

	if (!thread || (ptrace_is_traced_by(thread, current_process()) && thread->user.traced.ready && !thread->user.traced.ended))
		return thread;
	thread_put(thread);
	return NULL;
}

long sys_ptrace(int64_t number, int tid, uint64_t addr, uint64_t data)
{
	struct request request = { NULL, number, addr, data };
	long result;

	if (number == PTRACE_TRACEME)
		return ptrace_trace_me();
	if (number == PTRACE_ATTACH || number == PTRACE_SEIZE)
		return ptrace_attach(tid, number == PTRACE_SEIZE, addr, data);
	request.thread = find_tracee(tid);
	if (!request.thread)
		return -ESRCH;
	if (number == PTRACE_KILL)
		result = kill(request.thread);
	else if (number == PTRACE_INTERRUPT)
		result = interrupt(request.thread);
	else
		result = is_stopped(request.thread) ? perform_stopped(&request) : -ESRCH;
	thread_put(request.thread);
	return result;
}
