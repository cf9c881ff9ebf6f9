# SPDX-License-Identifier: MIT
"""What all suites share. A file of tests goes to one worker as a whole, so that a module's fixture boots one guest."""
import os
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

# Files that take longest begin first, in this order, so that at the end no worker waits long for another. The others follow in the order of their names.
LONGEST = ("programs_raeen", "programs_linux", "dynamic_binaries", "alloc_failures", "supervision", "manager_hardening", "vm", "root_faults", "screen", "boot",
           "root_programs", "root_disk", "bench", "static_binaries", "manager", "served", "root", "cpus", "debug_build", "trace_tools", "root_boot", "sandbox",
           "wild_pointers", "stress", "messages", "init_restart", "glibc_threads", "keymap")


def pytest_configure(config):
    config.addinivalue_line("markers", "full: takes longer; run by make test-full only")


def pytest_collection_modifyitems(items):
    def place(item):
        name = item.path.stem.removeprefix("test_")
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadFileScheduling

    return LoadFileScheduling(config, log)
