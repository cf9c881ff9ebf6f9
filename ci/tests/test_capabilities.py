# SPDX-License-Identifier: MIT
"""
Capabilities at the command line: unmodified Linux programs (Debian's static bash and busybox) without some of them, and what sessions begin with. Every
call and class of arguments is tried in the guest (src/userland/tests/capability_calls.c). And that the tables' generators refuse what is incomplete.
"""
import os
import re
import subprocess

import pytest

from guest import BUILD, RAEEN, ROOT, run_all
from test_static_binaries import overlay  # noqa: F401  a fixture

ABI = os.path.join(ROOT, "src/kernel/abi")
FREE_CALLS = os.path.join(ROOT, "src/kernel/security/free_calls.def")
UNISTD = os.path.join(BUILD, "uapi/asm/unistd_64.h")
REFUSED = "Operation not permitted"

# name: command, status, what it prints (a part of it).
SESSIONS = {
    "cap lists all": ("cap | grep -c ' yes *yes '", 0, "19"),
    "cap of another": ("cap 1 | grep -c ' yes *yes '", 0, "19"),
    "cap of nobody": ("cap 31999", 1, "No such process"),
    "cap drop of nothing": ("cap drop -- true", 2, "usage"),
    "cap drop of what is none": ("cap drop FILE_RAED -- true", 2, "expected the name of a capability"),
    "cap drop, no program": ("cap drop FILE_READ -- absent-program", 127, "No such file"),
    "a status line": ("cap drop FILE_WRITE -- bash -c 'while read a b; do case $a in RaeenCap*) echo $a $b;; esac; done < /proc/self/status'",
                      0, "RaeenCapEff: 000000000007fffd\nRaeenCapPrm: 000000000007fffd"),
    "write": ("cap drop FILE_WRITE -- bash -c 'echo x > /tmp/new' && echo done", 1, REFUSED),
    "write with busybox": ("cap drop FILE_WRITE -- busybox sh -c 'echo x > /tmp/new' && echo done", 1, REFUSED),
    "nothing was written": ("ls /tmp/new", 1, "No such file"),
    "write, reading it": ("cap drop FILE_WRITE -- bash -c 'read a < /etc/passwd; echo $a'", 0, "root:x:0:0"),
    "held": ("cap drop FILE_WRITE -- bash -c 'echo kept' > /tmp/held; cat /tmp/held", 0, "kept"),
    "held, appended": ("cap drop FILE_WRITE -- busybox sh -c 'echo more >&3' 3>> /tmp/held; cat /tmp/held", 0, "kept\nmore"),
    "/dev/null": ("cap drop FILE_READ FILE_WRITE -- bash -c 'echo x > /dev/null && echo y 2> /dev/null && echo fine'", 0, "fine"),
    "/dev/zero": ("cap drop FILE_READ FILE_WRITE -- busybox dd if=/dev/zero of=/dev/null count=2 2>&1 && echo fine", 0, "fine"),
    "remove": ("cap drop FILE_WRITE -- busybox rm -f /tmp/held; cat /tmp/held", 0, "kept"),
    "mkdir": ("cap drop FILE_WRITE -- busybox mkdir /tmp/folder", 1, REFUSED),
    "read": ("cap drop FILE_READ -- busybox cat /etc/passwd", 1, REFUSED),
    "read what is absent": ("cap drop FILE_READ -- busybox cat /etc/absent", 1, REFUSED),
    "read what is held": ("cap drop FILE_READ -- busybox head -n 1 < /etc/passwd", 0, "root:x:0:0"),
    "execute": ("cap drop FILE_EXECUTE -- bash -c '/opt/bin/busybox true'", 126, REFUSED),
    "launch": ("cap drop FILE_EXECUTE -- bash -c 'echo started'", 0, "started"),
    "mount": ("cap drop SYS_ADMIN -- busybox mount -t tmpfs none /mnt", 1, "permission denied"),
    "name": ("cap drop SYS_ADMIN -- busybox hostname other", 1, REFUSED),
    "reboot": ("cap drop SYS_REBOOT -- busybox reboot -f", 1, REFUSED),
    "chroot": ("cap drop SYS_CHROOT -- busybox chroot / true", 1, REFUSED),
    "listen": ("cap drop NET_LISTEN -- busybox nc -l -p 4000", 1, REFUSED),
    "processes of others": ("cap drop SYS_ADMIN -- busybox kill -0 $(/bin/su raeen -s /bin/sh -c 'sleep 100 > /dev/null 2>&1 & echo $!')", 1, REFUSED),
    "a user": ("/bin/su raeen -c 'cap | grep \" yes *yes \"' | cut -d ' ' -f 1 | sort | tr '\\n' ' '", 0,
                 "FILE_EXECUTE FILE_READ FILE_WRITE IPC_CREATE IPC_RECV IPC_SEND NET_CONNECT NET_LISTEN"),
    "a user becomes root by su": ("/bin/su raeen -c '/bin/su root -c \"id -u; grep Raeen.*Eff /proc/self/status; hostname x\"'", 1,
                            "0\nRaeenCapEff:\t0000000000001c1f\nhostname: sethostname: " + REFUSED),
    "su to root, power off": ("/bin/su raeen -c '/bin/su root -c \"poweroff; kill -USR2 1; kill -9 1; sleep 1; kill -0 1 && echo still up\"' 2>&1",
                              0, "still up"),
    "su to root, power off, refused": ("/bin/su raeen -c '/bin/su root -c \"poweroff\"' 2>&1", 1, REFUSED),
    "no capabilities, power off": ("sandbox --cap none -- bash -c 'kill -USR2 1' 2>&1", 1, REFUSED),
    "su to root, own processes": ("/bin/su raeen -c '/bin/su root -c \"sleep 100 & kill \\$! && echo done\"'", 0, "done"),
    "su to root, files": ("/bin/su raeen -c '/bin/su root -c \"echo x > /etc/made-by-su && rm /etc/made-by-su && /bin/su raeen -c id\"'", 0, "uid=1000"),
    "exec keeps them": ("cap drop FILE_WRITE -- bash -c 'exec bash -c \"exec cap\"' | grep -c ' - *- '", 0, "1"),
}


