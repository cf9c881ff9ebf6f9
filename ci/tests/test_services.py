# SPDX-License-Identifier: MIT
"""Services: the one that src/servers/README.md writes, built from that page; and, in the full run, services that die a thousand times."""
import os
import re
import shutil
import subprocess

import pytest

from guest import BUILD, RAEEN, ROOT, vm

PAGE = os.path.join(ROOT, "src/servers/README.md")
BLOCK = re.compile(r"^```\w+ (\S+)\n(.*?)^```$", re.M | re.S)
CONF = "root/etc/services.conf"
# Instructions of a killed service's end and of its caller's way back, and of an echo with what the program does beside it.
END_MEDIAN, END_LONGEST, SHORT_CALL = 200_000, 500_000, 10_000
PROGRAMS = {"servers": "sbin/hello", "userland": "sbin/hi"}


def boot(overlay, command, *options, timeout=120):
    """Returns what the command printed."""
    done = vm(RAEEN, command, "--overlay", overlay, *options, timeout=timeout)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return done.stdout.decode()


def follow_the_page(folder):
    """A copy of the sources with what the page says added; returns an overlay with what comes of it."""
    with open(PAGE) as page:
        files = dict(BLOCK.findall(page.read()))
    assert set(files) == {"src/servers/proto/hello.def", "src/servers/hello/hello.c", "src/servers/hello/README.md", CONF, "src/userland/bin/hi/hi.c"}
    shutil.copytree(os.path.join(ROOT, "src"), folder / "src")
    for path, text in files.items():
        if path != CONF:
            os.makedirs(os.path.dirname(folder / path), exist_ok=True)
            (folder / path).write_text(text)
    os.makedirs(folder / "build")
    for name in ("toolchain", "uapi"):
        os.symlink(os.path.join(BUILD, name), folder / "build" / name)
    for part, program in PROGRAMS.items():
        target = folder / "build/userland/stage" / program
        subprocess.run(["make", "-s", "-C", folder / "src" / part, f"BUILD={folder}/build", target], check=True, capture_output=True)
        os.makedirs(folder / "overlay/sbin", exist_ok=True)
        shutil.copy(target, folder / "overlay" / program)
    os.makedirs(folder / "overlay/etc")
    with open(os.path.join(ROOT, CONF)) as conf:
        (folder / "overlay/etc/services.conf").write_text(conf.read() + "\n" + files[CONF])
    return folder / "overlay"


def test_page(tmp_path):
    overlay = follow_the_page(tmp_path)
    out = boot(overlay, "hi world; old=$(pidof hello); kill -9 $old; hi again; [ $old != $(pidof hello) ] && echo another; hi '' || echo refused")
    assert out == "Hello, world!\nHello, again!\nanother\nrefused\n"


def load(cases, deaths, *options):
    """Returns what deaths_load printed."""
    out = boot(os.path.join(BUILD, "tests"), f"env CASE_LIMIT_MS=500000 DEATHS={deaths} /tests/deaths_load {cases}", *options, timeout=600)
    assert re.search(r"^ok deaths_load: \d+ checks$", out, re.M)
    return out


@pytest.mark.full
@pytest.mark.parametrize("case", ["storm", "killed", "killed_short", "killed_counting"])
def test_thousand_deaths(case):
    """
    8 processes that call, 4 CPUs. storm: the counter dies by itself with a request in its hands, each time. killed, killed_short, killed_counting: echo service
    and counter are killed from outside, every other time with a request held for sure, else at any moment.
    """
    for _ in range(5):
        load(case, 208, "--smp", "4")


def test_held_calls_end_at_once():
    """
    With a clock of instructions, from the kill to the end of the call that the service held: no other event is waited for. Half of the clients go by the short
    way where the service does, as the costs of the shortest calls tell.
    """
    out = load("killed killed_short", 20, "--icount")
    held = re.findall(r"^20 deaths, (\d+) of them with a request held$", out, re.M)
    ends = re.findall(r"^held calls ended: median (\d+) longest (\d+)$", out, re.M)
    assert len(held) == len(ends) == 2 and all(int(count) >= 10 for count in held), out
    assert all(int(median) <= END_MEDIAN and int(longest) <= END_LONGEST for median, longest in ends), out
    calls = [[int(shortest) for shortest in found] for found in re.findall(r"^shortest calls: (\d+), of others (\d+)$", out, re.M)]
    assert calls[0][0] > SHORT_CALL and calls[1][0] < SHORT_CALL < calls[1][1], out
