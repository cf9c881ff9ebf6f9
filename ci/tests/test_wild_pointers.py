# SPDX-License-Identifier: MIT
"""What every call says to every kind of bad pointer (src/userland/tests/wild.c): the same as Linux."""
import os
import re

import pytest

from guest import BUILD, LINUX, RAEEN, ROOT, features, vm

# call, argument, pointer (or all) -> why RaeenOS differs.
DIFFERENCES = {
    ("futex", "addr", "read-only"): "Linux refuses to wait on private memory that cannot change; here the wait runs into its time-out",
    ("capset", "data", "read-only"): "Linux lets a process give up what Linux calls capabilities; here they follow the user id",
    **{(prefix + "setxattr", "value", "all"): "files have no attributes that could be set, so the value is not looked at" for prefix in ("", "l", "f")},
    ("ioctl-TIOCSTI", "argument", "all"): "always EIO, as later Linux is set up",
    ("open_by_handle_at", "handle", "all"): "not supported",
}
# call, argument -> why no pointer is found bad there. Anywhere else one must be, or the call was refused before it looked.
NOT_LOOKED_AT = {
    **{(call, argument): "the descriptor is no socket" for call, arguments in
       {"bind": ["address"], "getsockname": ["address", "size"], "getpeername": ["address", "size"], "getsockopt": ["value", "size"],
        "setsockopt": ["value"], "accept": ["address", "size"], "accept4": ["address", "size"], "sendto": ["address"], "recvfrom": ["address", "size"],
        "sendmsg": ["message"], "recvmsg": ["message"], "sendmmsg": ["messages"], "recvmmsg": ["messages"]}.items() for argument in arguments},
    ("pivot_root", "put_old"): "the new root is no mount",
    **{(prefix + call, "value"): "tmpfs has no attributes of users" for prefix in ("", "l", "f") for call in ("getxattr", "setxattr")},
    **{(prefix + "listxattr", "list"): "there are none" for prefix in ("", "l", "f")},
    **{("clone", argument): "no flag asks for it" for argument in ("parent_tid", "child_tid")},
    **{key: "nothing has that number" for key in (("shmctl", "buf"), ("msgctl", "buf"), ("msgrcv", "message"))},
    ("futex", "addr2"): "FUTEX_WAIT has none",
    **{key: "there is no such context" for key in (("io_submit", "requests"), ("io_getevents", "events"), ("io_pgetevents", "events"), ("io_cancel", "event"))},
    ("set_tid_address", "addr"): "written to at the end of the thread, where nobody is told",
    ("set_robust_list", "head"): "read at the end of the thread",
    ("getcpu", "unused"): "unused",
    **{(call, "remaining"): "nothing interrupts the sleep" for call in ("nanosleep", "clock_nanosleep")},
    **{key: "it is refused to everybody" for key in (("ioctl-TIOCSTI", "argument"), ("open_by_handle_at", "handle"))},
}
EFAULT = "errno 14"


def left_out():
    """The calls that the kernel is built without."""
    with open(os.path.join(ROOT, "src/kernel/abi/syscalls.def")) as calls:
        marked = re.findall(r"^\d+ (\w+)\(.*\[with (\w+)\] : ", calls.read(), re.M)
    return {name for name, feature in marked if feature not in features()}


def outcomes(guest):
    done = vm(guest, "CASE_LIMIT_MS=300000 /tests/wild --list", "--overlay", os.path.join(BUILD, "tests"), timeout=360)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    rows = [line.split(None, 3) for line in done.stdout.decode().splitlines() if not line.startswith("ok ")]
    rows = [row for row in rows if row[0] not in left_out()]
    return {tuple(row[:3]): row[3] for row in rows}


@pytest.fixture(scope="module")
def both():
    return outcomes(RAEEN), outcomes(LINUX)


def test_all_calls_were_tried(both):
    ours, linux = both
    assert len(ours) > 1000 and ours.keys() == linux.keys()


def test_outcomes_are_those_of_linux(both):
    ours, linux = both
    differ = {key: (value, linux[key]) for key, value in ours.items() if value != linux[key]}
    told = {key if key in DIFFERENCES else (*key[:2], "all") for key in differ}
    assert told == DIFFERENCES.keys(), differ


def test_pointers_are_looked_at(both):
    ours, _ = both
    seen = {key[:2] for key, value in ours.items() if value == EFAULT or value.startswith("signal")}
    assert {key[:2] for key in ours} - seen == {key for key in NOT_LOOKED_AT if key[0] not in left_out()}
