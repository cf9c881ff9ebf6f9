# SPDX-License-Identifier: MIT
"""
Debian's database servers, as they come: processes that share memory, semaphores and sockets, and recover from the death of one of them
(sessions/servers). The right output is what the same files print on Linux.
"""
import concurrent.futures
import glob
import os

import pytest

from debian import overlay_of
from guest import KILLED, LINUX, RAEEN, ROOT, run_all

pytestmark = pytest.mark.full
SESSIONS = sorted(glob.glob(os.path.join(ROOT, "ci/tests/sessions/servers/*.sh")))
NAMES = [os.path.basename(path) for path in SESSIONS]
# Who runs as an ordinary user, in a folder of its own.
USERS = {"postgresql.sh": "mkdir -p /tmp/pg; chown raeen /tmp/pg; su raeen -c"}
SECONDS = 900


def command(name):
    line = f"LC_ALL=C TZ=UTC0 PATH=/usr/bin:/bin timeout -s KILL {SECONDS} sh /opt/sessions/{name}"
    return f"{USERS[name]} '{line}'" if name in USERS else line


@pytest.fixture(scope="module")
def results():
    overlay = overlay_of("servers", SESSIONS)
    commands = {name: command(name) for name in NAMES}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        jobs = {guest: pool.submit(run_all, guest, commands, "--overlay", overlay, "--mem", "2G", "--smp", "2", timeout=2 * SECONDS) for guest in (LINUX, RAEEN)}
        return {guest: job.result() for guest, job in jobs.items()}


@pytest.mark.parametrize("name", NAMES)
def test_session(results, name):
    expected, result = results[LINUX][name], results[RAEEN][name]
    assert expected.status not in (None, KILLED) and "not found" not in expected.output, expected.output
    assert (result.status, result.output) == (expected.status, expected.output)
