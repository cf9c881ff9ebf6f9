# SPDX-License-Identifier: MIT
"""`sandbox`: views, limits and messages, with Debian's bash and busybox as they come. One boot runs all; each case is as root and as an ordinary user."""
import os
import shutil
import subprocess
import sys

import pytest

from guest import BUILD, RAEEN, ROOT, run_all, vm
from test_static_binaries import PACKAGES

sys.path.insert(0, os.path.join(ROOT, "ci/bench"))

import measure  # noqa: E402

# What a shell needs that runs programs and writes; the default is FILE_READ and messages.
ALL = "--cap FILE_READ --cap FILE_WRITE --cap FILE_EXECUTE"
OPT = "--view ro:/opt/bin"
BASH = "/opt/bin/bash -c"
NONE = "No such file or directory"

# name: (command, status, what it prints; a list: each of these is somewhere in it)
CASES = {
    "nothing else is there": (f"sandbox {ALL} {OPT} {BASH} 'echo /* /opt/* /dev/*; cd /etc; cat </etc/passwd; test -e /proc'", 1,
                              ["/dev /opt /opt/bin /dev/full /dev/null /dev/random /dev/tty /dev/urandom /dev/zero", f"/etc: {NONE}",
                               f"/etc/passwd: {NONE}"]),
    "up from the root": (f"sandbox {OPT} {BASH} 'cd /opt/bin/../../../../..; echo $PWD *; cat <../../etc/passwd'", 1, ["/ dev opt", NONE]),
    "symlinks": (f"sandbox {ALL} {OPT} --view rw:/w {BASH} 'busybox ln -s /etc/passwd /w/l; busybox ln -s ../../etc /w/m; cat </w/l; cd /w/m'", 1,
                 [f"/w/l: {NONE}", f"/w/m: {NONE}"]),
    "other processes": (f"sandbox {ALL} {OPT} --view ro:/proc {BASH} 'cd /proc/1/root; cat </proc/1/environ; cat </proc/$PPID/root/etc/passwd; "
                        "cd /proc/self/root && echo *; cd /proc/self/root/etc'", 1,
                        ["/proc/1/root: Permission denied", "Permission denied\n/opt/bin/bash: line 1: /proc/", "/root/etc/passwd: Permission denied",
                         "dev opt proc", f"/proc/self/root/etc: {NONE}"]),
    "directories that were open": (f"sandbox {ALL} {OPT} --view ro:/proc {BASH} 'for fd in /proc/self/fd/*; do [ -d $fd/. ] && echo $fd; done; "
                                   "busybox readlink /proc/self/fd/0; cd /proc/self/fd/7/' 7</etc 0</", 1, ["/dev/null\n", "/proc/self/fd/7/"]),
    "files that were open": (f"sandbox {ALL} {OPT} --view ro:/proc {BASH} 'read line <&7; echo $line; cat </proc/self/fd/7' 7</etc/passwd", 1,
                             ["root:", "/proc/self/fd/7: Permission denied"]),
    "read-only": (f"sandbox {ALL} {OPT} --view ro:/w {BASH} 'echo >/w/new; busybox rm /w/f; busybox mkdir /w/d; busybox chmod 0 /w/f; cat </w/f; "
                  "busybox mount -o remount,bind,rw /w; echo >/w/f; echo >/new; cat </w/f'", 0,
                  ["/w/new: Read-only file system", "'/w/f': Read-only", "'/w/d': Read-only", "/w/f: Read-only file system",
                   "/new: Read-only file system", "content"]),
    "writable": (f"sandbox {ALL} {OPT} --view rw:/w {BASH} 'echo new >/w/new && cat </w/new && busybox rm /w/new && busybox ls /w'", 0, "new\nf\n"),
    "by default": (f"sandbox {OPT} --view rw:/w {BASH} 'read l </w/f; echo $l; echo >/w/f; echo >/w/new; busybox true'", 126,
                   ["content\n", "/w/f: Operation not permitted", "/w/new: Operation not permitted", "busybox: Operation not permitted"]),
    "capabilities": (f"sandbox --cap FILE_READ --cap FILE_WRITE {OPT} --view rw:/w {BASH} 'echo x >/w/f; read l </w/f; echo $l; busybox true'", 126,
                     ["x\n", "busybox: Operation not permitted"]),
    "no capabilities": (f"sandbox --cap none {OPT} --view rw:/w /opt/bin/busybox cat /w/f", 1, ["Operation not permitted"]),
    "not what one has not": (f"sandbox --cap FILE_READ --cap FILE_EXECUTE --view ro:/bin --view ro:/w {OPT} /bin/sandbox {ALL} --view rw:/w "
                             f"{OPT} {BASH} 'read l </w/f; echo $l; echo >/dev/null; echo >/w/f'", 1, ["content\n", "/w/f: "]),
    "another name": (f"sandbox {ALL} --view ro:/opt/bin:/b --view ro:/w/f:/x/y/z /opt/bin/bash -c 'read l </x/y/z; echo $l; echo /*'", 0,
                     "content\n/b /dev /x\n"),
    "one in another": (f"sandbox {ALL} --view rw:/w:/opt/bin/../w {BASH} :", 2, ["expected ro:/path or rw:/path without . and .., found rw:/w:"]),
    "inner and outer": (f"sandbox {ALL} --view rw:/w --view ro:/ {BASH} 'echo new >/w/new; echo >/tmp/new; cat </w/new; busybox rm /w/new'", 0,
                        ["/tmp/new: Read-only", "new\n"]),
    "nested": (f"sandbox {ALL} {OPT} --view ro:/bin --view ro:/w {BASH} '/bin/sandbox {ALL} {OPT} --view rw:/w {BASH} \"echo >/w/f; echo /*\"'", 0,
               ["/w/f: Read-only file system", "/dev /opt /w"]),
    "a program outside": ("cd /w; sandbox --view none /opt/bin/busybox pwd", 0, "/\n"),
    "working directory": (f"cd /opt/bin; sandbox {OPT} /opt/bin/busybox pwd", 0, "/opt/bin\n"),
    "devices": (f"sandbox {ALL} {OPT} {BASH} 'echo lost >/dev/null; busybox head -c 3 /dev/urandom | busybox wc -c; "
                "echo >/dev/full; busybox chmod 0 /dev/null'", 1, ["3\n", "No space left", "Read-only file system"]),
    "exit status": (f"sandbox {OPT} {BASH} 'exit 42'", 42, ""),
    "files": (f"sandbox --files 6 {OPT} --view ro:/w {BASH} 'exec 3</w/f 4</w/f 5</w/f 6</w/f'", 1, ["Too many open files"]),
    "memory": (f"sandbox {ALL} --memory 20M {OPT} {BASH} 'busybox dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null || echo refused; "
               "busybox dd if=/dev/zero of=/dev/null bs=1M count=1 2>/dev/null && echo done'", 0, "refused\ndone\n"),
    "processor time": (f"sandbox --cpu-time 1s {OPT} {BASH} 'while :; do :; done'", 152, ""),
    "limits only shrink": (f"sandbox {ALL} --files 6 {OPT} --view ro:/bin /bin/sandbox --files 100 {BASH} 'ulimit -n'", 0, "6\n"),
    # What is wrong is said.
    "usage": ("sandbox", 2, ["usage: sandbox"]),
    "no program": (f"sandbox {OPT} --", 2, ["usage: sandbox"]),
    "unknown option": ("sandbox --foo x", 2, ["sandbox: there is no option --foo"]),
    "no value": ("sandbox --view", 2, ["sandbox: --view: expected a value after it"]),
    "bad view": ("sandbox --view /usr x", 2, "sandbox: --view: expected ro:/path or rw:/path, found /usr\n"),
    "relative view": ("sandbox --view ro:usr x", 2, ["sandbox: --view: expected ro:/path or rw:/path without . and .., found ro:usr"]),
    "missing view": (f"sandbox --view ro:/nosuch {BASH} :", 1, f"sandbox: the view of /nosuch: {NONE}\n"),
    "view twice": (f"sandbox --view ro:/w --view rw:/w/ {BASH} :", 2, "sandbox: --view: two views of /w\n"),
    "file over directory": (f"sandbox --view ro:/w --view ro:/w/f:/w/f/g {BASH} :", 1, "sandbox: cannot make the view: Not a directory\n"),
    "place that is missing": (f"sandbox --view ro:/w --view ro:/opt/bin:/w/new {BASH} :", 1, f"sandbox: cannot make the view: {NONE}\n"),
    "bad memory": ("sandbox --memory much x", 2, ["sandbox: --memory: expected bytes, as 64M", "found much"]),
    "bad files": ("sandbox --files -1 x", 2, "sandbox: --files: expected a number above 0, found -1\n"),
    "bad time": ("sandbox --cpu-time 5 x", 2, ["sandbox: --cpu-time: expected a time, as 10s", "found 5"]),
    "bad capability": ("sandbox --cap FLY x", 2, ["sandbox: --cap: expected the name of a capability", "found FLY"]),
    "bad port": ("sandbox --port a/b x", 2, ["sandbox: --port: expected the name of a port", "found a/b"]),
    "missing program": (f"sandbox {OPT} nosuch", 127, f"sandbox: nosuch: {NONE}\n"),
    "script outside": (f"sandbox {ALL} {OPT} /w/../tmp/script", 126, ["sandbox: /w/../tmp/script: No such file or directory (its interpreter, or a script itself, is not in the view)"]),
}
USERS = {"root": "sh -c ", "user": "su raeen -s /bin/sh -c "}
PREPARE = ("umask 0; rm -rf /w; mkdir -p /w; chmod 777 /w; echo content >/w/f; printf '#!/opt/bin/bash\\necho ran\\n' >/tmp/script; chmod 755 /tmp/script; "
           "chown raeen /w /w/f 2>/dev/null; ")
