# SPDX-License-Identifier: MIT
"""
Debian's stress-ng, as it comes, at four CPUs: each of the stressors that the kernel is built for, and all of them at once; then whole
classes, a minute each, on Linux too: none may fail that does not fail there. By an ordinary user: as root it gives its capabilities
up in its children, and here root has all or is not root.
"""
import functools
import re

import pytest

from debian import overlay_of
from guest import LINUX, RAEEN, features, run_all

STRESSORS = ("cpu", "fork", "pthread", "futex", "pipe", "mmap", "switch", "sem", "clone", "signal")
CPUS, SECONDS, SECONDS_TOGETHER = 4, 20, 60
# No judgement of speed: when a machine that does nothing at all is given up.
PATIENCE = 3000
# What classes have so many stressors, one after the other: each gets its share of the minute, in whole seconds.
CLASSES = {"pipe": 8, "interrupt": 28, "scheduler": 49, "filesystem": 51, "memory": 56, "vm": 36}
CLASS_SECONDS, CLASS_CPUS = 60, 2
# There is no class of processes. These do nothing but make and end them, all at once.
PROCESSES = ("clone", "daemon", "exec", "exit-group", "fork", "kill", "pidfd", "pthread", "session", "spawn", "vfork", "wait", "zombie")
# Those that fail here and not on Linux, each with the reason.
DIFFERENT = {stressor: f"the kernel is built without {feature}" for stressor, feature in (("inotify", "inotify"), ("aiol", "aio")) if feature not in features()}
# Stops itself to be traced and waits for ever, where there is no ptrace.
LEFT_OUT = () if "ptrace" in features() else ("vm-segv",)
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


def class_options(name):
    if name == "process":
        return " ".join(f"--{stressor} 1" for stressor in PROCESSES) + f" --timeout {CLASS_SECONDS}"
    left_out = f"--exclude {','.join(LEFT_OUT)}" if LEFT_OUT else ""
    return f"--class {name} {left_out} --sequential 1 --timeout {-(-CLASS_SECONDS // CLASSES[name])}"


@functools.cache
def class_results(name):
    """[Result on Linux, Result here]"""
    line = f"su raeen -c 'cd /tmp && exec stress-ng {class_options(name)} --verify --verbose --oomable'"
    options = ("--mem", "1G", "--smp", CLASS_CPUS, "--overlay", overlay_of("stress-ng"))
    return [run_all(guest, {name: line}, *options, timeout=PATIENCE)[name] for guest in (LINUX, RAEEN)]


def failed(result):
    """The stressors that found something wrong, or died; not those that stress-ng killed since they took long to end."""
    assert re.search(r"(un)?successful run completed", result.output), result.output
    return set(re.findall(r"fail: +\[\d+\] ([a-z0-9-]+):", result.output) +
               re.findall(r"process \[\d+\] \((?:stress-ng-)?([a-z0-9-]+)\) terminated (?:with an error|on signal: (?!9 ))", result.output))


def failed_here_only(name):
    there, here = (failed(result) for result in class_results(name))
    return here - there


@pytest.mark.parametrize("name", ("process", *CLASSES))
def test_class(name):
    more = failed_here_only(name) - DIFFERENT.keys()
    assert not more, f"{' '.join(sorted(more))}:\n{class_results(name)[1].output}"


def test_list_of_differences_is_current():
    fail = set().union(*(failed_here_only(name) for name in CLASSES))
    assert not DIFFERENT.keys() - fail, "these do not fail: take them off DIFFERENT"
