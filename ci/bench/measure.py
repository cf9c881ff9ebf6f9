# SPDX-License-Identifier: MIT
"""Runs the benchmark in a guest, and finds out the other figures. Everything is measured from power-on by ci/vm --exact."""
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
sys.path.insert(0, os.path.join(ROOT, "ci/lib"))

import counting  # noqa: E402
import lean  # noqa: E402
import linux_guest  # noqa: E402

RAEEN, LINUX, LEAN = "raeen", "linux", "lean"
PLAIN, SMAP = "qemu64", "qemu64,+smep,+smap"
TIMEOUT = "600"
# Where the rows on ext2 are measured. Linux gets a ram disk with a file system as mke2fs makes it; RaeenOS has one at /. Without a folder there the
# program leaves these rows out.
DISK_KIB = 65536
DISK_OF_LINUX = f"[ ! -e /brd.ko ] || insmod /brd.ko rd_nr=1 rd_size={DISK_KIB}; mke2fs -b 4096 -m 0 /dev/ram0 >/dev/null && mkdir /disk && " \
                "mount -t ext2 /dev/ram0 /disk && mkdir /disk/bench && export BENCH_DISK=/disk/bench"
DISK_OF_RAEEN = "mkdir /root/bench && export BENCH_DISK=/root/bench"
# What does not show in the number of instructions.
BESIDE = ("atomics", "cr3", "invlpg", "wrmsr", "ports", "mmio")
# Usable memory of a machine with 512 MiB, as its firmware tells all guests.
USABLE_KIB = 523768


def build_program():
    subprocess.run(["make", "-s", "-C", os.path.join(ROOT, "src/userland/bench"), f"BUILD={BUILD}"], check=True)


def vm_line(guest, cpu, *options, kernel=lean.LEAN):
    line = [os.path.join(ROOT, "ci/vm"), "--exact", "--cpu", cpu, "--timeout", TIMEOUT, *options]
    if guest != RAEEN:
        line.append("--linux")
    if guest == LEAN:
        line += ["--linux-kernel", lean.build(kernel)]
    return line


def run_benchmark(guest, cpu, names=(), disk=False, programs_before=0):
    """
    Returns {"rows": {operation: figures}, "boot": counts}. With @disk the rows on ext2, too. As many @programs_before draw random numbers for their places,
    so the benchmark's memory lies in others.
    """
    with tempfile.TemporaryDirectory() as folder:
        counts = os.path.join(folder, "counts")
        overlay, words, before = disk_of(guest, folder) if disk else (os.path.join(BUILD, "bench"), [], "true")
        line = vm_line(guest, cpu, "--mem", "1G", "--overlay", overlay, "--count", counts, *words,
                       kernel=lean.WITH_EXT2 if disk else lean.LEAN)
        command = "/bin/true && " * programs_before + f"{before} && exec /bench {shlex.join(names)}" if disk or programs_before else None
        done = subprocess.run([*line, "--", *([command] if disk else ["/bench", *names])], stdout=subprocess.PIPE, text=True, check=True)
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


def disk_of(guest, folder):
    """(overlay, options of ci/vm, shell command) by which the program has ext2 at $BENCH_DISK."""
    if guest == RAEEN:
        return os.path.join(BUILD, "bench"), [], DISK_OF_RAEEN
    overlay = os.path.join(folder, "overlay")
    shutil.copytree(os.path.join(BUILD, "bench"), overlay)
    if guest == LINUX:
        shutil.copy(linux_guest.module(BUILD, "drivers/block/brd"), overlay)
    return overlay, [], DISK_OF_LINUX


def ram_used(guest):
    """KiB, with a command running from the agent; of RaeenOS without the module that is its root file system."""
    text = subprocess.run([*vm_line(guest, PLAIN, "--mem", "512M"), "--", "cat /proc/meminfo"], stdout=subprocess.PIPE,
                          text=True, check=True).stdout
    used = USABLE_KIB - int(re.search(r"MemFree: +(\d+) kB", text)[1])
    return used - (os.path.getsize(os.path.join(BUILD, "root.ext2")) >> 10 if guest == RAEEN else 0)


def kernel_size(folder=BUILD):
    """Bytes of text, read-only data and data of the kernel that was built in @folder."""
    text = subprocess.run(["size", os.path.join(folder, "kernel/kernel.elf")], stdout=subprocess.PIPE, text=True, check=True).stdout
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


def commit():
    """Of the tree, and whether what the image is made of has been changed since."""
    changed = subprocess.run(["git", "-C", ROOT, "diff", "--quiet", "HEAD", "--", "src", "toolchain", "ports", "root", "grub"]).returncode
    return first_line("git", "-C", ROOT, "rev-parse", "--short=12", "HEAD") + (" and changes" if changed else "")


def versions(guests):
    found = {"qemu": first_line("qemu-system-x86_64", "--version"), "compiler": first_line("gcc", "--version")}
    if RAEEN in guests:
        found["raeen"] = commit()
    if LINUX in guests:
        found["linux"] = kernel_version(os.path.join(BUILD, "linux-guest/vmlinuz"))
    if LEAN in guests:
        found["lean"] = kernel_version(lean.build())
    return found
