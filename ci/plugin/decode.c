/* SPDX-License-Identifier: MIT */
#include "decode.h"

#include <stdbool.h>
#include <string.h>

static bool is_prefix(uint8_t byte)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65:	/* segments */
	case 0x66: case 0x67: case 0xf0: case 0xf2: case 0xf3:
		return true;
	default:
		return byte >> 4 == 4;	/* REX; in 32-bit code INC and DEC, which lock nothing */
	}
}

static enum kind decode_two_byte(const uint8_t *code, size_t left)
{
	unsigned modrm = left > 1 ? code[1] : 0, mod = modrm >> 6, reg = modrm >> 3 & 7;

	if (!left)
		return KIND_OTHER;
	switch (code[0]) {
	case 0x01:
		return reg == 7 && mod != 3 ? KIND_INVLPG : KIND_OTHER;
	case 0x22:
		return reg == 3 ? KIND_CR3 : KIND_OTHER;
	case 0x30:
		return KIND_WRMSR;
	case 0x38:
		return left > 1 && code[1] == 0x82 ? KIND_INVLPG : KIND_OTHER;
	default:
		return KIND_OTHER;
	}
}

enum kind decode_kind(const uint8_t *code, size_t size)
{
	bool locked = false;
	size_t at = 0;

	for (; at < size && is_prefix(code[at]); at++)
		locked |= code[at] == 0xf0;
	if (locked)
		return KIND_ATOMIC;
	if (at == size)
		return KIND_OTHER;
	switch (code[at]) {
	case 0x0f:
		return decode_two_byte(code + at + 1, size - at - 1);
	case 0x86: case 0x87:
		return at + 1 < size && code[at + 1] >> 6 != 3 ? KIND_ATOMIC : KIND_OTHER;
	case 0x6c: case 0x6d: case 0x6e: case 0x6f: case 0xe4: case 0xe5: case 0xe6: case 0xe7: case 0xec: case 0xed: case 0xee: case 0xef:
		return KIND_PORT;
	default:
		return KIND_OTHER;
	}
}

enum mark decode_mark(const uint8_t *code, size_t size)
{
	static const uint8_t nop[] = { 0x0f, 0x1f, 0x84, 0x00 };
	uint32_t displacement;

	if (size != sizeof(nop) + sizeof(displacement) || memcmp(code, nop, sizeof(nop)))
		return MARK_NONE;
	memcpy(&displacement, code + sizeof(nop), sizeof(displacement));
	displacement -= MARK_MAGIC;
	return displacement <= MARK_REPORT ? (enum mark)displacement : MARK_NONE;
}
