# SPDX-License-Identifier: MIT
"""The in-guest test programs on other machines: an old processor with little memory, two processors, safe mode."""
import pytest

import programs
from guest import RAEEN

pytestmark = pytest.mark.full
MACHINES = {
    "qemu64-pc-96M": ["--machine", "pc", "--cpu", "qemu64", "--mem", "96M"],
    "smp2": ["--smp", "2"],
    "safe": ["--append", "safe"],
}


@pytest.mark.parametrize("machine", MACHINES)
def test_programs(machine):
    results = programs.run(RAEEN, *MACHINES[machine], only=programs.wherever())
    failed = {name: result.output for name, result in results.items() if result.status != 0}
    assert not failed, "\n".join(f"--- {name}\n{output}" for name, output in failed.items())
