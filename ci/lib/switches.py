# SPDX-License-Identifier: MIT
"""Builds kernels with some of what can be left out (src/kernel/README.md, "Switches")."""
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SWITCHES = ("UNIX_SOCKETS", "INOTIFY", "RSEQ", "PTRACE", "CORE_FILES", "CRASH_DUMP", "AIO")


def build_kernel(folder, headers, *on):
    """
    Builds the kernel, and the one with self-tests, in @folder/kernel; the switches @on are on, the others off. @headers: Linux's, as "make uapi" leaves
    them.
    """
    os.makedirs(folder, exist_ok=True)
    if not os.path.lexists(os.path.join(folder, "uapi")):
        os.symlink(headers, os.path.join(folder, "uapi"))
    values = [f"{name}={'yes' if name in on else 'no'}" for name in SWITCHES]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    subprocess.run(["make", "-s", "--no-print-directory", f"-j{os.cpu_count()}", "-C", os.path.join(ROOT, "src/kernel"), f"BUILD={folder}", *values, "all"],
                   env=environment, stdin=subprocess.DEVNULL, check=True)
