# SPDX-License-Identifier: MIT
"""ci/controls/run in a small tree: what is caught and what is not, that the edit is taken back, and which controls are refused."""
import importlib.machinery
import importlib.util
import os

import pytest

import control as controls
from guest import ROOT

MAKEFILE = "$(BUILD)/hosttest/answer_hosttest.passed:\n\t@echo looks; ./answer\n"
ANSWER = "#!/bin/sh\n# The answer.\nanswer=42\n[ $answer = 42 ] || { echo the answer is $answer; exit 1; }\n"
FORM = "# Another answer.\nfile: src/kernel/answer\ntest: {}\nsays: {}\n--- from\n{}\n--- to\n{}\n"
KIND = "kernel-host answer"


def runner():
    loader = importlib.machinery.SourceFileLoader("controls_run", os.path.join(ROOT, "ci/controls/run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("controls_run", loader))
    loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree/src/kernel"
    folder.mkdir(parents=True)
    (folder / "Makefile").write_text(MAKEFILE)
    (folder / "answer").write_text(ANSWER)
    (folder / "answer").chmod(0o755)
    return tmp_path / "tree"


def make(tmp_path, *parts):
    path = tmp_path / "answer.control"
    path.write_text(FORM.format(*parts))
    return controls.Control(str(path))


@pytest.mark.parametrize("says, new, outcome", [
    ("the answer is 41", "answer=41", "caught"),
    ("the answer is 41", "answer=$((41 + 1))", "NOT CAUGHT"),
    ("the answer is 41", "answer=40", "FAILED, but does not say 'the answer is 41'"),
])
def test_outcome(tree, tmp_path, says, new, outcome):
    for quick in (False, True):
        assert runner().Trial(str(tree), quick).run(make(tmp_path, KIND, says, "answer=42", new))[0] == outcome
        assert (tree / "src/kernel/answer").read_text() == ANSWER


def test_what_fails_anyway(tree, tmp_path):
    (tree / "src/kernel/Makefile").write_text(MAKEFILE.replace("looks", "the answer is 41; exit 1"))
    assert runner().Trial(str(tree), False).run(make(tmp_path, KIND, "the answer is 41", "answer=42", "answer=41"))[0] == "fails unbroken, too"


@pytest.mark.parametrize("parts, why", [
    ((KIND, "x", "answer=43", "answer=41"), "there 0 times"),
    ((KIND, "x", "answer", "answer=41"), "there 0 times"),
    ((KIND, "x", "answer=42", "answer=42"), "changes nothing"),
    (("host answer", "x", "answer=42", "answer=41"), "expected one of kernel-host"),
    ((KIND, "", "answer=42", "answer=41"), "not the form"),
])
def test_refused(tree, tmp_path, parts, why):
    with pytest.raises(controls.Refused, match=why):
        make(tmp_path, *parts).edited(str(tree))


def test_text_that_is_there_twice(tree, tmp_path):
    (tree / "src/kernel/answer").write_text(ANSWER + "answer=42\n")
    with pytest.raises(controls.Refused, match="there 2 times"):
        make(tmp_path, KIND, "x", "answer=42", "answer=41").edited(str(tree))


def test_names():
    """Those that are there; what matches none is a mistake."""
    module = runner()
    assert len(module.chosen([])) >= 60 and set(module.chosen(["elf-*"])) < set(module.chosen([]))
    with pytest.raises(SystemExit):
        module.chosen(["no-such-control"])
