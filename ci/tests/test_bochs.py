# SPDX-License-Identifier: MIT
"""Bochs, a second opinion on the hardware: other firmware, other chips, other processors than QEMU's, from CD by IDE."""
import os
import re
import shutil
import subprocess
import time
from collections import Counter

import pexpect
import pytest

from guest import IMAGE, ROOT, console_text
from screen import Font, XwdScreenshot
from screen_machine import FONT

BOOT = 180
REPLY = 60
WINDOW = 4, 36          # the guest's screen in Bochs's window: a border of 4 pixels, a bar of 32
MODERN, OLD = "corei7_skylake_x", "athlon64_clawhammer"

pytestmark = [pytest.mark.full,
              pytest.mark.skipif(not shutil.which("bochs"), reason="bochs is not installed (toolchain/deps full does)")]


class Bochs:
    """A machine whose terminal is its serial console, or with --screen text its screen and keyboard."""

    def __init__(self, folder, *options, environment=None):
        self.folder = folder
        line = ["--image", IMAGE, "--folder", str(folder), *options]
        self.child = pexpect.spawn(os.path.join(ROOT, "toolchain/run-bochs"), line, timeout=REPLY, dimensions=(25, 80),
                                   env=dict(os.environ, **environment or {}))
        self.child.logfile_read = open(folder / "terminal", "wb")

    def expect(self, pattern, timeout=REPLY):
        try:
            return self.child.expect(pattern, timeout=timeout)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            log = self.folder / "log"
            said = log.read_bytes()[-1500:].decode(errors="replace") if log.exists() else ""
            raise AssertionError(f"{pattern!r} did not come ({type(error).__name__}); before it:\n"
                                 f"{console_text(self.child.before or b'')}\n--- the log of Bochs ends:\n{said}") from None

    def run(self, command):
        """Types @command; returns what it wrote."""
        self.child.send(f"{command}; echo 'en''d'\r")
        self.expect(r"\r\n((?s:.*))end\r\n")
        return self.child.match.group(1).decode().replace("\r", "").strip()

    def power_off(self):
        self.child.send("poweroff\r")
        self.child.expect(pexpect.EOF, timeout=REPLY)
        self.child.close()
        return self.child.exitstatus

    def kernel_log(self):
        return (self.folder / "terminal").read_bytes().decode(errors="replace").replace("\r", "")


@pytest.fixture
def bochs(tmp_path):
    machines = []

    def start(*options, **others):
        machines.append(Bochs(tmp_path, *options, **others))
        return machines[-1]

    yield start
    for machine in machines:
        machine.child.close(force=True)


@pytest.mark.parametrize("cpu, has", [(MODERN, {"nx", "smep", "smap", "rdrand", "xsave"}), (OLD, {"nx"})])
def test_serial_console(bochs, cpu, has):
    machine = bochs("--cpu", cpu)
    machine.expect("login: ", BOOT)
    log = machine.kernel_log()
    features = re.search(r"cpu: (.*)", log).group(1).split(", ")
    assert has == set(features[1:]), features
    assert features[0].strip() == features[0]
    assert "interrupts: local APIC and I/O APIC" in log
    machine.child.send("root\r")
    machine.expect("# ")
    assert machine.run("uname -om") == "x86_64 RaeenOS"
    assert machine.run("seq 1 1000 | md5sum") == "53d025127ae99ab79e8502aae2d9bea6  -"
    # Bochs says what an instruction takes; its timer, its PIT and its RTC have to agree about it.
    assert re.search(r"clock: TSC (49|50|51) MHz", log)
    times = machine.run("date +%s; sleep 3; date +%s").split()
    assert 3 <= int(times[1]) - int(times[0]) <= 4
    assert abs(int(times[1]) - time.time()) < 600
    machine.child.send("reboot\r")
    machine.expect("login: ", BOOT)
    machine.child.send("root\r")
    machine.expect("# ")
    assert machine.power_off() == 0