# How many mounts there are after what; each run must leave as many as there were.
COUNT = "awk '$1 == \"mount\" { print $2 }' /proc/slabinfo"


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def commands():
    found = {}
    for user, prefix in USERS.items():
        for name, (command, _, _) in CASES.items():
            line = f"export PATH=/bin:/sbin:/opt/bin; {command}"
            found[f"{user}: {name}"] = f"{PREPARE}timeout -s KILL 30 {prefix}{quoted(line)}"
    found["killed"] = (f"sandbox {OPT} /opt/bin/busybox sleep 1000 & i=0; until pgrep -fx '/opt/bin/busybox sleep 1000' >/dev/null || [ $((i += 1)) = 200 ]; do sleep 0.1; done; "
                       f"before=$({COUNT}); kill -9 $!; wait $!; echo $?; i=0; until [ $({COUNT}) -lt $before ] || [ $((i += 1)) = 200 ]; do sleep 0.1; done; "
                       f"[ $({COUNT}) -lt $before ] && echo gone")
    found["nothing stays"] = (f"before=$({COUNT}); for i in 1 2 3 4 5 6 7 8 9 10; do sandbox {OPT} --view ro:/proc --view rw:/w {BASH} : ; "
                              f"sandbox {OPT} --view ro:/nosuch {BASH} : 2>/dev/null; done; i=0; until [ $({COUNT}) = $before ] || [ $((i += 1)) = 200 ]; do sleep 0.1; done; echo $(( $({COUNT}) - before ))")
    return found


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandbox")
    programs = folder / "root/opt/bin"
    programs.mkdir(parents=True)
    for package, digest in PACKAGES.items():
        subprocess.run([os.path.join(ROOT, "toolchain/fetch-deb"), package, digest, folder / package], check=True)
    shutil.copy(folder / "busybox-static/bin/busybox", programs)
    shutil.copy(folder / "bash-static/bin/bash-static", programs / "bash")
    (programs / "cat").symlink_to("busybox")
    return run_all(RAEEN, commands(), "--overlay", folder / "root", timeout=300)


