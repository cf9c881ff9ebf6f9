# SPDX-License-Identifier: MIT
"""
A root file system whose server does worse than die: it stops, answers late or garbage, dies of one request or of all. One boot for each way, and a copy of
the program `ext2-service` of the tests, in which its part is written, takes over by `svc upgrade`.
"""
import os
import re

import pytest

import root_machine
import synced
from guest import BUILD, ROOT
from root_machine import TAKE_LAST, Machine

PROGRAMS = ("root_model", "root_promised")
WORK = "TMPDIR=/root SEED=1 WORKERS=2 OPERATIONS=%d CASE_LIMIT_MS=600000 /tests/root_model"
# What must work in a shell with nothing but what is in memory: the shell itself is, and these are copied to /tmp.
BEFORE = r"""
restarts() { svc list | while read name state pid restarts; do [ "$name" = ext2 ] && echo "$restarts"; done; }
part() { svc upgrade ext2 /tests/ext2-service; echo "@upgraded $?"; }
say() { echo "@$1 $2"; }
mkdir -p /root/busy; cp /bin/busybox /tmp/busybox; cp /sbin/svc /tmp/svc
"""


def make_overlay(folder, part, *programs):
    overlay = folder / "overlay"
    root_machine.make_overlay(overlay, part, programs or PROGRAMS)
    return overlay


def run(folder, part, script, *options, timeout=600, cpus=2):
    """@part: what the server does wrong once the script says `part`."""
    image = str(folder / "image")
    options += ("--overlay", make_overlay(folder, part), "--mem", "1G", "--smp", cpus)
    with Machine(BEFORE + script + "\n" + TAKE_LAST, *options, timeout=timeout) as machine:
        machine.image(image, last=True)
        machine.said_by_services = machine.log(whole=True)
    assert synced.clean(image) == []
    return machine


def said(machine, what):
    """The words after "@what ", once for each time that it was said."""
    return [line.split()[1] for line in machine.lines if line.startswith(f"@{what} ")]


# Deterministic: the server dies with a request in hand, before and after each so manieth commit, or hangs, or answers late. test_root.py has more at work then.
PARTS = ("--die=7", "--die-before-commit=3", "--die-after-commit=3", "--hang=200", "--late=9")


@pytest.mark.parametrize("part, count", [(PARTS[2], 200), (PARTS[4], 200)] + [pytest.param(part, 4000, marks=pytest.mark.full) for part in PARTS])
def test_nobody_notices(part, count, tmp_path):
    machine = run(tmp_path, part, f"part; {WORK % count}; say status $?; say restarts $(restarts); sleep 3", timeout=900)
    assert said(machine, "upgraded") == ["0"] and said(machine, "status") == ["0"], machine.text()[-4000:]
    assert int(said(machine, "restarts")[0]) >= (2 if part.startswith("--hang") else 10), machine.text()[-1000:]
    log = machine.said_by_services
    assert "WAS NOT REFUSED" not in log, log[-4000:]
    late = [log.count(f"a late {what} was refused") for what in ("commit", "answer")]
    assert not part.startswith("--late") or min(late) >= count / 50, (late, log[-4000:])


def test_dies_finding_blocks(tmp_path):
    """Blocks are promised to what was written, and the server dies when they are to be found, before they are its file's and after it."""
    machine = run(tmp_path, "--die-mapping=2", f"""part; TMPDIR=/root/busy CASE_LIMIT_MS=100000 /tests/root_promised; say promised $?; say deaths $(restarts)
        {WORK % 400}; say status $?; say restarts $(restarts)""")
    assert said(machine, "promised") == ["0"] and said(machine, "status") == ["0"], machine.text()[-4000:]
    deaths = int(said(machine, "deaths")[0])
    assert deaths >= 2 and int(said(machine, "restarts")[0]) >= deaths + 10, machine.text()[-1000:]


FAILING = """part; cd /root/busy; sync; say before $(stat -f -c %f .)
i=0; while [ $i -lt 24 ]; do i=$((i + 1)); head -c $((i * 20000)) /dev/urandom > /tmp/data; tries=0
if [ $((i % 2)) = 0 ]; then cat /tmp/data > file; else head -c 3000 /tmp/data > file; fsync file || say failed 0; tail -c +3001 /tmp/data >> file; fi
until fsync file || [ $tries = 4 ]; do tries=$((tries + 1)); say failed $tries; done
cmp /tmp/data file || say differs $i; echo 3 > /proc/sys/vm/drop_caches; cmp /tmp/data file || say differs $i; rm file; done
sync; sync; sleep 1; sync; say after $(stat -f -c %f .)"""


def test_fails_finding_blocks(tmp_path):
    """Blocks are promised, and the server fails to find them: fsync tells, what was written stays, and goes to the disk the next time."""
    machine = run(tmp_path, "--err-mapping=3", FAILING)
    failed = said(machine, "failed")
    assert len(failed) >= 6 and "4" not in failed and not said(machine, "differs"), machine.text()[-3000:]
    assert said(machine, "before") == said(machine, "after"), machine.text()[-1000:]


