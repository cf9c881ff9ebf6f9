/* SPDX-License-Identifier: MIT */
/* Ending the machine's run. None of these returns. File systems must be synced before. */
#pragma once

__attribute__((noreturn)) void power_off(void);
__attribute__((noreturn)) void power_reboot(void);
__attribute__((noreturn)) void power_halt(void);
