/* SPDX-License-Identifier: MIT */
/* The options of a mount line (mount_options.h). */
#include "mount_options.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>

static const struct word {
	const char *text;
	unsigned long set, clear;
	bool both;                   /* the file system wants to know, too */
} words[] = {
	{ "defaults", 0, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS, false },
	{ "ro", MS_RDONLY, 0, true },
	{ "rw", 0, MS_RDONLY, false },
	{ "nosuid", MS_NOSUID, 0, false },
	{ "suid", 0, MS_NOSUID, false },
	{ "nodev", MS_NODEV, 0, false },
	{ "dev", 0, MS_NODEV, false },
	{ "noexec", MS_NOEXEC, 0, false },
	{ "exec", 0, MS_NOEXEC, false },
	{ "sync", MS_SYNCHRONOUS, 0, false },
	{ "async", 0, MS_SYNCHRONOUS, false },
	{ "dirsync", MS_DIRSYNC, 0, false },
	{ "noatime", MS_NOATIME, 0, false },
	{ "atime", 0, MS_NOATIME, false },
	{ "nodiratime", MS_NODIRATIME, 0, false },
	{ "diratime", 0, MS_NODIRATIME, false },
	{ "relatime", MS_RELATIME, MS_STRICTATIME, false },
	{ "norelatime", 0, MS_RELATIME, false },
	{ "strictatime", MS_STRICTATIME, MS_RELATIME, false },
};

static const struct word *find(const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].text) == length && memcmp(words[i].text, text, length) == 0)
			return &words[i];
	}
	return NULL;
}

unsigned long mount_options_split(const char *text, char *rest)
{
	unsigned long flags = 0;
	char *end = rest;

	for (size_t length; *text; text += length + (text[length] == ',')) {
		const struct word *word;

		length = strcspn(text, ",");
		word = find(text, length);
		if (word)
			flags = (flags & ~word->clear) | word->set;
		if (length == 0 || (word && !(word->both)))
			continue;
		if (end != rest)
			*end++ = ',';
		memcpy(end, text, length);
		end += length;
	}
	*end = '\0';
	return flags;
}
