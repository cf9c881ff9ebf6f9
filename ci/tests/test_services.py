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


@pytest.mark.full
@pytest.mark.parametrize("case", ["storm", "killed", "killed_counting"])
def test_thousand_deaths(case):
    """
    8 clients on 4 CPUs. storm: the counter dies by itself with a request in its hands, each time. killed, killed_counting: echo service and counter are killed
    from outside, every other time with a request held for sure, else at any moment.
    """
    for _ in range(5):
        out = boot(os.path.join(BUILD, "tests"), f"env CASE_LIMIT_MS=500000 DEATHS=208 /tests/deaths {case}", "--smp", "4", timeout=600)
        assert re.search(r"^ok deaths: \d+ checks$", out, re.M)
