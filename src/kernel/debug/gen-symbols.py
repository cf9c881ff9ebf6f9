#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turns `nm -n` output (on standard input) into the assembly of the kernel's symbol table, whose layout debug/symbols.h tells.

Names are packed: again and again the most frequent pair of neighbouring bytes becomes a byte that no name has used.
`--empty` makes the table for the first link, whose size does not matter because it comes last in its segment.
"""
import re
import sys
from collections import Counter

# Labels of the assembler start with a dot behind the function's name; GCC's .cold, .part.0 and the like are functions.
LOCAL_LABEL = re.compile(r"\.(?!cold|part|isra|constprop|lto_priv)")
NAME_MAX = 63


def functions(rows):
    """(distance from the one before, name) of each function in the text section."""
    rows = [(int(row[0], 16), row[1], row[2]) for row in map(str.split, rows) if len(row) == 3]
    at = start = next(address for address, _, name in rows if name == "image_start")
    end = next(address for address, _, name in rows if name == "image_rodata")
    found = []
    for address, kind, name in rows:
        if kind in "tT" and start <= address < end and not LOCAL_LABEL.search(name):
            if address - at > 0xffff:
                sys.exit(f"gen-symbols.py: no symbol in the {address - at} bytes before {name}: the table has 16 bits for it")
            found.append((address - at, name))
            at = address
    return found


def pack(names):
    """The names as lists of codes, and the one or two bytes that each code stands for."""
    packed = [list(name.encode()) for name in names]
    codes = {byte: (byte, 0) for name in packed for byte in name}
    pairs = Counter()
    for name in packed:
        pairs.update(zip(name, name[1:]))
    for code in sorted(set(range(1, 256)) - set(codes)):
        pair, uses = max(pairs.items(), key=lambda item: (item[1], item[0]), default=(None, 0))
        if uses < 3:
            break
        codes[code] = pair
        for name in packed:
            replaced = replace(name, pair, code)
            if len(replaced) != len(name):
                pairs.subtract(zip(name, name[1:]))
                pairs.update(zip(replaced, replaced[1:]))
                name[:] = replaced
    return packed, codes


def replace(name, pair, code):
    result = []
    for byte in name:
        if result and (result[-1], byte) == pair:
            result[-1] = code
        else:
            result.append(byte)
    return result


def define(name, directive, values):
    print(f".globl {name}\n.hidden {name}\n{name}:")
    if values:
        print(f"{directive} " + ", ".join(map(str, values)))


def main():
    symbols = [] if "--empty" in sys.argv else functions(sys.stdin)
    names, codes = pack([name[:NAME_MAX] for _, name in symbols])
    print('.section .symbols, "a", @progbits\n.balign 8')
    define("symbol_count", ".long", [len(symbols)])
    define("symbol_distances", ".short", [distance for distance, _ in symbols])
    define("symbol_codes", ".byte", [byte for code in range(256) for byte in codes.get(code, (0, 0))])
    define("symbol_names", ".byte", [byte for name in names for byte in name + [0]])
    print('.section .note.GNU-stack, "", @progbits')


if __name__ == "__main__":
    main()
