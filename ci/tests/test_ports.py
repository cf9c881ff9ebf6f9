# SPDX-License-Identifier: MIT
"""
What each port's recipe promises (TEST and EXPECT), tried in the guest. Ports that are not part of the image are installed
by an overlay. Those are tried on Linux too: a program that stands alone does the same there.
"""
import json
import os
import re
import shlex
import shutil
import subprocess
import tarfile

import pytest

from guest import BUILD, LINUX, RAEEN, ROOT, features, run_all

LISTED = json.loads(subprocess.run([os.path.join(ROOT, "ports/list-tests")], check=True, stdout=subprocess.PIPE).stdout)
TEST_FILES = "/opt/ports"
# A port's program counts, not the applet of that name: the shell of the Linux guest, Debian's busybox, would prefer its own.
OWN = TEST_FILES + "/bin"
PATH = f"{OWN}:/usr/bin:/usr/sbin:/sbin:/bin"


def in_image(name):
    return os.path.exists(os.path.join(BUILD, "root/var/db/raeen", name))


def lacking(guest, entry):
    """What the port's tests need of the kernel and it was built without."""
    return set(entry["features"]) - features() if guest == RAEEN else set()


def cases():
    """Yields (identifier, guest, entry, marks): every test of every port."""
    counts = {}
    for entry in LISTED:
        name = entry["name"]
        counts[name] = counts.get(name, 0) + 1
        slow = [pytest.mark.full] if entry["slow"] else []
        without = lacking(RAEEN, entry)
        skipped = [pytest.mark.skip(reason=f"this kernel is built without {' and '.join(sorted(without))}")] if without else []
        yield f"{name}-{counts[name]}", RAEEN, entry, slow + skipped
        if not in_image(name):
            yield f"{name}-{counts[name]}", LINUX, entry, [pytest.mark.full]


CASES = list(cases())


def install(name, version, part, folder):
    """Lays the port's package, or with "-dev" as the @part that with headers and libraries, into @folder."""
    package = os.path.join(BUILD, "ports", name, f"{name}-{version}{part}.tar")
    assert os.path.exists(package), f"{package} is missing: ports/build {name} makes it"
    with tarfile.open(package) as archive:
        archive.extractall(folder)


@pytest.fixture(scope="module")
def overlay(request, tmp_path_factory):
    """The packages of the ports whose tests were chosen and that the image lacks, and the files of their tests."""
    folder = tmp_path_factory.mktemp("ports")
    entries = [entry for _, _, entry in chosen(request)]
    for name, version in sorted({(name, version) for entry in entries for name, version in entry["needs"]}):
        for part in ("", "-dev"):
            install(name, version, part, folder)
    for name, version in sorted({(entry["name"], entry["version"]) for entry in entries}):
        if not in_image(name):
            install(name, version, "", folder)
        files = os.path.join(ROOT, "ports", name, "tests")
        if os.path.isdir(files):
            shutil.copytree(files, f"{folder}{TEST_FILES}/{name}")
    os.makedirs(f"{folder}{TEST_FILES}", exist_ok=True)
    for script in ("check.sh", "terminal.sh"):
        shutil.copy(os.path.join(ROOT, "ports/lib", script), f"{folder}{TEST_FILES}/{script}")
    # Shell and terminal of the tests are our busybox's on both guests.
    os.makedirs(f"{folder}{OWN}")
    shutil.copy(os.path.join(BUILD, "ports/busybox/stage/bin/busybox"), f"{folder}{OWN}/sh")
    os.symlink("sh", f"{folder}{OWN}/script")
    return folder


def chosen(request):
    """(identifier, guest, entry) of the tests that this run of pytest was asked for."""
    functions = [item for item in request.session.items if item.module is request.module and hasattr(item, "callspec")]
    return [item.callspec.params["case"] for item in functions]


@pytest.fixture(scope="module")
def results(request, overlay):
    """guest -> name -> Result. One boot for each guest."""
    commands = {}
    for name, guest, entry in chosen(request):
        if lacking(guest, entry):
            continue
        commands.setdefault(guest, {})[name] = \
            f"TESTS={TEST_FILES}/{entry['name']} PATH={PATH} SHELL={OWN}/sh exec {OWN}/sh -c {shlex.quote(entry['test'])}"
    return {guest: run_all(guest, of_guest, "--overlay", overlay, timeout=1200) for guest, of_guest in commands.items()}


@pytest.mark.parametrize("case", [pytest.param((name, guest, entry), marks=marks, id=f"{guest}-{name}")
                                  for name, guest, entry, marks in CASES])
def test_port(results, case):
    name, guest, entry = case
    result = results[guest][name]
    assert result.status == 0, f"{entry['test']}\n{result.output}"
    assert re.fullmatch(entry["expect"], result.output.rstrip("\n")), \
        f"{entry['test']}\nprinted {result.output!r}, not {entry['expect']!r}"


def test_every_port_is_tried():
    """A port that promises nothing is not tried by anyone. musl is tried by every program."""
    names = {name for name in os.listdir(os.path.join(ROOT, "ports"))
             if os.path.exists(os.path.join(ROOT, "ports", name, "port"))}
    assert names - {entry["name"] for entry in LISTED} == {"musl"}