def test_stopped(tmp_path):
    """Its watchdog ends one that does not run any more; who waits for it goes on."""
    machine = run(tmp_path, "", f"before=$(restarts); svc kill ext2 STOP; {WORK % 200}; say status $?; say more $(($(restarts) - before))")
    assert said(machine, "status") == ["0"] and int(said(machine, "more")[0]) >= 1, machine.text()[-3000:]


def test_a_poisoned_name(tmp_path):
    """The request that ends each instance gets EIO; all others, before and after it, do not notice."""
    machine = run(tmp_path, "--poison=poison", f"""part
        ({WORK % 600}; say status $?) & touch /root/busy/poison; say poisoned $?; touch /root/busy/good; say good $?; wait""")
    assert said(machine, "poisoned") == ["1"] and "Input/output error" in machine.text() or "I/O error" in machine.text(), machine.text()[-3000:]
    assert said(machine, "good") == ["0"] and said(machine, "status") == ["0"], machine.text()[-3000:]


# What it costs to ask a server that does not live: `timed NAME COMMAND...` says its status, and what the guest's clock said before and after it.
TIMED = r"""
timed() { name=$1; shift; read from rest < /proc/uptime; "$@" > /tmp/said 2>&1; status=$?; read to rest < /proc/uptime
say $name "$status $from $to $(/tmp/busybox cat /tmp/said)"; }
lives() { /tmp/busybox echo alive > /tmp/alive; say lives $(/tmp/busybox cat /tmp/alive); }
cd /
"""
EIO = ("Input/output error", "I/O error")


def longest_dying():
    """Seconds that services.conf gives the root's server until it is given up: so many restarts, each after the longest back-off."""
    with open(os.path.join(ROOT, "root/etc/services.conf")) as source:
        block = re.search(r"^service ext2 \{(.*?)^\}", source.read(), re.M | re.S)[1]
    longest, restarts = re.search(r"backoff=\w+\.\.(\d+)s give-up=(\d+)/min", block).groups()
    return int(longest) * int(restarts)


def failed_within(machine, name, limit):
    """Every command that was timed as @name failed with EIO, in so many seconds."""
    lines = [line.split(None, 4) for line in machine.lines if line.startswith(f"@{name} ")]
    assert lines, machine.text()[-3000:]
    for _, status, begun, ended, text in lines:
        assert int(status) == 1 and text.endswith(EIO) and float(ended) - float(begun) <= limit, machine.text()[-3000:]


def test_always_dying(tmp_path):
    """
    EIO, in the time that services.conf says on a clock of instructions, and the rest of the system lives; with a program that works it comes back. Then the server that
    ships is killed again before it answers anything, until nobody starts it any more: EIO at once, and `svc start` is all that it needs.
    """
    machine = run(tmp_path, "--dying", TIMED + """part
        state() { /tmp/svc list | while read name state rest; do [ "$name" = ext2 ] && echo "$state"; done; }
        timed touched /tmp/busybox touch /root/busy/new; lives; /tmp/svc upgrade ext2; say started $?
        i=0; until touch /root/busy/again 2> /dev/null || [ $i = 600 ]; do i=$((i + 1)); /tmp/busybox sleep 0.1; done; ls /root/busy/again; say back $?
        i=0; until [ "$(state)" = failed ] || [ $i = 400 ]; do i=$((i + 1)); /tmp/svc kill ext2 KILL > /dev/null 2>&1; /tmp/busybox sleep 0.25; done; say state $(state)
        timed failed /tmp/busybox touch /root/busy/new; lives
        /tmp/svc start ext2; say started $?; touch /root/busy/new; say back $?; ls /root/busy/new; say back $?""", "--icount", cpus=1)
    failed_within(machine, "touched", longest_dying())
    failed_within(machine, "failed", 1)
    assert said(machine, "state") == ["failed"] and said(machine, "lives") == ["alive"] * 2, machine.text()[-3000:]
    assert said(machine, "started") == ["0"] * 2 and said(machine, "back") == ["0"] * 3, machine.text()[-3000:]


@pytest.mark.full
def test_given_up(tmp_path):
    """So often that the manager does not start it again: as above, and `svc start` is enough, if only to be given up again."""
    machine = run(tmp_path, "--dying", TIMED + """part
        state() { /tmp/svc list | while read name state rest; do [ "$name" = ext2 ] && echo "$state"; done; }
        i=0; while [ "$(state)" != failed ] && [ $i -lt 300 ]; do i=$((i + 1)); /tmp/busybox touch /root/busy/new 2> /dev/null && say touched 0; done; say state $(state)
        timed late /tmp/busybox touch /root/busy/new
        /tmp/svc start ext2; say again $?; /tmp/busybox touch /root/busy/new 2> /dev/null && say touched 0
        /tmp/svc upgrade ext2; say started $?; touch /root/busy/new; say back $?""")
    assert said(machine, "state") == ["failed"] and not said(machine, "touched"), machine.text()[-3000:]
    failed_within(machine, "late", longest_dying())
    assert said(machine, "again") == ["0"] and said(machine, "started") == ["0"] and said(machine, "back") == ["0"], machine.text()[-3000:]


