/* SPDX-License-Identifier: MIT */
/*
 * The parsed form of /etc/services.conf (syntax: README.md).
 *
 * config_parse() is pure: text in, services and complaints out. A wrong line makes its block invalid (the service is
 * not started: half of a service's limits is worse than no service); every other block is unaffected.
 */
#ifndef SERVICES_CONF_CONFIG_H
#define SERVICES_CONF_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CONFIG_MAX_SERVICES = 64,
	CONFIG_MAX_WORDS = 48,       /* words of one line, the key included */
	CONFIG_MAX_AFTER = 16,
	CONFIG_MAX_PORTS = 4,
	CONFIG_MAX_OPEN_PORTS = 16,
	CONFIG_MAX_VIEWS = 16,
	CONFIG_MAX_NAME = 31,
	CONFIG_MAX_RATE = 100,       /* the N of give-up=N/min */
	CONFIG_MAX_ERRORS = 64,      /* later ones are counted, not kept */
	CONFIG_ERROR_TEXT = 256,
};

enum service_class { CLASS_REAL_TIME, CLASS_HIGH, CLASS_NORMAL, CLASS_LOW, CLASS_IDLE };

enum restart_policy { RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NEVER };

struct restart_rule {
	enum restart_policy policy;
	uint64_t backoff_min_ns, backoff_max_ns;
	unsigned give_up_count;      /* more restarts than this within give_up_ns: give up; 0: never give up */
	uint64_t give_up_ns;
};

struct port_config {
	const char *name;
	unsigned line;
	bool persistent, replay;
};

/* The manager's own port: no service may have it. */
#define CONFIG_MANAGER_PORT "manager"

struct service_config {
	const char *name;
	unsigned line;               /* of "service NAME {" */
	bool valid;
	const char *argv[CONFIG_MAX_WORDS];  /* exec, NULL-terminated; argv[0] is an absolute path */
	const char *console;         /* terminal below /dev that becomes standard input, output and error, or NULL */
	bool when_shown;             /* not started before that terminal is on the screen and nobody has it open */
	const char *user;            /* login name, or NULL for root */
	enum service_class class;
	uint64_t cpus;               /* one bit a CPU, 0: any */
	struct restart_rule restart;
	/* Services that start before this one: their names, and indices into config.services (-1: not waited for) */
	const char *after[CONFIG_MAX_AFTER];
	unsigned after_line[CONFIG_MAX_AFTER];
	int after_index[CONFIG_MAX_AFTER];
	unsigned after_count;
	/* What it may do. A block without the line gets the default of a service (caps), nothing (open ports), everything (views), no limit. */
	uint64_t caps;               /* bits of <raeen/caps.h> */
	bool caps_given;
	const char *views[CONFIG_MAX_VIEWS];     /* "ro:/etc" or "rw:/var/lib/x" */
	unsigned view_count;
	const char *open_ports[CONFIG_MAX_OPEN_PORTS];  /* that it may open by name */
	unsigned open_port_count;
	bool open_any_port;
	uint64_t memory_bytes;       /* of address space; 0: no limit */
	unsigned files;              /* descriptors; 0: as the manager's */
	uint64_t state_bytes;        /* of memory that its instances hand on; 0: none */
	/* What it serves is mounted there when it is ready, from its first port. directory NULL: nothing is; options may be "". */
	struct { const char *directory, *type, *options; } mount;
	bool pinned;                 /* its program is kept in sealed memory */
	uint64_t watchdog_ns;        /* 0: none */
	struct port_config ports[CONFIG_MAX_PORTS];
	unsigned port_count;
};

struct config_error {
	unsigned line;
	char text[CONFIG_ERROR_TEXT];
};

struct config {
	struct service_config services[CONFIG_MAX_SERVICES];
	unsigned service_count;
	struct config_error errors[CONFIG_MAX_ERRORS];  /* in the order of discovery */
	unsigned error_count;        /* all of them; the first CONFIG_MAX_ERRORS are kept */
	char *text;                  /* private copy that the strings above point into */
};

/* A line between two files in one text: no block goes on after it. (A comment.) */
#define CONFIG_FILE_END "#\f"

/* Every capability; what a service without a caps line has. */
#define CONFIG_CAPS_ALL (~0ull)
extern const uint64_t config_caps_default;

/*
 * Parses @length bytes of @text into @config (overwritten; its pages are touched as far as they are needed). Returns the number of valid
 * services, or -1 without memory. The caller frees with config_free().
 */
int config_parse(struct config *config, const char *text, size_t length);

void config_free(struct config *config);

/*
 * Copies the block of @service, as it stands in @text that it was parsed from, to @to, which has room for all of the text; "" if it does not end. Returns how
 * many bytes that are.
 */
size_t config_copy_block(const struct service_config *service, const char *text, size_t length, char *to);

/* Does the service mount the root file system from the disk @disk: `mount / TYPE disk=DISK`, with other options perhaps? */
bool config_mounts_root(const struct service_config *service, const char *disk);

/* Parser and order checker report through this. */
__attribute__((format(printf, 3, 4)))
void config_complain(struct config *config, unsigned line, const char *format, ...);

/* Resolves `after` names to indices. Services on a cycle, users of unknown names and second owners of a port become invalid (order.c). */
void config_resolve_order(struct config *config);

#endif
