/* SPDX-License-Identifier: MIT */
/* The keys of a service block in services.conf (keys.h; what they mean: README.md). */
#include "keys.h"
#include "values.h"

#include <raeen/caps.h>
#include <stdio.h>
#include <string.h>

struct key_line {
	struct service_config *service;
	char **words;
	unsigned count, line;
	struct key_fault *fault;
};

const struct restart_rule restart_default = {
	.policy = RESTART_ALWAYS,
	.backoff_min_ns = 10 * NS_PER_MS,
	.backoff_max_ns = 5 * NS_PER_S,
	.give_up_count = 20,
	.give_up_ns = 60 * NS_PER_S,
};

const uint64_t config_caps_default = CAPABILITIES_SERVICE;

/* Refuses word number @index of the line (the end of the line when there are not so many). Always false. */
static bool refuse(const struct key_line *line, unsigned index, const char *expected)
{
	line->fault->found = index < line->count ? line->words[index] : NULL;
	line->fault->expected = expected;
	return false;
}

/* The index of @word in a NULL-terminated list, or -1. */
static int choice(const char *word, const char *const *names)
{
	for (int i = 0; names[i]; i++) {
		if (strcmp(word, names[i]) == 0)
			return i;
	}
	return -1;
}

static bool parse_exec(const struct key_line *line)
{
	if (line->count < 2 || line->words[1][0] != '/')
		return refuse(line, 1, "an absolute path and arguments");
	for (unsigned i = 1; i < line->count; i++) {
		if (strpbrk(line->words[i], "\"'\\"))
			return refuse(line, i, "words without quotes or backslashes (no shell reads this line)");
		line->service->argv[i - 1] = line->words[i];
	}
	return true;
}

/* Which driver is for which device: nothing hands out devices yet, and a driver that is started without one serves nobody. */
static bool parse_match(const struct key_line *line)
{
	return refuse(line, 0, "no match line: this version gives devices to no service; match comes with the bus service that does");
}

/* The bit of a capability, 0: there is none of that name. */
static uint64_t find_capability(const char *name)
{
	for (unsigned i = 0; i < CAPABILITY_COUNT; i++) {
		if (strcmp(name, capability_names[i].name) == 0)
			return capability_names[i].bit;
	}
	return 0;
}

/* caps NAME..., caps all, caps none; lines of names add up. */
static bool parse_caps(const struct key_line *line)
{
	struct service_config *service = line->service;
	bool all = line->count == 2 && strcmp(line->words[1], "all") == 0, none = line->count == 2 && strcmp(line->words[1], "none") == 0;

	if (line->count < 2)
		return refuse(line, 1, "capability names, for example FILE_READ IPC_SEND, or all, or none");
	if (!service->caps_given)
		service->caps = 0;
	else if (all || none || service->caps == 0 || service->caps == CONFIG_CAPS_ALL)
		return refuse(line, 1, "all or none once, and no other caps line");
	service->caps_given = true;
	if (all)
		service->caps = CONFIG_CAPS_ALL;
	for (unsigned i = 1; i < line->count && !all && !none; i++) {
		uint64_t bit = find_capability(line->words[i]);

		if (!bit)
			return refuse(line, i, "a capability name, for example FILE_READ or HW_DISK");
		if (service->caps & bit)
			return refuse(line, i, "each capability once");
		service->caps |= bit;
	}
	return true;
}

/* view ro:/PATH rw:/PATH... */
static bool parse_view(const struct key_line *line)
{
	struct service_config *service = line->service;

	for (unsigned i = 1; i < line->count || i == 1; i++) {
		if (i >= line->count || !value_view(line->words[i]))
			return refuse(line, i, "ro:/PATH or rw:/PATH, absolute and without . and ..");
		for (unsigned k = 0; k < service->view_count; k++) {
			if (strcmp(service->views[k] + 3, line->words[i] + 3) == 0)
				return refuse(line, i, "each path once");
		}
		if (service->view_count == CONFIG_MAX_VIEWS)
			return refuse(line, i, "at most 16 paths in the views of a service");
		service->views[service->view_count++] = line->words[i];
	}
	return true;
}

/* ports NAME..., ports all */
static bool parse_ports(const struct key_line *line)
{
	struct service_config *service = line->service;

	if (line->count == 2 && strcmp(line->words[1], "all") == 0) {
		service->open_any_port = true;
		return service->open_port_count == 0 || refuse(line, 1, "all, or names of ports");
	}
	for (unsigned i = 1; i < line->count || i == 1; i++) {
		if (i >= line->count || !value_name(line->words[i], CONFIG_MAX_NAME))
			return refuse(line, i, "names of ports that it may open, or all");
		if (service->open_any_port)
			return refuse(line, i, "all, or names of ports");
		if (service->open_port_count == CONFIG_MAX_OPEN_PORTS)
			return refuse(line, i, "at most 16 ports to open");
		service->open_ports[service->open_port_count++] = line->words[i];
	}
	return true;
}

