/* SPDX-License-Identifier: MIT */
/* tmpfs: the text of mount -o: size=, nr_blocks=, nr_inodes=, mode=, uid=, gid=. Sizes take k, m, g and so on or, for size=, %. */
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "vfs/tmpfs/tmpfs.h"

enum { OPTION_MAX = 64 };

/* What the character says as a digit; more than any base has if it is none. */
static unsigned digit_of(char character)
{
	unsigned letter = (character | 0x20) - 'a';

	return (unsigned)(character - '0') < 10 ? (unsigned)(character - '0') : letter < 26 ? letter + 10 : UINT32_MAX;
}

/* Digits of @base (0: as C writes numbers) at @text, modulo 2^64; none is 0. *end is what follows. */
static uint64_t parse_digits(const char *text, unsigned base, const char **end)
{
	uint64_t value = 0;
	unsigned digit;

	if (!base) {
		base = *text == '0' ? 8 : 10;
		if (base == 8 && (text[1] | 0x20) == 'x' && digit_of(text[2]) < 16) {
			text += 2;
			base = 16;
		}
	}
	for (;; text++) {
		digit = digit_of(*text);
		if (digit >= base)
			break;
		value = value * base + digit;
	}
	*end = text;
	return value;
}

/* As Linux reads memory sizes, what is too large included. */
static bool parse_size(const char *text, uint64_t percent_of, uint64_t *value)
{
	static const char units[] = "kmgtpe";
	const char *end, *unit;

	*value = parse_digits(text, 0, &end);
	unit = *end ? strchr(units, *end | 0x20) : NULL;
	if (unit) {
		*value <<= 10 * (unit - units + 1);
		end++;
	}
	if (*end == '%' && percent_of) {
		*value = *value * percent_of / 100;
		end++;
	}
	return *text && !*end;
}

static bool parse_number(const char *text, unsigned base, uint64_t max, uint32_t *out)
{
	const char *end;
	uint64_t value = parse_digits(text, base, &end);

	*out = value;
	return end != text && !*end && value <= max;
}

static bool parse_option(const char *name, const char *value, uint64_t total_pages, struct tmpfs_options *options)
{
	if (strcmp(name, "size") == 0)
		return parse_size(value, total_pages << PAGE_SHIFT, &options->size);
	if (strcmp(name, "nr_blocks") == 0) {
		if (!parse_size(value, 0, &options->size) || (int64_t)options->size < 0)
			return false;
		options->size <<= PAGE_SHIFT;
		return true;
	}
	if (strcmp(name, "nr_inodes") == 0)
		return parse_size(value, 0, &options->nodes);
	if (strcmp(name, "mode") == 0) {
		options->has_mode = true;
		if (!parse_number(value, 8, UINT32_MAX, &options->mode))
			return false;
		options->mode &= 07777;
		return true;
	}
	if (strcmp(name, "uid") == 0)
		return parse_number(value, 0, UINT32_MAX - 1, &options->uid);
	if (strcmp(name, "gid") == 0)
		return parse_number(value, 0, UINT32_MAX - 1, &options->gid);
	return false;
}

int tmpfs_parse_options(const char *text, uint64_t total_pages, struct tmpfs_options *options)
{
	while (*text) {
		const char *comma = strchr(text, ',');
		size_t len = comma ? (size_t)(comma - text) : strlen(text);
		char option[OPTION_MAX];
		char *value;

		string_copy(option, text, MIN(len + 1, sizeof(option)));
		value = strchr(option, '=');
		if (value)
			*value++ = 0;
		if (len >= sizeof(option) || (len && !parse_option(option, value ? value : "", total_pages, options))) {
			log_warning("tmpfs: mount option %s=%s is wrong or not known", option, value ? value : "");
			return -EINVAL;
		}
		text += len + (comma != NULL);
	}
	return 0;
}
