# SPDX-License-Identifier: MIT
"""Runs src/userland/scale in guests with two CPUs, and what its figures mean."""
import os
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
sys.path.insert(0, os.path.join(ROOT, "ci/lib"))

RAEEN, LINUX = "raeen", "linux"
# What must scale as well as a loop of plain instructions, or as Linux does (GOAL of that); the others are for information.
REQUIRED = ("getppid", "page fault, one space", "page fault, two spaces", "pipe pair", "fork+exit+wait")
GOAL = 0.9


def build_program():
    subprocess.run(["make", "-s", "-C", os.path.join(ROOT, "src/userland/scale"), f"BUILD={BUILD}"], check=True)


def run(guest, slices, milliseconds, names=(), image=None):
    """Returns {operation: {workers: [(operations, loops, waits), ...]}}."""
    line = [os.path.join(ROOT, "ci/vm"), "--smp", "2", "--accel", "tcg,thread=multi", "--overlay", os.path.join(BUILD, "scale"),
            "--timeout", str(120 + slices * milliseconds // 10)]
    line += ["--linux"] if guest == LINUX else ["--image", image] if image else []
    done = subprocess.run([*line, "--", "/scale", str(slices), str(milliseconds), *names], stdout=subprocess.PIPE, text=True, check=True)
    return parse(done.stdout)


def parse(text):
    rows = {}
    for line in text.splitlines():
        name, workers, operations, loops, *waits = line.split("\t")
        if float(operations) and float(loops):
            waits = {key: int(value) for key, value in (wait.split("=") for wait in waits)}
            rows.setdefault(name, {}).setdefault(int(workers), []).append((float(operations), float(loops), waits))
    return rows


def merge(into, rows):
    for name, row in rows.items():
        for workers, slices in row.items():
            into.setdefault(name, {}).setdefault(workers, []).extend(slices)


def scaling(row, which):
    """Throughput at two workers by that at one: of the operation (0) or the loop (1). The host may be busy with other things too."""
    return statistics.median(one[which] for one in row[2]) / statistics.median(one[which] for one in row[1])


def against_loop(row):
    """The operation's scaling by the loop's. Both were done in the same slices, so what the host gave to the guest cancels out."""
    relative = {workers: statistics.median(operations / loops for operations, loops, _ in row[workers]) for workers in (1, 2)}
    return relative[2] / relative[1]


def waits(row):
    """Contended acquisitions by lock class in the slices with two workers."""
    total = {}
    for _, _, counts in row[2]:
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
    return total


def reached(name, raeen, linux):
    """What of the goal's yardstick, the loop or Linux, whichever scales less, the operation reaches."""
    ratio = against_loop(raeen[name])
    if name not in linux:
        return ratio
    return max(ratio, ratio / against_loop(linux[name]))
