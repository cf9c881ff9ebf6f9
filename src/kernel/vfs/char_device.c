/* SPDX-License-Identifier: MIT */
/* The registry of character devices. Drivers register at boot; a device that goes away must have no open files. */
#include "vfs/file.h"
#include "lib/errno.h"
#include "security/capabilities.h"
#include "sync/spinlock.h"

static struct spinlock devices_lock = SPINLOCK_INIT(LOCK_CHAR_DEVICES);
static struct list devices = LIST_INIT(devices);	/* devices_lock */

/* The device that has the number. devices_lock held. */
static struct char_device *find_locked(unsigned major, unsigned minor)
{
	struct char_device *device;

	list_for_each(device, &devices, link)
		if (device->major == major && minor - device->minor < device->minor_count)
			return device;
	return NULL;
}

int char_device_register(struct char_device *device)
{
	int error = 0;

	if (!device->minor_count)
		device->minor_count = 1;
	spin_lock(&devices_lock);
	for (unsigned i = 0; i < device->minor_count; i++)
		if (find_locked(device->major, device->minor + i))
			error = -EBUSY;
	if (!error)
		list_push_back(&devices, &device->link);
	spin_unlock(&devices_lock);
	return error;
}

int char_device_open(uint64_t rdev, struct file *file)
{
	struct char_device *device;

	spin_lock(&devices_lock);
	device = find_locked(dev_major(rdev), dev_minor(rdev));
	spin_unlock(&devices_lock);
	if (!device)
		return -ENXIO;
	if (!capabilities_hold(device->needs))
		return -EPERM;
	if (device->ops)
		file->ops = device->ops;
	file->private = device->context;
	return device->open ? device->open(device, dev_minor(rdev), file) : 0;
}

struct char_device *char_device_next(struct char_device *previous)
{
	struct list *next;

	spin_lock(&devices_lock);
	next = previous ? previous->link.next : devices.next;
	spin_unlock(&devices_lock);
	return next == &devices ? NULL : list_entry(next, struct char_device, link);
}