@pytest.fixture(scope="module")
def sessions(overlay):  # noqa: F811
    prefix = "export PATH=/opt/bin:$PATH; "
    return run_all(RAEEN, {name: prefix + command for name, (command, _, _) in SESSIONS.items()}, "--overlay", overlay)


@pytest.mark.parametrize("name", SESSIONS)
def test_session(sessions, name):
    _, status, printed = SESSIONS[name]
    assert printed in sessions[name].output
    assert sessions[name].status == status, sessions[name].output


def generate(tmp_path, calls=None, caps=None, free=None, features=()):
    """Runs gen-syscalls.py over the real tables, each changed by a function if one is given."""
    paths = []
    for path, change in ((f"{ABI}/syscalls.def", calls), (f"{ABI}/caps.def", caps), (FREE_CALLS, free)):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        paths.append(tmp_path / os.path.basename(path))
        paths[-1].write_text(change(text) if change else text)
    return subprocess.run([f"{ABI}/gen-syscalls.py", *map(str, paths), UNISTD, str(tmp_path / "out"), *features], stderr=subprocess.PIPE, text=True)


def replaced(old, new):
    def change(text):
        assert old in text
        return text.replace(old, new, 1)
    return change


def test_generator_takes_the_tables(tmp_path):
    assert generate(tmp_path).returncode == 0
    gates = (tmp_path / "out/syscall_asm.inc").read_text()
    assert "%1 stat, 0x1, refuse" in gates and "%1 open, 0x3, open_checked" in gates and "%1 execve, gates.execve" in gates
    assert "getppid" not in gates


@pytest.mark.parametrize("features", ((), ("inotify",), ("inotify", "unix_sockets")))
def test_generator_leaves_out_what_the_kernel_is_built_without(tmp_path, features):
    assert generate(tmp_path, features=features).returncode == 0
    table, gates = (tmp_path / "out/syscall_table.inc").read_text(), (tmp_path / "out/syscall_asm.inc").read_text()
    assert ("[46] = no_handler" in table) == ("unix_sockets" not in features)
    assert ("[255] = no_handler" in table) == ("inotify" not in features)
    assert ("%1 inotify_add_watch, 0x1, refuse" in gates) == ("inotify" in features)


BROKEN = {
    "unknown feature": (dict(calls=replaced("[with inotify]", "[with inotfy]")), "which is none of aio, inotify, ptrace, rseq, unix_sockets"),
    "no requirement": (dict(calls=replaced(" [needs SYS_REBOOT]", "")), "reboot says neither"),
    "no requirement, once none": (dict(calls=replaced("getppid(void) [none]", "getppid(void)")), "getppid says neither"),
    "none without a reason": (dict(calls=replaced("[needs SYS_REBOOT]", "[none]")), "reboot is not in security/free_calls.def"),
    "a reason without none": (dict(calls=replaced("getppid(void) [none]", "getppid(void) [needs FILE_READ]")), "getppid is in security/free_calls.def"),
    "a reason for no call": (dict(free=replaced("\tgetrandom", "\tgetrandom nothing_known")), "there is no call nothing_known"),
    "listed twice": (dict(free=replaced("\tsync", "\tsync getrandom")), "listed twice"),
    "listed below no reason": (dict(free=replaced("Random numbers.\n", "")), "no reason"),
    "no such capability": (dict(calls=replaced("[needs SYS_REBOOT]", "[needs SYS_REBOTO]")), "SYS_REBOTO is unknown"),
    "a capability that is gone": (dict(caps=replaced("14 SYS_REBOOT", "14 SYS_RESTART")), "SYS_REBOOT is unknown"),
    "nothing needed": (dict(calls=replaced("[needs SYS_REBOOT]", "[needs ]")), "reboot"),
    "nobody who judges": (dict(calls=replaced("by openat_checked]", "by]")), "openat"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_generator_refuses(tmp_path, kind):
    changes, complaint = BROKEN[kind]
    done = generate(tmp_path, **changes)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert re.match(r"\S+\.def:\d+: |\S+\.def: there is no call", done.stderr)


@pytest.mark.parametrize("line, complaint", {
    "14 SYS_RESTART : again": "defined twice",
    "20 SYS_REBOOT : again": "defined twice",
    "32 HW_MORE : too high": "bits are below 32",
    "20 HW_MORE": "expected `BIT NAME : meaning`",
    "20 hw_more : small": "expected `BIT NAME : meaning`",
    "set MORE = HW_MORE FILE_READ": "HW_MORE is unknown",
    "set USER = FILE_READ": "defined twice",
}.items())
def test_capability_table_refuses(tmp_path, line, complaint):
    with open(f"{ABI}/caps.def", encoding="utf-8") as file:
        text = file.read()
    (tmp_path / "caps.def").write_text(text + line + "\n")
    done = subprocess.run([f"{ABI}/gen-caps.py", str(tmp_path / "caps.def"), "programs"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert complaint in done.stderr and f"caps.def:{len(text.splitlines()) + 1}:" in done.stderr
