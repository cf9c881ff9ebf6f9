/* SPDX-License-Identifier: MIT */
/* The parts of a profile as text. Pure but for memory. */
#include "profile.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY_MIN = 4096, PORT_NAME_BYTES = 48 };

static const char view_form[] = "expected ro:/path or rw:/path";

bool profile_complain(struct profile_message *message, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message->text, sizeof(message->text), format, arguments);
	va_end(arguments);
	return false;
}

void profile_init(struct profile *profile, uint64_t capabilities)
{
	*profile = (struct profile){ .capabilities = capabilities };
}

void profile_free(struct profile *profile)
{
	for (unsigned i = 0; i < profile->view_count; i++) {
		free(profile->views[i].source);
		free(profile->views[i].target);
	}
	profile->view_count = 0;
}

/* @length bytes of @path without double slashes and those at the end. NULL: no memory, or (*bad) it is relative or has dots for components. */
static char *clean_path(const char *path, size_t length, bool *bad)
{
	const char *end = path + length, *name;
	char *clean = malloc(length + 2), *to = clean;

	*bad = path == end || *path != '/';
	while (clean && !*bad && path < end) {
		while (path < end && *path == '/')
			path++;
		for (name = path; path < end && *path != '/'; path++)
			;
		if (path == name)
			break;
		*bad = name[0] == '.' && (path - name == 1 || (path - name == 2 && name[1] == '.'));
		*to++ = '/';
		memcpy(to, name, path - name);
		to += path - name;
	}
	if (!clean || *bad) {
		free(clean);
		return NULL;
	}
	if (to == clean)
		*to++ = '/';
	*to = '\0';
	return clean;
}

/* Takes over both paths. Those that hold others come first, whatever the order they were given in. */
static bool insert_view(struct profile *profile, const struct profile_view *view, struct profile_message *message)
{
	unsigned at = profile->view_count;

	for (unsigned i = 0; i < profile->view_count; i++)
		if (strcmp(profile->views[i].target, view->target) == 0)
			return profile_complain(message, "two views of %s", view->target);
	for (; at && strlen(profile->views[at - 1].target) > strlen(view->target); at--)
		profile->views[at] = profile->views[at - 1];
	profile->views[at] = *view;
	profile->view_count++;
	return true;
}

bool profile_add_view(struct profile *profile, const char *text, struct profile_message *message)
{
	struct profile_view view = { 0 };
	const char *path = text + 3, *colon;
	bool bad = false, bad_target = false, done;

	if (strcmp(text, "none") == 0) {
		profile->restricts_views = true;
		return true;
	}
	if (strncmp(text, "ro:", 3) != 0 && strncmp(text, "rw:", 3) != 0)
		return profile_complain(message, "%s, found %s", view_form, text);
	if (profile->view_count == PROFILE_VIEWS_MAX)
		return profile_complain(message, "more than %d views", PROFILE_VIEWS_MAX);
	view.read_only = text[1] == 'o';
	colon = strstr(path, ":/");
	view.source = clean_path(path, colon ? (size_t)(colon - path) : strlen(path), &bad);
	if (colon)
		path = colon + 1;
	if (view.source)
		view.target = clean_path(path, strlen(path), &bad_target);
	if (bad || bad_target)
		done = profile_complain(message, "%s without . and .., found %s", view_form, text);
	else if (!view.source || !view.target)
		done = profile_complain(message, "%s", strerror(ENOMEM));
	else
		done = insert_view(profile, &view, message);
	if (!done) {
		free(view.source);
		free(view.target);
		return false;
	}
	profile->restricts_views = true;
	return true;
}

bool profile_add_port(struct profile *profile, const char *name, struct profile_message *message)
{
	size_t size = strlen(name) + 1;

	if (strcmp(name, "none") != 0) {
		for (size_t i = 0; name[i]; i++)
			if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]) && (name[i] != '*' || name[i + 1]))
				return profile_complain(message, "expected the name of a port, or the start of one and *, found %s", name);
		if (size == 1 || size > PORT_NAME_BYTES)
			return profile_complain(message, "expected a name of 1 to %d characters, found '%s'", PORT_NAME_BYTES - 1, name);
		if (size > sizeof(profile->ports) - profile->ports_size)
			return profile_complain(message, "more than %zu bytes of names", sizeof(profile->ports));
		memcpy(profile->ports + profile->ports_size, name, size);
		profile->ports_size += size;
	}
	profile->restricts_ports = true;
	return true;
}

struct unit { const char *name; uint64_t factor; };

/* A number above 0 and one of @units, the last of which has no name. */
static bool parse_number(const char *text, const struct unit *units, uint64_t *value)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || errno || !number)
		return false;
	for (; units->name; units++) {
		if (strcmp(end, units->name) == 0) {
			*value = number * units->factor;
			return number <= INT64_MAX / units->factor;
		}
	}
	return false;
}

bool profile_set_memory(struct profile *profile, const char *text, struct profile_message *message)
{
	static const struct unit units[] = { { "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }, { NULL, 0 } };
	uint64_t bytes;

	if (!parse_number(text, units, &bytes) || bytes < MEMORY_MIN)
		return profile_complain(message, "expected bytes, as 64M (K, M or G; 4K at least), found %s", text);
	profile->memory = bytes;
	return true;
}

bool profile_set_cpu_time(struct profile *profile, const char *text, struct profile_message *message)
{
	static const struct unit units[] = { { "s", 1 }, { "min", 60 }, { "h", 3600 }, { NULL, 0 } };

	if (!parse_number(text, units, &profile->cpu_seconds)) {
		profile->cpu_seconds = 0;
		return profile_complain(message, "expected a time, as 10s (s, min or h), found %s", text);
	}
	return true;
}

bool profile_set_files(struct profile *profile, const char *text, struct profile_message *message)
{
	static const struct unit units[] = { { "", 1 }, { NULL, 0 } };

	if (!parse_number(text, units, &profile->files)) {
		profile->files = 0;
		return profile_complain(message, "expected a number above 0, found %s", text);
	}
	return true;
}
