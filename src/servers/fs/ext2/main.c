/* SPDX-License-Identifier: MIT */
/*
 * ext2: the server of a file system (README.md), mounted by the kernel from the port "ext2".
 *
 *	ext2 [--grow]
 *
 * --grow: when it is mounted for writing it becomes as large as its disk, if that can be. What is beyond its end must be zeroes.
 */
#include "handlers.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	static struct ext2_server instance;
	static struct server server = { .name = "ext2", .port_flags = PORT_PERSISTENT | PORT_REPLAY, .protocols = { { &fs_protocol, &ext2_operations } },
					.short_way = true, .context = &instance };

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--grow") != 0) {
			bool wanted = strcmp(argv[i], "--help") == 0;

			fputs("usage: ext2 [--grow]\n", wanted ? stdout : stderr);
			return wanted ? 0 : 2;
		}
		instance.grow = true;
	}
	return server_run(&server);
}
