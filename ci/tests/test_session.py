# SPDX-License-Identifier: MIT
"""
The system as it ships, from the login on: message of the day, prompt, help, the shell's line editing, history, completion and colours, vi, less, top and man,
with letters beyond ASCII, typed at a serial line and (full) at the screen with a German keyboard. The whole screen is compared.
"""
import pytest

from guest import RAEEN
from serial_machine import COLORS, Serial, build_emulator
from screen_machine import Screen
from typing_machine import expect_greeting, expect_login, expect_prompt
from typist import Typist, text_of

# A serial line whose size nobody has told has 80 columns and 24 rows to programs, and whoever sits there may have more.
SERIAL_ROWS, COLUMNS = 25, 80
P = "root@raeen:~# "
WIDTH = len(P)


@pytest.fixture(scope="module", params=("serial", pytest.param("screen", marks=pytest.mark.full)))
def place(request):
    return request.param


@pytest.fixture(scope="module")
def typist(place, tmp_path_factory):
    folder = tmp_path_factory.mktemp(place)
    machine = Screen(folder, layout="de") if place == "screen" else Serial(RAEEN, build_emulator(folder), SERIAL_ROWS, COLUMNS)
    if place == "serial":
        machine.wait_for("login: ")
    yield Typist(machine)
    machine.close()


@pytest.fixture
def rows(place, typist):
    """That programs have."""
    return len(typist.look()) if place == "screen" else 24


@pytest.mark.parametrize("user", ("raeen", "root"))
def test_greeting(typist, place, user):
    """Nothing is written behind "login:", and nothing between the message of the day and the prompt."""
    expect_login(typist, {"screen": "tty1", "serial": "ttyS0"}[place])
    typist.type(f"{user}<Return>")
    expect_greeting(typist, user)
    if user != "root":
        typist.type("clear; exit<Return>")


def test_prompt(typist):
    """Where one is, and who."""
    typist.type("<C-l>cd /usr/share<Return>")
    expect_prompt(typist, "root", "/usr/share")
    typist.type("su raeen<Return>")
    expect_prompt(typist, "raeen", "/usr/share")
    typist.type("cd<Return>")
    expect_prompt(typist, "raeen", "~")
    typist.type("exit<Return>cd<Return>")
    expect_prompt(typist, "root", "~")


def test_line_is_edited(typist):
    typist.enter("<C-l>cho two<Home>e<End> three", f"{P}echo two three", cursor=WIDTH + 14)
    typist.enter("<M-b><M-b>one <C-k>", f"{P}echo one", cursor=WIDTH + 9)
    typist.enter("<C-a><Right><Right>X<Backspace><Delete>", f"{P}eco one", cursor=WIDTH + 2)
    screen = [f"{P}echo one", "one"]
    typist.enter("h<Return>", *screen, P.rstrip(), cursor=WIDTH)
    typist.enter("no<C-u>echo Größe<Left><Left><Left><Backspace>ü€<Return>", *screen, f"{P}echo Gü€öße", "Gü€öße", P.rstrip(), cursor=WIDTH)


def test_history(typist):
    """The arrow keys, also for what was typed before one logged in."""
    typist.enter("<C-l><Up><Up>", f"{P}echo one", cursor=WIDTH + 9)
    typist.enter("<Down>", f"{P}echo Gü€öße", cursor=WIDTH + 11)
    typist.type("<C-u>clear; exit<Return>")
    typist.until(lambda cells: text_of(cells)[-1:] == ["raeen login:"], "a login")
    typist.type("root<Return>")
    expect_greeting(typist, "root")
    typist.enter("<C-l><Up><Up>", f"{P}echo Gü€öße", cursor=WIDTH + 11)
    typist.type("<C-u>")


def test_completion(typist):
    """A command, a file, and a choice."""
    typist.enter("<C-l>cat /etc/mo<Tab>", f"{P}cat /etc/motd", cursor=WIDTH + 14)
    typist.enter("<C-u>basen<Tab>", f"{P}basename", cursor=WIDTH + 9)
    typist.enter("<C-u>ls /etc/sh<Tab>", f"{P}ls /etc/sh", cursor=WIDTH + 10)
    typist.enter("<Tab>", f"{P}ls /etc/sh", "shadow  shells  shrc", f"{P}ls /etc/sh", cursor=WIDTH + 10)
    typist.enter("r<Tab><Return>", f"{P}ls /etc/sh", "shadow  shells  shrc", f"{P}ls /etc/shrc", "/etc/shrc", P.rstrip(), cursor=WIDTH)


