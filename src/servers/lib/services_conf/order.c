/* SPDX-License-Identifier: MIT */
/*
 * The order of services: resolves `after` names and finds cycles (config.h: config_resolve_order).
 *
 * A port has one owner: the second block that names it is wrong.
 *
 * A name that no block has is an error of the block that uses it. A name whose block is invalid is not waited for, with
 * a complaint: the rest of the system boots.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

enum mark { MARK_NEW, MARK_ON_PATH, MARK_DONE };

struct walk {
	struct config *config;
	enum mark marks[CONFIG_MAX_SERVICES];
	int path[CONFIG_MAX_SERVICES];
	unsigned depth;
};

static int find_index(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->service_count; i++) {
		if (strcmp(config->services[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static void resolve_names(struct config *config)
{
	for (unsigned i = 0; i < config->service_count; i++) {
		struct service_config *service = &config->services[i];

		for (unsigned a = 0; a < service->after_count; a++) {
			service->after_index[a] = find_index(config, service->after[a]);
			if (service->after_index[a] >= 0)
				continue;
			config_complain(config, service->after_line[a], "found '%s', expected a service of this file",
					service->after[a]);
			service->valid = false;
		}
	}
}

/* The service before number @index, or this one before its port number @at, that has the port @name. NULL: none has. */
static const struct service_config *find_owner(const struct config *config, unsigned index, unsigned at, const char *name)
{
	for (unsigned i = 0; i <= index; i++) {
		const struct service_config *service = &config->services[i];
		unsigned count = i == index ? at : service->port_count;

		for (unsigned k = 0; k < count; k++) {
			if (strcmp(service->ports[k].name, name) == 0)
				return service;
		}
	}
	return NULL;
}

static void refuse_shared_ports(struct config *config)
{
	for (unsigned i = 0; i < config->service_count; i++) {
		struct service_config *service = &config->services[i];

		for (unsigned k = 0; k < service->port_count; k++) {
			const struct port_config *port = &service->ports[k];
			const struct service_config *owner = find_owner(config, i, k, port->name);

			if (!owner)
				continue;
			config_complain(config, port->line, "found port %s again, expected one owner: service %s has it", port->name,
					owner->name);
			service->valid = false;
		}
	}
}

/* Reports the part of the path that begins at service @first, and makes its members invalid. */
static void report_cycle(struct walk *walk, int first)
{
	char text[CONFIG_ERROR_TEXT - 96];
	size_t length = 0;
	unsigned start = 0;

	while (walk->path[start] != first)
		start++;
	for (unsigned i = start; i < walk->depth && length < sizeof(text); i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s after ",
					   walk->config->services[walk->path[i]].name);
	config_complain(walk->config, walk->config->services[first].line,
			"found the circle %s%s, expected one to start first", text, walk->config->services[first].name);
	for (unsigned i = start; i < walk->depth; i++)
		walk->config->services[walk->path[i]].valid = false;
}

/* Depth first; the depth is at most CONFIG_MAX_SERVICES. Returns true when it found (and reported) a cycle. */
static bool visit(struct walk *walk, int index)
{
	const struct service_config *service = &walk->config->services[index];

	if (!service->valid || walk->marks[index] == MARK_DONE)
		return false;
	if (walk->marks[index] == MARK_ON_PATH) {
		report_cycle(walk, index);
		return true;
	}
	walk->marks[index] = MARK_ON_PATH;
	walk->path[walk->depth++] = index;
	for (unsigned a = 0; a < service->after_count; a++) {
		if (visit(walk, service->after_index[a]))
			return true;
	}
	walk->depth--;
	walk->marks[index] = MARK_DONE;
	return false;
}

static bool find_cycle(struct config *config)
{
	struct walk walk = { .config = config };

	for (unsigned i = 0; i < config->service_count; i++) {
		if (visit(&walk, (int)i))
			return true;
	}
	return false;
}

static void drop_invalid(struct config *config)
{
	for (unsigned i = 0; i < config->service_count; i++) {
		struct service_config *service = &config->services[i];

		for (unsigned a = 0; service->valid && a < service->after_count; a++) {
			if (config->services[service->after_index[a]].valid)
				continue;
			config_complain(config, service->after_line[a],
					"service %s starts without %s, whose block has an error", service->name,
					service->after[a]);
			service->after_index[a] = -1;
		}
	}
}

void config_resolve_order(struct config *config)
{
	resolve_names(config);
	refuse_shared_ports(config);
	/* Each round makes at least one service invalid, so this ends. */
	while (find_cycle(config))
		;
	drop_invalid(config);
}
