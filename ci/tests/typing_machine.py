# SPDX-License-Identifier: MIT
"""The places at which test_typing.py, test_tmux.py and test_session.py type, and the programs that they find there, the same in each."""
import glob
import os
import shutil
import tarfile

from guest import BUILD, LINUX, RAEEN, ROOT
from screen_machine import PROMPT, Screen
from serial_machine import COLORS, Serial, build_emulator
from typist import cursor_of, text_of

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


def shipped(name):
    """The lines of a file of the image in /etc."""
    with open(f"{ROOT}/root/etc/{name}", encoding="utf-8") as source:
        return [line.rstrip() for line in source]


def expect_login(typist, terminal):
    """What /etc/issue says, and the question behind it: nothing is written after that."""
    issue = [line.replace("\\m", "x86_64").replace("\\l", f"/dev/{terminal}") for line in shipped("issue")]
    wanted = [*issue, "raeen login:"]
    typist.until(lambda cells: text_of(cells)[-len(wanted):] == wanted, "\n".join(wanted))


def expect_prompt(typist, user, folder, before=()):
    """The prompt in the last line, in its colours, behind the lines @before."""
    sign, ink = ("#", COLORS[9]) if user == "root" else ("$", COLORS[10])
    wanted = [*before, f"{user}@raeen:{folder}{sign}"]
    typist.until(lambda cells: text_of(cells)[-len(wanted):] == wanted and cursor_of(cells) in (None, (len(text_of(cells)) - 1, len(wanted[-1]) + 1)), "\n".join(wanted))
    row = typist.seen[len(text_of(typist.seen)) - 1][:len(wanted[-1])]
    name = len(f"{user}@raeen")
    assert [cell.foreground for cell in row] == [ink] * name + [COLORS[7]] + [COLORS[12]] * len(folder) + [COLORS[7]]
    assert {cell.background for cell in row} == {COLORS[0]}


def expect_greeting(typist, user):
    """What is seen who has logged in: the message of the day, and the prompt right behind it."""
    expect_prompt(typist, user, "~", shipped("motd"))


def at_the_screen(folder, overlay, layout="us"):
    machine = Screen(folder, "--overlay", overlay, layout=layout)
    machine.wait_for("login:")
    machine.type("root\n")
    machine.wait_for(PROMPT)
    return machine


def at_the_serial_line(guest, folder, overlay, *options):
    machine = Serial(guest, build_emulator(folder), ROWS, COLUMNS, "--overlay", overlay, *options)
    if guest == RAEEN:
        machine.wait_for("login: ")
        machine.type("root\n")
    machine.wait_for(PROMPT if guest == RAEEN else "/root # ")
    return machine


def begin_at(place, folder, overlay, layout="us"):
    """A machine at one of PLACES, where FOLDER/begin runs. A screen's keyboard has @layout."""
    if place == "screen":
        machine = at_the_screen(folder, overlay, layout)
    else:
        machine = at_the_serial_line({"serial": RAEEN, "linux": LINUX}[place], folder, overlay)
    machine.type(f". {FOLDER}/begin\n")
    return machine
