; SPDX-License-Identifier: MIT
; The gates of the calls that need capabilities (abi/syscalls.def): four instructions between the dispatch table, or a frame's stub, and the handler.
; A caller that lacks one of the bits is refused, or goes to who judges its arguments.

CPU_CURRENT equ 8
THREAD_MISSING equ 8
EPERM equ 1

%include "syscall_asm.inc"		; generated: EACH_GATE

section .text

refuse:
	mov rax, -EPERM
	ret

%macro GATE 3
%ifnidn %3, refuse
extern %3
%endif
extern sys_%1
global gate_%1
gate_%1:
	mov r11, [gs:CPU_CURRENT]
	test dword [r11 + THREAD_MISSING], %2
	jnz %3
	jmp sys_%1
%endmacro
EACH_GATE GATE

section .note.GNU-stack noalloc noexec nowrite progbits
