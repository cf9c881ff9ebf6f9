/* SPDX-License-Identifier: MIT */
/* For mm itself: the array of frame records, one for each physical page up to the end of RAM, holes included. Set once by frame_init. */
#pragma once

#include "arch/x86_64/string_ops.h"
#include "mm/frame.h"

extern struct frame *frame_records;
extern size_t frame_record_count;

/* The record of a page that is known to be RAM. */
static inline struct frame *frame_of_phys(paddr_t phys)
{
	/* frame_records[phys >> PAGE_SHIFT] in one shift: a record is 16 bytes, a page 16 << 8. */
	return (struct frame *)((char *)frame_records + ((phys & PAGE_MASK) >> 8));
}

static inline struct frame *frame_of_virt(const void *virt)
{
	return frame_of_phys(virt_to_phys(virt));
}

static inline paddr_t frame_phys(const struct frame *frame)
{
	return (paddr_t)(frame - frame_records) << PAGE_SHIFT;
}

static inline void *frame_virt(const struct frame *frame)
{
	/* A record is 16 bytes, a page 16 << 8: one shift. */
	return phys_to_virt((uint64_t)((const char *)frame - (const char *)frame_records) << 8);
}

static inline void frame_ref(struct frame *frame)
{
	__atomic_fetch_add(&frame->refs, 1, __ATOMIC_RELAXED);
}

/* Drops a reference; true when it was the last one and the caller must release the frame. */
static inline bool frame_unref(struct frame *frame)
{
	return __atomic_sub_fetch(&frame->refs, 1, __ATOMIC_ACQ_REL) == 0;
}

/* Copies one page through the direct map, 8 bytes a step. */
static inline void page_copy(void *to, const void *from)
{
	copy_words(to, &from, PAGE_SIZE / 8);
}
