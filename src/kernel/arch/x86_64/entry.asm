; SPDX-License-Identifier: MIT
; Every way into the kernel and back: exceptions, interrupts, SYSCALL. All build the same struct trap_frame (trap.h).
; GS holds this CPU's struct cpu while in the kernel (offsets: cpu.h).

CPU_KERNEL_RSP equ 16
CPU_SCRATCH_RSP equ 24
CPU_CURRENT equ 8
CPU_NEED_RESCHED equ 36
TRAP_SYSCALL equ 0x100
USER_DATA equ 0x1b
USER_CODE equ 0x23
ENOSYS equ 38
FRAME_R11 equ 6 * 8
FRAME_RAX equ 10 * 8
FRAME_RCX equ 11 * 8
FRAME_ERROR equ 16 * 8
FRAME_RIP equ 17 * 8
FRAME_CS equ 18 * 8
FRAME_RFLAGS equ 19 * 8
FRAME_RSP equ 20 * 8
FRAME_SIZE equ 22 * 8
MSR_GS_BASE equ 0xc0000101

%include "arch/x86_64/user_access.inc"

extern trap_dispatch
extern syscall_unknown
extern syscall_exit_work
extern syscall_handlers
extern syscall_count
extern thread_work_offset
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

section .text

; One stub a vector, 16 bytes apart. Exceptions 8, 10-14, 17, 21, 29 and 30 push an error code (Intel SDM vol. 3A table 6-1).
align 16
global trap_stubs
trap_stubs:
%assign vector 0
%rep 256
	align 16
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

align 16
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
	mov rdi, [gs:CPU_KERNEL_RSP]
	sub rdi, FRAME_SIZE
	mov rdx, rdi
	mov ecx, FRAME_SIZE / 8
	rep movsq
	mov rsp, rdx
	jmp trap_enter

; SYSCALL: rcx = return address, r11 = flags (Intel SDM vol. 2B). MSR_FMASK cleared IF, DF, TF, NT and AC.
align 64
global syscall_entry
syscall_entry:
	swapgs
	mov [gs:CPU_SCRATCH_RSP], rsp
	mov rsp, [gs:CPU_KERNEL_RSP]
	push qword USER_DATA
	push qword [gs:CPU_SCRATCH_RSP]
	push r11
	push qword USER_CODE
	push rcx
	push rax
	push qword TRAP_SYSCALL
	PUSH_REGISTERS
	sti
	mov eax, eax			; the number is an int: upper bits do not count, as on Linux
	cmp rax, [rel syscall_count]
	jae .unknown
	mov rcx, r10
	lea r11, [rel syscall_handlers]
	xor ebp, ebp
	call [r11 + rax * 8]
	mov [rsp + FRAME_RAX], rax
.return:
	cli
	mov rcx, [gs:CPU_CURRENT]
	mov edx, [rel thread_work_offset]
	mov edx, [rcx + rdx]
	or edx, [gs:CPU_NEED_RESCHED]
	jnz .work
	; Nobody changed the frame: rcx and r11 still hold what SYSCALL saved, and rcx is canonical because the last user page can
	; never be mapped (USER_END).
	POP_REGISTERS
	mov rsp, [rsp + FRAME_RSP - 15 * 8]
	swapgs
	o64 sysret
.unknown:
	mov rdi, rsp
	call syscall_unknown
	mov [rsp + FRAME_RAX], rax
	jmp .return
.work:
	mov rdi, rsp
	call syscall_exit_work
	jmp trap_return

; void context_switch(uint64_t *save_rsp, uint64_t load_rsp)
align 16
global context_switch
context_switch:
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	mov [rdi], rsp
	mov rsp, rsi
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	ret

; The first instruction of a new thread: rbx = function, r12 = argument (0 in rbx: a user thread, its trap frame is on the stack).
global thread_trampoline
thread_trampoline:
	xor ebp, ebp
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
	jmp trap_return

section .note.GNU-stack noalloc noexec nowrite progbits
