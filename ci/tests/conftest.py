# SPDX-License-Identifier: MIT
"""What all suites share. A file of tests goes to one worker as a whole, so that a module's fixture boots one guest."""
import os
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))


def pytest_configure(config):
    config.addinivalue_line("markers", "full: takes longer; run by make test-full only")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadFileScheduling

    return LoadFileScheduling(config, log)
