/* SPDX-License-Identifier: MIT */
/*
 * The block proxy. Requests wait in the order in which they came; each is started as soon as the driver has a free slot and no earlier request
 * overlaps it. Tags are never used twice and are looked up in the slots, so an answer of a driver that was detached, or a second one, finds nothing.
 *
 * Locks: disk->lock (spinlock) for requests and driver; registry_lock (spinlock) for names. Callbacks run without them, but for start.
 */
#include "block/disk.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"

static struct spinlock registry_lock = SPINLOCK_INIT(LOCK_DISK_REGISTRY);
static struct list registry = LIST_INIT(registry);	/* guarded by registry_lock */

void disk_init(struct disk *disk, const char *name, uint32_t sector_size, uint64_t sector_count)
{
	memset(disk, 0, sizeof(*disk));
	string_copy(disk->name, name, sizeof(disk->name));
	disk->sector_size = sector_size;
	disk->sector_count = sector_count;
	spinlock_init(&disk->lock, LOCK_DISK);
	list_init(&disk->waiting);
	wait_queue_init(&disk->queue);
	list_init(&disk->registry_link);
}

/* ---- Names ---- */

static struct disk *find_locked(const char *name)
{
	struct disk *disk;

	list_for_each(disk, &registry, registry_link)
		if (!strcmp(disk->name, name))
			return disk;
	return NULL;
}

int disk_register(struct disk *disk)
{
	int error = 0;

	spin_lock(&registry_lock);
	if (find_locked(disk->name))
		error = -EEXIST;
	else
		list_push_back(&registry, &disk->registry_link);
	spin_unlock(&registry_lock);
	return error;
}

int disk_unregister(struct disk *disk)
{
	int error = 0;

	spin_lock(&registry_lock);
	if (disk->users)
		error = -EBUSY;
	else
		list_remove(&disk->registry_link);
	spin_unlock(&registry_lock);
	return error;
}

struct disk *disk_find(const char *name)
{
	struct disk *disk;

	spin_lock(&registry_lock);
	disk = find_locked(name);
	if (disk)
		disk->users++;
	spin_unlock(&registry_lock);
	return disk;
}

void disk_put(struct disk *disk)
{
	spin_lock(&registry_lock);
	KASSERT(disk->users);
	disk->users--;
	spin_unlock(&registry_lock);
}

/* ---- Starting requests; disk->lock held ---- */

static bool conflict(const struct disk_request *a, const struct disk_request *b)
{
	if (a->operation != DISK_WRITE && b->operation != DISK_WRITE)
		return false;
	return a->sector < b->sector + b->sector_count && b->sector < a->sector + a->sector_count;
}

static bool may_start(const struct disk *disk, const struct disk_request *request)
{
	const struct list *at;

	for (unsigned i = 0; i < DISK_SLOTS; i++)
		if (disk->slots[i] && conflict(disk->slots[i], request))
			return false;
	for (at = disk->waiting.next; at != &request->link; at = at->next)
		if (conflict(list_entry(at, struct disk_request, link), request))
			return false;
	return true;
}

/* Gives the driver what it can take. Whether that was something: then a kick is due. */
static bool start_waiting(struct disk *disk)
{
	struct disk_request *request, *next;
	unsigned slot = 0;
	bool started = false;

	if (!disk->ops)
		return false;
	list_for_each_safe(request, next, &disk->waiting, link) {
		while (slot < DISK_SLOTS && disk->slots[slot])
			slot++;
		if (slot == DISK_SLOTS)
			break;
		if (!may_start(disk, request))
			continue;
		list_remove(&request->link);
		request->tag = disk->next_tag++ * DISK_SLOTS + slot;
		disk->slots[slot] = request;
		disk->ops->start(disk->driver, request->tag, request);
		started = true;
	}
	return started;
}

/* Starts what waits, lets the lock go, and kicks. */
static void start_and_unlock(struct disk *disk)
{
	const struct disk_driver_ops *ops = disk->ops;
	void *driver = disk->driver;

	if (!start_waiting(disk)) {
		spin_unlock(&disk->lock);
		return;
	}
	disk->calls++;
	spin_unlock(&disk->lock);
	ops->kick(driver);
	spin_lock(&disk->lock);
	if (!--disk->calls)
		wake_all(&disk->queue);
	spin_unlock(&disk->lock);
}

/* ---- Drivers ---- */

void disk_attach(struct disk *disk, const struct disk_driver_ops *ops, void *driver)
{
	spin_lock(&disk->lock);
	KASSERT(!disk->ops);
	disk->ops = ops;
	disk->driver = driver;
	start_and_unlock(disk);
}

/* Takes back what the driver has, the oldest first, before what waits; what has had too many drivers goes to @failed. */
static void take_back(struct disk *disk, struct list *failed)
{
	for (;;) {
		struct disk_request *newest = NULL;

		for (unsigned i = 0; i < DISK_SLOTS; i++)
			if (disk->slots[i] && (!newest || disk->slots[i]->tag > newest->tag))
				newest = disk->slots[i];
		if (!newest)
			return;
		disk->slots[newest->tag % DISK_SLOTS] = NULL;
		list_push_front(++newest->drivers < DISK_DRIVERS_MAX ? &disk->waiting : failed, &newest->link);
	}
}

