/* SPDX-License-Identifier: MIT */
/* Host test of the path splitter: components, lengths, hashes and comparison at every alignment. */
/* LINK: vfs/path_split.c */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "vfs/path_split.h"

static void expect(const char *path, const char *const *wanted, int count)
{
	/* Exactly the padding that is promised, so that ASan sees a read too far. */
	size_t len = strlen(path);
	char *buf = malloc(len + 1 + PATH_PADDING);
	const char *p = buf;
	struct path_component c;

	memset(buf, 0x2f, len + 1 + PATH_PADDING);
	memcpy(buf, path, len + 1);
	for (int i = 0; i < count; i++) {
		char stored[264] = "";

		p = path_next_component(p, &c);
		assert(c.len == strlen(wanted[i]) && !memcmp(c.name, wanted[i], c.len));
		memcpy(stored, wanted[i], c.len);
		assert(path_name_hash(stored, c.len) == c.hash);
		stored[c.len] = '/';
		assert(path_name_equal(stored, &c) && path_long_name_equal(stored, &c));
		stored[c.len - 1] ^= 1;
		assert(!path_long_name_equal(stored, &c));
		assert(path_name_hash(stored, c.len) != c.hash);
	}
	p = path_next_component(p, &c);
	assert(c.len == 0 && *p == 0);
	free(buf);
}

static void every_length(void)
{
	for (int len = 1; len <= 255; len++) {
		for (int slashes = 1; slashes <= 9; slashes++) {
			char path[600], name[256];
			const char *wanted[2] = { name, name };

			memset(name, 'a' + len % 26, len);
			name[len] = 0;
			memset(path, '/', sizeof(path));
			memcpy(path + slashes, name, len);
			memcpy(path + slashes + len + slashes, name, len);
			path[slashes + len + slashes + len] = 0;
			expect(path, wanted, 2);
		}
	}
}

static void odd_bytes(void)
{
	/* Bytes that a careless zero test marks: 0x01 and 0x80 next to the end, 0x30 and 0x2e next to '/'. */
	const char *wanted[] = { "\x01\x80\xff\x01", "0.\xaf", "\x01", "..", "." };

	expect("\x01\x80\xff\x01/0.\xaf/\x01/.././/", wanted, 5);
}

/* Different short names have different hashes always, different long ones mostly. */
static void hashes_differ(void)
{
	char name[32] = "abcdefghijklmnopqrstuvwxyz";
	uint64_t seen[26 * 8];
	int count = 0;

	for (int len = 1; len <= 26; len++)
		for (int byte = 0; byte < 8; byte++) {
			uint64_t hash;

			if ((name[len - 1] ^ 1 << byte) == '/')
				continue;	/* no name has one */
			name[len - 1] ^= 1 << byte;
			hash = path_name_hash(name, len);
			name[len - 1] ^= 1 << byte;
			for (int i = 0; i < count; i++)
				assert(seen[i] != hash);
			seen[count++] = hash;
		}
}

/* The first slash of a word, found and cut after, whatever stands behind it. */
static void slashes(void)
{
	char text[8];

	for (int at = 0; at < 8; at++)
		for (int byte = 0; byte < 256; byte++) {
			uint64_t marks, word = 0;

			memset(text, byte, sizeof(text));
			for (int i = 0; i < at; i++)
				text[i] = byte == '/' ? '.' : byte;
			text[at] = '/';
			marks = path_mark_slashes(path_load_word(text));
			assert(marks && __builtin_ctzll(marks) / 8 == at);
			memcpy(&word, text, at + 1);
			assert(path_through_mark(path_load_word(text), marks) == word);
		}
	memset(text, '.', sizeof(text));
	assert(!path_mark_slashes(path_load_word(text)));
	memset(text, '0', sizeof(text));
	assert(!path_mark_slashes(path_load_word(text)));
	memset(text, 0xaf, sizeof(text));
	assert(!path_mark_slashes(path_load_word(text)));
}

int main(void)
{
	const char *abc[] = { "a", "bc", "def" };
	struct path_component c = { .name = "..", .len = 2 };

	expect("", NULL, 0);
	expect("/", NULL, 0);
	expect("///////////", NULL, 0);
	expect("a/bc/def", abc, 3);
	expect("/a//bc///def/", abc, 3);
	every_length();
	odd_bytes();
	hashes_differ();
	slashes();
	assert(path_component_is_dot_dot(&c) && !path_component_is_dot(&c));
	puts("path_split: ok");
	return 0;
}
