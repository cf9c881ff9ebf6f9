; SPDX-License-Identifier: MIT
; Every way into the kernel and back: exceptions, interrupts, SYSCALL. All build the same struct trap_frame (trap.h).
; GS holds this CPU's struct cpu while in the kernel.

THREAD_WORK equ 0
TRAP_SYSCALL equ 0x100
FRAME_R15 equ 0 * 8
FRAME_R14 equ 1 * 8
FRAME_R13 equ 2 * 8
FRAME_R12 equ 3 * 8
FRAME_RBP equ 4 * 8
FRAME_RBX equ 5 * 8
FRAME_R11 equ 6 * 8
FRAME_R10 equ 7 * 8
FRAME_R9 equ 8 * 8
FRAME_R8 equ 9 * 8
FRAME_RAX equ 10 * 8
FRAME_RCX equ 11 * 8
FRAME_RDX equ 12 * 8
FRAME_RSI equ 13 * 8
FRAME_RDI equ 14 * 8
FRAME_VECTOR equ 15 * 8
FRAME_ERROR equ 16 * 8
FRAME_RIP equ 17 * 8
FRAME_CS equ 18 * 8
FRAME_RFLAGS equ 19 * 8
FRAME_RSP equ 20 * 8
FRAME_SIZE equ 22 * 8
MSR_GS_BASE equ 0xc0000101

%include "arch/x86_64/user_access.inc"
%include "debug/checks.inc"
%include "offsets.inc"		; generated: where fields are (offsets.c)
%include "syscall_asm.inc"		; generated: the numbers of calls, EACH_FRAME_CALL

extern trap_dispatch
extern syscall_unknown
extern syscall_exit_work
extern syscall_handlers
extern thread_first_run

%macro PUSH_REGISTERS 0
	push rdi
	push rsi
	push rdx
	push rcx
	push rax
	push r8
	push r9
	push r10
	push r11
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
%endmacro

%macro POP_REGISTERS 0
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	pop r11
	pop r10
	pop r9
	pop r8
	pop rax
	pop rcx
	pop rdx
	pop rsi
	pop rdi
%endmacro

; The registers that syscall_entry leaves where they are, to the frame at %1. Spoils r11.
%macro STORE_REST 1
	mov [%1 + FRAME_RBX], rbx
	mov [%1 + FRAME_RBP], rbp
	mov [%1 + FRAME_R12], r12
	mov [%1 + FRAME_R13], r13
	mov [%1 + FRAME_R14], r14
	mov [%1 + FRAME_R15], r15
	mov r11, [%1 + FRAME_RFLAGS]	; SYSCALL has put the flags there and the return address in rcx
	mov [%1 + FRAME_R11], r11
	mov r11, [%1 + FRAME_RIP]
	mov [%1 + FRAME_RCX], r11
%endmacro

section .text

; One stub a vector. Exceptions 8, 10-14, 17, 21, 29 and 30 push an error code (Intel SDM vol. 3A table 6-1).
align 16
%define EXCEPTIONS 32			; %rep takes no equates
%define IN_A_GROUP 28
global exception_stubs
exception_stubs:
%assign vector 0
%rep EXCEPTIONS
	times exception_stubs + vector * STUB_LEN - $ int3
%if vector != 8 && vector != 10 && vector != 11 && vector != 12 && vector != 13 && vector != 14 && vector != 17 && vector != 21 && vector != 29 && vector != 30
	push qword 0
%endif
	push qword vector
%if vector == 1 || vector == 2 || vector == 8 || vector == 18
	jmp near trap_paranoid
%else
	jmp near trap_common
%endif
%assign vector vector + 1
%endrep

; Interrupts, of which none pushes an error code: as many stubs in a group as reach the jump behind them.
align 16
global interrupt_stubs
interrupt_stubs:
%assign group 0
%rep (256 - EXCEPTIONS) / IN_A_GROUP
%rep IN_A_GROUP
	push byte (vector ^ 0x80) - 0x80	; its low byte is the vector
	jmp short .group%[group]
