# SPDX-License-Identifier: MIT
"""
Programs that draw, as who types sees them: bash edits lines, vi, less and top. Each session is typed at the screen and keyboard, at a serial line, and,
with the same programs, at a serial line of the Linux guest; the whole screen must be as written here on all three.
"""
import re

import pytest

from serial_machine import COLORS
from typing_machine import COLUMNS, COMBINING, FOLDER, GLYPHS, PLACES, ROWS, begin_at, put_programs
from typist import Typist, text_of

APPLETS = ("basename", "cat", "chmod", "ln", "ls", "mkdir", "rm", "seq", "stty", "sync", "top", "touch", "vi")
# Sourced by the shell that one has after logging in.
BEGIN = f"""
stty rows {ROWS} cols {COLUMNS} sane iutf8
export TERM=linux LC_ALL=C.UTF-8 LESSHISTFILE=- HOME=/tmp/home PATH={FOLDER}/bin PS1='\\[\\e[1;32m\\]\\u\\[\\e[0m\\]:\\W\\$ '
mkdir $HOME && cd $HOME && mkdir folder
echo 'plain text' > alpha.txt; echo echo > run; chmod 755 run; ln -s run link
for n in $(seq 1 200); do echo "line $n"; done > lines
echo 'Größe: 5 € „à“ ┌──┐ ∞ αβγ' > text; seq 1 3 >> text
printf '\\033c'
exec bash --norc
"""
GREEN, BLUE, CYAN, GREY = COLORS[10], COLORS[12], COLORS[14], COLORS[7]
BLACK = COLORS[0]
P = "root:~# "       # bash's prompt
WIDTH = len(P)

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def overlay(tmp_path_factory):
    folder = tmp_path_factory.mktemp("typing")
    files = put_programs(folder, ("bash", "less", "ncurses"), ("bin/bash", "usr/bin/less"), APPLETS)
    (files / "begin").write_text(BEGIN)
    (files / "glyphs").write_text("\n".join(GLYPHS) + "\n")
    return folder


@pytest.fixture(scope="module", params=PLACES)
def typist(request, overlay, tmp_path_factory):
    machine = begin_at(request.param, tmp_path_factory.mktemp(request.param), overlay, layout="de")
    yield Typist(machine)
    machine.close()


def test_prompt(typist):
    typist.expect(P.rstrip(), cursor=WIDTH)
    assert typist.colors("root") == (GREEN, BLACK)
    assert typist.colors(":~#") == (GREY, BLACK)


def test_bash_edits(typist):
    """Keys that move, kill and yank."""
    typist.type("<C-l>cho one two<C-a>e<C-e> three")
    typist.expect(f"{P}echo one two three", cursor=WIDTH + 18)
    typist.enter("<M-b><M-b><C-k>", f"{P}echo one", cursor=WIDTH + 9)
    typist.enter("<C-y><C-a><Right><Right>X", f"{P}ecXho one two three", cursor=WIDTH + 3)
    typist.enter("<Backspace><End>d<Left><Delete><Home><C-t>", f"{P}echo one two three", cursor=WIDTH)
    typist.enter("<M-f><M-f><M-d><C-y><C-e><C-w>four", f"{P}echo one two four", cursor=WIDTH + 17)
    screen = [f"{P}echo one two four", "one two four"]
    typist.enter("<Return>", *screen, P.rstrip(), cursor=WIDTH)
    typist.enter("no<C-u>echo hay<Return>", *screen, f"{P}echo hay", "hay", P.rstrip(), cursor=WIDTH)


def test_bash_recalls(typist):
    typist.enter("<C-l><Up><Up>", f"{P}echo one two four", cursor=WIDTH + 17)
    typist.enter("<Down>", f"{P}echo hay", cursor=WIDTH + 8)
    typist.enter("<C-u><C-r>two", "(reverse-i-search)`two': echo one two four", cursor=34)
    typist.enter("<C-e>!<Return>", f"{P}echo one two four!", "one two four!", P.rstrip(), cursor=WIDTH)


