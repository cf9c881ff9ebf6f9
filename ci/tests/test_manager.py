# SPDX-License-Identifier: MIT
"""The service manager as process 1: in RaeenOS, and the same binary in the Linux guest.

Each scenario is one boot of each guest; its assertions look at what that boot printed. In the Linux guest a small
/init makes the places where RaeenOS has the files that ci/vm hands over, then becomes the manager.
"""
import os
import re
import shutil
import subprocess
import sys

import pexpect
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STAGE = os.path.join(ROOT, "build/userland/stage")
sys.path.insert(0, os.path.join(ROOT, "ci/lib"))

import newc  # noqa: E402

LINUX_INIT = """#!/bin/sh
export PATH=/bin:/sbin
mount -t devtmpfs dev /dev
mkdir -p /dev/fw_cfg /dev/pts
[ -f /command ] && mv /command /dev/fw_cfg/command
[ -f /overlay.cpio ] && mv /overlay.cpio /dev/fw_cfg/overlay
exec /sbin/manager
"""


class Guest:
    """One kind of guest; folder is the test's own."""

    def __init__(self, kind, folder):
        self.kind = kind
        self.folder = folder
        self.overlay = os.path.join(folder, "overlay")
        self.console = os.path.join(folder, "console.log")
        os.mkdir(self.overlay)

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.overlay, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as out:
            out.write(text)
        os.chmod(path, mode)

    def arguments(self, timeout):
        line = [os.path.join(ROOT, "ci/vm"), "--timeout", str(timeout), "--overlay"]
        if self.kind == "raeen":
            return line + [self.overlay]
        return line + [self.linux_overlay(), "--linux", "--append", "rdinit=/manager-init quiet"]

    def linux_overlay(self):
        """The manager's world inside the Linux guest's own overlay; the test's overlay is an archive in it."""
        outer = os.path.join(self.folder, "linux")
        os.makedirs(outer + "/sbin")
        os.makedirs(outer + "/etc")
        for name in ("manager", "overlay"):
            shutil.copy(os.path.join(STAGE, "sbin", name), outer + "/sbin")
        # Linux has no ports: something else that runs for ever, and without a child.
        os.makedirs(outer + "/sbin/drivers")
        with open(outer + "/sbin/drivers/example", "w") as out:
            out.write("#!/bin/sh\nexec 3<>/dev/ptmx\nread line <&3\n")
        os.chmod(outer + "/sbin/drivers/example", 0o755)
        os.symlink("/bin/getty", outer + "/sbin/getty")
        shutil.copy(os.path.join(ROOT, "root/etc/services.conf"), outer + "/etc")
        with open(outer + "/manager-init", "w") as out:
            out.write(LINUX_INIT)
        os.chmod(outer + "/manager-init", 0o755)
        with open(outer + "/overlay.cpio", "wb") as out:
            archive = newc.NewcWriter(out)
            archive.tree(self.overlay)
            archive.finish()
        return outer

    def run(self, command, timeout=180):
        """Returns (result of ci/vm, console log)."""
        done = subprocess.run(self.arguments(timeout) + ["--console", self.console, "--", command],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout + 30)
        log = ""
        if os.path.exists(self.console):
            with open(self.console, errors="replace") as text:
                log = text.read()
        return done, log

    def interact(self, timeout=90):
        line = self.arguments(timeout)
        return pexpect.spawn(line[0], line[1:], encoding="utf-8", codec_errors="replace", timeout=timeout)


@pytest.fixture(params=["linux", "raeen"])
def guest(request, tmp_path):
    return Guest(request.param, str(tmp_path))


def has_line(log, text):
    """The console log may colour a line, and end it as a terminal does."""
    return re.search(r"^(\x1b\[[0-9;]*m)?" + re.escape(text) + r"(\x1b\[0m)?\r*$", log, re.MULTILINE) is not None


