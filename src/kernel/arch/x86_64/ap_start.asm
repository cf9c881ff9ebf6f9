; SPDX-License-Identifier: MIT
; Where the other CPUs (application processors) begin: in real mode, at a page below 1 MiB to which smp.c has copied ap_trampoline. It switches to
; 64-bit mode in one step and goes on in the kernel image with the boot page tables, which map both places.
; Intel SDM vol. 3A section 8.4 (MP initialization), section 9.8.5 (IA-32e mode).

%include "offsets.inc"			; generated: CPU_SCRATCH_RSP
EFER equ 0xc0000080

extern ap_main
extern ap_cpus

section .rodata
bits 16
global ap_trampoline
ap_trampoline:
	cli
	cld
	mov ax, cs
	mov ds, ax
	mov eax, 1 << 5			; PAE
	mov cr4, eax
	mov eax, [root - ap_trampoline]
	mov cr3, eax
	mov ecx, EFER
	rdmsr
	or eax, 1 << 8 | 1 << 11	; LME, NXE
	wrmsr
	o32 lgdt [gdt_pointer - ap_trampoline]
	mov eax, 0x80010033		; PG, WP, NE, ET, MP, PE; the caches, off after INIT, go on
	mov cr0, eax
	jmp dword far [far_pointer - ap_trampoline]
bits 64
.long_mode:
	mov ax, 16
	mov ds, ax
	mov es, ax
	mov ss, ax
	jmp [rel entry]

	align 8
; What smp.c fills in: struct parameters there.
global ap_parameters
ap_parameters:
root: dq 0				; physical address of the page tables, below 4 GiB
entry: dq 0				; virtual address of ap_entry
gdt:
	dq 0
	dq 0x00af9a000000ffff
	dq 0x00cf92000000ffff
gdt_pointer:
	dw 23
	dd gdt - ap_trampoline		; the trampoline's address is added
far_pointer:
	dd ap_trampoline.long_mode - ap_trampoline	; likewise
	dw 8
global ap_trampoline_end
ap_trampoline_end:

section .text
bits 64
; Each finds itself by its APIC id in ap_cpus, and its stack in there. One that is not expected stops.
global ap_entry
ap_entry:
	mov eax, 1
	cpuid
	shr ebx, 24
	lea rax, [rel ap_cpus]
	mov rdi, [rax + rbx * 8]
	test rdi, rdi
	jz .stop
	mov rsp, [rdi + CPU_SCRATCH_RSP]
	xor ebp, ebp
	call ap_main
.stop:
	cli
	hlt
	jmp .stop

section .note.GNU-stack noalloc noexec nowrite progbits
