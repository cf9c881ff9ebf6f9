/* SPDX-License-Identifier: MIT */
/* LINK: manager/config.c manager/keys.c manager/order.c manager/values.c */
/* RUNS: 12000 */
/*
 * Fuzz target: any bytes as services.conf. What comes out must hold what the rest of the manager relies on: strings that end, counts within
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
	assert(service->after_count <= CONFIG_MAX_AFTER && service->port_count <= CONFIG_MAX_PORTS && service->match_count <= CONFIG_MAX_MATCHES);
	for (unsigned i = 0; i < service->after_count; i++) {
		touch(service->after[i]);
		assert(service->after_index[i] >= -1 && service->after_index[i] < (int)config->service_count);
	}
	for (unsigned i = 0; i < service->port_count; i++)
		touch(service->ports[i].name);
	for (unsigned i = 0; i < service->match_count; i++)
		for (const char *const *word = service->matches[i].words; *word; word++)
			touch(*word);
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

static void ignore(void *context, const char *key, const char *service)
{
	(void)context;
	touch(key);
	touch(service);
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
	config_unenforced(&config, ignore, NULL);
	config_free(&config);
	return 0;
}
