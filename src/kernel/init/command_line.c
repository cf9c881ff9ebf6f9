/* SPDX-License-Identifier: MIT */
/* Looking words up on the kernel command line: blanks separate, there is no quoting. */
#include "init/boot_info.h"
#include "lib/string.h"

/* The next word after @at; *@len is 0 at the end. Returns where to go on. */
static const char *next_word(const char *at, const char **word, size_t *len)
{
	while (*at == ' ')
		at++;
	*word = at;
	while (*at && *at != ' ')
		at++;
	*len = at - *word;
	return at;
}

/* Does the word of @len bytes have the name @name? Then *@value is its value (the empty end of the word for a bare name). */
static bool word_matches(const char *word, size_t len, const char *name, const char **value)
{
	size_t name_len = strlen(name);

	if (len < name_len || strncmp(word, name, name_len) != 0)
		return false;
	if (len == name_len)
		*value = word + len;
	else if (word[name_len] == '=')
		*value = word + name_len + 1;
	else
		return false;
	return true;
}

bool command_line_get(const char *name, char *value, size_t size)
{
	const char *at = boot_info.command_line, *word, *found;
	bool present = false;
	size_t len;

	for (at = next_word(at, &word, &len); len; at = next_word(at, &word, &len)) {
		size_t kept;

		if (!word_matches(word, len, name, &found))
			continue;
		present = true;
		kept = MIN((size_t)(word + len - found), size - 1);
		memcpy(value, found, kept);
		value[kept] = 0;
	}
	return present;
}

bool command_line_has(const char *name)
{
	char value[8];

	return command_line_get(name, value, sizeof(value));
}

uint64_t command_line_size(const char *name, uint64_t otherwise)
{
	static const char units[] = "KMG";
	char value[24];
	uint64_t number;
	size_t len;

	if (!command_line_get(name, value, sizeof(value)) || !(len = strlen(value)))
		return otherwise;
	for (unsigned i = 0; units[i]; i++) {
		if (value[len - 1] != units[i])
			continue;
		value[len - 1] = 0;
		return string_to_u64(value, &number) && number <= 1ull << 40 >> 10 * (i + 1) ? number << 10 * (i + 1) : otherwise;
	}
	return string_to_u64(value, &number) ? number : otherwise;
}

bool command_line_has_value(const char *name, const char *value)
{
	const char *at = boot_info.command_line, *word, *found;
	size_t len;

	for (at = next_word(at, &word, &len); len; at = next_word(at, &word, &len))
		if (word_matches(word, len, name, &found) && (size_t)(word + len - found) == strlen(value) &&
		    strncmp(found, value, strlen(value)) == 0)
			return true;
	return false;
}