def test_safe_mode(bochs):
    """The two 8259 and the PIT instead of the APICs: the third entry of the menu."""
    machine = bochs()
    machine.expect("executed automatically", BOOT)
    for key in ("\x1b[B", "\x1b[B", "\r"):
        machine.child.send(key)
        time.sleep(0.5)
    machine.expect("login: ", BOOT)
    assert "events from the PIT" in machine.kernel_log()
    machine.child.send("root\r")
    machine.expect("# ")
    times = machine.run("date +%s; sleep 3; date +%s").split()
    assert 3 <= int(times[1]) - int(times[0]) <= 4
    # Short waits are not late: one programming of the PIT each. (No line may be longer than the terminal is wide.)
    machine.run("w() { for i in $(seq 40);do read -t 0.01 x;done; }")
    times = machine.run("cat /proc/uptime; w; cat /proc/uptime").split()
    assert 0.4 <= float(times[2]) - float(times[0]) < 0.7
    assert machine.power_off() == 0


def wait_for_console(machine, text, seconds=REPLY):
    """
    Until @text is on the serial console, which is a file here. The screen comes in pieces, drawn as they change: its text
    cannot be waited for.
    """
    deadline = time.monotonic() + seconds
    while True:
        machine.child.expect([pexpect.TIMEOUT, pexpect.EOF], timeout=0.5)
        path = machine.folder / "console"
        said = path.read_bytes().decode(errors="replace") if path.exists() else ""
        if text in said:
            return said
        assert time.monotonic() < deadline, f"{text!r} did not come; the console:\n{said[-2000:]}"


def type_until(machine, line, text):
    """Types @line until @text is on the serial console: keys that the guest does not take in time are lost, as on a PC."""
    for last in (False, False, True):
        machine.child.send(f"{line}\r")
        try:
            return wait_for_console(machine, text, REPLY / 3)
        except AssertionError:
            if last:
                raise


def test_text_screen(bochs):
    """No VBE: the kernel finds the text mode. Keys are typed at the PS/2 keyboard."""
    machine = bochs("--screen", "text", "--cpu", OLD)
    wait_for_console(machine, "raeen login: ", BOOT)
    console = type_until(machine, "root\rtty > /dev/ttyS0", "/dev/tty1")
    assert "video: text mode, 80x25 characters" in console
    type_until(machine, "echo $((6*7))-{a,B} > /dev/ttyS0", "42-{a,B}")
    assert machine.power_off() == 0
    # The log was drawn as well, in pieces, and a character that a cell has already is not sent again.
    terminal = re.sub(rb"\x1b(\[[0-9;?]*[ -/]*[@-~]|[()].|.)|\s", b"", (machine.folder / "terminal").read_bytes())
    logged = re.sub(r"\s", "", "".join(re.findall(r"^\[ .*", console, re.MULTILINE))).encode()
    missing = Counter(logged) - Counter(terminal.rpartition(b"GRUB!")[2])
    assert len(logged) > 500 and missing.total() < len(logged) / 10, terminal


@pytest.fixture
def display(tmp_path):
    """An X server whose screen is a file."""
    if not shutil.which("Xvfb"):
        pytest.skip("xvfb is not installed (toolchain/deps full does)")
    read_end, write_end = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1280x1024x24", "-nolisten", "tcp",
                               "-fbdir", str(tmp_path)], pass_fds=[write_end], stderr=subprocess.DEVNULL)
    os.close(write_end)
    with os.fdopen(read_end) as answer:
        number = answer.readline().strip()
    yield ":" + number, tmp_path / "Xvfb_screen0"
    server.terminate()
    server.wait(10)


def test_framebuffer(bochs, display):
    """VBE by Bochs's own BIOS; what the kernel draws is read back through the window."""
    name, screen = display
    machine = bochs("--screen", "x", environment={"DISPLAY": name})
    machine.expect("login: ", BOOT)
    assert "video: framebuffer 1024x768, 32 bits" in machine.kernel_log()
    font = Font(FONT)
    deadline = time.monotonic() + REPLY
    lines = []
    while not any("RaeenOS x86_64 on /dev/tty1" in line for line in lines):
        assert time.monotonic() < deadline, "\n".join(line for line in lines if line)
        time.sleep(1)
        lines = XwdScreenshot(screen).text(font, *WINDOW)
    assert any("acpi: " in line and "tables" in line for line in lines)
