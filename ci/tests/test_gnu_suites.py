# SPDX-License-Identifier: MIT
"""
The tests that bash and coreutils bring along, from the ports' development packages: run with our binaries on both guests. What passes on Linux
passes here. One that differs is tried once more, alone, before it counts: some measure times. SUITE=WORD in the environment: only those with WORD in their names.
"""
import concurrent.futures
import glob
import os
import re
import shutil
import tarfile
from dataclasses import dataclass

import pytest

from guest import BUILD, LINUX, RAEEN, ROOT, run_all

pytestmark = pytest.mark.full
ONLY = os.environ.get("SUITE", "")
# One test alone may hang.
SECONDS = 600
# So many in one boot, and for all of them: no judgement of speed.
AT_ONCE, PATIENCE = 150, 5400
PASSED, SKIPPED = "passed", "skipped"
FILES = "/opt/ports"


@dataclass
class Suite:
    """The tests of @port: a path in its development package that matches @names is one, called by the group. @left_out are not tried (name: why), @failing do
    not pass on Linux either (name: why), @different come to something else here (name: why). At least @least pass: else something is wrong with all."""
    port: str
    names: str
    least: int
    left_out: dict
    failing: dict
    different: dict

    def package(self, kind):
        """The port's package, or None before it is built."""
        return next(iter(glob.glob(os.path.join(BUILD, f"ports/{self.port}/{self.port}-[0-9.]*[0-9]{kind}.tar"))), None)

    def tests(self):
        if not self.package("-dev"):
            return []
        with tarfile.open(self.package("-dev")) as archive:
            found = (re.fullmatch(self.names, name) for name in archive.getnames())
            return sorted(match[1] for match in found if match and match[1] not in self.left_out and ONLY in match[1])


ROOT_USER = "does not want to be root"
SUITES = {
    "bash": Suite("bash", r"usr/share/doc/bash/tests/run-(.*)", 65, {
        "all": "the others", "minimal": "the others", "read": "wants to be done within 0.1 ms",
    }, {
        "cond": "musl's regular expressions", "execscript": ROOT_USER, "exp-tests": "busybox's sed has no command l", "glob-test": "locales",
        "heredoc": "wants the folder it was built in", "intl": "locales", "new-exp": ROOT_USER, "printf": "musl's rule for TZ=EST5EDT",
        "shopt": "the format of busybox's diff", "test": ROOT_USER,
    }, {}),
    # Those of the tools that ask the kernel most; the others compute, or take long.
    "coreutils": Suite("coreutils", r"usr/share/doc/coreutils/suite/tests/((?:chmod|chown|dd|ln|mkdir|mv|readlink|rmdir|touch)/\S+)\.sh", 95, {}, {
        "readlink/multi": "a shell in it is Debian's, which has its own readlink",
    }, {}),
}
CASES = [(port, name) for port, suite in SUITES.items() for name in suite.tests()]


def word(result):
    known = {0: PASSED, 77: SKIPPED, 124: "too slow", 137: "too slow", None: "the guest died"}
    return known.get(result.status, "failed")


@pytest.fixture(scope="module")
def overlay(tmp_path_factory):
    folder = tmp_path_factory.mktemp("suites")
    for port, suite in SUITES.items():
        for kind in ("", "-dev"):
            with tarfile.open(suite.package(kind)) as archive:
                archive.extractall(folder)
        shutil.copytree(os.path.join(ROOT, "ports", port, "tests"), f"{folder}{FILES}/{port}")
    # The shell of the Linux guest would prefer its own applets to these programs.
    os.makedirs(f"{folder}{FILES}/bin")
    with open(f"{folder}{FILES}/run", "w") as script:
        script.write(f"export PATH={FILES}/bin:/usr/bin:/usr/sbin:/sbin:/bin SHELL={FILES}/bin/sh\n"
                     f"exec $SHELL {FILES}/$1/one.sh $2 {SECONDS}\n")
    shutil.copy(os.path.join(BUILD, "ports/busybox/stage/bin/busybox"), f"{folder}{FILES}/bin/sh")
    for applet in ("script", "diff", "awk", "grep", "sed", "find", "tar", "hostname"):
        os.symlink("sh", f"{folder}{FILES}/bin/{applet}")
    # By its full path; the Linux guest has none.
    os.makedirs(f"{folder}/usr/bin", exist_ok=True)
    os.symlink(f"{FILES}/bin/sh", f"{folder}/usr/bin/printf")
    return folder


def run(guest, cases, overlay):
    """(port, name) -> Result. Several boots: a command line has its limit, and what one test leaves behind should not trouble many."""
    results = {}
    for first in range(0, len(cases), AT_ONCE):
        commands = {f"{port} {name}": f"exec {FILES}/bin/sh {FILES}/run {port} {name}" for port, name in cases[first:first + AT_ONCE]}
        results |= run_all(guest, commands, "--overlay", overlay, "--mem", "1G", timeout=PATIENCE)
    return {tuple(key.split()): result for key, result in results.items()}


def differs(case, results):
    """Whether the test comes to less here than on Linux, which may lack what it wants. What bash's tests print is how it differs from what upstream expects:
    that must be the same, too."""
    port, name = case
    here, there = results[RAEEN][case], results[LINUX][case]
    if name in SUITES[port].different:
        return False
    if port == "bash" and name in SUITES[port].failing and here.output != there.output:
        return True
    return word(here) != word(there) and word(here) != PASSED


@pytest.fixture(scope="module")
def results(request, overlay):
    """guest -> (port, name) -> Result. One boot for each guest."""
    functions = [item for item in request.session.items if item.module is request.module and hasattr(item, "callspec")]
    cases = [item.callspec.params["case"] for item in functions if "case" in item.callspec.params]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        jobs = {guest: pool.submit(run, guest, cases, overlay) for guest in (LINUX, RAEEN)}
        found = {guest: job.result() for guest, job in jobs.items()}
    again = [case for case in cases if differs(case, found) and found[RAEEN][case].status is not None]
    if again:
        for guest, of_guest in found.items():
            of_guest.update(run(guest, again, overlay))
    return found


@pytest.mark.parametrize("port", SUITES)
def test_suite_is_there(port):
    assert ONLY or len(SUITES[port].tests()) >= SUITES[port].least, f"ports/build {port} makes it"


@pytest.mark.parametrize("case", [pytest.param(case, id="-".join(case)) for case in CASES])
def test_upstream(results, case):
    port, name = case
    here, there = results[RAEEN][case], results[LINUX][case]
    said = f"\n--- here:\n{here.output[-20000:]}\n--- on Linux:\n{there.output[-20000:]}"
    assert not differs(case, results), f"{word(here)} here, {word(there)} on Linux, or not with the same words{said}"
    if name in SUITES[port].failing:
        assert word(there) != PASSED, f"passes on Linux, but is listed as one that does not{said}"
    else:
        assert word(there) in (PASSED, SKIPPED), f"{word(there)} on Linux{said}"


@pytest.mark.parametrize("port", SUITES)
def test_most_pass(results, port):
    passed = sum(word(result) == PASSED for (of_port, _), result in results[RAEEN].items() if of_port == port)
    assert ONLY or passed >= SUITES[port].least, f"{passed} of {port}'s tests pass"
