/* SPDX-License-Identifier: MIT */
/* /proc/sys/kernel/core_pattern and core_uses_pid, and /proc/PID/coredump_filter, where the kernel writes core files (process/core_dump.c). */
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "process/core_dump.h"
#include "process/core_name.h"
#include "vfs/procfs/entry.h"

int proc_show_core_pattern(struct proc_text *text, const struct proc_subject *subject)
{
	char pattern[CORE_PATTERN_SIZE];

	core_pattern_get(pattern);
	proc_text_print(text, "%s\n", pattern);
	return 0;
}

int proc_store_core_pattern(const struct proc_subject *subject, const char *text, size_t len)
{
	return core_pattern_set(text, len);
}

int proc_show_core_uses_pid(struct proc_text *text, const struct proc_subject *subject)
{
	proc_text_print(text, "%u\n", atomic_load(&core_uses_pid));
	return 0;
}

int proc_store_core_uses_pid(const struct proc_subject *subject, const char *text, size_t len)
{
	if (len && text[len - 1] == '\n')
		len--;
	if (len != 1 || (text[0] != '0' && text[0] != '1'))
		return -EINVAL;
	atomic_store(&core_uses_pid, text[0] - '0');
	return 0;
}

int proc_show_core_filter(struct proc_text *text, const struct proc_subject *subject)
{
	proc_text_print(text, "%08x\n", core_filter_of(subject->process));
	return 0;
}

int proc_store_core_filter(const struct proc_subject *subject, const char *text, size_t len)
{
	int error = proc_check_inspect(subject->process);
	char digits[24];
	uint64_t filter;

	/* Else a sandbox could say what goes to disk of those outside. */
	if (error)
		return error;
	if (len && text[len - 1] == '\n')
		len--;
	if (len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (!string_to_u64(digits, &filter))
		return -EINVAL;
	if (filter > UINT32_MAX)
		return -ERANGE;
	atomic_store(&subject->process->core_filter, (filter & CORE_FILTER_ALL) ^ CORE_FILTER_USUAL);
	return 0;
}
