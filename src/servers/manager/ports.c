/* SPDX-License-Identifier: MIT */
/* The ports of services (ports.h). */
#include "ports.h"
#include "lib/file.h"

#include <errno.h>
#include <raeen/message.h>

enum { REFUSED_AT_ONCE = 16 };

/* RECV of port number @index for the next instance. Returns a descriptor or a negative errno. */
static int give_port(struct service *service, unsigned index)
{
	const struct port_config *config = &service->config->ports[index];
	int32_t *fd = &service->fds.ports[index];
	long made;

	fd_drop(&service->fds.refused[index]);
	if (!config->persistent)
		fd_drop(fd);
	if (*fd < 0) {
		made = port_create(config->name, (config->persistent ? PORT_PERSISTENT : 0) | (config->replay ? PORT_REPLAY : 0));
		if (made < 0)
			return (int)made;
		*fd = (int32_t)made;
	}
	return (int)port_control(*fd, PORT_TAKE, PORT_KEEP);
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
	fd_drop(&service->fds.supervision);
	result = given->supervisor = message_supervise(&service->fds.supervision);
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
		fd_drop(&given->ports[i]);
	fd_drop(&given->supervisor);
}

/* RECV of port number @index for the manager itself, -1: there is no such port. */
static int32_t refusing(struct service *service, unsigned index)
{
	int32_t *fd = &service->fds.refused[index];

	if (*fd < 0 && service->fds.ports[index] >= 0 && service->config->ports[index].persistent)
		*fd = (int32_t)port_control(service->fds.ports[index], PORT_TAKE, 0);
	if (*fd < 0)
		*fd = -1;
	return *fd;
}

void ports_refuse(struct service *service)
{
	for (unsigned i = 0; i < service->config->port_count; i++) {
		int32_t fd = refusing(service, i);

		for (unsigned n = 0; fd >= 0 && n < REFUSED_AT_ONCE; n++) {
			struct msg_result result = msg_recv(fd, 0, NULL);

			if (result.header < 0)
				break;
			if (msg_type((msg_header)result.header) != MSG_NOTIFICATION && result.token)
				msg_reply(fd, msg_header_make(EIO, 0, 0, 0), result.token, NULL);
		}
	}
}

bool ports_hold(const struct service *service)
{
	struct port_state state;

	for (unsigned i = 0; i < service->config->port_count; i++) {
		if (port_control(service->fds.ports[i], PORT_STATE, (uint64_t)&state) == 0 && state.held > 0)
			return true;
	}
	return false;
}
