/* SPDX-License-Identifier: MIT */
/*
 * The ext2 library and other people's images: what mke2fs, genext2fs and debugfs make is read and compared with the files it was made of, changed, and found
 * sound by e2fsck -fn and debugfs; features, orphans, attributes, indexes, and disks that are full.
 */
/* LINK: fs/ext2/super.c fs/ext2/transaction.c fs/ext2/buffers.c fs/ext2/groups.c fs/ext2/block_alloc.c fs/ext2/inode_alloc.c fs/ext2/inode.c fs/ext2/map.c */
/* LINK: fs/ext2/truncate.c fs/ext2/directory.c fs/ext2/directory_change.c fs/ext2/orphan.c fs/ext2/ops.c fs/ext2/create.c fs/ext2/remove.c */
/* LINK: fs/ext2/rename.c fs/ext2/kept.c fs/ext2/grow.c fs/ext2/check/store.c fs/ext2/check/disk_log.c fs/ext2/check/image.c fs/ext2/check/session.c */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/session.h"
#include "lib/check.h"

static const char *const folder_maker =
	"cd %s && rm -rf tree && mkdir -p tree/dir/deep/deeper tree/many tree/empty && cd tree && echo hello > small && : > nothing && "
	"seq 60000 > medium && seq 300000 > large && ln small hard && ln small dir/hard2 && ln -s small fast && ln -s \"$(printf '%%0200d' 7)\" slow && "
	"ln -s \"$(printf '%%059d' 1)\" edge59 && ln -s \"$(printf '%%060d' 1)\" edge60 && mkfifo fifo && : > \"$(printf '%%0255d' 3)\" && "
	"for i in $(seq 500); do : > \"many/file-with-a-rather-long-name-$i\"; done && printf start > sparse && "
	"printf end | dd of=sparse bs=1 seek=9000000 conv=notrunc status=none";

/* The file's bytes as its map tells. */
static bool same_content(struct session *session, struct ext2_node node, uint64_t size, const char *path)
{
	uint32_t block_size = session->store.io.block_size;
	size_t len;
	uint8_t *bytes = load_file(path, &len), zeroes[4096] = { 0 };
	bool same = len == size;

	for (uint64_t at = 0; same && at < size;) {
		struct ext2_extent extents[8];
		int count = session_map(session, node, at / block_size, (size - at + block_size - 1) / block_size, extents, 8);

		same = count > 0;
		for (int i = 0; same && i < count; i++) {
			for (uint32_t b = 0; same && b < extents[i].count; b++, at += block_size) {
				const uint8_t *data = extents[i].block ? session->store.disk + (size_t)(extents[i].block + b) * block_size : zeroes;

				same = at >= size || memcmp(bytes + at, data, size - at < block_size ? size - at : block_size) == 0;
			}
		}
	}
	free(bytes);
	return same;
}

static void compare_file(struct session *session, const struct ext2_attr *attr, const char *path, const struct stat *info)
{
	char target[4096], expected[4096];
	struct ext2_txn *txn;
	int len;

	CHECK(attr->mode == info->st_mode && attr->uid == info->st_uid, "%s: mode 0%o, expected 0%o", path, attr->mode, info->st_mode);
	if (S_ISREG(attr->mode))
		CHECK(same_content(session, attr->node, attr->size, path), "%s", path);
	if (!S_ISLNK(attr->mode))
		return;
	txn = ext2_begin(session->fs, false);
	len = ext2_readlink(txn, attr->node, target, sizeof(target));
	ext2_abort(txn);
	CHECK(len == readlink(path, expected, sizeof(expected)) && memcmp(target, expected, len) == 0, "%s", path);
}

/* Each file of the folder is in the image. Returns their number. */
static unsigned compare_folder(struct session *session, struct ext2_node dir, const char *path, bool fifos)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	unsigned count = 0;

	while ((entry = readdir(folder))) {
		char child[4096 + 257];
		struct ext2_attr attr;
		struct stat info;
		int error;

		snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || lstat(child, &info) || (S_ISFIFO(info.st_mode) && !fifos))
			continue;
		error = session_lookup(session, dir, entry->d_name, &attr);
		CHECK(!error, "%s: %s", child, strerror(-error));
		if (error)
			continue;
		count++;
		compare_file(session, &attr, child, &info);
		if (S_ISDIR(info.st_mode))
			count += compare_folder(session, attr.node, child, fifos);
	}
	closedir(folder);
	return count;
}

