# SPDX-License-Identifier: MIT
"""
Keyboard layouts: each key of ours compared with what X11's data say, typing in the guest, and choosing a layout at boot and
at run time.
"""
import curses
import os
import re
import subprocess
import time

import pytest

from guest import BUILD, RAEEN, ROOT, console_text, switch_values, vm
from screen_machine import PROMPT, Screen

HOSTTEST = "drivers/ps2/keymap_hosttest"
# The oracle: Debian's converter from X11's layouts to console layouts.
PACKAGES = {
    "console-setup": "2041b0f9c6b2d3dc2d0ca458854bdb1fc392f39ec1422c1580f2176d3378ce42",
    "xkb-data": "28a79c61b785f403da93af58c39aed13c022032935e3e54362c6707169cfe982",
}
DEAD = {"grave": "`", "acute": "´", "circumflex": "^", "tilde": "~", "macron": "¯", "kbreve": "˘", "abovedot": "˙",
        "diaeresis": "¨", "hook": "?", "abovering": "˚", "kdoubleacute": "˝", "kcaron": "ˇ", "horn": "'", "belowdot": ".",
        "cedilla": "¸", "kogonek": "˛"}
CAPS_COLUMN = 64        # of ckbcomp's 128 columns; the level is added
# What Caps Lock does where ckbcomp and we differ: these are signs to us and have no capitals; X11 has U+1E9E for the last.
CAPITALS = {"Ω": "Ω", "ſ": "ſ", "ı": "ı", "µ": "µ", "ß": "ẞ"}


def unpack(package):
    folder = os.path.join(BUILD, "cache", package)
    subprocess.run([os.path.join(ROOT, "toolchain/fetch-deb"), package, PACKAGES[package], folder], check=True)
    return folder


