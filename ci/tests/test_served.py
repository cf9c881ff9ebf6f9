# SPDX-License-Identifier: MIT
"""File systems that are services (src/kernel/vfs/served): src/userland/tests/served.c, where they are switched on; elsewhere there are none."""
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


def test_switched_off():
    done = vm(RAEEN, "mount -t served files /mnt; grep -c served /proc/filesystems")
    assert b"No such device" in done.stderr and done.stdout == b"0\n", done.stdout.decode() + done.stderr.decode()