/* Names in a directory, as they are listed. */
static unsigned list(struct session *session, struct ext2_node dir)
{
	struct ext2_dirent entries[16];
	uint64_t cookie = 0;
	unsigned sum = 0;
	int count;

	do {
		struct ext2_txn *txn = ext2_begin(session->fs, false);

		count = ext2_readdir(txn, dir, cookie, entries, 16);
		ext2_abort(txn);
		CHECK(count >= 0, "readdir: %d", count);
		sum += count > 0 ? count : 0;
		if (count > 0)
			cookie = entries[count - 1].next;
	} while (count > 0);
	return sum;
}

static void check_sound(struct session *session, const char *what)
{
	uint8_t *image;
	int status;

	CHECK(session_sync(session, true) == 0, "%s", what);
	image = store_image(&session->store);
	status = fsck("-fn", image, session->store.size, NULL);
	CHECK(!status, "%s: e2fsck -fn gives %d", what, status);
	if (status)
		shell("cat %s/check.log >&2", scratch_folder());
	free(image);
}

/* Changes in a populated image: everything below many goes, some is made, a file grows through all levels and shrinks. */
static void change(struct session *session, const char *what)
{
	struct ext2_attr many, attr, removed;
	char name[64];

	CHECK(!session_lookup(session, session->root, "many", &many), "%s", what);
	for (unsigned i = 1; i <= 500; i++) {
		snprintf(name, sizeof(name), "file-with-a-rather-long-name-%u", i);
		CHECK(!session_remove(session, many.node, name, 0, &removed), "%s: %s", what, name);
	}
	CHECK(list(session, many.node) == 0, "%s: many is not empty", what);
	CHECK(!session_remove(session, session->root, "many", EXT2_DIRECTORY, &removed), "%s: rmdir", what);
	CHECK(!session_remove(session, session->root, "large", 0, &removed), "%s: large", what);
	CHECK(!session_create(session, session->root, "made", S_IFDIR | 0755, &many), "%s: mkdir", what);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "new-file-%u", i);
		CHECK(!session_create(session, many.node, name, S_IFREG | 0644, &attr), "%s: %s", what, name);
	}
	CHECK(session_grow(session, attr.node, 0, 3000, 0) == 3000, "%s: a file of 3000 blocks", what);
	CHECK(!session_resize(session, attr.node, 5 * session->store.io.block_size + 1, &attr), "%s: truncate", what);
	CHECK(attr.blocks == 6u * session->store.io.block_size / 512, "%s: %llu sectors", what, (unsigned long long)attr.blocks);
	CHECK(list(session, many.node) == 300, "%s: names made", what);
}

static void try_populated(const char *command, const char *what, bool fifos)
{
	static struct session session;
	char path[128], source[128];
	size_t len;
	uint8_t *bytes;

	snprintf(path, sizeof(path), "%s/image", scratch_folder());
	snprintf(source, sizeof(source), "%s/tree", scratch_folder());
	CHECK(!shell("cd %s && rm -f image && (%s) > log 2>&1", scratch_folder(), command), "%s", command);
	bytes = load_file(path, &len);
	CHECK(!session_open(&session, bytes, len, EXT2_READ_ONLY), "%s: mount", what);
	CHECK(compare_folder(&session, session.root, source, fifos) > 500, "%s: few files", what);
	session_close(&session);
	bytes = load_file(path, &len);
	CHECK(!session_open(&session, bytes, len, 0), "%s: mount to write", what);
	change(&session, what);
	check_sound(&session, what);
	session_close(&session);
}

