# SPDX-License-Identifier: MIT
"""
What a person types, written once and typed at any console: text in which <C-a> is Ctrl and A, <M-b> Alt and B, <Up> that key. <lt> is a "<". On a
serial line a key is the bytes that TERM=linux promises; on a keyboard those are QEMU's names of it.
"""
import re

# name: (bytes, QEMU's name)
NAMED = {
    "Up": ("\x1b[A", "up"), "Down": ("\x1b[B", "down"), "Right": ("\x1b[C", "right"), "Left": ("\x1b[D", "left"),
    "Home": ("\x1b[1~", "home"), "Delete": ("\x1b[3~", "delete"), "End": ("\x1b[4~", "end"), "PageUp": ("\x1b[5~", "pgup"),
    "PageDown": ("\x1b[6~", "pgdn"), "Tab": ("\t", "tab"), "Return": ("\r", "ret"), "Escape": ("\x1b", "esc"), "Backspace": ("\x7f", "backspace"),
}

# A German keyboard: QEMU's names of keys, which are those of a US keyboard, and what each types alone, with Shift, and with AltGr.
GERMAN_KEYS = "1 2 3 4 5 6 7 8 9 0 minus bracket_left bracket_right semicolon apostrophe backslash less comma dot slash z y q e".split()
GERMAN = {char: (*modifier, key)
          for modifier, chars in (((), "1234567890ßü+öä#<,.-yzqe"), (("shift",), "!\"§$%&/()=?Ü*ÖÄ'>;:_YZQE"), (("alt_r",), "      {[]}\\ ~   |     @€"))
          for key, char in zip(GERMAN_KEYS, chars) if char != " "}


def tokens(typed):
    """Each key, without its brackets if it had some, and whether it had."""
    for named, char in re.findall(r"<([A-Za-z-]+)>|(.)", typed, re.DOTALL):
        yield ("<", False) if named == "lt" else (named or char, bool(named))


def as_bytes(typed):
    """What a terminal sends for it."""
    sent = ""
    for key, named in tokens(typed):
        if not named:
            sent += key.replace("\n", "\r")
        elif key.startswith("C-"):
            sent += chr(ord(key[2:].upper()) & 0x1f)
        elif key.startswith("M-"):
            sent += "\x1b" + key[2:]
        else:
            sent += NAMED[key][0]
    return sent.encode()


def press(qmp, typed, layout):
    """Types it on QEMU's keyboard, where the guest has @layout, "us" or "de"."""
    other = GERMAN if layout == "de" else {}
    for key, named in tokens(typed):
        if not named:
            if key in other:
                qmp.press(*other[key])
            else:
                qmp.type(key)
        elif key[:2] in ("C-", "M-"):
            qmp.press("ctrl" if key[0] == "C" else "alt", *other.get(key[2:], [key[2:]]))
        else:
            qmp.press(NAMED[key][1])
