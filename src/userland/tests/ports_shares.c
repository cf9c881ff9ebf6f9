/* SPDX-License-Identifier: MIT */
/* What an ordinary user may take of ports and their names, and that it is given back. Native, as root. */
#include "check.h"
#include "ports.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USER = 1000, OTHER = 1001, USER_NAMES = 64, USER_PORTS = 2048, BIG = 4096, KIB_OF_PORTS = 1024 };

static int ports[BIG];

static void become(uid_t uid)
{
	CHECK_EQ(setresuid(uid, uid, uid), 0);
}

static void make_names_of_others(void *unused)
{
	(void)unused;
	become(USER);
	CHECK_ERR(port_create("test.service", 0), EPERM);
	CHECK_ERR(port_create("test.service", PORT_PERSISTENT), EPERM);
	CHECK_ERR(port_create("user", 0), EPERM);
	CHECK_ERR(port_create("user.1001.a", 0), EPERM);
	CHECK_ERR(port_create("user.100", 0), EPERM);
	CHECK_ERR(port_create("user.10000.a", 0), EPERM);
	CHECK_ERR(port_create("user.1000.", 0), EPERM);
	CHECK(port_create("user.1000.a", 0) >= 0);
	CHECK_ERR(port_create("user.1000.a", 0), EEXIST);
	CHECK(port_create(NULL, 0) >= 0);
}

/* Also while no port has the name. */
static void names_of_others(void)
{
	int port;

	CHECK_EQ(check_child(make_names_of_others, NULL), 0);
	port = port_create("test.service", 0);
	CHECK(port >= 0);
	CHECK_EQ(close(port), 0);
	CHECK_EQ(check_child(make_names_of_others, NULL), 0);
	CHECK(port_create("test.service", 0) >= 0);
	/* It is a place for users, but root may go there. */
	CHECK(port_create("user.1000.a", 0) >= 0);
}

static int make_named(uid_t uid, int number)
{
	char name[32];

	snprintf(name, sizeof(name), "user.%d.%d", (int)uid, number);
	return port_create(name, 0);
}

static void take_all_names(void *argument)
{
	uid_t uid = (uintptr_t)argument;
	int count = 0;

	become(uid);
	while (count < BIG && (ports[count] = make_named(uid, count)) >= 0)
		count++;
	CHECK_EQ(count, USER_NAMES);
	CHECK_ERR(make_named(uid, count), ENOSPC);
	/* Ports as such it may have more; and what is given back can be had again. */
	CHECK(port_create(NULL, 0) >= 0);
	CHECK_EQ(close(ports[7]), 0);
	CHECK(make_named(uid, count) >= 0);
	CHECK_ERR(make_named(uid, count + 1), ENOSPC);
}

static void share_of_names(void)
{
	/* Another's share is another. */
	for (int i = 0; i < USER_NAMES; i++)
		CHECK(make_named(USER, i) >= 0);
	CHECK_EQ(check_child(take_all_names, (void *)(uintptr_t)OTHER), 0);
	CHECK_EQ(check_child(take_all_names, (void *)(uintptr_t)OTHER), 0);
	CHECK(port_create("test.service", 0) >= 0);
}

static void allow_descriptors(void)
{
	const struct rlimit limit = { BIG + 64, BIG + 64 };

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static unsigned make_ports(unsigned most)
{
	unsigned count = 0;

	while (count < most && (ports[count] = port_create(NULL, 0)) >= 0)
		count++;
	return count;
}

static void close_ports(unsigned count)
{
	while (count)
		CHECK_EQ(close(ports[--count]), 0);
}

static void take_all_ports(void *unused)
{
	unsigned count;

	(void)unused;
	become(USER);
	count = make_ports(BIG);
	CHECK_EQ(count, USER_PORTS);
	CHECK_ERR(port_create(NULL, 0), ENOSPC);
	CHECK_EQ(close(ports[--count]), 0);
	CHECK((ports[count++] = port_create(NULL, 0)) >= 0);
	CHECK_ERR(port_create(NULL, 0), ENOSPC);
	close_ports(count);
	CHECK_EQ(make_ports(BIG), USER_PORTS);
}

/* The end of a process gives back, too. Root may have more. */
static void share_of_ports(void)
{
	allow_descriptors();
	for (int i = 0; i < 2; i++)
		CHECK_EQ(check_child(take_all_ports, NULL), 0);
	CHECK_EQ(make_ports(USER_PORTS + 100), USER_PORTS + 100);
}

static long slab_kib(void)
{
	char line[128];
	long kib = -1;
	FILE *file = fopen("/proc/meminfo", "r");

	CHECK(file != NULL);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "Slab: %ld", &kib);
	fclose(file);
	CHECK(kib >= 0);
	return kib;
}

static void memory_is_given_back(void)
{
	unsigned count = USER_PORTS;
	long before, during, after;

	allow_descriptors();
	close(port_create(NULL, 0));
	before = slab_kib();
	CHECK_EQ(make_ports(count), count);
	during = slab_kib();
	close_ports(count);
	after = slab_kib();
	printf("slabs: %ld, %ld, %ld KiB\n", before, during, after);
	CHECK(during - before > KIB_OF_PORTS);
	CHECK(after - before < KIB_OF_PORTS / 4);
}

static const struct check_case cases[] = {
	CASE(names_of_others), CASE(share_of_names), CASE(share_of_ports), CASE(memory_is_given_back), { NULL, NULL },
};

int main(int argc, char **argv)
{
	return check_main("ports_shares", cases, argc, argv);
}
