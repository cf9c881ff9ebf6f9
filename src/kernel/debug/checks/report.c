/* SPDX-License-Identifier: MIT */
/* Where all checks of the debug build report: a panic, or kept for the test that made the mistake. */
#include "debug/checks/internal.h"
#include "debug/symbols.h"
#include "arch/x86_64/cpu.h"
#include "lib/panic.h"
#include "lib/printf.h"

static struct thread *expecting;	/* whose reports are wanted; one test at a time */
static char found[256];

const char *place_name(const void *place, char text[PLACE_MAX])
{
	struct symbol_place symbol;

	symbol_find((uint64_t)place, &symbol);
	snprintf(text, PLACE_MAX, "%s+0x%lx", symbol.name, symbol.offset);
	return text;
}

void checks_expect(void)
{
	found[0] = 0;
	expecting = current_thread();
}

const char *checks_found(void)
{
	expecting = NULL;
	return found;
}

void checks_report(const char *format, ...)
{
	char line[sizeof(found)] = { 0 };
	va_list args;

	if (panic_started())
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (!expecting || expecting != current_thread())
		panic("%s", line);
	if (!found[0])
		for (size_t i = 0; i < sizeof(found); i++)
			found[i] = line[i];
}
