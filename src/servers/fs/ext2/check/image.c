/* SPDX-License-Identifier: MIT */
/* Images, made and checked by e2fsprogs. */
#include "world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/ext2-check-XXXXXX";

static void remove_folder(void)
{
	shell("rm -rf %s", folder);
}

const char *scratch_folder(void)
{
	if (strstr(folder, "XXXXXX")) {
		if (!mkdtemp(folder)) {
			perror(folder);
			exit(1);
		}
		atexit(remove_folder);
	}
	return folder;
}

int shell(const char *format, ...)
{
	char command[4096];
	va_list args;
	int status;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	status = system(command);
	return status < 0 || status & 0x7f ? 255 : status >> 8;
}

uint8_t *load_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes;

	if (!file) {
		perror(path);
		exit(1);
	}
	fseek(file, 0, SEEK_END);
	*len = ftell(file);
	rewind(file);
	bytes = malloc(*len ? *len : 1);
	if (fread(bytes, 1, *len, file) != *len)
		abort();
	fclose(file);
	return bytes;
}

void save_file(const char *path, const uint8_t *bytes, size_t len)
{
	FILE *file = fopen(path, "wb");

	if (!file || fwrite(bytes, 1, len, file) != len || fclose(file)) {
		perror(path);
		exit(1);
	}
}

uint8_t *make_image(const char *options, unsigned kib, size_t *len)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/new", scratch_folder());
	if (shell("rm -f %s; mke2fs -q -F -t ext2 -U 01234567-89ab-cdef-0123-456789abcdef %s %s %uk > %s.log 2>&1", path, options, path, kib, path)) {
		fprintf(stderr, "mke2fs %s failed; is e2fsprogs installed? See %s.log\n", options, path);
		exit(1);
	}
	return load_file(path, len);
}

int fsck(const char *options, const uint8_t *image, size_t len, uint8_t **mended)
{
	char path[64];
	size_t size;
	int status;

	snprintf(path, sizeof(path), "%s/check", scratch_folder());
	save_file(path, image, len);
	status = shell("e2fsck %s %s > %s.log 2>&1", options, path, path);
	if (mended)
		*mended = load_file(path, &size);
	return status;
}
