# SPDX-License-Identifier: MIT
"""What is on the disk when the machine has been switched off: all that was written, in a file system that says it is clean."""
import os
import subprocess
import time

import pytest

import disk_image
from qmp import Qmp
from root_machine import DISK, Machine

# The map is printed before the end: what is written later must lie in blocks that have frames by then, and keep them.
PREPARE = f"mkdir /d; echo more >/d/gone; echo xxxx >/d/last; sync; echo '@map'; cat {DISK}/map; echo '@take'"
# Somebody holds what has no name any more, and ends late.
WRITE = """(setsid sh -c 'trap "" TERM; exec 3>>/d/gone; rm /d/gone; while :; do echo more >&3; sleep 1; done' >/dev/null 2>&1 &)
while [ -e /d/gone ]; do :; done; echo last 1<>/d/last"""
ENDS = {
    "power off": "poweroff",
    "halt": "halt",
    "server killed": "svc kill ext2; svc kill ext2; kill -USR2 1; svc kill ext2",
    "server stopped by hand": "svc stop ext2; kill -USR2 1",
    # At real-time priority the manager cannot look in between: the order is pending when it dies, or comes while it does.
    "manager killed": "chrt -f 50 sh -c 'kill -USR2 1; kill -9 1'",
    "manager killed before": "chrt -f 50 sh -c 'kill -9 1; kill -USR2 1'",
}


def wait_for(path, *words, timeout=200):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        with open(path, errors="replace") as console:
            log = console.read()
        if any(word in log for word in words):
            return log
        time.sleep(0.1)
    raise AssertionError(log)


@pytest.mark.parametrize("name", ENDS)
def test_clean(name, tmp_path):
    image = os.path.join(tmp_path, "image")
    with Machine(f"{PREPARE}; {WRITE}; {ENDS[name]}; while :; do :; done", "--qemu", "-no-shutdown") as machine:
        machine.until("@map")
        text = "\n".join(machine.until("@take"))
        log = wait_for(machine.console, "power: off", "power: halted")
        assert "MAY BE LOST" not in log and "do not end" not in log, log
        disk_image.take(Qmp.connect(machine.socket), text, image)
    done = subprocess.run(["e2fsck", "-fn", image], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + log
    state = subprocess.run(["dumpe2fs", "-h", image], capture_output=True, text=True).stdout
    assert "Filesystem state:         clean\n" in state, state
    last = subprocess.run(["debugfs", "-R", "cat /d/last", image], capture_output=True, text=True).stdout
    where = subprocess.run(["debugfs", "-R", "blocks /d/last", image], capture_output=True, text=True).stdout
    assert last == "last\n", f"blocks {where}, of the disk's map\n{text}\n{log}"
