/* SPDX-License-Identifier: MIT */
/* The end: what still runs after the services have stopped, the disks, the machine. */
#ifndef MANAGER_SHUTDOWN_H
#define MANAGER_SHUTDOWN_H

#include "supervise.h"

__attribute__((noreturn)) void shutdown_machine(enum shutdown_kind kind);

#endif
