# SPDX-License-Identifier: MIT
"""How many CPUs run, what is said when one does not, and that CPUs with nothing to do are left alone."""
import os
import re

import pytest

from guest import BUILD, RAEEN, console_text, vm

full = pytest.mark.full
DEBUG_IMAGE = os.path.join(BUILD, "raeen-debug.iso")
WAIT = "until dmesg | grep -Eq 'cpus: [0-9]+ of'; do sleep 0.05; done; "
SEEN = WAIT + "nproc; grep -c ^processor /proc/cpuinfo; grep -c '^cpu[0-9]' /proc/stat; dmesg | grep cpus:"


def ask(command, *options, timeout=120):
    done = vm(RAEEN, command, *options, timeout=timeout)
    assert done.returncode == 0, console_text(done.stderr)
    return done.stdout.decode()


@pytest.mark.parametrize("append, running, total", [("nr_cpus=2", 2, 4), ("nr_cpus=1", 1, 4), ("safe", 1, 2), pytest.param("nr_cpus=9", 2, 2, marks=full)])
def test_count(append, running, total):
    out = ask(SEEN, "--smp", total, "--append", append)
    assert re.match(rf"{running}\n{running}\n{running}\n", out), out
    assert "is not a number" not in out


@full
def test_more_than_are_used():
    """They are counted, and it is said."""
    out = ask(WAIT + "dmesg | grep cpus:", "--smp", 66, "--append", "nr_cpus=2")
    assert "cpus: 2 left out: beyond 64" in out and "cpus: 2 of 66 run" in out, out


@pytest.mark.parametrize("value", ["0", pytest.param("two", marks=full)])
def test_wrong_number(value):
    out = ask(SEEN, "--smp", 2, "--append", f"nr_cpus={value}")
    assert out.startswith("2\n2\n2\n"), out
    assert out.count(f"nr_cpus={value} is not a number from 1 on, all CPUs are used") == 1, out


@full
def test_cpu_that_does_not_start():
    """It is reported and left out, and the rest works. Whoever wanted to run there only is told."""
    command = WAIT + "dmesg | grep cpus:; nproc; taskset -c 2 echo never; echo $?; taskset -c 1,2 echo yes"
    out = ask(command, "--image", DEBUG_IMAGE, "--smp", 4, "--icount", 3, "--append", "debug_lost_cpu=2", timeout=300)
    assert re.search(r"cpus: CPU 2 \(APIC id 2\) did not start, going on without it\n.*cpus: 3 of 4 run\n3\n[1-9]\d*\nyes\n", out), out


def test_no_wake_up_is_lost():
    """Who is woken by another CPU while he falls asleep does not sleep; and a signal whose handler another CPU takes away goes nowhere else."""
    done = vm(RAEEN, "/tests/futex wakes_meet_sleeps && /tests/threads handler_taken_away", "--smp", 2, "--overlay", os.path.join(BUILD, "tests"))
    assert done.returncode == 0 and b"ok futex: " in done.stdout and b"ok threads: " in done.stdout, done.stdout.decode() + console_text(done.stderr)


def test_idle_cpus_are_left_alone():
    """
    CPUs without work have no ticks, which would be a thousand in ten seconds of the guest's time, but only the interrupts of timers there are: load
    average, the example service, our sleep, and one a second at the latest, as far as the hardware counts.
    """
    out = ask(WAIT + "sleep 1; grep LOC: /proc/interrupts; sleep 10; grep LOC: /proc/interrupts", "--smp", 2, "--icount", 3, "--qemu", "-vga none")
    before, after = ([int(word) for word in re.findall(r"\d+", line)] for line in out.splitlines())
    assert len(before) == 2 and all(late - early <= 40 for early, late in zip(before, after)), out


def busy_and_idle(stat):
    """By CPU, in hundredths of a second."""
    fields = [list(map(int, line.split())) for line in re.findall(r"^cpu\d+ (.*)$", stat, re.MULTILINE)]
    return [(user + nice + system, idle) for user, nice, system, idle, *_ in fields]


def test_busy_and_idle_times():
    """CPUs without work count as idle, also what was before they started, and the one with work as busy."""
    hog = "taskset -c 1 sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done'"
    # As long as the boot took, and a little: that keeps one of them busy, on a slow host for long.
    out = ask(f"{WAIT} sleep $(cut -d . -f 1 /proc/uptime); sleep 2; cat /proc/stat; echo --; {hog}; cat /proc/stat", "--smp", 3)
    before, after = map(busy_and_idle, out.split("--"))
    assert len(before) == len(after) == 3
    assert all(idle > busy for busy, idle in before), out
    busy, idle = zip(*((late[0] - early[0], late[1] - early[1]) for early, late in zip(before, after)))
    assert busy[1] > 4 * idle[1] and idle[2] > 4 * busy[2], out
