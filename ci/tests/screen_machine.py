# SPDX-License-Identifier: MIT
"""A machine as a person at its screen and keyboard has it."""
import os
import subprocess
import time

import keys
from guest import BUILD, RAEEN, vm_line
from qmp import Qmp
from screen import Font, Screenshot

FONT = os.path.join(BUILD, "cache/console-setup-linux/usr/share/consolefonts/Uni2-Terminus16.psf.gz")
PATIENCE = 150
PROMPT = "root@raeen:~#"


class Screen:
    """A booted machine with its screen and keyboard, and no more than these. @layout is the keyboard's: "us", or "de", which has letters beyond ASCII."""

    def __init__(self, folder, *options, layout="us"):
        self.folder = folder
        self.layout = layout
        self.console = folder / "console"
        self.errors = open(folder / "errors", "wb")
        self.process = subprocess.Popen(
            vm_line(RAEEN, "--qmp", folder / "qmp", "--console", self.console, *(["--append", f"keymap={layout}"] if layout != "us" else []), *options),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self.errors)
        self.qmp = Qmp.connect(str(folder / "qmp"), 30)
        self.font = Font(FONT)

    def cells(self):
        path = self.folder / "screen.ppm"
        self.qmp.screendump(str(path))
        return Screenshot(path).cells(self.font)

    def lines(self):
        return ["".join(cell.char for cell in line).rstrip() for line in self.cells()]

    def as_read(self, text):
        return self.font.as_read(text)

    def type(self, typed):
        keys.press(self.qmp, typed, self.layout)

    def wait_for(self, *wanted, seconds=PATIENCE):
        """Waits until all of @wanted are on the screen; returns its lines."""
        return self.wait_until(lambda lines: all(any(text in line for line in lines) for text in wanted), wanted, seconds)

    def wait_until(self, condition, told, seconds=PATIENCE):
        """The same for a @condition of the lines, which @told describes."""
        deadline = time.monotonic() + seconds
        while True:
            lines = self.lines()
            if condition(lines):
                return lines
            if time.monotonic() > deadline or self.process.poll() is not None:
                shown = "\n".join(line for line in lines if line)
                raise AssertionError(f"{told} never came; the screen shows:\n{shown}\nconsole log: {self.log()}")
            time.sleep(0.3)

    def log(self):
        return self.console.read_bytes()[-3000:].decode(errors="replace") if self.console.exists() else ""

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self.errors.close()
