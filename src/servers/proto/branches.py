#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Says which branches of generated code a program has never taken, from what gcc's --coverage has counted. The exit status is 1 where there is one.

Usage: branches.py GCOV FOLDER FILE...
GCOV is the tool of the compiler that made the objects in FOLDER, FILE a generated file by its name. Every branch of each must have been taken, every line
run: also those of checks that count nothing by themselves, as a client's of its answer.
"""
import json
import os
import subprocess
import sys
from pathlib import Path


def counted(gcov, folder):
    """Yields what was counted in each source file of each object: (path, lines)."""
    for counts in sorted(Path(folder).glob("*.gcda")):
        done = subprocess.run([gcov, "--branch-counts", "--branch-probabilities", "--json-format", "--stdout", counts.name], cwd=folder,
                              check=True, stdout=subprocess.PIPE)
        found = json.loads(done.stdout)
        for file in found["files"]:
            yield os.path.join(found["current_working_directory"], file["file"]), file["lines"]


def missed(lines):
    """Yields (number of a line, what of it was never done)."""
    for line in lines:
        if line["count"] == 0:
            yield line["line_number"], "is never run"
            continue
        never = [number for number, branch in enumerate(line["branches"], 1) if branch["count"] == 0]
        if never:
            yield line["line_number"], f"of {len(line['branches'])} branches never takes number {', '.join(map(str, never))}"


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    gcov, folder, *wanted = sys.argv[1:]
    branches, found = dict.fromkeys(wanted, 0), 0
    for path, lines in counted(gcov, folder):
        name = os.path.basename(path)
        if name not in branches:
            continue
        branches[name] += sum(len(line["branches"]) for line in lines)
        source = Path(path).read_text().splitlines()
        for number, what in missed(lines):
            print(f"{name}:{number}: {what}: {source[number - 1].strip()}", file=sys.stderr)
            found += 1
    for name, count in branches.items():
        if count == 0:
            sys.exit(f"{name}: no branches were counted in {folder}")
    print(f"{', '.join(wanted)}: {sum(branches.values())} branches, {found or 'none'} of them missed")
    return found != 0


if __name__ == "__main__":
    sys.exit(main())
