# SPDX-License-Identifier: MIT
"""Runs the benchmark in a guest, and finds out the other figures. Everything is measured from power-on by ci/vm --exact."""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
sys.path.insert(0, os.path.join(ROOT, "ci/lib"))

import counting  # noqa: E402
import lean  # noqa: E402

RAEEN, LINUX, LEAN = "raeen", "linux", "lean"
PLAIN, SMAP = "qemu64", "qemu64,+smep,+smap"
TIMEOUT = "600"
# What does not show in the number of instructions.
BESIDE = ("atomics", "cr3", "invlpg", "wrmsr", "ports", "mmio")
# Usable memory of a machine with 512 MiB, as its firmware tells all guests.
USABLE_KIB = 523768


def build_program():
    subprocess.run(["make", "-s", "-C", os.path.join(ROOT, "src/userland/bench"), f"BUILD={BUILD}"], check=True)


def vm_line(guest, cpu, *options):
    line = [os.path.join(ROOT, "ci/vm"), "--exact", "--cpu", cpu, "--timeout", TIMEOUT, *options]
    if guest != RAEEN:
        line.append("--linux")
    if guest == LEAN:
        line += ["--linux-kernel", lean.build()]
    return line


def run_benchmark(guest, cpu, names=()):
    """Returns {"rows": {operation: figures}, "boot": counts}."""
    with tempfile.TemporaryDirectory() as folder:
        counts = os.path.join(folder, "counts")
        line = vm_line(guest, cpu, "--mem", "1G", "--overlay", os.path.join(BUILD, "bench"), "--count", counts)
        done = subprocess.run([*line, "--", "/bench", *names], stdout=subprocess.PIPE, text=True, check=True)
        (name, boot), *marked = counting.read(counts)
    if name != "boot":
        raise RuntimeError(f"{guest}: the counting plugin did not see the boot")
    rows = {}
    for line, (_, beside) in zip(done.stdout.splitlines(), marked, strict=True):
        name, *figures, batches, units, ticks = line.split("\t")
        operations = int(batches) * int(units)
        rows[name] = dict(zip(("median", "fastest", "slowest"), map(float, figures)))
        rows[name].update({key: round(beside[key] / operations, 2) for key in BESIDE})
        rows[name].update(batches=int(batches), ticks=int(ticks), instructions=beside["instructions"])
    return {"rows": rows, "boot": {key: value for key, value in boot.items() if key != "starts"}}


def ram_used(guest):
    """KiB, with a command running from the agent; of RaeenOS without the module that is its root file system."""
    text = subprocess.run([*vm_line(guest, PLAIN, "--mem", "512M"), "--", "cat /proc/meminfo"], stdout=subprocess.PIPE,
                          text=True, check=True).stdout
    used = USABLE_KIB - int(re.search(r"MemFree: +(\d+) kB", text)[1])
    return used - (os.path.getsize(os.path.join(BUILD, "root.ext2")) >> 10 if guest == RAEEN else 0)


def kernel_size():
    """Bytes of text, read-only data and data."""
    text = subprocess.run(["size", os.path.join(BUILD, "kernel/kernel.elf")], stdout=subprocess.PIPE, text=True, check=True).stdout
    words = text.splitlines()[1].split()
    return int(words[0]) + int(words[1])


def first_line(*line):
    return subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[0]


def kernel_version(path):
    """The version's place is told by the header (Documentation/arch/x86/boot.rst: kernel_version at 0x20e)."""
    with open(path, "rb") as kernel:
        data = kernel.read(1 << 16)
    at = int.from_bytes(data[0x20e:0x210], "little") + 0x200
    return data[at:data.index(b"\0", at)].decode()


def versions(guests):
    found = {"qemu": first_line("qemu-system-x86_64", "--version"), "compiler": first_line("gcc", "--version")}
    if RAEEN in guests:
        changed = subprocess.run(["git", "-C", ROOT, "diff", "--quiet", "HEAD", "--", "src", "toolchain", "ports", "root",
                                  "grub"]).returncode
        found["raeen"] = first_line("git", "-C", ROOT, "rev-parse", "--short=12", "HEAD") + (" and changes" if changed else "")
    if LINUX in guests:
        found["linux"] = kernel_version(os.path.join(BUILD, "linux-guest/vmlinuz"))
    if LEAN in guests:
        found["lean"] = kernel_version(lean.build())
    return found
