# SPDX-License-Identifier: MIT
"""A core file out of the guest, read by gdb. What is in it byte by byte is the in-guest program cores's affair."""
import os
import re
import shutil
import subprocess

import pytest

from guest import BUILD, RAEEN, console_text, features, vm

PROGRAM = os.path.join(BUILD, "tests/tests/cores")

pytestmark = [pytest.mark.skipif("core_files" not in features(), reason="the kernel is built without CORE_FILES"),
              pytest.mark.skipif(not shutil.which("gdb"), reason="gdb is not installed (toolchain/deps debug does)")]


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    done = vm(RAEEN, "cd /tmp; ulimit -c unlimited; /tests/cores crash >&2; [ $? = 139 ] && gzip -c core", "--overlay", os.path.join(BUILD, "tests"))
    assert done.returncode == 0, console_text(done.stderr)
    path = tmp_path_factory.mktemp("core") / "core"
    path.write_bytes(subprocess.run(["gzip", "-dc"], input=done.stdout, stdout=subprocess.PIPE, check=True).stdout)
    return path


def gdb(core, *commands):
    line = ["gdb", "-q", "-batch", "-nx", "-ex", "set pagination off"]
    for command in (f"file {PROGRAM}", f"core-file {core}", *commands):
        line += ["-ex", command]
    return subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120).stdout


def test_backtrace_and_variable(core):
    text = gdb(core, "bt", "print core_marker", "print/x *(long *)$sp != 0")
    assert "Program terminated with signal SIGSEGV" in text
    assert re.search(r"#0 .*innermost .*cores\.c:\d+\n(.*\n)*#1 .* middle .*cores\.c:\d+\n(.*\n)*#2 .* crash ", text), text
    assert "$1 = 4712" in text and "warning: Unexpected size" not in text


def test_threads_and_their_registers(core):
    text = gdb(core, "info threads", "thread apply all -q print/x $r15", "print $_siginfo._sifields._sigfault.si_addr", "info auxv", "info proc mappings")
    assert len(re.findall(r"^[* ] \d+ +(?:Thread|LWP)", text, re.M)) == 2, text
    assert "= 0xf0f0f0f0f0f0f0f" in text        # what the thread that sleeps has left there
    assert re.search(r"\$\d+ = \(void \*\) 0x10\n", text)
    assert re.search(r"AT_PAGESZ .* 4096\n", text) and re.search(r"AT_EXECFN .*/tests/cores", text)
    assert re.search(r"0x\w+ +0x\w+ +0x\w+ +0x\w+ .*/tests/cores\n", text)
