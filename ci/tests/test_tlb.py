# SPDX-License-Identifier: MIT
"""Taking memory away from threads on other CPUs (src/userland/tests/tlb.c) with several of them; with one it is a program among the others."""
import os

import pytest

from guest import BUILD, LINUX, RAEEN, vm


@pytest.mark.parametrize("guest, cpus, threads", [
    (RAEEN, 2, "multi"), pytest.param(LINUX, 2, "multi", marks=pytest.mark.full), pytest.param(RAEEN, 4, "multi", marks=pytest.mark.full),
    pytest.param(RAEEN, 2, "single", marks=pytest.mark.full),
])
def test_memory_taken_away(guest, cpus, threads):
    done = vm(guest, "/tests/tlb", "--smp", cpus, "--accel", f"tcg,thread={threads}", "--overlay", os.path.join(BUILD, "tests"), timeout=400)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert done.stdout.startswith(b"ok tlb: ")
