/* SPDX-License-Identifier: MIT */
/* What outlives the manager (table.h). */
#include "table.h"
#include "lib/region.h"

enum { MAGIC = 0x73760005 /* raised when the meaning of struct service changes */ };

_Static_assert(sizeof(struct service) % sizeof(uint64_t) == 0, "a record is made of words");
_Static_assert((int)TABLE_WORDS <= (int)REGION_WORDS, "there are so many");

int table_make(struct region_shape *boot)
{
	boot->magic = MAGIC;
	boot->record_size = sizeof(struct service);
	boot->room_size = sizeof(struct ring);
	boot->room_count = boot->count + 1;
	return region_make(TABLE_FD, boot);
}

const char *table_find(struct region_shape *boot)
{
	const char *wrong;

	*boot = (struct region_shape){ .magic = MAGIC, .record_size = sizeof(struct service), .room_size = sizeof(struct ring) };
	wrong = region_find(TABLE_FD, boot);
	if (!wrong && (boot->count > CONFIG_MAX_SERVICES + 1 || boot->room_count != boot->count + 1))
		wrong = "it has another number of services";
	return wrong;
}

bool table_load(unsigned index, struct service *service)
{
	const struct service_config *config = service->config;
	const struct service *saved = region_record(index);

	if (!saved || !service_plausible(saved))
		return false;
	*service = *saved;
	service->config = config;
	return true;
}

void table_save(const struct service_table *table)
{
	for (unsigned i = 0; i < table->count; i++)
		region_save(i, &table->list[i]);
}

struct ring *table_ring(unsigned index)
{
	return region_room(index);
}

/* Kept as its complement, so that it is -1 at first. */
int table_control_port(void)
{
	return ~region_get(TABLE_CONTROL_PORT);
}

void table_set_control_port(int fd)
{
	region_set(TABLE_CONTROL_PORT, ~fd);
}
