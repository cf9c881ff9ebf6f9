# SPDX-License-Identifier: MIT
"""The full sizes of ci/tests/test_root*.py, once: what the root file system survives. For ci/bench/root."""
import os
import re
import sys
import tempfile
from pathlib import Path

FOLDER = os.path.dirname(os.path.abspath(__file__))
for part in ("../tests", "../lib"):
    sys.path.insert(0, os.path.join(FOLDER, part))

import measure  # noqa: E402
import synced  # noqa: E402
import test_root  # noqa: E402
import test_root_disk  # noqa: E402
import test_root_faults  # noqa: E402
from root_machine import Machine  # noqa: E402

HEAD = """
## What it survives

Made by `ci/bench/root --renew PART...`, of the tests in `ci/tests/test_root*.py`, which say what is checked, each row at the commit that it names. *Kills*:
SIGKILL of the server, half of them while its port says that it holds a request, with sqlite3, tar, a writer of mapped files, holders of locks and random operations
at work on /. *Cuts*: the power fails after a place in the disk's log, what was not flushed is there or not; `e2fsck -p` (-y only while a directory moves), then everything that fsync promised. *Recovery*: on one CPU with a clock of instructions (1 ms is 10^6 of them).

| what | how much | result | commit |
|---|---|---|---|
"""


def check(holds, text):
    if not holds:
        sys.exit(text)


def kills(folder):
    deaths = held = replayed = rows = 0
    for number, size in enumerate(test_root.FULL):
        place = folder / str(number)
        place.mkdir()
        worked = test_root.Worked(place, size)
        for name, (status, output) in worked.results.items():
            check(status == 0, f"{name}: {output}")
        killed, with_request, again = test_root.deaths(worked.results["killer"][1])
        deaths, held, replayed = deaths + killed, held + with_request, replayed + again
        for mode in test_root.JOURNALS:
            check(worked.acknowledged[mode] == list(range(1, size["rows"] + 1)), f"{mode}: rows are missing")
            test_root.test_what_was_acknowledged_is_there(worked, mode, place)
            rows += len(worked.acknowledged[mode])
        check(synced.clean(worked.image) == [], "the image is not clean")
    return (f"{deaths} deaths, {len(test_root.FULL)} boots of 1 to 4 CPUs",
            f"{held} with a request held, {replayed} given out again; no program saw an error; all {rows:,} acknowledged rows are there; e2fsck -fn is content")


def recovery(folder):
    with Machine("TMPDIR=/root DEATHS=100 SEED=1 /tests/root_killer", "--icount", "--overlay", test_root_faults.make_overlay(folder, "", "root_killer"),
                 "--mem", "1G") as machine:
        check(machine.rest() == 0, machine.text())
    found = re.search(r"(\d+) deaths, .*; median (\d+) ns, longest (\d+) ns", machine.text())
    return f"{found[1]} deaths", f"median {int(found[2]) / 1e6:.2f} ms, longest {int(found[3]) / 1e6:.2f} ms (goal: median 5 ms)"


def cuts(folder):
    cut = records = promises = by_hand = 0
    controls = []
    for seed in test_root_disk.SEEDS_FULL:
        place = folder / str(seed)
        place.mkdir()
        logged = test_root_disk.Logged(place, seed, 600, False)
        count = -(-test_root_disk.CUTS_FULL // len(test_root_disk.SEEDS_FULL))
        broken = logged.in_order(count)
        check(not broken, "\n".join(broken[:20]))
        by_hand += logged.by_hand
        controls.append(len({line.split(":")[0] for line in logged.in_disorder(test_root_disk.CUTS)}))
        cut, records, promises = cut + count, records + len(logged.records), promises + len(logged.acks)
    check(min(controls) > 0, "the control broke nothing")
    return (f"{cut} cuts of {len(controls)} logs, {records:,} writes and flushes",
            f"each mended by e2fsck -p but for {by_hand} while a directory moved, which -y did; all of {promises:,} promises kept; flushes ignored (control): {sum(controls)} of {test_root_disk.CUTS * len(controls)} break something")


def garbage(folder):
    answers = differ = wrong = 0
    for seed in test_root_faults.SEEDS_FULL:
        place = folder / str(seed)
        place.mkdir()
        counts = test_root_faults.lies(seed, test_root_faults.ANSWERS_FULL, place)
        answers, differ, wrong = answers + counts["answers"], differ + counts["differ"], wrong + counts["wrong"]
    return f"{answers:,} answers, {len(test_root_faults.SEEDS_FULL)} boots", f"{differ:,} differ from the right ones, {wrong:,} refused as impossible; the system lives"


def messages(folder):
    with Machine(test_root_disk.COUNTED, "--overlay", test_root_disk.make_overlay(folder, "root_errors"), "--mem", "1G", append=test_root_disk.LARGE) as machine:
        machine.rest()
    test_root_disk.test_messages(machine)
    counts = {line.split()[1]: test_root_disk.asked(line)["sum"] for line in machine.lines if line.startswith("@served ")}
    again = least(counts, "read", "again1", "again2", "again3")
    cached = least(counts, "warm", "same1", "same2", "same3")
    return ("cold sequential read of 64 MiB", f"{counts['read'] - counts['same3']} messages (goal: 64); {again} when read again; {cached} for paths and files "
            "that are cached")


def least(counts, *names):
    """By how much a count grew between those at least: others of the system ask something now and then, once."""
    return min(counts[after] - counts[before] for before, after in zip(names, names[1:]))


# name -> (what the row says, its measurement)
PARTS = {
    "kills": ("the server is killed", kills),
    "recovery": ("from the kill to the next instance's first answer", recovery),
    "cuts": ("the power fails", cuts),
    "garbage": ("the server lies", garbage),
    "messages": ("what is asked", messages),
}


def row(name):
    what, part = PARTS[name]
    with tempfile.TemporaryDirectory(prefix="raeen-root-", dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        return f"| {' | '.join((what, *part(Path(folder)), measure.commit()))} |\n"


def keep(kept, name, text):
    """In the file @kept as it is now: the rows of other parts stay."""
    with open(kept) as table:
        before, _, rest = table.read().partition(HEAD)
    rows = {line.split("|")[1].strip(): line + "\n" for line in rest.splitlines() if line.startswith("|")}
    rows[PARTS[name][0]] = text
    with open(kept, "w") as out:
        out.write(before + HEAD + "".join(rows[what] for what, _ in PARTS.values() if what in rows))
