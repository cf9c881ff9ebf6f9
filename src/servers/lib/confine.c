/* SPDX-License-Identifier: MIT */
/* What a service may do and see (confine.h). */
#include "confine.h"
#include "lib/capability.h"
#include "lib/profile.h"

#include <errno.h>

/* A login: what it may do is decided by who logs in, and set-id programs must work for him. */
static bool is_free(const struct service_config *config)
{
	return config->caps == CONFIG_CAPS_ALL && config->open_any_port && config->view_count == 0 && config->memory_bytes == 0 && config->files == 0;
}

static bool is_possible(void)
{
	struct capability_sets sets;

	return capability_get(0, &sets) == 0 || errno != ENOSYS;
}

const char *confine(const struct service_config *config)
{
	static struct profile_message message;
	struct profile profile;
	bool good = true;

	if (is_free(config) || !is_possible())
		return NULL;
	profile_init(&profile, config->caps & CAPABILITIES_ALL);
	for (unsigned i = 0; i < config->view_count && good; i++)
		good = profile_add_view(&profile, config->views[i], &message);
	for (unsigned i = 0; i < config->open_port_count && good; i++)
		good = profile_add_port(&profile, config->open_ports[i], &message);
	if (!config->open_any_port && config->open_port_count == 0)
		good = good && profile_add_port(&profile, "none", &message);
	profile.memory = config->memory_bytes;
	profile.files = config->files;
	good = good && profile_enter(&profile, &message);
	profile_free(&profile);
	return good ? NULL : message.text;
}
