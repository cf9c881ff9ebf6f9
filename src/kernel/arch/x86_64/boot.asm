; SPDX-License-Identifier: MIT
; From the Multiboot2 entry (32-bit protected mode, paging off) to early_main in 64-bit mode, still at physical addresses.
; Multiboot2 specification 2.0, sections 3.1 (header) and 3.2 (machine state).

MULTIBOOT2_MAGIC equ 0xe85250d6
MULTIBOOT2_BOOTLOADER_MAGIC equ 0x36d76289

extern early_main
extern image_start

section .multiboot2 align=8
header:
	dd MULTIBOOT2_MAGIC, 0, header_end - header
	dd 0x100000000 - (MULTIBOOT2_MAGIC + 0 + (header_end - header))
	align 8
	dw 1, 0			; information request: memory map is required
	dd 12
	dd 6
	align 8
	dw 1, 1			; optional requests: framebuffer, sections, ACPI 1 and 2
	dd 24
	dd 8, 9, 14, 15
	align 8
	dw 5, 1			; framebuffer: preferred 1024x768x32, optional
	dd 20
	dd 1024, 768, 32
	align 8
	dw 6, 0			; modules page-aligned
	dd 8
	align 8
	dw 10, 0		; relocatable: anywhere from 2 MiB to 1 GiB, 2 MiB aligned, lowest first
	dd 24
	dd 0x200000, 0x3fffffff, 0x200000, 1
	align 8
	dw 0, 0
	dd 8
header_end:

section .text
bits 32
global boot_entry
boot_entry:
	cli
	cld
	; ESP is undefined. The reserved word of the information structure serves as a stack of one slot.
	lea esp, [ebx + 8]
	call .here
.here:
	pop ebp
	sub ebp, .here - boot_entry	; ebp: where boot_entry runs
	lea esp, [ebp + boot_stack_top - boot_entry]
	mov edi, ebx
	mov ecx, bad_loader_text - boot_entry
	cmp eax, MULTIBOOT2_BOOTLOADER_MAGIC
	jne boot_fail

	mov eax, 0x80000000
	cpuid
	mov ecx, no_long_mode_text - boot_entry
	cmp eax, 0x80000001
	jb boot_fail
	mov eax, 0x80000001
	cpuid
	mov ecx, no_long_mode_text - boot_entry
	bt edx, 29
	jnc boot_fail

	; Identity-map the first 4 GiB with 2 MiB pages.
	lea esi, [ebp + boot_tables - boot_entry]	; PML4, PDPT, 4 page directories
	lea eax, [esi + 0x1003]
	mov [esi], eax
	lea eax, [esi + 0x2003]
	mov ecx, 0
.pdpt:
	mov [esi + 0x1000 + ecx * 8], eax
	add eax, 0x1000
	inc ecx
	cmp ecx, 4
	jb .pdpt
	mov eax, 0x83
	mov ecx, 0
.pd:
	mov [esi + 0x2000 + ecx * 8], eax
	add eax, 0x200000
	inc ecx
	cmp ecx, 2048
	jb .pd

	mov cr3, esi
	mov eax, cr4
	or eax, 1 << 5			; PAE
	mov cr4, eax
	mov ecx, 0xc0000080		; EFER.LME
	rdmsr
	or eax, 1 << 8
	wrmsr
	mov eax, cr0
	or eax, 1 << 31 | 1 << 16	; paging, write protection in ring 0
	mov cr0, eax

	lea eax, [ebp + boot_gdt - boot_entry]
	lea ecx, [ebp + boot_gdt_pointer - boot_entry]
	mov [ecx + 2], eax
	lgdt [ecx]
	lea eax, [ebp + boot_entry64 - boot_entry]
	push dword 8
	push eax
	retf

; ecx: offset of a text from boot_entry. Says it on COM1 and the VGA text screen, then stops.
boot_fail:
	lea esi, [ebp + ecx]
	mov edi, 0xb8000
.next:
	lodsb
	test al, al
	jz .stop
	mov ah, 0x4f
	mov [edi], ax
	add edi, 2
	mov dx, 0x3f8
	out dx, al
	jmp .next
.stop:
	hlt
	jmp .stop

bits 64
boot_entry64:
	mov ax, 16
	mov ds, ax
	mov es, ax
	mov ss, ax
	xor eax, eax
	mov fs, ax
	mov gs, ax
	lea rsp, [rel boot_stack_top]
	mov edi, edi			; the information structure's physical address
	call early_main			; returns the virtual address to go on at
	; rax: virtual entry, rdx: slide. The new page tables also map this code where it runs.
	lea rsp, [rel boot_stack_top]
	add rsp, rdx
	xor ebp, ebp
	call rax
.never:
	hlt
	jmp .never

bad_loader_text: db "RaeenOS: not started by a Multiboot2 loader. Boot it with GRUB 2 (multiboot2 command).", 13, 10, 0
no_long_mode_text: db "RaeenOS: this CPU has no 64-bit mode (long mode), which RaeenOS needs.", 13, 10, 0

section .data
align 8
boot_gdt:
	dq 0
	dq 0x00af9a000000ffff
	dq 0x00cf92000000ffff
boot_gdt_pointer:
	dw 23
	dd 0, 0

section .bss
align 4096
global boot_tables
boot_tables: resb 6 * 4096
global boot_stack_base
boot_stack_base: resb 16384
boot_stack_top:
