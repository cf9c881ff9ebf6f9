# SPDX-License-Identifier: MIT
"""
The disk below the root file system: what of it is there after a cut at any place, with what fsync promised; that it can be filled to the last block; that it fails;
and how often the server is asked. The disk is small, so that many cuts are quick.
"""
import base64
import os
import random
import re
import shutil
import zlib

import disk_log
import pytest
import synced
from guest import BUILD, ROOT
from root_machine import DISK, TAKE, TAKE_LAST, Machine

TESTS = os.path.join(BUILD, "tests/tests")

SMALL, LARGE = "root_free=10M", "root_free=100M"
PLACE = "/root"
LOG_BYTES = 48 << 20
CUTS, CUTS_FULL, CUTS_MOVES = 50, 500, 40
SEEDS_FULL = (21, 22, 23, 24)
# As many records are lost at most when flushes count for nothing.
DISORDER = 60
MOUNT = "    mount     / served disk=ram0\n"

LOGGED = f"""
export TMPDIR={PLACE}
sync; echo 'log on {LOG_BYTES}' > {DISK}/control; {TAKE}
SEED=%d ROUNDS=%d CASE_LIMIT_MS=1000000 /tests/root_synced; echo "@status $?"
echo @log; gzip -1 < {DISK}/log | base64 -w 1000; echo @end
echo 'log off' > {DISK}/control; rm -rf {PLACE}/synced; sync
"""
FILLED = f"""
TMPDIR={PLACE} CASE_LIMIT_MS=1000000 /tests/root_full; echo "@status $?"
{TAKE_LAST}
"""


def make_overlay(folder, *programs):
    overlay = folder / "overlay"
    (overlay / "tests").mkdir(parents=True)
    for name in programs:
        shutil.copy(os.path.join(TESTS, name), overlay / "tests")
    return overlay


def mounted_with(overlay, options):
    """The root file system has these options, too."""
    with open(os.path.join(ROOT, "root/etc/services.conf")) as usual:
        text = usual.read()
    assert text.count(MOUNT) == 1
    (overlay / "etc").mkdir()
    (overlay / "etc/services.conf").write_text(text.replace(MOUNT, f"{MOUNT.rstrip()},{options}\n"))


def status(lines):
    return [int(line.split()[1]) for line in lines if line.startswith("@status ")]


class Logged:
    """A boot with the log on: the disk before, the log, and what the program was told; with @filled, root_full afterwards, and the image then."""

    def __init__(self, folder, seed, rounds, filled, options=None):
        image = folder / "before"
        overlay = make_overlay(folder, "root_synced", "root_full")
        if options:
            mounted_with(overlay, options)
        script = LOGGED % (seed, rounds) + (FILLED if filled else "")
        with Machine(script, "--overlay", overlay, "--mem", "1G", timeout=1200, append=SMALL) as machine:
            machine.image(str(image))
            output = machine.until("@log")
            assert status(output) == [0], "\n".join(output)
            log = zlib.decompress(base64.b64decode("".join(machine.until("@end"))), wbits=31)
            if filled:
                self.filled_image = str(folder / "filled")
                machine.image(self.filled_image, last=True)
                self.filled = machine.lines
            else:
                machine.rest()
        self.folder, self.seed = folder, seed
        self.before = image.read_bytes()
        self.records = disk_log.from_memory_disk(log)
        self.acks = synced.acknowledgements(self.records)
        assert len(self.acks) > rounds / 3

    def somewhere(self, count):
        chance = random.Random(self.seed)
        return sorted(chance.randrange(self.acks[0][0] + 1, len(self.records) + 1) for _ in range(count))

    def where_directories_move(self, count):
        begun, places = {}, []
        for written, _, kind, name, _ in self.acks:
            if kind == "moving":
                begun[name] = written
            elif kind == "moved" and name in begun:
                places += range(begun.pop(name) + 2, written + 1)
        return sorted(random.Random(self.seed).sample(places, min(count, len(places))))

    def broken(self, places, cutter):
        """Lines about those cuts that break a promise or cannot be mended. @cutter(place, random) returns the disk. @self.by_hand: how many e2fsck -y mended."""
        chance = random.Random(self.seed)
        lines, self.by_hand = [], 0
        image = str(self.folder / "cut")
        for place in places:
            with open(image, "wb") as out:
                out.write(cutter(place, chance))
            promises = synced.Promises(self.acks, place)
            wrong = synced.mend_and_check(image, f"{PLACE}/synced", promises, str(self.folder / "copy"))
            self.by_hand += promises.by_hand
            lines += [f"SEED={self.seed}, cut after {place} of {len(self.records)} records: {line}" for line in wrong]
        return lines

    def in_order(self, count):
        return self.broken(self.somewhere(count), disk_log.Cutter(self.before, self.records).at)

    def in_moves(self, count):
        return self.broken(self.where_directories_move(count), disk_log.Cutter(self.before, self.records).at)

    def in_disorder(self, count):
        return self.broken(self.somewhere(count), lambda place, chance: disk_log.cut(self.before, self.records, place, chance, max(0, place - DISORDER)))


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    return Logged(tmp_path_factory.mktemp("logged"), 1, 150, True)


def test_cuts(logged):
    assert logged.in_order(CUTS) == []


def test_cuts_while_directories_move(logged):
    """What e2fsck -p cannot mend (ADR 19): e2fsck -y does, with the directory in one of both places, and all else as promised."""
    assert logged.in_moves(CUTS_MOVES) == []
    print(f"{logged.by_hand} of {CUTS_MOVES} cuts while a directory moved needed e2fsck -y")
    assert 0 < logged.by_hand < CUTS_MOVES


def test_cuts_that_ignore_flushes_break_something(logged):
    """The control: without the order that flushes keep, promises are broken; else the test above would show nothing."""
    assert logged.in_disorder(CUTS)


@pytest.mark.full
def test_cuts_of_a_disk_without_order_break_something(tmp_path):
    """The same with ordering switched off where it is made, by a mount option for this test: cuts that keep to the flushes find it, about one in 75."""
    logged = Logged(tmp_path, 1, 150, False, "unordered")
    assert logged.in_order(CUTS_FULL)


def test_filled_to_the_last_block(logged):
    text = "\n".join(logged.filled)
    assert status(logged.filled) == [0, 0] and "ok root_full: " in text and "nothing is filled" not in text, text[-3000:]
    assert synced.clean(logged.filled_image) == []


@pytest.mark.full
@pytest.mark.parametrize("seed", SEEDS_FULL)
def test_many_cuts(seed, tmp_path):
    logged = Logged(tmp_path, seed, 600, False)
    assert logged.in_order(CUTS_FULL) == []
    assert logged.in_moves(CUTS_MOVES) == []
    assert logged.in_disorder(CUTS)


# The disk is full of one text, which nobody has any more; while the superblock cannot be written, what is freed is not discarded. Then files are written beside it,
# and cut.
STALE = b"RAEEN-STALE-DATA"
STALE_LOGGED = f"""
cd {PLACE}; mkdir new; yes {STALE.decode()} | head -c 11000000 > old; sync
echo 'fail write 0 8' > {DISK}/control; rm old; sync; sleep 1; sync; echo 'fail off' > {DISK}/control; sync
echo 'log on {LOG_BYTES}' > {DISK}/control; {TAKE}
i=0; while [ $i -lt 60 ]; do i=$((i + 1)); head -c $((i * 1700)) /dev/zero | tr '\\0' n > new/$i
[ $((i % 5)) != 0 ] || truncate -s 3000 new/$((i - 2)); [ $((i % 7)) != 0 ] || rm new/$((i - 3)); [ $((i % 4)) != 0 ] || sync; done; sync
echo @log; gzip -1 < {DISK}/log | base64 -w 1000; echo @end
"""
CUTS_STALE = 80


class Fresh:
    """As synced.Promises: no file has what was another's."""

    moving = ()

    @staticmethod
    def broken(folder):
        found = [(name, synced.read(folder, name)) for name in sorted(os.listdir(folder))]
        return [f"new/{name}: has what another file had" for name, data in found if data and STALE[:8] in data]


def test_old_data_never_appear(tmp_path):
    image = tmp_path / "before"
    with Machine(STALE_LOGGED, "--mem", "1G", timeout=600, append=SMALL) as machine:
        machine.image(str(image))
        machine.until("@log")
        records = disk_log.from_memory_disk(zlib.decompress(base64.b64decode("".join(machine.until("@end"))), wbits=31))
        machine.rest()
    before = image.read_bytes()
    assert before.count(STALE) > 500000, "the disk is not full of old data"
    cutter, lines, chance = disk_log.Cutter(before, records), [], random.Random(1)
    for place in sorted(chance.randrange(1, len(records) + 1) for _ in range(CUTS_STALE)):
        (tmp_path / "cut").write_bytes(cutter.at(place, chance))
        wrong = synced.mend_and_check(str(tmp_path / "cut"), f"{PLACE}/new", Fresh(), str(tmp_path / "copy"))
        lines += [f"cut after {place} of {len(records)} records: {line}" for line in wrong]
    assert lines == []


COUNTED = f"""
served() {{ echo "@served $1 $(grep disk=ram0 /proc/served)"; }}
cd {PLACE}; dd if=/dev/zero of=big bs=1M count=64 2> /dev/null; mkdir -p a/b; echo x > a/b/c; sync
echo 3 > /proc/sys/vm/drop_caches; served dropped
cat a/b/c; stat a/b/c > /dev/null; : > a/b/new; stat a/b > /dev/null; served cold
for i in 1 2 3 4 5 6 7 8; do cat a/b/c; stat a/b/c > /dev/null; [ -e a/b/c ]; [ ! -e a/b/d ]; [ ! -e a/b/d ]; done > /dev/null; served warm
for same in same1 same2 same3; do
	for i in 1 2 3 4 5 6 7 8; do cat a/b/c; stat a/b/c > /dev/null; [ -e a/b/c ]; [ ! -e a/b/d ]; done > /dev/null; served $same
done
cat big > /dev/null; served read
for again in again1 again2 again3; do cat big > /dev/null; served $again; done
rm -r big a; sync
TMPDIR={PLACE} CASE_LIMIT_MS=300000 /tests/root_errors; echo "@status $?"
"""
# What is asked besides: once for the name, and for the file's attributes.
BESIDE = 4
# What a walk to a file asks where nothing is cached, a look at it, and one at a directory in which a name is new.
WALKS = ("lookup", "getattr", "map_extents")


