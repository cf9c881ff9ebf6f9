# SPDX-License-Identifier: MIT
"""The programs about POSIX threads once more, linked statically with the host's glibc: on Linux, and on RaeenOS with one CPU and with four."""
import os
import subprocess

import pytest

from guest import BUILD, LINUX, RAEEN, ROOT, run_all

PROGRAMS = ("posix_locks", "posix_threads")
GUESTS = {"linux": (LINUX, 1), "raeen": (RAEEN, 1), "raeen, 4 CPUs": (RAEEN, 4)}
SOURCES = os.path.join(ROOT, "src/userland/tests")


@pytest.fixture(scope="module")
def overlay(tmp_path_factory):
    folder = tmp_path_factory.mktemp("glibc")
    (folder / "glibc").mkdir()
    for program in PROGRAMS:
        files = [os.path.join(SOURCES, name + ".c") for name in (program, "check", "group_threads")]
        subprocess.run(["gcc", "-static", "-O2", "-Wall", "-Wextra", "-Wno-unused-result", "-pthread", "-D_GNU_SOURCE=1",
                        "-o", folder / "glibc" / program, *files], check=True)
    return folder


@pytest.mark.parametrize("where", GUESTS)
def test_programs(overlay, where):
    guest, cpus = GUESTS[where]
    commands = {name: f"timeout -s KILL 150 /glibc/{name}" for name in PROGRAMS}
    results = run_all(guest, commands, "--overlay", overlay, "--smp", cpus)
    for name in PROGRAMS:
        assert results[name].status == 0, results[name].output
        assert f"ok {name}: " in results[name].output


def test_it_is_glibc(overlay):
    """What ran above is the other library: only glibc has tunables."""
    for name in PROGRAMS:
        assert b"GLIBC_TUNABLES" in (overlay / "glibc" / name).read_bytes()
        with open(os.path.join(BUILD, "tests/tests", name), "rb") as ours:
            assert b"GLIBC_TUNABLES" not in ours.read()
