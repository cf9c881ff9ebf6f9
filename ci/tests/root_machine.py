# SPDX-License-Identifier: MIT
"""
A guest whose root file system is ext2 in the memory disk, served by a program: what runs in it can ask for its disk to be taken away and looked at while
it goes on, or at the end.
"""
import os
import shutil
import signal
import subprocess
import tempfile

import disk_image
from guest import BUILD, RAEEN, console_all, console_text, vm_line
from qmp import Qmp

DISK = "/proc/disks/ram0"
# In the guest: prints the map, and waits until the host has the disk and presses a key. What follows sees the same disk.
TAKE = f"echo '@map'; cat {DISK}/map; echo '@take'; read key </dev/tty1; echo '@on'"
# The same at the end, when there is nothing more to be done. Twice: what the first still had in hand itself may end only then.
TAKE_LAST = f"sync; sync; echo '@map'; cat {DISK}/map; echo '@take'; sleep 100000"

TESTS = os.path.join(BUILD, "tests/tests")
# The ext2 server that goes wrong as it is told, and what its words stand behind; `svc upgrade ext2 /tests/ext2-service` makes it the server of /.
SERVICE, MARK = "ext2-service", b"RAEEN-EXT2-OPTIONS"


def make_overlay(overlay, part, programs):
    """Adds /tests to the folder @overlay: @programs, and the ext2 server with @part written into it, unless that is None."""
    tests = os.path.join(overlay, "tests")
    os.makedirs(tests)
    for name in programs:
        shutil.copy(os.path.join(TESTS, name), tests)
    if part is None:
        return
    with open(os.path.join(TESTS, SERVICE), "rb") as program:
        data = program.read()
    words = MARK + b" " + part.encode()
    place = data.index(MARK + bytes(100))
    with open(os.path.join(tests, SERVICE), "wb") as program:
        program.write(data[:place] + words + data[place + len(words):])
    os.chmod(program.name, 0o755)


class Machine:
    """
    Runs a command; images(path...) takes the disk away as often as the command does TAKE or TAKE_LAST. Lines that it printed otherwise are in @lines.
    To be used in a "with": nothing is left running.
    """

    def __init__(self, command, *options, timeout=300, guest=RAEEN, append=""):
        self.folder = tempfile.mkdtemp(prefix="raeen-root-", dir=os.environ.get("TMPDIR", "/var/tmp"))
        socket = os.path.join(self.folder, "qmp")
        self.console = os.path.join(self.folder, "console")
        words = ["--append", append] if append else []
        line = vm_line(guest, "--timeout", timeout, "--qmp", socket, "--console", self.console, *words, *options)
        self.process = subprocess.Popen([*line, "--", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.socket = socket
        self.lines = []
        self.monitor = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.process.stdout.close()

    def line(self):
        """The next line, or None at the end."""
        data = self.process.stdout.readline()
        return data.decode(errors="replace").rstrip("\n") if data else None

    def until(self, mark):
        """Reads on to the line @mark; what comes before it is returned, and added to @lines. The end is an error."""
        before = []
        while (line := self.line()) != mark:
            if line is None:
                said = "\n".join((self.lines + before)[-60:])
                raise AssertionError(f"ended with status {self.process.wait()} before {mark}:\n{said}\n--- console log:\n{self.log()}")
            before.append(line)
        self.lines += before
        return before

    def log(self, whole=False):
        """The end of the console log, for a message; or all of it."""
        if not os.path.exists(self.console):
            return ""
        with open(self.console, "rb") as console:
            return (console_all if whole else console_text)(console.read())

    def rest(self):
        """What is printed until the end. Returns the exit status."""
        while (line := self.line()) is not None:
            self.lines.append(line)
        return self.process.wait()

    def image(self, path, last=False):
        """The disk, as it is at the next TAKE (@last: TAKE_LAST), in the file @path."""
        self.until("@map")
        text = "\n".join(self.until("@take"))
        del self.lines[-len(text.split("\n")):]
        self.monitor = self.monitor or Qmp.connect(self.socket)
        self.monitor.call("stop")
        disk_image.take(self.monitor, text, path)
        self.monitor.call("cont")
        if not last:
            self.monitor.press("ret")
            assert self.line() == "@on", "the guest does not go on"

    def text(self):
        return "\n".join(self.lines)
