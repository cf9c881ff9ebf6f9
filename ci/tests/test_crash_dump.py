# SPDX-License-Identifier: MIT
"""A panic, the warm reboot after it, and the report that the next boot finds."""
import os
import re
import sys

import pexpect
import pytest

from guest import RAEEN, ROOT, console_text, features, vm_line

sys.path.insert(0, os.path.join(ROOT, "ci/lib"))
import qmp  # noqa: E402

pytestmark = pytest.mark.skipif("crash_dump" not in features(), reason="the kernel is built without CRASH_DUMP")

BOOT, REPLY = 120, 60
READY = "READY> "


class Terminal:
    """The serial console of a machine that goes on after a reset. The tests of this file follow one another on it."""

    def __init__(self, folder):
        path = str(folder / "qmp")
        line = vm_line(RAEEN, "--append", "panic=1", "--qmp", path)
        self.child = pexpect.spawn(line[0], line[1:], timeout=REPLY, dimensions=(25, 200))
        self.monitor = qmp.Qmp.connect(path)

    def expect(self, pattern, timeout=REPLY):
        """What came before it."""
        try:
            self.child.expect(pattern, timeout=timeout)
            return self.child.before.decode(errors="replace").replace("\r", "")
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            raise AssertionError(f"{pattern!r} did not come ({type(error).__name__}):\n{console_text(self.child.before or b'')}") from None

    def login(self):
        """Returns what the boot has said."""
        said = self.expect("login: ", BOOT)
        self.child.send("root\r")
        self.expect(r"[#$] ")
        self.child.send("stty -echo; PS1='REA''DY> '; stty echo\r")
        self.expect(READY)
        return said

    def run(self, command):
        self.child.send(command + "\r")
        self.expect(r"\r+\n")
        return self.expect(READY).strip()


@pytest.fixture(scope="module")
def terminal(tmp_path_factory):
    machine = Terminal(tmp_path_factory.mktemp("crash"))
    yield machine
    machine.child.close(force=True)


def test_nothing_to_tell(terminal):
    said = terminal.login()
    assert "panicked" not in said
    assert terminal.run("cat /proc/crash; ls /var/crash; stat -c %a:%u /proc/crash") == "600:0"
    terminal.run("echo written by a test > /dev/kmsg")


def test_report_of_a_panic(terminal):
    terminal.monitor.call("inject-nmi")
    terminal.expect("kernel panic: non-maskable interrupt")
    said = terminal.login()
    assert "the system panicked before this boot: see /var/crash/1.txt" in said
    text = terminal.run("cat /var/crash/1.txt")
    assert re.match(r"kernel panic: non-maskable interrupt in the kernel \(vector 2, error 0\)\n"
                    r"cpu 0, thread .*, tid \d+; kernel slide 0x[0-9a-f]+\n(rip |rax |rsi |r8  |r12 )", text), text
    assert re.search(r"\nrip [0-9a-f]{16} rsp [0-9a-f]{16} rflags ", text)
    report, log = text.split("\nthe log before it:\n")
    assert re.search(r"\nbacktrace \(newest first\):\n  0x[0-9a-f]{16}  [a-z_0-9]+\+0x[0-9a-f]+  \(link 0x[0-9a-f]+\)\n", report + "\n"), text
    assert "written by a test" in log and "RaeenOS, loaded by " in log
    assert terminal.run("stat -c %a:%u /var/crash/1.txt") == "600:0"


def test_it_is_told_once(terminal):
    assert terminal.run("cat /proc/crash") == ""
    terminal.child.send("reboot\r")
    said = terminal.login()
    assert "panicked" not in said
    assert terminal.run("cat /proc/crash; ls /var/crash") == ""
