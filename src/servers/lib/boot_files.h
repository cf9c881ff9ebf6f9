/* SPDX-License-Identifier: MIT */
/* Files that come with a boot: the overlay of ci/vm, and services.conf as it is with that. */
#ifndef SERVERS_LIB_BOOT_FILES_H
#define SERVERS_LIB_BOOT_FILES_H

#include "services_conf/config.h"

#define OVERLAY_PATH "/dev/fw_cfg/overlay"
#define COMMAND_PATH "/dev/fw_cfg/command"

enum { BOOT_DISK_NAME = 32 };

/* Names the machine as /etc/hostname says, if it does. */
void boot_set_host_name(void);

/* Copies what the last word root=NAME of the kernel's command line says. False: there is none, and "" is copied. */
bool root_disk(char name[BOOT_DISK_NAME]);

/*
 * Runs /sbin/overlay, where there is an overlay, and waits for it; with @count not 0 only the files @only are brought in, where it has them. Returns false when
 * not all came in.
 */
bool overlay_bring_in(const char *const *only, unsigned count);

/* If there is a command, which depends on it, says that it is not run, and returns true: the machine is to be powered off. */
bool overlay_incomplete(void);

/*
 * The text of the services.conf at @path, to be freed; NULL and errno. The overlay is brought in before, but where the root file system is to come from a disk:
 * then its file is taken, with those blocks of the image's that the root needs if it does not say what mounts one; and the programs of these.
 */
char *boot_config_read(struct config *config, const char *path, size_t *length);

/* Fills the copy @fd (pin.h) of the program at @path, unless it is, and makes the path lead to it. What fails is logged for @who. */
void boot_pin(const char *who, int fd, const char *path);

/* Logs what config_parse() found wrong in the file at @path. */
void boot_config_log(const struct config *config, const char *path);

#endif
