/* SPDX-License-Identifier: MIT */
/* Where the fields are that assembly uses. Compiled, but never linked: the Makefile makes equates of the lines it leaves in its output. */
#include "abi/raeen/ipc.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/entry.h"
#include "arch/x86_64/trap.h"
#include "ipc/port.h"
#include "mm/address_space.h"
#include "process/process.h"
#include "sched/run_queue.h"
#include "sched/thread.h"
#include "syscall_prototypes.h"
#include <raeen/caps.h>
#include "debug/trace/rings.h"

#define EQUATE(name, value) __asm__ volatile("\n#EQU " #name " %c0" :: "i"(value))
#define OFFSET(name, type, member) EQUATE(name, offsetof(struct type, member))

static __attribute__((used)) void offsets(void)
{
	OFFSET(CPU_CURRENT, cpu, current);
	OFFSET(CPU_USER_FRAME, cpu, user_frame);
	OFFSET(CPU_SCRATCH_RSP, cpu, scratch_rsp);
	OFFSET(CPU_NEED_RESCHED, cpu, need_resched);
	OFFSET(CPU_RUN_QUEUE, cpu, run_queue);
	OFFSET(CPU_TSS_RSP0, cpu, tss.rsp[0]);
	OFFSET(CPU_SLEEPS_HERE, cpu, sleeps_here);
	OFFSET(CPU_SWITCHES, cpu, switches);
	OFFSET(CPU_LEFT, cpu, left);
	OFFSET(CPU_LOADED_ROOT, cpu, loaded_root);
	OFFSET(CPU_PREEMPT_COUNT, cpu, preempt_count);
	EQUATE(NO_CPU, CPU_MAX);
	EQUATE(VECTOR_FIRST_IRQ, VECTOR_FIRST_IRQ);
	EQUATE(STUB_LEN, STUB_LEN);
	EQUATE(GROUP_STUBS, GROUP_STUBS);
	EQUATE(GROUP_LEN, GROUP_LEN);

	OFFSET(THREAD_MISSING, thread, user.missing);
#ifdef PTRACE
	OFFSET(THREAD_WATCH, thread, user.traced.watch);
#endif
	EQUATE(NEEDS_SEND, CAPABILITY_IPC_SEND);
	EQUATE(NEEDS_RECV, CAPABILITY_IPC_RECV);
	OFFSET(THREAD_SWITCH_RSP, thread, switch_rsp);
	OFFSET(THREAD_RUN_STATE, thread, run_state);
	OFFSET(THREAD_WAIT_MODE, thread, wait_mode);
	OFFSET(THREAD_RUN_LINK, thread, run_link);
	OFFSET(THREAD_PRIORITY, thread, priority);
	OFFSET(THREAD_BEST_PRIORITY, thread, best_priority);
	OFFSET(THREAD_RUN_CYCLES, thread, run_cycles);
	OFFSET(THREAD_RUN_STAMP, thread, run_stamp);
	OFFSET(THREAD_VOLUNTARY_SWITCHES, thread, voluntary_switches);
	OFFSET(THREAD_FPU_AREA, thread, fpu_area);
	OFFSET(THREAD_FS_BASE, thread, fs_base);
	OFFSET(THREAD_GS_BASE, thread, gs_base);
	OFFSET(THREAD_FPU_CPU, thread, fpu_cpu);
	OFFSET(THREAD_STACK_BASE, thread, stack_base);
	EQUATE(STACK_SIZE, KERNEL_STACK_SIZE);
	OFFSET(THREAD_ENDPOINT, thread, endpoint);
	OFFSET(THREAD_PROCESS, thread, process);
	OFFSET(PROCESS_AS, process, as);
	OFFSET(AS_ROOT, address_space, root);

	OFFSET(ENDPOINT_THREAD, endpoint, thread);
	OFFSET(ENDPOINT_PAYLOAD, endpoint, payload.pieces[0]);
	OFFSET(ENDPOINT_CALL, endpoint, call);
	OFFSET(ENDPOINT_ASK_FD, endpoint, ask_fd);
	OFFSET(ENDPOINT_SERVE_FD, endpoint, serve_fd);
	OFFSET(ENDPOINT_NOTIFY_FD, endpoint, notify_fd);
	OFFSET(ENDPOINT_NOTIFY_PORT, endpoint, notify_port);
	OFFSET(ENDPOINT_SERVE_EPOCH, endpoint, serve_epoch);
	OFFSET(ENDPOINT_NOTIFIED_RESUME, endpoint, notified_resume);
	OFFSET(ENDPOINT_TOKEN, endpoint, token);
	OFFSET(ENDPOINT_ASK_RESUME, endpoint, ask_resume);
	OFFSET(ENDPOINT_SERVE_RESUME, endpoint, serve_resume);
	OFFSET(ENDPOINT_ROOT, endpoint, root);
	OFFSET(ENDPOINT_STACK_TOP, endpoint, stack_top);
	OFFSET(ENDPOINT_SERVE_PORT, endpoint, serve_port);
	OFFSET(ENDPOINT_SERVING, endpoint, serving);

	OFFSET(CALL_PORT, call, message.port);
	OFFSET(CALL_HEADER, call, message.header);
	OFFSET(CALL_STATE, call, message.state);
	OFFSET(CALL_BADGE, call, message.badge);
	OFFSET(CALL_SERVER, call, server);
	OFFSET(CALL_TOKEN, call, token);

	OFFSET(PORT_LOCK, port, lock);
	OFFSET(PORT_FAST_RECEIVER, port, fast_receiver);
	OFFSET(PORT_LAST_TOKEN, port, last_token);
	OFFSET(PORT_EPOCH, port, epoch);
	OFFSET(PORT_NOTIFICATIONS, port, notifications);

	OFFSET(RUN_QUEUE_LOCK, run_queue, lock);
	OFFSET(RUN_QUEUE_COUNT, run_queue, count);
	OFFSET(RUN_QUEUE_BITMAP, run_queue, bitmap);
	OFFSET(RUN_QUEUE_SHARED, run_queue, bitmap[REALTIME_WORDS]);
	OFFSET(RUN_QUEUE_LEVELS, run_queue, levels);
	OFFSET(FEATURE_XSAVE_MASK, cpu_features, xsave_mask);

	_Static_assert(offsetof(struct thread, run_state) + 4 == offsetof(struct thread, cpu), "they are compared as one");
	_Static_assert(offsetof(struct spinlock, locked) == 0, "its lowest bit is set with the other bytes around it");
	_Static_assert(sizeof(struct list) == 16, "an index is shifted by 4");
	EQUATE(STATE_READY, THREAD_READY);
	EQUATE(STATE_RUNNING, THREAD_RUNNING);
	EQUATE(STATE_SLEEPING, THREAD_SLEEPING);
	EQUATE(MODE_INTERRUPTIBLE, WAIT_INTERRUPTIBLE);
	EQUATE(MODE_KILLABLE, WAIT_KILLABLE);
	EQUATE(CALL_IDLE, MESSAGE_IDLE);
	EQUATE(CALL_HELD, MESSAGE_HELD);
	EQUATE(CALL_HELD_SHORT, MESSAGE_HELD_SHORT);
	EQUATE(LEVEL_SHARED, LEVEL_HIGH);
	EQUATE(LEVEL_ORDINARY, LEVEL_NORMAL);
	EQUATE(HEADER_NOTIFICATION, MSG_NOTIFICATION);
	EQUATE(POINT_XSAVE, TRACE_GROUP_XSAVE);
	EQUATE(POINT_CPUS, TRACE_GROUP_CPUS);
	EQUATE(TRACED_GROUPS, TRACE_GROUP_SCHED | TRACE_GROUP_SYSCALL | TRACE_GROUP_MESSAGE);
}