def test_bash_completes(typist):
    """A file, a command, and a choice."""
    typist.enter("<C-l>cat al<Tab>", f"{P}cat alpha.txt", cursor=WIDTH + 14)
    typist.enter("<Return>", f"{P}cat alpha.txt", "plain text", P.rstrip(), cursor=WIDTH)
    typist.enter("<C-l>basen<Tab>", f"{P}basename", cursor=WIDTH + 9)
    typist.enter("/x/y<Return>", f"{P}basename /x/y", "y", P.rstrip(), cursor=WIDTH)
    typist.enter("<C-l>ls li<Tab>", f"{P}ls lin", cursor=WIDTH + 6)
    typist.enter("<Tab><Tab>", f"{P}ls lin", "lines  link", f"{P}ls lin", cursor=WIDTH + 6)
    typist.enter("e<Tab>", f"{P}ls lin", "lines  link", f"{P}ls lines", cursor=WIDTH + 9)
    typist.type("<C-u>")


def test_bash_utf8(typist):
    """Letters of several bytes are typed, passed over, erased and completed as one."""
    typist.enter("<C-l>echo Größe und Güte", f"{P}echo Größe und Güte", cursor=WIDTH + 19)
    typist.enter("<Left><Left><Left><Backspace><Delete>Ä€", f"{P}echo Größe und Ä€te", cursor=WIDTH + 17)
    typist.enter("<C-a><M-f><M-f><Backspace>", f"{P}echo Größ und Ä€te", cursor=WIDTH + 9)
    screen = [f"{P}echo Kröß und Ä€te", "Kröß und Ä€te"]
    typist.enter("<M-b><C-d>K<Return>", *screen, P.rstrip(), cursor=WIDTH)
    typist.enter("<Up>", *screen, screen[0], cursor=WIDTH + 18)
    typist.enter("<C-u>echo §5 > Übung<Return>", *screen, f"{P}echo §5 > Übung", P.rstrip(), cursor=WIDTH)
    typist.enter("<C-l>cat Üb<Tab>", f"{P}cat Übung", cursor=WIDTH + 10)
    typist.enter("<Return>", f"{P}cat Übung", "§5", P.rstrip(), cursor=WIDTH)
    typist.type("rm Übung<Return>")


def test_terminal_utf8(typist):
    """Where no program edits the terminal takes back letters and words, on the screen and in what is read."""
    command = f"{P}cat > typed"
    typist.enter("<C-l>cat > typed<Return>", command, cursor=(1, 0))
    typist.enter("xäö€<Backspace><Backspace>ü ßö", command, "xäü ßö", cursor=(1, 6))
    typist.enter("<C-w>ß<Return>", command, "xäü ß", cursor=(2, 0))
    typist.enter("gone€<C-u>Ö<Return><C-d>", command, "xäü ß", "Ö", P.rstrip(), cursor=WIDTH)
    typist.enter("<C-l>cat typed<Return>", f"{P}cat typed", "xäü ß", "Ö", P.rstrip(), cursor=WIDTH)
    typist.type("rm typed<Return>")


def test_bash_wraps_long_lines(typist):
    """A line longer than the screen is wide, edited in its first row."""
    text = "".join(f"{n:03} " for n in range(50))
    line = f"{P}echo {text}"
    typist.enter(f"<C-l>echo {text}", line[:COLUMNS].rstrip(), line[COLUMNS:].rstrip(), cursor=len(line) - COLUMNS)
    line = f"{P}echo abc{text}"
    typist.enter("<C-a><M-f><Right>abc", line[:COLUMNS].rstrip(), line[COLUMNS:].rstrip(), cursor=(0, WIDTH + 8))
    typist.enter("<C-k><C-u>", P.rstrip(), cursor=WIDTH)


