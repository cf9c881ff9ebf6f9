/* SPDX-License-Identifier: MIT */
/* LINK: lib/mount_options.c */
/* Which words are flags, and what is left for the file system. */
#include "mount_options.h"
#include "check.h"

#include <string.h>
#include <sys/mount.h>

static void check(const char *text, unsigned long flags, const char *rest)
{
	char got[128] = "before";
	unsigned long is = mount_options_split(text, got);

	CHECK(is == flags && strcmp(got, rest) == 0, "\"%s\": %#lx \"%s\"", text, is, got);
}

int main(void)
{
	check("", 0, "");
	check("disk=ram0", 0, "disk=ram0");
	check("nodev", MS_NODEV, "");
	check("disk=ram0,nodev,nosuid,unordered,noexec", MS_NODEV | MS_NOSUID | MS_NOEXEC, "disk=ram0,unordered");
	check("ro,disk=ram0", MS_RDONLY, "disk=ram0,ro");
	check("ro,rw", 0, "");
	check("rw,ro", MS_RDONLY, "ro");
	check("ro,defaults,disk=ram0", 0, "disk=ram0");
	check("nosuid,suid,dev,nodev", MS_NODEV, "");
	check("noexec,nosuid,defaults,noatime", MS_NOATIME, "");
	check("strictatime,relatime", MS_RELATIME, "");
	check("nodevice,node,nodev=1,NODEV", 0, "nodevice,node,nodev=1,NODEV");
	check(",,a,,nodev,,b,", MS_NODEV, "a,b");
	check("sync,dirsync,nodiratime,async", MS_DIRSYNC | MS_NODIRATIME, "");
	return check_result("lib/mount_options");
}