static void test_populated(void)
{
	static const char *const sizes[] = { "1024", "2048", "4096" };
	static const struct { const char *name, *command; bool fifos; } kinds[] = {
		{ "genext2fs", "genext2fs -B %s -b $((25165824 / %s)) -N 2000 -d tree image", false },
		{ "mke2fs", "mke2fs -q -F -t ext2 -b %s -d tree image 24m; test %s", true },
		{ "revision 0", "mke2fs -q -F -t ext2 -r 0 -O none -b %s -d tree image 24m; test %s", true },
		{ "index", "mke2fs -q -F -t ext2 -O dir_index,^filetype,large_file -b %s -d tree image 24m && e2fsck -fyD image; "
			   "test $? -le 1; test %s", true },
		{ "large inodes", "mke2fs -q -F -t ext2 -I 512 -O ^resize_inode,^sparse_super -b %s -d tree image 24m; test %s", true },
	};

	shell(folder_maker, scratch_folder());
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			char command[256], what[64];

			snprintf(command, sizeof(command), kinds[k].command, sizes[i], sizes[i]);
			snprintf(what, sizeof(what), "%s, %s", kinds[k].name, sizes[i]);
			try_populated(command, what, kinds[k].fifos);
		}
	}
}

/* A directory whose index is kept although it is changed would have names in no place of the index: e2fsck -fn finds them. */
static void test_index(void)
{
	static struct session session;
	struct ext2_attr many, attr;
	char path[128], name[64];
	size_t len;
	uint8_t *bytes;

	CHECK(!shell("cd %s && rm -f image && mke2fs -q -F -t ext2 -O dir_index -b 1024 -d tree image 24m > log && { e2fsck -fyD image > log 2>&1; "
		     "debugfs -R 'stat many' image 2> /dev/null | grep -q 'Flags: 0x1000'; }", scratch_folder()), "many has no index");
	snprintf(path, sizeof(path), "%s/image", scratch_folder());
	bytes = load_file(path, &len);
	CHECK(!session_open(&session, bytes, len, 0), "mount");
	CHECK(!session_lookup(&session, session.root, "many", &many), "many");
	for (unsigned i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "another-%u", i);
		CHECK(!session_create(&session, many.node, name, S_IFREG | 0644, &attr), "%s", name);
	}
	check_sound(&session, "index");
	session_close(&session);
}

/* What names blocks of the file system itself is broken, and frees none of them. */
static void test_system_blocks(void)
{
	static struct session session;
	struct ext2_attr removed;
	char path[128];
	size_t len;
	uint8_t *bytes = make_image("-b 1024 -I 128", 2048, &len);

	snprintf(path, sizeof(path), "%s/image", scratch_folder());
	save_file(path, bytes, len);
	free(bytes);
	CHECK(!shell("cd %s && echo x > x && debugfs -w -R 'write x x' image > log 2>&1 && "
		     "table=$(dumpe2fs image 2> /dev/null | sed -n 's/.*Inode table at \\([0-9]*\\)-.*/\\1/p') && "
		     "debugfs -w -R \"sif x block[0] $table\" image >> log 2>&1 && "
		     "debugfs -R 'blocks x' image 2> /dev/null | grep -qx \"$table \"", scratch_folder()), "debugfs");
	bytes = load_file(path, &len);
	CHECK(!session_open(&session, bytes, len, 0), "mount");
	CHECK(session_remove(&session, session.root, "x", 0, &removed) == -EUCLEAN, "blocks of inodes are freed");
	session_close(&session);
}

static void test_features(void)
{
	static const struct { const char *options; int error; const char *log; } images[] = {
		{ "-O extents", -EOPNOTSUPP, "cannot mount, unknown features: extents" },
		{ "-O extents,64bit,meta_bg,^resize_inode", -EOPNOTSUPP, "cannot mount, unknown features: meta_bg extents 64bit" },
		{ "-O flex_bg", -EOPNOTSUPP, "cannot mount, unknown features: flex_bg" },
		{ "-O inline_data -I 256", -EOPNOTSUPP, "cannot mount, unknown features: inline_data" },
		{ "-O huge_file,dir_nlink", 0, "read-only, because of unknown features: huge_file dir_nlink" },
		{ "-O metadata_csum", 0, "read-only, because of unknown features: metadata_csum" },
		{ "-O has_journal", 0, "" },
	};

	for (unsigned i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		static struct session session;
		struct ext2_attr attr;
		size_t len;
		uint8_t *bytes = make_image(images[i].options, 4096, &len);
		int error = session_open(&session, bytes, len, 0);

		CHECK(error == images[i].error, "%s: %d", images[i].options, error);
		CHECK(strcmp(session.store.last_log, images[i].log) == 0, "%s: %s", images[i].options, session.store.last_log);
		if (!error && images[i].log[0])
			CHECK(ext2_is_read_only(session.fs) && session_create(&session, session.root, "x", S_IFREG, &attr) == -EROFS, "%s",
			      images[i].options);
		session_close(&session);
	}
}

