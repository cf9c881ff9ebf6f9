; SPDX-License-Identifier: MIT
; The gates of the calls that need capabilities (abi/syscalls.def): four instructions between the dispatch table, or a frame's stub, and the handler.
; A caller that lacks one of the bits is refused, or goes to who judges its arguments. All are one symbol, gates, in backtraces and profiles.

EPERM equ 1
%define GATES_A_REFUSAL 5		; a short jump reaches it

%include "offsets.inc"			; generated: CPU_CURRENT, THREAD_MISSING
%include "syscall_asm.inc"		; generated: EACH_GATE

section .text

; GATE name, capabilities, refuse or who judges. Where they are in one byte that byte alone is tested.
%assign gate_count 0
%assign refusal 0
%macro GATE 3
%if gate_count % GATES_A_REFUSAL == 0
%assign refusal refusal + 1
.refuse%[refusal]:
	push -EPERM
	pop rax
	ret
%endif
%assign gate_count gate_count + 1
extern sys_%1
global gates.%1
.%1:
	mov r11, [gs:CPU_CURRENT]
%assign in_byte 0
%rep 4
%if (%2) & (0xff << (in_byte * 8)) == (%2)
	test byte [r11 + THREAD_MISSING + in_byte], (%2) >> (in_byte * 8)
%assign in_byte 99
%exitrep
%endif
%assign in_byte in_byte + 1
%endrep
%if in_byte != 99
	test dword [r11 + THREAD_MISSING], %2
%endif
%ifidn %3, refuse
	jnz short .refuse%[refusal]
%else
	extern %3
	jnz %3
%endif
	jmp sys_%1
%endmacro

gates:
EACH_GATE GATE

section .note.GNU-stack noalloc noexec nowrite progbits
