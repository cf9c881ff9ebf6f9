/* SPDX-License-Identifier: MIT */
/* What the calls that send signals share. */
#pragma once

#include "lib/types.h"

struct process;

/*
 * Sends @signal (0 only asks) with the siginfo_t at @info, or as kill does when that is 0, to @target. @known: not reaped. 0 or a negative errno.
 */
long signal_send_described(struct process *target, int signal, uaddr_t info, bool known);
