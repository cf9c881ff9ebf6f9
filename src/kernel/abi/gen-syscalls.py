#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turns syscalls.def into the kernel's dispatch table, its gates, its prototypes and the names for the log.

Usage: gen-syscalls.py SYSCALLS.DEF CAPS.DEF FREE_CALLS.DEF UNISTD_64.H OUTDIR [FEATURE...]
Numbers from 1024 on are native calls; they follow Linux's in the tables without a gap. The Linux header gives the names of the calls that are not there, for the log line about them.
Calls marked [with FEATURE] are left out unless that is among the FEATUREs. [frame] marks the calls that need or change the caller's whole register frame (arch/x86_64/entry.asm). The requirements are explained in syscalls.def.
An entry without a description or a requirement, an unknown capability, a call that is [none] without a reason, a reason for a call that is not, a
duplicate number or a malformed line fails with file and line.
"""
import re
import sys
from pathlib import Path

LINUX_NAME = re.compile(r"^#define __NR_(\w+)\s+(\d+)\s*$", re.M)
NATIVE = 1024
FEATURES = ("aio", "inotify", "ptrace", "rseq", "unix_sockets")
LINE = re.compile(r"^(\d+)\s+(\w+)\(([^)]*)\)(?:\s*\[(frame)\])?(?:\s*\[(needs [^]]*|none)\])?(?:\s*\[with (\w+)\])?\s*:\s*(\S.*)$")
CLAUSE = re.compile(r"^([A-Z0-9_ ]*[A-Z0-9_])(?: by (\w+)| (inside))?$")


class Call:
    def __init__(self, name, args, text, frame, feature):
        self.name, self.args, self.text, self.frame, self.feature = name, args, text, frame, feature
        self.needs, self.judge = [], None       # what the gate tests, and who is called when that is missing

    def handler(self):
        """What the table calls, in C."""
        return f"{'gate' if self.needs else 'sys'}_{self.name}"

    def symbol(self):
        """The same for the linker: what the frame's stub calls."""
        return f"gates.{self.name}" if self.needs else f"sys_{self.name}"


def parse_needs(call, text, bits, where):
    for clause in text.split(";"):
        match = CLAUSE.match(clause.strip())
        names = match[1].split() if match else []
        unknown = [name for name in names if name not in bits]
        if not names or unknown:
            sys.exit(f"{where}: {call.name}: expected `needs CAPABILITY... [by FUNCTION | inside]`, {unknown[0] if unknown else clause} is unknown")
        if not match[3]:
            call.needs, call.judge = names, match[2]


def parse(path, bits, free):
    entries = {}
    names = set()
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        where = f"{path}:{number}"
        match = LINE.match(line)
        if not match:
            sys.exit(f"{where}: expected `NUMBER name(type arg, ...) [frame] [needs CAPABILITY... | none] [with FEATURE] : description`, found: {line}")
        nr, name, args = int(match[1]), match[2], match[3]
        if nr in entries or name in names:
            sys.exit(f"{where}: {name} ({nr}) is defined twice")
        args = [a.strip() for a in args.split(",") if a.strip() and a.strip() != "void"]
        if len(args) > 6:
            sys.exit(f"{where}: {name} has {len(args)} arguments, at most 6 fit in registers")
        entries[nr] = Call(name, args, match[7], bool(match[4]), match[6])
        names.add(name)
        if match[6] and match[6] not in FEATURES:
            sys.exit(f"{where}: {name} is for kernels with {match[6]}, which is none of {', '.join(FEATURES)}")
        if not match[5]:
            sys.exit(f"{where}: {name} says neither [needs CAPABILITY...] nor [none]")
        if (match[5] == "none") != (name in free):
            sys.exit(f"{where}: {name} is {'not ' if match[5] == 'none' else ''}in security/free_calls.def, which lists the calls that are [none]")
        if match[5] != "none":
            parse_needs(entries[nr], match[5].removeprefix("needs "), bits, where)
    for name in sorted(free - names):
        sys.exit(f"{path}: there is no call {name}, which security/free_calls.def lists")
    return entries


