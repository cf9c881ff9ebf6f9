/* SPDX-License-Identifier: MIT */
/* tmpfs: the text of mount -o: size=, nr_blocks=, nr_inodes=, mode=, uid=, gid=. Sizes take k, m, g or, for size=, %. */
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "vfs/tmpfs/tmpfs.h"

enum { OPTION_MAX = 64 };

/* Digits of @base at @text; *end is what follows. false if there is none or the number does not fit. */
static bool parse_digits(const char *text, unsigned base, uint64_t *value, const char **end)
{
	const char *start = text;

	for (*value = 0; *text >= '0' && *text < '0' + (int)base; text++)
		if (__builtin_mul_overflow(*value, base, value) || __builtin_add_overflow(*value, *text - '0', value))
			return false;
	*end = text;
	return text != start;
}

static bool parse_size(const char *text, uint64_t percent_of, uint64_t *value)
{
	static const struct { char letter; unsigned shift; } units[] = { { 'k', 10 }, { 'm', 20 }, { 'g', 30 }, { 't', 40 } };
	const char *end;

	if (!parse_digits(text, 10, value, &end))
		return false;
	if (!*end)
		return true;
	if (end[1])
		return false;
	if (*end == '%' && percent_of) {
		*value = percent_of / 100 * MIN(*value, (uint64_t)100);
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if ((*end | 0x20) == units[i].letter && *value <= UINT64_MAX >> units[i].shift) {
			*value <<= units[i].shift;
			return true;
		}
	return false;
}

static bool parse_number(const char *text, unsigned base, uint64_t max, uint32_t *out)
{
	const char *end;
	uint64_t value;

	if (!parse_digits(text, base, &value, &end) || *end || value > max)
		return false;
	*out = value;
	return true;
}

static bool parse_option(const char *name, const char *value, uint64_t total_pages, struct tmpfs_options *options)
{
	if (strcmp(name, "size") == 0)
		return parse_size(value, total_pages << PAGE_SHIFT, &options->size);
	if (strcmp(name, "nr_blocks") == 0) {
		if (!parse_size(value, 0, &options->size) || options->size > UINT64_MAX >> PAGE_SHIFT)
			return false;
		options->size <<= PAGE_SHIFT;
		return true;
	}
	if (strcmp(name, "nr_inodes") == 0)
		return parse_size(value, 0, &options->nodes);
	if (strcmp(name, "mode") == 0) {
		options->has_mode = true;
		return parse_number(value, 8, 07777, &options->mode);
	}
	if (strcmp(name, "uid") == 0)
		return parse_number(value, 10, UINT32_MAX - 1, &options->uid);
	if (strcmp(name, "gid") == 0)
		return parse_number(value, 10, UINT32_MAX - 1, &options->gid);
	return false;
}

int tmpfs_parse_options(const char *text, uint64_t total_pages, struct tmpfs_options *options)
{
	while (*text) {
		const char *comma = strchr(text, ',');
		size_t len = comma ? (size_t)(comma - text) : strlen(text);
		char option[OPTION_MAX];
		char *value;

		if (len >= sizeof(option)) {
			log_warning("tmpfs: a mount option of %zu characters is not known", len);
			return -EINVAL;
		}
		memcpy(option, text, len);
		option[len] = 0;
		value = strchr(option, '=');
		if (value)
			*value++ = 0;
		if (len && !parse_option(option, value ? value : "", total_pages, options)) {
			log_warning("tmpfs: mount option %s=%s, expected size, nr_blocks, nr_inodes, mode, uid or gid with a number", option,
				    value ? value : "");
			return -EINVAL;
		}
		text += len + (comma != NULL);
	}
	return 0;
}