@pytest.mark.parametrize("name", [f"{user}: {name}" for user in USERS for name in CASES])
def test_case(results, name):
    _, status, printed = CASES[name.partition(": ")[2]]
    result = results[name]
    assert result.status == status, result.output
    if isinstance(printed, list):
        for part in printed:
            assert part in result.output
    else:
        assert result.output == printed


def test_killed(results):
    assert results["killed"].output.splitlines()[-2:] == ["137", "gone"], results["killed"].output


def test_nothing_stays(results):
    assert results["nothing stays"].output == "0\n"


@pytest.mark.parametrize("views", ["--view rw:/tmp", "--view ro:/ --view rw:/tmp"])
def test_cost_of_stat(views):
    """In guest instructions: a name that is looked at again and again, and sixteen in turn, which the kernel does not remember."""
    measure.build_program()
    overlay = os.path.join(BUILD, "bench")
    done = vm(RAEEN, f"/bench stat; sandbox {ALL} {views} /bench stat", "--exact", "--cpu", "qemu64", "--mem", "1G", "--overlay", overlay)
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    assert len(rows) == 4, done.stdout
    for plain, sandboxed in zip(rows[:2], rows[2:]):
        assert plain[0] == sandboxed[0] and float(sandboxed[1]) <= 1.05 * float(plain[1]), rows
