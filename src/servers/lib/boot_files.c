/* SPDX-License-Identifier: MIT */
/* The overlay and services.conf (boot_files.h). */
#include "boot_files.h"
#include "file.h"
#include "log.h"
#include "pin.h"
#include "shutdown.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_CONFIG_BYTES = 1 << 20, MAX_COMMAND_LINE = 4096 };

void boot_set_host_name(void)
{
	char name[65];
	int fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, name, sizeof(name) - 1);

	if (fd >= 0)
		close(fd);
	if (length <= 0)
		return;
	name[length] = '\0';
	name[strcspn(name, "\n")] = '\0';
	if (sethostname(name, strlen(name)) < 0)
		log_warning("cannot set the host name: %s", strerror(errno));
}

bool root_disk(char name[BOOT_DISK_NAME])
{
	size_t length;
	char *text = file_read("/proc/cmdline", MAX_COMMAND_LINE, &length), *rest = text, *word;

	name[0] = '\0';
	if (length == MAX_COMMAND_LINE)
		length--;
	if (text)
		text[length] = '\0';
	while (rest && (word = strsep(&rest, " \n"))) {
		if (strncmp(word, "root=", 5) == 0 && strlen(word + 5) < BOOT_DISK_NAME)
			strcpy(name, word + 5);
	}
	free(text);
	return name[0] != '\0';
}

bool overlay_bring_in(const char *const *only, unsigned count)
{
	const char *words[2 * CONFIG_MAX_SERVICES + 8] = { "/sbin/overlay" };
	unsigned at = 1;
	int status = -1;
	pid_t pid;

	if (access(OVERLAY_PATH, F_OK) < 0)
		return true;
	for (unsigned i = 0; i < count; i++) {
		words[at++] = "--only";
		words[at++] = only[i];
	}
	words[at] = OVERLAY_PATH;
	pid = fork();
	if (pid == 0) {
		execv(words[0], (char *const *)words);
		log_error("cannot run %s: %s", words[0], strerror(errno));
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		log_error("cannot wait for %s: %s", words[0], strerror(errno));
	return status == 0;
}

bool overlay_incomplete(void)
{
	if (access(COMMAND_PATH, F_OK) < 0)
		return false;
	log_error("the command is not run, as its overlay is not complete");
	return true;
}

static int find_root(const struct config *config, const char *disk)
{
	for (unsigned i = 0; i < config->service_count; i++) {
		if (config->services[i].valid && config_mounts_root(&config->services[i], disk))
			return (int)i;
	}
	return -1;
}

/* Service number @index and all that it starts after: into @list, which is @count long. */
static unsigned add_needed(const struct config *config, int index, int *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (list[i] == index)
			return count;
	}
	if (index < 0)
		return count;
	list[count++] = index;
	for (unsigned a = 0; a < config->services[index].after_count; a++)
		count = add_needed(config, config->services[index].after_index[a], list, count);
	return count;
}

/* @text, which is consumed, and after it @blocks. NULL: no memory. */
static char *join(char *text, size_t *length, const char *blocks, size_t block_length)
{
	static const char file_end[] = CONFIG_FILE_END "\n";
	char *joined = realloc(text, *length + block_length + sizeof(file_end) + 1);

	if (!joined) {
		free(text);
		return NULL;
	}
	if (*length > 0 && joined[*length - 1] != '\n')
		joined[(*length)++] = '\n';
	memcpy(joined + *length, file_end, strlen(file_end));
	*length += strlen(file_end);
	memcpy(joined + *length, blocks, block_length);
	*length += block_length;
	return joined;
}

/* The blocks of the root's services in @text that @config was parsed from; *@blocks is to be freed. Returns how many bytes, 0: there are none. */
static size_t take_blocks(const struct config *config, int root, const char *text, size_t length, char **blocks)
{
	int list[CONFIG_MAX_SERVICES];
	unsigned count = add_needed(config, root, list, 0);
	size_t taken = 0;

	*blocks = malloc(length + 1);
	for (unsigned i = count; *blocks && i-- > 0;)
		taken += config_copy_block(&config->services[list[i]], text, length, *blocks + taken);
	return taken;
}

/* What the root's services execute, as far as the overlay has it. */
static void bring_in_programs(const struct config *config, int root)
{
	const char *programs[CONFIG_MAX_SERVICES];
	int list[CONFIG_MAX_SERVICES];
	unsigned count = add_needed(config, root, list, 0);

	for (unsigned i = 0; i < count; i++)
		programs[i] = config->services[list[i]].argv[0];
	overlay_bring_in(programs, count);
}

/* The same with the overlay's file. Consumes @text and what @config holds. */
static char *with_overlay(struct config *config, const char *path, const char *disk, char *text, size_t *length)
{
	size_t taken;
	char *blocks;

	taken = take_blocks(config, find_root(config, disk), text, *length, &blocks);
	overlay_bring_in(&path, 1);
	config_free(config);
	free(text);
	text = file_read(path, MAX_CONFIG_BYTES, length);
	if (text && config_parse(config, text, *length) >= 0) {
		if (find_root(config, disk) < 0)
			text = join(text, length, blocks, taken);
		config_free(config);
	}
	free(blocks);
	if (text && config_parse(config, text, *length) >= 0) {
		if (find_root(config, disk) >= 0)
			bring_in_programs(config, find_root(config, disk));
		config_free(config);
	}
	return text;
}

char *boot_config_read(struct config *config, const char *path, size_t *length)
{
	char disk[BOOT_DISK_NAME];
	char *text = NULL;

	if (root_disk(disk)) {
		text = file_read(path, MAX_CONFIG_BYTES, length);
		if (text && config_parse(config, text, *length) > 0 && find_root(config, disk) >= 0) {
			if (access(OVERLAY_PATH, F_OK) == 0)
				return with_overlay(config, path, disk, text, length);
			config_free(config);
			return text;
		}
		log_error("root=%s: no service of %s mounts / from that disk: WHAT IS WRITTEN TO / IS IN MEMORY ONLY", disk, path);
		free(text);
	}
	if (!overlay_bring_in(NULL, 0) && overlay_incomplete())
		shutdown_machine(SHUTDOWN_POWER_OFF);
	return file_read(path, MAX_CONFIG_BYTES, length);
}

void boot_pin(const char *who, int fd, const char *path)
{
	if (fd < 0 || (!pin_is_filled(fd) && pin_fill(fd, path) < 0))
		log_warning("%s is not pinned: %s: %s", who, path, strerror(errno));
	else if (pin_path(fd, path) < 0)
		log_warning("%s is not reached by its path without a file system: %s: %s", who, path, strerror(errno));
}

void boot_config_log(const struct config *config, const char *path)
{
	for (unsigned i = 0; i < config->error_count && i < CONFIG_MAX_ERRORS; i++)
		log_error("%s:%u: %s", path, config->errors[i].line, config->errors[i].text);
	if (config->error_count > CONFIG_MAX_ERRORS)
		log_error("%s: and %u more errors", path, config->error_count - CONFIG_MAX_ERRORS);
	for (unsigned i = 0; i < config->service_count; i++) {
		if (!config->services[i].valid)
			log_error("%s:%u: service %s is not started", path, config->services[i].line, config->services[i].name);
	}
}