SHIPPED = r"""
wait_for() { i=0; until eval "$1"; do i=$((i + 1)); [ $i -lt 100 ] || { echo "no: $1"; exit 1; }; sleep 0.1; done; }
# One: a process that is being made has the name of the one that makes it.
one() { set -- $(pidof example); now=$1; [ $# = 1 ] && [ "$1" != "$old" ]; }
old=
wait_for one
old=$now
kill -9 $old
wait_for one
new=$now
echo "old $old new $new"
tr '\0' ' ' </proc/$new/cmdline; echo
tr '\0' ' ' </proc/1/cmdline; echo
(sh -c 'sleep 1000 & echo orphan $! >/tmp/orphan')
pid=$(cut -d ' ' -f 2 /tmp/orphan)
grep PPid /proc/$pid/status
kill $pid
wait_for '[ ! -e /proc/$pid ]'
ps | grep '[g]etty'
stat -c '%a %n' /tmp /run
grep -c -E ' (/dev|/proc|/dev/pts|/tmp|/run) ' /proc/mounts
"""


def test_shipped_services(guest):
    """The services.conf of the image: the example comes back, orphans are reaped, nobody logs in beside a command."""
    done, log = guest.run(SHIPPED)
    assert done.returncode == 0, done.stdout + done.stderr
    out = done.stdout
    old, new = re.search(r"^old (\d+) new (\d+)$", out, re.MULTILINE).groups()
    assert old != new
    assert "/sbin/drivers/example \n" in out and "/sbin/manager \n" in out
    assert re.search(r"^PPid:\s+1$", out, re.MULTILINE)
    assert "no: " not in out and "getty" not in out
    assert "1777 /tmp\n755 /run\n5\n" in out
    assert has_line(log, "manager: example was ended by signal 9 (Killed), restart 1 follows at once")
    assert has_line(log, f"manager: example started (pid {new})")
    assert "login-screen" not in log and "services.conf" not in log


BAD_SERVICES = """# line 1
service typo {
    exec /bin/sleep 1000
    restart alwys
}
rubbish
service one {
    exec  /bin/sleep 1000
    files 64
    caps  FILE_READ
}
service crash {
    exec /bin/false
    restart always backoff=10ms..20ms give-up=3/min
    after one
}
service absent {
    exec /sbin/absent
}
service a {
    exec /bin/sleep 1000
    after b
}
service b {
    exec /bin/sleep 1000
    after a
}
service user {
    exec    /bin/sh /opt/user.sh
    user    raeen
    class   low cpus 0
    caps    all
    restart never
}
service last {
    exec /bin/sh /opt/last.sh
    caps all
    after crash absent typo
    restart on-failure
}
service driver {
    exec /bin/sleep 1000
    match pci class=01
}
"""

BAD_LOG = """/etc/services.conf:4: found 'alwys', expected always, on-failure or never
/etc/services.conf:2: service typo is not started
/etc/services.conf:6: found 'rubbish', expected service NAME {
/etc/services.conf:20: found the circle a after b after a, expected one to start first
/etc/services.conf:38: service last starts without typo, whose block has an error
/etc/services.conf:43: found 'match', expected no match line: this version gives devices to no service; match comes with the bus service that does
absent cannot start: execute /sbin/absent: No such file or directory
crash ended with status 1, restart 1 follows at once
crash ended with status 1, restart 2 follows in 10 ms
crash ended with status 1, restart 3 follows in 20 ms
crash ended with status 1 and is NOT restarted any more: more than 3 restarts within 60 s; "svc start crash" starts it
user ended with status 0
last ended with status 0"""


