/* SPDX-License-Identifier: MIT */
/* ioctl(2) of /dev/input/eventN: identity, what the device can report, its state now, and exclusive use. */
#include "drivers/input/evdev.h"
#include <asm/ioctl.h>
#include <linux/time.h>
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/user_copy.h"

/* Request numbers of the "E" group, by command byte; <linux/input.h> itself needs a C library. */
enum {
	REQUEST_VERSION = 0x01, REQUEST_ID = 0x02, REQUEST_NAME = 0x06, REQUEST_PHYS = 0x07, REQUEST_UNIQUE = 0x08,
	REQUEST_PROPERTIES = 0x09, REQUEST_KEYS = 0x18, REQUEST_LEDS = 0x19, REQUEST_SOUNDS = 0x1a, REQUEST_SWITCHES = 0x1b,
	REQUEST_BITS_FIRST = 0x20, REQUEST_BITS_LAST = 0x3f, REQUEST_GRAB = 0x90, REQUEST_CLOCK = 0xa0,
	EVDEV_VERSION = 0x010001,
};

/* Copies at most @size bytes; the answer is how many there were to copy. */
static long give(uint64_t argument, size_t size, const void *from, size_t len)
{
	len = MIN(len, size);
	return copy_to_user(argument, from, len) ? -EFAULT : (long)len;
}

static long give_text(uint64_t argument, size_t size, const char *text)
{
	return text ? give(argument, size, text, strlen(text) + 1) : -ENOENT;
}

static long give_bits(const struct input_device *device, unsigned type, uint64_t argument, size_t size)
{
	static const uint64_t none[INPUT_BITS(KEY_CNT)];

	switch (type) {
	case 0:
		return give(argument, size, device->event_bits, sizeof(device->event_bits));
	case EV_KEY:
		return give(argument, size, device->key_bits, sizeof(device->key_bits));
	case EV_REL:
		return give(argument, size, device->relative_bits, sizeof(device->relative_bits));
	case EV_LED:
		return give(argument, size, device->led_bits, sizeof(device->led_bits));
	case EV_ABS:
	case EV_MSC:
	case EV_SW:
	case EV_SND:
	case EV_FF:
		return give(argument, size, none, sizeof(uint64_t));
	default:
		return -EINVAL;
	}
}

static long give_state(struct input_device *device, const uint64_t *bits, size_t len, uint64_t argument, size_t size)
{
	uint64_t copy[INPUT_BITS(KEY_CNT)];
	uint64_t irq_flags = spin_lock_irq(&device->lock);

	memcpy(copy, bits, len);
	spin_unlock_irq(&device->lock, irq_flags);
	return give(argument, size, copy, len);
}

static long grab(struct input_client *client, bool on)
{
	struct input_device *device = client->device;
	uint64_t irq_flags = spin_lock_irq(&device->lock);
	long result = 0;

	if (on && device->grabbed_by)
		result = -EBUSY;
	else if (!on && device->grabbed_by != client)
		result = -EINVAL;
	else
		device->grabbed_by = on ? client : NULL;
	spin_unlock_irq(&device->lock, irq_flags);
	return result;
}

static long set_clock(struct input_client *client, uint64_t argument)
{
	uint32_t clock;

	if (get_user_u32(&clock, argument))
		return -EFAULT;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return -EINVAL;
	uint64_t irq_flags = spin_lock_irq(&client->device->lock);

	client->clock = clock;
	event_queue_clear(&client->queue);
	spin_unlock_irq(&client->device->lock, irq_flags);
	return 0;
}

static long read_request(struct input_device *device, unsigned number, uint64_t argument, size_t size)
{
	static const uint64_t none;

	switch (number) {
	case REQUEST_VERSION:
		return put_user_u32(argument, EVDEV_VERSION);
	case REQUEST_ID:
		return copy_to_user(argument, &device->id, sizeof(device->id));
	case REQUEST_NAME:
		return give_text(argument, size, device->name);
	case REQUEST_PHYS:
		return give_text(argument, size, device->phys);
	case REQUEST_UNIQUE:
		return -ENOENT;
	case REQUEST_KEYS:
		return give_state(device, device->keys_down, sizeof(device->keys_down), argument, size);
	case REQUEST_LEDS:
		return give_state(device, device->leds_on, sizeof(device->leds_on), argument, size);
	case REQUEST_PROPERTIES:
	case REQUEST_SOUNDS:
	case REQUEST_SWITCHES:
		return give(argument, size, &none, sizeof(none));
	default:
		return number >= REQUEST_BITS_FIRST && number <= REQUEST_BITS_LAST ?
		       give_bits(device, number - REQUEST_BITS_FIRST, argument, size) : -ENOTTY;
	}
}

long evdev_ioctl(struct file *file, unsigned request, uint64_t argument)
{
	struct input_client *client = file->private;

	if (_IOC_TYPE(request) != 'E')
		return -ENOTTY;
	if (_IOC_DIR(request) == _IOC_READ)
		return read_request(client->device, _IOC_NR(request), argument, _IOC_SIZE(request));
	switch (_IOC_NR(request)) {
	case REQUEST_GRAB:
		return grab(client, argument != 0);
	case REQUEST_CLOCK:
		return set_clock(client, argument);
	default:
		return -ENOTTY;
	}
}
