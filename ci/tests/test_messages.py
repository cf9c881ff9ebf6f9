# SPDX-License-Identifier: MIT
"""
Ports and messages (src/userland/tests/ports*.c, lending.c) on machines where events come in other orders: the storm with one, two and four CPUs and under
the checks of the debug build; priority lending where time is counted in instructions. Full: a million messages.
"""
import os

import pytest

from guest import BUILD, RAEEN, run_all

DEBUG_IMAGE = os.path.join(BUILD, "raeen-debug.iso")
CASE_MS, PATIENCE = 1_500_000, 1800
MANY, SOME, FEW = 1_000_000, 30_000, 10_000


def run(program, *options, **environment):
    text = " ".join(f"{name}={value}" for name, value in environment.items())
    results = run_all(RAEEN, {program: f"env CASE_LIMIT_MS={CASE_MS} {text} /tests/{program}"}, "--mem", "1G", "--overlay",
                      os.path.join(BUILD, "tests"), *options, timeout=PATIENCE)
    assert results[program].status == 0, results[program].output


@pytest.mark.parametrize("cpus", (1, 2, 4))
def test_storm(cpus):
    run("ports_storm", "--smp", cpus, MESSAGES=SOME)


@pytest.mark.parametrize("cpus", (1, 4))
def test_storm_under_checks(cpus):
    run("ports_storm", "--image", DEBUG_IMAGE, "--smp", cpus, MESSAGES=FEW)


@pytest.mark.full
@pytest.mark.parametrize("cpus", (1, 4))
def test_storm_for_long(cpus):
    run("ports_storm", "--smp", cpus, MESSAGES=MANY)


@pytest.mark.full
def test_storm_for_long_under_checks():
    """The order of locks and what is freed are checked all the time."""
    run("ports_storm", "--image", DEBUG_IMAGE, "--smp", 4, MESSAGES=MANY)


@pytest.mark.parametrize("name", ("lending", "ports_lend"))
def test_lending(name):
    """With a clock of instructions: the shares of the processor do not depend on the host."""
    run(name, "--icount", 3)
