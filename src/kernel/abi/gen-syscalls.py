#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turns syscalls.def into the kernel's dispatch table, its prototypes and the names for the log.

Usage: gen-syscalls.py SYSCALLS.DEF UNISTD_64.H OUTDIR
Numbers from 1024 on are native calls; they follow Linux's in the tables without a gap. The Linux header gives the names of the calls that are not there, for the log line about them.
[frame] marks the calls that need or change the caller's whole register frame (arch/x86_64/entry.asm).
An entry without a description, a duplicate number or a malformed line fails with file and line.
"""
import re
import sys
from pathlib import Path

LINUX_NAME = re.compile(r"^#define __NR_(\w+)\s+(\d+)\s*$", re.M)
NATIVE = 1024
LINE = re.compile(r"^(\d+)\s+(\w+)\(([^)]*)\)(?:\s*\[(frame)\])?\s*:\s*(\S.*)$")


def parse(path):
    entries = {}
    names = set()
    frame_calls = []
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.match(line)
        if not match:
            sys.exit(f"{path}:{number}: expected `NUMBER name(type arg, ...) [frame] : description`, found: {line}")
        nr, name, args, text = int(match[1]), match[2], match[3], match[5]
        if nr in entries or name in names:
            sys.exit(f"{path}:{number}: {name} ({nr}) is defined twice")
        args = [a.strip() for a in args.split(",") if a.strip() and a.strip() != "void"]
        if len(args) > 6:
            sys.exit(f"{path}:{number}: {name} has {len(args)} arguments, at most 6 fit in registers")
        entries[nr] = (name, args, text)
        names.add(name)
        if match[4]:
            frame_calls.append(name)
    return entries, frame_calls


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    entries, frame_calls = parse(sys.argv[1])
    out = Path(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    head = "/* Generated from abi/syscalls.def by abi/gen-syscalls.py. */\n"
    protos = "".join(f"/* {text} */\nlong sys_{name}({', '.join(args) or 'void'});\n"
                     for _, (name, args, text) in sorted(entries.items()))
    stubs = "".join(f"/* Stores the whole frame, then sys_{name} (entry.asm). */\nlong frame_{name}(void);\n" for name in frame_calls)
    linux_count = max(nr for nr in entries if nr < NATIVE) + 1
    native_end = max(NATIVE, max(entries) + 1)
    count = linux_count + native_end - NATIVE
    (out / "syscall_prototypes.h").write_text(
        head + '#pragma once\n#include "lib/types.h"\n\n'
        + f"enum {{ SYSCALL_LINUX_COUNT = {linux_count}, SYSCALL_NATIVE = {NATIVE}, SYSCALL_COUNT = {count} }};\n\n" + protos + stubs)
    (out / "syscall_asm.inc").write_text(
        "; Generated from abi/syscalls.def by abi/gen-syscalls.py.\n"
        + f"SYSCALL_LINUX_COUNT equ {linux_count}\nSYSCALL_NATIVE equ {NATIVE}\nSYSCALL_COUNT equ {count}\n"
        + "".join(f"SYSCALL_{name} equ {nr}\n" for nr, (name, _, _) in entries.items() if nr >= NATIVE)
        + "%macro EACH_FRAME_CALL 1\n" + "".join(f"\t%1 {name}\n" for name in frame_calls) + "%endmacro\n")
    handlers = ["no_handler"] * count
    for nr, (name, _, _) in entries.items():
        handlers[nr if nr < NATIVE else linux_count + nr - NATIVE] = f"(void *){'frame' if name in frame_calls else 'sys'}_{name}"
    (out / "syscall_table.inc").write_text(head + "".join(f"\t[{nr}] = {handler},\n" for nr, handler in enumerate(handlers)))
    # In the table's order, each with a zero behind it; a number of nobody has an empty name. Behind the table's the names of Linux's newer calls.
    known = {int(nr): name for name, nr in LINUX_NAME.findall(Path(sys.argv[2]).read_text())}
    known.update((nr, name) for nr, (name, _, _) in entries.items())
    numbers = [*range(linux_count), *range(NATIVE, native_end), *range(linux_count, max(nr for nr in known if nr < NATIVE) + 1)]
    (out / "syscall_names.inc").write_text(head + "".join(f'\t"{known.get(nr, "")}\\0"\n' for nr in numbers))


if __name__ == "__main__":
    main()
