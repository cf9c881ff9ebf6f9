# SPDX-License-Identifier: MIT
"""
Debian's own busybox-static and bash-static (glibc), unmodified, run scripted sessions (sessions/*.sh) from an overlay.
The right output is what the same binaries print on Linux.
"""
import glob
import hashlib
import os
import re
import shutil
import subprocess

import pytest

from guest import KILLED, LINUX, RAEEN, ROOT, run_all

PACKAGES = {
    "busybox-static": "3d3fdbe91d4660c873e14b092c213fe81c1da6362daa236eb25d0171eb108744",
    "bash-static": "f62e37fc6c2c14417f270323066b4c621db5dc151a26f7a1f58e3fc24111d1c8",
}
SESSIONS = sorted(glob.glob(os.path.join(ROOT, "ci/tests/sessions/*.sh")))


def cases():
    for path in SESSIONS:
        name = os.path.basename(path)[:-3]
        for shell in ("bash",) if name.startswith("bash-") else ("bash", "sh"):
            yield f"{shell}:{name}"


@pytest.fixture(scope="module")
def overlay(tmp_path_factory):
    """/opt/bin of the guest: bash, busybox and a link for each of its applets; nothing of the guest's own is used."""
    folder = tmp_path_factory.mktemp("static")
    programs = folder / "root/opt/bin"
    programs.mkdir(parents=True)
    for package, digest in PACKAGES.items():
        subprocess.run([os.path.join(ROOT, "toolchain/fetch-deb"), package, digest, folder / package], check=True)
    shutil.copy(folder / "busybox-static/bin/busybox", programs)
    shutil.copy(folder / "bash-static/bin/bash-static", programs / "bash")
    applets = subprocess.run([programs / "busybox", "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout
    for applet in applets.split():
        if applet != "busybox":
            (programs / applet).symlink_to("busybox")
    sessions = folder / "root/opt/sessions"
    sessions.mkdir()
    for path in SESSIONS:
        shutil.copy(path, sessions)
    return folder / "root"


def comparable(output):
    """
    Lines without the process numbers that bash tells, and without the word by which busybox sh tells of a background
    job's death: it does so only when the job dies while sh is already waiting, which is a race on Linux too.
    """
    return [re.sub(r"(line \d+:\s+|process )\d+", r"\1PID", line) for line in output.splitlines()
            if line not in ("Terminated", "Killed")]


def run_sessions(guest, overlay):
    commands = {}
    for case in cases():
        shell, _, name = case.partition(":")
        commands[case] = ("export PATH=/opt/bin HOME=/root; cd /; exec /opt/bin/busybox timeout -s KILL 60 "
                          f"/opt/bin/{shell} /opt/sessions/{name}.sh")
    return run_all(guest, commands, "--overlay", overlay)


@pytest.fixture(scope="module")
def expected(overlay):
    return run_sessions(LINUX, overlay)


@pytest.fixture(scope="module")
def results(overlay):
    return run_sessions(RAEEN, overlay)


@pytest.mark.parametrize("case", cases())
def test_session(expected, results, case):
    # A session that neither guest comes to the end of would be the same on both.
    assert expected[case].status not in (None, KILLED), expected[case].output
    assert comparable(results[case].output) == comparable(expected[case].output)
    assert results[case].status == expected[case].status


def test_digest_is_checked(tmp_path):
    """A package that is not what it should be is refused."""
    wrong = hashlib.sha256(b"something else").hexdigest()
    tool = os.path.join(ROOT, "toolchain/fetch-deb")
    done = subprocess.run([tool, "bash-static", wrong, tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode != 0
    assert not list(tmp_path.iterdir())
