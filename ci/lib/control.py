# SPDX-License-Identifier: MIT
"""
Controls: mechanisms broken on purpose, each with the test that must notice (ci/controls/NAME.control). Reads them, and says what is wrong with one.

A control is some lines of comment, three of "key: value", and an edit: the text below "--- from", which is in the file exactly once, becomes the text below
"--- to", up to the end of the file.

	# Wild pointers reach the kernel's memory.
	file: src/kernel/mm/user_copy.c
	test: guest /tests/wild
	says: FAIL wild
	--- from
		if (address >= USER_END)
	--- to
		if (0)

What a test can be is said in KINDS. "says" is a part of what the test prints when it fails because of this, and for no other reason.
"""
import glob
import os
import re
import shlex

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "ci/controls")
FORM = re.compile(r"(?:# .*\n)+file: (\S+)\ntest: (.+)\nsays: (.+)\n--- from\n((?:.*\n)+?)--- to\n((?:.*\n)*)\Z")

# What is made before, and the command; {} is what follows the kind. A host test is compiled and run by one make.
KINDS = {
    "kernel-host": ("", "make -s -C src/kernel BUILD=$PWD/build $PWD/build/hosttest/{}_hosttest.passed"),
    "servers-host": ("", "make -s -C src/servers BUILD=$PWD/build $PWD/build/servers/obj/{}.passed"),
    "fuzz": ("", "toolchain/fuzz 1 {}"),
    "host-pytest": ("", "/usr/bin/python3 -m pytest -p no:cacheprovider -q -x {}"),
    "guest": ("iso test-programs", "ci/vm --overlay build/tests {}"),
    "debug-guest": ("debug-iso test-programs", "ci/vm --image build/raeen-debug.iso --overlay build/tests {}"),
    "pytest": ("iso test-programs", "/usr/bin/python3 -m pytest -p no:cacheprovider -q -x {}"),
    "debug-pytest": ("iso debug-iso test-programs", "/usr/bin/python3 -m pytest -p no:cacheprovider -q -x {}"),
}


class Refused(Exception):
    """What is wrong with a control."""


class Control:
    """One control as its file has it."""

    def __init__(self, path):
        self.name = os.path.basename(path).removesuffix(".control")
        with open(path, encoding="utf-8") as text:
            found = FORM.match(text.read())
        if not found:
            raise Refused("not the form of a control (ci/lib/control.py)")
        self.file, self.test, self.says, self.old, self.new = found.groups()
        kind, _, words = self.test.partition(" ")
        if kind not in KINDS or not words:
            raise Refused(f"test {self.test!r}: expected one of {', '.join(KINDS)}, and words")
        self.targets, command = KINDS[kind]
        self.command = command.format(words)
        self.subject = subject_of(kind, words)

    def edited(self, tree):
        """The file's text with and without the edit: (new, old)."""
        path = os.path.join(tree, self.file)
        if not os.path.isfile(path):
            raise Refused(f"{self.file}: there is no such file")
        with open(path, encoding="utf-8") as source:
            text = "\n" + source.read()
        count = text.count("\n" + self.old)
        if count != 1:
            raise Refused(f"{self.file}: the lines to break are there {count} times, expected once")
        if self.new == self.old:
            raise Refused("changes nothing")
        return text.replace("\n" + self.old, "\n" + self.new)[1:], text[1:]


def subject_of(kind, words):
    """A file that must be there for the test to be; "" where the words name none."""
    if kind == "kernel-host":
        return f"src/kernel/{words}_hosttest.c"
    if kind == "servers-host" and words.endswith("_hosttest"):
        return f"src/servers/{words}.c"
    if kind.endswith("pytest"):
        return next(word for word in shlex.split(words) if word.startswith("ci/tests/")).partition("::")[0]
    program = re.search(r"/tests/(\w+)( |$|')", words)
    return f"src/userland/tests/{program.group(1)}.c" if kind.endswith("guest") and program else ""


def names():
    return sorted(os.path.basename(path).removesuffix(".control") for path in glob.glob(os.path.join(FOLDER, "*.control")))


def load(name):
    return Control(os.path.join(FOLDER, name + ".control"))


def complaints(tree=ROOT):
    """(path of a control, what is wrong with it) for each that could not be tried."""
    for name in names():
        try:
            control = load(name)
            control.edited(tree)
            if not os.path.exists(os.path.join(tree, control.subject)):
                raise Refused(f"there is no {control.subject}")
        except Refused as wrong:
            yield f"ci/controls/{name}.control", str(wrong)
