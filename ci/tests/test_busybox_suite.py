# SPDX-License-Identifier: MIT
"""
Busybox's own tests, and those of its shell, from its source package: run with our busybox on both guests. What passes on Linux passes here.
"""
import concurrent.futures
import glob
import os
import re
import tarfile

import pytest

from guest import BUILD, LINUX, RAEEN, run_all

HOME = "opt/busybox"
# One test alone may hang; the applet's other results count then.
SECONDS = 600
TRIES = 3
pytestmark = pytest.mark.full
# What the tests find by the names of the applets, and the guest's own name, which the tests of hostname look up. Those of pidof look for process 1 as "init".
PREPARE = f"""
export PATH=/{HOME}/links:$PATH SKIP_INTERNET_TESTS=y TZ=UTC
test -d /{HOME}/links || {{
	mkdir /{HOME}/links && /bin/busybox --install -s /{HOME}/links
	grep -qsw "$(hostname)" /etc/hosts || echo "127.0.0.1 localhost $(hostname)" > /etc/hosts
	sed -i "s/x\\"init\\"/x\\"$(cat /proc/1/comm)\\"/; s/-s init/-s $(cat /proc/1/comm)/; s/-o 1 init/-o 1 $(cat /proc/1/comm)/" /{HOME}/testsuite/pidof.tests
}}
"""
LINE = re.compile(r"^(PASS|FAIL|SKIPPED|UNTESTED): (.*)$|^(ash-\S+/\S+): (ok|fail)$", re.M)
# They compute for minutes (bc for hours), and call nothing that the others do not; all_sourcecode looks through busybox's source, which is not there.
LEFT_OUT = {"all_sourcecode", "bc", "ash-z_slow"}


def package(kind):
    """The port's package, or None before it is built."""
    return next(iter(glob.glob(os.path.join(BUILD, f"ports/busybox/busybox-[0-9.]*[0-9]{kind}.tar"))), None)


def subjects():
    """Applets that have tests, and the folders of the shell's tests."""
    if not package("-dev"):
        return []
    with tarfile.open(package("-dev")) as archive:
        names = archive.getnames()
    base = "usr/share/doc/busybox/"
    applets = {match[1] for match in (re.match(base + r"testsuite/(\w[\w.-]*)\.tests$", name) for name in names) if match}
    applets |= {match[1] for match in (re.match(base + r"testsuite/(\w+)/", name) for name in names) if match}
    shell = {match[1] for match in (re.match(base + r"shell/ash_test/(ash-\w+)$", name) for name in names) if match}
    return sorted(applets - LEFT_OUT) + sorted(shell - LEFT_OUT)


def command(subject):
    if subject.startswith("ash-"):
        return PREPARE + f"cd /{HOME}/shell/ash_test && timeout -s KILL {SECONDS} ./run-all {subject}; head -n 40 *.fail; rm -f *.fail; true"
    return PREPARE + f"cd /{HOME}/testsuite && timeout -s KILL {SECONDS} ./runtest -v {subject}; true"


@pytest.fixture(scope="module")
def overlay(tmp_path_factory):
    folder = tmp_path_factory.mktemp("busybox")
    # It takes the place of Linux's, whose shell runs its own applets whatever PATH says.
    with tarfile.open(package("")) as archive:
        archive.extract("bin/busybox", folder)
    os.chmod(folder / "bin/busybox", 0o4755)
    with tarfile.open(package("-dev")) as archive:
        archive.extractall(folder)
    os.makedirs(folder / "opt")
    os.rename(folder / "usr/share/doc/busybox", folder / HOME)
    os.symlink("/bin/busybox", folder / HOME / "busybox")
    return folder


def chosen(request):
    return [item.callspec.params["subject"] for item in request.session.items if item.module is request.module and hasattr(item, "callspec")]


@pytest.fixture(scope="module")
def results(request, overlay):
    commands = {subject: command(subject) for subject in chosen(request)}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        jobs = {guest: pool.submit(run_all, guest, commands, "--overlay", overlay, timeout=5400) for guest in (LINUX, RAEEN)}
        return {guest: job.result() for guest, job in jobs.items()}


def verdicts(output):
    """name -> what came of it. Names that come again are told apart by a number."""
    found = {}
    for word, name, shell_name, shell_word in LINE.findall(output):
        name, word = name or shell_name, word or {"ok": "PASS", "fail": "FAIL"}[shell_word]
        again = sum(other.partition("#")[0] == name for other in found)
        found[f"{name}#{again + 1}" if again else name] = word
    return found


def test_suite_is_there():
    assert len(subjects()) > 90, "ports/build busybox makes it"


def differences(subject, here, there):
    assert here.status is not None and there.status is not None, here.output + there.output
    expected, found = verdicts(there.output), verdicts(here.output)
    return [f"{name}: {found.get(name)} here, {word} on Linux" for name, word in expected.items() if found.get(name) != word] + \
           [f"{name}: {word} here, nothing on Linux" for name, word in found.items() if name not in expected]


@pytest.mark.parametrize("subject", subjects())
def test_subject(results, overlay, subject):
    """One that differs is tried again: in some (ash-psubst), processes race for who is first, and on a busy host any may be."""
    here, there = (results[guest][subject] for guest in (RAEEN, LINUX))
    for _ in range(TRIES):
        if not differences(subject, here, there):
            break
        here, there = (run_all(guest, {subject: command(subject)}, "--overlay", overlay)[subject] for guest in (RAEEN, LINUX))
    differing = differences(subject, here, there)
    assert not differing, "\n".join(differing) + f"\n--- here:\n{here.output[-20000:]}\n--- on Linux:\n{there.output[-20000:]}"
