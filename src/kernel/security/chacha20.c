/* SPDX-License-Identifier: MIT */
/* ChaCha20, straight from RFC 8439 §2.1 to §2.3. */
#include "security/chacha20.h"
#include "lib/string.h"

static uint32_t rotate_left(uint32_t value, int bits)
{
	return value << bits | value >> (32 - bits);
}

static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b; *d = rotate_left(*d ^ *a, 16);
	*c += *d; *b = rotate_left(*b ^ *c, 12);
	*a += *b; *d = rotate_left(*d ^ *a, 8);
	*c += *d; *b = rotate_left(*b ^ *c, 7);
}

void chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3], uint8_t out[CHACHA20_BLOCK_SIZE])
{
	uint32_t start[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }, s[16];

	memcpy(start + 4, key, CHACHA20_KEY_SIZE);
	start[12] = counter;
	memcpy(start + 13, nonce, 12);
	memcpy(s, start, sizeof(s));
	for (int i = 0; i < 10; i++) {
		for (int column = 0; column < 4; column++)
			quarter_round(&s[column], &s[4 + column], &s[8 + column], &s[12 + column]);
		for (int diagonal = 0; diagonal < 4; diagonal++)
			quarter_round(&s[diagonal], &s[4 + (diagonal + 1) % 4], &s[8 + (diagonal + 2) % 4], &s[12 + (diagonal + 3) % 4]);
	}
	for (int i = 0; i < 16; i++)
		s[i] += start[i];
	memcpy(out, s, CHACHA20_BLOCK_SIZE);
}
