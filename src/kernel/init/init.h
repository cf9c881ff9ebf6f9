/* SPDX-License-Identifier: MIT */
/* The steps of boot that need more than one line. */
#pragma once

/* Adds QEMU's opt/org.raeenos/append to the command line. */
void command_line_append_from_firmware(void);

/* quiet, loglevel=N. */
void log_configure_from_command_line(void);

/* Mounts the root module, or panics with what is wrong with it. */
void root_mount_module(void);
