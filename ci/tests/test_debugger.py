# SPDX-License-Identifier: MIT
"""
Debian's gdb, as it comes: what it shows of programs, and does to them, is what it does on Linux. Only of kernels with ptrace and core files
(src/kernel/README.md, "Switches").
"""
import os

import pytest

from guest import BUILD, ROOT, features
from test_dynamic_binaries import both, compare, names

pytestmark = [pytest.mark.full, pytest.mark.skipif(not {"ptrace", "core_files"} <= features(), reason="this kernel is built without ptrace or core files")]

# What they have in common, the program that is looked into, and its source.
BESIDE = [os.path.join(ROOT, "ci/tests/sessions/debugger/kit"), os.path.join(BUILD, "tests/tests/debugged"), os.path.join(ROOT, "src/userland/tests/debugged.c")]


@pytest.fixture(scope="module")
def results():
    return both("debugger", names("debugger"), 0, 400, more=BESIDE)


@pytest.mark.parametrize("session", names("debugger"))
def test_session(results, session):
    compare(results, session)
