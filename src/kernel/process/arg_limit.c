/* SPDX-License-Identifier: MIT */
/* The size limits of argv and envp. */
#include "process/arg_limit.h"
#include "lib/errno.h"

enum { LIMIT_MIN = 131072, LIMIT_MAX = 6 << 20, STACK_SHARE = 4 };

void arg_budget_init(struct arg_budget *budget, uint64_t stack_limit)
{
	budget->left = MAX(MIN(stack_limit / STACK_SHARE, (uint64_t)LIMIT_MAX), (uint64_t)LIMIT_MIN);
}

int arg_budget_pointers(struct arg_budget *budget, uint64_t count)
{
	if (count > budget->left / sizeof(uint64_t) || count * sizeof(uint64_t) >= budget->left)
		return -E2BIG;
	budget->left -= count * sizeof(uint64_t);
	return 0;
}

int arg_budget_string(struct arg_budget *budget, uint64_t size)
{
	if (size > ARG_STRING_MAX || size > budget->left)
		return -E2BIG;
	budget->left -= size;
	return 0;
}