DEBUG = os.path.join(BUILD, "raeen-debug.iso")
# Answers of a boot, of which every second one is mutated. Six boots at full size make more than 100,000 that differ from the right ones.
ANSWERS, ANSWERS_FULL, SEEDS_FULL = 2000, 40000, range(2, 8)
ANSWERS_DEBUG, ANSWERS_DEBUG_FULL = 1000, 20000
# The service says so each time when it has told so many that differ (src/servers/test/lies).
SAID = (100, "100 more answers differ from the right ones")
SAID_OF_COMMITS = (100, "100 more wrong commits were refused")
# The ways in which they can be wrong that the kernel counts; there are two more, only when a file system is mounted (src/userland/tests/served.c).
WAYS = ("length", "node", "mode", "links", "size", "loop", "target", "entry", "entry_name", "cookie", "statfs", "type", "removed", "extent", "file")

LIES = r"""cp /tests/root_garbage /tmp/root_garbage; part
words() { /tmp/busybox tr ' ' '\n'; }
answers() { /tmp/busybox sed -n '/ disk=/{s/ unanswered=.*//; s/.* root=/root=/p;}' /proc/served | words |
(sum=0; while IFS== read name count; do [ $name = refused ] && count=-$count; sum=$((sum + count)); done; echo $sum); }
missing() { /tmp/busybox sed -n 's/^wrong: //p' /proc/served | words | /tmp/busybox sed -n 's/=0$//p' | /tmp/busybox grep -vxE 'type_name|root'; }
i=0; while { [ $(answers) -lt LEAST ] || [ -n "$(missing)" ]; } && [ $i -lt 1000 ]; do i=$((i + 1)); SEED=$i TMPDIR=/ ROUNDS=1000 /tmp/root_garbage > /tmp/said || break; done
say ended $?; /tmp/busybox cat /tmp/said; say answers $(answers); /tmp/busybox cat /proc/served"""


def lies(seed, answers, folder, *options, timeout=1500):
    """Lets the server answer so often, and not by an error, and in all WAYS; {"answers": so many, "differ": of them, "wrong": those that the kernel refused, "commits": that it refused}."""
    options += ("--overlay", make_overlay(folder, f"--garbage={seed}", "root_garbage"), "--mem", "1G", "--smp", "2")
    with Machine(BEFORE + LIES.replace("LEAST", str(answers)), *options, timeout=timeout) as machine:
        machine.rest()
        said_by_program, log = machine.text(), machine.log(whole=True)
    text = said_by_program + log
    assert said(machine, "ended") == ["0"] and "panic" not in text, text[-4000:]
    mount, ways = (dict(re.findall(r" (\w+)=(\d+)", line)) for line in said_by_program[said_by_program.rindex("disk=ram0"):].splitlines()[:2])
    counts = {"answers": int(said(machine, "answers")[0]), "differ": SAID[0] * log.count(SAID[1]), "wrong": int(mount["wrong"])}
    assert [way for way in WAYS if not int(ways[way])] == [], text[-4000:]
    counts["commits"] = SAID_OF_COMMITS[0] * log.count(SAID_OF_COMMITS[1])
    assert counts["commits"] + SAID_OF_COMMITS[0] > answers / 40 and "WAS NOT REFUSED" not in log, f"{counts}\n{text[-4000:]}"
    assert counts["answers"] >= answers and counts["differ"] + SAID[0] > answers * 0.43 and counts["wrong"] > counts["differ"] / 4, f"{counts}\n{text[-4000:]}"
    return counts


@pytest.mark.parametrize("seed, answers", [(1, ANSWERS)] + [pytest.param(seed, ANSWERS_FULL, marks=pytest.mark.full) for seed in SEEDS_FULL])
def test_garbage(seed, answers, tmp_path):
    """
    Mutated answers: errors, and nothing else. The kernel refuses those that cannot be, which it counts by what is wrong; what a lie that could be true does to
    the data is not its fault, so nothing of them is looked at. Commits that must not happen do not.
    """
    lies(seed, answers, tmp_path)


@pytest.mark.parametrize("seed, answers", [(8, ANSWERS_DEBUG), pytest.param(9, ANSWERS_DEBUG_FULL, marks=pytest.mark.full)])
def test_garbage_under_checks(seed, answers, tmp_path):
    """The same with the kernel that notices when it reads or writes what is not its own (src/kernel/debug/README.md)."""
    lies(seed, answers, tmp_path, "--image", DEBUG, timeout=3000)