/* Everything that can be had of a small disk, by files, directories and blocks, comes back. */
static void test_full(const char *options, unsigned kib)
{
	static struct session session;
	struct ext2_statfs before, full, after;
	struct ext2_attr attr, removed;
	unsigned made = 0, blocks;
	char name[32];
	size_t len;
	uint8_t *bytes = make_image(options, kib, &len);
	int error = 0;

	CHECK(!session_open(&session, bytes, len, 0), "%s", options);
	session_statfs(&session, &before);
	CHECK(!session_create(&session, session.root, "big", S_IFREG | 0600, &attr), "%s", options);
	blocks = session_grow(&session, attr.node, 0, 1 << 20, EXT2_GROW_PRIVILEGED);
	session_statfs(&session, &full);
	CHECK(full.blocks_free <= 1, "%s: %u blocks are free on a full disk", options, full.blocks_free);
	CHECK(blocks > before.blocks_free * 9 / 10, "%s: %u blocks of %u", options, blocks, before.blocks_free);
	CHECK(!session_resize(&session, attr.node, (uint64_t)(blocks / 2) * session.store.io.block_size, &attr), "%s: half", options);
	CHECK(session_grow(&session, attr.node, blocks / 2, 5, 0) == 5, "%s: a little more", options);
	for (; !error; made++) {
		snprintf(name, sizeof(name), "%s-%u", made % 3 ? "file" : "directory", made);
		error = session_create(&session, session.root, name, made % 3 ? S_IFREG | 0644 : S_IFDIR | 0755, &removed);
	}
	CHECK(error == -ENOSPC, "%s: %s", options, strerror(-error));
	session_statfs(&session, &full);
	CHECK(!full.inodes_free || !full.blocks_free, "%s: %u inodes, %u blocks are free", options, full.inodes_free, full.blocks_free);
	while (--made > 0) {
		snprintf(name, sizeof(name), "%s-%u", (made - 1) % 3 ? "file" : "directory", made - 1);
		error = session_remove(&session, session.root, name, (made - 1) % 3 ? 0 : EXT2_DIRECTORY, &removed);
		CHECK(!error, "%s: %s: %s", options, name, strerror(-error));
	}
	CHECK(!session_remove(&session, session.root, "big", 0, &removed), "%s: big", options);
	session_statfs(&session, &after);
	/* The root directory has grown. */
	CHECK(after.inodes_free == before.inodes_free && after.blocks_free + 60 >= before.blocks_free, "%s: %u inodes of %u, %u blocks of %u", options,
	      after.inodes_free, before.inodes_free, after.blocks_free, before.blocks_free);
	check_sound(&session, options);
	session_close(&session);
}

/* Orphans that e2fsprogs or a death left are freed at mount; attributes go with their inode, shared ones by count. */
static void test_orphans(void)
{
	static struct session session;
	struct ext2_attr attr, removed;
	struct ext2_statfs before, after;
	size_t len;
	uint8_t *image, *bytes = make_image("-b 1024 -I 128", 4096, &len);

	CHECK(!session_open(&session, bytes, len, 0), "mount");
	session_statfs(&session, &before);
	for (unsigned i = 0; i < 5; i++) {
		char name[8] = { 'o', '0' + i };

		CHECK(!session_create(&session, session.root, name, S_IFREG | 0600, &attr), "create");
		CHECK(session_grow(&session, attr.node, i * 100, 300, 0) == 300, "grow");
		CHECK(!session_remove(&session, session.root, name, EXT2_KEEP, &removed), "unlink");
	}
	image = store_image(&session.store);
	session_close(&session);
	CHECK(!session_open(&session, image, len, 0), "mount with orphans");
	session_statfs(&session, &after);
	CHECK(before.blocks_free == after.blocks_free && before.inodes_free == after.inodes_free, "%u of %u blocks came back", after.blocks_free,
	      before.blocks_free);
	check_sound(&session, "orphans");
	session_close(&session);
}

