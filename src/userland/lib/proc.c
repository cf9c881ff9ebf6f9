/* SPDX-License-Identifier: MIT */
#include "lib/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIST_MAX = 65536 };

bool proc_read(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t length;

	if (!file)
		return false;
	length = fread(text, 1, size - 1, file);
	fclose(file);
	text[length] = '\0';
	return length > 0;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

bool proc_for_each_number(const char *path, int pid, void (*visit)(int pid, int number))
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	size_t count = 0;
	int *list;

	if (!folder)
		return false;
	list = malloc(LIST_MAX * sizeof *list);
	while (list && count < LIST_MAX && (entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]))
			list[count++] = atoi(entry->d_name);
	closedir(folder);
	if (list)
		qsort(list, count, sizeof *list, compare);
	for (size_t i = 0; i < count; i++)
		visit(pid, list[i]);
	free(list);
	return true;
}
