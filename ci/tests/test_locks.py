# SPDX-License-Identifier: MIT
"""The lock order and what is counted of locks: the table in src/kernel/README.md, its generator, /proc/lock_stat."""
import os
import re
import subprocess

import pytest

from guest import RAEEN, ROOT, features, vm

README = os.path.join(ROOT, "src/kernel/README.md")
GENERATOR = os.path.join(ROOT, "src/kernel/sync/gen-lock-classes.py")


def table_rows():
    """(rank, class, kind) of each row of the table that this kernel has, read without the generator."""
    with open(README, encoding="utf-8") as file:
        section = file.read().split("\n## Lock order\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \| (\w+) \| (\w+) \|.*?(?:\[with (\w+)\] )?\|$", section, re.M)
    return [row[:3] for row in rows if not row[3] or row[3] in features()]


def test_every_class_is_listed():
    """In the order of the table, also those that nobody has waited for; for root only."""
    done = vm(RAEEN, "cat /proc/lock_stat && stat -c %a:%u /proc/lock_stat")
    assert done.returncode == 0, done.stderr
    *lines, mode = done.stdout.decode().splitlines()
    assert mode == "400:0"
    assert lines[0].split() == ["class", "kind", "contended", "rounds"]
    listed = [line.split() for line in lines[1:]]
    assert [(line[0], line[1]) for line in listed] == [(name, kind) for _, name, kind in table_rows()]
    assert all(len(line) == 4 and line[2].isdigit() and line[3].isdigit() for line in listed)


def generate(tmp_path, text, *uses):
    """Runs the generator over a README with @text as its table; returns the CompletedProcess."""
    readme = tmp_path / "README.md"
    header = "## Lock order\n\n| rank | class | kind | two at once | guards |\n|---|---|---|---|---|\n"
    readme.write_text(header + text)
    arguments = [str(tmp_path)]
    if uses:
        source = tmp_path / "a.c"
        source.write_text("\n".join(uses))
        arguments = ["--used", str(source)]
    return subprocess.run([GENERATOR, str(readme)] + arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


GOOD = "| 1 | outer | sleeping | no | x |\n| 2 | inner | spin | by address | y |\n| 3 | deep | irq | no | z |\n"


def test_generator_makes_the_classes(tmp_path):
    assert generate(tmp_path, GOOD).returncode == 0
    assert re.findall(r"\tLOCK_(\w+),", (tmp_path / "lock_classes.h").read_text()) == ["UNCLASSED", "OUTER", "INNER", "DEEP", "CLASS_COUNT"]
    assert '[LOCK_INNER] = { "inner", LOCK_KIND_SPIN, LOCK_NEST_BY_ADDRESS, 2, 6 }' in (tmp_path / "lock_classes.inc").read_text()


@pytest.mark.parametrize("row, complaint", {
    "lower rank": ("| 2 | more | irq | no | z |", "less than the one above"),
    "kind going back": ("| 4 | more | spin | no | z |", "spin comes before irq"),
    "no such kind": ("| 4 | more | lazy | no | z |", "the kind is one of"),
    "twice": ("| 4 | inner | irq | no | z |", "there twice"),
    "no purpose": ("| 4 | more | irq | no | |", "it guards something"),
    "columns": ("| 4 | more | irq | z |", "4 columns"),
    "long name": ("| 4 | much_too_long_a_name | irq | no | z |", "at most 17 characters"),
}.values())
def test_generator_refuses(tmp_path, row, complaint):
    done = generate(tmp_path, GOOD + row + "\n")
    assert done.returncode != 0 and complaint in done.stderr


def test_class_of_what_the_kernel_is_built_without_is_left_out(tmp_path):
    marked = re.sub(r"^(.*\| inner \|.*) \|$", r"\1 [with inotify] |", GOOD, flags=re.M)
    assert generate(tmp_path, marked).returncode == 0
    assert re.findall(r"\tLOCK_(\w+),", (tmp_path / "lock_classes.h").read_text()) == ["UNCLASSED", "OUTER", "DEEP", "CLASS_COUNT"]


def test_class_without_a_lock_is_refused(tmp_path):
    assert generate(tmp_path, GOOD, "LOCK_OUTER LOCK_INNER", "LOCK_DEEP").returncode == 0
    done = generate(tmp_path, GOOD, "LOCK_OUTER LOCK_INNER_TOO LOCK_DEEP")
    assert done.returncode != 0 and "no lock has the class inner" in done.stderr
