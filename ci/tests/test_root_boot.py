# SPDX-License-Identifier: MIT
"""
How the root file system comes to be that of a service (src/servers/manager/storage.c), and what the system does without it. Each test is a boot with
root=ram0; what happens to the root later is another matter.
"""
import os
import re
import shutil
import subprocess

import pytest

from guest import BUILD, RAEEN, vm, vm_line

WORD = "root=ram0"
GONE = "root: nobody reads the image of the boot any more"
NOT_SERVED = "the system goes on with the root file system of the boot; WHAT IS WRITTEN TO IT IS IN MEMORY ONLY"

OTHER = """service other {
    exec      /opt/other
}
"""
# None of these ever serves a file system.
MUTE = """service root {
    exec      %s
    port      fs.root persistent replay
    mount     / served disk=ram0
    watchdog  10min
}
service other {
    exec      /bin/sleep 1000
}
"""


class Machine:
    def __init__(self, folder):
        self.overlay = os.path.join(str(folder), "overlay")
        self.console = os.path.join(str(folder), "console.log")
        os.makedirs(self.overlay)

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.overlay, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as out:
            out.write(text)
        os.chmod(path, mode)

    def run(self, script, append=WORD, timeout=120):
        """Returns (ci/vm's status, standard output, console log without colours)."""
        line = vm_line(RAEEN, "--timeout", timeout, "--overlay", self.overlay, "--console", self.console, "--append", append)
        done = subprocess.run(line + ["--", script], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout + 60)
        with open(self.console, errors="replace") as text:
            log = re.sub(r"\x1b\[[0-9;]*m", "", text.read()).replace("\r", "")
        return done.returncode, done.stdout, log


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def mounts(text):
    """{directory: type} of the lines of /proc/mounts in @text, later ones last."""
    return {line.split()[1]: line.split()[2] for line in text.splitlines() if line.count(" ") == 5}


HAND_OVER = r"""
cat /proc/mounts; grep -c . /proc/1/mountinfo
for link in /proc/[0-9]*/root /proc/1/cwd; do [ "$(readlink $link)" = / ] || echo "$link is $(readlink $link)"; done
cat /opt/file; stat -c '%a %u %U' /opt/file; cat /etc/services.conf | head -1; svc list; ls /dev/pts /tmp >/dev/null && echo there; ls /mnt | wc -l
"""


def test_hand_over(machine):
    """The root is ext2, nothing is left of the one before, and the overlay with its services.conf is in it: the image's says what serves it."""
    machine.write("etc/services.conf", "# mine\n" + OTHER)
    machine.write("opt/file", "from the overlay\n", 0o640)
    machine.write("opt/other", "#!/bin/sh\nread nothing </dev/ptmx\n", 0o755)
    status, out, log = machine.run(HAND_OVER)
    assert status == 0, out + log
    seen = mounts(out)
    assert seen["/"] == "ext2" and sum(line.split()[1:2] == ["/"] for line in out.splitlines()) == 1, out
    assert set(seen) == {"/", "/dev", "/dev/pts", "/dev/shm", "/proc", "/sys", "/tmp", "/run", "/sbin/fs/ext2", "/sbin/svc"}, out
    assert "from the overlay\n640 0 root\n# mine\n" in out and "\nthere\n0\n" in out and " is " not in out, out
    assert re.search(r"^other running", out, re.M) and re.search(r"^ext2 running", out, re.M), out
    assert GONE in log and log.index("manager: ext2 serves /") < log.index("overlay: unpacked") < log.index("manager: other started"), log
    assert "WHAT IS WRITTEN" not in log


def test_without_the_word():
    """Nothing of all that where root= names no disk."""
    done = vm(RAEEN, "head -n 1 /proc/mounts; svc status ext2", "--append", "root=")
    assert done.stdout.startswith(b"root / tmpfs ") and b"ext2: skipped" in done.stdout and b"does not say root=" in done.stdout, done.stdout


@pytest.mark.parametrize("program, cause", [("/bin/sleep 1000", "does not serve /"), ("/bin/nothing", "cannot start"), ("/bin/false\n    restart never", "is not restarted")])
def test_no_root(machine, program, cause):
    """A service that is mute, is not there, or always ends: said in red, the system goes on with the overlay in the root of the boot, which can be written."""
    machine.write("etc/services.conf", MUTE % program)
    machine.write("opt/file", "from the overlay\n")
    status, out, log = machine.run("head -n 1 /proc/mounts; cat /opt/file; echo x >/new && cat /new; svc list; cat /proc/uptime")
    assert status == 0 and out.startswith("root / tmpfs ") and "from the overlay\nx\n" in out and re.search(r"^other running", out, re.M), out + log
    assert cause in log and NOT_SERVED in log and GONE not in log, log
    assert float(out.splitlines()[-1].split()[0]) < 60, out


