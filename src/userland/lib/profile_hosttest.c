/* SPDX-License-Identifier: MIT */
/* Host test of the texts of profiles: what is taken, how it is kept, and what is said about the rest. */
/* LINK: lib/profile.c */
#include "profile.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct profile profile;
static struct profile_message message;

static void begin(void)
{
	profile_free(&profile);
	profile_init(&profile, 5);
	memset(&message, 0, sizeof(message));
}

static void test_views(void)
{
	begin();
	assert(!profile.restricts_views && profile.capabilities == 5);
	assert(profile_add_view(&profile, "rw:/var//lib/x/", &message));
	assert(profile_add_view(&profile, "ro:/usr", &message) && profile_add_view(&profile, "ro:/opt/a.b:/..c/.d", &message));
	assert(profile.restricts_views && profile.view_count == 3);
	assert(!strcmp(profile.views[0].source, "/usr") && !strcmp(profile.views[0].target, "/usr") && profile.views[0].read_only);
	assert(!strcmp(profile.views[1].source, "/opt/a.b") && !strcmp(profile.views[1].target, "/..c/.d"));
	assert(!strcmp(profile.views[2].source, "/var/lib/x") && !profile.views[2].read_only);
	assert(profile_add_view(&profile, "ro://", &message) && !strcmp(profile.views[0].target, "/") && profile.view_count == 4);
	assert(!profile_add_view(&profile, "rw:/", &message) && !strcmp(message.text, "two views of /"));
	assert(profile_add_view(&profile, "ro:/a:b", &message) && !strcmp(profile.views[2].source, "/a:b"));
	begin();
	assert(profile_add_view(&profile, "none", &message) && profile.restricts_views && !profile.view_count);
}

static void test_wrong_views(void)
{
	static const char *const wrong[] = { "", "r", "ro", "ro:", "ro:x", "rx:/x", "/x", "ro:/..", "ro:/.", "ro:/a/../b", "ro:/a:/..",
					     "ro:/a:/b/./c", "ro::/x", "Ro:/x" };
	char text[32];

	begin();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert(!profile_add_view(&profile, wrong[i], &message));
		assert(strstr(message.text, "expected ro:/path or rw:/path") && strstr(message.text, "found ") && strstr(message.text, wrong[i]));
	}
	assert(!profile.restricts_views && !profile.view_count);
	for (int i = 0; i < PROFILE_VIEWS_MAX; i++) {
		snprintf(text, sizeof(text), "ro:/%d", i);
		assert(profile_add_view(&profile, text, &message));
	}
	assert(!profile_add_view(&profile, "ro:/more", &message) && strstr(message.text, "more than 100 views"));
}

static void test_ports(void)
{
	char name[64];
	int count = 0;

	begin();
	assert(profile_add_port(&profile, "fs.root", &message) && profile_add_port(&profile, "audio.*", &message) && profile.restricts_ports);
	assert(profile.ports_size == 16 && !memcmp(profile.ports, "fs.root\0audio.*", 16));
	assert(!profile_add_port(&profile, "a*b", &message) && !profile_add_port(&profile, "a/b", &message) && !profile_add_port(&profile, "", &message));
	memset(name, 'x', sizeof(name));
	name[48] = '\0';
	assert(!profile_add_port(&profile, name, &message) && strstr(message.text, "1 to 47 characters"));
	name[47] = '\0';
	while (profile_add_port(&profile, name, &message))
		count++;
	assert(count == (PROFILE_PORTS_BYTES - 16) / 48 && strstr(message.text, "bytes of names"));
	begin();
	assert(profile_add_port(&profile, "none", &message) && profile.restricts_ports && !profile.ports_size);
}

static void test_limits(void)
{
	static const char *const wrong[] = { "", "0", "-1", "x", " 1", "1 ", "1x", "99999999999999999999", "0x10", "+5" };

	begin();
	assert(profile_set_memory(&profile, "64M", &message) && profile.memory == 64 << 20);
	assert(profile_set_memory(&profile, "2G", &message) && profile.memory == 2ull << 30);
	assert(profile_set_memory(&profile, "8192", &message) && profile.memory == 8192);
	assert(!profile_set_memory(&profile, "4095", &message) && !profile_set_memory(&profile, "9223372036854775807K", &message));
	assert(profile_set_cpu_time(&profile, "10s", &message) && profile.cpu_seconds == 10);
	assert(profile_set_cpu_time(&profile, "5min", &message) && profile.cpu_seconds == 300);
	assert(profile_set_cpu_time(&profile, "1h", &message) && profile.cpu_seconds == 3600);
	assert(!profile_set_cpu_time(&profile, "10", &message) && !profile_set_cpu_time(&profile, "10ms", &message));
	assert(profile_set_files(&profile, "7", &message) && profile.files == 7);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert(!profile_set_memory(&profile, wrong[i], &message) && strstr(message.text, "found "));
		assert(!profile_set_cpu_time(&profile, wrong[i], &message) && strstr(message.text, "found "));
		assert(!profile_set_files(&profile, wrong[i], &message) && strstr(message.text, "found "));
	}
	assert(profile.memory == 8192 && !profile.files && !profile.cpu_seconds);
}

int main(void)
{
	test_views();
	test_wrong_views();
	test_ports();
	test_limits();
	profile_free(&profile);
	return 0;
}