def parse_free(path):
    """The names in the list of calls without a requirement: indented lines, below their reason."""
    free, reason = set(), False
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        if line.startswith("\t"):
            if not reason or set(line.split()) & free:
                sys.exit(f"{path}:{number}: {'listed twice' if reason else 'no reason'}: {line.strip()}")
            free |= set(line.split())
        else:
            reason = bool(line.strip()) and not line.startswith("#")
    return free


def parse_caps(path):
    return {match[2]: int(match[1]) for match in re.finditer(r"^(\d+)\s+(\w+)", Path(path).read_text(), re.M)}


def prototypes(calls):
    yield from (f"/* {call.text} */\nlong sys_{call.name}({', '.join(call.args) or 'void'});\n" for call in calls)
    yield from (f"/* Stores the whole frame, then {call.handler()} (entry.asm). */\nlong frame_{call.name}(void);\n" for call in calls if call.frame)
    for call in (call for call in calls if call.needs):
        yield f"/* Tests what the caller can use, then sys_{call.name} (gates.asm). */\nlong gate_{call.name}(void) __asm__(\"{call.symbol()}\");\n"
        if call.judge:
            yield f"/* For a caller without {' or '.join(call.needs)}. */\nlong {call.judge}({', '.join(call.args)});\n"


def assembly(calls, bits):
    yield "%macro EACH_FRAME_CALL 1\n" + "".join(f"\t%1 {call.name}, {call.symbol()}\n" for call in calls if call.frame) + "%endmacro\n"
    yield "%macro EACH_GATE 1\n"
    for call in (call for call in calls if call.needs):
        yield f"\t%1 {call.name}, {sum(1 << bits[name] for name in call.needs):#x}, {call.judge or 'refuse'}\n"
    yield "%endmacro\n"


def main():
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    bits = parse_caps(sys.argv[2])
    entries = parse(sys.argv[1], bits, parse_free(sys.argv[3]))
    entries = {nr: call for nr, call in entries.items() if call.feature is None or call.feature in sys.argv[6:]}
    calls = [call for _, call in sorted(entries.items())]
    out = Path(sys.argv[5])
    out.mkdir(parents=True, exist_ok=True)
    head = "/* Generated from abi/syscalls.def by abi/gen-syscalls.py. */\n"
    linux_count = max(nr for nr in entries if nr < NATIVE) + 1
    native_end = max(NATIVE, max(entries) + 1)
    count = linux_count + native_end - NATIVE
    (out / "syscall_prototypes.h").write_text(
        head + '#pragma once\n#include "lib/types.h"\n\n'
        + f"enum {{ SYSCALL_LINUX_COUNT = {linux_count}, SYSCALL_NATIVE = {NATIVE}, SYSCALL_COUNT = {count} }};\n"
        + "enum {\n" + "".join(f"\tSYSCALL_{call.name} = {nr},\n" for nr, call in sorted(entries.items()) if nr >= NATIVE) + "};\n\n" + "".join(prototypes(calls)))
    (out / "syscall_asm.inc").write_text(
        "; Generated from abi/syscalls.def by abi/gen-syscalls.py.\n"
        + f"SYSCALL_LINUX_COUNT equ {linux_count}\nSYSCALL_NATIVE equ {NATIVE}\nSYSCALL_COUNT equ {count}\n"
        + "".join(f"SYSCALL_{call.name} equ {nr}\n" for nr, call in entries.items() if nr >= NATIVE) + "".join(assembly(calls, bits)))
    handlers = ["no_handler"] * count
    for nr, call in entries.items():
        handlers[nr if nr < NATIVE else linux_count + nr - NATIVE] = f"(void *){f'frame_{call.name}' if call.frame else call.handler()}"
    (out / "syscall_table.inc").write_text(head + "".join(f"\t[{nr}] = {handler},\n" for nr, handler in enumerate(handlers)))
    # In the table's order, each with a zero behind it; a number of nobody has an empty name. Behind the table's the names of Linux's newer calls.
    known = {int(nr): name for name, nr in LINUX_NAME.findall(Path(sys.argv[4]).read_text())}
    known.update((nr, call.name) for nr, call in entries.items())
    numbers = [*range(linux_count), *range(NATIVE, native_end), *range(linux_count, max(nr for nr in known if nr < NATIVE) + 1)]
    (out / "syscall_names.inc").write_text(head + "".join(f'\t"{known.get(nr, "")}\\0"\n' for nr in numbers))


if __name__ == "__main__":
    main()
