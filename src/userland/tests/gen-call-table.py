#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turns syscalls.def into a table of what each call's arguments are and which capabilities it needs, for the programs that try all of them.

Usage: gen-call-table.py SYSCALLS.DEF > call_table.h
What an argument is for is read off its type and name; a name that says nothing is a number.
"""
import re
import sys
from pathlib import Path

LINE = re.compile(r"^(\d+)\s+(\w+)\(([^)]*)\)(?:\s*\[frame\])?\s*\[(?:none|needs ([^]]*))\](?:\s*\[with (\w+)\])?")
PATHS = {"path", "from", "to", "target", "source"}
BY_NAME = {
    "epoll": "EPOLL", "op": "COUNT", "fd": "FD", "in": "FD", "out": "FD", "dir": "DIR", "from_dir": "DIR", "to_dir": "DIR",
    "pid": "PID", "tid": "PID", "pgid": "PID", "who": "PID", "id": "PID", "signal": "SIGNAL",
    "addr": "ADDRESS", "new_addr": "ADDRESS", "stack": "ADDRESS", "tls": "ADDRESS", "argument": "ADDRESS",
    "set_size": "SET_SIZE", "mask_size": "SET_SIZE", "resource": "RESOURCE",
}


def kind(declaration):
    words = declaration.split()
    c_type, name = words[0], words[-1]
    if c_type == "uaddr_t":
        return "PATH" if name in PATHS else "POINTER"
    if name in BY_NAME:
        return BY_NAME[name]
    if c_type == "int" and name in ("from", "to"):
        return "FD"
    return "SIZE" if c_type == "size_t" or name == "size" else "COUNT" if name == "count" else "NUMBER"


def needs(text):
    """What a gate tests before anything else, and what depends on the arguments."""
    always, depends = [], []
    for clause in (text or "").split(";"):
        words = clause.split()
        judged = "by" in words or "inside" in words
        names = words[:next((i for i, word in enumerate(words) if word in ("by", "inside")), None)]
        (depends if judged else always).extend(f"CAPABILITY_{name}" for name in names)
    return f"{' | '.join(always) or 0}, {' | '.join(depends) or 0}"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print("/* Generated from syscalls.def by gen-call-table.py. */")
    for line in Path(sys.argv[1]).read_text().splitlines():
        match = LINE.match(line)
        if not match:
            continue
        arguments = [a.strip() for a in match[3].split(",") if a.strip() not in ("", "void")]
        kinds = ", ".join(f"{{ ARG_{kind(a)}, \"{a.split()[-1]}\" }}" for a in arguments)
        feature = f'"{match[5]}"' if match[5] else "NULL"
        kinds = kinds or "{ ARG_NUMBER, NULL }"
        print(f'{{ {match[1]}, "{match[2]}", {len(arguments)}, {{ {kinds} }}, {needs(match[4])}, {feature} }},')


if __name__ == "__main__":
    main()
