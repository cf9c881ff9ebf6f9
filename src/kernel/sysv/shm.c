/* SPDX-License-Identifier: MIT */
/*
 * System V shared memory. A segment is pages (struct vm_object) with an id. The table has a reference to the pages until IPC_RMID, each mapping another one;
 * so what is removed lives, and can be found by its id, until the last mapping is gone. What is attached is what is mapped: fork and splits of a mapping add
 * to it, exec and exit take from it.
 */
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/address_space_internal.h"
#include "mm/user_copy.h"
#include "process/process.h"
#include "security/capabilities.h"
#include "syscall_prototypes.h"
#include "sysv/limits.h"
#include "sysv/objects.h"
#include "sysv/sysv.h"
#include "vfs/procfs/entry.h"
#include <linux/mman.h>
#include <linux/resource.h>

struct segment {
	struct sysv_object object;
	struct vm_object pages;		/* its references are the segment's */
	uint64_t attached;		/* how many mappings; this and the next three under pages.lock, read atomically */
	int last_pid;
	int64_t attach_time, detach_time;	/* seconds, wall clock */
	int creator;			/* set once */
};

static struct sysv_table segments;
static uint64_t taken[SYSV_WORDS(SHMMNI)];
static uint64_t all_pages;	/* atomic: that segments may have */

/* ---- The life of a segment ---- */

static struct segment *segment_of(struct vm_object *pages)
{
	return container_of(pages, struct segment, pages);
}

static uint64_t page_count(const struct segment *segment)
{
	return segment->pages.size >> PAGE_SHIFT;
}

/* What its user pays for: it will not have more pages than there are. */
static long price(const struct segment *segment)
{
	return MIN(page_count(segment), (uint64_t)frame_total()) << PAGE_SHIFT;
}

static void segment_release(struct vm_object *pages)
{
	struct segment *segment = segment_of(pages);

	sysv_remove(&segment->object);
	atomic_sub(&all_pages, page_count(segment));
	sysv_charge_pages(segment, -price(segment));
	sysv_free(segment);
}

static void segment_mapped(struct vm_object *pages, int change)
{
	struct segment *segment = segment_of(pages);

	atomic_store(&segment->attached, segment->attached + change);
	atomic_store(change > 0 ? &segment->attach_time : &segment->detach_time, sysv_now());
	atomic_store(&segment->last_pid, sysv_own_pid());
}

static void segment_describe(struct vm_object *pages, char *buf, size_t size)
{
	snprintf(buf, size, "/SYSV%08x (deleted)", segment_of(pages)->object.key.value);
}

static void segment_identify(struct vm_object *pages, uint64_t *dev, uint64_t *inode)
{
	*dev = 1;
	*inode = segment_of(pages)->object.id;
}

static const struct vm_object_ops segment_ops = { .release = segment_release, .mapped = segment_mapped, .describe = segment_describe,
						  .identify = segment_identify };

static struct sysv_object *make_segment(size_t size, int flags)
{
	struct segment *segment;

	if (size < SHMMIN || size > INT64_MAX - PAGE_SIZE)
		return sysv_error(-EINVAL);
	/* As Linux answers when no huge pages are set aside. */
	if (flags & SHM_HUGETLB || (!(flags & SHM_NORESERVE) && memory_overcommits(size)))
		return sysv_error(-ENOMEM);
	segment = sysv_alloc(sizeof(*segment));
	if (!segment)
		return sysv_error(-ENOMEM);
	sysv_init(&segment->object, &segments, &segment->pages.refs, size, flags);
	vm_object_init(&segment->pages, &segment_ops, ROUND_UP(size, PAGE_SIZE));
	segment->pages.pinned = true;
	segment->creator = sysv_own_pid();
	if (!sysv_charge_pages(segment, price(segment))) {
		vm_object_discard(&segment->pages);
		sysv_free(segment);
		return sysv_error(-ENOMEM);
	}
	atomic_add(&all_pages, page_count(segment));
	return &segment->object;
}

