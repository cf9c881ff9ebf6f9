# SPDX-License-Identifier: MIT
"""
The root file system while its server is killed again and again: Debian's sqlite3 and tar, writers of mapped files, random operations against a model. Nobody
notices; what sqlite3 has acknowledged, which is written down outside the guest, is there; the image is clean.
"""
import os
import re
import shutil
import sqlite3
import subprocess
import tarfile

import debian
import pytest
import synced
from guest import BUILD
from root_machine import TAKE_LAST, Machine

TESTS = os.path.join(BUILD, "tests/tests")
PROGRAMS = ("root_model", "root_mmap", "root_names", "root_killer")
JOURNALS = ("delete", "wal")
# Boots of the full run kill 200 servers in all.
QUICK = dict(deaths=20, rows=40, files=300, operations=1200, seconds=4, cpus=2, seed=1, timeout=300)
FULL = [dict(deaths=50, rows=300, files=5000, operations=6000, seconds=30, cpus=cpus, seed=10 + cpus, timeout=1500) for cpus in (1, 2, 4, 3)]
WORKS = ("killer", "model", "mmap", "names", "tar", *JOURNALS)
FILE_MODES = (0o644, 0o600, 0o755)

# An acknowledgement leaves the guest at once: .output closes, and so writes, what was printed.
SCRIPT = r"""
export TMPDIR=/root/busy SEED={seed} CASE_LIMIT_MS=1000000
mkdir -p /root/busy && cd /root/busy
work() {{ name=$1; shift; "$@" > /tmp/$name.out 2>&1; echo $? > /tmp/$name.status; }}
database() {{
	( echo "pragma journal_mode=$1; pragma synchronous=full; create table t(n integer primary key, v text);"
	i=0; while [ $i -lt {rows} ]; do i=$((i+1)); printf '%s\n' "insert into t values($i, hex(randomblob(300)));" ".output /dev/stdout" "select '@ack', '$1', $i;" .output; done ) |
	sqlite3 -batch -bail -separator ' ' $1.db
	echo $? > /tmp/$1.status; : > /tmp/$1.out
}}
tree() {{ mkdir tree && tar -xf /opt/tree.tar -C tree && tar -df /opt/tree.tar -C tree && sync && tar -df /opt/tree.tar -C tree && rm -r tree && [ ! -e tree ]; }}
work killer env DEATHS={deaths} /tests/root_killer &
work model env WORKERS=2 OPERATIONS={operations} SECONDS={seconds} /tests/root_model &
work mmap env SECONDS={seconds} /tests/root_mmap &
work names env SHARED=1 SECONDS={seconds} /tests/root_names &
work tar tree &
for mode in {journals}; do database $mode & done
wait
for name in {works}; do echo "@result $name $(cat /tmp/$name.status)"; cat /tmp/$name.out; done
echo @served; cat /proc/served; svc list
"""


def tree_archive(path, files):
    """A tar of so many files in folders of 50, with links; all follows from the numbers."""
    with tarfile.open(path, "w") as archive:
        for number in range(files):
            folder = f"d{number // 50}"
            if number % 50 == 0:
                add(archive, folder, tarfile.DIRTYPE, mode=0o755)
            data = bytes((number * 7 + at * 13) & 255 for at in range(number * 37 % 3000)) * (1 + number % 3)
            add(archive, f"{folder}/f{number}", tarfile.REGTYPE, data, FILE_MODES[number % 3])
            if number % 10 == 3:
                add(archive, f"{folder}/s{number}", tarfile.SYMTYPE, link=f"f{number}")
            if number % 10 == 7:
                add(archive, f"{folder}/h{number}", tarfile.LNKTYPE, link=f"{folder}/f{number}")


def add(archive, name, kind, data=b"", mode=0o644, link=""):
    import io

    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode, info.linkname, info.mtime = kind, len(data), mode, link, 1700000000
    archive.addfile(info, io.BytesIO(data))


def make_overlay(folder, files):
    overlay = folder / "overlay"
    shutil.copytree(debian.overlay_of("root"), overlay, symlinks=True)
    (overlay / "tests").mkdir()
    for name in PROGRAMS:
        shutil.copy(os.path.join(TESTS, name), overlay / "tests")
    (overlay / "opt").mkdir(exist_ok=True)
    tree_archive(overlay / "opt/tree.tar", files)
    return overlay


class Worked:
    """What came of one boot: the status and output of each work, the rows that were acknowledged, the image at the end."""

    def __init__(self, folder, size):
        self.size = size
        self.image = str(folder / "image")
        self.results, self.acknowledged = {}, {mode: [] for mode in JOURNALS}
        script = SCRIPT.format(journals=" ".join(JOURNALS), works=" ".join(WORKS), **size) + TAKE_LAST
        options = ["--smp", size["cpus"], "--mem", "1G", "--overlay", make_overlay(folder, size["files"])]
        with Machine(script, *options, timeout=size["timeout"]) as machine:
            machine.image(self.image, last=True)
        self.text = machine.text()
        current = None
        for line in machine.lines:
            if line.startswith("@result "):
                _, current, status = line.split()
                self.results[current] = [int(status), ""]
            elif line.startswith("@ack "):
                _, mode, row = line.split()
                self.acknowledged[mode].append(int(row))
            elif current:
                self.results[current][1] += line + "\n"


@pytest.fixture(scope="module", params=[QUICK] + [pytest.param(size, marks=pytest.mark.full) for size in FULL], ids=lambda size: f"{size['deaths']}-{size['cpus']}")
def worked(request, tmp_path_factory):
    return Worked(tmp_path_factory.mktemp("root"), request.param)


@pytest.mark.parametrize("name", WORKS)
def test_no_program_notices(worked, name):
    status, output = worked.results[name]
    assert status == 0, output + worked.text[-3000:]


def test_the_server_was_killed(worked):
    found = re.search(r"^(\d+) deaths, (\d+) of them with a request held", worked.results["killer"][1], re.M)
    deaths, held = int(found[1]), int(found[2])
    assert deaths == worked.size["deaths"] and held * 2 >= deaths, found[0]


@pytest.mark.parametrize("mode", JOURNALS)
def test_what_was_acknowledged_is_there(worked, mode, tmp_path):
    rows = worked.acknowledged[mode]
    assert rows == list(range(1, worked.size["rows"] + 1))
    names = [f"{mode}.db{end}" for end in ("", "-journal", "-wal")]
    for name in names:
        subprocess.run(["debugfs", "-R", f"dump /root/busy/{name} {tmp_path / name}", worked.image], stderr=subprocess.DEVNULL, check=True)
        if (tmp_path / name).exists() and not (tmp_path / name).stat().st_size:
            (tmp_path / name).unlink()
    database = sqlite3.connect(tmp_path / names[0])
    assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
    assert {row for row, in database.execute("select n from t")} >= set(rows)


def test_the_image_is_clean(worked):
    assert synced.clean(worked.image) == []


def test_recovery_time():
    """From the kill, with a request held, to its answer by the next instance, on a clock of instructions: 5 ms are five million."""
    with Machine("TMPDIR=/root DEATHS=20 SEED=1 /tests/root_killer", "--icount", "--overlay", os.path.join(BUILD, "tests"), "--mem", "1G") as machine:
        assert machine.rest() == 0, machine.text()
    found = re.search(r"(\d+) of them with a request held; median (\d+) ns", machine.text())
    assert int(found[1]) == 10 and int(found[2]) <= 5_000_000, found[0]
