# SPDX-License-Identifier: MIT
"""What each port's recipe promises (TEST and EXPECT), tried in the guest."""
import json
import os
import re
import subprocess

import pytest

from guest import RAEEN, ROOT, run_all


def port_tests():
    listed = subprocess.run([os.path.join(ROOT, "ports/list-tests")], check=True, stdout=subprocess.PIPE).stdout
    counts = {}
    for entry in json.loads(listed):
        counts[entry["name"]] = counts.get(entry["name"], 0) + 1
        yield f"{entry['name']}-{counts[entry['name']]}", entry["test"], entry["expect"]


TESTS = list(port_tests())


@pytest.fixture(scope="module")
def results():
    return run_all(RAEEN, {name: command for name, command, _ in TESTS})


@pytest.mark.parametrize("name, command, expected", TESTS, ids=[name for name, _, _ in TESTS])
def test_port(results, name, command, expected):
    result = results[name]
    assert result.status == 0, f"{command}\n{result.output}"
    assert re.fullmatch(expected, result.output.rstrip("\n")), f"{command}\nprinted {result.output!r}, not {expected!r}"
