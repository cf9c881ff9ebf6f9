# SPDX-License-Identifier: MIT
"""File systems that are services (src/kernel/vfs/served): src/userland/tests/served.c and others, with the kernel's own disk for tests."""
import os

import pytest

from guest import BUILD, RAEEN, vm

TESTS = os.path.join(BUILD, "tests")


@pytest.mark.parametrize("cpus", [pytest.param(1, marks=pytest.mark.full), 2, pytest.param(4, marks=pytest.mark.full)])
def test_program(cpus):
    done = vm(RAEEN, "/tests/served", "--append", "served", "--overlay", TESTS, "--smp", str(cpus), timeout=600)
    assert done.returncode == 0 and b"ok served: " in done.stdout, done.stdout.decode() + done.stderr.decode()


@pytest.mark.parametrize("program", ["served_calls", "served_changes"])
@pytest.mark.parametrize("cpus", [1, pytest.param(4, marks=pytest.mark.full)])
def test_program_with_disk(program, cpus):
    """What a server does with blocks, on the memory disk that the kernel for self-tests makes."""
    done = vm(RAEEN, f"/tests/{program}", "--append", "selftest served test_disk=1024", "--overlay", TESTS, "--smp", str(cpus), timeout=600)
    assert done.returncode == 0 and f"ok {program}: ".encode() in done.stdout, done.stdout.decode() + done.stderr.decode()


def test_nobody_serves():
    """The type is known, as / is of it; what nobody serves is an error at once, and nothing is mounted."""
    done = vm(RAEEN, "grep -c served /proc/filesystems; mount -t served files /mnt; mount -t served '' /mnt; grep -c /mnt /proc/mounts")
    assert done.stderr.count(b"No such file or directory") == 2 and done.stdout == b"1\n0\n", done.stdout.decode() + done.stderr.decode()
