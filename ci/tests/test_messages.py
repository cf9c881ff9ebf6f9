# SPDX-License-Identifier: MIT
"""
Ports and messages (src/userland/tests/ports*.c, lending.c) on machines where events come in other orders: the storm with one, two and four CPUs and under
the checks of the debug build; priority lending where time is counted in instructions. Full: more machines, and up to a million messages. (With one CPU
and 20000 messages the storm is one of the programs of test_programs_raeen.py.)
"""
import os

import pytest

from guest import BUILD, RAEEN, run_all

full = pytest.mark.full
DEBUG_IMAGE = os.path.join(BUILD, "raeen-debug.iso")
CASE_SHARE, PATIENCE, PATIENCE_UNDER_CHECKS = 800, 1800, 5400
MANY, SOME, SOME_UNDER_CHECKS, FEW, FEW_UNDER_CHECKS = 1_000_000, 30_000, 10_000, 8_000, 2_000


def run(program, *options, timeout=PATIENCE, **environment):
    text = " ".join(f"{name}={value}" for name, value in environment.items())
    results = run_all(RAEEN, {program: f"env CASE_LIMIT_MS={timeout * CASE_SHARE} {text} /tests/{program}"}, "--mem", "1G", "--overlay",
                      os.path.join(BUILD, "tests"), *options, timeout=timeout)
    assert results[program].status == 0, results[program].output


@pytest.mark.parametrize("cpus, messages", [(4, FEW), *(pytest.param(cpus, SOME, marks=full) for cpus in (1, 2, 4))])
def test_storm(cpus, messages):
    run("ports_storm", "--smp", cpus, MESSAGES=messages)


@pytest.mark.parametrize("cpus, messages", [(4, FEW_UNDER_CHECKS), *(pytest.param(cpus, SOME_UNDER_CHECKS, marks=full) for cpus in (1, 4))])
def test_storm_under_checks(cpus, messages):
    run("ports_storm", "--image", DEBUG_IMAGE, "--smp", cpus, MESSAGES=messages)


@full
@pytest.mark.parametrize("cpus", (1, 4))
def test_storm_for_long(cpus):
    run("ports_storm", "--smp", cpus, MESSAGES=MANY)


@full
def test_storm_for_long_under_checks():
    """The order of locks and what is freed are checked all the time."""
    run("ports_storm", "--image", DEBUG_IMAGE, "--smp", 4, timeout=PATIENCE_UNDER_CHECKS, MESSAGES=MANY)


@pytest.mark.parametrize("name", ("lending", "ports_lend"))
def test_lending(name):
    """With a clock of instructions: the shares of the processor do not depend on the host."""
    run(name, "--icount", 3)
