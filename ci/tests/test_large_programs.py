# SPDX-License-Identifier: MIT
"""
Large programs of Debian's, as they come. Database servers (sessions/servers): processes that share memory, semaphores and sockets, and recover from the
death of one of them. Languages (sessions/runtimes) with compilers, collectors, threads and signal handlers of their own. The right output is what the same
files print on Linux.
"""
import concurrent.futures
import glob
import os

import pytest

from debian import overlay_of
from guest import KILLED, LINUX, RAEEN, ROOT, run_all

pytestmark = pytest.mark.full
# Who runs as an ordinary user.
USERS = {"postgresql.sh": "raeen"}
# RaeenOS's root file system has room for so much more than the image brings.
OPTIONS = {LINUX: (), RAEEN: ("--append", "root_free=2G")}
SECONDS = 900


def sessions(folder):
    return sorted(glob.glob(os.path.join(ROOT, "ci/tests/sessions", folder, "*.sh")))


def command(session):
    user, place = USERS.get(session, "root"), f"/var/{session}.d"
    line = f"cd {place}; LC_ALL=C TZ=UTC0 HOME={place} PATH=/usr/bin:/bin timeout -s KILL {SECONDS} sh /opt/sessions/{session}"
    return f"mkdir -p {place}; chown {user} {place}; su {user} -c '{line}'"


def both(folder):
    overlay = overlay_of(folder, sessions(folder))
    commands = {os.path.basename(path): command(os.path.basename(path)) for path in sessions(folder)}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        jobs = {guest: pool.submit(run_all, guest, commands, "--overlay", overlay, "--mem", "4G", "--smp", "2", *OPTIONS[guest], timeout=2 * SECONDS)
                for guest in (LINUX, RAEEN)}
        return {guest: job.result() for guest, job in jobs.items()}


@pytest.fixture(scope="module")
def results():
    return {folder: both(folder) for folder in ("servers", "runtimes")}


@pytest.mark.parametrize("folder, session", [(folder, os.path.basename(path)) for folder in ("servers", "runtimes") for path in sessions(folder)])
def test_session(results, folder, session):
    expected, result = results[folder][LINUX][session], results[folder][RAEEN][session]
    assert expected.status not in (None, KILLED) and "not found" not in expected.output, expected.output
    assert (result.status, result.output) == (expected.status, expected.output)