static void test_attributes(void)
{
	static struct session session;
	struct ext2_attr removed;
	char path[128];
	size_t len;
	uint8_t *bytes = make_image("-b 1024 -I 128", 2048, &len);

	snprintf(path, sizeof(path), "%s/image", scratch_folder());
	save_file(path, bytes, len);
	free(bytes);
	CHECK(!shell("cd %s && echo x > x && for i in a b c d; do debugfs -w -R \"write x $i\" image; debugfs -w -R \"ea_set $i user.k$i v$i\" image; done "
		     "> log 2>&1", scratch_folder()), "debugfs");
	/* b's attributes become a's too, as Linux does it. */
	CHECK(!shell("cd %s && block=$(debugfs -R 'stat a' image 2> /dev/null | sed -n 's/.*File ACL: *\\([0-9]*\\).*/\\1/p') && "
		     "old=$(debugfs -R 'stat b' image 2> /dev/null | sed -n 's/.*File ACL: *\\([0-9]*\\).*/\\1/p') && "
		     "debugfs -w -R \"sif b file_acl $block\" image > log 2>&1 && debugfs -w -R \"freeb $old\" image >> log 2>&1 && "
		     "printf '\\002' | dd of=image bs=1 seek=$((block * 1024 + 4)) conv=notrunc status=none && e2fsck -fy image >> log 2>&1; "
		     "e2fsck -fn image >> log 2>&1", scratch_folder()), "a shared block");
	bytes = load_file(path, &len);
	CHECK(!session_open(&session, bytes, len, 0), "mount");
	CHECK(!session_remove(&session, session.root, "c", 0, &removed), "c");
	CHECK(!session_remove(&session, session.root, "d", EXT2_KEEP, &removed), "d");
	CHECK(!session_release(&session, removed.node), "d's last use");
	CHECK(!session_remove(&session, session.root, "a", 0, &removed), "a");
	check_sound(&session, "attributes");
	bytes = store_image(&session.store);
	save_file(path, bytes, len);
	free(bytes);
	CHECK(!shell("cd %s && debugfs -R 'ea_get b user.ka' image 2> /dev/null | grep -q va", scratch_folder()), "b keeps its attributes");
	CHECK(!session_remove(&session, session.root, "b", 0, &removed), "b");
	check_sound(&session, "all attributes freed");
	session_close(&session);
}

/* What we write, debugfs reads. */
static void test_read_by_debugfs(void)
{
	static struct session session;
	struct ext2_attr dir, attr;
	char path[128];
	size_t len;
	uint8_t *bytes = make_image("-b 1024 -I 256", 2048, &len);

	CHECK(!session_open(&session, bytes, len, 0), "mount");
	CHECK(!session_create(&session, session.root, "d", S_IFDIR | 0750, &dir), "mkdir");
	CHECK(!session_create(&session, dir.node, "device", S_IFCHR | 0600, &attr), "mknod");
	CHECK(!session_create(&session, dir.node, "link", S_IFLNK | 0777, &attr), "symlink");
	check_sound(&session, "for debugfs");
	bytes = store_image(&session.store);
	snprintf(path, sizeof(path), "%s/image", scratch_folder());
	save_file(path, bytes, len);
	free(bytes);
	CHECK(!shell("cd %s && debugfs -R 'stat d/link' image 2> /dev/null | grep -q 'Fast link dest: \"target\"' && "
		     "debugfs -R 'stat d/device' image 2> /dev/null | grep -q 'number: 08:01' && "
		     "debugfs -R 'stat d' image 2> /dev/null | grep -q 'Mode:  0750' && "
		     "debugfs -R 'stat d/link' image 2> /dev/null | grep -q 'crtime: .* 2023'", scratch_folder()), "debugfs sees something else");
	session_close(&session);
}

int main(void)
{
	test_features();
	test_populated();
	test_index();
	test_system_blocks();
	test_full("-b 1024 -m 0 -N 128", 600);
	test_full("-b 1024 -m 10 -N 2000 -g 512", 2048);
	test_full("-b 4096 -m 0 -N 300", 4096);
	test_orphans();
	test_attributes();
	test_read_by_debugfs();
	return check_result("ext2_images");
}
