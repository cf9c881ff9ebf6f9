# SPDX-License-Identifier: MIT
"""
Lua's own tests, as far as a package has them (lua_pieces.py), with our Lua on both guests: each piece passes on both, or is listed with the reason for which
it does not hold for this Lua. The pieces are those of 5.3; the suite of 5.4 is not to be had (ports/lua/why.md).
"""
import glob
import os
import shlex
import shutil
import tarfile

import pytest

import lua_pieces
from guest import BUILD, LINUX, RAEEN, ROOT, run_all

pytestmark = pytest.mark.full
SUBJECTS = ("attrib", "bitwise", "calls", "closure", "constructs", "coroutine", "db", "errors", "events", "goto", "literals", "locals", "math", "nextvar",
            "pm", "sort", "strings", "tpack", "utf8", "vararg")
# Every piece of these needs a library that shows the inside of the interpreter, which only the archive of the suite has (ltests.c).
LEFT_OUT = {"api", "code"}
INSIDE = "needs that library"
BITWISE = "5.4 takes no strings for the operators on bits"
WORDS = "5.4 has other words for the error"
LOCALS = "5.4 has other names for variables without one"
FAILING = {
    "bitwise-01": BITWISE, "constructs-03": BITWISE, "errors-07": BITWISE, "math-12": BITWISE,
    "calls-02": "print() of 5.4 does not call the global tostring()",
    "calls-16": "5.4 has another header of compiled code",
    "closure-01": "5.4 makes a new closure each time",
    "db-04": "5.4 tells of other lines in loops", "db-07": LOCALS, "db-10": LOCALS, "db-16": LOCALS,
    "db-23": "5.4 leaves __ out of the names of events", "db-26": "5.4 knows no current line in code without line numbers, and so no active ones",
    "errors-05": "5.4 adds strings by their metamethods, which say so otherwise",
    "errors-33": WORDS, "strings-15": WORDS, "tpack-16": WORDS, "utf8-03": WORDS, "utf8-04": WORDS,
    "goto-02": "5.4 has no label twice in nested blocks",
    "literals-06": "5.4 takes code points up to 2^31",
    "math-10": "was changed for integers of 32 bits", "math-37": "5.4 takes any interval",
    "strings-17": "musl takes every name for a locale's and knows none",
} | dict.fromkeys([f"coroutine-{number}" for number in range(22, 36)] + ["events-05", "nextvar-05", "nextvar-18"], INSIDE)
# A test whose text is empty.
EMPTY = {"attrib-02"}
FILES = "/opt/lua"
SECONDS, PATIENCE = 120, 3600


@pytest.fixture(scope="module")
def pieces():
    return lua_pieces.pieces()


@pytest.fixture(scope="module")
def overlay(pieces, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lua")
    package, = glob.glob(os.path.join(BUILD, "ports/lua/lua-[0-9.]*[0-9].tar"))
    with tarfile.open(package) as archive:
        archive.extractall(folder)
    os.makedirs(f"{folder}{FILES}")
    shutil.copy(os.path.join(ROOT, "ports/lua/tests/run.lua"), f"{folder}{FILES}")
    for name, chunk in pieces.items():
        if chunk:
            with open(f"{folder}{FILES}/{name}.lua", "wb") as file:
                file.write(chunk[0])
    return folder


@pytest.fixture(scope="module")
def results(pieces, overlay):
    """guest -> piece -> Result"""
    commands = {name: f"cd {FILES} && exec timeout -s KILL {SECONDS} lua run.lua {name}.lua {shlex.quote(chunk[1])}"
                for name, chunk in pieces.items() if chunk and subject_of(name) in SUBJECTS}
    return {guest: run_all(guest, commands, "--overlay", overlay, timeout=PATIENCE) for guest in (LINUX, RAEEN)}


def subject_of(name):
    return name.partition("-")[0]


def test_pieces_are_all(pieces):
    assert {subject_of(name) for name in pieces} == set(SUBJECTS) | LEFT_OUT
    assert {name for name, chunk in pieces.items() if not chunk or not chunk[0].strip()} == EMPTY
    assert FAILING.keys() <= pieces.keys()


@pytest.mark.parametrize("subject", SUBJECTS)
def test_subject(results, subject):
    for name, there in results[LINUX].items():
        if subject_of(name) == subject:
            here = results[RAEEN][name]
            assert (there.status == 0) == (name not in FAILING), f"{name} on Linux, {FAILING.get(name, 'not listed')}:\n{there.output}"
            assert (here.status, here.output) == (there.status, there.output), f"{name}:\n{here.output}\n--- on Linux:\n{there.output}"

