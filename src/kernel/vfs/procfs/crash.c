/* SPDX-License-Identifier: MIT */
/* /proc/crash: the report of the panic that ended the boot before (debug/crash_dump.h). Whoever has kept it elsewhere writes something to the file. */
#include "debug/crash_dump.h"
#include "lib/errno.h"
#include "security/capabilities.h"
#include "vfs/procfs/entry.h"

int proc_show_crash(struct proc_text *text, const struct proc_subject *subject)
{
	const char *report;
	size_t len;

	/* It has the log, for which that is needed, too. */
	if (!capabilities_may_administer())
		return -EPERM;
	len = crash_dump_text(&report);
	if (len)
		proc_text_add(text, report, len);
	return 0;
}

int proc_store_crash(const struct proc_subject *subject, const char *text, size_t len)
{
	crash_dump_clear();
	return 0;
}
