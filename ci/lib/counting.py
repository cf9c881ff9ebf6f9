# SPDX-License-Identifier: MIT
"""The counting plugin (ci/plugin): building it, QEMU's option for it, reading what it writes."""
import fcntl
import glob
import os
import struct
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCES = os.path.join(ROOT, "ci/plugin")
CFLAGS = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fPIC", "-shared", "-fvisibility=hidden"]
# Where QEMU's Linux loader puts, and enters, the protected-mode part of a bzImage.
LINUX_ENTRY = 0x100000
ELF_ENTRY = struct.Struct("<24xQ")


def build(folder):
    """Returns the plugin, built anew when its sources are newer. Safe against others doing the same."""
    target = os.path.join(folder, "plugin/count.so")
    sources = sorted(glob.glob(os.path.join(SOURCES, "*.[ch]")))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(target) or os.path.getmtime(target) < max(map(os.path.getmtime, sources)):
            code = [source for source in sources if source.endswith(".c")]
            subprocess.run(["gcc", *CFLAGS, "-o", target + ".new", *code], check=True)
            os.rename(target + ".new", target)
    return target


def plugin(options):
    """The value of QEMU's -plugin for the options of ci/vm."""
    entry = LINUX_ENTRY if options.linux else raeen_entry(options.build)
    words = [build(options.build), f"out={os.path.abspath(options.count)}", f"entry={entry:#x}", "mmio=on"]
    if options.boot_cpu:
        words.append("boot-cpu=on")
    if options.profile:
        words.append(f"profile={os.path.abspath(options.profile)}")
    return ",".join(word.replace(",", ",,") for word in words)


def raeen_entry(folder):
    """GRUB loads the kernel where it is linked, unless that place is taken."""
    with open(os.path.join(folder, "kernel/kernel.elf"), "rb") as kernel:
        return ELF_ENTRY.unpack(kernel.read(ELF_ENTRY.size))[0]


def read(path):
    """A list of (name, {count: value}), as the plugin's lines came."""
    counts = []
    with open(path) as lines:
        for line in lines:
            name, *words = line.split()
            counts.append((name, {key: int(value) for key, value in (word.split("=") for word in words)}))
    return counts
