# SPDX-License-Identifier: MIT
"""Services under the manager: ports, heartbeats, deaths, `svc`, upgrades under load, and the manager itself killed. The services are those of src/servers/test."""
import os
import re
import shutil
import subprocess
import time

import pexpect
import pytest

from guest import BUILD, RAEEN, ROOT, vm_line

CONF = os.path.join(ROOT, "root/etc/services.conf")

HELPERS = r"""
wait_for() { i=0; until eval "$1"; do i=$((i + 1)); [ $i -lt 200 ] || { echo "no: $1"; return 1; }; sleep 0.05; done; }
state() { svc list | while read name state pid restarts; do [ "$name" = "$1" ] && echo "$state"; done; }
pid() { svc list | while read name state pid restarts; do [ "$name" = "$1" ] && echo "$pid"; done; }
restarts() { svc list | while read name state pid restarts; do [ "$name" = "$1" ] && echo "$restarts"; done; }
running() { [ "$(state $1)" = running ]; }
load() { /tests/load-service "$@"; }
"""

SERVICES = """service echo {
    exec      /tests/echo-service
    port      echo persistent
    watchdog  1s
    restart   always backoff=10ms..100ms give-up=5/min
}
service plain {
    exec      /tests/echo-service
    port      plain
}
service dying {
    exec      /bin/sh /opt/dying.sh
    caps      all
    port      dying persistent
    restart   always backoff=1ms..10ms give-up=4/min
}
service later {
    exec      /bin/sleep 1000
    after     echo dying
}
"""


# The same with an echo service that waits for the short way of messages.
SHORT = SERVICES.replace("/tests/echo-service\n    port      echo ", "/tests/echo-service --short\n    port      echo ")
either_way = pytest.mark.parametrize("services", [SERVICES, pytest.param(SHORT, marks=pytest.mark.full)], ids=["long", "short"])


