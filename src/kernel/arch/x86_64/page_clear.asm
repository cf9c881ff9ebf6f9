; SPDX-License-Identifier: MIT
; Clearing one page, in the two ways of page_clear.h. rdi: the page. Both keep every register that C callers expect to keep, and xmm0, which is
; the program's.

section .text

; 16 bytes a store: half as many steps as with 8. Interrupts are off, so the program's register, kept on the stack, is never seen changed.
align 16
global page_clear_wide
page_clear_wide:
	sub rsp, 24
	movups [rsp], xmm0
	xorps xmm0, xmm0
	mov eax, 4096 / 512
.next:
%assign at 0
%rep 32
	movaps [rdi + at], xmm0
%assign at at + 16
%endrep
	add rdi, 512
	dec eax
	jnz .next
	movups xmm0, [rsp]
	add rsp, 24
	ret

; For CPUs that say their string instructions are fast, and before the FPU is set up.
align 16
global page_clear_string
page_clear_string:
	mov ecx, 4096 / 8
	xor eax, eax
	rep stosq
	ret
