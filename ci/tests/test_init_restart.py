# SPDX-License-Identifier: MIT
"""Process 1 killed: the kernel starts it again in place, with its number, children and descriptors. Here it is a shell, typed at."""
import os
import subprocess

import pexpect
import pytest

from guest import BUILD, RAEEN, console_text, vm_line

BOOT = 90
REPLY = 60
READY = "READY> "


# A program with threads in every kind of place, that dies as its argument says while it is process 1.
VICTIM = """\
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static int ends[2];
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static const char *how;

static void *spin(void *unused)
{
\tfor (volatile long i = 0;; i++)
\t\t;
}

static void *map(void *unused)
{
\tfor (;;) {
\t\tchar *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

\t\tmemset(at, 1, 1 << 20);
\t\tmunmap(at, 1 << 20);
\t}
}

static void *wait_for_bytes(void *unused)
{
\tchar byte;

\tread(ends[0], &byte, 1);
\treturn NULL;
}

static void *wait_for_lock(void *unused)
{
\tpthread_mutex_lock(&held);
\treturn NULL;
}

static void *die(void *unused)
{
\tsigset_t none;

\tsigemptyset(&none);
\tpthread_sigmask(SIG_SETMASK, &none, NULL);
\tkill(1, SIGTERM);               /* nobody has asked for it: it does nothing, though one thread blocks it and another one does not */
\tusleep(100000);
\tif (!strcmp(how, "fault"))
\t\t*(volatile int *)0 = 1;
\tif (!strcmp(how, "user"))
\t\tsetresuid(1000, 1000, 1000);
\tif (!strcmp(how, "killed") && fork() == 0) {
\t\tkill(1, SIGKILL);
\t\tpause();
\t}
\tif (strcmp(how, "killed"))
\t\t_exit(5);
\tpause();
\treturn NULL;
}

int main(int argc, char **argv)
{
\tvoid *(*const bodies[])(void *) = { spin, map, map, wait_for_bytes, wait_for_lock, die };
\tstruct itimerval timer = { { 0, 0 }, { 2, 0 } };
\tsigset_t all;
\tpthread_t thread;
\tint shared = syscall(1041, 8192ul, 0u);

\thow = argv[1];
\tdup2(shared, 20);
\tfcntl(20, F_SETFD, FD_CLOEXEC | 4);
\tpipe2(ends, O_CLOEXEC);
\tsigfillset(&all);
\tsigprocmask(SIG_SETMASK, &all, NULL);
\tsetitimer(ITIMER_REAL, &timer, NULL);
\tpthread_mutex_lock(&held);
\tif (fork() == 0) {
\t\tpause();
\t}
\tfor (unsigned i = 0; i < sizeof bodies / sizeof *bodies; i++)
\t\tpthread_create(&thread, NULL, bodies[i], NULL);
\tif (!strcmp(how, "first"))
\t\tpthread_exit(NULL);
\tfor (;;)
\t\tpause();\t/* setresuid() interrupts it with a signal of the library's */
}
"""


class Shell:
    """A shell as process 1, on the serial console."""

    def __init__(self, *options):
        line = vm_line(RAEEN, "--append", "init=/bin/sh", *options)
        self.child = pexpect.spawn(line[0], line[1:], timeout=REPLY, dimensions=(25, 160))
        self.greet(BOOT)

    def expect(self, pattern, timeout=REPLY):
        try:
            return self.child.expect(pattern, timeout=timeout)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            raise AssertionError(f"{pattern!r} did not come ({type(error).__name__}); before it:\n"
                                 f"{console_text(self.child.before or b'')}") from None

    def greet(self, timeout=REPLY):
        self.expect(r"# ", timeout)
        self.child.send("PS1='REA''DY> '\r")
        self.expect(READY)

    def run(self, command):
        """Types @command and returns what came between it and the next prompt."""
        self.child.send(command + "\r")
        self.expect(r"\r+\n")
        self.expect(READY)
        return self.child.before.decode(errors="replace").replace("\r", "").strip()

    def die(self, command, how):
        self.child.send(command + "\r")
        self.expect(r"process 1 \(sh\) ended with " + how + ": it is started again in place")
        self.greet()


@pytest.fixture(scope="module")
def shell():
    machine = Shell()
    yield machine
    machine.child.close(force=True)


def test_before(shell):
    shell.run("mount -t proc proc /proc; mount -t devfs dev /dev; mount -t tmpfs tmpfs /tmp; cd /tmp; umask 027")
    assert shell.run("echo $$ ${INIT_RESTARTED:-first} $PWD") == "1 first /tmp"
    # A child that lives, one that dies while nobody is there to hear it, and descriptors.
    shell.run("sleep 1000 & echo $! > sleeper; exec 7> kept; sh -c 'echo $$ > short; exec sleep 3' & trap '' USR1; ulimit -n 300")


