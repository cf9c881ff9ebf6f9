#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints the table of Linux's x86-64 system calls: what of them is here, which in-guest programs try it, and why the others are not.

Usage: gen-abi-table.py SYSCALLS.DEF MISSING_CALLS.DEF UNISTD_64.H KERNEL_FOLDER TESTS_FOLDER

It fails when a call is neither implemented nor in the list of those that are not, or is in both; when one is implemented in no file; and when no
program in TESTS_FOLDER makes it. A program makes a call by its number's name (SYS_name), by a function of C of the call's name, or by one that is known
to make it (MADE_BY); a comment "/* calls: name... */" in it tells of calls that it makes otherwise. Programs that try all calls by syscalls.def alone do not count.
"""
import re
import sys
from pathlib import Path

LINUX_NAME = re.compile(r"^#define __NR_(\w+)\s+(\d+)\s*$", re.M)
CALL = re.compile(r"^(\d+)\s+(\w+)\([^)]*\)(?:\s*\[(?!with )[^]]*\])*(?:\s*\[with (\w+)\])?", re.M)
NATIVE = 1024
REASON = re.compile(r"^(later|never)(, if programs ask for it)?: \S.*\.$")
TOLD = re.compile(r"/\* calls: ([\w ]+) \*/")
DEFINED = re.compile(r"^(?:COLD )?long sys_(\w+)\(", re.M)
NOT_CODE = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)
EVERYTHING = "calls.h"
# Programs that are named for one call.
SHOWN = 6
# Functions of musl that make another call than the one of their name.
MADE_BY = {
    "accept": "", "alarm": "setitimer", "creat": "open", "epoll_create": "epoll_create1", "epoll_wait": "epoll_pwait", "eventfd": "eventfd2",
    "exit": "exit_group", "_exit": "exit_group", "fstatat": "newfstatat", "futimesat": "utimensat", "getdents": "getdents64", "getpgrp": "getpgid",
    "getrlimit": "prlimit64", "gettimeofday": "clock_gettime", "nanosleep": "clock_nanosleep", "posix_fadvise": "fadvise64",
    "posix_fallocate": "fallocate", "pread": "pread64", "prlimit": "prlimit64", "pselect": "pselect6", "pthread_exit": "exit",
    "pthread_setcancelstate": "", "pwrite": "pwrite64", "raise": "tkill", "readdir": "getdents64", "sched_getparam": "", "sched_getscheduler": "",
    "sched_setparam": "", "sched_setscheduler": "", "setrlimit": "prlimit64", "settimeofday": "clock_settime", "sigaction": "rt_sigaction",
    "signal": "rt_sigaction", "sigpending": "rt_sigpending", "sigprocmask": "rt_sigprocmask", "sigqueue": "rt_sigqueueinfo",
    "sigsuspend": "rt_sigsuspend", "sigtimedwait": "rt_sigtimedwait", "sigwaitinfo": "rt_sigtimedwait", "time": "", "utime": "utimensat",
    "utimes": "utimensat", "waitpid": "wait4",
}


def parse_missing(path):
    """name -> reason: indented names below a line that is one."""
    missing, reason = {}, None
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        where = f"{path}:{number}"
        if not line.strip() or line.startswith("#"):
            reason = None
        elif line.startswith("\t"):
            if reason is None:
                sys.exit(f"{where}: no reason above: {line.strip()}")
            for name in line.split():
                if name in missing:
                    sys.exit(f"{where}: {name} is listed twice")
                missing[name] = reason
        elif not REASON.match(line):
            sys.exit(f"{where}: expected `later: WHAT.` or `never: WHY.`, found: {line}")
        else:
            reason = line
    return missing


def calls_of(text, calls):
    """Which of @calls the program with this @text makes."""
    made = {name for told in TOLD.findall(text) for name in told.split()}
    unknown = made - calls
    if unknown:
        sys.exit(f"there is no call {min(unknown)}, which a comment of a test tells of")
    code = NOT_CODE.sub(" ", text)
    made |= {name for name in re.findall(r"\b(?:SYS|__NR)_(\w+)", code)}
    functions = set(re.findall(r"\b(\w+)\(", code))
    made |= {MADE_BY.get(name, name) for name in functions}
    return made & calls


def tested(folder, calls):
    """call -> names of the programs that make it."""
    users = {name: [] for name in calls}
    for path in sorted(Path(folder).glob("*.[ch]")):
        text = path.read_text()
        if f'#include "{EVERYTHING}"' not in text and path.name != EVERYTHING:
            for name in calls_of(text, calls):
                users[name].append(path.stem)
    return users


def places(folder):
    """call -> the file that implements it, below @folder."""
    found = {}
    for path in sorted(Path(folder).rglob("*.[ch]")):
        for name in DEFINED.findall(path.read_text(errors="replace")):
            found.setdefault(name, path.relative_to(folder))
    return found


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    rows = [row for row in CALL.findall(Path(sys.argv[1]).read_text()) if int(row[0]) < NATIVE]
    implemented = {name: int(number) for number, name, _ in rows}
    switch = {name: f"; built with {feature.upper()}=yes" if feature else "" for _, name, feature in rows}
    missing = parse_missing(sys.argv[2])
    linux = {name: int(number) for name, number in LINUX_NAME.findall(Path(sys.argv[3]).read_text())}
    where = places(sys.argv[4])
    users = tested(sys.argv[5], set(implemented))
    wrong = [f"{name} ({linux[name]}) is in neither {sys.argv[1]} nor {sys.argv[2]}" for name in linux if name not in implemented | missing]
    wrong += [f"{sys.argv[2]}: {name} is implemented" for name in missing if name in implemented]
    wrong += [f"{sys.argv[2]}: Linux has no call {name}" for name in missing if name not in linux]
    wrong += [f"{name} is number {number} here, not Linux's {linux.get(name)}" for name, number in implemented.items() if linux.get(name) != number]
    wrong += [f"{name} has no function sys_{name} in {sys.argv[4]}" for name in implemented if name not in where]
    wrong += [f"{name}: no program in {sys.argv[5]} makes this call" for name in implemented if not users[name]]
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"# Linux's system calls\n\nOf {len(linux)}, {len(implemented)} are here, {sum(map(bool, switch.values()))} of them where the kernel is built with them, "
          f"{sum(reason.startswith('later') for reason in missing.values())} will be or may be, "
          f"and {sum(reason.startswith('never') for reason in missing.values())} will not.\nBesides the programs named here, `wild`, `fuzz` and `capability_calls` try every call.\n\n"
          "| number | call | where, or why not | programs that make it |\n|---|---|---|---|")
    for name, number in sorted(linux.items(), key=lambda item: item[1]):
        if name in implemented:
            more = f" and {len(users[name]) - SHOWN} more" if len(users[name]) > SHOWN else ""
            print(f"| {number} | {name} | {where[name]}{switch[name]} | {' '.join(users[name][:SHOWN])}{more} |")
        else:
            print(f"| {number} | {name} | ENOSYS; {missing[name]} | |")


if __name__ == "__main__":
    main()
