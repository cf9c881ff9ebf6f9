# SPDX-License-Identifier: MIT
"""
Debian's stress-ng, as it comes, at four CPUs: each of the stressors that the kernel is built for, and all of them at once; then whole
classes, each stressor a moment, on Linux too: none may fail that does not fail there. By an ordinary user: as root it gives its capabilities
up in its children, and here root has all or is not root.
"""
import re

import pytest

from debian import overlay_of
from guest import LINUX, RAEEN, features, run_all

STRESSORS = ("cpu", "fork", "pthread", "futex", "pipe", "mmap", "switch", "sem", "clone", "signal")
CPUS, SECONDS, SECONDS_TOGETHER = 4, 20, 60
# No judgement of speed: when a machine that does nothing at all is given up.
PATIENCE = 3000
CLASSES = ("pipe", "scheduler", "vm", "filesystem", "interrupt")
# Those that may fail here, and the calls that they need.
MISSING = {
    **({} if "inotify" in features() else {"inotify": "inotify_init"}),
    "handle": "name_to_handle_at",
    "ioprio": "ioprio_get",
    "aiol": "io_setup",
}
# Stops itself to be traced and waits for ever, where there is no ptrace.
LEFT_OUT = "vm-segv"
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


@pytest.fixture(scope="module")
def class_results():
    commands = {name: f"su raeen -c 'cd /tmp && exec stress-ng --class {name} --exclude {LEFT_OUT} --sequential 1 --timeout 1 --verify --oomable'"
                for name in CLASSES}
    return [run_all(guest, commands, "--mem", "1G", "--overlay", overlay_of("stress-ng"), timeout=PATIENCE) for guest in (LINUX, RAEEN)]


def failed(result):
    """The stressors that found something wrong."""
    assert re.search(r"(un)?successful run completed", result.output), result.output
    return set(re.findall(r"fail: +\[\d+\] ([a-z0-9-]+):", result.output) +
               re.findall(r"process \[\d+\] \(([a-z0-9-]+)\) terminated with an error", result.output))


@pytest.mark.parametrize("name", CLASSES)
def test_class(class_results, name):
    expected, result = (results[name] for results in class_results)
    assert failed(result) - failed(expected) <= MISSING.keys(), result.output
