/* SPDX-License-Identifier: MIT */
/* Control messages: descriptors and credentials, as sendmsg and recvmsg have them in memory. */
#include "ipc/ipc.h"
#include "lib/errno.h"
#include "lib/same_layout.h"
#include "lib/string.h"
#include "mm/user_copy.h"
#include "net/unix.h"
#include "process/process.h"
#include "security/capabilities.h"
#include "vfs/fd_table.h"
#include "raeen/handles.h"
#include <asm/socket.h>
#include <linux/fcntl.h>

enum { CONTROL_RIGHTS = 1, CONTROL_CREDENTIALS = 2, OVERFLOW_ID = 65534 };

/* struct cmsghdr, which the C library has. */
struct control { uint64_t size; int level, type; };
FIELD_AT(struct control, size, 0, 8);
FIELD_AT(struct control, level, 8, 4);
FIELD_AT(struct control, type, 12, 4);
/* struct ucred */
_Static_assert(sizeof(struct unix_credentials) == 12, "as C libraries have it");
FIELD_AT(struct unix_credentials, pid, 0, 4);
FIELD_AT(struct unix_credentials, uid, 4, 4);
FIELD_AT(struct unix_credentials, gid, 8, 4);

static size_t padded(size_t size)
{
	return ROUND_UP(size, sizeof(uint64_t));
}

/* ---- Sending ---- */

static int add_files(struct unix_rights *rights, const char *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct file *file;
		int fd;

		memcpy(&fd, fds + i * sizeof(fd), sizeof(fd));
		file = fd_get(fd);
		if (!file)
			return -EBADF;
		rights->files[rights->count++] = file;
		rights->sockets += unix_is(file);
		/* It would keep what lies in its port's queue alive without being reached itself. */
		if (port_is_received_by(file))
			return -EINVAL;
	}
	return 0;
}

static int read_rights(const char *data, size_t size, unsigned most, struct unix_message *message)
{
	unsigned count = size / sizeof(int);

	if (!count)
		return 0;
	if (count > UNIX_RIGHTS_MAX || (message->rights && message->rights->count + count > UNIX_RIGHTS_MAX))
		return -EINVAL;
	if (!message->rights)
		message->rights = unix_rights_create(MIN(most, (unsigned)UNIX_RIGHTS_MAX));
	return message->rights ? add_files(message->rights, data, count) : -ENOMEM;
}

/* Who is root may say what it likes; others that they are one of what they are. */
static int read_credentials(const char *data, size_t size, struct unix_message *message)
{
	const struct credentials *own = credentials_current();
	struct unix_credentials said;
	struct process *process;
	bool root = capabilities_may_administer();

	if (size != sizeof(said))
		return -EINVAL;
	memcpy(&said, data, sizeof(said));
	if (!root && (said.pid != current_process()->pid || (said.uid != own->uid && said.uid != own->euid && said.uid != own->suid) ||
		      (said.gid != own->gid && said.gid != own->egid && said.gid != own->sgid)))
		return -EPERM;
	process = process_find(said.pid);
	if (!process)
		return -ESRCH;
	process_put(process);
	if (said.uid == UINT32_MAX || said.gid == UINT32_MAX)
		return -EINVAL;
	message->credentials = said;
	message->has_credentials = true;
	return 0;
}

int unix_read_control(const char *control, size_t size, struct unix_message *message)
{
	struct control head;
	int error = 0;

	for (size_t at = 0; !error && size - at >= sizeof(head); at += MIN(padded(head.size), size - at)) {
		const char *data = control + at + sizeof(head);

		memcpy(&head, control + at, sizeof(head));
		if (head.size < sizeof(head) || head.size > size - at)
			return -EINVAL;
		if (head.level != SOL_SOCKET)
			continue;
		if (head.type == CONTROL_RIGHTS)
			error = read_rights(data, head.size - sizeof(head), size / sizeof(int), message);
		else if (head.type == CONTROL_CREDENTIALS)
			error = read_credentials(data, head.size - sizeof(head), message);
		else
			error = -EINVAL;
	}
	if (!error && message->rights)
		error = unix_rights_charge(message->rights);
	return error;
}

/* ---- Receiving ---- */

struct place {
	uaddr_t at;
	size_t left;
};

static int put_head(const struct place *place, size_t size, int type)
{
	struct control head = { size, SOL_SOCKET, type };

	return copy_to_user(place->at, &head, sizeof(head));
}

static void advance(struct place *place, size_t size)
{
	size = MIN(padded(size), place->left);
	place->at += size;
	place->left -= size;
}

static void put_credentials(struct place *place, struct unix_message *message)
{
	struct unix_credentials credentials = message->has_credentials ? message->credentials : (struct unix_credentials){ 0, OVERFLOW_ID, OVERFLOW_ID };
	size_t size = sizeof(struct control) + sizeof(credentials);

	if (place->left < size)
		message->flags |= MESSAGE_CTRUNC;
	if (place->left < sizeof(struct control))
		return;
	size = MIN(size, place->left);
	if (put_head(place, size, CONTROL_CREDENTIALS) || copy_to_user(place->at + sizeof(struct control), &credentials, size - sizeof(struct control)))
		return;
	advance(place, size);
}

/* Native handles are closed on exec and fork unless they are asked to be not. */
static int install(struct file *file, uaddr_t number_at, unsigned flags)
{
	int fd, error = fd_reserve_many(1, &fd, file->ops->info ? FD_CLOEXEC | FD_CLOFORK : flags);

	if (error)
		return error;
	if (put_user_u32(number_at, fd)) {
		fd_unreserve(fd);
		return -EFAULT;
	}
	file_get(file);
	fd_fill(fd, file);
	return 0;
}

static void put_rights(struct place *place, struct unix_message *message)
{
	const struct unix_rights *rights = message->rights;
	unsigned room = place->left > sizeof(struct control) ? (place->left - sizeof(struct control)) / sizeof(int) : 0, done = 0;
	unsigned flags = message->flags & MESSAGE_CLOEXEC ? FD_CLOEXEC : 0;
	uaddr_t numbers = place->at + sizeof(struct control);

	while (done < MIN(room, rights->count) && !install(rights->files[done], numbers + done * sizeof(int), flags))
		done++;
	if (done < rights->count)
		message->flags |= MESSAGE_CTRUNC;
	if (!done || put_head(place, sizeof(struct control) + done * sizeof(int), CONTROL_RIGHTS))
		return;
	advance(place, sizeof(struct control) + done * sizeof(int));
}

size_t unix_put_control(uaddr_t control, size_t size, bool tells_credentials, struct unix_message *message)
{
	struct place place = { control, control ? size : 0 };

	if (tells_credentials)
		put_credentials(&place, message);
	if (message->rights)
		put_rights(&place, message);
	return control ? size - place.left : 0;
}
