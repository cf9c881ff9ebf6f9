# SPDX-License-Identifier: MIT
"""The framebuffer console: what is typed on the PS/2 keyboard appears on the screen, in the glyphs of the console's font."""
import glob

import pytest

from screen_machine import FONT, PROMPT, Screen

@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    machine = Screen(tmp_path_factory.mktemp("screen"))
    yield machine
    machine.close()


def test_login_prompt(screen):
    screen.wait_for("login:")


def test_typing(screen):
    screen.wait_for("login:")
    screen.qmp.type("root\n")
    screen.wait_for(PROMPT)
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


def test_font_is_found():
    assert glob.glob(FONT), "the console's font is not in build/cache"
