/* SPDX-License-Identifier: MIT */
/* The arithmetic of argv and envp limits at its edges. */
/* LINK: process/arg_limit.c */
#include <assert.h>
#include <errno.h>

#include "process/arg_limit.h"

static uint64_t budget_for(uint64_t stack)
{
	struct arg_budget budget;

	arg_budget_init(&budget, stack);
	return budget.left;
}

int main(void)
{
	struct arg_budget budget;

	assert(budget_for(8 << 20) == 2 << 20);
	assert(budget_for(0) == 131072);
	assert(budget_for(131072 * 4 + 4) == 131073);
	assert(budget_for(UINT64_MAX) == 6 << 20);

	arg_budget_init(&budget, 8 << 20);
	assert(arg_budget_string(&budget, ARG_STRING_MAX) == 0);
	assert(arg_budget_string(&budget, ARG_STRING_MAX + 1) == -E2BIG);
	assert(arg_budget_string(&budget, UINT64_MAX) == -E2BIG);
	for (int i = 1; i < 16; i++)
		assert(arg_budget_string(&budget, ARG_STRING_MAX) == 0);
	assert(budget.left == 0 && arg_budget_string(&budget, 1) == -E2BIG && arg_budget_string(&budget, 0) == 0);

	arg_budget_init(&budget, 0);
	assert(arg_budget_pointers(&budget, UINT64_MAX) == -E2BIG);
	assert(arg_budget_pointers(&budget, UINT64_MAX / 8 + 1) == -E2BIG);	/* would wrap to 0 */
	assert(arg_budget_pointers(&budget, 131072 / 8) == -E2BIG);
	assert(arg_budget_pointers(&budget, 131072 / 8 - 1) == 0 && budget.left == 8);
	assert(arg_budget_string(&budget, 9) == -E2BIG && arg_budget_string(&budget, 8) == 0);
	return 0;
}
