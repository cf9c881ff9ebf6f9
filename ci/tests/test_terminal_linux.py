# SPDX-License-Identifier: MIT
"""
The console's emulator beside Linux's own console: each capability that terminfo promises for TERM=linux, and mixtures of all of them, written to a
screen of that emulator on this machine and to the text console of the Linux guest, whose /dev/vcsa1 and /dev/vcsu1 then say what is there.
"""
import curses
import random
import re
import struct
import subprocess

import pytest

from guest import LINUX, console_text, vm
from serial_machine import build_emulator

pytestmark = pytest.mark.full

ROWS, COLUMNS = 25, 80
CELLS = ROWS * COLUMNS
HEADER = 4              # of vcsa: rows, columns, column and row of the cursor
MIXTURES = 250
EGA = (0, 4, 2, 6, 1, 5, 3, 7)          # the console's colours by VGA's numbers
# What neither of the two shows in its cells, or not alike, and why that is well.
NOT_COMPARED = {
    "bel": "a sound", "cvvis": "the cursor's shape", "flash": "is over at once; reverse video is below", "initc": "a palette: test_screen.py",
    "oc": "the same", "smpch": "glyphs of control characters, which no program of a UTF-8 system asks for", "rmpch": "the same",
    "smul": "Linux shows a colour instead", "rmul": "with smul", "u6": "an answer", "u7": "a question: terminal_hosttest.c", "u8": "an answer",
    "u9": "a question: terminal_hosttest.c",
}
used = set()


@pytest.fixture(scope="module", autouse=True)
def terminfo():
    curses.setupterm("linux", 1)


def t(name, *parameters):
    """The string of a capability, without padding."""
    used.add(name)
    string = curses.tigetstr(name)
    return re.sub(rb"\$<[^>]*>", b"", curses.tparm(string, *parameters) if parameters else string).decode()


def at(row, column):
    return t("cup", row, column)


def capabilities():
    """name -> what is written to a screen full of letters with the cursor in the middle."""
    cases = {name: t(name) + "X" for name in ("cub1", "cud1", "cuf1", "cuu1", "cr", "dch1", "dl1", "ed", "el", "el1", "home", "ht", "ich1", "il1", "ri", "nel", "ind",
                                              "clear", "bold", "dim", "rev", "smso", "blink", "cnorm")}
    cases |= {name: t(name, 3) + "X" for name in ("cub", "cud", "cuf", "cuu", "dch", "dl", "ech", "ich", "il", "hpa", "vpa")}
    cases |= {name + " too far": t(name, 200) + "X" for name in ("cub", "cud", "cuf", "cuu", "dch", "ech", "ich", "hpa", "vpa")}
    cases |= {
        "colours": "".join(t("setaf", color) + t("setab", 7 - color) + "ab" for color in range(8)) + t("op") + "X",
        "bright": "".join(t("bold") + t("setaf", color) + "ab" for color in range(8)) + t("sgr0") + "X",
        "standout ends": t("smso") + "a" + t("rmso") + "b",
        "reverse colours": t("setaf", 1) + t("setab", 4) + t("rev") + "X" + t("sgr0") + "Y",
        "sgr": "".join(t("sgr", *(int(bit == on) for bit in range(9))) + "X" for on in (0, 2, 3, 4, 5)) + t("sgr0") + "Y",
        "lines": t("enacs") + t("smacs") + "`afgjklmnqtuvwxyz{}~" + t("rmacs") + "xq",
        "insert mode": t("smir") + "abc" + t("rmir") + "X",
        "insert mode at the edge": t("hpa", 78) + t("smir") + "abc" + t("rmir"),
        "no wrap": t("hpa", 70) + t("rmam") + "abcdefghijklmnop" + t("smam") + "X",
        "wrap": t("hpa", 79) + "ab", "wrap in the last line": at(24, 79) + "ab",
        "nothing but a wrap is pending": "".join(at(row, 79) + "a" + then + "X" for row, then in enumerate(
            (t("cr"), t("cub1"), t("ht"), t("cud1"), t("el"), t("el1"), t("dch1"), t("ech", 1), t("cuf1"), t("ich1"), t("sgr0"), t("cup", 10, 79)))),
        "save and restore": t("sc") + t("setaf", 1) + at(1, 1) + "a" + t("rc") + "X",
        "tabs": t("hts") + t("cr") + t("ht") + "a" + t("ht") + "b", "no tabs": t("tbc") + t("ht") + "X",
        "reset": t("setaf", 1) + t("smir") + t("csr", 2, 6) + t("rs1") + "ab\tX",
        "region": t("csr", 2, 7) + "X", "region, scrolled": t("csr", 2, 7) + at(7, 0) + t("ind") * 2 + "X",
        "region, scrolled back": t("csr", 2, 7) + at(2, 5) + t("ri") * 2 + "X", "region, lines": t("csr", 2, 9) + at(4, 0) + t("il", 2) + at(3, 3) + t("dl", 1),
        "below the region": t("csr", 2, 7) + at(24, 3) + t("ind") * 2 + "X", "region of all": t("csr", 2, 7) + t("csr", 0, 24) + at(24, 3) + t("ind") + "X",
        "erased in colour": t("setab", 4) + t("el") + at(7, 3) + t("ech", 4) + at(9, 0) + t("dl", 2) + at(20, 0) + t("ed"),
        "moved in colour": t("setab", 2) + t("dch", 5) + at(8, 8) + t("ich", 3) + at(24, 0) + t("ind") * 2 + at(0, 0) + t("ri") + at(12, 0) + t("il", 2),
        "reverse screen": "\x1b[?5h" + t("el") + "X", "hidden cursor": t("civis") + "X", "UTF-8": "äöüßéñ¿ ─│┌═║╔ αΓπ ▒█",
    }
    return cases


