# SPDX-License-Identifier: MIT
"""File systems that are services (src/kernel/vfs/served): src/userland/tests/served.c and others, with the kernel's own disk for tests."""
import os
import shutil

import pytest

from guest import BUILD, RAEEN, vm

TESTS = os.path.join(BUILD, "tests")
DEBUG_IMAGE = os.path.join(BUILD, "raeen-debug.iso")


@pytest.mark.parametrize("cpus", [pytest.param(1, marks=pytest.mark.full), 2, pytest.param(4, marks=pytest.mark.full)])
def test_program(cpus):
    done = vm(RAEEN, "/tests/served", "--append", "served", "--overlay", TESTS, "--smp", str(cpus), timeout=600)
    assert done.returncode == 0 and b"ok served: " in done.stdout, done.stdout.decode() + done.stderr.decode()


@pytest.mark.parametrize("program", ["served_calls", "served_changes", "served_commits", "served_late", "served_lies"])
@pytest.mark.parametrize("cpus", [1, pytest.param(4, marks=pytest.mark.full)])
def test_program_with_disk(program, cpus):
    """What a server does with blocks, on the memory disk that the kernel for self-tests makes."""
    done = vm(RAEEN, f"/tests/{program}", "--append", "selftest served test_disk=1024", "--overlay", TESTS, "--smp", str(cpus), timeout=600)
    assert done.returncode == 0 and f"ok {program}: ".encode() in done.stdout, done.stdout.decode() + done.stderr.decode()


@pytest.mark.parametrize("cpus, options", [(1, ("--mem", "128M")), pytest.param(2, ("--mem", "128M"), marks=pytest.mark.full),
                                           pytest.param(2, ("--mem", "160M", "--image", DEBUG_IMAGE), marks=pytest.mark.full)], ids=["one", "two", "debug"])
def test_memory_is_out(cpus, options):
    """Who goes, and that a server of files does not while others can."""
    line = ("--append", "selftest served test_disk=1024", "--overlay", TESTS, "--smp", str(cpus))
    done = vm(RAEEN, "CASE_LIMIT_MS=120000 /tests/oom", *line, *options, timeout=400)
    assert done.returncode == 0 and b"ok oom: " in done.stdout, done.stdout.decode() + done.stderr.decode()


SERVICE = """service data {
    exec      /sbin/fs/ext2 --grow
    port      fs.data persistent replay
    caps      IPC_SEND IPC_RECV
    pinned
}
"""
# The root is that of the boot, which is read from the disk that the service changes: all that runs is in memory before.
LAZY = """cp /bin/busybox /tests/served_lazy /tmp; mkdir -p /data; cat /sbin/vm-agent /sbin/svc >/dev/null
exec /tmp/busybox sh -c '/tmp/busybox mount -t served -o disk=ram0 fs.data /data && PLACE=/data SOURCE=fs.data OPTIONS=disk=ram0 /tmp/served_lazy'"""


@pytest.mark.parametrize("cpus", [1, 2])
def test_unmounted_lazily(cpus, tmp_path):
    """What is stored to mapped files of a file system that is no longer mounted is on its disk."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/services.conf").write_text(SERVICE)
    (tmp_path / "tests").mkdir()
    shutil.copy(os.path.join(TESTS, "tests/served_lazy"), tmp_path / "tests")
    done = vm(RAEEN, LAZY, "--append", "root= served", "--overlay", tmp_path, "--smp", str(cpus), timeout=200)
    assert done.returncode == 0 and b"ok served_lazy: " in done.stdout, done.stdout.decode() + done.stderr.decode()


def test_without_disk():
    """Who forgets the disk is told so by each case, at once."""
    done = vm(RAEEN, "/tests/served_calls", "--append", "served", "--overlay", TESTS, timeout=120)
    assert done.returncode == 1 and b"from a disk test0" in done.stdout, done.stdout.decode() + done.stderr.decode()


def test_nobody_serves():
    """The type is known, as / is of it; what nobody serves is an error at once, and nothing is mounted."""
    done = vm(RAEEN, "grep -c served /proc/filesystems; mount -t served files /mnt; mount -t served '' /mnt; grep -c /mnt /proc/mounts")
    assert done.stderr.count(b"No such file or directory") == 2 and done.stdout == b"1\n0\n", done.stdout.decode() + done.stderr.decode()
