/* SPDX-License-Identifier: MIT */
/* AF_UNIX sockets: their lives, ends and files. */
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/net.h"
#include "net/unix.h"
#include "process/process.h"
#include "vfs/file_life.h"
#include <asm/socket.h>
#include <linux/stat.h>

static struct slab_cache *socket_slab;
static uint64_t last_number;		/* atomic */

void net_init(void)
{
	socket_slab = slab_cache_create("unix_socket", sizeof(struct unix_socket), 64);
	unix_space_init();
}

uint64_t net_socket_number(void)
{
	return atomic_add(&last_number, 1);
}

struct unix_credentials unix_own_credentials(void)
{
	const struct credentials *credentials = credentials_current();

	return (struct unix_credentials){ current_process() ? current_process()->pid : 0, credentials->uid, credentials->gid };
}

void unix_set_peer_credentials(struct unix_socket *socket, const struct credentials *credentials, int pid)
{
	const struct credentials *old;

	if (credentials)
		credentials_get(credentials);
	mutex_lock(&socket->lock);
	old = socket->peer_credentials;
	socket->peer_credentials = credentials;
	socket->peer_pid = pid;
	mutex_unlock(&socket->lock);
	if (old)
		credentials_put(old);
}

void unix_set_own_credentials(struct unix_socket *socket)
{
	unix_set_peer_credentials(socket, credentials_current(), current_process()->pid);
}

struct unix_socket *unix_create(int type)
{
	struct unix_socket *socket = slab_zalloc(socket_slab);

	if (!socket)
		return NULL;
	if (!unix_space_begin(socket)) {
		slab_free(socket_slab, socket);
		return NULL;
	}
	mutex_init(&socket->lock, LOCK_UNIX_SOCKET);
	socket->end = &socket->first;
	wait_queue_init(&socket->readers);
	wait_queue_init(&socket->writers);
	wait_queue_init(&socket->senders);
	socket->type = type;
	if (type & UNIX_NETLINK) {
		socket->type = TYPE_DATAGRAM;
		socket->state = type;
		socket->netlink.nl_family = FAMILY_NETLINK;
	} else {
		socket->last_waiting = &socket->first_waiting;
	}
	socket->backlog = UNIX_DATAGRAMS_MAX;
	refcount_init(&socket->refs, 1);
	socket->number = net_socket_number();
	list_init(&socket->chained);
	socket->send_limit = socket->receive_limit = UNIX_BUFFER_DEFAULT;
	socket->low_water = 1;
	socket->linger = -1;
	socket->peek_at = -1;
	socket->send_timeout = socket->receive_timeout = WAIT_FOREVER;
	unix_list_add(socket);
	return socket;
}

void unix_put(struct unix_socket *socket)
{
	if (!refcount_put(&socket->refs))
		return;
	KASSERT(!socket->first && !socket->in_flight && list_empty(&socket->chained));
	unix_list_remove(socket);
	if (socket->name)
		unix_name_put(socket->name);
	if (socket->peer_credentials)
		credentials_put(socket->peer_credentials);
	unix_space_end(socket);
	slab_free(socket_slab, socket);
}

int unix_take_error(struct unix_socket *socket)
{
	return likely(!atomic_load_relaxed(&socket->error)) ? 0 : -atomic_exchange(&socket->error, 0);
}

/* What both sides look at has changed. */
static void wake_everybody(struct unix_socket *socket)
{
	wake_all(&socket->readers);
	wake_all(&socket->writers);
	wake_all(&socket->senders);
}

static void shut(struct unix_socket *socket, unsigned what, int error)
{
	mutex_lock(&socket->lock);
	atomic_store(&socket->shut, (uint8_t)(socket->shut | what));
	if (error)
		atomic_store(&socket->error, error);
	mutex_unlock(&socket->lock);
	wake_everybody(socket);
}

