/* SPDX-License-Identifier: MIT */
/*
 * Where a program lies: at random, but for programs that a debugger asked to have at the same place each time (personality(2) with ADDR_NO_RANDOMIZE,
 * which children and later programs inherit). Kernels without ptrace (../README.md, "Switches") know no such wish.
 */
#pragma once

#include "lib/errno.h"
#include "security/random.h"

#include <linux/personality.h>

struct process;

#ifdef PTRACE

/* random_u64() and random_below() for the program that the caller is about to run, or 0. */
uint64_t layout_random(void);
uint64_t layout_random_below(uint64_t bound);
/* Who gains rights by the program it runs does not choose its place. */
void layout_forget_wish(bool secure);
void layout_inherit(struct process *child, const struct process *parent);
/* personality(2), but for asking. */
unsigned layout_personality(const struct process *process);
long layout_set_personality(unsigned personality);

#else

static inline uint64_t layout_random(void) { return random_u64(); }
static inline uint64_t layout_random_below(uint64_t bound) { return random_below(bound); }
static inline void layout_forget_wish(bool secure) { }
static inline void layout_inherit(struct process *child, const struct process *parent) { }
static inline unsigned layout_personality(const struct process *process) { return PER_LINUX; }
static inline long layout_set_personality(unsigned personality) { return personality == PER_LINUX ? 0 : -EINVAL; }

#endif
