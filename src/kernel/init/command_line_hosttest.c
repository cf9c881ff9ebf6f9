/* SPDX-License-Identifier: MIT */
/* Command-line words: exact names, last value wins, several values of one name. */
/* LINK: init/command_line.c */
#include "init/boot_info.h"

#include <assert.h>
#include <string.h>

struct boot_info boot_info;

int main(void)
{
	char value[8];

	strcpy(boot_info.command_line, "  quiet console=ttyS0 loglevel=3 console=tty1 safely panic= loglevel=77777777777");
	assert(command_line_has("quiet") && command_line_has("console") && command_line_has("panic"));
	assert(!command_line_has("safe") && !command_line_has("quie") && !command_line_has("nothing"));
	assert(command_line_get("console", value, sizeof(value)) && strcmp(value, "tty1") == 0);
	assert(command_line_get("loglevel", value, sizeof(value)) && strcmp(value, "7777777") == 0);
	assert(command_line_get("quiet", value, sizeof(value)) && value[0] == 0);
	assert(command_line_has_value("console", "ttyS0") && command_line_has_value("console", "tty1"));
	assert(!command_line_has_value("console", "tty") && !command_line_has_value("console", "ttyS01"));
	return 0;
}
