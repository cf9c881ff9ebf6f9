; SPDX-License-Identifier: MIT
; The code that touches user memory (with user_access_now.h, for fast paths). Each instruction that may fault has an entry in the fixup table: (distance from the entry to it,
; distance from the entry to where to go on). Copies move 8 bytes a step; a fault inside an 8-byte step is retried byte by byte, so that results are exact.

%include "arch/x86_64/user_access.inc"

USER_END equ 0x00007ffffffff000
EFAULT equ 14

%macro FAULTS 1			; the next instruction may fault: go on at %1
%%here:
[section .user_fixup progbits alloc noexec nowrite align=4]
	dd %%here - $, %1 - $
__?SECT?__
%endmacro

section .text

; Jumps to %2 unless [%1, %1 + rdx) lies in user space. Spoils rax.
%macro CHECK_RANGE 2
	mov rax, USER_END
	sub rax, %1
	jb %2
	cmp rax, rdx
	jb %2
%endmacro

; size_t user_copy_in(void *to, uaddr_t from, size_t len): bytes NOT copied.
align 16
global user_copy_in
user_copy_in:
	CHECK_RANGE rsi, copy_nothing
	jmp copy

; size_t user_copy_out(uaddr_t to, const void *from, size_t len): bytes NOT copied.
align 16
global user_copy_out
user_copy_out:
	CHECK_RANGE rdi, copy_nothing
copy:
	USER_ACCESS_BEGIN
	mov rcx, rdx
	shr rcx, 3
	jz .tail
	FAULTS .words_fault
	rep movsq
	and edx, 7
	jz .done
.tail:
	mov ecx, edx
.bytes:
	FAULTS .bytes_fault
	rep movsb
.done:
	USER_ACCESS_END
	xor eax, eax
	ret
.words_fault:
	and edx, 7
	lea rcx, [rdx + rcx * 8]
	jmp .bytes
.bytes_fault:
	USER_ACCESS_END
	mov rax, rcx
	ret
copy_nothing:
	mov rax, rdx
	ret

; int user_copy_in_all(void *to, uaddr_t from, size_t len), int user_copy_out_all(uaddr_t to, const void *from, size_t len): 0 or -EFAULT.
align 16
global user_copy_in_all
user_copy_in_all:
	CHECK_RANGE rsi, all_bad
	jmp copy_all

align 16
global user_copy_out_all
user_copy_out_all:
	CHECK_RANGE rdi, all_bad
copy_all:
	USER_ACCESS_BEGIN
	mov rcx, rdx
	shr rcx, 3
	FAULTS word_fault
	rep movsq
	and edx, 7
	jz .done
	mov ecx, edx
	FAULTS word_fault
	rep movsb
.done:
	USER_ACCESS_END
	xor eax, eax
	ret

; Of nothing any address is good, as on Linux.
all_bad:
	test rdx, rdx
	jnz word_bad
	xor eax, eax
	ret

; size_t user_clear(uaddr_t to, uint64_t zero, size_t len): bytes NOT cleared.
align 16
global user_clear
user_clear:
	CHECK_RANGE rdi, copy_nothing
	USER_ACCESS_BEGIN
	xor eax, eax
	mov rcx, rdx
	shr rcx, 3
	FAULTS .words_fault
	rep stosq
	and edx, 7
	mov ecx, edx
.bytes:
	FAULTS .bytes_fault
	rep stosb
.bytes_fault:
	USER_ACCESS_END
	mov rax, rcx
	ret
.words_fault:
	and edx, 7
	lea rcx, [rdx + rcx * 8]
	jmp .bytes

; Words. int user_load_u32(uint32_t *value, uaddr_t from) and so on: 0 or -EFAULT.
%macro LOAD_WORD 3
align 16
global %1
%1:
	mov rax, USER_END - %3
	cmp rsi, rax
	ja word_bad
	USER_ACCESS_BEGIN
	FAULTS word_fault
	mov %2, [rsi]
	USER_ACCESS_END
	mov [rdi], %2
	xor eax, eax
	ret
%endmacro

%macro STORE_WORD 3
align 16
global %1
%1:
	mov rax, USER_END - %3
	cmp rdi, rax
	ja word_bad
	USER_ACCESS_BEGIN
	FAULTS word_fault
	mov [rdi], %2
	USER_ACCESS_END
	xor eax, eax
	ret
