# SPDX-License-Identifier: MIT
"""What operations cost, against the figures kept in ci/bench (make bench RENEW=1 renews them) and the goals."""
import json
import os
import statistics
import subprocess
import sys

import pytest

from guest import BUILD, IMAGE, ROOT, features, vm_line
from switches import SWITCHES

sys.path.insert(0, os.path.join(ROOT, "ci/bench"))

import counting  # noqa: E402
import goals  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402
import tree_costs  # noqa: E402

# Figures repeat to the instruction as long as the kernel is the same. Any change of it moves some by a few.
BOUND, SLACK = 1.10, 3
# Of fork the figures depend on where a program's memory happens to lie, which differs between builds of the same kernel.
BY_ADDRESS, BOUND_BY_ADDRESS = ("fork+exit+wait, 280 pages", "fork+exec+wait"), 1.25
SINCE_FIRST, PLACES = 1.05, 9
# What makes and frees page tables, of which the number depends on where memory happens to lie: by up to 4 % from run to run.
OF_PLACES = ("mapped file, read, a page", "mmap+munmap 16 KiB touched", "pthread create+join", *BY_ADDRESS)
# From the start mark to the stop mark in main.c beside the loop: reading the counter twice, and the calls.
AROUND_LOOP = 16

pytestmark = pytest.mark.skipif(IMAGE != os.path.join(BUILD, "raeen.iso") or features() != {name.lower() for name in SWITCHES},
                                reason="figures are of the image that ships")


@pytest.fixture(scope="module")
def kept():
    with open(os.path.join(ROOT, "ci/bench/figures.json")) as source:
        return json.load(source)


@pytest.fixture(scope="module", autouse=True)
def program():
    measure.build_program()


@pytest.fixture(scope="module")
def raeen():
    return measure.run_benchmark(measure.RAEEN, measure.PLAIN)


def test_no_figure_has_grown(raeen, kept):
    before = kept["runs"][f"{measure.RAEEN}/{measure.PLAIN}"]
    assert list(raeen["rows"]) == list(before["rows"])
    grown = [f"{name}: {row['median']}, kept {before['rows'][name]['median']}" for name, row in raeen["rows"].items()
             if row["median"] > before["rows"][name]["median"] * (BOUND_BY_ADDRESS if name in BY_ADDRESS else BOUND) + SLACK]
    assert not grown, "\n".join(grown + ["make bench RENEW=1 keeps figures that have grown for a good reason"])


@pytest.fixture(scope="module")
def programs():
    return tree_costs.run(measure.RAEEN, measure.PLAIN)


def test_no_program_has_grown(programs, kept):
    before = kept["runs"][f"{measure.RAEEN}/{measure.PLAIN}"]["programs"]
    grown = [f"{name}: {count}, kept {before[name]}" for name, count in programs.items() if count > before[name] * BOUND]
    assert not grown, "\n".join(grown + ["make bench RENEW=1 keeps figures that have grown for a good reason"])


def test_a_program_that_takes_too_much_is_told(programs):
    """As much as Linux, say."""
    assert len(report.programs_short(programs, programs)) == len(set(goals.PROGRAM_RATIOS) - set(goals.SHORT))
    run = {"programs": programs}
    assert report.program_table({f"{guest}/{measure.PLAIN}": run for guest in (measure.RAEEN, measure.LINUX)}, measure.PLAIN).count("**no**") == len(programs)


def test_native_calls(raeen):
    assert not report.native_short(raeen["rows"])


def test_what_messages_cost_beside(raeen):
    """A CR3 write for each change of the address space, no more; and each lock that is taken is one atomic instruction."""
    for name, switches, locks in (("message 64 B, call+reply", 2, 4), ("notify+wake", 1, 4), ("null native call", 0, 0)):
        row = raeen["rows"][name]
        assert switches <= row["cr3"] < switches + 0.1 and locks <= row["atomics"] < locks + 0.5, (name, row)


def test_a_native_goal_that_is_missed_is_told(raeen):
    rows = {name: dict(row) for name, row in raeen["rows"].items()}
    rows["notify+wake"]["median"] = 1_180
    assert report.native_short(rows) == ["notify+wake: 1180, goal 200"]
    assert "**no**" in report.native_table(rows)


def test_boot_and_size(raeen, kept):
    assert raeen["boot"]["instructions"] <= goals.BOOT_INSTRUCTIONS
    assert measure.kernel_size() <= goals.KERNEL_BYTES


