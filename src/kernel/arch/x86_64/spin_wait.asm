; SPDX-License-Identifier: MIT
; Where a spinlock is waited for: spin_wait() of sync/spinlock.h pushes the lock and calls; every register is as before.
bits 64
default rel
section .text

extern spin_wait_for
global spin_wait_entry:function hidden

spin_wait_entry:
	push rbp		; a frame, for backtraces
	mov rbp, rsp
	push rax
	push rcx
	push rdx
	push rsi
	push rdi
	push r8
	push r9
	push r10
	push r11
	mov rdi, [rbp + 16]
	mov rsi, [rbp + 8]
	cld
	call spin_wait_for
	pop r11
	pop r10
	pop r9
	pop r8
	pop rdi
	pop rsi
	pop rdx
	pop rcx
	pop rax
	pop rbp
	ret 8
