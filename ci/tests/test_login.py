# SPDX-License-Identifier: MIT
"""A person at the serial console: logging in, ^C, ^Z, fg and bg, leaving, restarting and switching off the machine."""
import pexpect
import pytest

from guest import RAEEN, console_text, vm_line

BOOT = 90
REPLY = 60
READY = "READY> "


class Terminal:
    """The serial console. The tests of this file follow one another on the same machine."""

    def __init__(self):
        line = vm_line(RAEEN)
        self.child = pexpect.spawn(line[0], line[1:], timeout=REPLY, dimensions=(25, 100))

    def expect(self, pattern, timeout=REPLY):
        try:
            return self.child.expect(pattern, timeout=timeout)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            raise AssertionError(f"{pattern!r} did not come ({type(error).__name__}); before it:\n"
                                 f"{console_text(self.child.before or b'')}") from None

    def send(self, text):
        self.child.send(text)

    def login(self, name):
        self.send(name + "\r")
        self.expect(r"[#$] ")
        # Typed in two pieces, so that the echo of the command is not taken for the prompt.
        self.send("stty -echo; PS1='REA''DY> '; stty echo\r")
        self.expect(READY)

    def begin(self, command):
        """Types @command, and returns when it has been executed."""
        self.send(f"sh -c 'echo beg''un; exec {command}'\r")
        self.expect(r"begun\r+\n")

    def run(self, command):
        """Types @command and returns what came between it and the next prompt."""
        self.send(command + "\r")
        self.expect(r"\r+\n")
        self.expect(READY)
        return self.child.before.decode(errors="replace").replace("\r", "").strip()


@pytest.fixture(scope="module")
def terminal():
    machine = Terminal()
    yield machine
    machine.child.close(force=True)


def test_prompt(terminal):
    terminal.expect("login: ", BOOT)


def test_wrong_user(terminal):
    terminal.send("nobody-here\r")
    terminal.expect("[Pp]assword: ")
    terminal.send("guess\r")
    terminal.expect("incorrect")
    terminal.expect("login: ")


def test_locked_user(terminal):
    terminal.send("nobody\r")
    terminal.expect("Login incorrect")
    terminal.expect("login: ")


def test_root(terminal):
    terminal.login("root")
    assert terminal.run("id -u; pwd; tty; echo $HOME") == "0\n/root\n/dev/ttyS0\n/root"


def test_root_has_every_capability(terminal):
    assert terminal.run("cap | grep -c ' yes *yes '; cap | grep -c ' - '") == "19\n0"


def test_interrupt(terminal):
    terminal.begin("sleep 1000")
    terminal.send("\x03")
    terminal.expect(READY)
    assert terminal.run("echo $?") == "130"
    terminal.begin("cat")
    terminal.send("line\r")
    terminal.expect(r"line\r+\nline\r+\n")
    terminal.send("\x04")
    terminal.expect(READY)


def test_suspend(terminal):
    terminal.begin("sleep 1000")
    terminal.send("\x1a")
    terminal.expect("Stopped")
    terminal.expect(READY)
    assert "sleep 1000" in terminal.run("jobs")
    terminal.run("bg")
    assert "Running" in terminal.run("jobs") or "sleep 1000" in terminal.run("jobs")
    terminal.send("fg\r")
    terminal.expect("sleep 1000")
    # Until it has the terminal the key is the shell's, which ignores it.
    for _ in range(20):
        terminal.send("\x03")
        if terminal.child.expect([READY, pexpect.TIMEOUT], timeout=3) == 0:
            break
    else:
        raise AssertionError("the job in the foreground is not interrupted")
    assert terminal.run("jobs") == ""


def test_line_editing(terminal):
    assert terminal.run("echo abX\x7fc").endswith("abc")
    terminal.send("echo history-$((20+3))\r")
    terminal.expect("history-23")
    terminal.expect(READY)
    terminal.send("\x1b[A\r")
    terminal.expect("history-23")
    terminal.expect(READY)


def test_leave(terminal):
    terminal.send("exit\r")
    terminal.expect("login: ")


def test_user(terminal):
    terminal.login("raeen")
    assert terminal.run("id -u; id -g; pwd; echo $USER") == "1000\n1000\n/home/raeen\nraeen"
    assert "denied" in terminal.run("touch /etc/x").lower()
    assert terminal.run("grep RaeenCap /proc/self/status") == "RaeenCapEff:\t0000000000001c1f\nRaeenCapPrm:\t0000000000001c1f"
    assert terminal.run("echo mine > f; cat f; rm f") == "mine"
    terminal.send("exit\r")
    terminal.expect("login: ")


def test_reboot(terminal):
    terminal.login("root")
    terminal.send("reboot\r")
    terminal.expect("login: ", BOOT)


def test_poweroff(terminal):
    terminal.login("root")
    terminal.send("poweroff\r")
    terminal.expect(pexpect.EOF, BOOT)
    terminal.child.close()
    assert terminal.child.exitstatus == 0
