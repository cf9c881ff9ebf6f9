/* SPDX-License-Identifier: MIT */
/*
 * /dev/input/mice: all mice as one PS/2 mouse, for programs that know no other. Each reader has its own movement sum. A reader that
 * knocks as a driver would (sample rates 200, 100, 80) gets the 4-byte packets with the wheel.
 */
#include "drivers/input/input.h"
#include <linux/fcntl.h>
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sync/wait.h"
#include "vfs/poll.h"
#include <raeen/caps.h>

enum { INPUT_MAJOR = 13, MICE_MINOR = 63, PACKET_MAX = 4, MOVE_MAX = 127, WHEEL_MAX = 7, REPLY_ACK = 0xfa, REPLY_SELF_TEST = 0xaa,
       COMMAND_RESET = 0xff, COMMAND_IDENTIFY = 0xf2, COMMAND_SAMPLE_RATE = 0xf3, ID_PLAIN = 0, ID_WHEEL = 3 };

struct mice_client {
	struct list link;		/* all below: mice_lock */
	int dx, dy, wheel;
	unsigned buttons;
	bool changed, wheel_mode;
	uint8_t knock[3];		/* the last sample rates */
	bool rate_follows;
	uint8_t bytes[8];		/* a packet or answer under way */
	unsigned count, next;
	struct wait_queue readers;
};

static struct spinlock mice_lock = SPINLOCK_INIT(LOCK_MICE);	/* interrupts off */
static struct list clients = LIST_INIT(clients);	/* mice_lock */

void mice_report(int dx, int dy, int wheel, unsigned buttons)
{
	struct mice_client *client;
	uint64_t irq_flags = spin_lock_irq(&mice_lock);

	list_for_each(client, &clients, link) {
		client->dx += dx;
		client->dy += dy;
		client->wheel += wheel;
		client->buttons = buttons;
		client->changed = true;
		wake_all(&client->readers);
	}
	spin_unlock_irq(&mice_lock, irq_flags);
}

static int limit(int value, int most)
{
	return MAX(-most, MIN(value, most));
}

/* mice_lock held. Makes the next packet of what has piled up: a long way is several packets. */
static void make_packet(struct mice_client *client)
{
	int dx = limit(client->dx, MOVE_MAX), dy = limit(-client->dy, MOVE_MAX), wheel = limit(client->wheel, WHEEL_MAX);

	client->bytes[0] = 0x08 | client->buttons | (dx < 0 ? 0x10 : 0) | (dy < 0 ? 0x20 : 0);
	client->bytes[1] = dx;
	client->bytes[2] = dy;
	client->bytes[3] = -wheel;
	client->count = client->wheel_mode ? 4 : 3;
	client->next = 0;
	client->dx -= dx;
	client->dy += dy;
	client->wheel -= client->wheel_mode ? wheel : client->wheel;
	client->changed = client->dx || client->dy || client->wheel;
}

static size_t take_bytes(struct mice_client *client, char *buf, size_t size)
{
	uint64_t irq_flags = spin_lock_irq(&mice_lock);
	size_t count;

	if (client->next == client->count && client->changed)
		make_packet(client);
	count = MIN(size, (size_t)(client->count - client->next));
	memcpy(buf, client->bytes + client->next, count);
	client->next += count;
	spin_unlock_irq(&mice_lock, irq_flags);
	return count;
}

static ssize_t mice_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct mice_client *client = file->private;
	char bytes[sizeof(client->bytes)];
	struct waiter waiter;
	size_t count = 0;
	int error = 0;

	if (!uio->left)
		return 0;
	wait_begin(&client->readers, &waiter);
	while (!error && !(count = take_bytes(client, bytes, MIN(uio->left, sizeof(bytes)))))
		error = atomic_load(&file->flags) & O_NONBLOCK ? -EAGAIN : wait_block(&waiter, WAIT_FOREVER, WAIT_INTERRUPTIBLE);
	wait_end(&waiter);
	if (error)
		return error;
	return uio_write_to(uio, bytes, count) == count ? (ssize_t)count : -EFAULT;
}

/* mice_lock held. Answers a command byte as a mouse would. */
static void command(struct mice_client *client, uint8_t byte)
{
	client->next = 0;
	client->count = 1;
	client->bytes[0] = REPLY_ACK;
	if (client->rate_follows) {
		client->rate_follows = false;
		memmove(client->knock, client->knock + 1, 2);
		client->knock[2] = byte;
		if (memcmp(client->knock, "\xc8\x64\x50", 3) == 0)
			client->wheel_mode = true;
	} else if (byte == COMMAND_SAMPLE_RATE) {
		client->rate_follows = true;
	} else if (byte == COMMAND_IDENTIFY) {
		client->bytes[client->count++] = client->wheel_mode ? ID_WHEEL : ID_PLAIN;
	} else if (byte == COMMAND_RESET) {
		client->wheel_mode = false;
		client->bytes[client->count++] = REPLY_SELF_TEST;
		client->bytes[client->count++] = ID_PLAIN;
	}
}

static ssize_t mice_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	struct mice_client *client = file->private;
	size_t total = 0;
	uint8_t byte;

	while (uio->left) {
		if (!uio_read_from(uio, &byte, 1))
			return total ? (ssize_t)total : -EFAULT;
		uint64_t irq_flags = spin_lock_irq(&mice_lock);

		command(client, byte);
		spin_unlock_irq(&mice_lock, irq_flags);
		total++;
	}
	wake_all(&client->readers);
	return total;
}

static unsigned mice_poll(struct file *file, struct poll_table *table)
{
	struct mice_client *client = file->private;

	poll_wait(table, &client->readers);
	uint64_t irq_flags = spin_lock_irq(&mice_lock);
	bool readable = client->changed || client->next != client->count;

	spin_unlock_irq(&mice_lock, irq_flags);
	return (readable ? POLL_IN | POLL_RDNORM : 0) | POLL_OUT | POLL_WRNORM;
}

static void mice_release(struct file *file)
{
	struct mice_client *client = file->private;
	uint64_t irq_flags = spin_lock_irq(&mice_lock);

	list_remove(&client->link);
	spin_unlock_irq(&mice_lock, irq_flags);
	kfree(client);
}

static const struct file_ops mice_ops = { .read = mice_read, .write = mice_write, .poll = mice_poll, .release = mice_release };

static int mice_open(struct char_device *device, unsigned minor, struct file *file)
{
	struct mice_client *client = kzalloc(sizeof(*client));

	if (!client)
		return -ENOMEM;
	wait_queue_init(&client->readers);
	uint64_t irq_flags = spin_lock_irq(&mice_lock);

	list_push_back(&clients, &client->link);
	spin_unlock_irq(&mice_lock, irq_flags);
	file->ops = &mice_ops;
	file->private = client;
	return 0;
}

static struct char_device mice_device = {
	.major = INPUT_MAJOR, .minor = MICE_MINOR, .minor_count = 1, .name = "input/mice", .mode = 0660, .ops = &mice_ops,
	.open = mice_open, .needs = CAPABILITY_HW_INPUT,
};

void mice_init(void)
{
	char_device_register(&mice_device);
}
