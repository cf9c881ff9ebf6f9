# SPDX-License-Identifier: MIT
"""The service manager against services and callers that make it hard: what is left of a dead one, who waits for one given up, floods of output and of requests."""
import os
import re
import shutil
import sys

import pytest

from guest import BUILD, RAEEN, ROOT, vm
from test_supervision import Machine

sys.path.insert(0, os.path.join(ROOT, "toolchain/lib"))
import tracefile  # noqa: E402

CPUS = pytest.mark.parametrize("cpus", [pytest.param(1, marks=pytest.mark.full), 2, pytest.param(4, marks=pytest.mark.full)])

SERVICES = """service echo {
    exec      /tests/echo-service
    port      echo persistent
    watchdog  1s
}
service hold {
    exec      /tests/hold-service
    port      hold persistent
    watchdog  2s
}
"""


@pytest.fixture
def machine(tmp_path):
    made = Machine(tmp_path)
    shutil.copy(os.path.join(BUILD, "tests/tests/hold-service"), made.overlay + "/tests")
    return made


UPGRADE = r"""
wait_for 'running hold'
/tests/hold-service later hold 7 >/tmp/later & first=$!
held() { while read name epoch is queued held rest; do [ "$name" = hold ] && echo $held; done </proc/ports; }
wait_for '[ "$(held)" = 1 ]'
svc upgrade hold >/tmp/upgrade 2>&1 & second=$!
wait_for '[ "$(state hold)" = stopping ]'
sleep 7
echo "state $(state hold)"
/tests/hold-service later hold 8 >/tmp/next & third=$!
/tests/hold-service note hold
wait $first $second
cat /tmp/later /tmp/upgrade
until /tests/hold-service note hold; [ -s /tmp/next ]; do sleep 0.1; done
cat /tmp/next
load hold echo 1000 1
"""


@CPUS
def test_upgrade_cuts_no_request(machine, cpus):
    """A request held without a descriptor to wait for, for longer than a stop has patience: the upgrade waits for its answer, and so does who comes meanwhile."""
    machine.write("etc/services.conf", SERVICES)
    out, log = machine.run(UPGRADE, "--smp", cpus)
    assert "state stopping\n" in out, out + log[-3000:]
    assert re.search(r"^later 7\nhold upgraded \(process \d+\)\nlater 8\n", out, re.MULTILINE), out + log[-3000:]
    assert re.search(r"^calls [1-9]\d* failed 0 ", out, re.MULTILINE), out
    assert "is killed" not in log


SLOW_COPY = r"""
wait_for 'running echo'
cp /bin/busybox /sbin/svc /tmp; cp /tests/echo-service /root/next; sync
cat >/tmp/script <<'END'
stopped() { /tmp/svc kill ext2 STOP; echo 3 >/proc/sys/vm/drop_caches; /tmp/svc upgrade echo /root/next >/tmp/$1 2>&1 & /tmp/busybox sleep 1; }
stopped first
read before rest </proc/uptime; /tmp/svc list | while read name state pid rest; do [ "$name" = echo ] && echo "meanwhile $state"; done; read after rest </proc/uptime
/tmp/svc upgrade echo /root/other 2>&1
echo "took $before $after"
/tmp/svc kill ext2 CONT; wait; /tmp/busybox cat /tmp/first
stopped second
/tmp/svc restart echo; /tmp/svc kill ext2 CONT; wait; /tmp/busybox cat /tmp/second
stopped third
kill -9 1
/tmp/svc kill ext2 CONT; wait
END
/tmp/busybox sh /tmp/script
wait_for 'running echo && [ "$(restarts echo)" = 0 ]'; readlink /proc/$(pid echo)/exe
load echo echo 1000 1
"""


