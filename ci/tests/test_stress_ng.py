# SPDX-License-Identifier: MIT
"""
Debian's stress-ng, as it comes, at four CPUs: each of the stressors that the kernel is built for, and all of them at once. By an
ordinary user: as root it gives its capabilities up in its children, and here root has all or is not root.
"""
import pytest

from debian import overlay_of
from guest import RAEEN, run_all

STRESSORS = ("cpu", "fork", "pthread", "futex", "pipe", "mmap", "switch", "sem", "clone", "signal")
CPUS, SECONDS, SECONDS_TOGETHER = 4, 20, 60
# No judgement of speed: when a machine that does nothing at all is given up.
PATIENCE = 3000
pytestmark = pytest.mark.full


def command(stressors, instances, seconds):
    options = " ".join(f"--{name} {instances}" for name in stressors)
    return f"su raeen -c 'cd /tmp && exec stress-ng {options} --timeout {seconds} --verify --mmap-bytes 64m'"


@pytest.fixture(scope="module")
def results():
    commands = {name: command([name], CPUS, SECONDS) for name in STRESSORS}
    commands["together"] = command(STRESSORS, 1, SECONDS_TOGETHER)
    return run_all(RAEEN, commands, "--smp", CPUS, "--mem", "2G", "--overlay", overlay_of("stress-ng"),
                   timeout=len(STRESSORS) * SECONDS + SECONDS_TOGETHER + PATIENCE)


@pytest.mark.parametrize("name", STRESSORS + ("together",))
def test_stressor(results, name):
    result = results[name]
    assert result.status == 0, result.output
    assert "successful run completed" in result.output, result.output
    assert " fail: " not in result.output, result.output