%endmacro

LOAD_WORD user_load_u32, ecx, 4
LOAD_WORD user_load_u64, rcx, 8
STORE_WORD user_store_u32, esi, 4
STORE_WORD user_store_u64, rsi, 8
word_fault:
	USER_ACCESS_END
word_bad:
	mov eax, -EFAULT
	ret

; int user_cas_u32(uaddr_t addr, uint32_t expected, uint32_t wanted, uint32_t *found): 0 or -EFAULT.
align 16
global user_cas_u32
user_cas_u32:
	mov rax, USER_END - 4
	cmp rdi, rax
	ja word_bad
	mov eax, esi
	USER_ACCESS_BEGIN
	FAULTS word_fault
	lock cmpxchg [rdi], edx
	USER_ACCESS_END
	mov [rcx], eax
	xor eax, eax
	ret

; int user_fpu_store(uaddr_t to, uint64_t components), int user_fpu_load(uaddr_t from, uint64_t components): the caller's FPU registers to and
; from a signal frame, by XSAVE's standard form for @components or, with 0, by FXSAVE. 0, or not for a bad address or image. The caller has
; checked the range.
%macro FPU_TRANSFER 3
align 16
global %1
%1:
	mov rax, rsi
	mov rdx, rsi
	shr rdx, 32
	USER_ACCESS_BEGIN
	test rsi, rsi
	jz %%legacy
	FAULTS word_fault
	%2 [rdi]
	USER_ACCESS_END
	xor eax, eax
	ret
%%legacy:
	FAULTS word_fault
	%3 [rdi]
	USER_ACCESS_END
	xor eax, eax
	ret
%endmacro

FPU_TRANSFER user_fpu_store, xsave64, fxsave64
FPU_TRANSFER user_fpu_load, xrstor64, fxrstor64

; ssize_t user_copy_string(char *to, uaddr_t from, size_t size): the length without NUL; -1 for a bad address; size if no NUL was found.
; Bytes until the source is 8-aligned, then whole words: an aligned word never reaches into the next page.
align 16
global user_copy_string
user_copy_string:
	mov r8, USER_END
	cmp rsi, r8
	jae .bad
	sub r8, rsi
	cmp rdx, r8
	jbe .fits
	mov r9, rdx			; the string must end before user space does
	mov rdx, r8
	jmp .start
.fits:
	mov r9, rdx
.start:
	mov r11, rsi
	add rdx, rsi			; rdx: end of what may be read
	USER_ACCESS_BEGIN
.next:
	cmp rsi, rdx
	jae .no_nul
	test esi, 7
	jz .words
.byte:
	FAULTS .fault
	movzx eax, byte [rsi]
	mov [rdi], al
	test al, al
	jz .found
	inc rsi
	inc rdi
	jmp .next
.words:
	mov r10, 0x8080808080808080
.word:
	lea r8, [rsi + 8]
	cmp r8, rdx
	ja .tail
	FAULTS .fault
	mov rax, [rsi]
	mov rcx, 0xfefefefefefefeff
	add rcx, rax
	not rax
	and rcx, rax
	not rax
	and rcx, r10
	jnz .last_word
	mov [rdi], rax
	add rdi, 8
	mov rsi, r8
	jmp .word
.last_word:				; the lowest set bit of rcx marks the NUL
	bsf rcx, rcx
	shr ecx, 3
	lea rdx, [rsi + rcx]
.last_byte:
	mov [rdi], al
	shr rax, 8
	inc rdi
	inc rsi
	cmp rsi, rdx
	jbe .last_byte
	mov rsi, rdx
.found:
	USER_ACCESS_END
	mov rax, rsi
	sub rax, r11
	ret
.tail:
	cmp rsi, rdx
	jae .no_nul
	FAULTS .fault
	movzx eax, byte [rsi]
	mov [rdi], al
	test al, al
	jz .found
	inc rsi
	inc rdi
	jmp .tail
.no_nul:
	USER_ACCESS_END
	mov rax, rsi
	sub rax, r11
	cmp rax, r9
	jb .out_of_space
	ret
.out_of_space:
	mov rax, -1
	ret
.fault:
	USER_ACCESS_END
.bad:
	mov rax, -1
	ret

section .note.GNU-stack noalloc noexec nowrite progbits