@CPUS
def test_copy_keeps_nobody_waiting(machine, cpus):
    """A new program on a file system that does not answer: the manager serves others; a restart ends the wait for it, but not the manager's death."""
    machine.write("etc/services.conf", SERVICES)
    out, log = machine.run(SLOW_COPY, "--smp", cpus)
    before, after = map(float, re.search(r"^took (\S+) (\S+)$", out, re.MULTILINE).groups())
    assert "meanwhile running\nsvc: echo: " in out and after - before < 2, out + log[-3000:]
    assert len(re.findall(r"^echo upgraded \(process \d+\)$", out, re.MULTILINE)) == 1, out
    assert out.count("\nsvc: echo: ") == 2 and "\necho restarted" in out, out
    assert re.search(r"^/memfd:next \(deleted\)\ncalls [1-9]\d* failed 0 ", out, re.MULTILINE), out


LEFT = """service group {
    exec      /tests/hold-service group
    port      group persistent
    state     4KiB
    restart   always backoff=1ms..1ms give-up=never
}
service session {
    exec      /tests/hold-service session
    port      session persistent
    state     4KiB
    restart   always backoff=1ms..1ms give-up=never
}
service parent {
    exec      /bin/sh /opt/parent.sh
    caps      all
    restart   on-failure backoff=1ms..1ms give-up=3/min
}
service daemon {
    exec      /bin/sh /opt/daemon.sh
    caps      all
    restart   never
}
"""

KILL = r"""
wait_for 'running group && running session && [ "$(state parent)" = failed -a "$(state daemon)" = ended ]'
for name in group session; do
	for i in 1 2 3 4 5; do
		old=$(pid $name); sleep 0.2
		kill -9 $old; wait_for "[ \$(pid $name) != $old ] && running $name"
	done
	svc restart $name >/dev/null; sleep 0.2; svc stop $name >/dev/null; svc start $name >/dev/null
	wait_for "[ \$(svc log $name | wc -l) = 8 ]"
done
wait_for '[ $(pidof hold-service | wc -w) = 4 ]'; pidof hold-service | wc -w
svc log group; svc log session
svc stop group >/dev/null; svc stop session >/dev/null; wait_for '[ -z "$(pidof hold-service)" ]'; pidof hold-service | wc -w
pgrep -f 'sleep 1234' | wc -l; pgrep -f 'sleep 4321' | wc -l
"""


@CPUS
def test_nobody_is_left(machine, cpus):
    """The state of a service is its next instance's alone: children of the one before, in its group or only in its session, are gone by then."""
    machine.write("etc/services.conf", LEFT)
    machine.write("opt/parent.sh", "sleep 1234 &\nexit 1\n")
    machine.write("opt/daemon.sh", "sleep 4321 &\nexit 0\n")
    out, log = machine.run(KILL, "--smp", cpus)
    assert len(re.findall(r"^alone \d+$", out, re.MULTILINE)) == 16 and "SHARED" not in out, out + log[-3000:]
    assert out.startswith("4\n") and out.endswith("\n0\n0\n1\n"), out


GIVEN_UP = """service dying {
    exec      /bin/sh /opt/dying.sh
    caps      all
    port      dying persistent
    restart   always backoff=500ms..500ms give-up=2/min
}
"""

REFUSED = r"""
wait_for '[ "$(state dying)" = waiting ]'
( /tests/hold-service later dying 1 ) &
wait_for '[ "$(state dying)" = failed ]'; wait $!
/tests/hold-service later dying 2
kill -9 1
/tests/hold-service later dying 3
load dying echo 6000 4 >/tmp/load &
sleep 1; touch /tmp/cure; svc start dying >/dev/null; echo "start $?"
sleep 1; svc stop dying >/dev/null
/tests/hold-service later dying 4
svc start dying >/dev/null; wait $!
cat /tmp/load
load dying echo 1000 2
ls -l /proc/1/fd | grep -c 'port:.dying'
grep ' dying\|^dying' /proc/ports
"""