static void end_segment(struct sysv_object *object)
{
	vm_object_free(&((struct segment *)object)->pages);
}

static void describe(struct sysv_object *object, union sysv_status *status)
{
	struct segment *segment = (struct segment *)object;

	status->shm.shm_segsz = object->size;
	status->shm.shm_atime = atomic_load(&segment->attach_time);
	status->shm.shm_dtime = atomic_load(&segment->detach_time);
	status->shm.shm_ctime = atomic_load(&object->changed);
	status->shm.shm_cpid = segment->creator;
	status->shm.shm_lpid = atomic_load(&segment->last_pid);
	status->shm.shm_nattch = atomic_load(&segment->attached);
}

static void print(struct proc_text *text, const struct sysv_object *object, const union sysv_status *status)
{
	const struct shmid64_ds *shm = &status->shm;

	proc_text_print(text, "%21lu %5u %5u  %5lu %5u %5u %5u %5u %10lu %10lu %10lu %21lu %21u\n", shm->shm_segsz, shm->shm_cpid, shm->shm_lpid,
			shm->shm_nattch, shm->shm_perm.uid, shm->shm_perm.gid, shm->shm_perm.cuid, shm->shm_perm.cgid, shm->shm_atime, shm->shm_dtime,
			shm->shm_ctime, atomic_load(&((const struct segment *)object)->pages.page_count) << PAGE_SHIFT, 0);
}

/* It loses its key; the table's reference goes once. */
static int remove_segment(struct sysv_object *object)
{
	sysv_forget_key(object);
	if (!(sysv_change_mode(object, 0, SHM_DEST) & SHM_DEST))
		sysv_put(object);
	return 0;
}

static struct sysv_table segments = {
	SYSV_TABLE_INIT, .taken = taken, .most = SHMMNI, .status_size = sizeof(struct shmid64_ds), .make = make_segment, .end = end_segment,
	.describe = describe, .print = print, .remove = remove_segment,
	.columns = "     shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss"
		   "                  swap",
};

long sys_shmget(int key, size_t size, int flags)
{
	return sysv_get(&segments, key, size, flags);
}

/* ---- Attaching and detaching ---- */

long sys_shmat(int id, uint64_t addr, int flags)
{
	struct address_space *as = address_space_current();
	unsigned prot = PROT_READ, wanted = 0444, place = !addr ? 0 : flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	uint64_t at = addr & PAGE_MASK;
	struct segment *segment;
	int64_t result;

	if (!(flags & SHM_RDONLY)) {
		prot |= PROT_WRITE;
		wanted |= 0222;
	}
	if (!capabilities_hold(CAPABILITY_IPC_RECV | (prot & PROT_WRITE ? CAPABILITY_IPC_SEND : 0)))
		return -EPERM;
	if (id < 0 || (at != addr && !(flags & SHM_RND)) || (flags & SHM_REMAP && !at))
		return -EINVAL;
	if (flags & SHM_EXEC) {
		prot |= PROT_EXEC;
		wanted |= 0111;
	}
	segment = (struct segment *)sysv_find(&segments, id, wanted);
	if (sysv_error_of(segment))
		return sysv_error_of(segment);
	result = -EINVAL;
	if (at + segment->pages.size >= at)
		result = address_space_map(as, at, segment->pages.size, prot, prot | PROT_EXEC, MAP_SHARED | MAP_NORESERVE | place, &segment->pages, 0);
	if (result >= 0 && address_space_locks_new(as))
		address_space_populate(as, result, result + segment->pages.size, 0);
	sysv_put(&segment->object);
	return result == -EEXIST ? -EINVAL : result;
}

/* Does @vma map the part of a segment that lies at its place if the segment was attached at @addr? */
static bool belongs(const struct vma *vma, uint64_t addr)
{
	return vma->object && vma->object->ops == &segment_ops && vma->start - addr == vma->offset;
}

