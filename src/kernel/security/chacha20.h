/* SPDX-License-Identifier: MIT */
/* The ChaCha20 block function (RFC 8439 §2.3). */
#pragma once

#include "lib/types.h"

enum { CHACHA20_KEY_SIZE = 32, CHACHA20_BLOCK_SIZE = 64 };

/* Writes the 64-byte key stream block for @key, block @counter and the 96-bit @nonce. */
void chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3], uint8_t out[CHACHA20_BLOCK_SIZE]);