def mixture(seed):
    """Text and capabilities in any order. What Linux's console does otherwise than its models is left out: lines moved at an
    edge of the region, and a wrap that was pending when wrapping was turned off."""
    randomly = random.Random(seed)
    numbered = ("cub", "cuf", "cuu", "cud", "dch", "ich", "ech", "hpa", "vpa")
    plain = [t(name) for name in ("cub1", "cr", "ind", "ht", "ri", "ed", "el", "el1", "home", "sc", "smir", "rmir", "smam", "hts", "nel")]
    plain += ["\x1b[2K", t("cr") + t("rmam"), "\x1b[1J", t("rc") + t("cud", 1), at(5, 2) + t("dl", 4), at(8, 2) + t("il", 2)]
    plain += [t("csr", 2, 19) + place + t("csr", 0, 24) for place in (at(7, 4) + t("il", 3), at(7, 69) + t("dl1"), at(2, 8) + t("ri") * 2, at(19, 8) + t("ind") * 2 + "x")]
    pieces = []
    for _ in range(60):
        kind = randomly.random()
        if kind < .3:
            pieces.append("".join(randomly.choice("abcdefghij äé═ ") for _ in range(randomly.choice([1, 3, 10, 40, 90]))))
        elif kind < .5:
            pieces.append(t(randomly.choice(numbered), randomly.choice([1, 2, 3, 5, 10, 100])))
        elif kind < .6:
            pieces.append(at(randomly.randint(0, 26), randomly.choice([0, 1, 7, 39, 78, 79, 80])))
        elif kind < .7:
            pieces.append(randomly.choice([t("setaf", 1), t("setaf", 4), t("setab", 1), t("setab", 7), t("op"), t("bold"), t("sgr0")]))
        else:
            pieces.append(randomly.choice(plain))
    return "".join(pieces)


def ours(emulator, text):
    """(cursor, [(character, foreground, background)])"""
    shown = subprocess.run([emulator, str(ROWS), str(COLUMNS)], input=text, check=True, stdout=subprocess.PIPE).stdout.decode().split("\n")
    row, column, _ = shown[0].split()
    colors = "".join(shown[2:2 * ROWS + 1:2])
    return (int(row), int(column)), [(char, int(colors[4 * i:4 * i + 2], 16), int(colors[4 * i + 2:4 * i + 4], 16))
                                     for i, char in enumerate("".join(shown[1:2 * ROWS:2]))]


def theirs(dump, drawn):
    """The same of a dump of vcsa and vcsu. @drawn: vcsu has what was written, not what the character set in use made of it; then by its glyphs."""
    rows, columns, column, row = dump[:HEADER]
    assert (rows, columns) == (ROWS, COLUMNS)
    glyphs, attributes = dump[HEADER:HEADER + 2 * CELLS:2], dump[HEADER + 1:HEADER + 2 * CELLS:2]
    chars = [chr(code) for code in struct.unpack(f"<{CELLS}I", dump[HEADER + 2 * CELLS:])]
    if drawn:
        chars = [bytes([glyph]).decode("cp437").replace("\x04", "◆") for glyph in glyphs]
    return (row, column), [(char, EGA[a & 7] | a & 8, EGA[a >> 4 & 7] | a >> 4 & 8) for char, a in zip(chars, attributes)]


def visible(cell):
    char, foreground, background = cell
    return char, foreground if char != " " else None, background


def differences(cursor, cells, wanted_cursor, wanted):
    if cursor != wanted_cursor:
        yield f"cursor at {cursor}, Linux {wanted_cursor}"
    for place, (mine, his) in enumerate(zip(map(visible, cells), map(visible, wanted))):
        if mine != his:
            yield f"row {place // COLUMNS}, column {place % COLUMNS}: {mine}, Linux {his}"


def test_as_linux(tmp_path):
    letters = "".join(at(row, 0) + chr(ord("A") + row) * (70 if row % 2 else 80) for row in range(ROWS)) + at(4, 9)
    cases = {name: letters + text for name, text in capabilities().items()} | {f"mixture {seed}": mixture(seed) for seed in range(MIXTURES)}
    (tmp_path / "overlay/cases").mkdir(parents=True)
    for number, text in enumerate(cases.values()):
        (tmp_path / f"overlay/cases/{number:04}").write_text(text)
    done = vm(LINUX, "for case in /cases/*; do printf '\\033c' > /dev/tty1; cat $case > /dev/tty1; cat /dev/vcsa1 /dev/vcsu1; done",
              "--overlay", tmp_path / "overlay", timeout=300)
    size = HEADER + 6 * CELLS
    assert len(done.stdout) == size * len(cases), console_text(done.stderr)
    emulator = build_emulator(tmp_path)
    failed = []
    for number, (name, text) in enumerate(cases.items()):
        dump = done.stdout[number * size:(number + 1) * size]
        found = list(differences(*ours(emulator, text.replace("\n", "\r\n").encode()), *theirs(dump, name == "lines")))
        if found:
            failed.append("\n  ".join([f"{name}: {text[-60:]!r}", *found[:4]]))
    assert not failed, f"{len(failed)} of {len(cases)}:\n" + "\n".join(failed[:20])


def test_all_capabilities_are_tried():
    capabilities()
    listed = subprocess.run(["infocmp", "-1", "linux"], check=True, stdout=subprocess.PIPE, text=True).stdout
    strings = {name for name in re.findall(r"^\t([^=#,]+)=", listed, re.MULTILINE) if not name.startswith("k")}
    assert len(strings) > 60
    assert strings - used - {"acsc"} == NOT_COMPARED.keys()
