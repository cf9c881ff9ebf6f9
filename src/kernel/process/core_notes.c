/* SPDX-License-Identifier: MIT */
/* The notes of a core file, as Linux writes them for x86-64: registers of each thread, the process, the signal, what is mapped from where. */
#include <linux/elf.h>

#include "arch/x86_64/fpu.h"
#include "arch/x86_64/trap.h"
#include "lib/string.h"
#include "mm/user_copy.h"
#include "process/core_internal.h"
#include "vfs/path.h"

struct core_time { int64_t seconds, microseconds; };

/* struct user_regs_struct */
struct core_registers {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, call, rip, cs, rflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};

/* struct elf_prstatus */
struct core_status {
	int32_t signal, code, error;
	int16_t current_signal;
	uint64_t pending, blocked;
	int32_t tid, ppid, pgid, sid;
	struct core_time user, system, children_user, children_system;
	struct core_registers registers;
	int32_t has_fpu;
};
_Static_assert(sizeof(struct core_status) == 336, "as Linux lays it out");

/* struct elf_prpsinfo */
struct core_process {
	uint8_t state, letter, zombie;
	int8_t nice;
	uint64_t flags;
	uint32_t uid, gid;
	int32_t pid, ppid, pgid, sid;
	char name[THREAD_NAME_LEN], arguments[80];
};
_Static_assert(sizeof(struct core_process) == 136, "as Linux lays it out");

enum {
	FXSAVE_SIZE = 512, MXCSR_AT = 24, MXCSR_END = 32, X87_END = 160, SSE_END = 416,	/* Intel SDM vol. 1 §10.5.1 */
	XSAVE_X87 = 1, XSAVE_SSE = 2,
	XCR0_AT = 464,				/* where gdb looks for which parts there are, in bytes that the CPU leaves to software */
	NO_CALL = -1,				/* in trap_frame.error, and in a core file */
};

static void add_padded(struct core_dump *core, const void *bytes, size_t size)
{
	static const char zeroes[4];

	core_add(core, bytes, size);
	core_add(core, zeroes, -size & 3);
}

static void add_note_header(struct core_dump *core, const char *name, unsigned type, size_t size)
{
	Elf64_Nhdr header = { .n_namesz = strlen(name) + 1, .n_descsz = size, .n_type = type };

	core_add(core, &header, sizeof(header));
	add_padded(core, name, header.n_namesz);
}

static void add_note(struct core_dump *core, const char *name, unsigned type, const void *bytes, size_t size)
{
	add_note_header(core, name, type, size);
	add_padded(core, bytes, size);
}

/* ---- Threads ---- */

static void fill_registers(struct core_registers *registers, const struct thread *thread)
{
	const struct trap_frame *frame = (struct trap_frame *)((char *)thread->stack_base + KERNEL_STACK_SIZE) - 1;

	memcpy(registers, frame, offsetof(struct trap_frame, vector));
	registers->call = frame->vector == TRAP_SYSCALL ? frame->error : (uint64_t)NO_CALL;
	registers->rip = frame->rip;
	registers->cs = frame->cs;
	registers->rflags = frame->rflags;
	registers->rsp = frame->rsp;
	registers->ss = frame->ss;
	registers->fs_base = thread->fs_base;
	registers->gs_base = thread->gs_base;
}

static struct core_time time_of(uint64_t ns)
{
	return (struct core_time){ ns / 1000000000, ns / 1000 % 1000000 };
}

static void add_status(struct core_dump *core, struct thread *thread)
{
	struct process *process = thread->process;
	struct core_status status = { .signal = core->number, .current_signal = core->number, .tid = thread->tid, .has_fpu = true };
	uint64_t user, system, flags;

	thread_times(thread, &user, &system);
	status.user = time_of(user);
	status.system = time_of(system);
	flags = spin_lock_irq(&process_tree_lock);
	status.ppid = process->parent_pid;
	status.pgid = process->pgid;
	status.sid = process->session->sid;
	status.children_user = time_of(process->children_user_ns);
	status.children_system = time_of(process->children_system_ns);
	spin_unlock_irq(&process_tree_lock, flags);
	flags = spin_lock_irq(&process->signal_lock);
	status.pending = thread->user.queue.set;
	status.blocked = thread == core->thread ? core->blocked : thread->user.blocked;
	spin_unlock_irq(&process->signal_lock, flags);
	fill_registers(&status.registers, thread);
	add_note(core, "CORE", NT_PRSTATUS, &status, sizeof(status));
}