@CPUS
def test_given_up(machine, cpus):
    """Who waits at the port of a service that is at rest, and who comes, gets EIO at once, by whichever manager; when it is started they are served."""
    machine.write("etc/services.conf", GIVEN_UP)
    out, log = machine.run(REFUSED, "--smp", cpus)
    assert out.startswith("later -5\nlater -5\nlater -5\nstart 0\nlater -5\n"), out + log[-3000:]
    calls, failed = map(int, re.search(r"^calls (\d+) failed (\d+) ", out, re.MULTILINE).groups())
    assert failed > 0 and calls - failed > 100, out
    errors = re.findall(r"^\d+ times (.*)$", out, re.MULTILINE)
    assert len(errors) <= 2 and set(errors) <= {os.strerror(5), os.strerror(104)} | set(errors[:1]), out
    assert len(re.findall(r"^calls [1-9]\d* failed 0 ", out, re.MULTILINE)) == 1, out
    assert "\n1\n" in out, "the manager has the port once: " + out


SOUR = r"""
wait_for 'running sour'
for i in 1 2 3 4 5 6 7 8; do
	[ "$(state sour)" = failed ] && break
	load sour fault fail 5; load sour fault leave 3
	wait_for 'running sour || [ "$(state sour)" = failed ]'
done
echo "$(state sour) $(restarts sour)"
svc status sour | grep served
"""


@CPUS
def test_errors_are_no_service(machine, cpus):
    """Requests that are answered with an error do not make up for deaths."""
    machine.write("etc/services.conf", "service sour {\n exec /tests/echo-service\n port sour persistent\n restart always backoff=1ms..10ms give-up=4/min\n}\n")
    out, log = machine.run(SOUR, "--smp", cpus)
    assert "failed 4\n" in out and "served" not in out, out + log[-3000:]


OUTPUT = """service loud {
    exec      /bin/sh /opt/loud.sh
    caps      all
}
service paints {
    exec      /bin/sh /opt/paints.sh
    caps      all
    restart   never
}
"""

FLOOD = r"""
wait_for 'running echo'
read name x x x x x x x x x x x x before rest </proc/1/stat
sleep 6
read name x x x x x x x x x x x x after rest </proc/1/stat
echo "ticks $((after - before))"
svc log loud | tail -n 300 | grep -c dropped
echo "echo $(state echo) $(restarts echo)"
svc stop loud >/dev/null; echo "stop $?"
wait_for 'svc log loud | grep -q dropped'
svc log loud | grep dropped | tail -n 1
cut -d . -f 1 /proc/uptime | sed 's/^/uptime /'
svc log paints | od -An -c | tr -d ' \n'; echo
script -qc 'svc log paints' /tmp/typescript </dev/null >/dev/null; od -An -c /tmp/typescript | tr -d ' \n'; echo
"""


@CPUS
def test_output(machine, cpus):
    """A service that prints without end costs little, and the log says what was dropped; what controls a terminal reaches none."""
    machine.write("etc/services.conf", SERVICES + OUTPUT)
    machine.write("opt/loud.sh", "sleep 1; exec yes all work and no play\n")
    machine.write("opt/paints.sh", r"printf 'a\033[2J\033]0;title\007b\302\2332Jc\303\274\r\n'")
    out, log = machine.run(FLOOD, "--smp", cpus)
    with open(machine.console, "rb") as raw:
        console = raw.read()
    lines = console.count(b"all work")
    assert b"\x1b[2J" not in console and b"\x1b]0" not in console and b"\x07" not in console and b"a[2J]0;titleb" in console
    uptime = int(re.search(r"^uptime (\d+)$", out, re.MULTILINE)[1])
    assert 50 < lines and lines * 22 < 32768 + 4096 * (uptime + 1), (lines, uptime)
    assert re.search(r"^loud: \d{3,} lines dropped$", log, re.MULTILINE), log[-3000:]
    assert int(re.search(r"^ticks (\d+)$", out, re.MULTILINE)[1]) < 250, out
    assert "echo running 0\n" in out and "stop 0\n" in out, out + log[-3000:]
    assert re.search(r"^loud: \d+ lines dropped$", out, re.MULTILINE), out
    assert r"a033[2J033]0;titleab302233" in out.replace("\\", ""), out
    plain = out.replace("\\", "").splitlines()[-1]
    assert plain.startswith("a[2J]0;titleb3022Jc303274rn"), plain