@pytest.fixture(scope="module")
def console_layouts():
    """layout -> key code -> ckbcomp's columns."""
    converter = os.path.join(unpack("console-setup"), "usr/bin/ckbcomp")
    data = os.path.join(unpack("xkb-data"), "usr/share/X11/xkb")
    layouts = {}
    for layout in ("us", "de", "fr"):
        done = subprocess.run(["perl", converter, "-I" + data, "-layout", layout], check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        layouts[layout] = {int(code): columns.split() for code, columns in
                           re.findall(r"^keycode +(\d+) = (.*)$", done.stdout.decode(), re.MULTILINE)}
    return layouts


def character(word):
    """A word of ckbcomp as keymap_hosttest writes it."""
    word = word.lstrip("+")
    if word.startswith("U+"):
        return chr(int(word[2:], 16))
    return "dead" + DEAD[word.removeprefix("dead_")]


@pytest.fixture(scope="module")
def hosttest(tmp_path_factory):
    """Built apart from those of "make host-test", which runs at the same time."""
    folder = tmp_path_factory.mktemp("hosttest")
    subprocess.run(["make", "-s", "-C", os.path.join(ROOT, "src/kernel"), f"BUILD={BUILD}", f"HOST_OUT={folder}", f"{folder}/{HOSTTEST}.passed",
                    *switch_values()], check=True)
    return folder / HOSTTEST


@pytest.mark.parametrize("layout", ["us", "de", "fr"])
def test_layout(layout, console_layouts, hosttest):
    ours = subprocess.run([hosttest, layout], check=True, stdout=subprocess.PIPE).stdout.decode().splitlines()
    differences, compared = [], 0
    for line in ours:
        code, level, caps, typed = re.fullmatch(r"(\d+) (\d) (\d) (.*)", line).groups()
        if layout == "us" and int(level) > 1:
            continue        # no AltGr there
        columns = console_layouts[layout][int(code)]
        wanted = character(columns[int(level)])
        if caps == "1":
            wanted = CAPITALS.get(wanted) or character(columns[int(level) + CAPS_COLUMN])
        compared += 1
        if wanted != typed:
            differences.append(f"key {code}, level {level}, Caps Lock {caps}: {typed!r}, X11 has {wanted!r}")
    assert not differences, "\n".join(differences)
    assert compared >= (2 if layout == "us" else 4) * 2 * 49


# Terminfo's names, and the keys on a keyboard of today: their code, and whether with Shift.
TERMINFO_KEYS = {
    "kbs": (14, 0), "kcbt": (15, 1), "kb2": (76, 0), "khome": (102, 0), "kcuu1": (103, 0), "kpp": (104, 0), "kcub1": (105, 0), "kcuf1": (106, 0), "kend": (107, 0),
    "kcud1": (108, 0), "knp": (109, 0), "kich1": (110, 0), "kdch1": (111, 0), "kf11": (87, 0), "kf12": (88, 0),
} | {f"kf{number}": (58 + number, 0) for number in range(1, 11)} | {f"kf{12 + number}": (58 + number, 1) for number in range(1, 9)}


def test_terminfo_keys(hosttest):
    """Keys send what terminfo promises of the terminal "linux". kmous is a mouse's, kspd ^Z."""
    curses.setupterm("linux", 1)
    sent = {}
    for line in subprocess.run([hosttest, "keys"], check=True, stdout=subprocess.PIPE).stdout.decode().splitlines():
        code, shift, typed = line.split(" ")
        sent[int(code), int(shift)] = bytes.fromhex(typed)
    assert {name: sent[key] for name, key in TERMINFO_KEYS.items()} == {name: curses.tigetstr(name) for name in TERMINFO_KEYS}
    listed = subprocess.run(["infocmp", "-1", "linux"], check=True, stdout=subprocess.PIPE, text=True).stdout
    assert set(re.findall(r"^\t(k[^=#,]+)=", listed, re.MULTILINE)) - {"kmous", "kspd"} == TERMINFO_KEYS.keys()


def test_boot_choice():
    done = vm(RAEEN, "keymap; dmesg", "--append", "keymap=fr")
    assert done.stdout.decode().startswith("us de [fr]\n"), console_text(done.stderr)
    done = vm(RAEEN, "keymap; dmesg", "--append", "keymap=xx")
    assert done.stdout.decode().startswith("[us] de fr\n")
    assert "ps2: keymap=xx: expected one of us de fr; it stays us" in done.stdout.decode()


def test_command():
    """The command keymap, /dev/keymap behind it, and the choice kept in /etc."""
    script = """
        keymap de; keymap; printf fr > /dev/keymap; cat /dev/keymap
        keymap xx; echo "status $?"; echo > /dev/keymap; echo "status $?"
        keymap; keymap --save; cat /etc/keymap; keymap us; keymap --start; keymap
        echo nonsense > /etc/keymap; keymap --start; echo "status $?"
        su raeen -c 'keymap us'; echo "status $?"; keymap
    """
    done = vm(RAEEN, f"({script}) 2>&1")
    assert done.stdout.decode().splitlines() == [
        "us [de] fr", "us de [fr]", "keymap: xx: expected one of us de fr", "status 1",
        "sh: write error: Invalid argument", "status 1", "us de [fr]", "fr", "us de [fr]",
        "keymap: /etc/keymap: nonsense: expected one of us de fr", "status 1",
        "keymap: only root may choose", "status 1", "us de [fr]"]


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    """A machine with a German keyboard. The tests below follow one another on it."""
    machine = Screen(tmp_path_factory.mktemp("german"), "--append", "keymap=de")
    yield machine
    machine.close()


def press(machine, chords):
    """Keys by QEMU's names, which are those of a US keyboard; "+" joins those that are held together."""
    for chord in chords.split():
        machine.qmp.press(*chord.split("+"))


def wait_for_serial(machine, text):
    deadline = time.monotonic() + 90
    while text.encode() not in machine.console.read_bytes():
        assert time.monotonic() < deadline, f"{text!r} did not come; the serial console: {machine.log()}"
        time.sleep(0.2)


def test_typing_german(screen):
    screen.wait_for("login:")
    screen.qmp.type("root\n")
    screen.wait_for(PROMPT)
    # clear; cat > /dev/ttyS0
    press(screen, "c l e a r shift+comma spc c a t spc shift+less spc shift+7 d e v shift+7 t t z shift+s 0 ret")
    press(screen, "z y semicolon apostrophe bracket_left minus shift+semicolon shift+bracket_left spc "
                  "alt_r+q alt_r+e alt_r+7 alt_r+8 alt_r+9 alt_r+0 alt_r+minus alt_r+bracket_right alt_r+less spc "
                  "equal e grave_accent a shift+equal i equal spc grave_accent spc shift+grave_accent shift+3 ret")
    typed = "yzöäüßÖÜ @€{[]}\\~| éâì´^°§"
    screen.wait_for(typed)
    wait_for_serial(screen, typed)
    press(screen, "caps_lock semicolon shift+apostrophe 1 caps_lock semicolon ret")
    screen.wait_for("Öä1ö")
    wait_for_serial(screen, "Öä1ö")


def test_erasing_german(screen):
    """The terminal takes a character back, not a byte of it, and on the screen its column. The cat of before goes on."""
    press(screen, "x apostrophe alt_r+e alt_r+e backspace y backspace backspace backspace semicolon 1 ret")
    screen.wait_until(lambda lines: lines.count("xö1") == 1, "what was left of it")
    wait_for_serial(screen, "xö1\r\n")


def test_control_german(screen):
    """Ctrl goes by the letter, not by the place of the key: ^Z is beside T."""
    press(screen, "ctrl+y")
    screen.wait_for("Stopped")
    press(screen, "f g ret")
    screen.wait_until(lambda lines: sum("cat" in line for line in lines) >= 2, "the job in the foreground")
    press(screen, "ctrl+d")


def test_switch_to_french(screen):
    # clear; keymap fr
    press(screen, "c l e a r shift+comma spc k e z m a p spc f r ret")
    # The screen was cleared, and what was typed is done.
    screen.wait_until(lambda lines: lines[0].startswith(PROMPT), "a prompt at the top")
    # cat > /dev/ttyS0
    press(screen, "c q t spc shift+less spc shift+dot d e v shift+dot t t y shift+s shift+0 ret")
    press(screen, "q w a 2 7 9 0 shift+2 shift+0 semicolon spc "
                  "alt_r+2 alt_r+3 alt_r+4 alt_r+5 alt_r+6 alt_r+8 alt_r+9 alt_r+0 alt_r+minus alt_r+equal alt_r+e spc "
                  "bracket_left e shift+bracket_left i bracket_left spc ret")
    typed = "azqéèçà20m ~#{[|\\^@]}€ êï^"
    screen.wait_for(typed)
    wait_for_serial(screen, typed)
    press(screen, "caps_lock 2 9 q 1 caps_lock ret")
    screen.wait_for("ÉÇA&")
    press(screen, "ctrl+c")
