# SPDX-License-Identifier: MIT
"""Random system calls for long (src/userland/tests/fuzz.c), each seed on a release kernel and on one with its checks, with several CPUs."""
import os
import time

import pytest

from guest import BUILD, RAEEN, run_all

SEEDS, ROUNDS, CPUS = 12, 4, 4
DEBUG_IMAGE = os.path.join(BUILD, "raeen-debug.iso")


@pytest.mark.full
@pytest.mark.parametrize("image", ["release", "debug"])
def test_random_calls(image):
    first = int(os.environ.get("SEED", time.time()))
    commands = {f"seed-{seed}": f"CASE_LIMIT_MS=600000 SEED={seed} ROUNDS={ROUNDS} /tests/fuzz" for seed in range(first, first + SEEDS)}
    options = ["--image", DEBUG_IMAGE] if image == "debug" else []
    results = run_all(RAEEN, commands, "--overlay", os.path.join(BUILD, "tests"), "--mem", "1G", "--smp", CPUS, *options, timeout=3600)
    failed = {name: result.output for name, result in results.items() if result.status != 0}
    assert not failed, "\n".join(f"{name}:\n{output}" for name, output in failed.items())
