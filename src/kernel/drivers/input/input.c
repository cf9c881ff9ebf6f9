/* SPDX-License-Identifier: MIT */
/* Input devices: registration, and the way of an event to everybody who reads the device. */
#include "drivers/input/evdev.h"
#include <linux/time.h>
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "sched/clock.h"
#include <raeen/caps.h>

enum { INPUT_MAJOR = 13, EVENT_FIRST_MINOR = 64, EVENT_MAX = 32 };

static unsigned device_count;	/* registration happens at boot only, one after the other */

int input_register(struct input_device *device)
{
	if (device_count == EVENT_MAX)
		return -ENOSPC;
	snprintf(device->node_name, sizeof(device->node_name), "input/event%u", device_count);
	device->node = (struct char_device){
		.major = INPUT_MAJOR, .minor = EVENT_FIRST_MINOR + device_count, .minor_count = 1, .name = device->node_name,
		.mode = 0660, .ops = &evdev_file_ops, .open = evdev_open, .context = device, .needs = CAPABILITY_HW_INPUT,
	};
	int error = char_device_register(&device->node);

	if (error)
		return error;
	device_count++;
	log_info("input: %s is /dev/%s", device->name, device->node_name);
	return 0;
}

/* device->lock held. Keeps the state that EVIOCGKEY and EVIOCGLED report. */
static void update_state(struct input_device *device, unsigned type, unsigned code, int value)
{
	uint64_t *bits = type == EV_KEY && code < KEY_CNT ? device->keys_down :
			 type == EV_LED && code < LED_CNT ? device->leds_on : NULL;

	if (!bits)
		return;
	if (value)
		bits[code / 64] |= 1ull << (code % 64);
	else
		bits[code / 64] &= ~(1ull << (code % 64));
}

static struct input_event make_event(const struct input_client *client, unsigned type, unsigned code, int value)
{
	uint64_t now = client->clock == CLOCK_MONOTONIC ? clock_monotonic_ns() : clock_realtime_ns();

	return (struct input_event){
		.seconds = now / NS_PER_SEC, .microseconds = now % NS_PER_SEC / NS_PER_US, .type = type, .code = code, .value = value,
	};
}

void input_report(struct input_device *device, unsigned type, unsigned code, int value)
{
	struct input_client *client;
	uint64_t irq_flags = spin_lock_irq(&device->lock);

	update_state(device, type, code, value);
	list_for_each(client, &device->clients, link) {
		struct input_event event = make_event(client, type, code, value);

		if (device->grabbed_by && device->grabbed_by != client)
			continue;
		if (event_queue_push(&client->queue, &event))
			wake_all(&client->readers);
	}
	spin_unlock_irq(&device->lock, irq_flags);
}

bool input_is_grabbed(struct input_device *device)
{
	uint64_t irq_flags = spin_lock_irq(&device->lock);
	bool grabbed = device->grabbed_by != NULL;

	spin_unlock_irq(&device->lock, irq_flags);
	return grabbed;
}
