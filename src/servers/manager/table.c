/* SPDX-License-Identifier: MIT */
/* What outlives the manager (table.h). */
#include "table.h"
#include "lib/region.h"

enum { MAGIC = 0x73760004 /* raised when the meaning of struct service changes */ };

_Static_assert(sizeof(struct service) % sizeof(uint64_t) == 0, "a record is made of words");
_Static_assert((int)TABLE_WORDS <= (int)REGION_WORDS, "there are so many");

int table_make(const struct table_boot *boot)
{
	struct region_shape shape = {
		.magic = MAGIC, .record_size = sizeof(struct service), .count = boot->count, .room_size = sizeof(struct ring),
		.room_count = boot->count + 1, .flags = boot->flags, .text = boot->text, .length = (uint32_t)boot->length,
	};

	return region_make(TABLE_FD, &shape);
}

const char *table_find(struct table_boot *boot)
{
	struct region_shape shape = { .magic = MAGIC, .record_size = sizeof(struct service), .room_size = sizeof(struct ring) };
	const char *wrong = region_find(TABLE_FD, &shape);

	*boot = (struct table_boot){ .text = shape.text, .length = shape.length, .flags = shape.flags, .count = shape.count };
	if (!wrong && (boot->count > CONFIG_MAX_SERVICES + 1 || shape.room_count != boot->count + 1))
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
