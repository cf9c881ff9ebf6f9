# SPDX-License-Identifier: MIT
"""The in-guest test programs (src/userland/tests): which there are, and one boot that runs them all."""
import glob
import os
import re
import warnings

import pytest

from guest import BUILD, LINUX, RAEEN, ROOT, features, run_all

# These look at file systems and so run on the root file system as well as on /tmp.
ON_ROOT_TOO = ("attributes", "files", "names", "renames")
# Need words on the kernel's command line: test_served.py. And the debug kernel: test_alloc_failures.py.
APART = ("alloc_failures", "served", "served_calls", "served_changes", "served_commits", "served_late", "served_lies", "served_lazy", "oom")
# Their own suites run them, on file systems of the right size: test_root*.py.
ROOT_PROGRAMS = ("root_bad_blocks", "root_beside", "root_cut_short", "root_damaged", "root_errors", "root_full", "root_garbage", "root_killer", "root_locks",
                 "root_mmap", "root_model", "root_names", "root_promised", "root_reads", "root_synced")
# Linked to each.
LIBRARY = ("check", "group_threads", "held_locks", "hogs", "leak", "root_tree", "supervisor", "works", "works_files", "works_processes")
# No test: test_debugger.py looks into it.
SUBJECT = ("debugged",)
# Of what Linux has not.
NATIVE = ("lending", "ports", "ports_buffers", "ports_epoll", "ports_handles", "ports_hostile", "ports_lend", "ports_rights", "ports_shares", "ports_storm")
# In the full run only: on RaeenOS what another suite does where its outcome does not depend on the host's speed (test_messages.py, test_fairness.py),
# on Linux that, too, and what takes as long there as all others together.
FULL = {RAEEN: ("fairness", "fairness_cpus", "lending", "ports_lend"), LINUX: ("exhaustion", "fairness", "fairness_cpus", "malformed")}
# What means harm comes late, and something that must still work after it.
LAST = ("exhaustion", "hostile")
AFTER = "process"


def names(native=True):
    found = sorted(os.path.basename(path)[:-2] for path in glob.glob(os.path.join(ROOT, "src/userland/tests/*.c")))
    ordered = [name for name in found if name not in LIBRARY + SUBJECT + LAST + APART + ROOT_PROGRAMS and (native or name not in NATIVE)]
    return ordered + [name + "-on-root" for name in ON_ROOT_TOO] + [*LAST, AFTER + "-after-" + LAST[-1]]


def command(name, slow):
    program, _, where = name.partition("-")
    place = "TMPDIR=/root " if where == "on-root" else ""
    # What takes all memory there is takes it from the host, which may have none at hand.
    limit = "CASE_LIMIT_MS=120000 timeout -s KILL 450" if slow or program in LAST else "timeout -s KILL 150"
    return f"{place}{limit} /tests/{program}"


def cases(guest):
    """What a test is parametrized with."""
    return [pytest.param(name, marks=pytest.mark.full) if name in FULL[guest] else name for name in names(guest != LINUX)]


def chosen(request):
    """The programs that this run of pytest was asked for, of the module of @request."""
    return [item.callspec.params["name"] for item in request.session.items if item.module is request.module]


def wherever():
    """Those whose outcome does not depend on the host's speed."""
    return [name for name in names() if name not in FULL[RAEEN]]


def check(name, result):
    """A program may skip what the kernel is built without, and must not skip what it has."""
    assert result.status == 0, result.output
    program = name.partition("-")[0]
    assert f"ok {program}: " in result.output
    skipped = re.search(rf"^ok {program}: skipped, as this kernel is built without (\w+)$", result.output, re.M)
    if skipped:
        assert skipped[1] not in features()
        pytest.skip(skipped[0])


def was_late(result):
    """Nothing was found wrong but that a case did not end in time, as where the host had no time for the guest."""
    failures = [line for line in result.output.splitlines() if line.startswith("FAIL ")]
    return result.status == 1 and bool(failures) and all(line.endswith("did not end in time") for line in failures)


def run(guest, *options, only=None, timeout=1500, slow=False):
    """
    All programs that the guest can run, or @only those, in one boot, with time for a @slow machine. Returns name -> Result. Speed is not what they
    test: those that were only late are run once more, with more time, and a warning tells what they were doing. What hangs is late again.
    """
    overlay = os.path.join(BUILD, "tests")
    assert os.path.isdir(overlay), f"{overlay} is missing: make -C src/userland tests"
    programs = names(guest != LINUX) if only is None else only
    results = run_all(guest, {name: command(name, slow) for name in programs}, "--overlay", overlay, *options, timeout=timeout)
    late = [name for name in programs if was_late(results[name])]
    for name in late:
        warnings.warn(f"{name} was late, and is run again:\n{results[name].output}", stacklevel=2)
    if late:
        results.update(run_all(guest, {name: command(name, True) for name in late}, "--overlay", overlay, *options, timeout=timeout))
    return results
