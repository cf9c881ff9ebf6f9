# SPDX-License-Identifier: MIT
"""
tmux as who types sees it: panes, windows, its copy mode, colours and characters of other scripts in it, and sessions that outlive their terminal. Each session is typed
at the screen and keyboard, at a serial line, and, with the same programs, at a serial line of the Linux guest; the whole screen must be as written here on all three.
"""
import pytest

from guest import features
from serial_machine import COLORS
from typing_machine import COLUMNS, COMBINING, FOLDER, GLYPHS, PLACES, ROWS, begin_at, put_programs
from typist import Typist, text_of

APPLETS = ("cat", "kill", "mkdir", "pidof", "script", "seq", "sh", "sleep", "stty", "tty")
# Sourced by the shell that one has after logging in.
BEGIN = f"""
stty rows {ROWS} cols {COLUMNS} sane iutf8
export TERM=linux LC_ALL=C.UTF-8 HOME=/tmp/home PATH={FOLDER}/bin SHELL={FOLDER}/bin/bash OUTER=$(tty)
mkdir $HOME && cd $HOME
printf '\\033c'
exec bash --rcfile {FOLDER}/prompt <> $OUTER >&0 2>&0
"""
# Nothing that depends on the time: no clock, no messages that go, no keys that count as repeated or as pasted when they come soon.
CONFIGURATION = f"""
set -g default-command 'exec bash --rcfile {FOLDER}/prompt'
set -g automatic-rename off
set -g status-right ''
set -g status-interval 0
set -g repeat-time 0
set -g assume-paste-time 0
set -g mode-keys vi
"""
P = "$"
GREY, BLACK, GREEN = COLORS[7], COLORS[0], COLORS[2]
YELLOW = COLORS[3]
HALF = COLUMNS // 2             # the column of the border between two panes side by side

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def overlay(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tmux")
    write_files(put_programs(folder, ("bash", "ncurses", "tmux"), ("bin/bash", "usr/bin/tmux", "usr/bin/clear"), APPLETS))
    return folder


def write_files(folder):
    (folder / "begin").write_text(BEGIN)
    (folder / "prompt").write_text("PS1='$ '\n")
    (folder / "conf").write_text(CONFIGURATION)
    (folder / "glyphs").write_text("\n".join(GLYPHS) + "\n")
    (folder / "colours").write_text("".join(f"\x1b[3{color}mfore{color}\x1b[m \x1b[4{color}mback{color}\x1b[m \x1b[1;3{color}mbold{color}\x1b[m\n" for color in range(1, 7))
                                    + "\x1b[7mreverse\x1b[m \x1b[38;5;196mexact\x1b[m\n")


@pytest.fixture(scope="module", params=PLACES)
def typist(request, overlay, tmp_path_factory):
    if request.param != "linux" and "unix_sockets" not in features():
        pytest.skip("this kernel is built without unix_sockets")
    machine = begin_at(request.param, tmp_path_factory.mktemp(request.param), overlay)
    yield Typist(machine)
    machine.close()


def full(lines, status, rows=ROWS):
    """A screen of tmux: the panes, and its last line."""
    return [*lines, *[""] * (rows - 1 - len(lines)), status]


def beside(left, right, column=HALF):
    """Two panes side by side."""
    rows = ROWS - 1
    left, right = ([*lines, *[""] * (rows - len(lines))] for lines in (left, right))
    return [f"{one:{column}}│{other}".rstrip() for one, other in zip(left, right)]


def stacked(left, upper, lower, row=23):
    """One at the left, and two at the right, one above the other; the border between them is in @row."""
    right = [*upper, *[""] * (row - len(upper)), None, *lower]
    lines = beside(left, ["" if line is None else line for line in right])
    lines[row] = f"{lines[row][:HALF].ljust(HALF)}├{'─' * (COLUMNS - HALF - 1)}"
    return lines


def answer(typist, key, prompt, text):
    """Types @key, and @text once tmux asks for it: what comes before goes to the pane."""
    typist.type(key)
    typist.until(lambda cells: text_of(cells)[-1] == prompt, prompt)
    typist.type(text)


def test_new_session(typist):
    typist.expect(P, cursor=2)
    typist.enter(f"tmux -f {FOLDER}/conf new -s one<Return>", *full([P], "[one] 0:bash*"), cursor=(0, 2))
    assert typist.colors("0:bash*") == (BLACK, GREEN)
    typist.enter("stty size; echo $TERM<Return>", *full(["$ stty size; echo $TERM", "47 128", "tmux-256color", P], "[one] 0:bash*"), cursor=(3, 2))
    typist.enter("clear<Return>", *full([P], "[one] 0:bash*"), cursor=(0, 2))


def test_split(typist):
    """Side by side, then the right one again, and a command in each."""
    typist.enter("<C-b>%", *full(beside([P], [P]), "[one] 0:bash*"), cursor=(0, HALF + 3))
    right = ["$ stty size", "47 63", P]
    typist.enter("stty size<Return>", *full(beside([P], right), "[one] 0:bash*"), cursor=(2, HALF + 3))
    typist.enter('<C-b>"', *full(stacked([P], right, [P]), "[one] 0:bash*"), cursor=(24, HALF + 3))
    typist.enter("stty size<Return>", *full(stacked([P], right, ["$ stty size", "23 63", P]), "[one] 0:bash*"), cursor=(26, HALF + 3))


def test_panes_are_switched(typist):
    right, lower = ["$ stty size", "47 63", P], ["$ stty size", "23 63", P]
    typist.enter("<C-b><Up>", *full(stacked([P], right, lower), "[one] 0:bash*"), cursor=(2, HALF + 3))
    typist.enter("<C-b><Left>echo left<Return>", *full(stacked(["$ echo left", "left", P], right, lower), "[one] 0:bash*"), cursor=(2, 2))
    typist.enter("<C-b>;echo up<Return>", *full(stacked(["$ echo left", "left", P], [*right[:2], "$ echo up", "up", P], lower), "[one] 0:bash*"), cursor=(4, HALF + 3))
    typist.enter("<C-b>oclear<Return>", *full(stacked(["$ echo left", "left", P], [*right[:2], "$ echo up", "up", P], [P]), "[one] 0:bash*"), cursor=(24, HALF + 3))


def test_zoom_and_resize(typist):
    left, upper = ["$ echo left", "left", P], ["$ stty size", "47 63", "$ echo up", "up", P]
    typist.enter("<C-b>zecho $LINES $COLUMNS<Return>", *full(["$ echo $LINES $COLUMNS", "47 128", P], "[one] 0:bash*Z"), cursor=(2, 2))
    typist.enter("clear<Return><C-b>z", *full(stacked(left, upper, [P]), "[one] 0:bash*"), cursor=(24, HALF + 3))
    answer(typist, "<C-b>:", ":", "resize-pane -y 10<Return>")
    typist.expect(*full(stacked(left, upper, [P], row=36), "[one] 0:bash*"), cursor=(37, HALF + 3))
    typist.enter("stty size<Return>", *full(stacked(left, upper, ["$ stty size", "10 63", P], row=36), "[one] 0:bash*"), cursor=(39, HALF + 3))
    typist.enter("exit<Return>", *full(beside(left, upper), "[one] 0:bash*"), cursor=(4, HALF + 3))
    answer(typist, "<C-b>x", "kill-pane 1? (y/n)", "y")
    typist.expect(*full(left, "[one] 0:bash*"), cursor=(2, 2))
    typist.enter("clear<Return>", *full([P], "[one] 0:bash*"), cursor=(0, 2))


def test_copy_mode(typist):
    """Back in what went by, to a word sought, and what is marked there is pasted."""
    numbers = [str(number) for number in range(1, 201)]
    typist.enter("seq 1 200<Return>", *full([*numbers[-46:], P], "[one] 0:bash*"), cursor=(46, 2))

    def shown(first, status):
        """From line @first of all that was written, with the status in the corner."""
        lines = ["$ seq 1 200", *numbers, P][first:first + ROWS - 1]
        return full([f"{lines[0]:{COLUMNS - len(status)}}{status}", *lines[1:]], "[one] 0:bash*")

    typist.enter("<C-b>[", *shown(155, "[0/155]"), cursor=(46, 2))
    typist.enter("<C-b>[<PageUp>", *shown(110, "[45/155]"))
    assert typist.colors("[45/155]") == (BLACK, YELLOW)
    typist.enter("g", *shown(0, "[155/155]"))
    answer(typist, "/", "(search down)", "77<Return>")
    typist.expect(*shown(41, "(2 results) [114/155]"))
    typist.type(" l<Return>")
    typist.expect(*full([*numbers[-46:], P], "[one] 0:bash*"), cursor=(46, 2))
    typist.enter("clear<Return>", *full([P], "[one] 0:bash*"), cursor=(0, 2))
    typist.enter("echo <C-b>]", *full(["$ echo 77"], "[one] 0:bash*"), cursor=(0, 9))
    typist.enter("<Return>", *full(["$ echo 77", "77", P], "[one] 0:bash*"), cursor=(2, 2))


def test_windows(typist):
    typist.enter("<C-b>c", *full([P], "[one] 0:bash- 1:bash*"), cursor=(0, 2))
    answer(typist, "<C-b>,", "(rename-window) bash", "<C-u>named<Return>")
    typist.expect(*full([P], "[one] 0:bash- 1:named*"), cursor=(0, 2))
    typist.enter("echo second<Return>", *full(["$ echo second", "second", P], "[one] 0:bash- 1:named*"), cursor=(2, 2))
    typist.enter("<C-b>pclear<Return>", *full([P], "[one] 0:bash* 1:named-"), cursor=(0, 2))
    typist.enter("<C-b>1", *full(["$ echo second", "second", P], "[one] 0:bash- 1:named*"), cursor=(2, 2))
    typist.enter("exit<Return>", *full([P], "[one] 0:bash*"), cursor=(0, 2))


def test_glyphs_and_colours(typist):
    def shown(line):
        for char in COMBINING:
            line = line.replace(char, "")
        return line.replace("|", " |") if line[0] in "中✅\U0001f680" else line

    typist.enter(f"cat {FOLDER}/glyphs<Return>", *full([f"$ cat {FOLDER}/glyphs", *map(shown, GLYPHS), P], "[one] 0:bash*"))
    typist.enter(f"clear; cat {FOLDER}/colours<Return>",
                 *full([*(f"fore{color} back{color} bold{color}" for color in range(1, 7)), "reverse exact", P], "[one] 0:bash*"), cursor=(7, 2))
    for color in range(1, 7):
        assert typist.colors(f"fore{color}") == (COLORS[color], BLACK)
        assert typist.colors(f"back{color}") == (GREY, COLORS[color])
        assert typist.colors(f"bold{color}") == (COLORS[color + 8], BLACK)
    assert typist.colors("reverse") == (BLACK, GREY)
    assert typist.colors("exact") == (COLORS[1], BLACK)
    typist.enter("clear<Return>", *full([P], "[one] 0:bash*"), cursor=(0, 2))


def test_detach_and_attach(typist):
    """What ran goes on, and what was there is drawn again."""
    typist.enter("<C-b>%", *full(beside([P], [P]), "[one] 0:bash*"), cursor=(0, HALF + 3))
    typist.enter("echo kept<Return>", *full(beside([P], ["$ echo kept", "kept", P]), "[one] 0:bash*"), cursor=(2, HALF + 3))
    typist.type("<C-b>d")
    typist.until(lambda cells: text_of(cells)[-2:] == ["[detached (from session one)]", P], "the shell outside")
    typist.enter("<C-l>tmux ls -F '#S #{session_attached}'<Return>", "$ tmux ls -F '#S #{session_attached}'", "one 0", P, cursor=2)
    typist.enter("tmux attach<Return>", *full(beside([P], ["$ echo kept", "kept", P]), "[one] 0:bash*"), cursor=(2, HALF + 3))


def test_size_of_the_terminal_changes(typist):
    """Clients are told by SIGWINCH, panes are laid out anew, and their shells told in turn."""
    def shows(right):
        top = full(beside([P], right, 50)[:29], "[one] 0:bash*", rows=30)
        typist.until(lambda cells: text_of(cells)[:30] == top, f"{right} in a smaller window")

    typist.type("stty -F $OUTER rows 30 cols 100; clear<Return>")
    shows([P])
    # tmux draws at once, and lets a moment pass before it tells what runs in a pane.
    wait = "until [[ $(stty size) = *49 ]];do :;done"
    typist.type(f"{wait}<Return>")
    shows([f"$ {wait}", P])
    typist.type("stty size<Return>")
    shows([f"$ {wait}", "$ stty size", "29 49", P])
    typist.enter(f"stty -F $OUTER rows {ROWS} cols {COLUMNS}; clear<Return>", *full(beside([P], [P]), "[one] 0:bash*"), cursor=(0, HALF + 3))
    typist.enter("exit<Return>", *full([P], "[one] 0:bash*"), cursor=(0, 2))


def test_terminal_hangs_up(typist):
    """A client whose terminal goes away is gone; its session, with what runs in it, is not."""
    typist.type("<C-b>d")
    typist.until(lambda cells: text_of(cells)[-1:] == [P], "the shell outside")
    typist.enter("<C-l>script -qc 'tmux attach' /dev/null<Return>", *full([P], "[one] 0:bash*"), cursor=(0, 2))
    typist.type("echo before; kill -KILL $(pidof script)<Return>")
    typist.until(lambda cells: "\nKilled\n$" in "\n".join(text_of(cells)), "the shell outside")
    typist.enter("<C-l>tmux ls -F '#S #{session_attached}'<Return>", "$ tmux ls -F '#S #{session_attached}'", "one 0", P, cursor=2)
    typist.enter("tmux attach<Return>", *full(["$ echo before; kill -KILL $(pidof script)", "before", P], "[one] 0:bash*"), cursor=(2, 2))


def test_server_ends(typist):
    answer(typist, "<C-b>:", ":", "kill-server<Return>")
    typist.until(lambda cells: text_of(cells)[-2:] == ["[server exited]", P], "the end of the server")
    typist.enter("<C-l>tmux ls<Return>", "$ tmux ls", "no server running on /tmp/tmux-0/default", P, cursor=2)