STORM = r"""
wait_for 'running echo'
/tests/hold-service storm manager 5000 >/tmp/storm &
sleep 0.5
for i in 1 2 3 4 5; do
	old=$(pid echo); kill -9 $old; wait_for "[ \$(pid echo) != $old ] && running echo"
	load echo fault fail 7
done
svc restart hold >/dev/null; echo "restart $?"
wait; cat /tmp/storm
"""


@CPUS
def test_storm_of_requests(machine, cpus):
    """Eight threads that ask the manager without end keep it neither from its services nor from other callers."""
    machine.write("etc/services.conf", SERVICES)
    out, log = machine.run(STORM, "--smp", cpus)
    assert re.findall(r"^\d+$", out, re.MULTILINE) == ["7"] * 5 and "restart 0\n" in out, out + log[-3000:]
    assert int(re.search(r"^answers (\d+)$", out, re.MULTILINE)[1]) > 500, out


BATCH = r"""
until svc status echo >/dev/null; do sleep 0.1; done
sleep 1
trace -e syscall -s 4096 -o /tmp/out /tests/hold-service storm manager 400 >/dev/null && cat /tmp/out
"""

PPOLL, MSG_REPLY, BATCH_MAX = 271, 1030, 16


def test_requests_are_served_in_batches(machine, tmp_path):
    """Between two looks at its services the manager answers more than one request when more are there, and never more than 16."""
    machine.write("etc/services.conf", SERVICES)
    done = vm(RAEEN, BATCH, "--smp", 4, "--overlay", machine.overlay)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    (tmp_path / "trace").write_bytes(done.stdout)
    turns = [0]
    for item in sorted(tracefile.read(tmp_path / "trace").records, key=lambda item: (item.at, item.order)):
        if item.tid == 1 and item.event == tracefile.CALL_ENTER and item.extra == PPOLL:
            turns.append(0)
        elif item.tid == 1 and item.event == tracefile.CALL_ENTER and item.extra == MSG_REPLY:
            turns[-1] += 1
    assert sum(turns) > 20 and 1 < max(turns) <= BATCH_MAX, (len(turns), sum(turns), max(turns))


FORKS = r"""
wait_for 'running echo && running hold'
for i in 1 2 3 4 5 6 7 8; do
	sleep 2.6
	kill -9 $(pid echo) 2>/dev/null; kill -9 1
done
sleep 1
svc list | grep '^crash' >/tmp/before
same() { svc list | grep '^crash' >/tmp/after; while read name state pid restarts; do grep "^$name .* $restarts\$" /tmp/after; done </tmp/before; }
wait_for '[ -z "$(same)" ]' || same
wc -l </tmp/before
for name in echo hold; do wait_for "running $name"; echo "$name $(pidof $name-service | wc -w)"; done
load echo echo 1000 1; load hold echo 1000 1
"""


# With four CPUs some of the deaths come in the middle of a fork; one has no time for so many.
@pytest.mark.parametrize("cpus, pause", [pytest.param(1, "200ms", marks=pytest.mark.full), (4, "10ms")])
def test_killed_while_it_forks(machine, cpus, pause):
    """The manager killed while it starts services again and again: each is there once, and none is forgotten."""
    crash = "".join(f"service crash{i} {{\n exec /bin/false\n restart always backoff={pause}..{pause} give-up=never\n}}\n" for i in range(12))
    machine.write("etc/services.conf", SERVICES + crash)
    out, log = machine.run(FORKS, "--smp", cpus, timeout=400)
    assert "12\necho 1\nhold 1\n" in out and out.count(" failed 0 ") == 2, out + log[-3000:]
