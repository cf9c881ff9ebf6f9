/* SPDX-License-Identifier: MIT */
/* How much argv and envp may hold, as on Linux: a quarter of the stack limit, at most 6 MiB, at least 128 KiB; 128 KiB a string. Pure. */
#pragma once

#include "lib/types.h"

enum { ARG_STRING_MAX = 131072 };

struct arg_budget { uint64_t left; };	/* bytes of strings and pointers that may still come */

void arg_budget_init(struct arg_budget *budget, uint64_t stack_limit);
/* @count pointers. 0 or -E2BIG. */
int arg_budget_pointers(struct arg_budget *budget, uint64_t count);
/* A string of @size bytes with its NUL. 0 or -E2BIG. */
int arg_budget_string(struct arg_budget *budget, uint64_t size);
