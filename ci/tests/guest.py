# SPDX-License-Identifier: MIT
"""Helpers of the suites: running ci/vm, and running a list of commands in one boot."""
import os
import re
import secrets
import subprocess
from dataclasses import dataclass

from switches import SWITCHES

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
VM = os.path.join(ROOT, "ci/vm")
# Another image than the one just built may be judged: RAEEN_IMAGE=FILE pytest ci/tests
IMAGE = os.environ.get("RAEEN_IMAGE", os.path.join(BUILD, "raeen.iso"))
RAEEN, LINUX = "raeen", "linux"
CONSOLE_TAIL = 6000
# How a command ends that timeout(1) has to end.
KILLED = 128 + 9


def features():
    """What the image's kernel was built with of what can be left out (src/kernel/README.md, "Switches"), by the names in syscalls.def."""
    with open(os.path.join(BUILD, "kernel/features")) as names:
        return set(names.read().split())


def switch_values():
    """The same for make, which would take defaults for what it is not told, and note those."""
    return [f"{name}={'yes' if name.lower() in features() else 'no'}" for name in SWITCHES]


def vm_line(guest, *options):
    return [VM] + (["--linux"] if guest == LINUX else ["--image", IMAGE]) + [str(option) for option in options]


def vm(guest, command, *options, timeout=120):
    """Runs @command in a guest of its own. Returns the CompletedProcess; the streams are bytes."""
    line = vm_line(guest, "--timeout", timeout, *options) + ["--", command]
    return subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=timeout + 60)


def console_all(data):
    """A console log without colours."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode(errors="replace")).replace("\r", "")


def console_text(data):
    """The end of a console log without colours, for an assertion's message."""
    return console_all(data)[-CONSOLE_TAIL:]


@dataclass
class Result:
    """What became of one command: @status is None when the guest did not survive it (then @output ends with why)."""
    status: int
    output: str


def run_all(guest, commands, *options, timeout=300, reboots=3):
    """
    Runs the named @commands (a dict) in one boot, one after the other, each with its two streams in one. When the
    guest dies, the command at which it did is told so and a new guest goes on with the next. Returns name -> Result.
    """
    results = {}
    left = dict(commands)
    while left and reboots >= 0:
        reboots -= 1
        mark = "@" + secrets.token_hex(8)
        script = "".join(f"echo '{mark} {name}'\n(\n{command}\n) 2>&1 </dev/null\nstatus=$?; echo; echo \"{mark} = $status\"\n"
                         for name, command in left.items())
        done = vm(guest, script, *options, timeout=timeout)
        parts = done.stdout.decode(errors="replace").split(mark + " ")
        current = None
        for part in parts[1:]:
            head, _, body = part.partition("\n")
            if head.startswith("= "):
                results[current].status = int(head[2:])
            else:
                current = head
                results[current] = Result(None, body[:-1] if body.endswith("\n") else body)
                left.pop(current)
        unfinished = [name for name, result in results.items() if result.status is None and not hasattr(result, "dead")]
        why = f"\n--- ci/vm said (status {done.returncode}):\n{console_text(done.stderr)}"
        for name in unfinished:
            results[name].dead = True
            results[name].output += "\nTHE GUEST DID NOT SURVIVE THIS" + why
        if current is None:
            break
    for name in left:
        results[name] = Result(None, "never ran: the guest did not come up or died too often" + why)
    return results
