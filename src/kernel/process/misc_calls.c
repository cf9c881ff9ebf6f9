/* SPDX-License-Identifier: MIT */
/* Calls about the system as a whole: its name, its figures, its log, random bytes, and its end. */
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>

#include "drivers/power/power.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/mm.h"
#include "mm/user_copy.h"
#include "process/internal.h"
#include "process/system_name.h"
#include "sched/clock.h"
#include "security/random.h"
#include "syscall_prototypes.h"
#include "vfs/mount.h"

static struct spinlock name_lock = SPINLOCK_INIT(LOCK_HOST_NAME);
static char names[2][__NEW_UTS_LEN + 1] = { [HOST_NAME] = "raeen", [DOMAIN_NAME] = "(none)" };	/* name_lock */

void given_name_get(enum given_name which, char *buf)
{
	spin_lock(&name_lock);
	memcpy(buf, names[which], sizeof(names[which]));
	spin_unlock(&name_lock);
}

void given_name_set(enum given_name which, const char *name, size_t len)
{
	spin_lock(&name_lock);
	memset(names[which], 0, sizeof(names[which]));
	memcpy(names[which], name, len);
	spin_unlock(&name_lock);
}

long sys_uname(uaddr_t out)
{
	struct new_utsname name = {
		.sysname = SYSTEM_NAME, .release = SYSTEM_RELEASE, .version = SYSTEM_VERSION, .machine = "x86_64",
	};

	given_name_get(HOST_NAME, name.nodename);
	given_name_get(DOMAIN_NAME, name.domainname);
	return copy_to_user(out, &name, sizeof(name));
}

static long set_name(enum given_name which, uaddr_t from, size_t len)
{
	char fresh[__NEW_UTS_LEN];

	if (!credentials_is_root(credentials_current()))
		return -EPERM;
	if (len > __NEW_UTS_LEN)
		return -EINVAL;
	if (copy_from_user(fresh, from, len))
		return -EFAULT;
	given_name_set(which, fresh, len);
	return 0;
}

long sys_sethostname(uaddr_t name, size_t len)
{
	return set_name(HOST_NAME, name, len);
}

long sys_setdomainname(uaddr_t name, size_t len)
{
	return set_name(DOMAIN_NAME, name, len);
}

long sys_sysinfo(uaddr_t out)
{
	struct memory_stats memory;
	struct sched_stats sched;
	struct sysinfo info = { 0 };

	memory_get_stats(&memory);
	sched_get_stats(&sched);
	info.uptime = clock_monotonic_ns() / NS_PER_SEC;
	for (unsigned i = 0; i < 3; i++)
		info.loads[i] = sched.load[i] << (SI_LOAD_SHIFT - 11);	/* the scheduler has 11 fraction bits */
	info.totalram = memory.total;
	info.freeram = memory.free;
	info.sharedram = memory.shared;
	info.procs = MIN(process_count(), UINT16_MAX);
	info.mem_unit = PAGE_SIZE;
	return copy_to_user(out, &info, sizeof(info));
}

/* syslog(2) actions (its manual page). */
enum { LOG_CALL_CLOSE, LOG_CALL_OPEN, LOG_CALL_READ, LOG_CALL_READ_ALL, LOG_CALL_READ_CLEAR, LOG_CALL_CLEAR, LOG_CALL_CONSOLE_OFF,
       LOG_CALL_CONSOLE_ON, LOG_CALL_CONSOLE_LEVEL, LOG_CALL_UNREAD, LOG_CALL_SIZE };

enum { LOG_CHUNK = 512, LOG_POLL_MS = 100 };

static struct spinlock log_pos_lock = SPINLOCK_INIT(LOCK_LOG_POSITION);
static uint64_t read_pos, clear_pos;		/* log_pos_lock: next byte for READ, first byte for READ_ALL */

static uint64_t take_pos(uint64_t *pos)
{
	uint64_t value;

	spin_lock(&log_pos_lock);
	value = MAX(*pos, log_start_pos());
	spin_unlock(&log_pos_lock);
	return value;
}

static void set_pos(uint64_t *pos, uint64_t value)
{
	spin_lock(&log_pos_lock);
	*pos = value;
	spin_unlock(&log_pos_lock);
}

/* Copies log text from *@pos on. Bytes, or -EFAULT. */
static long copy_log(uint64_t *pos, uaddr_t to, size_t size)
{
	char *chunk = kmalloc(LOG_CHUNK);
	size_t done = 0, count;

	if (!chunk)
		return -ENOMEM;
	while (done < size && (count = log_read(pos, chunk, MIN(size - done, (size_t)LOG_CHUNK)))) {
		if (copy_to_user(to + done, chunk, count)) {
			kfree(chunk);
			return -EFAULT;
		}
		done += count;
	}
	kfree(chunk);
	return done;
}

