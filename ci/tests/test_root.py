# SPDX-License-Identifier: MIT
"""
The root file system while its server is killed again and again, or dies, hangs and is late by itself at chosen points: Debian's sqlite3 and tar, writers of mapped
files, holders of locks, random operations against a model. Nobody notices; what sqlite3 has acknowledged, which is written down outside the guest, is there; the image is clean.
"""
import os
import re
import shutil
import sqlite3
import subprocess
import tarfile

import debian
import pytest
import root_machine
import synced
from guest import BUILD, ROOT
from root_machine import SERVICE, TAKE_LAST, Machine

PROGRAMS = ("root_model", "root_mmap", "root_names", "root_locks", "root_killer")
JOURNALS = ("delete", "wal")
# Boots of the full run kill 200 servers in all.
QUICK = dict(deaths=20, rows=40, files=300, operations=1200, seconds=4, cpus=2, seed=1, timeout=300)
FULL = [dict(deaths=50, rows=300, files=5000, operations=6000, seconds=30, cpus=cpus, seed=10 + cpus, timeout=1500) for cpus in (1, 2, 4, 3)]
# The test's own server, which dies by itself; so often at least.
QUICK_PART = dict(part="--die-before-commit=15", restarts=15, rows=20, files=100, operations=300, seconds=3, cpus=2, seed=5, timeout=300)
PARTS = ("--die=211", "--die-before-commit=61", "--die-after-commit=61", "--hang=499", "--late=211")
FULL_PARTS = [dict(part=part, restarts=50, rows=300, files=5000, operations=6000, seconds=30, cpus=2, seed=20 + number, timeout=1500) for number, part in enumerate(PARTS)]
# How long one that hangs does nothing.
PATIENCE = ("watchdog  5s", "watchdog  500ms")
KILLER = "work killer env DEATHS={deaths} SECONDS={seconds} /tests/root_killer &"
WORKS = ("model", "mmap", "names", "locks", "tar", *JOURNALS)
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
{begin}
work model env WORKERS=2 OPERATIONS={operations} SECONDS={seconds} /tests/root_model &
work mmap env SECONDS={seconds} /tests/root_mmap &
work names env SHARED=1 SECONDS={seconds} /tests/root_names &
work locks env SECONDS={seconds} /tests/root_locks &
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


def make_overlay(folder, files, part):
    overlay = folder / "overlay"
    shutil.copytree(debian.overlay_of("root"), overlay, symlinks=True)
    root_machine.make_overlay(overlay, part, PROGRAMS)
    (overlay / "opt").mkdir(exist_ok=True)
    tree_archive(overlay / "opt/tree.tar", files)
    if part and part.startswith("--hang"):
        with open(os.path.join(ROOT, "root/etc/services.conf")) as usual:
            text = usual.read()
        assert text.count(PATIENCE[0]) == 1
        (overlay / "etc").mkdir(exist_ok=True)
        (overlay / "etc/services.conf").write_text(text.replace(*PATIENCE))
    return overlay


class Worked:
    """What came of one boot: the status and output of each work, the rows that were acknowledged, how often the server was restarted, the image at the end."""

    def __init__(self, folder, size):
        self.size = size
        self.image = str(folder / "image")
        self.results, self.acknowledged = {}, {mode: [] for mode in JOURNALS}
        part = size.get("part")
        begin = f"svc upgrade ext2 /tests/{SERVICE} || exit" if part else KILLER.format(**size)
        works = WORKS if part else ("killer", *WORKS)
        script = SCRIPT.format(begin=begin, journals=" ".join(JOURNALS), works=" ".join(works), **size) + TAKE_LAST
        options = ["--smp", size["cpus"], "--mem", "1G", "--overlay", make_overlay(folder, size["files"], part)]
        with Machine(script, *options, timeout=size["timeout"]) as machine:
            machine.image(self.image, last=True)
            self.log = machine.log()
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
        self.restarts = int(re.search(r"^ext2 +(?:running|starting) +\d+ +(\d+)", self.text, re.M)[1])


def name_of(size):
    return size["part"].strip("-") if "part" in size else f"{size['deaths']}-{size['cpus']}"


@pytest.fixture(scope="module", params=[QUICK, QUICK_PART] + [pytest.param(size, marks=pytest.mark.full) for size in FULL + FULL_PARTS], ids=name_of)
def worked(request, tmp_path_factory):
    return Worked(tmp_path_factory.mktemp("root"), request.param)


@pytest.mark.parametrize("name", WORKS)
def test_no_program_notices(worked, name):
    status, output = worked.results[name]
    assert status == 0, output + worked.text[-3000:]


def deaths(output):
    """(how many were killed, how many of these with a request held, how many requests were given out again) as root_killer says."""
    found = re.search(r"^(\d+) deaths, (\d+) of them with a request held, (\d+) replayed", output, re.M)
    return tuple(map(int, found.groups()))


def test_the_server_was_killed(worked):
    if "part" in worked.size:
        assert worked.restarts >= worked.size["restarts"], worked.text[-2000:]
        assert "WAS NOT REFUSED" not in worked.log, worked.log
        return
    status, output = worked.results["killer"]
    assert status == 0, output + worked.text[-3000:]
    killed, held, replayed = deaths(output)
    assert killed == worked.size["deaths"] and held * 2 >= killed and replayed >= held, (killed, held, replayed)


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
    with Machine("TMPDIR=/root DEATHS=6 SEED=1 /tests/root_killer", "--icount", "--overlay", os.path.join(BUILD, "tests"), "--mem", "1G") as machine:
        assert machine.rest() == 0, machine.text()
    median = int(re.search(r"; median (\d+) ns", machine.text())[1])
    assert deaths(machine.text())[:2] == (6, 3) and median <= 5_000_000, machine.text()
