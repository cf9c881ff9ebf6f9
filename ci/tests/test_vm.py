# SPDX-License-Identifier: MIT
"""ci/vm itself, with both guests: what comes out, the exit status, what is left behind."""
import hashlib
import os
import random
import signal
import subprocess
import time

import pytest

from guest import LINUX, RAEEN, VM, console_text, vm, vm_line

BOTH = pytest.mark.parametrize("guest", [RAEEN, LINUX])


# When the overlay's were made, as the guest should see it.
TIMES = ((1_000_000_000, "deep/script"), (1_100_000_000, "deep/link"), (1_200_000_000, "deep/empty"), (1_300_000_000, "deep/er"), (1_400_000_000, "deep"))


@pytest.fixture(params=[256, pytest.param(1024, marks=pytest.mark.full)])
def overlay(request, tmp_path):
    """A folder with all that an overlay may hold, and some KiB of random bytes (the seed is in the file's name)."""
    seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
    print(f"SEED={seed}")
    root = tmp_path / "root"
    (root / "deep/er").mkdir(parents=True)
    (root / "deep/er/file").write_text("content\n")
    (root / "deep/script").write_text("#!/bin/sh\necho script ran with $1\n")
    (root / "deep/script").chmod(0o750)
    (root / "deep/link").symlink_to("er/file")
    (root / "deep/empty").touch(mode=0o600)
    (root / "deep/a name with spaces \xe9").touch()
    (root / f"random-{seed}").write_bytes(random.Random(seed).randbytes(request.param << 10))
    for time, name in TIMES:
        os.utime(root / name, (time, time), follow_symlinks=False)
    return root


@BOTH
def test_streams_and_overlay(guest, overlay):
    """One boot shows: separate streams, every byte kept, order, status, overlay, kernel arguments, environment."""
    data = next(overlay.glob("random-*"))
    command = (f"cat /{data.name}; cat /{data.name} >&2; echo end; cat /proc/cmdline; pwd; id -u; cat; "
               "/deep/script overlay; cat /deep/link; stat -c '%a %u %g %s' /deep/script /deep/empty; ls /deep | wc -l; "
               f"cd /; stat -c %Y {' '.join(name for _, name in TIMES)}; exit 42")
    done = vm(guest, command, "--overlay", overlay, "--append", "raeen.test=a,b")
    assert done.returncode == 42, console_text(done.stderr)
    expected = data.read_bytes()
    assert done.stderr == expected
    assert done.stdout[:len(expected)] == expected
    lines = done.stdout[len(expected):].decode().splitlines()
    assert lines[0] == "end"
    assert "raeen.test=a,b" in lines[1]
    assert lines[2:] == ["/root", "0", "script ran with overlay", "content", "750 0 0 34", "600 0 0 0", "5"] + [str(time) for time, _ in TIMES]


def test_words_are_quoted():
    """Several words reach the guest's shell as the same words; what looks like an option is one of the command's."""
    line = vm_line(LINUX) + ["--", "printf", "[%s]", "a b", "$HOME", "it's", "--", "--linux"]
    done = subprocess.run(line, stdout=subprocess.PIPE, timeout=120)
    assert done.stdout == b"[a b][$HOME][it's][--][--linux]"


@BOTH
def test_background_and_signal(guest):
    """What a command leaves behind does not hold the run up; a death by signal is 128 and its number."""
    start = time.monotonic()
    done = vm(guest, "sleep 1000 & echo started; kill -KILL $$")
    assert (done.stdout, done.returncode) == (b"started\n", 137), console_text(done.stderr)
    assert time.monotonic() - start < 110


@BOTH
def test_timeout(guest):
    start = time.monotonic()
    done = vm(guest, "echo before; sleep 1000", timeout=10)
    assert done.returncode == 124
    assert done.stdout in (b"before\n", b"")
    assert b"within 10 s" in done.stderr
    assert time.monotonic() - start < 60


@BOTH
def test_guest_gone(guest):
    """A guest that ends without telling a status is a failed boot; the console log comes on standard error."""
    done = vm(guest, "echo before; sleep 3; poweroff -f")  # what is still on its way to us when the guest ends is lost
    assert done.returncode == 125
    assert done.stdout == b"before\n"
    assert b"the guest ended early" in done.stderr


