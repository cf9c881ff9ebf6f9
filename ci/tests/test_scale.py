# SPDX-License-Identifier: MIT
"""Throughput at two CPUs: the operations of src/userland/scale against a loop of plain instructions in the same run, and against Linux."""
import os
import sys

import pytest

from guest import IMAGE, ROOT

sys.path.insert(0, os.path.join(ROOT, "ci/bench"))

import scaling  # noqa: E402

ROUNDS, SLICES, MILLISECONDS = 6, 3, 400


@pytest.fixture(scope="module", autouse=True)
def program():
    scaling.build_program()


@pytest.mark.parametrize("guest", [scaling.RAEEN, scaling.LINUX])
def test_every_operation_runs(guest):
    """With one worker and with two; whatever fails ends the program. That the figures are good is another test's business."""
    rows = scaling.run(guest, 1, 150, image=IMAGE)
    assert set(scaling.REQUIRED) <= set(rows)


@pytest.mark.full
def test_two_cpus_do_nearly_twice_as_much():
    """Rounds of both guests in turn, until the figures of all together are good: a busy host makes single ones worth little."""
    raeen, linux, short = {}, {}, {}
    for _ in range(ROUNDS):
        scaling.merge(raeen, scaling.run(scaling.RAEEN, SLICES, MILLISECONDS, image=IMAGE))
        scaling.merge(linux, scaling.run(scaling.LINUX, SLICES, MILLISECONDS))
        reached = {name: scaling.reached(name, raeen, linux) for name in scaling.REQUIRED}
        short = {name: f"{ratio:.2f}" for name, ratio in reached.items() if ratio < scaling.GOAL}
        if not short:
            break
    assert not short, f"{short}; waits for locks: { {name: scaling.waits(raeen[name]) for name in short} }"


def test_figures_are_read_as_printed():
    """One worker: 100 operations by 10 loops; two: 90 by 10. A slice in which a turn never came is left out."""
    rows = scaling.parse("x\t1\t100.0\t10.0\nx\t2\t90.0\t10.0\tpipe=3\trun_queue=1\nx\t2\t0.0\t10.0\tpipe=50\n")
    assert scaling.against_loop(rows["x"]) == pytest.approx(0.9)
    assert scaling.waits(rows["x"]) == {"pipe": 3, "run_queue": 1}
    slower = scaling.parse("x\t1\t100.0\t10.0\nx\t2\t50.0\t10.0\n")
    assert scaling.reached("x", slower, rows) == pytest.approx(0.5 / 0.9)
    assert scaling.reached("x", slower, {}) == pytest.approx(0.5)
