# SPDX-License-Identifier: MIT
"""
The full toolchain of make toolchain, when it has been built: it compiles the kernel, our programs and ports into a build
folder of its own; the tests of the compiler must pass with it, and the system that it made must run.

It is not built here, because that takes a quarter of an hour and more.
"""
import os
import re
import subprocess

import pytest

from guest import BUILD, ROOT, console_text, vm

TRIPLE = "x86_64-raeen-linux-musl"
FOUND = subprocess.run([os.path.join(ROOT, "toolchain/cross"), "--find"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
CROSS = FOUND.stdout.strip()
OWN = os.path.join(BUILD, "with-cross")
PORTS = ("busybox", "dash", "lua")

pytestmark = [pytest.mark.full, pytest.mark.skipif(FOUND.returncode != 0, reason=FOUND.stderr.strip())]


def run(*command):
    """Runs @command with OWN as build folder and the full toolchain; returns what it said."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(command, cwd=ROOT, env=dict(environment, BUILD=OWN, COMPILER=CROSS), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-6000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def built():
    """The ISO and some ports. Downloads are shared with the usual build folder."""
    os.makedirs(OWN, exist_ok=True)
    if not os.path.lexists(os.path.join(OWN, "cache")):
        os.symlink("../cache", os.path.join(OWN, "cache"))
    run("make", f"BUILD={OWN}", f"COMPILER={CROSS}", "iso")
    run("ports/build", *PORTS)
    return OWN


def test_what_compiled_it(built):
    """GCC writes its version into what it compiles; that of the full one is not Debian's."""
    version = subprocess.run([os.path.join(CROSS, "bin", TRIPLE + "-gcc"), "--version"], check=True, stdout=subprocess.PIPE,
                             text=True).stdout
    assert re.match(rf"{TRIPLE}-gcc \(GCC\) 12\.2\.0\n", version)
    objects = [os.path.join(built, "kernel/init/main.o"), os.path.join(built, "userland/obj/bin/vm-agent/vm-agent.o")]
    for path in filter(os.path.exists, objects):
        comment = subprocess.run(["readelf", "-p", ".comment", path], check=True, stdout=subprocess.PIPE, text=True).stdout
        assert "GCC: (GNU) 12.2.0" in comment and "Debian" not in comment, path
    assert os.path.exists(objects[0])


def test_tests_of_the_compiler(built):
    run("toolchain/test", "Compiler")


def test_programs_stand_alone(built):
    run("toolchain/check-elf", "--pie", os.path.join(built, "root"), *(os.path.join(built, "ports", name, "stage") for name in PORTS))


def test_system_runs(built, tmp_path):
    """Kernel, manager, busybox and ports of that build, in a guest."""
    for name in ("dash", "lua"):
        folder = os.path.join(built, "ports", name, "stage")
        subprocess.run(["cp", "-a", folder + "/.", tmp_path], check=True)
        subprocess.run(["cp", "-a", os.path.join(ROOT, "ports", name, "tests"), tmp_path / name], check=True)
    command = "uname -o && dash /dash/language.sh a 'b c' d && dash /dash/processes.sh && lua /lua/language.lua && lua /lua/memory.lua"
    done = vm("raeen", command, "--image", os.path.join(built, "raeen.iso"), "--overlay", tmp_path, timeout=240)
    assert done.returncode == 0, done.stdout.decode() + console_text(done.stderr)
    assert re.fullmatch(r"RaeenOS\n(\w+: \d+ checks passed\n){4}", done.stdout.decode()), done.stdout
