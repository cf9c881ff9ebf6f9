#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turns `nm -n` output (on standard input) into the assembly of the kernel's symbol table.

Layout: symbol_count, then per function a 32-bit address offset from image_start and a 32-bit offset into symbol_names.
`--empty` makes the table for the first link, whose size does not matter because it comes last in its segment.
"""
import re
import sys

# Labels of the assembler start with a dot behind the function's name; GCC's .cold, .part.0 and the like are functions.
LOCAL_LABEL = re.compile(r"\.(?!cold|part|isra|constprop|lto_priv)")


def main():
    symbols = []
    if "--empty" not in sys.argv:
        rows = [line.split() for line in sys.stdin]
        start = next(int(r[0], 16) for r in rows if len(r) == 3 and r[2] == "image_start")
        end = next(int(r[0], 16) for r in rows if len(r) == 3 and r[2] == "image_rodata")
        symbols = [(int(r[0], 16) - start, r[2]) for r in rows
                   if len(r) == 3 and r[1] in "tT" and start <= int(r[0], 16) < end and not LOCAL_LABEL.search(r[2])]
    print('.section .symbols, "a", @progbits')
    print(".balign 8\n.globl symbol_count\n.hidden symbol_count")
    print(f"symbol_count: .long {len(symbols)}, 0")
    print(".globl symbol_table\n.hidden symbol_table\nsymbol_table:")
    at = 0
    for address, name in symbols:
        print(f".long {address}, {at}")
        at += len(name) + 1
    print(".globl symbol_names\n.hidden symbol_names\nsymbol_names:")
    for _, name in symbols:
        print(f'.asciz "{name}"')
    print('.section .note.GNU-stack, "", @progbits')


if __name__ == "__main__":
    main()
