# SPDX-License-Identifier: MIT
"""Process 1 killed: the kernel starts it again in place, with its number, children and descriptors. Here it is a shell, typed at."""
import pexpect
import pytest

from guest import RAEEN, console_text, vm_line

BOOT = 90
REPLY = 30
READY = "READY> "


class Shell:
    """A shell as process 1, on the serial console."""

    def __init__(self):
        line = vm_line(RAEEN, "--append", "init=/bin/sh")
        self.child = pexpect.spawn(line[0], line[1:], timeout=REPLY, dimensions=(25, 160))
        self.greet(BOOT)

    def expect(self, pattern, timeout=REPLY):
        try:
            return self.child.expect(pattern, timeout=timeout)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            raise AssertionError(f"{pattern!r} did not come ({type(error).__name__}); before it:\n"
                                 f"{console_text(self.child.before or b'')}") from None

    def greet(self, timeout=REPLY):
        self.expect(r"# ", timeout)
        self.child.send("PS1='REA''DY> '\r")
        self.expect(READY)

    def run(self, command):
        """Types @command and returns what came between it and the next prompt."""
        self.child.send(command + "\r")
        self.expect(r"\r+\n")
        self.expect(READY)
        return self.child.before.decode(errors="replace").replace("\r", "").strip()

    def die(self, command, how):
        self.child.send(command + "\r")
        self.expect(r"process 1 \(sh\) ended with " + how + ": it is started again in place")
        self.greet()


@pytest.fixture(scope="module")
def shell():
    machine = Shell()
    yield machine
    machine.child.close(force=True)


def test_before(shell):
    shell.run("mount -t proc proc /proc; mount -t devfs dev /dev; mount -t tmpfs tmpfs /tmp; cd /tmp; umask 027")
    assert shell.run("echo $$ ${INIT_RESTARTED:-first} $PWD") == "1 first /tmp"
    # A child that lives, one that dies while nobody is there to hear it, and descriptors.
    shell.run("sleep 1000 & echo $! > sleeper; exec 7> kept; sh -c 'echo $$ > short; exec sleep 3' & trap '' USR1; ulimit -n 300")


def test_killed(shell):
    shell.die("kill -9 1", "signal 9")
    assert shell.run("echo $$ $INIT_RESTARTED $INIT_STATUS; pwd; umask; ulimit -n") == "1 1 9\n/tmp\n0027\n300"
    assert shell.run("grep -E '^(Name|PPid|Threads):' /proc/1/status") == "Name:\tsh\nPPid:\t0\nThreads:\t1"
    assert int(shell.run("grep SigIgn /proc/1/status").split()[1], 16) & 0x200 == 0
    assert shell.run("echo more >&7; cat kept") == "more"
    assert shell.run("read p < sleeper; grep PPid /proc/$p/status") == "PPid:\t1"
    assert "/memfd:/bin/sh (deleted)" in shell.run("readlink /proc/1/exe")


def test_children_that_died_meanwhile(shell):
    shell.run("read p < short; while grep -q '^State.*S' /proc/$p/status 2>/dev/null; do sleep 0.2; done")
    # The shell waits for any child, so it takes those of its former life, too.
    assert shell.run("sleep 0.1 & wait; read p < short; ls -d /proc/$p 2>&1 | grep -c 'No such'") == "1"


def test_exit_and_fault(shell):
    shell.die("exit 3", "code 3")
    assert shell.run("echo $INIT_RESTARTED $INIT_STATUS") == "2 768"
    # What a program may ignore is ignored still; only SIGKILL ends process 1 from outside.
    shell.run("kill -TERM 1; kill -SEGV 1; kill -STOP 1; kill -QUIT 1")
    assert shell.run("echo $INIT_RESTARTED") == "2"


def test_from_another_process_and_without_its_file(shell):
    shell.run("cp /bin/busybox /tmp; mv /bin/busybox /bin/away")
    shell.die("/tmp/busybox sh -c 'kill -9 1; /tmp/busybox sleep 1'", "signal 9")
    assert shell.run("/bin/busybox; echo $INIT_RESTARTED").endswith("not found\n3")
    shell.run("/tmp/busybox mv /bin/away /bin/busybox")


def test_too_often_is_a_panic(shell):
    for _ in range(10):
        shell.child.send("kill -9 1\r")
        if shell.expect([r"started again in place", r"ended with signal 9, 5 times within 10 s"]) == 1:
            break
        shell.expect(r"# ")
    else:
        raise AssertionError("no panic")
