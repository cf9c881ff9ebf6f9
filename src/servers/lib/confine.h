/* SPDX-License-Identifier: MIT */
/* What a service may do and see, as its block says: the last step of its process before exec. */
#ifndef SERVERS_LIB_CONFINE_H
#define SERVERS_LIB_CONFINE_H

#include "services_conf/config.h"

/*
 * Narrows the calling process. Returns NULL, or what went wrong, in static memory. Where the kernel
 * knows nothing of profiles (Linux, for tests) nothing is narrowed.
 */
const char *confine(const struct service_config *config);

#endif
