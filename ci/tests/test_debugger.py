# SPDX-License-Identifier: MIT
"""
Debian's gdb, as it comes: what it shows of programs, and does to them, is what it does on Linux. Only of kernels with ptrace and core files
(src/kernel/README.md, "Switches").
"""
import os
import re

import pytest

from guest import BUILD, ROOT, features
from test_dynamic_binaries import both, compare, names

pytestmark = [pytest.mark.full, pytest.mark.skipif(not {"ptrace", "core_files"} <= features(), reason="this kernel is built without ptrace or core files")]

# What they have in common, the program that is looked into, and its source.
BESIDE = [os.path.join(ROOT, "ci/tests/sessions/debugger/kit"), os.path.join(BUILD, "tests/tests/debugged"), os.path.join(ROOT, "src/userland/tests/debugged.c")]
# RaeenOS lets no program have the processor's debug registers.
HARDWARE = "hardware.sh"


@pytest.fixture(scope="module")
def results():
    return both("debugger", names("debugger"), 0, 400, more=BESIDE)


@pytest.mark.parametrize("session", [name for name in names("debugger") if name != HARDWARE])
def test_session(results, session):
    compare(results, session)


def test_hardware_watchpoints_are_refused(results):
    linux, raeen = [results[guest][HARDWARE].output for guest in (0, 1)]
    assert len(re.findall(r"^Hardware watchpoint 2: total$", linux, re.M)) == 2, linux
    assert "Couldn't write debug register: Input/output error." in raeen, raeen
    # By single steps, in the same program.
    assert "\nWatchpoint 3: total\n\nOld value = 0\nNew value = 1\n" in raeen, raeen
    assert "exited with code 04]" in raeen, raeen
