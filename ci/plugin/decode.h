/* SPDX-License-Identifier: MIT */
/*
 * What an x86 instruction is, as far as it matters for counting: things that real hardware charges for and QEMU's count of
 * instructions does not show, and the marks that programs set.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum kind {
	KIND_ATOMIC,		/* a LOCK prefix, or XCHG with memory */
	KIND_CR3,		/* MOV to CR3: the TLB is emptied */
	KIND_INVLPG,		/* INVLPG or INVPCID */
	KIND_PORT,		/* IN and OUT of any kind */
	KIND_WRMSR,
	KIND_COUNT,
	KIND_OTHER = KIND_COUNT,
};

/* A mark is the eight-byte NOP with a displacement of MARK_MAGIC plus one of these. It does nothing on any x86-64 CPU. */
enum mark {
	MARK_NONE,
	MARK_RESET,		/* forget what was counted */
	MARK_START,		/* count from here */
	MARK_STOP,		/* to here */
	MARK_REPORT,		/* write the sums of all that was counted, and forget */
};
enum { MARK_MAGIC = 0x52414500 };

enum kind decode_kind(const uint8_t *code, size_t size);
enum mark decode_mark(const uint8_t *code, size_t size);
