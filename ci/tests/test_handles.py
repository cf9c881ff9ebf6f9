# SPDX-License-Identifier: MIT
"""handles: what it lists of processes whose descriptors are known."""
import os
import subprocess

import pytest

from guest import BUILD, RAEEN, vm

# Opens one of each kind, then runs `handles` about itself.
OPENER = """\
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
\tchar command[64];
\tint ends[2];

\tdup2(open("/etc/passwd", O_RDONLY | O_CLOEXEC), 10);
\tdup3(open("/tmp/log", O_CREAT | O_WRONLY | O_APPEND, 0600), 11, O_CLOEXEC);
\tpipe2(ends, O_NONBLOCK);
\tdup2(ends[0], 12);
\tdup2(memfd_create("mine", 0), 13);
\tdup2(open("/etc", O_PATH), 14);
\tdup2(syscall(1041, 100ul, 0u), 15);
\tfcntl(15, F_SETFD, 4);
\tdup2(syscall(1040, 15, 9u, 0ul), 36);
\tdup2(syscall(1024, "test.port", 0u), 37);
\tunlink("/tmp/log");
\tsnprintf(command, sizeof command, "handles %d", getpid());
\treturn system(command);
}
"""


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("handles")
    root = folder / "overlay"
    (root / "bin").mkdir(parents=True)
    (folder / "opener.c").write_text(OPENER)
    subprocess.run([os.path.join(BUILD, "toolchain/bin/x86_64-raeen-linux-musl-gcc"), "-o", root / "bin/opener", folder / "opener.c"], check=True)
    done = vm(RAEEN, "opener", "--overlay", root)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    lines = done.stdout.decode().splitlines()
    assert lines[0].split() == "PID FD KIND OBJECT RIGHTS FLAGS NAME".split()
    return {int(line[6:11]): [line[12:22].strip(), line[23:29].strip(), line[30:58].strip(), line[59:83].strip(), line[84:]] for line in lines[1:]}


@pytest.mark.parametrize("fd, kind, rights, flags, name", [
    (10, "file", "READ", "-", "/etc/passwd"),
    (11, "file", "WRITE", "cloexec append", "/tmp/log (deleted)"),
    (13, "memfd", "READ WRITE", "-", "/memfd:mine (deleted)"),
    (14, "directory", "PLACE", "-", "/etc"),
    (15, "shmem", "READ WRITE MAP DUP", "clofork", None),
    (36, "shmem", "READ MAP", "-", None),
    (37, "port", "SEND RECV NOTIFY DUP MANAGE", "-", "port:[test.port]"),
])
def test_row(rows, fd, kind, rights, flags, name):
    row = rows[fd]
    assert (row[0], row[2], row[3]) == (kind, rights, flags)
    assert name is None or row[4] == name


def test_pipe(rows):
    assert rows[12][0] == "pipe" and rows[12][3] == "nonblock" and rows[12][4].startswith("pipe:[")


def test_handles_of_one_object_share_a_number(rows):
    assert rows[15][1] == rows[36][1] != "-" and rows[15][4] == rows[36][4] == f"shmem:[{rows[15][1]}]"


def test_all_processes_and_one_that_is_not_there():
    done = vm(RAEEN, "handles | grep -c '/sbin/vm-agent\\|device'; handles 99999; echo $?")
    assert int(done.stdout.split()[0]) > 3 and done.stdout.split()[-1] == b"1"
    assert b"handles: 99999: No such file or directory" in done.stderr