/* What is left of an attachment at @addr goes, all of it: parts of it may be unmapped, protected otherwise or replaced. */
long sys_shmdt(uint64_t addr)
{
	struct address_space *as = address_space_current();
	struct vm_object *pages = NULL;
	struct vma *vma, *next;

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	rwlock_write_lock(&as->lock);
	for (vma = vma_tree_find(&as->vmas, addr); vma; vma = next) {
		next = vma_next(vma);
		if (vma->start < addr || !belongs(vma, addr) || (pages && vma->object != pages))
			continue;
		if (!pages) {
			pages = vma->object;
			vm_object_get(pages);
		} else if (vma->end - addr > pages->size) {
			break;
		}
		address_space_unmap_locked(as, vma->start, vma->end);
	}
	rwlock_write_unlock(&as->lock);
	if (!pages)
		return -EINVAL;
	vm_object_put(pages);
	return 0;
}

/* ---- shmctl ---- */

static long tell_limits(uaddr_t to)
{
	const struct shminfo64 limits = { .shmmax = SHMMAX, .shmmin = SHMMIN, .shmmni = SHMMNI, .shmseg = SHMMNI, .shmall = SHMALL };

	return copy_to_user(to, &limits, sizeof(limits)) ? -EFAULT : sysv_highest(&segments);
}

static long tell_usage(uaddr_t to)
{
	struct shm_info usage;
	struct sysv_object *object;
	unsigned index = 0;

	memset(&usage, 0, sizeof(usage));
	usage.used_ids = atomic_load(&segments.used);
	usage.shm_tot = atomic_load(&all_pages);
	for (; (object = sysv_next(&segments, index)); sysv_put(object)) {
		usage.shm_rss += atomic_load(&((struct segment *)object)->pages.page_count);
		index = sysv_index(object) + 1;
	}
	return copy_to_user(to, &usage, sizeof(usage)) ? -EFAULT : sysv_highest(&segments);
}

/* Pages of segments stay in memory anyway: that is only written down. */
static long change_lock(int id, bool locked)
{
	struct sysv_object *object = sysv_find(&segments, id, SYSV_OWNER);
	int error = sysv_error_of(object);

	if (error)
		return error;
	if (locked && !capabilities_may_administer()) {
		uint64_t limit = process_limit(RLIMIT_MEMLOCK);

		error = !limit ? -EPERM : object->size > limit ? -ENOMEM : 0;
	}
	if (!error)
		sysv_change_mode(object, SHM_LOCKED, locked ? SHM_LOCKED : 0);
	sysv_put(object);
	return error;
}

long sys_shmctl(int id, int command, uaddr_t buf)
{
	bool changes = command == IPC_RMID || command == IPC_SET || command == SHM_LOCK || command == SHM_UNLOCK;

	if (!sysv_allowed(changes ? CAPABILITY_IPC_CREATE : CAPABILITY_IPC_RECV))
		return -EPERM;
	if (id < 0)
		return -EINVAL;
	switch (command) {
	case IPC_INFO: return tell_limits(buf);
	case SHM_INFO: return tell_usage(buf);
	case IPC_STAT: return sysv_tell(&segments, id, 0444, buf);
	case SHM_STAT: return sysv_tell(&segments, id, 0444 | SYSV_BY_INDEX, buf);
	case SHM_STAT_ANY: return sysv_tell(&segments, id, SYSV_BY_INDEX, buf);
	case IPC_SET: case IPC_RMID: return sysv_control(&segments, id, command, buf);
	case SHM_LOCK: case SHM_UNLOCK: return change_lock(id, command == SHM_LOCK);
	default: return -EINVAL;
	}
}

int sysv_show_shm(struct proc_text *text, const struct proc_subject *subject)
{
	return sysv_show(&segments, text);
}
