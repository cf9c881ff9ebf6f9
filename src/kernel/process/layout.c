/* SPDX-License-Identifier: MIT */
/* Programs that lie at the same place each time. */
#include "process/layout.h"
#include "lib/errno.h"
#include "process/process.h"

static bool wishes_fixed(void)
{
	return current_process() && current_process()->fixed_layout;
}

uint64_t layout_random(void)
{
	return wishes_fixed() ? 0 : random_u64();
}

uint64_t layout_random_below(uint64_t bound)
{
	return wishes_fixed() ? 0 : random_below(bound);
}

void layout_forget_wish(bool secure)
{
	if (secure)
		current_process()->fixed_layout = false;
}

void layout_inherit(struct process *child, const struct process *parent)
{
	child->fixed_layout = parent->fixed_layout;
}

unsigned layout_personality(const struct process *process)
{
	return process->fixed_layout ? ADDR_NO_RANDOMIZE : PER_LINUX;
}

long layout_set_personality(unsigned personality)
{
	if (personality & ~ADDR_NO_RANDOMIZE)
		return -EINVAL;
	current_process()->fixed_layout = personality;
	return 0;
}