void disk_detach(struct disk *disk)
{
	struct list failed = LIST_INIT(failed);
	struct disk_request *request, *next;
	struct waiter waiter;

	wait_begin(&disk->queue, &waiter);
	spin_lock(&disk->lock);
	disk->ops = NULL;
	take_back(disk, &failed);
	while (disk->calls) {
		spin_unlock(&disk->lock);
		wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
		spin_lock(&disk->lock);
	}
	spin_unlock(&disk->lock);
	wait_end(&waiter);
	list_for_each_safe(request, next, &failed, link) {
		list_remove(&request->link);
		request->status = -EIO;
		request->done(request);
	}
}

/* ---- Requests ---- */

static int check_request(const struct disk *disk, const struct disk_request *request)
{
	uint64_t len = 0;

	if (request->operation == DISK_FLUSH)
		return request->sector_count || request->segment_count ? -EINVAL : 0;
	if (request->operation != DISK_READ && request->operation != DISK_WRITE)
		return -EINVAL;
	if (!request->sector_count || request->sector_count > DISK_SECTORS_MAX || request->segment_count > DISK_SEGMENTS_MAX)
		return -EINVAL;
	if (request->sector >= disk->sector_count || request->sector_count > disk->sector_count - request->sector)
		return -EINVAL;
	for (unsigned i = 0; i < request->segment_count; i++) {
		const struct disk_segment *segment = &request->segments[i];

		if (!segment->len || segment->len % 8 || segment->start % 8)
			return -EINVAL;
		len += segment->len;
	}
	return len == (uint64_t)request->sector_count * disk->sector_size ? 0 : -EINVAL;
}

void disk_submit(struct disk *disk, struct disk_request *request)
{
	int error = check_request(disk, request);

	if (error) {
		request->status = error;
		request->done(request);
		return;
	}
	request->drivers = 0;
	spin_lock(&disk->lock);
	list_push_back(&disk->waiting, &request->link);
	start_and_unlock(disk);
}

bool disk_complete(struct disk *disk, uint64_t tag, int status)
{
	struct disk_request *request;

	spin_lock(&disk->lock);
	request = disk->slots[tag % DISK_SLOTS];
	if (!request || request->tag != tag) {
		spin_unlock(&disk->lock);
		return false;
	}
	disk->slots[tag % DISK_SLOTS] = NULL;
	spin_unlock(&disk->lock);
	request->status = status == 0 || status == -ENOMEM ? status : -EIO;
	request->done(request);
	spin_lock(&disk->lock);
	start_and_unlock(disk);
	return true;
}

/* ---- For who waits ---- */

struct waited_request {
	struct disk_request request;
	struct disk *disk;
	uint32_t finished;	/* atomic */
};

/* The waiter may be gone as soon as it sees that it has finished; the disk's queue stays. */
static void wake_waiter(struct disk_request *request)
{
	struct waited_request *waited = container_of(request, struct waited_request, request);
	struct disk *disk = waited->disk;

	atomic_store(&waited->finished, 1);
	wake_all(&disk->queue);
}

int disk_run(struct disk *disk, struct disk_request *request)
{
	struct waited_request waited = { .request = *request, .disk = disk };
	struct waiter waiter;

	waited.request.done = wake_waiter;
	disk_submit(disk, &waited.request);
	if (!atomic_load(&waited.finished)) {
		wait_begin(&disk->queue, &waiter);
		while (!atomic_load(&waited.finished))
			wait_block(&waiter, WAIT_FOREVER, WAIT_UNINTERRUPTIBLE);
		wait_end(&waiter);
	}
	return waited.request.status;
}

int disk_transfer(struct disk *disk, enum disk_operation operation, uint64_t sector, uint32_t sector_count, void *memory)
{
	struct disk_segment segment = { virt_to_phys(memory), sector_count * disk->sector_size };
	struct disk_request request = {
		.operation = operation, .sector = sector, .sector_count = sector_count, .segments = &segment, .segment_count = 1,
	};

	return disk_run(disk, &request);
}

int disk_flush(struct disk *disk)
{
	struct disk_request request = { .operation = DISK_FLUSH };

	return disk_run(disk, &request);
}

int disk_prepare(struct disk *disk, uint64_t sector, uint64_t count, bool discard)
{
	const struct disk_driver_ops *ops;
	void *driver;
	int error;

	spin_lock(&disk->lock);
	ops = disk->ops;
	driver = disk->driver;
	if (!ops || !ops->prepare) {
		spin_unlock(&disk->lock);
		return 0;
	}
	disk->calls++;
	spin_unlock(&disk->lock);
	error = ops->prepare(driver, sector, count, discard);
	spin_lock(&disk->lock);
	if (!--disk->calls)
		wake_all(&disk->queue);
	spin_unlock(&disk->lock);
	return error;
}
