# SPDX-License-Identifier: MIT
"""Reads what the guest's `trace` and `profile` have recorded (format: src/kernel/abi/trace_records.h)."""
import struct
from dataclasses import dataclass, field

(SWITCH, WAKE, MIGRATE, FORK, NAME, CALL_ENTER, CALL_LEAVE, FAULT_ENTER, FAULT_LEAVE, INTERRUPT_ENTER, INTERRUPT_LEAVE, SAMPLE, FRAMES, TEXT,
 LOST, MESSAGE_ENTER, MESSAGE_LEAVE) = range(1, 18)
NO_MESSAGE = 2**64 - 1
RECORD = struct.Struct("<QQIBBH")
END = b"\nend\n"
HEAD_MAX = 8 << 20
NUMBERS = ("record_bytes", "cpus", "tsc_hz", "start_tsc", "start_ns", "slide")


class TraceError(Exception):
    """The file is not a trace, or is damaged; the text says how."""


@dataclass
class Record:
    """One record; @at is its time in seconds since tracing began, @order its place in the file."""
    at: float
    argument: int
    tid: int
    event: int
    cpu: int
    extra: int
    tsc: int
    order: int


@dataclass
class Trace:
    numbers: dict = field(default_factory=dict)
    groups: list = field(default_factory=list)
    syscalls: dict = field(default_factory=dict)
    names: dict = field(default_factory=dict)           # by thread, from the head
    processes: dict = field(default_factory=dict)       # process of a thread
    parents: dict = field(default_factory=dict)         # who made a process
    records: list = field(default_factory=list)         # in the order of the file
    lost: dict = field(default_factory=dict)            # by CPU
    texts: list = field(default_factory=list)           # (order, line) of TEXT records, but those that name messages
    messages: dict = field(default_factory=dict)        # names of types of messages
    warnings: list = field(default_factory=list)


def unescape(word):
    out, at = "", 0
    while at < len(word):
        if word[at] == "\\" and word[at + 1:at + 4].isdigit():
            out += chr(int(word[at + 1:at + 4], 8))
            at += 4
        else:
            out += word[at]
            at += 1
    return out


def parse_head(data, trace):
    if not data.startswith(b"raeen-trace "):
        raise TraceError(f"not a trace: it begins with {data[:12]!r}, expected b'raeen-trace 1'")
    if data.split(b"\n", 1)[0] != b"raeen-trace 1":
        raise TraceError(f"a trace of version {data.split(None, 2)[1].decode('ascii', 'replace')}, expected 1")
    end = data.find(END, 0, HEAD_MAX)
    if end < 0:
        raise TraceError("the head has no end: the file was cut off, or is damaged")
    for number, line in enumerate(data[:end].decode("utf-8", "replace").split("\n")[1:], 2):
        words = line.split(" ")
        try:
            if words[0] in NUMBERS:
                trace.numbers[words[0]] = int(words[1])
            elif words[0] == "groups":
                trace.groups = words[1].split(",")
            elif words[0] == "syscall":
                trace.syscalls[int(words[1])] = words[2]
            elif words[0] == "thread":
                trace.processes[int(words[1])] = int(words[2])
                trace.names[int(words[1])] = unescape(words[3])
        except (IndexError, ValueError):
            raise TraceError(f"line {number} of the head is damaged: {line[:60]!r}") from None
    missing = [name for name in NUMBERS if name not in trace.numbers]
    if missing:
        raise TraceError(f"the head has no {missing[0]}")
    if trace.numbers["record_bytes"] != RECORD.size:
        raise TraceError(f"records of {trace.numbers['record_bytes']} bytes, expected {RECORD.size}")
    if not trace.numbers["tsc_hz"] or not 1 <= trace.numbers["cpus"] <= 255:
        raise TraceError(f"nonsense in the head: tsc_hz {trace.numbers['tsc_hz']}, cpus {trace.numbers['cpus']}")
    return end + len(END)


def read(path):
    """The Trace in the file @path. TraceError when it is none; what can be read of a damaged one comes with warnings."""
    with open(path, "rb") as source:
        data = source.read()
    trace = Trace()
    at = parse_head(data, trace)
    left = (len(data) - at) % RECORD.size
    if left:
        trace.warnings.append(f"the last record is incomplete ({left} bytes): the file was cut off")
    parse_records(memoryview(data)[at:len(data) - left], trace)
    return trace


def name_of(tsc, argument):
    return struct.pack("<QQ", tsc, argument).split(b"\0", 1)[0].decode("utf-8", "replace")


def take_text(order, line, trace):
    words = line.split(" ")
    if words[0] == "message" and len(words) == 3 and words[1].isdecimal():
        trace.messages[int(words[1])] = words[2]
    else:
        trace.texts.append((order, line))


def parse_records(data, trace):
    start, hz = trace.numbers["start_tsc"], trace.numbers["tsc_hz"]
    last = {}           # time by CPU: records without one of their own have that of the record before; names, which others may
    named = {}          # need to find behind a fork on another CPU, that of the record after
    bad, text, text_order = 0, b"", 0
    for order, (tsc, argument, tid, event, cpu, extra) in enumerate(RECORD.iter_unpack(data)):
        if event == TEXT:
            text_order = order
            text += struct.pack("<QQ", tsc, argument)[:extra]
            *lines, text = text.split(b"\n")
            for line in lines:
                take_text(order, line.decode("utf-8", "replace"), trace)
            continue
        if not 1 <= event <= MESSAGE_LEAVE or cpu >= 64:
            bad += 1
            continue
        if event in (NAME, FRAMES, LOST):
            at = last.get(cpu, 0.0)
        else:
            at = (tsc - start) / hz
            # A time before the recording, or a year later, was never the processor's.
            if not -1 <= at < 3e7 or at < last.get(cpu, -1.0) - 1:
                bad += 1
                continue
            at = last[cpu] = max(at, last.get(cpu, 0.0))
            for record in named.pop(cpu, ()):
                record.at = at
        if event == LOST:
            trace.lost[cpu] = trace.lost.get(cpu, 0) + argument
        elif event == FORK:
            pid, maker = argument >> 32, trace.processes.get(tid, tid)
            trace.processes[argument & 0xffffffff] = pid
            if pid != maker:
                trace.parents[pid] = maker
        trace.records.append(Record(at, argument, tid, event, cpu, extra, tsc, order))
        if event == NAME:
            named.setdefault(cpu, []).append(trace.records[-1])
    if text:
        take_text(text_order, text.decode("utf-8", "replace"), trace)
    if bad:
        trace.warnings.append(f"{bad} records make no sense and were left out: the file is damaged")
    if bad > len(trace.records):
        raise TraceError(f"{bad} of {bad + len(trace.records)} records make no sense: the file is damaged")
