# SPDX-License-Identifier: MIT
"""The framebuffer console: what is typed on the PS/2 keyboard appears on the screen, in the glyphs of the console's font."""
import glob

import pytest

from screen_machine import FONT, PROMPT, Screen
from typing_machine import expect_greeting, expect_login
from typist import Typist, text_of

REPLACEMENT = "♦"       # the glyph for what the font does not have


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    machine = Screen(tmp_path_factory.mktemp("screen"))
    yield machine
    machine.close()


def test_login(screen):
    """As shipped: nothing is written behind "login:"; the message of the day, and the prompt in its colours right behind it."""
    typist = Typist(screen)
    expect_login(typist, "tty1")
    typist.type("root\n")
    expect_greeting(typist, "root")


def test_typing(screen):
    # The expected line is not the typed one: it comes from the shell.
    screen.qmp.type("clear; echo \"Answer: $((6*7))\" {a,B}~ | tr a-z b-za\n")
    screen.wait_for("Aotxfs: 42 {b,B}~")


def test_all_printable(screen):
    """Every ASCII glyph, from the guest to the screen and back."""
    text = "".join(chr(code) for code in range(33, 127))
    command = "clear; awk 'BEGIN { for (i = 33; i < 127; i++) printf \"%c\", i; print \"\" }'\n"
    screen.qmp.type(command)
    screen.wait_for(text)


def test_control_keys(screen):
    screen.qmp.type("clear; sh -c 'echo go''ing; exec sleep 1000'\n")
    screen.wait_for("going")
    screen.qmp.press("ctrl", "c")
    screen.qmp.type("echo \"status $?\"\n")
    screen.wait_for("status 130", "^C")


def test_escape_sequences(screen):
    """Position, inverse video and erasing, as full-screen programs use them."""
    screen.qmp.type("clear; printf '\\033[5;10Hplaced\\033[6;1Hgone\\033[2K\\033[7;20H\\033[7minverse\\033[0m\\n\\n'\n")
    lines = screen.wait_for("inverse")
    assert lines[4][9:15] == "placed"
    assert lines[6][19:26] == "inverse"
    assert "gone" not in lines[5]


def test_scrolling(screen):
    screen.qmp.type("clear; seq 1 500\n")
    lines = [line for line in screen.wait_for("500") if line]
    numbers = [int(line) for line in lines if line.isdigit()]
    assert numbers[-1] == 500
    assert numbers == list(range(numbers[0], 501))
    assert len(numbers) >= 20


def look_back(screen, *keys):
    for key in keys:
        screen.qmp.press("shift", key)


