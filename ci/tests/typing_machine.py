# SPDX-License-Identifier: MIT
"""The three places at which test_typing.py and test_tmux.py type, and the programs that they find there, the same in each."""
import glob
import os
import shutil
import tarfile

from guest import BUILD, LINUX, RAEEN
from screen_machine import PROMPT, Screen
from serial_machine import Serial, build_emulator

PLACES = ("screen", "serial", "linux")  # the screen and keyboard, the serial line, and that of the Linux guest
ROWS, COLUMNS = 48, 128                 # of the screen
FOLDER = "/typing"
# Latin-1, all box drawing, and characters of two columns and of none, with the same columns behind them.
GLYPHS = ["".join(chr(code) for code in range(0xa1, 0x100)), "".join(chr(code) for code in range(0x2500, 0x2580)), "→←↑↓ •…—“”„ Łőžış αβγ ЖЯ €",
          "中|", "✅|", "e\u0301|", "x\u200b|", "\U0001f680|", "\ue123|"]
COMBINING = ("\u0301", "\u200b")


def put_programs(folder, ports, programs, applets):
    """Makes @folder an overlay with @ports, and FOLDER/bin there with their @programs and busybox's @applets. Returns where FOLDER is on the host."""
    files = folder / FOLDER[1:]
    place = files / "bin"
    for port in ports:
        package, = (name for name in glob.glob(f"{BUILD}/ports/{port}/{port}-*.tar") if not name.endswith("-dev.tar"))
        with tarfile.open(package) as archive:
            archive.extractall(folder)
    place.mkdir(parents=True)
    shutil.copy(f"{BUILD}/ports/busybox/stage/bin/busybox", place)
    for applet in applets:
        (place / applet).symlink_to("busybox")
    for program in programs:
        os.rename(folder / program, place / os.path.basename(program))
    return files


def at_the_screen(folder, overlay):
    machine = Screen(folder, "--overlay", overlay)
    machine.wait_for("login:")
    machine.type("root\n")
    machine.wait_for(PROMPT)
    return machine


def at_the_serial_line(guest, folder, overlay, *options):
    machine = Serial(guest, build_emulator(folder), ROWS, COLUMNS, "--overlay", overlay, *options)
    if guest == RAEEN:
        machine.wait_for("login: ")
        machine.type("root\n")
        # The last that the manager says of what it starts, on the same line.
        machine.wait_for("manager: example started")
    machine.wait_for(PROMPT if guest == RAEEN else "/root # ")
    return machine


def begin_at(place, folder, overlay):
    """A machine at one of PLACES, where FOLDER/begin runs."""
    if place == "screen":
        machine = at_the_screen(folder, overlay)
    else:
        machine = at_the_serial_line({"serial": RAEEN, "linux": LINUX}[place], folder, overlay)
    machine.type(f". {FOLDER}/begin\n")
    return machine
