/* SPDX-License-Identifier: MIT */
/* LINK: lib/services_conf/config.c lib/services_conf/keys.c lib/services_conf/order.c lib/services_conf/values.c */
/* RUNS: 12000 */
/*
 * Fuzz target: any bytes as services.conf. What comes out must hold what the manager relies on: strings that end, counts within
 * bounds, indices of services that exist, no circle among those that are valid.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t text_sum;

static void touch(const char *text)
{
	text_sum += text ? strlen(text) : 0;
}

static void check_service(const struct config *config, const struct service_config *service)
{
	unsigned words = 0;

	touch(service->name);
	touch(service->console);
	touch(service->user);
	assert(service->name[0] && strlen(service->name) <= CONFIG_MAX_NAME);
	while (words < CONFIG_MAX_WORDS && service->argv[words])
		touch(service->argv[words++]);
	assert(words < CONFIG_MAX_WORDS && (!service->valid || service->argv[0][0] == '/'));
	assert(service->after_count <= CONFIG_MAX_AFTER && service->port_count <= CONFIG_MAX_PORTS);
	for (unsigned i = 0; i < service->after_count; i++) {
		touch(service->after[i]);
		assert(service->after_index[i] >= -1 && service->after_index[i] < (int)config->service_count);
	}
	for (unsigned i = 0; i < service->port_count; i++)
		touch(service->ports[i].name);
	assert(service->view_count <= CONFIG_MAX_VIEWS && service->open_port_count <= CONFIG_MAX_OPEN_PORTS);
	for (unsigned i = 0; i < service->view_count; i++)
		assert(service->views[i][2] == ':' && service->views[i][3] == '/');
	for (unsigned i = 0; i < service->open_port_count; i++)
		touch(service->open_ports[i]);
	assert(service->restart.backoff_min_ns <= service->restart.backoff_max_ns && service->restart.give_up_count <= CONFIG_MAX_RATE);
}

/* Starting what waits for nothing left must reach every valid service. */
static void check_no_circle(const struct config *config)
{
	bool started[CONFIG_MAX_SERVICES] = { false }, progress = true;

	while (progress) {
		progress = false;
		for (unsigned i = 0; i < config->service_count; i++) {
			const struct service_config *service = &config->services[i];
			bool ready = service->valid && !started[i];

			for (unsigned k = 0; ready && k < service->after_count; k++)
				ready = service->after_index[k] < 0 || started[service->after_index[k]];
			started[i] |= ready;
			progress |= ready;
		}
	}
	for (unsigned i = 0; i < config->service_count; i++)
		assert(!config->services[i].valid || started[i]);
}

/* Of valid services no two have a port of one name. */
static void check_owners(const struct config *config)
{
	for (unsigned i = 0; i < config->service_count; i++)
		for (unsigned k = 0; k < config->service_count; k++)
			for (unsigned p = 0; i != k && p < config->services[i].port_count; p++)
				for (unsigned q = 0; q < config->services[k].port_count; q++)
					assert(!config->services[i].valid || !config->services[k].valid ||
					       strcmp(config->services[i].ports[p].name, config->services[k].ports[q].name) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config;
	int valid = config_parse(&config, (const char *)data, size);

	assert(valid >= 0 && config.service_count <= CONFIG_MAX_SERVICES);
	for (unsigned i = 0; i < config.service_count; i++) {
		check_service(&config, &config.services[i]);
		valid -= config.services[i].valid;
	}
	assert(valid == 0);
	for (unsigned i = 0; i < config.error_count && i < CONFIG_MAX_ERRORS; i++)
		assert(memchr(config.errors[i].text, 0, sizeof(config.errors[i].text)));
	check_no_circle(&config);
	check_owners(&config);
	config_free(&config);
	return 0;
}
