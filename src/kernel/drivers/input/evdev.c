/* SPDX-License-Identifier: MIT */
/* The file operations of /dev/input/eventN: whole struct input_event records in and out. */
#include "drivers/input/evdev.h"
#include <linux/fcntl.h>
#include <linux/time.h>
#include "lib/errno.h"
#include "mm/heap.h"
#include "vfs/poll.h"

int evdev_open(struct char_device *node, unsigned minor, struct file *file)
{
	struct input_device *device = node->context;
	struct input_client *client = kzalloc(sizeof(*client));

	if (!client)
		return -ENOMEM;
	client->device = device;
	client->clock = CLOCK_REALTIME;
	wait_queue_init(&client->readers);
	uint64_t irq_flags = spin_lock_irq(&device->lock);

	list_push_back(&device->clients, &client->link);
	spin_unlock_irq(&device->lock, irq_flags);
	file->ops = &evdev_file_ops;
	file->private = client;
	return 0;
}

static void evdev_release(struct file *file)
{
	struct input_client *client = file->private;
	struct input_device *device = client->device;
	uint64_t irq_flags = spin_lock_irq(&device->lock);

	list_remove(&client->link);
	if (device->grabbed_by == client)
		device->grabbed_by = NULL;
	spin_unlock_irq(&device->lock, irq_flags);
	kfree(client);
}

static bool take_event(struct input_client *client, struct input_event *event)
{
	uint64_t irq_flags = spin_lock_irq(&client->device->lock);
	bool taken = event_queue_pop(&client->queue, event);

	spin_unlock_irq(&client->device->lock, irq_flags);
	return taken;
}

static ssize_t evdev_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct input_client *client = file->private;
	struct input_event event;
	struct waiter waiter;
	size_t total = 0;
	int error = 0;

	if (!uio->left)
		return 0;
	if (uio->left < sizeof(event))
		return -EINVAL;
	wait_begin(&client->readers, &waiter);
	while (uio->left >= sizeof(event) && !error) {
		if (take_event(client, &event)) {
			size_t moved = uio_write_to(uio, &event, sizeof(event));

			total += moved;
			if (moved < sizeof(event))
				error = -EFAULT;
			continue;
		}
		if (total)
			break;
		error = atomic_load(&file->flags) & O_NONBLOCK ? -EAGAIN : wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
	}
	wait_end(&waiter);
	return total ? (ssize_t)total : error;
}

/* Programs may only switch lights; other events they write have nowhere to go and are taken in silence, as Linux does. */
static ssize_t evdev_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct input_client *client = file->private;
	struct input_device *device = client->device;
	struct input_event event;
	size_t total = 0;

	if (uio->left && uio->left < sizeof(event))
		return -EINVAL;
	while (uio->left >= sizeof(event)) {
		if (uio_read_from(uio, &event, sizeof(event)) < sizeof(event))
			return total ? (ssize_t)total : -EFAULT;
		total += sizeof(event);
		if (event.type == EV_LED && event.code < LED_CNT && input_test_bit(device->led_bits, event.code) && device->set_led)
			device->set_led(device, event.code, event.value);
	}
	return total;
}

static unsigned evdev_poll(struct file *file, struct poll_table *table)
{
	struct input_client *client = file->private;

	poll_wait(table, &client->readers);
	uint64_t irq_flags = spin_lock_irq(&client->device->lock);
	bool readable = event_queue_readable(&client->queue);

	spin_unlock_irq(&client->device->lock, irq_flags);
	return (readable ? POLL_IN | POLL_RDNORM : 0) | POLL_OUT | POLL_WRNORM;
}

const struct file_ops evdev_file_ops = {
	.read = evdev_read,
	.write = evdev_write,
	.poll = evdev_poll,
	.ioctl = evdev_ioctl,
	.release = evdev_release,
};
