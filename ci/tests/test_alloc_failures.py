# SPDX-License-Identifier: MIT
"""
The debug build with allocations that fail: each site of the kernel in turn, while programs work (src/userland/tests/alloc_failures.c) and while the system
starts. SEED=N for another choice of what is tried.
"""
import os
import random
import re
import subprocess

import pytest

from guest import BUILD, RAEEN, ROOT, console_all, vm, vm_line

IMAGE = os.path.join(BUILD, "raeen-debug.iso")
LIST = os.path.join(ROOT, "src/kernel/debug/boot_memory.txt")
SEED = int(os.environ.get("SEED", random.randrange(1 << 31)))
# How a panic says that memory is what is missing.
CLEAR = r"kernel panic: .*(?:out of memory|(?:not enough|no) (?:memory|room))"
BOOT_TIME = 60
# For all sites: no judgement of speed.
PATIENCE = 5400

pytestmark = pytest.mark.full


@pytest.mark.parametrize("cases", ("once", "each_time", "others"))
def test_every_site(cases):
    """The console's text tells which site failed last, should the kernel have panicked."""
    command = f"SEED={SEED} CASE_LIMIT_MS={PATIENCE}000 /tests/alloc_failures {cases}"
    done = vm(RAEEN, command, "--image", IMAGE, "--overlay", os.path.join(BUILD, "tests"), timeout=PATIENCE)
    output = done.stdout.decode(errors="replace")
    assert done.returncode == 0 and "ok alloc_failures: " in output, f"SEED={SEED}\n{output}\n{console_all(done.stderr)}"
    assert re.search(r"in [1-9]\d* of them the site failed, [1-9]\d* times with errors", output), output
    print(output)


# ---- While the system starts ----

def accepted():
    """The functions in which an allocation may end the start, with the reasons."""
    with open(LIST, encoding="utf-8") as lines:
        rows = [line.rstrip("\n").split(None, 1) for line in lines if line.strip() and not line.startswith("#")]
    assert all(len(row) == 2 for row in rows), f"{LIST}: a function needs a reason"
    return dict(rows)


@pytest.fixture(scope="module")
def boot_sites():
    """Number -> function of the sites that the start of the system passes before process 1 runs."""
    done = vm(RAEEN, "cat /proc/fail_alloc", "--image", IMAGE)
    assert done.returncode == 0, console_all(done.stderr)
    rows = [line.split() for line in done.stdout.decode().splitlines()[1:]]
    sites = {int(row[0]): row[5].partition("+")[0] for row in rows if int(row[1])}
    assert len(sites) > 30
    return sites


def boot_without(number, tmp_path):
    """Boots with the first pass of site @number failing. Returns (the function that got none, the panic's text or None)."""
    console = tmp_path / "console"
    line = vm_line(RAEEN, "--image", IMAGE, "--timeout", BOOT_TIME, "--append", f"panic=1 fail_alloc={number}", "--console", console)
    done = subprocess.run(line + ["--", "echo goes on"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=BOOT_TIME + 60)
    text = console_all(console.read_bytes())
    failed = re.search(rf"fail_alloc: site {number}, (\S+)\+\w+, fails", text)
    assert failed, f"site {number} was not passed:\n{text}"
    panic = re.search("kernel panic: .*", text)
    assert panic or (done.returncode == 0 and done.stdout == b"goes on\n"), f"neither went on nor said why not (status {done.returncode}):\n{text}"
    assert not panic or re.search(CLEAR, panic[0]), f"does not say that memory is missing:\n{text}"
    return failed[1].partition(".")[0], panic and panic[0]


def test_start_without_each(boot_sites, tmp_path):
    """And the list has nothing that does not end the start."""
    may_end, ended, complaints = accepted(), set(), []
    for number in boot_sites:
        try:
            function, panic = boot_without(number, tmp_path)
        except AssertionError as wrong:
            complaints.append(str(wrong))
            continue
        print(f"site {number}, {function}: {panic or 'goes on'}")
        if panic:
            ended.add(function)
        if panic and function not in may_end:
            complaints.append(f"site {number}: {function} is not in {LIST}: {panic}")
    assert not complaints, "\n".join(complaints)
    assert set(may_end) == ended
