; SPDX-License-Identifier: MIT
; A Multiboot2 kernel for grub/test: prints its command line, its modules' command lines and what the screen shows on COM1, and stops.

bits 32

MULTIBOOT2	equ 0xe85250d6
TAG_COMMAND	equ 1
TAG_MODULE	equ 3
TAG_SCREEN	equ 8
SCREEN_COLOURS	equ 1
COM1		equ 0x3f8

section .text
align 8
header:
	dd MULTIBOOT2, 0, header_end - header, -(MULTIBOOT2 + header_end - header)
	dw 5, 1			; framebuffer, optional
	dd 20, 1024, 768, 32
	align 8
	dw 0, 0			; end
	dd 8
header_end:

global _start
_start:
	lea ebp, [ebx + 8]	; the first tag
	mov esi, hello
	call print
.tag:
	mov eax, [ebp]
	test eax, eax
	jz .end
	cmp eax, TAG_COMMAND
	jne .not_command
	mov esi, command
	call print
	lea esi, [ebp + 8]
	call print
.not_command:
	cmp dword [ebp], TAG_MODULE
	jne .not_module
	mov esi, module
	call print
	lea esi, [ebp + 16]
	call print
.not_module:
	cmp dword [ebp], TAG_SCREEN
	jne .next
	mov esi, colours
	cmp byte [ebp + 29], SCREEN_COLOURS
	je .print_screen
	mov esi, no_colours
.print_screen:
	call print
.next:
	mov eax, [ebp + 4]
	lea ebp, [ebp + eax + 7]
	and ebp, -8
	jmp .tag
.end:
	mov esi, goodbye
	call print
.stop:
	hlt
	jmp .stop

print:	; the text at esi, up to its 0
	lodsb
	test al, al
	jz .done
	mov ah, al
.wait:
	mov dx, COM1 + 5
	in al, dx
	test al, 0x20
	jz .wait
	mov al, ah
	mov dx, COM1
	out dx, al
	jmp print
.done:
	ret

section .rodata
%ifdef SELF_TEST
hello:		db 13, 10, "self-test kernel", 0
%else
hello:		db 13, 10, "kernel", 0
%endif
command:	db " arguments=", 0
module:		db " module=", 0
colours:	db " screen=colours", 0
no_colours:	db " screen=text", 0
goodbye:	db " end", 13, 10, 0

section .note.GNU-stack