def test_wrong_disk(machine):
    status, out, log = machine.run("head -n 1 /proc/mounts; ls /proc/disks", append="root=sda7")
    assert status == 0 and out.startswith("root / tmpfs "), out + log
    assert "root=sda7: no service of /etc/services.conf mounts / from that disk: WHAT IS WRITTEN TO / IS IN MEMORY ONLY" in log


def test_damaged_overlay(machine):
    """An overlay that does not fit into the root is not complete: no command is run, and no service that could miss it is started."""
    machine.write("proc/file", "nobody can make this\n")
    machine.write("etc/services.conf", OTHER)
    status, out, log = machine.run("echo never")
    assert status == 125 and "never" not in out, out + log
    assert "the command is not run, as its overlay is not complete" in log and "other started" not in log and "manager: power off" in log, log


DEATHS = r"""
for i in 1 2 3 4 5; do svc kill ext2; mkdir /made$i || exit 1; [ -d /made$i ] || exit 1; done
kill -9 1; svc kill ext2; mkdir /made6 && ls -d /made*
head -n 1 /proc/mounts; svc list; mount -o remount,ro / && ! mkdir /no 2>/dev/null && mount -o remount,rw / && mkdir /yes && echo changed
"""


def test_deaths(machine):
    """The server dies, the manager dies, both at once; the root is what it was."""
    status, out, log = machine.run(DEATHS)
    assert status == 0 and all(f"/made{i}\n" in out for i in range(1, 7)) and "changed\n" in out, out + log
    assert "fs.root / ext2 rw" in out and re.search(r"^ext2 (running|starting) \d+ [1-9]", out, re.M), out
    assert "restarted in place, restart 1" in log, log


# The second one has a file of the first one open to the end.
OTHERS = """service first {
    exec      /opt/files-service --changes=first
    port      fs.first persistent replay
    mount     /data/a served nodev,noexec
    watchdog  10s
}
service second {
    exec      /bin/sh /opt/second
    caps      all
    port      fs.second persistent replay
    mount     /data/b served nosuid
    watchdog  10s
    after     first
}
service third {
    exec      /opt/files-service --changes=third
    port      fs.third persistent replay
    mount     /data/b/d0 served ro,unordered
    watchdog  10s
    after     second
}
service fourth {
    exec      /opt/files-service
    port      fs.fourth persistent replay
    mount     /data/b/d1 served nodev,nonsense
    watchdog  10s
    after     second
}
"""


def test_other_mounts(machine):
    """File systems beside the root have the flags of their lines, and are marked as clean at the end: those mounted last first, what is in use, too."""
    machine.write("etc/services.conf", OTHERS)
    machine.write("opt/second", "exec 7</data/a/d0/f0\nexec /opt/files-service --changes=second\n")
    machine.write("data/a/none", "")
    machine.write("data/b/none", "")
    shutil.copy(os.path.join(BUILD, "tests/tests/files-service"), machine.overlay + "/opt")
    status, out, log = machine.run(r"""until [ "$(svc list | grep -c '^\(first\|second\|third\|fourth\) \(running\|ended\)')" = 4 ]; do sleep 0.1; done
        { cat /proc/mounts; head -c 100 /data/b/d0/d0/f0 | wc -c; } >/dev/console; poweroff; sleep 1000""")
    assert status == 125, out + log
    # On the console, since what goes by the agent may be lost as it is ended, too.
    for line in (r"fs\.first /data/a \S+ rw,nodev,noexec,relatime .*", r"fs\.second /data/b \S+ rw,nosuid,relatime .*", r"fs\.third /data/b/d0 \S+ ro,relatime .*", "100"):
        assert re.search(f"^{line}$", log, re.M), log
    assert not re.search(r"^\S+ /data/b/d1 ", log, re.M), log
    assert "fourth: /data/b/d1: cannot mount it: Invalid argument" in log, log
    end = log[log.index("stopping the services"):]
    assert re.findall(r"^(\w+) is clean$", end, re.M) == ["second", "first"] and end.index("first is clean") < end.index("manager: power off"), end
    assert "not unmounted" not in end and "do not end" not in end, end


def test_power_off(machine):
    """Who is left of a login ends, the root's server does not, until the root is read-only; then there is no waiting for anything."""
    machine.write("opt/last", "#!/bin/sh\ntrap 'mkdir /late; echo made >/dev/console' TERM\ntouch /tmp/waits\nwhile :; do sleep 1; done\n", 0o755)
    status, out, log = machine.run("setsid /opt/last >/dev/null 2>&1 & until [ -e /tmp/waits ]; do sleep 0.1; done; poweroff; sleep 1000")
    assert status == 125, out + log
    end = log[log.index("stopping the services"):]
    assert "made" in end and "manager: power off" in end and "ext2 was ended" not in end and "not unmounted" not in end, log
    assert "some processes do not end" not in end, log