def asked(line):
    """{request or counter: number} of a line of /proc/served; "sum" is all that the server was asked."""
    counts = {key: int(value) for key, value in re.findall(r" (\w+)=(\d+)", line)}
    names = re.findall(r" (\w+)=\d+", line)
    counts["sum"] = sum(counts[name] for name in names[:names.index("refused")])
    return counts


def asked_each_time(counts, *names):
    """What was asked each time between those; what others of the system ask, they ask once, as it is in caches then."""
    each = [{name: count - counts[before][name] for name, count in counts[after].items() if count != counts[before][name]}
            for before, after in zip(names, names[1:])]
    return each if all("sum" in more for more in each) else []


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    overlay = make_overlay(tmp_path_factory.mktemp("counted"), "root_errors")
    with Machine(COUNTED, "--overlay", overlay, "--mem", "1G", append=LARGE) as machine:
        machine.rest()
    assert "@served again3 " in machine.text(), machine.text()[-3000:]
    return machine


def test_messages(counted):
    counts = {line.split()[1]: asked(line) for line in counted.lines if line.startswith("@served ")}
    assert all(counts["cold"][name] > counts["dropped"][name] for name in WALKS), (counts["dropped"], counts["cold"])
    assert asked_each_time(counts, "warm", "same1", "same2", "same3") == []
    read = counts["read"]["sum"] - counts["same3"]["sum"]
    assert 0 < read <= 2 * 32 + BESIDE, read
    assert asked_each_time(counts, "read", "again1", "again2", "again3") == []


def test_failing_disk(counted):
    text = counted.text()
    assert status(counted.lines) == [0] and "ok root_errors: " in text and "nothing is checked" not in text, text[-3000:]


BAD_BLOCKS = f"""
TMPDIR={PLACE} CASE_LIMIT_MS=300000 /tests/root_bad_blocks; echo "@status $?"
{TAKE_LAST}
"""


def test_failing_metadata(tmp_path):
    """Blocks of the file system itself fail, for reading and for writing; the image is clean at the end."""
    image = str(tmp_path / "image")
    with Machine(BAD_BLOCKS, "--overlay", make_overlay(tmp_path, "root_bad_blocks"), "--mem", "1G", append=LARGE) as machine:
        machine.image(image, last=True)
    text = machine.text()
    assert status(machine.lines) == [0] and "ok root_bad_blocks: " in text and "nothing is checked" not in text, text[-3000:]
    assert synced.clean(image) == []


# --- the tools themselves, without a guest ---

def small_log():
    """Two blocks in order, a flush between them, and an acknowledgement that the first was synced."""
    ack = b"RAEEN-ACK 0 size appended-0 300\n".ljust(synced.PAGE, b"\0")
    return [disk_log.Record(0, b"a" * 4096), disk_log.Record(0, None), disk_log.Record(4096, ack), disk_log.Record(8192, b"b" * 8192)]


def test_log_is_read_back():
    raw = b""
    for number, record in enumerate(small_log()):
        data = record.data or b""
        raw += disk_log.RECORD.pack(number, record.offset // 512, len(data) // 512, disk_log.WRITE if data else disk_log.FLUSH) + data
    assert disk_log.from_memory_disk(raw) == [disk_log.Record(0 if r.data is None else r.offset, r.data) for r in small_log()]
    with pytest.raises(ValueError):
        disk_log.from_memory_disk(raw[:-1])
    with pytest.raises(ValueError):
        disk_log.from_memory_disk(b"\1" + raw[1:])


def test_cut_keeps_what_was_flushed():
    chance, seen = random.Random(3), set()
    for _ in range(100):
        disk = disk_log.cut(bytes(16384), small_log(), 4, chance)
        assert disk[:4096] == b"a" * 4096
        seen.add((disk[4096], disk[8192], disk[12288]))
    assert len(seen) == 8
    assert {bytes(disk_log.cut(bytes(16384), small_log(), 1, chance)[:1]) for _ in range(100)} == {b"\0", b"a"}


def test_promises_are_looked_at(tmp_path):
    acks = synced.acknowledgements(small_log())
    assert synced.Promises(acks, 2).count() == 0
    promises = synced.Promises(acks, 3)
    assert promises.broken(str(tmp_path)) == ["appended-0: not its first 300 bytes, but nothing"]
    good = synced.content("appended-0", 0, 400)
    (tmp_path / "appended-0").write_bytes(good)
    assert promises.broken(str(tmp_path)) == []
    for bad in (good[:299], good[:299] + b"?"):
        (tmp_path / "appended-0").write_bytes(bad)
        assert promises.broken(str(tmp_path))