def test_ls_colors(typist):
    typist.enter("<C-l>ls --color -1<Return>", f"{P}ls --color -1", "alpha.txt", "folder", "lines", "link", "run", "text", P.rstrip(), cursor=WIDTH)
    assert typist.colors("folder") == (BLUE, BLACK)
    assert typist.colors("link") == (CYAN, BLACK)
    assert typist.colors("run") == (GREEN, BLACK)
    assert typist.colors("alpha.txt")[0] in (GREY, COLORS[15])


def test_glyphs(typist):
    def shown(line):
        for char in COMBINING:
            line = line.replace(char, "")
        return line.replace("|", " |") if line[0] in "中✅\U0001f680" else line

    typist.enter(f"<C-l>cat {FOLDER}/glyphs<Return>", f"{P}cat {FOLDER}/glyphs", *map(shown, GLYPHS), P.rstrip(), cursor=WIDTH)


def vi_screen(*lines, status):
    return [*lines, *["~"] * (ROWS - 1 - len(lines)), status]


def test_vi(typist):
    typist.enter("<C-l>vi new<Return>", *vi_screen("", status="- new 1/1 100%"), cursor=(0, 0))
    typist.enter("ione<Return>two<Return>three", *vi_screen("one", "two", "three", status="I new [Modified] 3/3 100%"), cursor=(2, 5))
    typist.enter("<Escape>", *vi_screen("one", "two", "three", status="- new [Modified] 3/3 100%"), cursor=(2, 4))
    typist.enter("kOabove<Escape>", *vi_screen("one", "above", "two", "three", status="- new [Modified] 2/4 50%"), cursor=(1, 4))
    typist.enter("gg/o<Return>", *vi_screen("one", "above", "two", "three", status="- new [Modified] 2/4 50%"), cursor=(1, 2))
    typist.enter("n", *vi_screen("one", "above", "two", "three", status="- new [Modified] 3/4 75%"), cursor=(2, 2))
    typist.enter("N", *vi_screen("one", "above", "two", "three", status="- new [Modified] 2/4 50%"), cursor=(1, 2))
    typist.enter("ddp<Down>0x", *vi_screen("one", "two", "above", "hree", status="- new [Modified] 4/4 100%"), cursor=(3, 0))
    typist.enter("yyPu0<Up>Arest<Escape>", *vi_screen("one", "two", "aboverest", "hree", status="- new [Modified] 3/4 75%"), cursor=(2, 8))
    typist.type(":wq<Return>")
    typist.until(lambda cells: text_of(cells)[-1:] == [P.rstrip()], "the prompt")
    typist.enter("<C-l>cat new<Return>", f"{P}cat new", "one", "two", "aboverest", "hree", P.rstrip(), cursor=WIDTH)


def test_vi_utf8(typist):
    """Letters of several bytes are one to each command, have one column, and come to the file as they were typed."""
    def shows(*lines, modified=True, line=1, last=1):
        return vi_screen(*lines, status=f"- new8{' [Modified]' if modified else ''} {line}/{last} {100 * line // last}%")

    typist.enter("<C-l>vi new8<Return>", *shows("", modified=False), cursor=(0, 0))
    typist.enter("iGrüße €<Return>plain<Escape>", *shows("Grüße €", "plain", line=2, last=2), cursor=(1, 4))
    typist.enter("k$", *shows("Grüße €", "plain", last=2), cursor=(0, 6))
    typist.enter("x", *shows("Grüße", "plain", last=2), cursor=(0, 5))
    typist.enter("0lllrö", *shows("Grüöe", "plain", last=2), cursor=(0, 3))
    typist.enter("abä<Backspace>ö<Escape>", *shows("Grüöböe", "plain", last=2), cursor=(0, 5))
    typist.enter("hhX", *shows("Gröböe", "plain", last=2), cursor=(0, 2))
    typist.enter("Rä€<Escape>", *shows("Grä€öe", "plain", last=2), cursor=(0, 3))
    typist.enter("0fö", *shows("Grä€öe", "plain", last=2), cursor=(0, 4))
    typist.enter("yyp0", *shows("Grä€öe", "Grä€öe", "plain", line=2, last=3), cursor=(1, 0))
    typist.enter("lldwl", *shows("Grä€öe", "Gr", "plain", line=2, last=3), cursor=(1, 1))
    typist.enter("ajaö<Escape>", *shows("Grä€öe", "Grjaö", "plain", line=2, last=3), cursor=(1, 4))
    typist.enter("0", *shows("Grä€öe", "Grjaö", "plain", line=2, last=3), cursor=(1, 0))
    typist.enter("e", *shows("Grä€öe", "Grjaö", "plain", line=2, last=3), cursor=(1, 4))
    typist.enter("kdd/ö<Return>", *shows("Grjaö", "plain", last=2), cursor=(0, 4))
    typist.type(":wq<Return>")
    typist.until(lambda cells: text_of(cells)[-1:] == [P.rstrip()], "the prompt")
    typist.enter("<C-l>cat new8<Return>", f"{P}cat new8", "Grjaö", "plain", P.rstrip(), cursor=WIDTH)


