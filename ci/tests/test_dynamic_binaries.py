# SPDX-License-Identifier: MIT
"""
Debian's own dynamically linked programs, as they come, with the libraries they depend on, run scripted sessions
(sessions/dynamic) from an overlay. The right output is what the same files print on Linux.
"""
import glob
import os
import re

import pytest

from debian import overlay_of
from guest import KILLED, LINUX, RAEEN, ROOT, run_all

SHELLS = {".sh": "bash", ".py": "python3"}
# Rows of the database's large table.
ROWS = 100000
# Those of sessions/dynamic that take long.
LONG = ("coreutils-files.sh", "coreutils-text.sh", "sqlite.sh")


def sessions(folder):
    return sorted(glob.glob(os.path.join(ROOT, "ci/tests/sessions", folder, "*.*")))


def names(folder):
    return [os.path.basename(path) for path in sessions(folder)]


SHORT = [name for name in names("dynamic") if name not in LONG]

# Takes the guests' own tools off the path, once a boot; /bin/sh stays, for system().
PRUNE = ("[ -e /pruned ] || for folder in /bin /usr/bin; do cd $folder; busybox rm -f $(busybox ls -l | "
         "busybox sed -n 's/.* \\([^ ]*\\) -> .*busybox$/\\1/p' | busybox grep -vx sh); done; : > /pruned")


def command(session, rows, seconds):
    shell = SHELLS[os.path.splitext(session)[1]]
    # Not in /tmp: RaeenOS mounts it nosuid.
    return (f"{PRUNE}; export PATH=/usr/bin:/bin LC_ALL=C HOME=/root TZ=UTC0 PYTHONHASHSEED=0 ROWS={rows}; "
            "rm -rf /var/session; mkdir -p /var/session; cd /var/session; "
            f"exec timeout -s KILL {seconds} {shell} /opt/sessions/{session}")


def comparable(output):
    """Lines without the process numbers (and the blanks for their width) that bash tells."""
    return [re.sub(r"(line \d+:) +\d+ +", r"\1 PID ", line) for line in output.splitlines()]


def both(folder, chosen, rows, seconds, memory="1G", more=()):
    """What the sessions @chosen of @folder print, on Linux and on RaeenOS; the files @more lie beside them."""
    overlay = overlay_of(folder, sessions(folder) + (sessions("dynamic") if folder == "dynamic-full" else []) + list(more))
    commands = {session: command(session, rows, seconds) for session in chosen}
    return [run_all(guest, commands, "--overlay", overlay, "--mem", memory, timeout=4 * seconds) for guest in (LINUX, RAEEN)]


def compare(results, session):
    expected, result = results[0][session], results[1][session]
    assert expected.status not in (None, KILLED), expected.output
    assert "command not found" not in expected.output
    assert comparable(result.output) == comparable(expected.output)
    assert result.status == expected.status


@pytest.fixture(scope="module")
def results():
    return both("dynamic", SHORT, ROWS, 100)


@pytest.fixture(scope="module")
def results_full():
    return both("dynamic-full", names("dynamic-full") + list(LONG), ROWS, 400)


@pytest.mark.parametrize("session", SHORT)
def test_session(results, session):
    compare(results, session)


@pytest.mark.full
@pytest.mark.parametrize("session", names("dynamic-full") + list(LONG))
def test_long_session(results_full, session):
    compare(results_full, session)


# The compiler's overlay has 170 MB, which lie in memory twice before they are in the file system.
@pytest.fixture(scope="module")
def results_gcc():
    return both("gcc", names("gcc"), 0, 400, "1536M")


@pytest.fixture(scope="module")
def results_procps():
    return both("procps", names("procps"), 0, 200)


@pytest.mark.full
@pytest.mark.parametrize("session", names("gcc"))
def test_compiler(results_gcc, session):
    compare(results_gcc, session)


@pytest.mark.full
@pytest.mark.parametrize("session", names("procps"))
def test_processes_shown(results_procps, session):
    compare(results_procps, session)
