# SPDX-License-Identifier: MIT
"""
Random system calls for long (src/userland/tests/fuzz.c), on a release kernel and on one with its checks, with several CPUs: some seeds, after which nothing
may be left; then ten minutes as root and as a user at once: the kernel lives, and each process ends that is killed.
"""
import os
import time

import pytest

from guest import BUILD, RAEEN, run_all

SEEDS, ROUNDS, CPUS = 12, 4, 4
SECONDS = 600
# For the guest to start and to end: no judgement of speed.
PATIENCE = 1800
DEBUG_IMAGE = os.path.join(BUILD, "raeen-debug.iso")
pytestmark = pytest.mark.full


def run(image, commands):
    """Runs @commands on the kernel of that kind; all must succeed."""
    options = ["--image", DEBUG_IMAGE] if image == "debug" else []
    overlay = os.path.join(BUILD, "tests")
    results = run_all(RAEEN, commands, "--overlay", overlay, "--mem", "1G", "--smp", CPUS, *options, timeout=SECONDS + 2 * PATIENCE)
    failed = {name: result.output for name, result in results.items() if result.status != 0}
    assert not failed, "\n".join(f"{name}:\n{output}" for name, output in failed.items())


def first_seed():
    return int(os.environ.get("SEED", time.time()))


@pytest.mark.parametrize("image", ["release", "debug"])
def test_random_calls(image):
    first = first_seed()
    seeds = range(first, first + SEEDS)
    run(image, {f"seed-{seed}": f"CASE_LIMIT_MS=600000 SEED={seed} ROUNDS={ROUNDS} /tests/fuzz as_user as_root" for seed in seeds})


@pytest.mark.parametrize("image", ["release", "debug"])
def test_root_and_a_user_at_once(image):
    seed = first_seed()
    run(image, {f"seed-{seed}": f"CASE_LIMIT_MS={(SECONDS + PATIENCE) * 1000} SEED={seed} SECONDS={SECONDS} /tests/fuzz at_once"})
