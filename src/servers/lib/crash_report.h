/* SPDX-License-Identifier: MIT */
/* What the kernel says of the panic that ended the boot before. */
#ifndef SERVERS_LIB_CRASH_REPORT_H
#define SERVERS_LIB_CRASH_REPORT_H

/*
 * Copies the report, if there is one, to a new file /var/crash/N.txt, with the lowest N that is free, and lets the kernel forget it when it is there. A kernel
 * without crash dumps has none.
 */
void crash_report_keep(void);

#endif
