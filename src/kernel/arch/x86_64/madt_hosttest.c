/* SPDX-License-Identifier: MIT */
/* The reader of the MADT: which CPUs are used and which are counted as left out, and that no wrong table makes it read outside. */
/* LINK: arch/x86_64/madt.c */
#include "arch/x86_64/madt.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 8192, MUTATIONS = 100000 };

static unsigned char built[ROOM] __attribute__((aligned(8)));
static uint32_t built_len;
static struct madt_machine machine;

static void begin(void)
{
	memset(built, 0, sizeof(struct madt));
	((struct madt *)built)->lapic_address = 0xfee00000;
	built_len = sizeof(struct madt);
}

static void put(const unsigned char *entry)
{
	assert(built_len + entry[1] <= ROOM);
	memcpy(built + built_len, entry, entry[1]);
	built_len += entry[1];
}

static void put_lapic(unsigned char id, unsigned char flags)
{
	put((const unsigned char[]){ 0, 8, 0, id, flags, 0, 0, 0 });
}

static void put_x2apic(unsigned id, unsigned char flags)
{
	put((const unsigned char[]){ 9, 16, 0, 0, id & 255, id >> 8 & 255, id >> 16 & 255, id >> 24, flags, 0, 0, 0, 1, 0, 0, 0 });
}

/* From a block of exactly its size. */
static void read_built(void)
{
	void *copy = malloc(built_len);

	((struct madt *)built)->header.length = built_len;
	memcpy(copy, built, built_len);
	madt_read(copy, &machine);
	free(copy);
}

static void test_cpus_of_both_kinds(void)
{
	begin();
	put_lapic(0, 1);
	put_lapic(1, 0);	/* not there */
	put_lapic(2, 2);	/* may be plugged in */
	put_x2apic(3, 1);
	put_x2apic(0, 1);	/* the first one again */
	put_x2apic(4, 0);
	put_x2apic(254, 1);
	put_x2apic(255, 1);	/* would be all of them */
	put_x2apic(256, 1);
	put_x2apic(0x10003, 1);
	read_built();
	assert(machine.cpu_count == 3 && machine.cpus_left_out == 3);
	assert(machine.cpu_ids[0] == 0 && machine.cpu_ids[1] == 3 && machine.cpu_ids[2] == 254);
}

static void test_more_than_there_is_room_for(void)
{
	begin();
	for (unsigned i = 0; i < CPU_MAX + 7; i++)
		put_lapic(i, 1);
	put_x2apic(CPU_MAX + 7, 1);
	put_x2apic(CPU_MAX + 8, 0);
	read_built();
	assert(machine.cpu_count == CPU_MAX && machine.cpu_ids[CPU_MAX - 1] == CPU_MAX - 1 && machine.cpus_left_out == 8);
}

static void test_the_rest(void)
{
	begin();
	put((const unsigned char[]){ 1, 12, 5, 0, 0, 0, 0xc0, 0xfe, 24, 0, 0, 0 });
	put((const unsigned char[]){ 2, 10, 0, 9, 20, 0, 0, 0, 15, 0 });
	put((const unsigned char[]){ 2, 10, 0, 16, 21, 0, 0, 0, 15, 0 });	/* no ISA interrupt */
	put((const unsigned char[]){ 5, 12, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0 });
	put((const unsigned char[]){ 77, 3, 0 });
	put_lapic(6, 1);
	read_built();
	assert(machine.ioapic_count == 1 && machine.ioapics[0].address == 0xfec00000 && machine.ioapics[0].base == 24);
	assert(machine.routes[9].global == 20 && machine.routes[9].flags == 15 && machine.routes[8].global == 8);
	assert(machine.lapic_address == 1ull << 32 && machine.cpu_count == 1 && machine.cpu_ids[0] == 6);
}

static void test_damaged(void)
{
	unsigned char whole[ROOM];
	uint32_t whole_len;

	test_the_rest();
	for (unsigned i = 0; i < CPU_MAX + 2; i++)
		put_lapic(i, 1);
	whole_len = built_len;
	memcpy(whole, built, whole_len);
	srand(1);
	for (int i = 0; i < MUTATIONS; i++) {
		memcpy(built, whole, whole_len);
		for (int change = rand() % 4; change >= 0; change--)
			built[sizeof(struct madt) + rand() % (whole_len - sizeof(struct madt))] = rand();
		built_len = sizeof(struct madt) + rand() % (whole_len - sizeof(struct madt) + 1);
		read_built();
		assert(machine.cpu_count <= CPU_MAX && machine.ioapic_count <= MADT_IOAPIC_MAX);
	}
}

int main(void)
{
	test_cpus_of_both_kinds();
	test_more_than_there_is_room_for();
	test_the_rest();
	test_damaged();
	return 0;
}
