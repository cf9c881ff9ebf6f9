# SPDX-License-Identifier: MIT
"""
The Open POSIX Test Suite, the same binaries in the same run on Linux and here: what passes there passes here, but for what posixtestsuite.txt lists.
A test that differs is tried once more, alone, before it counts: many measure times, and the machine may be busy. POSIXTEST=WORD in the environment: only
those with WORD in their names.
"""
import collections
import os
import re

import pytest

import posix_run
from guest import LINUX, RAEEN, ROOT

pytestmark = pytest.mark.full
LISTED = os.path.join(ROOT, "ci/tests/posixtestsuite.txt")
# The kinds of reasons. What is one of timing may come and go.
KINDS = ("missing", "differs", "unbuilt", "timing")
ONLY = os.environ.get("POSIXTEST", "")
LIBRARIES = {"musl": lambda: posix_run.MUSL, "glibc": posix_run.glibc_suite}


def listed(library):
    """name -> (kind, reason)."""
    found = {}
    with open(LISTED) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.startswith("#"):
                match = re.fullmatch(r"(musl|glibc) (\S+) (\w+): (\S.*)\n", line)
                assert match and match[3] in KINDS, f"{LISTED}:{number}: expected musl|glibc NAME {'|'.join(KINDS)}: REASON"
                assert match[1] != library or match[2] not in found, f"{LISTED}:{number}: {match[2]} is listed twice"
                if match[1] == library:
                    found[match[2]] = (match[3], match[4])
    return found


@pytest.fixture(scope="module", params=LIBRARIES)
def library(request):
    return request.param


@pytest.fixture(scope="module")
def suite(library):
    suite = LIBRARIES[library]()
    assert suite.names(), f"{suite.folder} is missing: ports/build posixtestsuite"
    return suite


@pytest.fixture(scope="module")
def results(library, suite, tmp_path_factory):
    """guest -> name -> Outcome."""
    tests = [name for name in suite.names() if ONLY in name]
    outcomes = suite.run((LINUX, RAEEN), tests, tmp_path_factory.mktemp(library))
    report(library, outcomes)
    again = sorted(differing(outcomes) - set(listed(library)))
    second = suite.run((RAEEN,), again, tmp_path_factory.mktemp("again"), shards=1)[RAEEN]
    for name, outcome in second.items():
        print(f"again: {name}: {outcomes[RAEEN][name].word()}, then {outcome.word()}")
    outcomes[RAEEN].update(second)
    return outcomes


def differing(outcomes):
    """What passes on Linux only."""
    return {name for name, outcome in outcomes[LINUX].items() if outcome.status == posix_run.PASSED != outcomes[RAEEN][name].status}


def report(library, outcomes):
    """Counts, and every test whose result is another one."""
    for guest, of_guest in outcomes.items():
        words = collections.Counter(outcome.word() for outcome in of_guest.values())
        print(f"{library} on {guest}: " + ", ".join(f"{count} {word}" for word, count in words.most_common()))
    for name, there in outcomes[LINUX].items():
        here = outcomes[RAEEN][name]
        if here.word() != there.word():
            print(f"{name}: {there.word()} on Linux, {here.word()} here")


def test_what_does_not_build_is_known(library, suite):
    """What musl has no function for is run with glibc, which has it."""
    elsewhere = set(posix_run.glibc_suite().names()) if library == "musl" else set()
    lacking = {name for name, why in suite.not_built().items() if name not in elsewhere or "undefined reference" not in why}
    assert {name for name, (kind, _) in listed(library).items() if kind == "unbuilt"} == lacking
    assert set(listed(library)) <= set(suite.names()) | set(suite.not_built())


def test_what_passes_on_linux_passes_here(library, results):
    wrong = sorted(differing(results) - set(listed(library)))
    assert not wrong, "".join(f"{name}: {results[RAEEN][name].word()} here\n{results[RAEEN][name].output}\n\n" for name in wrong)


def test_list_is_current(library, results):
    passed = {name for name, outcome in results[RAEEN].items() if outcome.status == posix_run.PASSED}
    better = [name for name, (kind, _) in listed(library).items() if kind != "timing" and name in passed]
    assert not better, f"these pass: take them off {LISTED}"


def test_no_guest_dies(results):
    dead = [f"{name} on {guest}\n{outcome.output}" for guest, outcomes in results.items() for name, outcome in outcomes.items() if outcome.status is None]
    assert not dead, "\n".join(dead)