def test_other_cpus_cost_the_boot_little(tmp_path):
    """From the kernel's entry to the first user program the CPU that boots executes at most a twentieth more with four CPUs than alone."""
    counts = tmp_path / "counts"
    instructions = {}
    for cpus in (1, 4):
        subprocess.run(vm_line(measure.RAEEN, "--exact", "--smp", cpus, "--count", counts, "--boot-cpu") + ["--", "true"], check=True)
        instructions[cpus] = dict(counting.read(counts))["boot"]["instructions"]
    assert 1_000_000 < instructions[1] and instructions[4] <= instructions[1] * 1.05, instructions


def test_a_tick_is_an_instruction(raeen):
    """The time-stamp counter and the counting plugin agree, in loops without page faults."""
    for name in ("getppid", "pread 1 B cached", "pread 4 KiB cached", "stat"):
        row = raeen["rows"][name]
        assert 0 < row["instructions"] - row["ticks"] <= AROUND_LOOP * row["batches"], name


def test_what_the_count_does_not_show(raeen):
    """Two switches of address spaces in a round trip."""
    assert raeen["rows"]["getppid"]["cr3"] == 0
    assert 2 <= raeen["rows"]["pipe 64 B round trip"]["cr3"] < 2.1


@pytest.mark.parametrize("guest", [measure.RAEEN, measure.LINUX])
@pytest.mark.full
def test_counting_any_command(guest, tmp_path):
    """A program that exits with 5 is what lies between the marks; halting counts nothing."""
    counts = tmp_path / "counts"
    line = measure.vm_line(guest, measure.PLAIN, "--overlay", os.path.join(BUILD, "bench"), "--count", counts)
    done = subprocess.run([*line, "--", "/bench", "around", "sh", "-c", "sleep 2; exit 5"])
    assert done.returncode == 5
    _boot, (name, marked) = counting.read(counts)
    assert name == "marked" and marked["starts"] == 1
    assert 10_000 < marked["instructions"] < 100_000_000


@pytest.mark.full
def test_memory_at_the_prompt():
    assert measure.ram_used(measure.RAEEN) <= goals.RAM_KIB


@pytest.mark.full
@pytest.mark.parametrize("cpu", [measure.PLAIN, measure.SMAP])
@pytest.mark.parametrize("guest", [measure.RAEEN, measure.LINUX])
def test_runs_are_the_same_to_the_instruction(guest, cpu):
    first, second = (measure.run_benchmark(guest, cpu) for _ in range(2))
    assert report.differences(first, second) == []


@pytest.mark.full
@pytest.mark.parametrize("time", [0x60000000, 0x6FFFFFFF])
def test_programs_are_the_same_to_the_instruction(programs, time):
    """Whenever the files of the overlay were made: what reads their times executes other instructions for other digits."""
    assert tree_costs.run(measure.RAEEN, measure.PLAIN, time) == programs


@pytest.mark.full
def test_programs_against_linux(programs):
    assert report.programs_short(programs, tree_costs.run(measure.LINUX, measure.PLAIN)) == []


@pytest.mark.full
@pytest.mark.parametrize("cpu", [measure.PLAIN, measure.SMAP])
def test_what_came_since_costs_little(cpu):
    """Against the figures of the kernel with one CPU, no messages, no capabilities and its root in memory (first.json)."""
    with open(os.path.join(ROOT, "ci/bench/first.json")) as source:
        first = json.load(source)[f"{measure.RAEEN}/{cpu}"]
    rows = {name: row["median"] for name, row in measure.run_benchmark(measure.RAEEN, cpu)["rows"].items()}
    rows.update(in_other_places(cpu, [name for name in first if name in OF_PLACES]))
    grown = [f"{name}: {rows[name]}, at first {median}" for name, median in first.items() if rows[name] > median * SINCE_FIRST]
    assert not grown, "\n".join(grown)


def in_other_places(cpu, names):
    """The medians of runs with memory that each time lies elsewhere."""
    runs = [measure.run_benchmark(measure.RAEEN, cpu, names, programs_before=before)["rows"] for before in range(PLACES)]
    return {name: statistics.median(run[name]["median"] for run in runs) for name in names}


@pytest.mark.full
@pytest.mark.parametrize("cpu", [measure.PLAIN, measure.SMAP])
def test_ratio_to_linux(cpu):
    mine, theirs = (measure.run_benchmark(guest, cpu)["rows"] for guest in (measure.RAEEN, measure.LINUX))
    short = []
    for name, goal in goals.RATIOS.items():
        ratio = mine[name]["median"] / theirs[name]["median"]
        if goal is not None and ratio > goal and name not in goals.SHORT:
            short.append(f"{name}: {ratio:.3f}, goal {goal}")
    assert not short, "\n".join(short)
