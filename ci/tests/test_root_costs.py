# SPDX-License-Identifier: MIT
"""What files on ext2 cost, in guest instructions, against the same on Linux with a ram disk: the goals of ci/bench/goals.py. `ci/bench/root` keeps the figures."""
import os
import sys

import pytest

from guest import BUILD, IMAGE, ROOT

sys.path.insert(0, os.path.join(ROOT, "ci/bench"))

import goals  # noqa: E402
import measure  # noqa: E402

ROWS = "ext2"

pytestmark = [pytest.mark.full, pytest.mark.skipif(IMAGE != os.path.join(BUILD, "raeen.iso"), reason="figures are of the image that ships")]


@pytest.fixture(scope="module")
def medians():
    measure.build_program()
    runs = {guest: measure.run_benchmark(guest, measure.PLAIN, [ROWS], disk=True)["rows"] for guest in (measure.LINUX, measure.RAEEN)}
    return {guest: {name: row["median"] for name, row in rows.items()} for guest, rows in runs.items()}


@pytest.mark.parametrize("name", goals.DISK_RATIOS)
def test_files_cost_less_than_on_linux(medians, name):
    mine, linux, goal = medians[measure.RAEEN][name], medians[measure.LINUX][name], goals.DISK_RATIOS[name]
    assert mine <= linux * (goal or 1), f"{name}: {mine}, Linux {linux}, goal {goal}"