def lines_of_less(first, *status):
    return [f"line {n}" for n in range(first, first + ROWS - 1)] + list(status)


def test_less(typist):
    typist.enter("<C-l>less lines<Return>", *lines_of_less(1, "lines"))
    typist.enter(" ", *lines_of_less(48, ":"), cursor=1)
    typist.enter("b", *lines_of_less(1, ":"), cursor=1)
    typist.enter("/e 7[7]<Return>", *lines_of_less(77, ":"), cursor=1)
    assert typist.colors("e 77") == (BLACK, GREY)
    typist.enter("<Down><Down>", *lines_of_less(79, ":"), cursor=1)
    typist.enter("<Up><PageUp>", *lines_of_less(31, ":"), cursor=1)
    typist.enter("<End>", *lines_of_less(154, "(END)"))
    assert typist.colors("(END)") == (BLACK, GREY)
    typist.enter("<Home>", *lines_of_less(1, ":"), cursor=1)
    typist.enter("?nowhere<Return>", *lines_of_less(1, "Pattern not found  (press RETURN)"))
    typist.type("<Return>q")
    typist.until(lambda cells: text_of(cells)[-1:] == [P.rstrip()], "the prompt")


def test_less_utf8(typist):
    screen = ["Größe: 5 € „à“ ┌──┐ ∞ αβγ", "1", "2", "3"]
    typist.enter("<C-l>less text<Return>", f"{P}less text", *screen, "text (END)")
    typist.enter("/ö<Return>", *screen, *["~"] * (ROWS - 1 - len(screen)), "(END)")
    typist.type("q")
    typist.until(lambda cells: text_of(cells)[-1:] == [P.rstrip()], "the prompt")


def test_top(typist):
    def shown(cells):
        lines = text_of(cells)
        return (len(lines) > 6 and re.fullmatch(r"Mem: \d+K used, \d+K free, \d+K shrd, \d+K buff, \d+K cached", lines[0])
                and re.fullmatch(r"CPU:" + "".join(rf" +[\d.]+% {of}" for of in ("usr", "sys", "nic", "idle", "io", "irq", "sirq")), lines[1])
                and re.fullmatch(r"Load average: [\d.]+ [\d.]+ [\d.]+ \d+/\d+ \d+", lines[2])
                and lines[3] == "  PID  PPID USER     STAT   VSZ %VSZ CPU %CPU COMMAND"
                and all(re.match(r" *\d+ +\d+ \w+ +[RSDZTI][W<N]* +\d+m? +[\d.]+ +\d+ +[\d.]+ .", line) for line in lines[4:])
                and any(line.split()[-1] == "top" for line in lines[4:]))

    typist.type("<C-l>top<Return>")
    typist.until(shown, "top")
    assert typist.colors("COMMAND") == (BLACK, GREY)
    typist.type("q")
    typist.until(lambda cells: text_of(cells)[-1:] == [P.rstrip()], "the prompt")
