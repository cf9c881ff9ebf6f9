; SPDX-License-Identifier: MIT
; The vDSO as it is mapped into processes.
section .rodata
align 16
global vdso_image, vdso_image_end
vdso_image:
	incbin "vdso.so"
vdso_image_end:

section .note.GNU-stack noalloc noexec nowrite progbits
