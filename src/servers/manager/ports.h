/* SPDX-License-Identifier: MIT */
/*
 * The ports of services. A named port is the manager's to manage; each instance of the service is given RECV of it, which the one before loses. A
 * persistent port stays when an instance ends, with name, queue and clients' handles; any other ends with it and is made anew.
 * By its supervision port an instance tells how it is; each has its own, so that what is left of the one before cannot speak for it.
 */
#ifndef MANAGER_PORTS_H
#define MANAGER_PORTS_H

#include "service.h"

/* Descriptors that the next child inherits, as no other does. -1: none. */
struct ports_given {
	int ports[CONFIG_MAX_PORTS];
	int supervisor;
};

/*
 * Makes what is missing and fills @given. Returns 0, or a negative errno with *@what the name of the port; then nothing is given. Sets service->supervised:
 * false where the kernel has no ports (Linux, for tests), which is no error.
 */
int ports_give(struct service *service, struct ports_given *given, const char **what);

/* After the fork: the child has them. */
void ports_given_close(struct ports_given *given);

/*
 * For a service at rest: who calls its persistent ports, and who waits there, gets EIO, as nobody will serve him; some in a call, so that no flood
 * of them keeps the manager. The next instance takes the ports back. Does not block.
 */
void ports_refuse(struct service *service);

/* Whether it holds requests at ports that the next instance is to take over. */
bool ports_hold(const struct service *service);

#endif
