/* SPDX-License-Identifier: MIT */
/* The ports of services (ports.h). */
#include "ports.h"

#include <errno.h>
#include <fcntl.h>
#include <raeen/stubs.h>
#include <unistd.h>

static void drop(int32_t *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* RECV of port number @index for the next instance. Returns a descriptor or a negative errno. */
static int give_port(struct service *service, unsigned index)
{
	const struct port_config *config = &service->config->ports[index];
	int32_t *fd = &service->fds.ports[index];
	long made;

	if (!config->persistent)
		drop(fd);
	if (*fd < 0) {
		made = port_create(config->name, (config->persistent ? PORT_PERSISTENT : 0) | (config->replay ? PORT_REPLAY : 0));
		if (made < 0)
			return (int)made;
		*fd = (int32_t)made;
	}
	return (int)port_control(*fd, PORT_TAKE, PORT_KEEP);
}

/* A handle with NOTIFY to a new supervision port. Returns a descriptor or a negative errno. */
static int give_supervisor(struct service *service)
{
	long port, handle;

	drop(&service->fds.supervision);
	port = port_create(NULL, 0);
	if (port < 0)
		return (int)port;
	service->fds.supervision = (int32_t)port;
	handle = handle_dup((int)port, PORT_NOTIFY, 0);
	if (handle >= 0)
		fcntl((int)handle, F_SETFD, 0);
	return (int)handle;
}

int ports_give(struct service *service, struct ports_given *given, const char **what)
{
	const struct service_config *config = service->config;
	int result = 0;

	given->supervisor = -1;
	for (unsigned i = 0; i < CONFIG_MAX_PORTS; i++)
		given->ports[i] = -1;
	service->supervised = service_has_supervision(config);
	if (!service->supervised)
		return 0;
	*what = "of supervision";
	result = given->supervisor = give_supervisor(service);
	if (result == -ENOSYS) {
		service->supervised = false;
		return 0;
	}
	for (unsigned i = 0; i < config->port_count && result >= 0; i++) {
		*what = config->ports[i].name;
		result = given->ports[i] = give_port(service, i);
	}
	if (result < 0)
		ports_given_close(given);
	return result < 0 ? result : 0;
}

void ports_given_close(struct ports_given *given)
{
	for (unsigned i = 0; i < CONFIG_MAX_PORTS; i++)
		drop(&given->ports[i]);
	drop(&given->supervisor);
}

uint64_t ports_take_bits(const struct service *service)
{
	struct msg_result result;

	if (service->fds.supervision < 0)
		return 0;
	result = msg_recv(service->fds.supervision, 0, NULL);
	return result.header >= 0 && msg_type((msg_header)result.header) == MSG_NOTIFICATION ? result.token : 0;
}
