#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Marks the relocation sections of an ELF64 file as plain data, in place.

GRUB's Multiboot2 loader refuses ELF files that have sections of type SHT_REL or SHT_RELA. Ours applies its own relocations
(arch/x86_64/early.c) and finds them by symbols, so that the type does not matter to anybody else.
"""
import struct
import sys

SHT_PROGBITS, SHT_RELA, SHT_REL = 1, 4, 9


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], "r+b") as file:
        header = file.read(64)
        if header[:5] != b"\x7fELF\x02":
            sys.exit(f"{sys.argv[1]}: expected a 64-bit ELF file")
        table = struct.unpack_from("<Q", header, 40)[0]
        size, count = struct.unpack_from("<HH", header, 58)
        for index in range(count):
            file.seek(table + index * size + 4)
            if struct.unpack("<I", file.read(4))[0] in (SHT_REL, SHT_RELA):
                file.seek(-4, 1)
                file.write(struct.pack("<I", SHT_PROGBITS))


if __name__ == "__main__":
    main()
