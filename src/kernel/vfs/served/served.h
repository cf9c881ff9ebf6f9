/* SPDX-License-Identifier: MIT */
/* File systems in servers: mount(PORT, DIRECTORY, "served", …). README.md */
#pragma once

void served_register(void);
