# SPDX-License-Identifier: MIT
"""
Shares of CPUs to the percent: src/userland/tests/fairness.c and fairness_cpus.c on machines whose clock counts instructions.

With several CPUs QEMU runs one after the other then, each until something is due. So that none waits long, the PIT, which RaeenOS does not use on these
machines, is made to have something due every 50 us. With two CPUs it would always be the same one's turn: three are the fewest. The firmware uses the PIT,
too: so that is done when the command runs, which waits for a key until then.
"""
import os
import re
import subprocess
import time

import pytest

from guest import BUILD, RAEEN, console_text, vm_line
from qmp import Qmp

WINDOWS = [1000, pytest.param(10000, marks=pytest.mark.full)]
ONE_CPU = ["equal_hogs", "nice_hogs", "idle_class", "fifo_keeps_the_cpu", "round_robin_takes_turns", "realtime_settings", "realtime_budget",
           "sleeper_on_one_cpu", "length_of_the_queue", "length_of_the_level"]
# Channel 0, both bytes, a square wave of 100 us.
PIT_SQUARE_WAVE = ("0x43 0x36", "0x40 119", "0x40 0")
WAIT_FOR_KEY = "echo the command waits >/dev/console; read key </dev/tty1"


def interleave_cpus(machine, console, monitor):
    """Sets the PIT of @machine (Popen), whose command has begun with WAIT_FOR_KEY, and lets that go on. Paths of its console's text and of its monitor."""
    connection = Qmp.connect(str(monitor), timeout=60)
    while machine.poll() is None and not (console.exists() and b"the command waits" in console.read_bytes()):
        time.sleep(0.05)
    for values in PIT_SQUARE_WAVE:
        connection.call("human-monitor-command", **{"command-line": f"o/b {values}"})
    connection.press("ret")


def run(folder, cpus, window, programs, timeout=500):
    """Returns the CompletedProcess-like (status, output) of the programs, given with their cases."""
    console, monitor = folder / "console", folder / "qmp"
    command = f"export EXACT=1 WINDOW_MS={window}; {' && '.join('/tests/' + program for program in programs)}"
    options = ["--smp", cpus, "--icount", 3, "--overlay", os.path.join(BUILD, "tests"), "--timeout", timeout]
    if cpus > 1:
        options += ["--console", console, "--qmp", monitor]
        command = f"{WAIT_FOR_KEY}; {command}"
    machine = subprocess.Popen(vm_line(RAEEN, *options) + ["--", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    if cpus > 1:
        interleave_cpus(machine, console, monitor)
    output, errors = machine.communicate(timeout=timeout + 60)
    return machine.returncode, output.decode() + console_text(errors)


@pytest.mark.parametrize("window", WINDOWS)
def test_one_cpu(tmp_path, window):
    status, output = run(tmp_path, 1, window, ["fairness " + " ".join(ONE_CPU)])
    assert status == 0, output
    # The figures were there and not only not wrong.
    assert len(re.findall(r"hog \d: ", output)) >= 15 and " beside 1000" in output and "of 1000 at one level" in output, output


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("cpus", [3, 4])
def test_several_cpus(tmp_path, cpus, window):
    status, output = run(tmp_path, cpus, window, ["fairness sleeper_on_all_cpus", "fairness_cpus"])
    assert status == 0, output
