/* SPDX-License-Identifier: MIT */
/*
 * Choosing the keyboard layout: `keymap=NAME` on the kernel command line, and /dev/keymap. Reading that gives the names, the one in use in
 * brackets; a name written to it (a newline may follow) comes into use at once, another one is refused with EINVAL.
 */
#include "drivers/ps2/keymap.h"
#include "drivers/ps2/ps2_state.h"
#include "init/boot_info.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/printf.h"
#include "vfs/file.h"

/* Linux leaves the minors 240 to 254 of the miscellaneous devices to whoever wants one (admin-guide/devices). */
enum { MISC_MAJOR = 10, KEYMAP_MINOR = 240, NAME_MAX = 16, LIST_MAX = 64 };

static size_t list_names(char *out, const struct keymap *current)
{
	size_t len = 0;

	for (unsigned i = 0; i < keymap_count; i++) {
		bool used = keymaps[i] == current;

		len += snprintf(out + len, LIST_MAX - 1 - len, "%s%s%s%s", i ? " " : "", used ? "[" : "", keymaps[i]->name, used ? "]" : "");
	}
	return len;
}

static ssize_t keymap_read(struct file *file, struct uio *uio, uint64_t *pos)
{
	char text[LIST_MAX];
	size_t len = list_names(text, keyboard_keymap());

	text[len++] = '\n';
	if (*pos >= len || !uio->left)
		return 0;
	size_t done = uio_write_to(uio, text + *pos, MIN(uio->left, len - *pos));

	*pos += done;
	return done ? (ssize_t)done : -EFAULT;
}

static ssize_t keymap_write(struct file *file, struct uio *uio, uint64_t *pos)
{
	size_t len = uio->left;
	char name[NAME_MAX];

	if (len >= sizeof(name))
		return -EINVAL;
	if (uio_read_from(uio, name, len) < len)
		return -EFAULT;
	if (len && name[len - 1] == '\n')
		name[len - 1] = 0;
	else
		name[len] = 0;
	const struct keymap *map = keymap_find(name);

	if (!map)
		return -EINVAL;
	keyboard_set_keymap(map);
	return len;
}

static const struct file_ops keymap_ops = { .read = keymap_read, .write = keymap_write };
static struct char_device keymap_device = {
	.major = MISC_MAJOR, .minor = KEYMAP_MINOR, .minor_count = 1, .name = "keymap", .mode = 0644, .ops = &keymap_ops,
};

void keymap_init(void)
{
	char name[NAME_MAX] = "", names[LIST_MAX];

	if (command_line_get("keymap", name, sizeof(name))) {
		const struct keymap *map = keymap_find(name);

		list_names(names, NULL);
		if (map) {
			keyboard_set_keymap(map);
			log_info("ps2: keyboard layout %s", map->name);
		} else {
			log_warning("ps2: keymap=%s: expected one of %s; it stays %s", name, names, keyboard_keymap()->name);
		}
	}
	if (char_device_register(&keymap_device))
		log_error("ps2: cannot register /dev/keymap");
}