static bool parse_size(const struct key_line *line, uint64_t *bytes)
{
	if (line->count < 2 || !value_size(line->words[1], bytes))
		return refuse(line, 1, "a size such as 512KiB or 64MiB (units KiB, MiB, GiB; at most 1024GiB)");
	return line->count == 2 || refuse(line, 2, "the end of the line");
}

static bool parse_memory(const struct key_line *line)
{
	return parse_size(line, &line->service->memory_bytes);
}

static bool parse_state(const struct key_line *line)
{
	return parse_size(line, &line->service->state_bytes);
}

static bool parse_files(const struct key_line *line)
{
	if (line->count < 2 || !value_count(line->words[1], 8, 65536, &line->service->files))
		return refuse(line, 1, "a number of descriptors from 8 to 65536");
	return line->count == 2 || refuse(line, 2, "the end of the line");
}

static bool parse_pinned(const struct key_line *line)
{
	line->service->pinned = true;
	return line->count == 1 || refuse(line, 1, "the end of the line");
}

static bool parse_cpu_words(const struct key_line *line, unsigned at)
{
	if (line->service->cpus)
		return refuse(line, at - 1, "the CPUs of a service once");
	if (at >= line->count || !value_cpu_list(line->words[at], &line->service->cpus))
		return refuse(line, at, "a list of CPUs such as 0 or 0-2,5 (63 is the highest)");
	return at + 1 == line->count || refuse(line, at + 1, "the end of the line");
}

static bool parse_cpus(const struct key_line *line)
{
	return parse_cpu_words(line, 1);
}

/* class CLASS [cpus LIST] */
static bool parse_class(const struct key_line *line)
{
	static const char *const classes[] = { "real-time", "high", "normal", "low", "idle", NULL };
	int class = line->count < 2 ? -1 : choice(line->words[1], classes);

	if (class < 0)
		return refuse(line, 1, "real-time, high, normal, low or idle");
	line->service->class = (enum service_class)class;
	if (line->count == 2)
		return true;
	if (strcmp(line->words[2], "cpus") != 0)
		return refuse(line, 2, "cpus LIST or the end of the line");
	return parse_cpu_words(line, 3);
}

static bool parse_watchdog(const struct key_line *line)
{
	if (line->count < 2 || !value_duration(line->words[1], &line->service->watchdog_ns))
		return refuse(line, 1, "a duration such as 500ms or 2s (units ms, s, min, h; at most 24h)");
	return line->count == 2 || refuse(line, 2, "the end of the line");
}

static bool parse_restart_word(const struct key_line *line, unsigned at, struct restart_rule *rule)
{
	const char *word = line->words[at];

	if (strncmp(word, "backoff=", 8) == 0) {
		return value_duration_range(word + 8, &rule->backoff_min_ns, &rule->backoff_max_ns) ||
		       refuse(line, at, "backoff=MIN..MAX with two durations such as 10ms..5s, the smaller first");
	}
	if (strcmp(word, "give-up=never") == 0) {
		rule->give_up_count = 0;
		return true;
	}
	if (strncmp(word, "give-up=", 8) == 0) {
		return value_rate(word + 8, CONFIG_MAX_RATE, &rule->give_up_count, &rule->give_up_ns) ||
		       refuse(line, at, "give-up=never or give-up=N/UNIT with N from 1 to 100 and s, min or h");
	}
	return refuse(line, at, "backoff=MIN..MAX or give-up=N/UNIT");
}

static bool parse_restart(const struct key_line *line)
{
	static const char *const policies[] = { "always", "on-failure", "never", NULL };
	int policy = line->count < 2 ? -1 : choice(line->words[1], policies);

	if (policy < 0)
		return refuse(line, 1, "always, on-failure or never");
	line->service->restart.policy = (enum restart_policy)policy;
	if (policy == RESTART_NEVER && line->count > 2)
		return refuse(line, 2, "nothing behind never");
	for (unsigned i = 2; i < line->count; i++) {
		size_t key = strcspn(line->words[i], "=");

		if (!parse_restart_word(line, i, &line->service->restart))
			return false;
		for (unsigned earlier = 2; earlier < i; earlier++) {
			if (strncmp(line->words[earlier], line->words[i], key + 1) == 0)
				return refuse(line, i, "backoff= and give-up= once each");
		}
	}
	return true;
}

