# SPDX-License-Identifier: MIT
"""The programs that test the root file system, on file systems that are known to be right: ext2 on Linux, a ram disk, and memory on RaeenOS."""
import os
import shutil

import pytest

import linux_guest
from guest import BUILD, LINUX, RAEEN, run_all

TESTS = os.path.join(BUILD, "tests/tests")
PROGRAMS = ("root_model", "root_mmap", "root_names", "root_locks", "root_cut_short", "root_beside", "root_promised", "root_reads", "root_synced", "root_full")
OPERATIONS = 1500
NOTHING_FILLED = "nothing is filled"
LINUX_DISK = "insmod /brd.ko rd_nr=1 rd_size=16384; mke2fs -b 4096 -m 0 /dev/ram0 > /dev/null && mkdir /disk && mount -t ext2 /dev/ram0 /disk"

# What nobody uses is dropped all the time, so that what has just been dropped is looked up again.
DROPPING = """(while :; do echo 2 > /proc/sys/vm/drop_caches; done) & dropper=$!
export TMPDIR=/tmp SEED=3; WORKERS=3 SECONDS=6 CASE_LIMIT_MS=100000 /tests/root_model; status=$?; kill $dropper; exit $status"""


def results(guest, folder, before, place):
    overlay = folder / guest
    (overlay / "tests").mkdir(parents=True)
    for name in PROGRAMS:
        shutil.copy(os.path.join(TESTS, name), overlay / "tests")
    if guest == LINUX:
        shutil.copy(linux_guest.module(BUILD, "drivers/block/brd"), overlay)
    commands = {name: f"export TMPDIR={place}; SEED=1 OPERATIONS={OPERATIONS} CASE_LIMIT_MS=100000 /tests/{name}; status=$?; rm -rf {place}/synced; exit $status" for name in PROGRAMS}
    return run_all(guest, {"before": before, **commands, **({"dropping": DROPPING} if guest == RAEEN else {})}, "--mem", "1G", "--smp", "2", "--overlay", overlay)


@pytest.fixture(scope="module")
def linux(tmp_path_factory):
    return results(LINUX, tmp_path_factory.mktemp("programs"), LINUX_DISK, "/disk")


@pytest.fixture(scope="module")
def raeen(tmp_path_factory):
    return results(RAEEN, tmp_path_factory.mktemp("programs"), "true", "/root")


@pytest.mark.parametrize("name", PROGRAMS)
def test_linux(linux, name):
    assert linux["before"].status == 0, linux["before"].output
    assert linux[name].status == 0 and NOTHING_FILLED not in linux[name].output, linux[name].output


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "root_full"] + ["dropping"])
def test_raeen(raeen, name):
    assert raeen[name].status == 0, raeen[name].output
