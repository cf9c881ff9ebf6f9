# SPDX-License-Identifier: MIT
"""
The stress suite (src/userland/stress) on a machine with four CPUs: each storm for a moment, and all of them at once. For half an
hour in all (full), with the guest's CPUs on one and on two cores of the host, in turn or side by side, so that events come in
other orders. What ends a storm is its time in the guest, but never before each of its workers has done something; what fails it
is a wrong result, or that nothing moves any more.
"""
import os
import re
import time

import pytest

from guest import BUILD, LINUX, RAEEN, ROOT, run_all

CPUS, MANY_CPUS = 4, 8
SHORT_SECONDS, CHECKED_SECONDS, FULL_SECONDS = 30, 120, 450
THREADS = ("multi", "single")
HOST_CORES = (1, 2)
# Of the whole time, for all storms at once.
TOGETHER = 0.2
# No judgement of speed: when a machine that does nothing at all is given up.
PATIENCE = 1800
DEBUG_IMAGE = os.path.join(BUILD, "raeen-debug.iso")


def storms():
    with open(os.path.join(ROOT, "src/userland/stress/stress.h")) as header:
        names = re.findall(r"\bX\((\w+)\)", header.read())
    return names + ["together"]


def run(guest, seconds, *options, cpus=CPUS):
    """All storms in one boot, @seconds in all. Returns name -> Result."""
    seed = int(os.environ.get("SEED", time.time()))
    names = storms()
    each = max(1, round(seconds * (1 - TOGETHER) / (len(names) - 1)))
    commands = {name: f"/stress --seed {seed} --seconds {each} {name}" for name in names}
    commands["together"] = f"/stress --seed {seed} --seconds {round(seconds * TOGETHER)} --workers {cpus} --together"
    return run_all(guest, commands, "--smp", cpus, "--mem", "1G", "--overlay", os.path.join(BUILD, "stress"), *options,
                   timeout=seconds + PATIENCE)


def check(results, storm):
    assert results[storm].status == 0, results[storm].output


def check_all(results):
    failed = {storm: result.output for storm, result in results.items() if result.status != 0}
    assert not failed, "\n".join(f"--- {storm}\n{output}" for storm, output in failed.items())


@pytest.fixture(scope="module")
def results():
    return run(RAEEN, SHORT_SECONDS, "--accel", "tcg,thread=multi")


@pytest.mark.parametrize("storm", storms())
def test_storm(results, storm):
    check(results, storm)


@pytest.mark.full
@pytest.mark.parametrize("cores", HOST_CORES)
@pytest.mark.parametrize("thread", THREADS)
def test_storms_for_long(thread, cores):
    if len(os.sched_getaffinity(0)) < cores:
        pytest.skip(f"the host has fewer than {cores} cores")
    results = run(RAEEN, FULL_SECONDS, "--accel", f"tcg,thread={thread}", "--host-cores", cores)
    check_all(results)


@pytest.mark.full
def test_storms_under_checks():
    """The order of locks, and memory that is used after it was freed."""
    check_all(run(RAEEN, CHECKED_SECONDS, "--image", DEBUG_IMAGE, "--accel", "tcg,thread=multi"))


@pytest.mark.full
def test_storms_on_many_cpus():
    check_all(run(RAEEN, SHORT_SECONDS, "--accel", "tcg,thread=multi", cpus=MANY_CPUS))


@pytest.mark.full
def test_storms_on_linux():
    """What the storms expect is what Linux does."""
    check_all(run(LINUX, SHORT_SECONDS, "--accel", "tcg,thread=multi"))
