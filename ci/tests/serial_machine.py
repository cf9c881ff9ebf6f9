# SPDX-License-Identifier: MIT
"""A machine as a person at its serial console has it, who sits at a terminal: what comes is drawn by the kernel's own emulator, on this machine."""
import os
import subprocess
import time

import pexpect

import keys
from guest import BUILD, ROOT, console_all, console_text, switch_values, vm_line
from screen import Cell

EMULATOR = "tty/terminal_hosttest"
PATIENCE = 120
QEMU_ESCAPE = b"\x01"   # to the one who holds the console by ci/vm; typed twice it is the guest's
ANEW = b"\x1bc"         # what clears the terminal; what came before need not be drawn
# The palette of the console.
COLORS = [tuple((170 if color >> bit & 1 else 0) + (85 if color & 8 else 0) for bit in range(3)) for color in range(16)]
COLORS[3] = (170, 85, 0)


def build_emulator(folder):
    """Apart from those of "make host-test", which runs at the same time. With the kernel's switches as they are: make notes them."""
    subprocess.run(["make", "-s", "-C", os.path.join(ROOT, "src/kernel"), f"BUILD={BUILD}", f"HOST_OUT={folder}", f"{folder}/{EMULATOR}.passed",
                    *switch_values()], check=True)
    return folder / EMULATOR


class Serial:
    """A booted machine with a terminal of @rows and @columns at its serial console, drawn by the program @emulator."""

    def __init__(self, guest, emulator, rows, columns, *options):
        line = vm_line(guest, *options)
        self.size = (str(rows), str(columns))
        self.emulator = emulator
        self.output = b""
        self.child = pexpect.spawn(line[0], line[1:], dimensions=(rows, columns))
        self.child.delaybeforesend = None

    def wait_for(self, text):
        """Until it has come at all, wherever it is drawn and in whatever colours. Before the terminal is cleared for the first time there is no screen to be compared."""
        deadline = time.monotonic() + PATIENCE
        while text not in console_all(self.output):
            assert self.take(1) or time.monotonic() < deadline, f"{text!r} did not come: {console_text(self.output)}"

    def take(self, seconds):
        """Takes what comes in that time at most; whether something did."""
        try:
            self.output += self.child.read_nonblocking(1 << 16, seconds)
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:
            raise AssertionError(f"the machine ended: {console_text(self.output)}") from None
        self.output = self.output[max(self.output.rfind(ANEW), 0):]
        return True

    def cells(self):
        while self.take(0.1):
            pass
        # QEMU has the host's terminal put a carriage return before each line feed; the guest's own are as many as it wrote.
        written = self.output.replace(b"\r\n", b"\n")
        lines = subprocess.run([self.emulator, *self.size], input=written, check=True, stdout=subprocess.PIPE).stdout.decode().split("\n")
        row, column, visible = (int(word) for word in lines[0].split())
        screen = []
        for text, colors in zip(lines[1::2], lines[2::2]):
            palette = [int(colors[at:at + 2], 16) for at in range(0, len(colors), 2)]
            screen.append([Cell(char, COLORS[palette[2 * at]] if char != " " else None, COLORS[palette[2 * at + 1]]) for at, char in enumerate(text)])
        if visible:
            cell = screen[row][column]
            screen[row][column] = Cell(cell.char, cell.foreground, cell.background, True)
        return screen

    @staticmethod
    def as_read(text):
        return text

    def type(self, typed):
        self.child.send(keys.as_bytes(typed).replace(QEMU_ESCAPE, QEMU_ESCAPE * 2))

    def log(self):
        return console_text(self.output)

    def close(self):
        self.child.close(force=True)
