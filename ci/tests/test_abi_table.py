# SPDX-License-Identifier: MIT
"""The table of Linux's system calls (make abi-table): complete, and refused when it is not."""
import os
import re
import shutil
import subprocess

import pytest

from guest import BUILD, ROOT

KERNEL = os.path.join(ROOT, "src/kernel")
PROGRAMS = os.path.join(ROOT, "src/userland/tests")


def table(syscalls=f"{KERNEL}/abi/syscalls.def", missing=f"{KERNEL}/abi/missing_calls.def", programs=PROGRAMS):
    return subprocess.run([f"{KERNEL}/abi/gen-abi-table.py", syscalls, missing, f"{BUILD}/uapi/asm/unistd_64.h", KERNEL, programs],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def changed(path, folder, old, new):
    with open(path) as file:
        text = file.read()
    assert old in text
    target = folder / os.path.basename(path)
    target.write_text(text.replace(old, new))
    return target


def test_every_call_is_accounted_for():
    done = table()
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", done.stdout, re.M)
    with open(f"{BUILD}/uapi/asm/unistd_64.h") as header:
        assert sorted((int(number), name) for number, name in rows) == \
            sorted((int(number), name) for name, number in re.findall(r"^#define __NR_(\w+)\s+(\d+)$", header.read(), re.M))


def test_calls_that_kernels_may_be_built_without():
    rows = table().stdout
    assert re.search(r"^\| 46 \| sendmsg \| net/socket_messages.c; built with UNIX_SOCKETS=yes \|", rows, re.M)
    assert re.search(r"^\| 41 \| socket \| net/socket.c \|", rows, re.M)


@pytest.mark.parametrize("old, new, said", [
    ("\tiopl ioperm\n", "\tiopl\n", "ioperm (173) is in neither"),
    ("iopl ioperm", "iopl ioperm read", "read is implemented"),
    ("iopl ioperm", "iopl ioperm iomem", "Linux has no call iomem"),
    ("iopl ioperm", "iopl iopl", "iopl is listed twice"),
    ("never: no accounts", "no accounts", "expected `later: WHAT.` or `never: WHY.`"),
    ("never: memory is not swapped, has one node, and pages stay where they are.\n", "", "no reason above"),
])
def test_wrong_list(tmp_path, old, new, said):
    done = table(missing=changed(f"{KERNEL}/abi/missing_calls.def", tmp_path, old, new))
    assert done.returncode != 0 and said in done.stderr, done.stderr


def test_wrong_number(tmp_path):
    done = table(syscalls=changed(f"{KERNEL}/abi/syscalls.def", tmp_path, "\n85 creat(", "\n86000 creat("))
    assert "creat (85) is in neither" in done.stderr, done.stderr


def test_call_that_no_program_makes(tmp_path):
    shutil.copytree(PROGRAMS, tmp_path / "tests")
    os.unlink(tmp_path / "tests/seldom.c")
    assert "creat: no program in" in table(programs=tmp_path / "tests").stderr
    (tmp_path / "tests/futex.c").write_text(open(f"{PROGRAMS}/futex.c").read().replace("/* calls: clone3 */", "/* calls: clone9 */"))
    assert "there is no call clone9" in table(programs=tmp_path / "tests").stderr
