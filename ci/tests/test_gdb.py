# SPDX-License-Identifier: MIT
"""The gdb commands of toolchain/gdb on a running machine, and toolchain/symbolize on a panic that gdb provokes."""
import os
import re
import shutil
import subprocess

import pytest

from guest import BUILD, RAEEN, ROOT, vm_line

KERNEL = os.path.join(BUILD, "kernel/kernel.elf")
COMMANDS = os.path.join(ROOT, "toolchain/gdb/raeen.py")
SYMBOLIZE = os.path.join(ROOT, "toolchain/symbolize")

pytestmark = pytest.mark.skipif(not shutil.which("gdb"), reason="gdb is not installed (toolchain/deps debug does)")


class Machine:
    """A guest that sleeps, with QEMU's gdb server on a socket in @folder."""

    def __init__(self, folder):
        self.socket = str(folder / "gdb")
        line = vm_line(RAEEN, "--timeout", 900, "--qemu", f"-chardev socket,id=gdb,path={self.socket},server=on,wait=off -gdb chardev:gdb")
        command = "sleep 890 < /etc/passwd & until [ \"$(cat /proc/$!/comm)\" = sleep ]; do :; done; echo ready $!; wait"
        self.vm = subprocess.Popen(line + ["--", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.pid = int(self.vm.stdout.readline().split()[1])

    def gdb(self, *commands):
        line = ["gdb", "-q", "-batch", "-nx", "-ex", "set pagination off", "-ex", f"file {KERNEL}", "-x", COMMANDS,
                "-ex", f"target remote {self.socket}"]
        for command in commands:
            line += ["-ex", command]
        return subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200).stdout

    def stop(self):
        self.vm.terminate()
        self.vm.communicate(timeout=30)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    machine = Machine(tmp_path_factory.mktemp("gdb"))
    yield machine
    machine.stop()


def test_finds_the_slide(machine):
    assert re.search(r"loaded at slide 0xffffffff[0-9a-f]{2}[02468ace]00000\n", machine.gdb("raeen-symbols"))


def test_threads_and_backtraces(machine):
    text = machine.gdb("raeen-threads", f"raeen-bt {machine.pid}", "raeen-bt reclaim", "raeen-bt 31999")
    assert re.search(rf" {machine.pid} +{machine.pid} +sleep +sleeping +normal ", text)
    assert re.search(r" - +- idle +\w+ +idle ", text) and re.search(r" 1 +1 manager ", text)
    assert re.search(r"#\d+ +0x\w+ .*sys_(clock_)?nanosleep.* process/sleep_calls\.c:\d+\n", text)
    assert re.search(r"user mode: rip 0x\w+ rsp 0x7ff\w+, left by system call (35|230)\n", text)
    assert re.search(r"#\d+ +0x\w+ reclaim_thread mm/\w+\.c:\d+\n", text)
    assert re.search(r" example +\w+ +low ", text)      # as services.conf says
    assert "31999: no thread has that name or number" in text


def test_processes_and_what_they_hold(machine):
    text = machine.gdb("raeen-processes", f"raeen-vmas {machine.pid}", f"raeen-fds {machine.pid}", "raeen-vmas 31999")
    assert re.search(r" 1 +0 +1 +1 +0 +1 +\d+ alive +manager\n", text)
    assert re.search(r"\n[0-9a-f]{12}-[0-9a-f]{12} r-xp [0-9a-f]{8} ext2:/bin/busybox\n", text), text
    assert re.search(r"\n[0-9a-f]{12}-[0-9a-f]{12} rw-p 00000000 \[stack\]\n", text)
    assert re.search(r"\n +0 0x\w+ +\d+ .* /etc/passwd\n", text)
    assert "31999: no such process" in text


def test_memory_and_log(machine):
    text = machine.gdb("raeen-frames", "raeen-log 2", "raeen-log x")
    frames = {what: int(count) for count, what in re.findall(r"^ +(\d+) frames +\d+ KiB  (.+)$", text, re.M)}
    counted = re.search(r"^cached (\d+), shared \d+, anonymous (\d+), page tables (\d+), .* \(pages\)$", text, re.M)
    assert frames["free"] > 10000 and frames["slab"] > 0 and counted, text
    assert int(counted[2]) == frames["anonymous"] and int(counted[1]) >= frames["cache"] > 0 and int(counted[3]) > 0, text
    assert "Error" not in text and "rror:" not in text
    assert len(re.findall(r"^<\d>\[ *\d+\.\d{6}\] ", text, re.M)) == 2
    assert "expected a number of lines" in text


def test_panic_is_reported_and_symbolized(tmp_path):
    """A call of a null pointer from the timer interrupt: through the handler, the trap and the code below it."""
    machine = Machine(tmp_path)
    machine.gdb("raeen-symbols", "hbreak timer_run_expired", "continue",
                "set var ((struct timer *)'sched/timer.c'::queues[0].timers.root)->expire = 0", "delete", "detach")
    _, console = machine.vm.communicate(timeout=200)
    assert machine.vm.returncode == 125
    text = subprocess.run([SYMBOLIZE, "--elf", KERNEL], input=console, stdout=subprocess.PIPE, check=True, timeout=60).stdout.decode(errors="replace")
    report = text[text.index("kernel panic: "):].replace("\r", "")
    assert re.search(r" at timer_run_expired src/kernel/sched/timer\.c:\d+\n", report)
    assert re.search(r"\n  -- trap, vector \d+, error 0, from the kernel\n  0x\w+  \w+\+0x\w+ .* at \w+ src/kernel/", report)