static bool parse_after(const struct key_line *line)
{
	struct service_config *service = line->service;

	if (line->count < 2)
		return refuse(line, 1, "names of services");
	for (unsigned i = 1; i < line->count; i++) {
		if (!value_name(line->words[i], CONFIG_MAX_NAME))
			return refuse(line, i, "the name of a service");
		if (service->after_count == CONFIG_MAX_AFTER)
			return refuse(line, i, "at most 16 services to start after");
		service->after[service->after_count] = line->words[i];
		service->after_line[service->after_count] = line->line;
		service->after_count++;
	}
	return true;
}

static bool parse_port(const struct key_line *line)
{
	struct service_config *service = line->service;
	struct port_config *port = &service->ports[service->port_count];

	if (service->port_count == CONFIG_MAX_PORTS)
		return refuse(line, 0, "at most 4 port lines");
	if (line->count < 2 || !value_name(line->words[1], CONFIG_MAX_NAME))
		return refuse(line, 1, "the name of a port, for example fs.root");
	if (strcmp(line->words[1], CONFIG_MANAGER_PORT) == 0)
		return refuse(line, 1, "another name: that port is the service manager's");
	*port = (struct port_config){ .name = line->words[1], .line = line->line };
	for (unsigned i = 2; i < line->count; i++) {
		bool *flag = strcmp(line->words[i], "persistent") == 0 ? &port->persistent :
			     strcmp(line->words[i], "replay") == 0 ? &port->replay : NULL;

		if (!flag || *flag)
			return refuse(line, i, "persistent or replay, each once");
		*flag = true;
	}
	if (port->replay && !port->persistent)
		return refuse(line, line->count, "persistent beside replay");
	service->port_count++;
	return true;
}

/* console TERMINAL [when-shown] */
static bool parse_console(const struct key_line *line)
{
	struct service_config *service = line->service;

	if (line->count < 2 || !value_name(line->words[1], CONFIG_MAX_NAME))
		return refuse(line, 1, "a terminal of /dev such as tty1 or ttyS0");
	service->console = line->words[1];
	service->when_shown = line->count > 2;
	if (service->when_shown && strcmp(line->words[2], "when-shown") != 0)
		return refuse(line, 2, "when-shown or the end of the line");
	return line->count <= 3 || refuse(line, 3, "the end of the line");
}

static bool parse_user(const struct key_line *line)
{
	if (line->count < 2 || !value_name(line->words[1], CONFIG_MAX_NAME))
		return refuse(line, 1, "a login name");
	line->service->user = line->words[1];
	return line->count == 2 || refuse(line, 2, "the end of the line");
}

/* mount DIRECTORY TYPE [OPTIONS] */
static bool parse_mount(const struct key_line *line)
{
	struct service_config *service = line->service;

	if (line->count < 2 || !value_path(line->words[1]))
		return refuse(line, 1, "an absolute path without . and ..");
	if (line->count < 3 || !value_name(line->words[2], CONFIG_MAX_NAME))
		return refuse(line, 2, "a type of file system, for example served");
	service->mount.directory = line->words[1];
	service->mount.type = line->words[2];
	service->mount.options = line->count > 3 ? line->words[3] : "";
	return line->count <= 4 || refuse(line, 4, "the end of the line: options are one word, with commas");
}

static const struct key {
	const char *name;
	bool repeats;
	bool (*parse)(const struct key_line *line);
} keys[] = {
	{ "exec", false, parse_exec },
	{ "match", true, parse_match },
	{ "caps", true, parse_caps },
	{ "class", false, parse_class },
	{ "cpus", false, parse_cpus },
	{ "watchdog", false, parse_watchdog },
	{ "restart", false, parse_restart },
	{ "after", true, parse_after },
	{ "port", true, parse_port },
	{ "console", false, parse_console },
	{ "user", false, parse_user },
	{ "view", true, parse_view },
	{ "ports", true, parse_ports },
	{ "memory", false, parse_memory },
	{ "files", false, parse_files },
	{ "mount", false, parse_mount },
	{ "pinned", false, parse_pinned },
	{ "state", false, parse_state },
};

enum { KEY_COUNT = sizeof(keys) / sizeof(keys[0]) };

int key_find(const char *name)
{
	for (int i = 0; i < KEY_COUNT; i++) {
		if (strcmp(keys[i].name, name) == 0)
			return i;
	}
	return -1;
}

bool key_repeats(int index)
{
	return keys[index].repeats;
}

const char *key_names(void)
{
	static char text[200];
	size_t length = 0;

	for (int i = 0; i < KEY_COUNT; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s", i ? ", " : "one of ",
					   keys[i].name);
	return text;
}

bool key_parse(int index, struct service_config *service, char **words, unsigned count, unsigned line,
	       struct key_fault *fault)
{
	struct key_line key_line = { service, words, count, line, fault };

	return keys[index].parse(&key_line);
}