def test_scroll_back(screen):
    """Half a screen a key, as far as lines are kept; what is typed or written shows itself."""
    screen.qmp.type("clear; seq 1 600; stty -echo; cat > /dev/null\n")
    screen.wait_until(lambda lines: lines[-2:] == ["600", ""], "the last line")
    present = screen.lines()
    rows = len(present)
    numbers = [str(number) for number in range(1, 601)]
    look_back(screen, "pgup")
    screen.wait_until(lambda lines: lines == numbers[-rows + 1 - rows // 2:-rows // 2 + 1], "half a screen back")
    look_back(screen, "pgup", "pgup", "pgdn")
    screen.wait_until(lambda lines: lines == numbers[-2 * rows + 1:-rows + 1], "a screen back")
    look_back(screen, *["pgup"] * (1 + 500 // (rows // 2)))
    screen.wait_until(lambda lines: lines == numbers[-rows + 1 - 500:-500 + 1], "the oldest line kept")
    screen.qmp.type("x")
    screen.wait_until(lambda lines: lines == present, "the present, for what is typed and not shown")
    look_back(screen, "pgup")
    screen.wait_until(lambda lines: lines != present, "the past again")
    screen.qmp.press("ctrl", "c")
    screen.wait_until(lambda lines: lines[-1] == PROMPT, "a prompt in the last line")
    screen.qmp.type("stty echo\n")


def test_columns(screen):
    """Characters of two columns and of none, and what is no character, leave all that follows in its column."""
    screen.qmp.type("clear; printf '\\344\\270\\255|\\n\\342\\234\\205|\\nx\\314\\201|\\n\\377|\\n'\n")
    screen.wait_until(lambda lines: lines[:4] == [f"{REPLACEMENT} |", f"{REPLACEMENT} |", "x|", f"{REPLACEMENT}|"], "the columns")


@pytest.mark.full
def test_palette(screen):
    """A program defines a colour, also of what is there already, and undoes it."""
    typist = Typist(screen)

    def color():
        return next((cell.foreground for cell in typist.seen[0] if cell.char == "H"), None)

    screen.qmp.type("clear; printf '\\033[32mHUE\\033[m\\n'\n")
    typist.until(lambda cells: color() == (0, 170, 0), "the colour as it is")
    screen.qmp.type("printf '\\033]P2204060'\n")
    typist.until(lambda cells: color() == (0x20, 0x40, 0x60), "another")
    screen.qmp.type("printf '\\033]R'\n")
    typist.until(lambda cells: color() == (0, 170, 0), "the first again")


def test_vi(screen):
    """A file written and changed, with the whole screen looked at; test_typing.py does more."""
    typist = Typist(screen)
    rows = len(screen.lines())

    def shows(*lines, status):
        return [*lines, *["~"] * (rows - 1 - len(lines)), status]

    typist.type("vi f\n")
    typist.expect(*shows("", status="- f 1/1 100%"), cursor=(0, 0))
    typist.enter("ione\ntwo<Escape>", *shows("one", "two", status="- f [Modified] 2/2 100%"), cursor=(1, 2))
    typist.enter("/n<Return>x<Up>", *shows("oe", "two", status="- f [Modified] 1/2 50%"), cursor=(0, 1))
    typist.type(":wq\n")
    typist.until(lambda cells: text_of(cells)[-1].endswith(PROMPT), "the prompt")
    typist.enter("<C-l>cat f\n", f"{PROMPT} cat f", "oe", "two", PROMPT)


def test_consoles(screen):
    """Alt-F2 shows another console, where a login comes; each keeps what was written to it, shown or not."""
    screen.qmp.type("clear; echo first $(tty) $(fgconsole)\n")
    screen.wait_until(lambda lines: lines[0] == "first /dev/tty1 1", "the first console")
    screen.qmp.press("alt", "f2")
    screen.wait_until(lambda lines: lines[-1].endswith("login:") or any(line.endswith("login:") for line in lines), "a login")
    assert not any("first" in line for line in screen.lines())
    screen.qmp.type("root\n")
    screen.wait_for(PROMPT)
    screen.qmp.type("clear; echo second $(tty) $(fgconsole); echo written > /dev/tty1; stty -echo; sleep 1000 &\n")
    second = screen.wait_until(lambda lines: lines[0] == "second /dev/tty2 2" and PROMPT in lines[1:4], "the second console")
    screen.qmp.press("alt", "f1")
    screen.wait_until(lambda lines: lines[0] == "first /dev/tty1 1" and any("written" in line for line in lines), "the first as it was, and what was written")
    screen.qmp.type("clear; chvt 2\n")
    assert screen.wait_until(lambda lines: lines[0].startswith("second"), "the second again")[:4] == second[:4]
    screen.qmp.type("stty echo; kill %1; chvt 7; deallocvt 2; echo $?\n")
    screen.wait_for("chvt: ", "deallocvt: ", "1")
    screen.qmp.press("alt", "f1")
    screen.wait_until(lambda lines: lines[0] == PROMPT, "the first")


def test_openvt(screen):
    """A program on a console that nobody uses; when it ends the former console is shown, and the other one is given back."""
    screen.qmp.type("clear; openvt -c 4 -sw sh -c 'echo there $(tty) $(fgconsole); read line; echo $line > /tmp/line'; echo back $? $(fgconsole) $(cat /tmp/line)\n")
    screen.wait_until(lambda lines: lines[0] == "there /dev/tty4 4", "the program on the fourth console")
    screen.qmp.type("typed there\n")
    screen.wait_until(lambda lines: lines[0] == "back 0 1 typed there" and lines[1] == PROMPT, "the first console")


def on_console(typist, number, keys=("alt",)):
    """Shows console @number, where somebody is at the prompt, clears it and begins with a line that says which one it is."""
    typist.machine.qmp.press(*keys, f"f{number}")
    typist.until(lambda cells: text_of(cells)[-1:] == [PROMPT], f"the prompt on console {number}")
    typist.enter(f"clear; mine={number}; tty\n", f"/dev/tty{number}", PROMPT)


def test_four_consoles(screen):
    """Each has a login and a shell of its own; what is typed goes to the one shown, what others write waits, and a program in raw mode does not get the keys."""
    typist = Typist(screen)
    for number in (3, 4):
        screen.qmp.press("alt", f"f{number}")
        expect_login(typist, f"tty{number}")
        typist.type("root\n")
        expect_greeting(typist, "root")
    for number in (1, 2, 3, 4):
        on_console(typist, number)
    text = [f"line {number}" for number in range(1, 8)]
    typist.type("for i in $(seq 1 7); do echo line $i; done > f; vi f\n")
    vi = [*text, *["~"] * (len(screen.lines()) - 8), "- f 1/7 14%"]
    typist.expect(*vi, cursor=(0, 0))
    screen.qmp.press("ctrl", "alt", "f2")
    typist.expect("/dev/tty2", PROMPT, cursor=len(PROMPT) + 1)
    typist.type("echo $mine; (until [ -e go ]; do sleep 0.1; done; echo unseen) &\n")
    typist.until(lambda cells: text_of(cells)[2:3] == ["2"] and text_of(cells)[-1] == PROMPT, "the shell of console 2")
    screen.qmp.press("alt", "f3")
    typist.expect("/dev/tty3", PROMPT)
    typist.enter("echo $mine; touch go\n", "/dev/tty3", f"{PROMPT} echo $mine; touch go", "3", PROMPT)
    screen.qmp.press("ctrl", "alt", "f4")
    typist.expect(*vi, cursor=(0, 0))
    typist.enter("ddG", *text[1:], *["~"] * (len(screen.lines()) - 7), "- f [Modified] 6/6 100%", cursor=(5, 0))
    screen.qmp.press("alt", "f2")
    typist.until(lambda cells: text_of(cells)[-1].endswith("unseen") and text_of(cells)[2] == "2", "what was written meanwhile")
    screen.qmp.press("alt", "f4")
    typist.type(":q!\n")
    typist.until(lambda cells: text_of(cells)[-1:] == [PROMPT], "the prompt")
    screen.qmp.press("alt", "f1")
    typist.expect("/dev/tty1", PROMPT)


def test_font_is_found():
    assert glob.glob(FONT), "the console's font is not in build/cache"
