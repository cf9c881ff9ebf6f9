#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the kernel's lock classes from the table under "Lock order" in src/kernel/README.md.

gen-lock-classes.py README FOLDER [FEATURE...]  writes lock_classes.h (enum lock_class) and lock_classes.inc (the rows of lock_classes[])
gen-lock-classes.py README --used FILE          fails when no FILE gives a lock one of the classes

A row that ends with [with FEATURE] is for kernels that are built with it.
"""
import os
import re
import sys

KINDS = {"sleeping": "LOCK_KIND_SLEEPING", "spin": "LOCK_KIND_SPIN", "irq": "LOCK_KIND_IRQ"}
NESTS = {"no": "LOCK_NEST_NEVER", "by address": "LOCK_NEST_BY_ADDRESS", "parent first": "LOCK_NEST_PARENT_FIRST", "tried": "LOCK_NEST_TRIED"}
HEADING, COLUMNS, NAME_MAX = "## Lock order", ["rank", "class", "kind", "two at once", "guards"], 17
WITH = re.compile(r"\[with (\w+)\]$")


def fail(text):
    sys.exit(f"gen-lock-classes.py: {text}")


def read_table(path):
    """The rows as (line number, rank, name, kind, nests, feature or None), in their order."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    if HEADING not in lines:
        fail(f"{path} has no heading '{HEADING}'")
    rows, header = [], None
    for number, line in enumerate(lines[lines.index(HEADING) + 1:], lines.index(HEADING) + 2):
        if line.startswith("#"):
            break
        if not line.startswith("|") or set(line) <= set("|- "):
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not header:
            header = cells
            if header != COLUMNS:
                fail(f"{path}:{number}: the columns are not {COLUMNS}")
            continue
        if len(cells) != len(COLUMNS):
            fail(f"{path}:{number}: {len(cells)} columns")
        rank, name, kind, nests, guards = cells
        where = f"{path}:{number}"
        if not rank.isdigit() or not 0 < int(rank) < 256 or (rows and int(rank) < rows[-1][1]):
            fail(f"{where}: rank {rank} is no number from 1 to 255, or less than the one above")
        if not re.fullmatch("[a-z][a-z0-9_]*", name) or len(name) > NAME_MAX or name in [row[2] for row in rows]:
            fail(f"{where}: class {name} is no name of at most {NAME_MAX} characters, or is there twice")
        if kind not in KINDS or nests not in NESTS or not guards:
            fail(f"{where}: the kind is one of {list(KINDS)}, 'two at once' one of {list(NESTS)}, and it guards something")
        if rows and list(KINDS).index(kind) < list(KINDS).index(rows[-1][3]):
            fail(f"{where}: {kind} comes before {rows[-1][3]}")
        if rows and int(rank) == rows[-1][1] and kind != rows[-1][3]:
            fail(f"{where}: rank {rank} has two kinds")
        with_feature = WITH.search(guards)
        rows.append((number, int(rank), name, kind, nests, with_feature and with_feature[1]))
    if not rows or len(rows) > 254:
        fail(f"{path}: {len(rows)} classes")
    return rows


def write(path, text):
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        file.write("/* Made by sync/gen-lock-classes.py from src/kernel/README.md. */\n" + text)
    os.replace(path + ".tmp", path)


def main():
    if len(sys.argv) < 3:
        fail("usage: README FOLDER [FEATURE...], or README --used FILES")
    rows = read_table(sys.argv[1])
    if sys.argv[2] == "--used":
        used = set()
        for path in sys.argv[3:]:
            with open(path, encoding="utf-8") as file:
                used.update(re.findall(r"\bLOCK_[A-Z0-9_]+\b", file.read()))
        for number, _, name, *_ in rows:
            if "LOCK_" + name.upper() not in used:
                fail(f"{sys.argv[1]}:{number}: no lock has the class {name}")
        return
    rows = [row[:-1] for row in rows if row[-1] is None or row[-1] in sys.argv[3:]]
    names = "".join(f"\tLOCK_{name.upper()},\n" for _, _, name, _, _ in rows)
    write(os.path.join(sys.argv[2], "lock_classes.h"),
          f"#pragma once\n\nenum lock_class {{\n\tLOCK_UNCLASSED,\n{names}\tLOCK_CLASS_COUNT,\n}};\n")
    write(os.path.join(sys.argv[2], "lock_classes.inc"),
          "".join(f'[LOCK_{name.upper()}] = {{ "{name}", {KINDS[kind]}, {NESTS[nests]}, {rank}, {number} }},\n' for number, rank, name, kind, nests in rows))


main()
