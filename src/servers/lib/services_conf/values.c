/* SPDX-License-Identifier: MIT */
/* The small value languages of services.conf (values.h). */
#include "values.h"

#include <string.h>

static const struct unit {
	const char *name;
	uint64_t ns;
} units[] = {
	{ "ms", NS_PER_MS },
	{ "s", NS_PER_S },
	{ "min", 60 * NS_PER_S },
	{ "h", 3600 * NS_PER_S },
};

static const uint64_t longest_ns = 24 * 3600 * NS_PER_S;

/* Reads the digits at *@cursor and moves it behind them. False without a digit or above 10^9. */
static bool number(const char **cursor, uint64_t *value)
{
	const char *p = *cursor;

	*value = 0;
	for (; *p >= '0' && *p <= '9'; p++) {
		*value = *value * 10 + (uint64_t)(*p - '0');
		if (*value > 1000000000)
			return false;
	}
	if (p == *cursor)
		return false;
	*cursor = p;
	return true;
}

/* The unit that is exactly the @length bytes at @name, or 0. */
static uint64_t unit_ns(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].name) == length && memcmp(units[i].name, name, length) == 0)
			return units[i].ns;
	}
	return 0;
}

static bool duration_span(const char *word, size_t length, uint64_t *ns)
{
	const char *p = word;
	uint64_t count, unit;

	if (!number(&p, &count) || count == 0 || (size_t)(p - word) > length)
		return false;
	unit = unit_ns(p, length - (size_t)(p - word));
	if (unit == 0 || count > longest_ns / unit)
		return false;
	*ns = count * unit;
	return true;
}

bool value_duration(const char *word, uint64_t *ns)
{
	return duration_span(word, strlen(word), ns);
}

bool value_duration_range(const char *word, uint64_t *min_ns, uint64_t *max_ns)
{
	const char *dots = strstr(word, "..");
	uint64_t min, max;

	if (!dots || !duration_span(word, (size_t)(dots - word), &min) || !value_duration(dots + 2, &max) || min > max)
		return false;
	*min_ns = min;
	*max_ns = max;
	return true;
}

bool value_rate(const char *word, unsigned max_count, unsigned *count, uint64_t *period_ns)
{
	uint64_t value, period;

	if (!number(&word, &value) || value == 0 || value > max_count || *word != '/')
		return false;
	period = unit_ns(word + 1, strlen(word + 1));
	if (period < NS_PER_S)
		return false;
	*period_ns = period;
	*count = (unsigned)value;
	return true;
}

bool value_size(const char *word, uint64_t *bytes)
{
	static const char *const names[] = { "KiB", "MiB", "GiB" };
	uint64_t count;

	if (!number(&word, &count) || count == 0)
		return false;
	for (unsigned i = 0; i < 3; i++) {
		unsigned shift = 10 * (i + 1);

		if (strcmp(word, names[i]) != 0 || count > 1ull << 40 >> shift)
			continue;
		*bytes = count << shift;
		return true;
	}
	return false;
}

bool value_count(const char *word, unsigned min, unsigned max, unsigned *count)
{
	uint64_t value;

	if (!number(&word, &value) || *word || value < min || value > max)
		return false;
	*count = (unsigned)value;
	return true;
}

bool value_view(const char *word)
{
	return (strncmp(word, "ro:", 3) == 0 || strncmp(word, "rw:", 3) == 0) && value_path(word + 3);
}

bool value_path(const char *part)
{
	if (*part != '/' || strlen(part) > 127)
		return false;
	if (part[1] == '\0')
		return true;
	while (*part) {
		size_t span = strcspn(++part, "/");

		if (span == 0 || (span == 1 && part[0] == '.') || (span == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		part += span;
	}
	return true;
}

bool value_cpu_list(const char *word, uint64_t *mask)
{
	uint64_t first, last, cpus = 0;

	for (;;) {
		if (!number(&word, &first))
			return false;
		last = first;
		if (*word == '-') {
			word++;
			if (!number(&word, &last))
				return false;
		}
		if (last > 63 || first > last)
			return false;
		for (uint64_t cpu = first; cpu <= last; cpu++)
			cpus |= 1ull << cpu;
		if (*word == '\0') {
			*mask = cpus;
			return true;
		}
		if (*word++ != ',')
			return false;
	}
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool value_name(const char *word, unsigned max_length)
{
	size_t length = strlen(word);

	if (!is_letter(word[0]) || length > max_length)
		return false;
	for (size_t i = 1; i < length; i++) {
		char c = word[i];

		if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
			return false;
	}
	return true;
}