/* Of parts that are as at the start XSAVE only says so: their bytes are old ones. */
static void fill_fxsave(char *out, const char *area)
{
	uint64_t there = cpu_features.xsave ? *(const uint64_t *)(area + FXSAVE_SIZE) : XSAVE_X87 | XSAVE_SSE;

	fpu_init_area(out);
	memcpy(out + MXCSR_AT, area + MXCSR_AT, MXCSR_END - MXCSR_AT);
	if (there & XSAVE_X87) {
		memcpy(out, area, MXCSR_AT);
		memcpy(out + MXCSR_END, area + MXCSR_END, X87_END - MXCSR_END);
	}
	if (there & XSAVE_SSE)
		memcpy(out + X87_END, area + X87_END, SSE_END - X87_END);
}

static void add_fpu(struct core_dump *core, const struct thread *thread)
{
	size_t size = fpu_area_size();

	if (size > PATH_MAX_LEN)
		return;
	fill_fxsave(core->scratch, thread->fpu_area);
	add_note(core, "CORE", NT_PRFPREG, core->scratch, FXSAVE_SIZE);
	if (!cpu_features.xsave)
		return;
	memcpy(core->scratch, thread->fpu_area, size);
	memcpy(core->scratch + XCR0_AT, &cpu_features.xsave_mask, sizeof(cpu_features.xsave_mask));
	add_note(core, "LINUX", NT_X86_XSTATE, core->scratch, size);
}

/* ---- The process ---- */

static void add_process(struct core_dump *core)
{
	struct process *process = core->thread->process;
	const struct credentials *credentials = credentials_current();
	struct core_process info = { .letter = 'R', .nice = core->thread->nice, .uid = credentials->uid, .gid = credentials->gid, .pid = process->pid };
	size_t size = MIN(core->as->arg_end - core->as->arg_start, sizeof(info.arguments) - 1);
	uint64_t flags = spin_lock_irq(&process_tree_lock);

	info.ppid = process->parent_pid;
	info.pgid = process->pgid;
	info.sid = process->session->sid;
	spin_unlock_irq(&process_tree_lock, flags);
	memcpy(info.name, core->thread->name, sizeof(info.name));
	if (copy_from_user(info.arguments, core->as->arg_start, size))
		size = 0;
	for (size_t i = 0; i < size; i++)
		if (!info.arguments[i])
			info.arguments[i] = ' ';
	info.arguments[size] = '\0';
	add_note(core, "CORE", NT_PRPSINFO, &info, sizeof(info));
}

static void add_signal(struct core_dump *core)
{
	struct signal_info info = { 0 };

	signal_info_copy(&info, core->info);
	add_note(core, "CORE", NT_SIGINFO, &info, sizeof(info));
}

static void add_auxiliary_vector(struct core_dump *core)
{
	size_t size = core->as->auxv_size;

	if (size && size <= PATH_MAX_LEN && !copy_from_user(core->scratch, core->as->auxv_start, size))
		add_note(core, "CORE", NT_AUXV, core->scratch, size);
}

/* How many there are, the size of a page, where each is, and then their names. */
static void add_mapped_files(struct core_dump *core)
{
	struct core_mapping mapping;
	uint64_t head[2] = { 0, PAGE_SIZE }, names = 0, addr;

	for (addr = 0; core_next_mapping(core, addr, &mapping); addr = mapping.end)
		if (core->scratch[0]) {
			head[0]++;
			names += strlen(core->scratch) + 1;
		}
	if (!head[0])
		return;
	add_note_header(core, "CORE", NT_FILE, sizeof(head) + head[0] * 3 * sizeof(uint64_t) + names);
	core_add(core, head, sizeof(head));
	for (addr = 0; core_next_mapping(core, addr, &mapping); addr = mapping.end)
		if (core->scratch[0]) {
			uint64_t place[3] = { mapping.start, mapping.end, mapping.offset >> PAGE_SHIFT };

			core_add(core, place, sizeof(place));
		}
	for (addr = 0; core_next_mapping(core, addr, &mapping); addr = mapping.end)
		if (core->scratch[0])
			core_add(core, core->scratch, strlen(core->scratch) + 1);
	core_add(core, "\0\0\0", -names & 3);
}

/* All threads but the caller sleep in core_wait(), so that the list stays as it is. */
void core_add_notes(struct core_dump *core)
{
	struct thread *thread;

	add_status(core, core->thread);
	add_process(core);
	add_signal(core);
	add_auxiliary_vector(core);
	add_mapped_files(core);
	add_fpu(core, core->thread);
	list_for_each(thread, &core->thread->process->threads, process_link) {
		if (thread == core->thread)
			continue;
		add_status(core, thread);
		add_fpu(core, thread);
	}
}
