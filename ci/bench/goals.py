# SPDX-License-Identifier: MIT
"""What is to be reached. SHORT says, for what is not, why, and what was tried."""

# Operation of src/userland/bench/main.c: the most that RaeenOS may take of what the stock Linux takes.
RATIOS = {
    "getppid": 0.17,
    "clock_gettime": 0.40,
    "clock_gettime, the vDSO's symbol": None,
    "pread 1 B cached": 0.12,
    "pread 4 KiB cached": 0.37,
    "stat": 0.10,
    "stat, 16 names in turn": None,
    "open+close": 0.10,
    "open+close, 16 names in turn": None,
    "create+unlink on tmpfs": 0.10,
    "mmap+munmap 16 KiB untouched": 0.06,
    "mmap+munmap 16 KiB touched": 0.15,
    "anonymous fault": 0.30,
    "mapped file, read, a page": 0.10,
    "signal to self, handled": 0.20,
    "pipe 64 B round trip": 0.14,
    "futex round trip": 0.12,
    "pthread create+join": 0.12,
    "fork+exit+wait, 280 pages": 0.12,
    "fork+exec+wait": 0.10,
    "fork+exit+wait, 256 MiB": 0.02,
    "epoll_wait over 500 descriptors": 0.40,
    "unix stream 64 B round trip": 0.10,
    "unix seqpacket 64 B round trip": 0.12,
}

# The same of whole programs, on a tree of files (tree_costs.py).
PROGRAM_RATIOS = {
    "tar x, 5,000 files on tmpfs": 0.40,
    "find, 5,000 files on tmpfs": 0.40,
    "rm -r, 5,000 files on tmpfs": 0.40,
}

# The same on ext2, RaeenOS's root file system and a ram disk of the stock Linux (ci/bench/root).
DISK_RATIOS = {
    "create+unlink on ext2": 0.60,
    "append 4 KiB on ext2": 0.60,
    "create+unlink on ext2, 64 and syncfs": None,
    "append 4 KiB on ext2, 64 and fsync": None,
}

# Native calls, which only RaeenOS has: the most instructions. Between two processes.
NATIVE = {
    "message 64 B, call+reply": 300,
    "message 128 B, call+reply": 340,
    "message 4 KiB, empty reply": 1_000,
    "notify+wake": 200,
    "null native call": 60,
}
# What others need for a call and its answer on the same emulator.
REFERENCES = {
    "seL4, empty, its fast path": 395,
    "seL4, 10 words": 1_572,
    "seL4, 120 words": 2_672,
    "Linux, pipe": 10_363,
    "Linux, unix seqpacket": 14_570,
}

BOOT_INSTRUCTIONS = 10_000_000
# Text, read-only data and data: of the kernel as it ships, and without all that can be left out (src/kernel/adr/0025-*).
KERNEL_BYTES = 663_500
SMALLEST_KERNEL_BYTES = 600_000
RAM_KIB = 6 * 1024

SHORT = {}
