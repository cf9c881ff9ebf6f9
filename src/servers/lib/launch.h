/* SPDX-License-Identifier: MIT */
/* What a launcher gives a program between fork and exec: class, CPUs, user. All of the calling process, which has one thread. */
#ifndef SERVERS_LIB_LAUNCH_H
#define SERVERS_LIB_LAUNCH_H

#include "services_conf/config.h"

#include <stdint.h>

enum { LAUNCH_CPUS = 64, LAUNCH_CPUS_TEXT = 256, LAUNCH_NUMBER_TEXT = 40 };

/* exec does both for handlers, but a signal may come before exec; the mask would be inherited. */
void launch_reset_signals(void);

/* Makes @fd standard input, output and error as far as @from and @to say. */
void launch_make_standard(int fd, int from, int to);

/* Opens the terminal at @path as standard input, output and error, and controlling terminal. Returns NULL, or what failed ("open", "use") and errno. */
const char *launch_open_console(const char *path);

/* No standard input; the others are @output, if it is one. Returns NULL, or what failed and errno. */
const char *launch_open_no_input(int output);

/* NAME=NUMBER, the next entry of @environment, kept in @text. */
void launch_add_number(char **environment, char text[LAUNCH_NUMBER_TEXT], const char *name, long number);

/* 0, or -1 and errno. */
int launch_use_class(enum service_class class);

/* Returns those of @mask that the calling process may really use, of which there may be none. */
uint64_t launch_use_cpus(uint64_t mask);

/* Makes @text say which those of @mask are: "0,2". Returns it. */
const char *launch_list_cpus(uint64_t mask, char text[LAUNCH_CPUS_TEXT]);

/*
 * Takes on the user and all groups that /etc/passwd and /etc/group give the login name @name. Returns the home directory, in static memory; NULL and errno,
 * ENOENT when there is no such user: then the process may be half another's and should end.
 */
const char *launch_become_user(const char *name);

#endif