def test_killed(shell):
    shell.die("kill -9 1", "signal 9")
    assert shell.run("echo $$ $INIT_RESTARTED $INIT_STATUS; pwd; umask; ulimit -n") == "1 1 9\n/tmp\n0027\n300"
    assert shell.run("grep -E '^(Name|PPid|Threads):' /proc/1/status") == "Name:\tsh\nPPid:\t0\nThreads:\t1"
    assert int(shell.run("grep SigIgn /proc/1/status").split()[1], 16) & 0x200 == 0
    assert shell.run("echo more >&7; cat kept") == "more"
    assert shell.run("read p < sleeper; grep PPid /proc/$p/status") == "PPid:\t1"
    assert "/memfd:/bin/sh (deleted)" in shell.run("readlink /proc/1/exe")


def test_children_that_died_meanwhile(shell):
    shell.run("read p < short; while grep -q '^State.*S' /proc/$p/status 2>/dev/null; do sleep 0.2; done")
    # The shell waits for any child, so it takes those of its former life, too.
    assert shell.run("sleep 0.1 & wait; read p < short; ls -d /proc/$p 2>&1 | grep -c 'No such'") == "1"


def test_exit_and_fault(shell):
    shell.die("exit 3", "code 3")
    assert shell.run("echo $INIT_RESTARTED $INIT_STATUS") == "2 768"
    # What a program may ignore is ignored still; only SIGKILL ends process 1 from outside.
    shell.run("kill -TERM 1; kill -SEGV 1; kill -STOP 1; kill -QUIT 1")
    assert shell.run("echo $INIT_RESTARTED") == "2"


def test_from_another_process_and_without_its_file(shell):
    shell.run("cp /bin/busybox /tmp; mv /bin/busybox /bin/away")
    shell.die("/tmp/busybox sh -c 'kill -9 1; /tmp/busybox sleep 1'", "signal 9")
    assert shell.run("/bin/busybox; echo $INIT_RESTARTED").endswith("not found\n3")
    shell.run("/tmp/busybox mv /bin/away /bin/busybox")


def test_too_often_is_a_panic(shell):
    for _ in range(30):
        shell.child.send("kill -9 1\r")
        if shell.expect([r"started again in place", r"ended with signal 9, 5 times within 10 s"]) == 1:
            break
        shell.expect(r"# ")
    else:
        raise AssertionError("no panic")


@pytest.fixture(scope="module")
def machine_with_victim(tmp_path_factory):
    folder = tmp_path_factory.mktemp("victim")
    root = folder / "overlay"
    root.mkdir()
    (folder / "victim.c").write_text(VICTIM)
    subprocess.run([os.path.join(BUILD, "toolchain/bin/x86_64-raeen-linux-musl-gcc"), "-O1", "-pthread", "-w", "-static-pie", "-o", root / "victim",
                    folder / "victim.c"], check=True)
    machine = Shell("--smp", "4", "--overlay", root)
    machine.run("mount -t devfs dev /dev; mount -t proc proc /proc; cd /")
    assert "blocks" in machine.run("cpio -i < /dev/fw_cfg/overlay; ls -l /victim")
    yield machine
    machine.child.close(force=True)


@pytest.mark.parametrize("how, end", [("killed", "signal 9"), ("fault", "signal 11"), ("user", "code 5"), ("first", "code 5")])
def test_with_threads(machine_with_victim, how, end):
    shell = machine_with_victim
    shell.child.send(f"exec /victim {how}\r")
    shell.expect(r"process 1 \(victim\) ended with " + end + ": it is started again in place")
    shell.greet()
    # A shell has all signals blocked while it forks.
    shell.run("until grep -E '^(Threads|SigBlk|Uid):' /proc/1/status >/tmp/state; grep -q '^SigBlk:.0*$' /tmp/state; do sleep 0.01; done")
    assert shell.run("id -u; cat /tmp/state") == "0\nUid:\t0\t0\t0\t0\nThreads:\t1\nSigBlk:\t0000000000000000"
    # Its handle is there, marked as before, and its children are.
    assert shell.run("grep -E '^(flags|clofork|kind)' /proc/1/fdinfo/20").split() == "flags: 02000002 clofork: 1 kind: shmem".split()
    assert int(shell.run("grep -l 'Name:.victim' /proc/[0-9]*/status | wc -l")) >= 1
    # The timer has not followed it. (And the next death is not too soon.)
    assert shell.run("trap 'echo rang' ALRM; killall -9 victim; sleep 3; echo quiet").splitlines()[-1:] == ["quiet"]
    assert "rang" not in shell.child.before.decode()