/* New text, waiting for some. */
static long read_new(uaddr_t buf, int len)
{
	uint64_t pos;
	long count;

	while ((pos = take_pos(&read_pos)) >= log_end_pos()) {
		int error = sched_sleep_until(clock_monotonic_ns() + LOG_POLL_MS * NS_PER_MS, true);

		if (error)
			return error;
	}
	count = copy_log(&pos, buf, len);
	if (count > 0)
		set_pos(&read_pos, pos);
	return count;
}

/* The last @len bytes since the log was cleared. */
static long read_all(uaddr_t buf, int len, bool clear)
{
	uint64_t end = log_end_pos(), pos = take_pos(&clear_pos);
	long count;

	if (end - pos > (uint64_t)len)
		pos = end - len;
	count = copy_log(&pos, buf, MIN((uint64_t)len, end - pos));
	if (clear && count >= 0)
		set_pos(&clear_pos, end);
	return count;
}

long sys_syslog(int type, uaddr_t buf, int len)
{
	static const unsigned levels[] = { LOG_ERROR, LOG_INFO };

	/* The log tells addresses and what others do: it is root's, as with Linux's dmesg_restrict. */
	if (!credentials_is_root(credentials_current()))
		return -EPERM;
	switch (type) {
	case LOG_CALL_CLOSE:
	case LOG_CALL_OPEN:
		return 0;
	case LOG_CALL_READ:
	case LOG_CALL_READ_ALL:
	case LOG_CALL_READ_CLEAR:
		if (!buf || len < 0)
			return -EINVAL;
		if (!len)
			return 0;
		return type == LOG_CALL_READ ? read_new(buf, len) : read_all(buf, len, type == LOG_CALL_READ_CLEAR);
	case LOG_CALL_CLEAR:
		set_pos(&clear_pos, log_end_pos());
		return 0;
	case LOG_CALL_CONSOLE_OFF:
	case LOG_CALL_CONSOLE_ON:
		log_set_console_level(levels[type - LOG_CALL_CONSOLE_OFF]);
		return 0;
	case LOG_CALL_CONSOLE_LEVEL:
		if (len < 1 || len > 8)
			return -EINVAL;
		log_set_console_level(len - 1);	/* the call names the first level that is not shown */
		return 0;
	case LOG_CALL_UNREAD:
		return log_end_pos() - take_pos(&read_pos);
	case LOG_CALL_SIZE:
		return log_end_pos() - log_start_pos();
	default:
		return -EINVAL;
	}
}

long sys_getrandom(uaddr_t buf, size_t len, unsigned flags)
{
	uint8_t chunk[256];
	size_t done = 0;

	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	len = MIN(len, (size_t)INT32_MAX);
	while (done < len) {
		size_t count = MIN(len - done, sizeof(chunk));

		random_bytes(chunk, count);
		if (copy_to_user(buf + done, chunk, count)) {
			done = done ? done : (size_t)-EFAULT;
			break;
		}
		done += count;
		/* A long read can be cut short by a signal, but the first 256 bytes always come whole. */
		if (done < len && signal_pending())
			break;
	}
	memset(chunk, 0, sizeof(chunk));
	return done;
}

static bool magic_ok(unsigned magic1, unsigned magic2)
{
	return magic1 == LINUX_REBOOT_MAGIC1 && (magic2 == LINUX_REBOOT_MAGIC2 || magic2 == LINUX_REBOOT_MAGIC2A ||
						 magic2 == LINUX_REBOOT_MAGIC2B || magic2 == LINUX_REBOOT_MAGIC2C);
}

long sys_reboot(unsigned magic1, unsigned magic2, unsigned command, uaddr_t argument)
{
	if (!credentials_is_root(credentials_current()))
		return -EPERM;
	if (!magic_ok(magic1, magic2))
		return -EINVAL;
	switch (command) {
	case LINUX_REBOOT_CMD_RESTART:
	case LINUX_REBOOT_CMD_RESTART2:
		vfs_sync_at_end();
		power_reboot();
		break;
	case LINUX_REBOOT_CMD_HALT:
		vfs_sync_at_end();
		power_halt();
		break;
	case LINUX_REBOOT_CMD_POWER_OFF:
		vfs_sync_at_end();
		power_off();
		break;
	case LINUX_REBOOT_CMD_CAD_OFF:
		return 0;	/* Ctrl-Alt-Del never reboots by itself */
	}
	return -EINVAL;
}
