# SPDX-License-Identifier: MIT
"""
The Open POSIX Test Suite (ports/posixtestsuite) in guests of either kind: which tests there are, and runs of them, dealt out to several guests.
By hand: posix_run.py raeen|linux [--glibc] NAME... prints what each test says whose name has one of these in it.
"""
import concurrent.futures
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from guest import BUILD, LINUX, RAEEN, ROOT, console_text, vm

sys.path[:0] = [os.path.join(ROOT, "ports/lib"), os.path.join(ROOT, "toolchain/lib")]
import apt  # noqa: E402
import recipe  # noqa: E402

PORT = os.path.join(ROOT, "ports/posixtestsuite")
RUNNER = os.path.join(PORT, "tests/run.sh")
SUITE = "usr/lib/posixtestsuite"
# musl answers ENOSYS for most of these itself (POSIX means processes by what Linux does to threads): linked with the host's glibc they reach the kernel.
GLIBC_ONLY = "/sched_\\|prioceiling\\|/fork/17\\|/pthread_attr_\\|/aio_\\|/lio_listio\\|/pthread_setsched\\|/pthread_getsched"
# As position-independent programs: others take their tables for unwinding away at exit(), and abort when a thread calls pthread_exit() after that.
GLIBC_COMPILER = "gcc -static-pie -pthread"
# How many guests share the tests of one system, how many guests run at once (most of the time they sleep), and how long one test may take.
SHARDS, AT_ONCE, SECONDS = 4, 4, 60
# For all of a shard: no judgement of speed.
PATIENCE = 5400
PASSED, KILLED = 0, 137
WORDS = {PASSED: "PASS", 1: "FAIL", 2: "UNRESOLVED", 4: "UNSUPPORTED", 5: "UNTESTED", KILLED: "TIMEOUT"}


@dataclass
class Outcome:
    """@status is None when the guest did not survive the test."""
    status: int
    milliseconds: int
    output: str

    def word(self):
        if self.status is None:
            return "DEAD"
        return WORDS.get(self.status) or (f"SIGNAL {self.status - 128}" if self.status > 128 else f"EXIT {self.status}")


class Suite:
    """The programs of one build: @stage is a root folder with them."""

    def __init__(self, stage):
        self.folder = os.path.join(stage, SUITE)

    def names(self):
        if not os.path.isdir(self.folder):
            return []
        with open(os.path.join(self.folder, "tests")) as listed:
            return listed.read().split()

    def not_built(self):
        """name -> what the compiler said."""
        with open(os.path.join(self.folder, "not-built")) as listed:
            return dict(line.strip().split(": ", 1) for line in listed)

    def overlay(self, folder, tests):
        """Makes @folder what a guest needs that runs @tests."""
        for name in tests:
            script = name.endswith(".sh")
            path = name if script else name + ".test"
            target = os.path.join(folder, SUITE, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(os.path.join(self.folder, path), target)
            if script:
                beside = os.path.join(self.folder, os.path.dirname(path))
                for core in (entry for entry in os.listdir(beside) if "buildonly" in entry):
                    shutil.copy(os.path.join(beside, core), os.path.dirname(target))
        os.makedirs(os.path.join(folder, "opt"), exist_ok=True)
        shutil.copy(RUNNER, os.path.join(folder, "opt/run.sh"))

    def run_shard(self, guest, tests, folder):
        """Runs @tests one after the other; when the guest dies, the one at which it did is told so and another guest goes on."""
        self.overlay(folder, tests)
        outcomes, left = {}, list(tests)
        while left:
            with open(os.path.join(folder, "opt/list"), "w") as listed:
                listed.write("".join(name + "\n" for name in left))
            done = vm(guest, f"sh /opt/run.sh /opt/list {SECONDS}", "--overlay", folder, timeout=PATIENCE)
            some = parse("\n" + done.stdout.decode(errors="replace"))
            outcomes.update(some)
            left = [name for name in left if name not in some]
            if left:
                outcomes[left.pop(0)] = Outcome(None, 0, f"ci/vm said (status {done.returncode}):\n{console_text(done.stderr)}")
        return outcomes

    def run(self, guests, tests, folder, shards=SHARDS):
        """guest -> name -> Outcome. @folder is an empty one for the overlays."""
        outcomes = {guest: {} for guest in guests}
        dealt = [tests[index::shards] for index in range(min(shards, len(tests)))]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            jobs = [(guest, pool.submit(self.run_shard, guest, part, os.path.join(folder, f"{guest}-{index}")))
                    for index, part in enumerate(dealt) for guest in guests]
            for guest, job in jobs:
                outcomes[guest].update(job.result())
        return outcomes


def parse(text):
    """The outcomes that run.sh tells of."""
    outcomes = {}
    for part in text.split("\n= ")[1:]:
        head, _, rest = part.partition("\n")
        name, milliseconds = head.split()
        output, end, status = rest.rpartition("\n. ")
        if end:
            outcomes[name] = Outcome(int(status.split()[0]), int(milliseconds), output.strip())
    return outcomes


MUSL = Suite(os.path.join(BUILD, "ports/posixtestsuite/stage"))


def glibc_suite():
    """The programs of GLIBC_ONLY, linked statically with the host's glibc; built when what they are made of has changed."""
    folder = os.path.join(BUILD, "posixtestsuite-glibc")
    port = recipe.load("posixtestsuite")
    inputs = [GLIBC_ONLY, GLIBC_COMPILER, port.sha256] + [open(path).read() for path in port.files()]
    wanted = hashlib.sha256("\0".join(inputs).encode()).hexdigest()
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = os.path.join(folder, "stamp")
        if not os.path.exists(stamp) or open(stamp).read() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            for name in ("src", "obj", "stage"):
                os.makedirs(os.path.join(folder, name))
            tarball = apt.fetch_source(port.package, port.sha256, os.path.join(BUILD, "cache/source/posixtestsuite"))
            subprocess.run(["tar", "-xf", tarball, "--strip-components=1", "--no-same-owner", "-C", os.path.join(folder, "src")], check=True)
            environment = {"PATH": os.environ["PATH"], "SRC": os.path.join(folder, "src"), "OBJ": os.path.join(folder, "obj"), "PORT": PORT,
                           "STAGE": os.path.join(folder, "stage"), "JOBS": str(os.cpu_count()), "CC": GLIBC_COMPILER, "CFLAGS": "-O2",
                           "ONLY": GLIBC_ONLY}
            subprocess.run(["sh", "-eu", os.path.join(PORT, "build.sh")], env=environment, check=True)
            with open(stamp, "w") as file:
                file.write(wanted)
    return Suite(os.path.join(folder, "stage"))


def main(guest, *words):
    suite = glibc_suite() if "--glibc" in words else MUSL
    chosen = [name for name in suite.names() if any(word in name for word in words)]
    with tempfile.TemporaryDirectory() as scratch:
        for test, outcome in suite.run([guest], chosen, scratch)[guest].items():
            print(f"{outcome.word():12} {outcome.milliseconds:6} {test}" + "".join(f"\n\t{line}" for line in outcome.output.splitlines()))


if __name__ == "__main__":
    main({"raeen": RAEEN, "linux": LINUX}[sys.argv[1]], *sys.argv[2:])