@pytest.mark.parametrize("guest, append", [(RAEEN, "init=/nonexistent"), (LINUX, "rdinit=/nonexistent")])
def test_panic(guest, append):
    done = vm(guest, "echo never", "--append", append)
    assert done.returncode == 125, done.stderr.decode(errors="replace")[-4000:]
    assert done.stdout == b""
    assert b"kernel panic" in done.stderr.lower()


def test_setup_errors(tmp_path):
    for options in (["--image", "/nonexistent"], ["--image", tmp_path]):
        done = vm(RAEEN, "true", *options)
        assert done.returncode == 125
        assert done.stderr.startswith(b"ci/vm: ")
    for option, value in (("--no-such-option", ""), ("--smp", "0"), ("--smp", "many"), ("--mem", "5X"), ("--timeout", "-3"),
                          ("--timeout", "nan"), ("--machine", "isapc")):
        usage = subprocess.run([VM, option + ("=" + value if value else ""), "--", "true"], stderr=subprocess.PIPE)
        assert usage.returncode == 2
        assert option.encode() in usage.stderr


def test_side_by_side():
    """Each guest's output goes to its own caller."""
    runs = [subprocess.Popen(vm_line(LINUX) + ["--", f"seq 1 2000 | sed s/^/{name}/"], stdout=subprocess.PIPE)
            for name in "ab"]
    for name, run in zip("ab", runs):
        output = run.communicate(timeout=120)[0].decode().split()
        assert run.returncode == 0
        assert output == [f"{name}{number}" for number in range(1, 2001)]


def children(pid):
    """The processes whose parent is @pid."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as stat:
                parent = int(stat.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found.append(int(entry))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_it(number, tmp_path):
    """However ci/vm ends, QEMU ends too, and no file is left."""
    run = subprocess.Popen(vm_line(LINUX) + ["--", "echo up; sleep 1000"], stdout=subprocess.PIPE,
                           env=dict(os.environ, TMPDIR=str(tmp_path)))
    assert run.stdout.readline() == b"up\n"
    guests = children(run.pid)
    assert guests
    run.send_signal(number)
    assert run.wait(60) == (-9 if number == signal.SIGKILL else 128 + number)
    deadline = time.monotonic() + 30
    while any(os.path.exists(f"/proc/{pid}") for pid in guests) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in guests)
    assert not list(tmp_path.iterdir())


@pytest.mark.full
@BOTH
def test_large_overlay(guest, tmp_path):
    """300 MiB reach the guest, with the right amount of memory."""
    digest = hashlib.sha256()
    with open(tmp_path / "large", "wb") as out:
        for number in range(300):
            block = random.Random(number).randbytes(1 << 20)
            digest.update(block)
            out.write(block)
    done = vm(guest, "sha256sum < /large", "--overlay", tmp_path, "--mem", "1G", "--append", "root_free=400M", timeout=300)
    assert done.returncode == 0, console_text(done.stderr)
    assert done.stdout.split()[0].decode() == digest.hexdigest()


@pytest.mark.full
@BOTH
def test_exact_has_one_date(guest, tmp_path):
    """Also what lies in the overlay, of whatever kind."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").touch()
    (tmp_path / "link").symlink_to("folder")
    for path in (tmp_path / "folder/file", tmp_path / "folder", tmp_path / "link"):
        os.utime(path, (1_000_000_000, 1_000_000_000), follow_symlinks=False)
    done = vm(guest, "stat -c %Y /folder /folder/file /link", "--exact", "--overlay", tmp_path, timeout=600)
    assert done.stdout.split() == [b"1767225600"] * 3, console_text(done.stderr)


@pytest.mark.full
@BOTH
def test_icount(guest):
    """The guest runs under counted instructions too."""
    command = "i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); done; echo $i"
    done = vm(guest, command, "--icount", "--cpu", "qemu64", timeout=300)
    assert (done.stdout, done.returncode) == (b"2000\n", 0), console_text(done.stderr)
