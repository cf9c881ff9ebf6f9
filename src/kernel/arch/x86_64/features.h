/* SPDX-License-Identifier: MIT */
/* What the CPU can do, and switching on what protects the kernel. */
#pragma once

#include "arch/x86_64/cpu.h"

/* Reads CPUID into cpu_features, checks the minimum (stops with a message that says what is missing), enables NX, SMEP, SMAP, UMIP, global pages, FPU. */
void features_init(void);

/* Enables the same on a CPU that starts later. */
void features_init_cpu(void);
