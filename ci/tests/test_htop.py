# SPDX-License-Identifier: MIT
"""Debian's htop, as it comes, at a serial line of a machine with two CPUs: what it shows of processes, threads, CPUs and memory, and what its keys do."""
import re
import shutil

import pytest

from debian import overlay_of
from guest import LINUX, RAEEN
from typing_machine import COLUMNS, FOLDER, ROWS, at_the_serial_line, put_programs
from typist import Typist, text_of

BEGIN = f"""
stty rows {ROWS} cols {COLUMNS} sane
export TERM=linux LC_ALL=C.UTF-8 HOME=/tmp/home PATH={FOLDER}/bin:/usr/bin PS1='$ '
mkdir $HOME && cd $HOME
sleep 12001 & sleep 12002 & nice -n 7 sleep 12003 &
printf '\\033c'
exec bash --norc
"""
# Behind the column that is sorted by there is a mark.
HEAD = re.compile(r" *PID USER +PRI +NI +VIRT +RES +SHR S +CPU%.MEM% +TIME\+ +Command")
CPUS = 2
ROW = re.compile(r" *(\d+) (\w+) +(-?\d+|RT) +(-?\d+) +([\d.]+[MG]?) +([\d.]+[MG]?) +([\d.]+[MG]?) ([RSDIZT]) +([\d.]+) +([\d.]+) +([\d:.h]+) (.*)")

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def overlay(tmp_path_factory):
    folder = tmp_path_factory.mktemp("htop")
    files = put_programs(folder, ("bash", "ncurses"), ("bin/bash",), ("mkdir", "nice", "sleep", "stty"))
    (files / "begin").write_text(BEGIN)
    shutil.copytree(overlay_of("htop"), folder, symlinks=True, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module", params=(RAEEN, LINUX), ids=("raeen", "linux"))
def typist(request, overlay, tmp_path_factory):
    machine = at_the_serial_line(request.param, tmp_path_factory.mktemp("machine"), overlay, "--smp", str(CPUS))
    machine.type(f". {FOLDER}/begin\n")
    yield Typist(machine)
    machine.close()


def rows_of(cells):
    """The rows of the list, by command: what ROW finds in each."""
    lines = text_of(cells)
    start = next((number for number, line in enumerate(lines) if HEAD.match(line)), len(lines))
    return {match[12].strip(): match for match in map(ROW.match, lines[start + 1:]) if match}


def is_shown(cells):
    text = "\n".join(text_of(cells))
    return (all(re.search(rf"^ *{cpu}\[[| ]*[\d.]+%\]", text, re.MULTILINE) for cpu in range(CPUS)) and re.search(r"Mem\[[| ]*[\d.]+[KMG]/[\d.]+[KMG]\]", text)
            and re.search(r"Tasks: \d+, \d+ thr(, \d+ kthr)?; \d+ running", text) and re.search(r"Load average: [\d.]+ [\d.]+ [\d.]+", text)
            and re.search(r"Uptime: \d\d:\d\d:\d\d", text) and "htop" in rows_of(cells))


def test_is_drawn(typist):
    typist.until(lambda cells: text_of(cells)[-1:] == ["$"], "the prompt")
    typist.type("htop<Return>")
    typist.until(is_shown, "htop with all CPUs")


def test_filter(typist):
    """Only what was asked for, with its owner, nice value, state and sizes."""
    typist.type("\\sleep 1200<Return>")
    typist.until(lambda cells: sorted(rows_of(cells)) == ["sleep 12001", "sleep 12002", "sleep 12003"], "three sleepers")
    rows = rows_of(typist.seen)
    assert {row[2] for row in rows.values()} == {"root"}
    assert [rows[f"sleep {number}"].group(3, 4) for number in (12001, 12002, 12003)] == [("20", "0"), ("20", "0"), ("27", "7")]
    assert {row[8] for row in rows.values()} == {"S"}
    assert all(int(row[5]) > int(row[6]) > 0 for row in rows.values())


def test_a_signal(typist):
    """The one that is selected is ended by a key."""
    typist.type("\\2<Return>")
    typist.until(lambda cells: list(rows_of(cells)) == ["sleep 12002"], "one sleeper")
    typist.type("k<Return>")
    typist.until(lambda cells: not rows_of(cells), "none")
    typist.type("q")
    typist.until(lambda cells: any("sleep 12002" in line and "Terminated" in line for line in text_of(cells)) or text_of(cells)[-1:] == ["$"], "the prompt")
