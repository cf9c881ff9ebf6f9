# SPDX-License-Identifier: MIT
"""
SQLite's own checks in C, from the port's development package, on both guests, on a file system on a disk here: five processes at one file in each kind of
journal, some of which end in a transaction; threads; and much SQL, of which what is read must be the same in a file as in memory, and on both guests.
"""
import concurrent.futures
import glob
import os
import shutil
import tarfile

import pytest

from guest import BUILD, LINUX, RAEEN, ROOT, run_all

pytestmark = pytest.mark.full
# Left out of the scripts: config02, which does config01's and crash01's work at more sizes of pages. Those of config01 cannot change with a write-ahead log.
PROCESSES = ("crash01 DELETE 41 9", "crash01 WAL 41 9", "multiwrite01 WAL 30 0", "config01 DELETE 70 0")
# Left out of the threads: checkpoint_starvation_1 wants a fast machine, walthread5 several hundred MB, stress2 a minute.
THREADS = ("walthread1", "walthread2", "walthread3", "walthread4", "cgt_pager_1", "dynamic_triggers", "checkpoint_starvation_2", "create_drop_index_1", "lookaside1",
           "vacuum1", "stress1", "shared1")
# Left out of the sets: cte and fp, which compute, and trigger, which inserts into a table that it never made.
SQL = ("main 5 --journal delete", "main 5 --journal wal --mmap 1000000 --multithread --threads 2", "orm 5 --journal persist", "rtree 3 --journal truncate --autovacuum")
CASES = [f"processes {case}" for case in PROCESSES] + [f"threads {case}" for case in THREADS] + [f"sql {case}" for case in SQL]
FILES = "/opt/sqlite"
# Those of threads take ten or twenty seconds each by themselves. A script's process gives up after ten minutes without its turn, and says so.
SECONDS, PATIENCE = 1500, 5400
# The disk here; Linux has all its files in memory.
FOLDER = {RAEEN: "/root", LINUX: "/tmp"}


@pytest.fixture(scope="module")
def overlay(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sqlite")
    for part in ("", "-dev"):
        package, = glob.glob(os.path.join(BUILD, f"ports/sqlite/sqlite-[0-9.]*[0-9]{part}.tar"))
        with tarfile.open(package) as archive:
            archive.extractall(folder)
    os.makedirs(f"{folder}{FILES}")
    shutil.copy(os.path.join(ROOT, "ports/lib/check.sh"), f"{folder}{FILES}")
    shutil.copytree(os.path.join(ROOT, "ports/sqlite/tests"), f"{folder}{FILES}/sqlite")
    return folder


@pytest.fixture(scope="module")
def results(request, overlay):
    """guest -> case -> Result, of the cases that were asked for. One boot for each guest."""
    cases = [item.callspec.params["case"] for item in request.session.items if item.module is request.module]

    def run(guest):
        commands = {case: f"export TESTS={FILES}/sqlite TMPDIR={FOLDER[guest]} PATH=/usr/bin:$PATH; exec timeout -s KILL {SECONDS} sh $TESTS/selfcheck.sh {case}"
                    for case in cases}
        return run_all(guest, commands, "--overlay", overlay, "--smp", "2", "--mem", "1G", timeout=PATIENCE)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        return dict(zip((LINUX, RAEEN), pool.map(run, (LINUX, RAEEN))))


@pytest.mark.parametrize("case", CASES)
def test_upstream(results, case):
    here, there = results[RAEEN][case], results[LINUX][case]
    assert there.status == 0, f"on Linux:\n{there.output}"
    assert (here.status, here.output) == (0, there.output), f"{here.output}\n--- on Linux:\n{there.output}"