def test_bad_services(guest):
    """A services.conf of the overlay with every kind of trouble: each is named, and the rest runs."""
    guest.write("etc/services.conf", BAD_SERVICES)
    guest.write("opt/user.sh", "(id -u; id -g; echo $HOME; cut -d ' ' -f 19 /proc/self/stat) >/tmp/user\n")
    guest.write("opt/last.sh", "touch /tmp/last\n")
    guest.write("opt/deep/er/tool", "#!/bin/sh\necho tool\n", 0o711)
    os.symlink("deep/er", guest.overlay + "/opt/link")
    guest.write("empty", "")
    ended = "[ -e /tmp/last ] && [ \"$(wc -l </tmp/user)\" = 4 ] && ps | grep -q '[s]leep 1000'"
    # What is reaped is told a moment later.
    done, log = guest.run(f"until {ended}; do sleep 0.2; done 2>/dev/null; sleep 2; cat /tmp/user; ls /tmp/last; ps | grep '[s]leep 1000' | wc -l; /opt/link/tool;"
                          "readlink /opt/link; stat -c '%a %s' /opt/deep/er/tool /empty; exit 3")
    assert done.returncode == 3, done.stdout + done.stderr
    assert done.stdout == "1000\n1000\n/home/raeen\n15\n/tmp/last\n1\ntool\ndeep/er\n711 20\n644 0\n"
    for line in BAD_LOG.splitlines():
        assert has_line(log, "manager: " + line), line + "\nis not in:\n" + log


SCHEDULED_SERVICES = """service some {
    exec  /bin/sh /opt/show.sh some
    caps  all
    class real-time cpus 0,9
    restart never
}
service none {
    exec  /bin/sh /opt/show.sh none
    caps  all
    class idle
    cpus  7-8
    restart never
}
service plain {
    exec  /bin/sh /opt/show.sh plain
    caps  all
    restart never
}
"""


def test_class_and_cpus(guest):
    """What services.conf says about scheduling is so; a CPU that the machine does not have is named and ignored."""
    guest.write("etc/services.conf", SCHEDULED_SERVICES)
    # Field 40 is the real-time priority, 41 the policy.
    guest.write("opt/show.sh", "cut -d ' ' -f 40,41 /proc/self/stat >/tmp/$1; nproc >>/tmp/$1; touch /tmp/$1.done\n")
    done, log = guest.run("until [ -e /tmp/some.done -a -e /tmp/none.done -a -e /tmp/plain.done ]; do sleep 0.1; done;"
                          "cat /tmp/some /tmp/none /tmp/plain")
    assert done.stdout == "10 2\n1\n0 5\n1\n0 0\n1\n", done.stdout + done.stderr
    # A console that is slower than the manager loses lines, and says so.
    if "log lines were lost" not in log:
        assert has_line(log, "manager: some: cpus 9: this machine runs no such CPU; the others are used"), log
        assert has_line(log, "manager: none: cpus 7,8: this machine runs no such CPU; the service may use all"), log
    assert "plain: " not in log and "not applied" not in log


def test_no_service_is_an_emergency_shell(guest):
    """Nothing valid in services.conf: a shell with job control on the console, and an orderly end from it."""
    guest.write("etc/services.conf", "service x {\n")
    child = guest.interact()
    child.expect("services.conf:1: found the end of the file, expected a } that ends service x")
    child.expect("no service to start: an emergency shell is on /dev/console")
    child.expect("# ")
    child.send("sh -c 'echo ready; sleep 1000'\r")
    child.expect("\nready")
    child.sendintr()
    child.expect("# ")
    child.send("echo $((6 * 7))\r")
    child.expect("42")
    child.send("poweroff\r")
    child.expect("manager: stopping the services to power off")
    child.expect("manager: power off")
    child.expect(pexpect.EOF)


def test_broken_overlay_runs_no_command(tmp_path):
    """A damaged archive (only QEMU itself can hand one over): said, and ci/vm calls it a failed boot."""
    archive = tmp_path / "broken.cpio"
    archive.write_bytes(b"070701 this is not an archive".ljust(600, b"."))
    line = [os.path.join(ROOT, "ci/vm"), "--qemu", f"-fw_cfg name=opt/org.raeenos/overlay,file={archive}", "--",
            "echo ran"]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=150)
    assert done.returncode == 125 and done.stdout == ""
    assert "overlay: the entry at byte 0 has a field without 8 hexadecimal digits" in done.stderr
    assert "manager: the command is not run, as its overlay is not complete" in done.stderr
