/* SPDX-License-Identifier: MIT */
/* What a trace point (debug/trace/trace.h) is made of. */
#pragma once

/* @first and @second reach trace_hit() in debug/trace/trace.c. Tables hold distances, so that they need no relocation. */
#define TRACE_POINT(group, event, first, second)						\
	__asm__ volatile inline(								\
		"90:	.byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n"	/* nopl 0(%rax,%rax) */		\
		"	.pushsection .trace_points, \"a\"\n"					\
		"91:	.long 90b - 91b, 92f - 91b, %c0\n"					\
		"	.popsection\n"								\
		"	.subsection 1\n"							\
		"92:	pushq %3\n"								\
		"	pushq %2\n"								\
		"	pushq %1\n"								\
		"	call trace_thunk\n"							\
		"	jmp 93f\n"								\
		"	.subsection 0\n"							\
		"93:\n"										\
		:: "i"(group), "i"(event), "re"((uint64_t)(first)), "re"((uint64_t)(second)))
