/* SPDX-License-Identifier: MIT */
/* Every mistake of provoke.c is reported by name; what is right is not reported. */
#include "debug/checks/internal.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "test/selftest.h"

SELFTEST(checks_report_mistakes)
{
	for (size_t i = 0; i < mistake_count; i++) {
		const struct mistake *mistake = &mistakes[i];
		const char *text;

		if (!mistake->report)
			continue;
		checks_expect();
		mistake->make();
		text = checks_found();
		log_info("selftest: %s: %s", mistake->name, text[0] ? text : "not noticed");
		SELFTEST_CHECK(strncmp(text, mistake->report, strlen(mistake->report)) == 0);
	}
}

SELFTEST(checks_let_good_pass)
{
	checks_expect();
	for (size_t size = 1; size < 3 * PAGE_SIZE; size = size * 3 / 2 + 1) {
		char *object = kmalloc(size);

		SELFTEST_CHECK(object != NULL);
		if (!object)
			break;
		for (size_t i = 0; i < size; i++)
			((volatile char *)object)[i] = i;
		memset(object, 0, size);
		kfree(object);
	}
	SELFTEST_CHECK(!checks_found()[0]);
}
