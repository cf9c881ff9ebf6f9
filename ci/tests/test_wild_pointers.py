# SPDX-License-Identifier: MIT
"""What every call says to every kind of bad pointer (src/userland/tests/wild.c): the same as Linux."""
import os

import pytest

from guest import BUILD, LINUX, RAEEN, vm

# call, argument, pointer -> why RaeenOS differs.
DIFFERENCES = {
    ("futex", "addr", "read-only"): "Linux refuses to wait on private memory that cannot change; here the wait runs into its time-out",
}


def outcomes(guest):
    done = vm(guest, "/tests/wild --list", "--overlay", os.path.join(BUILD, "tests"), timeout=240)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    rows = [line.split(None, 3) for line in done.stdout.decode().splitlines() if not line.startswith("ok ")]
    return {tuple(row[:3]): row[3] for row in rows}


@pytest.fixture(scope="module")
def both():
    return outcomes(RAEEN), outcomes(LINUX)


def test_all_calls_were_tried(both):
    ours, linux = both
    assert len(ours) > 1000 and ours.keys() == linux.keys()


def test_outcomes_are_those_of_linux(both):
    ours, linux = both
    differ = {key: (value, linux[key]) for key, value in ours.items() if value != linux[key]}
    assert differ.keys() == DIFFERENCES.keys(), differ
