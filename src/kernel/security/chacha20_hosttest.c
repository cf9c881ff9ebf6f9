/* SPDX-License-Identifier: MIT */
/* The test vector of RFC 8439 §2.3.2. */
/* LINK: security/chacha20.c */
#include "security/chacha20.h"

#include <assert.h>
#include <string.h>

int main(void)
{
	static const uint8_t expected[16] = { 0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4 };
	uint8_t key_bytes[32], out[CHACHA20_BLOCK_SIZE];
	uint32_t key[8], nonce[3] = { 0x09000000, 0x4a000000, 0 };

	for (int i = 0; i < 32; i++)
		key_bytes[i] = i;
	memcpy(key, key_bytes, 32);
	chacha20_block(key, 1, nonce, out);
	assert(memcmp(out, expected, sizeof(expected)) == 0);
	return 0;
}