%assign vector vector + 1
%endrep
.group%[group]:
	jmp near interrupt_common
%assign group group + 1
%endrep
; Where descriptors.c looks for them: a negative number of times is an error.
times -(EXCEPTIONS != VECTOR_FIRST_IRQ || IN_A_GROUP != GROUP_STUBS || $ - interrupt_stubs != group * GROUP_LEN || vector != 256) nop

align 16
interrupt_common:
	push qword [rsp]
	and qword [rsp], 0xff
	mov qword [rsp + 8], 0		; in the place of an error code
trap_common:
	PUSH_REGISTERS
	cld
	USER_ACCESS_END			; the CPU leaves AC as the program, or an interrupted user copy, had it
	test byte [rsp + FRAME_CS], 3
	jz .in_kernel
	swapgs
.in_kernel:
trap_enter:
	mov rdi, rsp
	mov rbp, rsp
	call trap_dispatch
; Also the way a new or changed user context starts: rsp points to a trap frame, interrupts are off.
global trap_return
trap_return:
	test byte [rsp + FRAME_CS], 3
	jz .to_kernel
	CHECK_USER_RETURN
	mov qword [rsp + FRAME_VECTOR], TRAP_SYSCALL	; what syscall_entry counts on
	swapgs
.to_kernel:
	POP_REGISTERS
	add rsp, 16
	iretq

; NMI, double fault, machine check and debug may hit in the kernel before SWAPGS: look at the GS base itself. They run on stacks of their
; own (IST) and never switch threads.
trap_paranoid:
	PUSH_REGISTERS
	cld
	USER_ACCESS_END
	test byte [rsp + FRAME_CS], 3
	jnz .from_user
	mov ecx, MSR_GS_BASE
	rdmsr
	xor ebx, ebx
	test edx, edx
	js .gs_is_kernel
	swapgs
	mov ebx, 1
.gs_is_kernel:
	mov rdi, rsp
	mov rbp, rsp
	call trap_dispatch
	test ebx, ebx
	jz .gs_was_kernel
	swapgs
.gs_was_kernel:
	POP_REGISTERS
	add rsp, 16
	iretq
; A program single-steps, say: nothing special, except that it must go on on the thread's own stack, where it may sleep.
.from_user:
	swapgs
	mov rsi, rsp
	mov rdi, [gs:CPU_USER_FRAME]
	mov rdx, rdi
	mov ecx, FRAME_SIZE / 8
	rep movsq
	mov rsp, rdx
	jmp trap_enter

; SYSCALL: rcx = return address, r11 = flags (Intel SDM vol. 2B). MSR_FMASK cleared IF, DF, TF, NT and AC.
;
; The user's frame lies at the top of the kernel stack. Its cs, ss and vector are there already: trap_return leaves them so, and nothing else
; enters user mode first. Stored here is what C code may spoil, no more: rbx, rbp and r12 to r15 hold the user's values again when the handler
; returns. The calls marked [frame] in syscalls.def, which look at the whole frame or change it, come through a stub that stores the rest.
align 64
global syscall_entry
syscall_entry:
	swapgs
	mov [gs:CPU_SCRATCH_RSP], rsp
	mov rsp, [gs:CPU_USER_FRAME]
	mov [rsp + FRAME_RIP], rcx
	mov rcx, [gs:CPU_SCRATCH_RSP]
	mov [rsp + FRAME_RSP], rcx
	mov [rsp + FRAME_RFLAGS], r11
	mov eax, eax			; the number is an int: upper bits do not count, as on Linux
	cmp eax, SYSCALL_LINUX_COUNT
	jae .native
	mov [rsp + FRAME_ERROR], rax
	mov [rsp + FRAME_RDI], rdi
	mov [rsp + FRAME_RSI], rsi
	mov [rsp + FRAME_RDX], rdx
	mov [rsp + FRAME_R10], r10
	mov [rsp + FRAME_R8], r8
	mov [rsp + FRAME_R9], r9
	sti
