# SPDX-License-Identifier: MIT
"""
What was written to a disk, and what of it may be there after the power has failed: everything up to the last flush, and of what was written after it any
part. Logs are those of /proc/disks/NAME/log (src/kernel/block/memory_disk.h), and those of QEMU's blklogwrites, by which the tests here are tested on Linux.
"""
import struct
from dataclasses import dataclass

SECTOR = 512
PIECE = 4096
WRITE, FLUSH = 1, 2
RECORD = struct.Struct("<QQII")
LOG_WRITES_SUPER = struct.Struct("<QQQI")
LOG_WRITES_ENTRY = struct.Struct("<QQQQ")
LOG_WRITES_MAGIC = 0x6a736677736872
LOG_WRITES_FLUSH, LOG_WRITES_FUA, LOG_WRITES_DISCARD = 1, 2, 4


@dataclass
class Record:
    """A write of @data at byte @offset, or, when @data is None, a flush."""
    offset: int
    data: bytes


def from_memory_disk(log):
    records, at = [], 0
    while at < len(log):
        sequence, sector, count, operation = RECORD.unpack_from(log, at)
        at += RECORD.size
        if sequence != len(records) or operation not in (WRITE, FLUSH):
            raise ValueError(f"record {len(records)} of the log is none: sequence {sequence}, operation {operation}")
        data = None
        if operation == WRITE:
            data = bytes(log[at:at + count * SECTOR])
            at += count * SECTOR
            if len(data) != count * SECTOR:
                raise ValueError(f"record {sequence} is cut off")
        records.append(Record(sector * SECTOR, data))
    return records


def from_log_writes(log):
    magic, version, count, sector = LOG_WRITES_SUPER.unpack_from(log)
    if magic != LOG_WRITES_MAGIC or version != 1:
        raise ValueError("no log of blklogwrites")
    records, at = [], sector
    for _ in range(count):
        start, sectors, flags, _ = LOG_WRITES_ENTRY.unpack_from(log, at)
        at += sector
        if flags & LOG_WRITES_FLUSH:
            records.append(Record(0, None))
        if sectors and not flags & LOG_WRITES_DISCARD:
            records.append(Record(start * sector, bytes(log[at:at + sectors * sector])))
            at += sectors * sector
        if flags & LOG_WRITES_FUA:
            records.append(Record(0, None))
    return records


def last_flush(records, at):
    """How many of the first @at records are on the disk for certain."""
    while at and records[at - 1].data is not None:
        at -= 1
    return at


def cut(image, records, at, random, certain=None):
    """
    The disk of @image (its content before the first record) after the power failed when @at records had been written: a bytearray. Of those after the last
    flush, or after the first @certain ones, each piece is there or not, by @random; sometimes nearly all are or nearly none is.
    """
    disk = bytearray(image)
    certain = last_flush(records, at) if certain is None else certain
    there = random.choice((0.05, 0.5, 0.5, 0.95))
    for number, record in enumerate(records[:at]):
        for start in range(0, len(record.data or b""), PIECE):
            if number < certain or random.random() < there:
                piece = record.data[start:start + PIECE]
                disk[record.offset + start:record.offset + start + len(piece)] = piece
    return disk


class Cutter:
    """Cuts at growing places, each from the one before: what is certain is written once only."""

    def __init__(self, image, records):
        self.disk = bytearray(image)
        self.records = records
        self.certain = 0

    def at(self, place, random):
        certain = last_flush(self.records, place)
        if certain < self.certain:
            raise ValueError("places must grow")
        for record in self.records[self.certain:certain]:
            if record.data is not None:
                self.disk[record.offset:record.offset + len(record.data)] = record.data
        self.certain = certain
        return cut(self.disk, self.records[certain:place], place - certain, random)