int unix_shutdown(struct unix_socket *socket, int how)
{
	struct unix_socket *peer;
	unsigned what = how + 1;

	if (how < 0 || how > 2)
		return -EINVAL;
	shut(socket, what, 0);
	peer = socket->type == TYPE_DATAGRAM ? NULL : atomic_load(&socket->peer);
	/* What one does not read the other shall not write. */
	if (peer)
		shut(peer, (what & UNIX_SHUT_READ ? UNIX_SHUT_WRITE : 0) | (what & UNIX_SHUT_WRITE ? UNIX_SHUT_READ : 0), 0);
	return 0;
}

void unix_close(struct unix_socket *socket, bool embryo)
{
	struct unix_packet *packets;
	struct unix_socket *waiting;

	unix_name_drop(socket);
	mutex_lock(&socket->lock);
	packets = unix_remove_all(socket);
	waiting = socket->first_waiting;
	socket->first_waiting = NULL;
	socket->last_waiting = &socket->first_waiting;
	socket->closed = true;
	atomic_store(&socket->shut, UNIX_SHUT_BOTH);
	mutex_unlock(&socket->lock);
	wake_everybody(socket);
	if (socket->type == TYPE_DATAGRAM)
		unix_datagram_let_go(socket);
	else if (socket->peer)
		shut(socket->peer, UNIX_SHUT_BOTH, (packets && (packets->total || packets->next)) || embryo ? ECONNRESET : 0);
	unix_packets_free(packets);
	while (waiting) {
		struct unix_socket *next = waiting->next_waiting;

		unix_close(waiting, true);
		unix_put(waiting);
		waiting = next;
	}
	if (socket->type != TYPE_DATAGRAM && socket->peer)
		unix_put(socket->peer);
}

/* ---- The file ---- */

/* It is there so that before_put is asked when descriptors are closed. */
static void flush(struct file *file)
{
}

static void release(struct file *file)
{
	struct unix_socket *socket = file->private;

	unix_close(socket, false);
	unix_put(socket);
}

static void describe(struct file *file, char *buf, size_t size)
{
	snprintf(buf, size, "socket:[%lu]", ((const struct unix_socket *)file->private)->number);
}

static int getattr(struct file *file, struct fs_attr *attr)
{
	const struct unix_socket *socket = file->private;

	attr->mode = S_IFSOCK | 0777;
	attr->node.id = socket->number;
	attr->uid = socket->uid;
	attr->gid = socket->gid;
	return 0;
}

static ssize_t transfer(struct file *file, struct uio *uio, bool write)
{
	struct unix_socket *socket = file->private;
	struct unix_message message = { .uio = uio, .flags = file->flags & O_NONBLOCK ? MESSAGE_DONTWAIT : 0 };
	ssize_t done;

	if (write)
		return unix_send(socket, &message);
	if (!uio->left)
		return 0;
	done = unix_receive(socket, &message);
	if (message.rights)
		unix_rights_discard(message.rights);
	return done;
}

static ssize_t read(struct file *file, struct uio *uio, uint64_t *pos)
{
	return transfer(file, uio, false);
}

static ssize_t write(struct file *file, struct uio *uio, uint64_t *pos)
{
	return transfer(file, uio, true);
}

const struct file_ops unix_file_ops = { .read = read, .write = write, .read_user = unix_read_user, .write_user = unix_write_user, .poll = unix_poll,
					.ioctl = unix_ioctl, .flush = flush, .release = release, .describe = describe, .getattr = getattr,
					.before_put = unix_before_put };

bool unix_is_socket(const struct file *file)
{
	return unix_is(file);
}

ssize_t unix_send(struct unix_socket *socket, struct unix_message *message)
{
	if (unix_is_netlink(socket))
		return netlink_send(socket, message);
	return socket->type == TYPE_STREAM ? unix_stream_send(socket, message) : unix_datagram_send(socket, message);
}

int unix_open(struct unix_socket *socket, uint32_t flags, struct file **file)
{
	const struct credentials *credentials = credentials_current();

	socket->uid = credentials->fsuid;
	socket->gid = credentials->fsgid;
	*file = file_create(&unix_file_ops, O_RDWR | (flags & O_NONBLOCK), socket);
	if (!*file) {
		unix_close(socket, true);
		unix_put(socket);
		return -ENFILE;
	}
	socket->file = *file;
	return 0;
}