class Machine:
    def __init__(self, folder):
        self.folder = str(folder)
        self.overlay = os.path.join(self.folder, "overlay")
        self.console = os.path.join(self.folder, "console.log")
        os.makedirs(self.overlay + "/etc")
        os.makedirs(self.overlay + "/tests")
        for name in ("echo-service", "load-service", "silent-service"):
            shutil.copy(os.path.join(BUILD, "tests/tests", name), self.overlay + "/tests")
        self.write("etc/services.conf", SERVICES)
        self.write("opt/dying.sh", "[ -e /tmp/cure ] || exit 3\nexec /tests/echo-service\n")

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.overlay, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as out:
            out.write(text)
        os.chmod(path, mode)

    def run(self, script, *options, timeout=120):
        """Returns (standard output, console log without colours)."""
        line = vm_line(RAEEN, "--timeout", timeout, "--overlay", self.overlay, "--console", self.console, *options)
        done = subprocess.run(line + ["--", HELPERS + script + "\ntrue"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout + 60)
        log = ""
        if os.path.exists(self.console):
            with open(self.console, errors="replace") as text:
                log = re.sub(r"\x1b\[[0-9;]*m", "", text.read()).replace("\r", "")
        assert done.returncode == 0, done.stdout + done.stderr + log[-4000:]
        assert "\nno: " not in "\n" + done.stdout, done.stdout + log[-4000:]
        return done.stdout, log


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


COMMANDS = r"""
wait_for 'running echo && running later'
svc status | cat
echo "@ $(state dying) $(restarts dying)"
svc status dying; echo "status $?"
svc start dying; echo "start $?"
svc status nobody; echo "status $?"
svc stop nobody; echo "stop $?"
svc; echo "usage $?"
svc kill echo 65; echo "signal $?"
svc stop echo; echo "stop $?"; svc stop echo; echo "stop $?"; svc status echo; echo "status $?"
svc start echo; echo "start $?"; svc start echo; echo "start $?"
old=$(pid echo); svc restart echo; [ $(pid echo) != $old ] && echo restarted
old=$(pid echo); svc kill echo; wait_for '[ $(pid echo) != $old ]'; wait_for 'running echo'; echo "restarts $(restarts echo)"
svc upgrade plain; echo "upgrade $?"
wait_for '[ $(state dying) = failed ]'; >/tmp/cure; svc start dying; echo "cured $? $(state dying)"; load dying echo 100 1
svc start wrong; echo "wrong $?"; svc restart wrong; echo "wrong $?"; svc start circle; echo "wrong $?"; svc upgrade wrong; echo "wrong $?"
svc log dying; svc log manager | grep 'NOT restarted'
su raeen -c 'svc list >/dev/null && echo may look; svc stop echo; echo "stop $?"' 2>&1
"""


WRONG = """service wrong {
    exec      /bin/sleep 1000
    restart   perhaps
}
service circle {
    exec      /bin/sleep 1000
    after     other
}
service other {
    exec      /bin/sleep 1000
    after     circle
}
"""


def test_commands(machine):
    """Every command of svc, its answers and exit statuses; giving up, loudly, and what "after" means then."""
    machine.write("etc/services.conf", SERVICES + WRONG)
    out, log = machine.run("exec 2>&1\n" + COMMANDS)
    assert re.search(r"^\* echo +running +\d+ ", out, re.MULTILINE) and "\033" not in out
    assert "@ failed 4\n" in out
    assert "ended with status 3 too often: the manager gave up" in out and "status 3\n" in out
    assert "svc: dying did not stay up: ended with status 3" in out and "start 1\n" in out
    assert "svc: there is no service nobody" in out and "status 4\n" in out and "stop 4\n" in out
    assert "usage: svc list" in out and "usage 2\n" in out and "signal 2\n" in out
    assert "echo stopped\nstop 0\nsvc: echo does not run\nstop 1\necho: ended for" in out
    assert re.search(r"echo started \(process \d+\)\nstart 0\nsvc: echo runs already\nstart 1\n", out)
    assert "\nrestarted\nrestarts 1\n" in out
    assert "svc: plain has a port that is not persistent" in out and "upgrade 1\n" in out
    assert re.search(r"^dying started \(process \d+\)\ncured 0 running\ncalls [1-9]\d* failed 0 ", out, re.MULTILINE), out
    assert out.count(": its block in services.conf is wrong; see ") == 4 and out.count("wrong 1\n") == 4, out
    assert "may look\nsvc: echo: only root may do that\nstop 1\n" in out
    assert "dying ended with status 3 and is NOT restarted any more: more than 4 restarts within 60 s; \"svc start dying\" starts it" in log


# Each gets ready when it has seen that all of them run.
MEETING = """: >/tmp/$1.runs
until [ -e /tmp/one.runs ] && [ -e /tmp/two.runs ] && [ -e /tmp/three.runs ]; do sleep 0.02; done
exec /tests/echo-service
"""


def test_parallel_start(machine):
    """
    Three services that wait for each other get ready: none is started only when the one before is. So does one after them. Time is counted in
    instructions, so that a slow host does not make them late.
    """
    blocks = "".join(f"service {name} {{\n\texec /bin/sh /opt/meeting.sh {name}\n\tport {name}\n\tcaps all\n}}\n" for name in ("one", "two", "three"))
    machine.write("etc/services.conf", blocks + "service last {\n\texec /bin/sleep 1000\n\tafter one two three\n}\n")
    machine.write("opt/meeting.sh", MEETING)
    out, log = machine.run("wait_for 'running last'; for name in one two three last; do state $name; done", "--icount")
    assert out == "running\n" * 4, out + log[-3000:]
    assert "is not ready yet" not in log, log[-3000:]


HANGS = r"""
wait_for 'running echo'
for how in stop loop hang; do
	old=$(pid echo)
	case $how in stop) kill -STOP $old;; *) load echo fault $how;; esac
	wait_for "[ $old != \"\$(pid echo)\" ] && running echo"
	load echo echo 100 1
	echo "$how restarts $(restarts echo)"
done
svc status echo | grep heartbeat
"""


@pytest.mark.parametrize("cpus", [pytest.param(1, marks=pytest.mark.full), 2])
def test_hangs(machine, cpus):
    """Stopped, looping and waiting for ever: found by the heartbeat, killed, and the next instance answers."""
    out, log = machine.run(HANGS, "--smp", cpus)
    for number, how in enumerate(("stop", "loop", "hang"), 1):
        assert f"{how} restarts {number}\n" in out, out + log[-3000:]
    assert re.findall(r"calls [1-9]\d* failed (\d+)", out) == ["0"] * 3, out
    assert "killed for want of one 3 times" in out
    assert log.count("echo gave no heartbeat for 1000 ms of its own time and is killed") == 3


HOG = r"""
wait_for 'running echo'
old=$(pid echo)
echo -1 >/proc/sys/kernel/sched_rt_runtime_us
load echo hog 4000
sleep 1.5
[ $(pid echo) = $old ] && echo lives
load echo echo 100 1
# On the service's own CPU only: the manager runs, and looks all the time.
taskset -p 1 $old >/dev/null
taskset 1 /tests/load-service echo hog 4000
sleep 1.5
[ $(pid echo) = $old ] && echo "lives, with the manager awake"
svc status echo
"""


@pytest.mark.parametrize("cpus", [pytest.param(1, marks=pytest.mark.full), 2])
def test_hog(machine, cpus):
    """A hog of the real-time class with all of the CPU for four times the watchdog: nobody is killed for that."""
    out, log = machine.run(HOG, "--smp", cpus)
    assert "lives\n" in out and "lives, with the manager awake\n" in out, out + log[-3000:]
    assert "gave no heartbeat" not in log and "killed for want" not in out


UPGRADE = r"""
wait_for 'running echo'
load echo echo 6000 4 >/tmp/load &
sleep 0.3
for i in 1 2 3 4 5 6 7 8; do svc upgrade echo; done
cp /tests/echo-service /tmp/next
svc upgrade echo /tmp/next
readlink /proc/$(pid echo)/exe
wait
cat /tmp/load
svc status echo
"""


@either_way
def test_upgrade_under_load(machine, services):
    """Nine new instances in the place of the one before, and no call fails."""
    machine.write("etc/services.conf", services)
    out, log = machine.run(UPGRADE)
    assert out.count("echo upgraded (process") == 9, out + log[-3000:]
    calls = re.search(r"calls (\d+) failed (\d+) longest (\d+)", out)
    assert int(calls[1]) > 100 and calls[2] == "0", out + log[-3000:]
    assert "/memfd:next (deleted)" in out
    assert ", 0 restarts" in out


BAD_UPGRADES = r"""
wait_for 'running echo && [ "$(state dying)" = failed ]'
mkfifo /tmp/pipe
for path in /tmp/pipe /dev/zero /tmp /tmp/none; do svc upgrade echo $path; echo "$path $?"; done
echo "same $(pid echo) $(restarts echo)"
echo text >/tmp/text
for path in /bin/false /tmp/text; do
	svc upgrade echo $path; echo "$path $?"
	wait_for 'running echo'; load echo echo 100 1; readlink /proc/$(pid echo)/exe
done
svc upgrade dying /tests/echo-service; echo "dying $? $(state dying)"
svc stop dying; svc upgrade dying /tests/echo-service; echo "stopped $? $(state dying)"
svc log manager | grep 'program before is'
"""


def test_bad_upgrades(machine):
    """What is no program is refused unread; one that does not become ready makes room for the one before; one without a process is started."""
    out, log = machine.run("exec 2>&1\n" + BAD_UPGRADES)
    assert out.count("the program is no regular file") == 3 and "svc: echo: /tmp/none: No such file" in out, out + log[-3000:]
    for path in ("/tmp/pipe", "/dev/zero", "/tmp", "/tmp/none", "/bin/false", "/tmp/text"):
        assert f"\n{path} 1\n" in out, out
    assert out.count("the new program did not become ready; the one before is started again") == 2, out + log[-3000:]
    assert len(re.findall(r"^calls [1-9]\d* failed 0 .*\n/tests/echo-service$", out, re.MULTILINE)) == 2, out
    assert "dying 0 running\n" in out and "stopped 0 running\n" in out, out
    assert re.search(r"echo ended with status \d+ before its new program was ready: the program before is started again\necho: the program before", out), out


QUIET = """service quiet {
    exec      /tests/echo-service
    port      quiet persistent
}
"""

SILENT = r"""
wait_for 'running quiet'
load quiet echo 20000 4 >/tmp/load &
wait_for '[ "$(pidof load-service | wc -w)" = 5 ]'; sleep 0.5
svc upgrade quiet /tests/silent-service & upgrade=$!
wait_for '[ "$(readlink /proc/$(pid quiet)/exe)" = "/memfd:silent-service (deleted)" ]'
wait $upgrade; echo "upgrade $?"
wait_for 'running quiet'
readlink /proc/$(pid quiet)/exe
wait
cat /tmp/load
"""


def test_upgrade_that_never_gets_ready(machine):
    """The new program has ten seconds; then the one before is back. Who called meanwhile has waited, and no call fails."""
    machine.write("etc/services.conf", QUIET)
    out, log = machine.run("exec 2>&1\n" + SILENT)
    assert "svc: quiet: the new program did not become ready; the one before is started again" in out and "upgrade 1\n" in out, out + log[-3000:]
    assert "\n/tests/echo-service\n" in out, out
    calls = re.search(r"calls (\d+) failed (\d+) longest (\d+)", out)
    assert int(calls[1]) > 100 and calls[2] == "0", out
    # The call that waited longest began a moment after the ten seconds did.
    assert int(calls[3]) >= 9_000_000, "the trial was shorter: " + out
    assert "quiet is not ready in time with its new program and is killed" in log
    assert "quiet was ended by signal 9 (Killed) before its new program was ready: the program before is started again" in log


FOLLOWERS = r"""
wait_for 'running echo'
i=0; while [ $i -lt 20 ]; do i=$((i + 1)); su raeen -c 'exec svc log -f echo' >/dev/null & done
sleep 1
svc restart echo; echo "restart $?"
kill -9 $!
svc stop echo; echo "stop $?"
"""


def test_followers(machine):
    """Twenty users who follow a log do not keep root from starting and stopping."""
    out, log = machine.run("exec 2>&1\n" + FOLLOWERS)
    assert "restart 0\n" in out and "stop 0\n" in out and "too many" not in out, out + log[-3000:]


DEATHS = r"""
wait_for 'running echo'
load echo echo {ms} {clients} >/tmp/load &
# None is killed before it has answered: on a busy machine the load's clients may not have reached it after a mere sleep.
for death in $(seq {deaths}); do sleep 0.1; load echo echo 20 1 >/dev/null; svc kill echo; wait_for '[ "$(restarts echo)" = $death ]'; done
wait
cat /tmp/load
echo "restarts $(restarts echo) $(state echo)"
"""


@pytest.mark.parametrize("services, deaths, cpus", [
    pytest.param(SERVICES, 12, 1, id="long"), pytest.param(SHORT, 12, 1, id="short", marks=pytest.mark.full),
    pytest.param(SHORT, 100, 4, id="many", marks=pytest.mark.full)])
def test_deaths_under_load(machine, services, deaths, cpus):
    """More deaths within the minute of "give-up=5/min" than that: each instance has answered, so none counts, and each restart is at once."""
    machine.write("etc/services.conf", services)
    out, log = machine.run(DEATHS.format(deaths=deaths, clients=2 * cpus + 2, ms=deaths * 400), "--smp", cpus, timeout=10 * deaths + 100)
    assert f"restarts {deaths} running" in out, out + log[-3000:]
    assert len(re.findall(r"^manager: echo .* follows at once$", log, re.MULTILINE)) == deaths, log
    failed = re.search(r"calls \d+ failed (\d+)", out)
    # At most what was held at each death: one call.
    assert int(failed[1]) <= deaths, out


RECOVERY = r"""
wait_for 'running echo'
load echo recover 101
"""


def test_recovery_is_quick(machine):
    """From a death with a request held to the next instance's first answer, with a clock of instructions; fork and exec are in it."""
    out, log = machine.run(RECOVERY, "--icount")
    found = re.search(r"recoveries 101 median (\d+) longest (\d+)", out)
    assert found and int(found[1]) <= 2_000_000, out + log[-3000:]
    assert int(found[2]) <= 20_000_000, out


MANAGER = r"""
wait_for 'running echo && running later && [ "$(state dying)" = failed ]'
echo "before $(pid echo) $(pid later) $(restarts dying)"
load echo echo 4000 4 >/tmp/load &
for i in 1 2 3; do
	sleep 0.7
	kill -9 1
	wait_for 'running echo'
done
echo "after $(pid echo) $(pid later) $(restarts dying)"
old=$(pid echo); kill -9 $old; wait_for '[ "$(pid echo)" != $old ] && running echo'
svc log dying >/dev/null; svc log manager | grep -c 'restarted in place'
wait
cat /tmp/load
before=$(ls -l /proc/1/fd | wc -l)
for i in 1 2 3; do sleep 4; kill -9 1; wait_for 'running echo'; done
wait_for "[ \$(ls -l /proc/1/fd | wc -l) = $before ]" || ls -l /proc/1/fd
# Between a death and its restart, and while a stop waits.
svc stop later & sleep 0.05; kill -9 $(pid echo); kill -9 1; wait
wait_for 'running echo'
wait_for '[ "$(state later)" = ended ]'
echo "later $(state later)"
"""


@either_way
def test_manager_killed(machine, services):
    """The manager killed under load: same services, same ports, same logs, no call fails; what dies later is restarted."""
    machine.write("etc/services.conf", services)
    out, log = machine.run(MANAGER)
    before, after = (re.search(rf"^{word} (.*)$", out, re.MULTILINE)[1] for word in ("before", "after"))
    assert before == after and before.endswith(" 4"), out
    assert "\n3\n" in out and "later ended\n" in out, out + log[-3000:]
    failed = re.search(r"calls (\d+) failed (\d+)", out)
    assert int(failed[1]) > 100 and int(failed[2]) <= 1, out + log[-3000:]
    assert log.count("restarted in place") >= 6


INHERITED = """service what {
    exec      /bin/sh /opt/what.sh
    caps      FILE_READ FILE_WRITE FILE_EXECUTE IPC_SEND IPC_RECV
    port      what persistent
    watchdog  60s
    memory    64MiB
    files     40
    state     8KiB
    restart   never
}
"""


def test_inherits_nothing_else(machine):
    """A service has its three standard descriptors, its port, its supervision and its state, and limits; the rest of the manager's is not its own."""
    machine.write("etc/services.conf", INHERITED)
    # musl's standard output writes a program's first line at once and the rest at its end: a file is whole when it has its name.
    machine.write("opt/what.sh", "ls -l /proc/$$/fd | sed 's/.* \\([0-9]* -> \\)/\\1/' >/tmp/fds; ulimit -n; ulimit -v; env >/tmp/e; mv /tmp/e /tmp/env; cat\n")
    out, log = machine.run("wait_for '[ -e /tmp/env ]'; cat /tmp/fds /tmp/env; wait_for 'svc log what | grep -q 65536'; svc log what")
    fds = dict(re.findall(r"^(\d+) -> (.+)$", out, re.MULTILINE))
    fds = {number: target for number, target in fds.items() if "/opt/what.sh" not in target}
    numbers = dict(re.findall(r"^(RAEEN_\w+)=(\d+)$", out, re.MULTILINE))
    assert {"RAEEN_PORT", "RAEEN_SUPERVISOR", "RAEEN_STATE"} <= numbers.keys(), out + log[-3000:]
    port, supervisor, state = numbers["RAEEN_PORT"], numbers["RAEEN_SUPERVISOR"], numbers["RAEEN_STATE"]
    assert fds.pop(port) == "port:[what]" and fds.pop(supervisor) == "port:[unnamed]" and fds.pop(state) == "/memfd:what (deleted)", out
    assert fds.pop("0") == "/dev/null" and fds.pop("1").startswith("pipe:") and fds.pop("2").startswith("pipe:")
    assert not fds, fds
    assert "RAEEN_WATCHDOG_MS=60000\n" in out
    assert "40\n65536\n" in out and "40\n65536\n" in log


PROFILES = """service echo {
    exec      /tests/echo-service
    port      echo persistent
}
service plain {
    exec      /tests/echo-service
    port      plain
}
service jail {
    exec      /bin/sh /opt/jail.sh
    caps      FILE_READ FILE_EXECUTE IPC_SEND
    view      ro:/bin ro:/tests ro:/opt rw:/tmp
    ports     echo other
    restart   never
}
service blind {
    exec      /bin/echo seen
    view      ro:/nowhere
    restart   never
}
service kept {
    exec      /opt/kept
    port      kept
    pinned
}
"""

JAIL = """echo "write $( (echo x >/tmp/x) 2>&1)"
[ -e /etc ] || echo "no etc"
[ -e /opt/jail.sh ] && echo "its script"
(/tests/load-service echo echo 500 1) 2>&1
(/tests/load-service plain fault fail 5) 2>&1
(echo x >/opt/x) 2>&1
echo done
"""

PINNED = r"""
wait_for 'svc log jail | grep -q done'
wait_for 'running kept'
svc log jail
readlink /proc/$(pid kept)/exe
(echo x >/opt/kept) 2>&1
(rm /opt/kept) 2>&1
(echo x >/sbin/svc) 2>&1
old=$(pid kept); kill -9 $old; wait_for '[ "$(pid kept)" != $old ] && running kept'
svc status blind; echo "blind $?"
"""


def test_profiles(machine):
    """Capabilities, views and port names of a block hold, and its program is sealed where it is pinned."""
    machine.write("etc/services.conf", PROFILES)
    machine.write("opt/jail.sh", JAIL)
    shutil.copy(os.path.join(BUILD, "tests/tests/echo-service"), machine.overlay + "/opt/kept")
    out, log = machine.run(PINNED)
    assert "write /opt/jail.sh: line 1: can't create /tmp/x: Operation not permitted" in out, out + log[-3000:]
    assert "no etc\nits script\n" in out and re.search(r"^calls [1-9]\d* failed 0 ", out, re.MULTILINE)
    assert "load-service: plain: there is no such port" in out
    assert "can't create /opt/x: " in out
    assert out.count("/memfd:kept (deleted)\n") == 1
    assert "can't create /opt/kept: " in out and "can't remove '/opt/kept': " in out and "can't create /sbin/svc: " in out
    assert "cannot start: enter its profile: the view of /nowhere" in out and "blind 3" in out


def test_logs(machine):
    """What a service prints is in its ring, the last 8 KiB of it, and on the console."""
    machine.write("etc/services.conf", "service chatty {\n exec /bin/sh /opt/chatty.sh\n caps all\n restart never\n}\n")
    machine.write("opt/chatty.sh", "i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); echo \"line $i\"; done\nexec sleep 100\n")
    out, log = machine.run("wait_for 'svc log chatty | grep -q \"line 2000\"'; kill -9 1; svc log chatty; svc status chatty")
    lines = re.findall(r"^line (\d+)$", out, re.MULTILINE)
    assert lines[-1] == "2000" and 700 < len(lines) < 900 and lines == [str(i) for i in range(2001 - len(lines), 2001)], out[:500]
    assert "8184 bytes" in out and "line 1\n" in log


PEOPLE = """service talker {
    exec      /bin/sh /opt/talker.sh
    caps      all
}
service broken {
    exec      /bin/false
    restart   never
}
service base {
    exec      /bin/sh /opt/slow.sh base
    caps      all
}
service middle {
    exec      /bin/sh /opt/slow.sh middle
    caps      all
    after     base
}
service top {
    exec      /bin/sh /opt/slow.sh top
    caps      all
    after     base middle
}
"""

TALKER = """mkfifo /tmp/say
echo the old line
while read line </tmp/say; do echo "$line"; done
"""

# Takes its time to end.
SLOW = """trap 'echo "$1 is asked to stop"; sleep 0.5; exit 0' TERM
while :; do sleep 1000 & wait $!; done
"""


class Person:
    """Root at the serial console."""

    def __init__(self, machine):
        line = vm_line(RAEEN, "--overlay", machine.overlay)
        self.child = pexpect.spawn(line[0], line[1:], encoding="utf-8", codec_errors="replace", timeout=60, dimensions=(25, 120))
        self.child.expect("login: ", timeout=90)
        self.child.send("root\r")
        self.child.expect("# ")
        # Typed in two pieces, so that the echo of the command is not taken for the prompt.
        self.child.send("stty -echo; PS1='REA''DY> '\r")
        self.ready()

    def ready(self):
        self.child.expect("READY> ")

    def run(self, command):
        """Returns what @command prints, with its colours."""
        self.child.send(command + "\r")
        self.ready()
        return self.child.before.replace("\r", "")


@pytest.fixture
def person(machine):
    with open(CONF) as usual:
        machine.write("etc/services.conf", usual.read() + PEOPLE)
    machine.write("opt/talker.sh", TALKER)
    machine.write("opt/slow.sh", SLOW)
    somebody = Person(machine)
    yield somebody
    somebody.child.close(force=True)


def test_person(person):
    """svc at a terminal: colours, a log that is followed until ^C; and that services stop before those that they need."""
    person.run("until svc list | grep -q '^broken failed' && svc list | grep -q '^talker running' && svc log talker | grep -q old; do sleep 0.1; done")
    green, red = "\x1b[32m%s\x1b[0m", "\x1b[1;31m%s\x1b[0m"
    out = person.run("svc status")
    assert green % "* " + "talker " in out and green % "running  " in out, out
    assert red % "o " + "broken " in out and red % "failed   " in out, out
    assert "talker: " + green % "running" in person.run("svc status talker")
    for command in ("svc status | cat", "svc status talker | cat", "svc status >/tmp/x; cat /tmp/x", "svc list"):
        out = person.run(command)
        assert "talker" in out and "running" in out and "\x1b" not in out, out

    # Marked, because the console shows what services print, too.
    person.run("(sleep 3; echo the new line >/tmp/say) &")
    person.child.send("svc log -f talker | while read line; do echo \"followed: $line\"; done\r")
    person.child.expect("followed: the old line\r+\n")
    person.child.expect("followed: the new line\r+\n")
    person.child.send("\x03")
    person.ready()
    person.child.send("svc log -f talker\r")
    person.child.expect("the new line\r+\n")
    time.sleep(0.5)
    person.child.sendintr()
    person.ready()
    assert re.search(r"^130$", person.run("echo $?"), re.MULTILINE)

    person.child.send("poweroff\r")
    person.child.expect(pexpect.EOF, timeout=90)
    told = re.findall(r"(top|middle|base) (is asked to stop|ended with status 0)", person.child.before)
    assert told == [(name, what) for name in ("top", "middle", "base") for what in ("is asked to stop", "ended with status 0")], person.child.before
