# SPDX-License-Identifier: MIT
"""
CPython's own tests of what it asks of a system, as Debian has them: whatever passes on Linux passes here. Those that need a network are not among them.
"""
import concurrent.futures
import re

import pytest

from debian import overlay_of
from guest import LINUX, RAEEN, run_all

pytestmark = pytest.mark.full
MODULES = ("eintr", "faulthandler", "fcntl", "file", "file_eintr", "fileio", "fork1", "getpass", "glob", "grp", "largefile", "mailbox", "mmap",
           "multiprocessing_fork", "openpty", "os", "pathlib", "poll", "popen", "posix", "posixpath", "pty", "pwd", "resource", "select", "selectors",
           "shelve", "shutil", "signal", "stat", "subprocess", "tarfile", "tempfile", "thread", "threading", "threadsignals", "time",
           "wait3", "wait4")
# Directories that tell by signals what changes in them (dnotify): inotify took their place in 2005.
DIFFERENT = {"test.test_fcntl.TestFcntl.test_fcntl_64_bit"}
RESULT = re.compile(r"^test\w* \((test\.[\w.]+)\)(?:\n[^\n]*?)?? \.\.\. .*?\b(ok|FAIL|ERROR|skipped|expected failure)\b[^\n]*$", re.M | re.S)
SECONDS = 900


def command(module):
    environment = "PATH=/usr/bin:/bin:/usr/sbin:/sbin LC_ALL=C.UTF-8 TZ=UTC0 PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1"
    return f"ulimit -c 0; mkdir -p /var/python; cd /var/python; env {environment} timeout -s KILL {SECONDS} python3.11 -m test -v --timeout 400 test_{module}"


@pytest.fixture(scope="module")
def results(request):
    overlay = overlay_of("python")
    chosen = [item.callspec.params["module"] for item in request.session.items if item.module is request.module]
    commands = {module: command(module) for module in chosen}
    options = ("--overlay", overlay, "--mem", "2G", "--smp", "2")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        jobs = {guest: pool.submit(run_all, guest, commands, *options, timeout=7200) for guest in (LINUX, RAEEN)}
        return {guest: job.result() for guest, job in jobs.items()}


@pytest.mark.parametrize("module", MODULES)
def test_module(results, module):
    expected, found = (dict(RESULT.findall(results[guest][module].output)) for guest in (LINUX, RAEEN))
    passed = [name for name, result in expected.items() if result == "ok" and name not in DIFFERENT]
    assert passed, results[LINUX][module].output[-3000:]
    failed = [f"{name}: {found.get(name)}" for name in passed if found.get(name) != "ok"]
    assert not failed, "\n".join(failed) + "\n" + results[RAEEN][module].output[-6000:]
