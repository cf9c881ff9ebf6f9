#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turns caps.def into <raeen/caps.h>: the bits, the sets, and for programs a table of names.

Usage: gen-caps.py CAPS.DEF kernel|programs > caps.h
A line that is malformed, a bit or name that is there twice and a set of unknown names fail with file and line. Bits are below 32: the gates of
system calls (gen-syscalls.py) test one word.
"""
import re
import sys
from pathlib import Path

BIT = re.compile(r"^(\d+)\s+([A-Z][A-Z0-9_]*)\s*:\s*(\S.*)$")
SET = re.compile(r"^set\s+([A-Z][A-Z0-9_]*)\s*=\s*(\S.*)$")
GATE_BITS = 32


def parse(path):
    """The bits as {name: (bit, meaning)} and the sets as {name: [names]}."""
    bits, sets = {}, {}
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if match := BIT.match(line):
            bit, name = int(match[1]), match[2]
            if name in bits or bit in (known for known, _ in bits.values()):
                sys.exit(f"{path}:{number}: {name} ({bit}) is defined twice")
            if bit >= GATE_BITS:
                sys.exit(f"{path}:{number}: {name}: bits are below {GATE_BITS}")
            bits[name] = (bit, match[3])
        elif match := SET.match(line):
            unknown = [name for name in match[2].split() if name not in bits]
            if unknown or match[1] in sets or match[1] == "ALL":
                sys.exit(f"{path}:{number}: {match[1]}: {' '.join(unknown) or 'the set'} is {'unknown' if unknown else 'defined twice'}")
            sets[match[1]] = match[2].split()
        else:
            sys.exit(f"{path}:{number}: expected `BIT NAME : meaning` or `set NAME = NAME...`, found: {line}")
    return bits, sets


def main():
    if len(sys.argv) != 3 or sys.argv[2] not in ("kernel", "programs"):
        sys.exit(__doc__)
    kernel = sys.argv[2] == "kernel"
    bits, sets = parse(sys.argv[1])
    sets["ALL"] = list(bits)
    print("/* Generated from abi/caps.def by abi/gen-caps.py. */\n#pragma once\n")
    print('#include "lib/types.h"\n' if kernel else "#include <stdint.h>\n")
    print("enum {")
    for name, (bit, meaning) in bits.items():
        print(f"\tCAPABILITY_{name} = 1 << {bit},\t/* {meaning} */")
    for name, members in sets.items():
        print(f"\tCAPABILITIES_{name} = {' | '.join('CAPABILITY_' + member for member in members)},")
    print("};\n")
    print("/* What SYS_cap_get tells and SYS_cap_set takes. What is in @effective can be used; @permitted is what the next program begins with. */")
    print("struct capability_sets { uint64_t effective, permitted; };")
    if not kernel:
        print("\nstatic const struct capability_name { uint64_t bit; const char *name, *meaning; } capability_names[] = {")
        for name, (_, meaning) in bits.items():
            print(f'\t{{ CAPABILITY_{name}, "{name}", "{meaning}" }},')
        print(f"}};\nenum {{ CAPABILITY_COUNT = {len(bits)} }};")


if __name__ == "__main__":
    main()