.dispatch:
	mov rcx, r10
	lea r11, [rel syscall_handlers]
	call [r11 + rax * 8]
.return:
	cli
	CHECK_USER_RETURN
	mov rcx, [gs:CPU_CURRENT]
	mov edx, [gs:CPU_NEED_RESCHED]
	or edx, [rcx + THREAD_WORK]
	jnz .work
	; Nobody changed the frame, and its rip is canonical because the last user page can never be mapped (USER_END).
	mov rdi, [rsp + FRAME_RDI]
	mov rsi, [rsp + FRAME_RSI]
	mov rdx, [rsp + FRAME_RDX]
	mov r10, [rsp + FRAME_R10]
	mov r8, [rsp + FRAME_R8]
	mov r9, [rsp + FRAME_R9]
	mov rcx, [rsp + FRAME_RIP]
	mov r11, [rsp + FRAME_RFLAGS]
	mov rsp, [rsp + FRAME_RSP]
	swapgs
	o64 sysret
.native:
	cmp eax, SYSCALL_msg_ask
	je message_ask
	cmp eax, SYSCALL_msg_serve
	je message_serve
	cmp eax, SYSCALL_port_notify
	je message_notify
.native_long_way:
	mov [rsp + FRAME_ERROR], rax
	mov [rsp + FRAME_RDI], rdi
	mov [rsp + FRAME_RSI], rsi
	mov [rsp + FRAME_RDX], rdx
	mov [rsp + FRAME_R10], r10
	mov [rsp + FRAME_R8], r8
	mov [rsp + FRAME_R9], r9
	sti
	sub eax, SYSCALL_NATIVE		; below it gets huge
	cmp eax, SYSCALL_COUNT - SYSCALL_LINUX_COUNT
	jae .unknown
	mov rcx, r10
	lea r11, [rel syscall_handlers + SYSCALL_LINUX_COUNT * 8]
	call [r11 + rax * 8]
	jmp .return
.unknown:
%ifdef PTRACE
	STORE_REST rsp
	mov rdi, rsp
	call syscall_unknown
	cli
	jmp .frame_complete
%else
	mov rdi, rsp
	call syscall_unknown
	jmp .return
%endif
.frame_complete:
	mov [rsp + FRAME_RAX], rax
	mov rcx, [gs:CPU_CURRENT]
	mov edx, [gs:CPU_NEED_RESCHED]
	or edx, [rcx + THREAD_WORK]
	jz trap_return
	jmp .work_complete
.work:
	STORE_REST rsp
	mov [rsp + FRAME_RAX], rax
.work_complete:
	mov rdi, rsp
	call syscall_exit_work
	CHECK_USER_ADDRESS
	jmp trap_return

; The stubs frame_NAME of the calls that need the whole frame; where there is a gate it comes behind them. They return by IRET with the registers that are in the frame then.
%macro FRAME_CALL 2
extern %2
global frame_%1
frame_%1:
	lea rax, [rel %2]
	jmp frame_call
%endmacro
EACH_FRAME_CALL FRAME_CALL
frame_call:
	STORE_REST rsp + 8
	sub rsp, 8
	call rax
	add rsp, 16
	cli
	jmp syscall_entry.frame_complete

%include "arch/x86_64/message_path.inc"
%include "arch/x86_64/notify_path.inc"
%include "arch/x86_64/trace_entry.inc"
%ifdef PTRACE
%include "arch/x86_64/ptrace_entry.inc"
%endif

global syscall_entry_end
syscall_entry_end:

; The first instruction of a new thread (context_switch). On the stack: 0 as frame pointer, a function, or 0 for a user thread, whose trap frame lies
; behind this, and the function's argument.
global thread_trampoline
thread_trampoline:
	pop rbp
	pop rbx
	pop r12
	call thread_first_run
	test rbx, rbx
	jz .user
	mov rdi, r12
	call rbx
	ud2
.user:
	mov rdi, rsp
	cli
	call syscall_exit_work
	CHECK_USER_ADDRESS
	jmp trap_return

section .note.GNU-stack noalloc noexec nowrite progbits