def test_colors(typist):
    typist.enter("<C-l>ls -d /etc /etc/mtab /bin/busybox<Return>", f"{P}ls -d /etc /etc/mtab /bin/busybox", "/bin/busybox  /etc          /etc/mtab", P.rstrip(), cursor=WIDTH)
    row = typist.seen[1]
    assert row[0].foreground == COLORS[10] and row[14].foreground == COLORS[12] and row[28].foreground == COLORS[14]


def test_terminal_utf8(typist):
    """Where no program edits the terminal takes back letters and words."""
    command = f"{P}cat"
    typist.enter("<C-l>cat<Return>", command, cursor=(1, 0))
    typist.enter("xäö€<Backspace><Backspace>ü ßö", command, "xäü ßö", cursor=(1, 6))
    typist.enter("<C-w>ß<Return>", command, "xäü ß", "xäü ß", cursor=(3, 0))
    typist.enter("<C-d>", command, "xäü ß", "xäü ß", P.rstrip(), cursor=WIDTH)


def back_at_the_prompt(typist):
    typist.until(lambda cells: text_of(cells)[-1:] == [P.rstrip()], "the prompt")


def test_vi(typist, rows):
    def shows(*lines, status):
        return [*lines, *["~"] * (rows - 1 - len(lines)), status]

    typist.enter("<C-l>vi f<Return>", *shows("", status="- f 1/1 100%"), cursor=(0, 0))
    typist.enter("iGröße: 5 €<Return>two<Escape>", *shows("Größe: 5 €", "two", status="- f [Modified] 2/2 100%"), cursor=(1, 2))
    typist.enter("k$rß0fö", *shows("Größe: 5 ß", "two", status="- f [Modified] 1/2 50%"), cursor=(0, 2))
    typist.type(":wq<Return>")
    back_at_the_prompt(typist)
    typist.enter("<C-l>cat f<Return>", f"{P}cat f", "Größe: 5 ß", "two", P.rstrip(), cursor=WIDTH)


def test_less(typist, rows):
    """A line of letters of two bytes is wrapped where the screen ends, and searched."""
    columns = len(typist.look()[0])
    text = "ä" * (columns + 3)
    typist.enter(f"<C-l>yes {'ä' * 3} | tr -d '\\n' | head -c {2 * len(text)} > f; seq 1 99 >> f; less f<Return>",
                 *["ä" * columns, "äää1", *(str(number) for number in range(2, rows - 1)), "f"])
    typist.type("/9[9]<Return>")
    typist.until(lambda cells: "99" in text_of(cells), "the match")
    assert typist.colors("99") == (COLORS[0], COLORS[7])
    typist.type("q")
    back_at_the_prompt(typist)


def test_top(typist):
    """Services by their names."""
    typist.type("<C-l>top<Return>")
    head = "  PID  PPID USER     STAT   VSZ %VSZ CPU %CPU "
    programs = {"/sbin/manager", "/sbin/fs/ext2 --grow", "/sbin/drivers/example", "top"}
    typist.until(lambda cells: f"{head}COMMAND" in text_of(cells) and programs <= {line[len(head):] for line in text_of(cells)}, "top")
    typist.type("q")
    back_at_the_prompt(typist)


def test_help(typist, rows):
    """What the message of the day offers first: the page of the manual with the first steps."""
    typist.type("<C-l>help<Return>")
    head = ["INTRO(1)                    General Commands Manual                   INTRO(1)", "", "NAME", "     intro – first steps", "", "DESCRIPTION"]
    typist.until(lambda cells: text_of(cells)[:len(head)] == [typist.machine.as_read(line) for line in head] and len(text_of(cells)) == rows, "the page")
    typist.type("q")
    back_at_the_prompt(typist)
