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
	strcpy(boot_info.command_line, "a=4096 b=3K c=256M d=2G e=M f=12X g= h=1025G j=1024G");
	assert(command_line_size("a", 1) == 4096 && command_line_size("b", 1) == 3072 && command_line_size("c", 1) == 256 << 20);
	assert(command_line_size("d", 1) == 2ull << 30 && command_line_size("j", 1) == 1ull << 40);
	for (const char *wrong = "efghz"; *wrong; wrong++)
		assert(command_line_size((char[]){ *wrong, 0 }, 77) == 77);
	return 0;
}
