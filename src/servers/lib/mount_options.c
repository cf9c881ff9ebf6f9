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
} words[] = {
	{ "defaults", 0, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS },
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "nosuid", MS_NOSUID, 0 },
	{ "suid", 0, MS_NOSUID },
	{ "nodev", MS_NODEV, 0 },
	{ "dev", 0, MS_NODEV },
	{ "noexec", MS_NOEXEC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "sync", MS_SYNCHRONOUS, 0 },
	{ "async", 0, MS_SYNCHRONOUS },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "noatime", MS_NOATIME, 0 },
	{ "atime", 0, MS_NOATIME },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "diratime", 0, MS_NODIRATIME },
	{ "relatime", MS_RELATIME, MS_STRICTATIME },
	{ "norelatime", 0, MS_RELATIME },
	{ "strictatime", MS_STRICTATIME, MS_RELATIME },
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
		if (length == 0 || word)
			continue;
		if (end != rest)
			*end++ = ',';
		memcpy(end, text, length);
		end += length;
	}
	*end = '\0';
	/* The file system wants to know, too. */
	if (flags & MS_RDONLY)
		strcpy(end, end == rest ? "ro" : ",ro");
	return flags;
}
