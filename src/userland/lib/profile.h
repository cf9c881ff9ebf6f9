/* SPDX-License-Identifier: MIT */
/*
 * Profiles: what a program and all that it starts may do and see, as services.conf and `sandbox` say it. A profile only narrows: whoever enters one has
 * nothing that was not theirs before. Texts are copied. Functions that return bool give false after putting a message, without the name of the
 * caller's program or option, into a struct profile_message.
 */
#ifndef PROFILE_H
#define PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROFILE_VIEWS_MAX = 100, PROFILE_PORTS_BYTES = 1024 };

struct profile_view {
	char *source;		/* a path of the caller's; NULL: none */
	char *target;		/* what it is called inside */
	bool read_only;
};

struct profile {
	uint64_t capabilities;
	bool restricts_views;	/* else all the caller's files are there */
	unsigned view_count;
	struct profile_view views[PROFILE_VIEWS_MAX];
	bool restricts_ports;	/* else all ports may be opened */
	size_t ports_size;
	char ports[PROFILE_PORTS_BYTES];	/* the names that may be opened, each with its NUL */
	uint64_t memory;	/* bytes of address space; 0: no limit, so the others */
	uint64_t cpu_seconds;
	uint64_t files;		/* descriptors */
};

struct profile_message { char text[512]; };

/* No limits, no restrictions, @capabilities. */
void profile_init(struct profile *profile, uint64_t capabilities);
void profile_free(struct profile *profile);

/* @text is "ro:/path" or "rw:/path", or with another name inside "ro:/path:/name"; or "none", for nothing but some of /dev. */
bool profile_add_view(struct profile *profile, const char *text, struct profile_message *message);
/* @name of a port, or the start of names and "*"; or "none". */
bool profile_add_port(struct profile *profile, const char *name, struct profile_message *message);
/* "64M": bytes, with K, M or G; at least a page. */
bool profile_set_memory(struct profile *profile, const char *text, struct profile_message *message);
/* "10s", "5min", "1h". */
bool profile_set_cpu_time(struct profile *profile, const char *text, struct profile_message *message);
bool profile_set_files(struct profile *profile, const char *text, struct profile_message *message);

/*
 * Puts the calling process, which has one thread, into the profile for good. With views it closes the directories that are open, of 0 to 2 in favour of
 * /dev/null, and stays in its working directory if that is in the view, else goes to "/". Capabilities go last. After false the process may be half in it
 * and should end.
 */
bool profile_enter(const struct profile *profile, struct profile_message *message);

/* For the above: keep of the capabilities only those of the profile, from the next exec on. 0, or -1 with errno. */
int profile_drop_capabilities(const struct profile *profile);

/* The same function for all parts of this library. Returns false. */
__attribute__((format(printf, 2, 3)))
bool profile_complain(struct profile_message *message, const char *format, ...);

#endif
