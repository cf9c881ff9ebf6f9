# SPDX-License-Identifier: MIT
"""
Debian's strace, as it comes: what it tells of programs, and does to them, is what it does on Linux. Only of kernels with ptrace
(src/kernel/README.md, "Switches").
"""
import pytest

from guest import features
from test_dynamic_binaries import both, compare, names

pytestmark = [pytest.mark.full, pytest.mark.skipif("ptrace" not in features(), reason="this kernel is built without ptrace")]


@pytest.fixture(scope="module")
def results():
    return both("tracers", names("tracers"), 0, 200)


@pytest.mark.parametrize("session", names("tracers"))
def test_session(results, session):
    compare(results, session)
