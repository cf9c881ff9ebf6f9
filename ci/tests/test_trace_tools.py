# SPDX-License-Identifier: MIT
"""trace, profile and threads in the guest, and the pictures that trace-timeline and flame-graph make on the host."""
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from guest import BUILD, LINUX, RAEEN, ROOT, vm

sys.path.insert(0, os.path.join(ROOT, "toolchain/lib"))
import tracefile as tf  # noqa: E402

TIMELINE = os.path.join(ROOT, "toolchain/trace-timeline")
FLAME = os.path.join(ROOT, "toolchain/flame-graph")
SVG = "{http://www.w3.org/2000/svg}"
CPUS = 2
HZ = 1_000_000_000

BURNER = """\
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

static char block[1 << 20];

__attribute__((noinline)) void breathe(void)
{
\t__asm__ volatile("");
}

/* It calls something, because a function that calls nothing gets no frame. */
__attribute__((noinline)) unsigned long burn_here(unsigned long rounds)
{
\tunsigned long value = 1;

\twhile (rounds--) {
\t\tvalue = value * 6364136223846793005ul + 1442695040888963407ul;
\t\t__asm__ volatile("" : "+r"(value));
\t\tif (!(rounds % 65536))
\t\t\tbreathe();
\t}
\treturn value;
}

__attribute__((noinline)) void calls_it(unsigned long rounds)
{
\tburn_here(rounds);
\t__asm__ volatile("");
}

/* burner burn N: in a function; burner read N: in the kernel, filling memory with zeroes. */
int main(int argc, char **argv)
{
\tunsigned long rounds = strtoul(argv[2], NULL, 0);
\tint fd = open("/dev/zero", O_RDONLY);

\tif (argv[1][0] == 'b')
\t\tcalls_it(rounds);
\telse
\t\twhile (rounds--)
\t\t\tread(fd, block, sizeof block);
\treturn 0;
}
"""


def run_tool(tool, *arguments, status=0):
    done = subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("trace")


@pytest.fixture(scope="module")
def overlay(folder):
    """A root with the burning program, and the guest's own programs for Linux."""
    root = folder / "overlay"
    (root / "bin").mkdir(parents=True)
    (folder / "burner.c").write_text(BURNER)
    subprocess.run([os.path.join(BUILD, "toolchain/bin/x86_64-raeen-linux-musl-gcc"), "-O2", "-fno-omit-frame-pointer", "-o", root / "bin/burner",
                    folder / "burner.c"], check=True)
    shutil.copy(os.path.join(BUILD, "userland/stage/bin/threads"), root / "bin/threads")
    return root


def record(folder, overlay, name, command):
    """What the guest recorded while it ran @command, as a file."""
    done = vm(RAEEN, f"{command} >/dev/null && cat /tmp/out", "--smp", CPUS, "--overlay", overlay)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    path = folder / name
    path.write_bytes(done.stdout)
    return path


@pytest.fixture(scope="module")
def traced(folder, overlay):
    return record(folder, overlay, "traced", "trace -o /tmp/out sh -c 'for i in 1 2 3 4 5; do echo $i; sleep 0.01; done | cat | wc -l; ls /nowhere; true'")


@pytest.fixture(scope="module")
def profiled(folder, overlay):
    return record(folder, overlay, "profiled", "profile -o /tmp/out burner burn 1500000000")


def folded(path, folder, *options):
    """The profile's stacks: list of (frames, count)."""
    out = folder / (path.name + ".folded")
    run_tool(FLAME, path, "--folded", "-o", out, *options)
    stacks = []
    for line in out.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        stacks.append((stack.split(";"), int(count)))
    return stacks


def titles(path):
    return [title.text for title in ET.parse(path).iter(SVG + "title")]


# ---- What the guest records ----

def test_timeline_of_a_recorded_run(traced, folder):
    out = folder / "traced.svg"
    run_tool(TIMELINE, traced, "-o", out, "--width", 60000)     # so that nothing is too short to show
    shown = titles(out)
    for name in ("sh", "cat", "wc", "sleep"):
        assert any(re.match(rf"{name}, thread \d+\nCPU \d, from ", text) for text in shown), name
    assert any("-ENOENT" in text and text.startswith(("open", "stat", "lstat")) for text in shown)
    assert any(text.startswith("page fault: write 0x") for text in shown)
    assert any(text.startswith("interrupt: timer (48)") for text in shown)
    assert any(re.match(r".* wakes cat \d+: it runs ", text) for text in shown)
    # Somebody wakes the sleeper, at least 10 ms after it went to sleep.
    assert any(re.match(r"sleep, thread \d+\n.*\nthen sleeps", text) for text in shown)


def test_messages_have_names(folder, overlay):
    """Both sides of a request, with and without the calls that carry them; the service manager is asked by svc."""
    for groups in ("message,sched", "message,sched,syscall"):
        path = record(folder, overlay, "messages", f"trace -o /tmp/out -e {groups} svc list")
        run_tool(TIMELINE, path, "-o", folder / "messages.svg", "--width", 60000)
        shown = titles(folder / "messages.svg")
        assert any(re.match(r"sends svc\.list: \d+ bytes; gets an answer: \d+ bytes\nsvc \d+,", text) for text in shown), groups
        assert any(re.search(r"gets svc\.list: \d+ bytes\nmanager 1,", text) for text in shown), groups
        assert any(re.match(r"msg_", text) for text in shown) == ("syscall" in groups)


def test_a_thread_is_on_one_cpu_at_a_time(traced):
    """Neither do the CPUs' slices overlap, nor is a thread in two places; the switches of a CPU form a chain."""
    trace = tf.read(traced)
    running, on = {}, {}
    assert not trace.lost
    for item in sorted((item for item in trace.records if item.event == tf.SWITCH), key=lambda item: (item.at, item.order)):
        if item.cpu in running:
            assert running[item.cpu] == item.tid, "who leaves a CPU is who came to it"
        came = item.argument & 0xffffffff
        on.pop(item.tid, None)
        if came:
            assert on.get(came, item.cpu) == item.cpu, "a thread on two CPUs"
            on[came] = item.cpu
        running[item.cpu] = came
    assert len({item.tid for item in trace.records}) > 5


def test_calls_nest_and_return(traced):
    trace = tf.read(traced)
    open_calls, returned = {}, 0
    for item in sorted(trace.records, key=lambda item: (item.at, item.order)):
        if item.event == tf.CALL_ENTER:
            assert item.tid not in open_calls, "a call inside a call"
            open_calls[item.tid] = item.extra
        elif item.event == tf.CALL_LEAVE and item.tid in open_calls:
            assert open_calls.pop(item.tid) == item.extra
            returned += 1
    assert returned > 100
    # What is left open: exit, or calls in which somebody slept when the recording ended.
    assert all(trace.syscalls[number] in ("exit_group", "exit", "read", "write", "poll", "wait4", "ppoll", "nanosleep", "futex", "select", "epoll_wait",
                                          "pselect6", "rt_sigtimedwait", "clock_nanosleep", "epoll_pwait", "msg_recv", "msg_serve",
                                          "msg_reply_recv", "msg_call", "msg_ask") for number in open_calls.values())


def test_profile_shows_where_time_goes(profiled, overlay, folder):
    stacks = folded(profiled, folder, "--root", overlay)
    mine = [(stack, count) for stack, count in stacks if stack[0] == "burner"]
    total = sum(count for _, count in mine)
    burning = sum(count for stack, count in mine if "burn_here" in stack)
    assert total >= 50
    assert burning > 0.8 * total
    # By frame pointers: the caller is below it.
    assert sum(count for stack, count in mine if "calls_it;burn_here" in ";".join(stack)) > 0.8 * total


def test_profile_of_the_kernel(overlay, folder):
    path = record(folder, overlay, "kernel", "profile -o /tmp/out -r 2000 burner read 1500")
    mine = [(stack, count) for stack, count in folded(path, folder, "--root", overlay) if stack[0] == "burner"]
    total = sum(count for _, count in mine)
    assert total >= 20
    # From the program's call of read() down to the assembly that clears its memory.
    assert sum(count for stack, count in mine if "read_zeroes_[k]" in stack and stack[1:2] != ["[unknown program]"]) > 0.8 * total


def test_flame_graph_is_a_picture(profiled, overlay, folder):
    out = folder / "profiled.svg"
    run_tool(FLAME, profiled, "-o", out, "--root", overlay)
    tips = titles(out)
    assert any(re.match(r"burn_here\n\d+ samples, ", text) for text in tips)
    share = next(float(re.search(r", ([\d.]+)%; itself", text)[1]) for text in tips if text.startswith("burn_here\n"))
    width = max(float(group.get("data-w")) for group in ET.parse(out).iter(SVG + "g") if group.get("data-n") == "burn_here")
    assert width * 100 == pytest.approx(share, abs=0.06)


def test_lost_records_are_told(overlay, folder):
    done = vm(RAEEN, "trace -s 16 -o /tmp/out burner read 3 2>&1; trace -s 16 -e syscall -o /tmp/out dd if=/dev/zero of=/dev/null bs=1 count=20000 2>&1 "
              "| grep trace:; cat /tmp/out", "--smp", CPUS, "--overlay", overlay)
    assert b" records were lost: the ring was full" in done.stdout.split(b"raeen-trace")[0]
    path = folder / "lost"
    path.write_bytes(done.stdout[done.stdout.index(b"raeen-trace"):])
    told = run_tool(TIMELINE, path, "-o", folder / "lost.svg").stderr
    assert int(re.search(r"(\d+) records were lost", told)[1]) > 1000
    assert any("records were lost here" in text for text in titles(folder / "lost.svg"))


def test_refusals():
    done = vm(RAEEN, "trace true; echo $?; trace -o /tmp/x -e nonsense true; echo $?; trace -o /nowhere/x true; echo $?; trace -o /tmp/x /nowhere; echo $?; "
              "trace -o /tmp/x sh -c 'exit 7'; echo $?; profile -o /tmp/x sh -c 'kill -9 $$'; echo $?; su raeen -c 'trace -o /tmp/y true; echo $?'; "
              "trace -o /tmp/x trace -o /tmp/y true; echo $?")
    assert done.stdout.split() == b"2 1 1 127 7 137 1 1".split(), done.stderr
    said = done.stderr.decode()
    assert "usage: trace -o FILE" in said and "/nowhere/x: No such file" in said and "trace: /dev/trace: Permission denied" in said
    assert "is used by somebody else" in said


@pytest.mark.parametrize("guest", (RAEEN, LINUX))
def test_threads_are_listed(guest, overlay):
    done = vm(guest, "burner burn 100000000000 & p=$!; until [ \"$(cat /proc/$p/comm)\" = burner ]; do sleep 0.1; done; sleep 0.5; renice -n 12 $p >/dev/null; chrt -i -p 0 $$ 2>/dev/null >&2; threads $p 1; kill $p; threads 99999", "--smp", CPUS,
              "--overlay", overlay)
    lines = done.stdout.decode().splitlines()
    assert lines[0].split() == "PID TID CPU CLASS PRI NI STATE TIME CPUS SWITCHES NAME".split()
    burner, init = lines[1].split(), lines[2].split()
    assert burner[0] == burner[1] and burner[3:7] == ["low", "32", "12", "R"] and burner[-1] == "burner"
    assert 0 <= int(burner[2]) < CPUS
    assert burner[8] == f"0-{CPUS - 1}"
    assert init[0] == "1" and init[3] == ("high" if guest == RAEEN else "normal")
    assert b"threads: 99999: no such process" in done.stderr


# ---- The host's tools, on files made here ----

def head(**changes):
    numbers = {"record_bytes": 24, "cpus": 2, "tsc_hz": HZ, "start_tsc": 1000, "start_ns": 1_700_000_000 * HZ, "slide": 0, **changes}
    text = "raeen-trace 1\n" + "".join(f"{name} {value}\n" for name, value in numbers.items())
    return (text + "groups sched,syscall\nsyscall 0 read\nthread 10 10 first\nthread 20 20 a\\040name\nend\n").encode()


def rec(at, event, cpu, tid, extra=0, argument=0):
    """@at: microseconds."""
    return tf.RECORD.pack(1000 + int(at * 1000), argument % 2**64, tid, event, cpu, extra)


def sample(at, cpu, tid, kernel, user):
    addresses = kernel + user
    out = rec(at, tf.SAMPLE, cpu, tid, len(kernel) | len(user) << 8, addresses[0])
    rest = addresses[1:] + [0]
    for place in range(0, len(rest) - 1, 2):
        out += tf.RECORD.pack(rest[place], rest[place + 1], tid, tf.FRAMES, cpu, 0)
    return out


def text_records(text):
    data = text.encode()
    return b"".join(tf.RECORD.pack(*struct.unpack("<QQ", data[at:at + 16].ljust(16, b"\0")), 0, tf.TEXT, 255, len(data[at:at + 16]))
                    for at in range(0, len(data), 16))


STORY = (rec(0, tf.SWITCH, 0, 0, ord("R"), 10) + rec(10, tf.CALL_ENTER, 0, 10, 0, 5) + rec(20, tf.SWITCH, 0, 10, ord("S"), 0) +
         rec(30, tf.SWITCH, 1, 0, ord("R"), 20) + rec(40, tf.WAKE, 1, 20, 0, 10) + rec(50, tf.SWITCH, 0, 0, ord("R"), 10) +
         rec(60, tf.CALL_LEAVE, 0, 10, 0, -4 % 2**64) + rec(100, tf.SWITCH, 0, 10, ord("X"), 0) + rec(100, tf.SWITCH, 1, 20, ord("S"), 0))


def test_timeline_tells_the_story(folder):
    path, out = folder / "story", folder / "story.svg"
    path.write_bytes(head() + STORY)
    run_tool(TIMELINE, path, "-o", out, "--width", 1116)     # 1000 pixels for 100 µs
    picture = ET.parse(out)
    boxes = [(title.text, group.find(SVG + "rect")) for group in picture.iter(SVG + "g") for title in group.findall(SVG + "title")]
    def place(start):
        return [(float(rect.get("x")), float(rect.get("width"))) for text, rect in boxes if text.startswith(start)]
    assert place("first, thread 10\nCPU 0, from 0 ns for 20 µs\nthen sleeps") == [(92, 200)]
    assert place("first, thread 10\nCPU 0, from 50 µs for 50 µs\nthen ended") == [(592, 500)]
    assert place("a name, thread 20\nCPU 1, from 30 µs for 70 µs\nthen sleeps") == [(392, 700)]
    # The call is drawn where its thread had a CPU.
    assert sorted(place("read(5, …) = -EINTR\nfirst 10, from 10 µs for 50 µs")) == [(192, 100), (592, 100)]
    arrows = [arrow for arrow in picture.iter(SVG + "path") if arrow.find(SVG + "title") is not None]
    assert [arrow.find(SVG + "title").text for arrow in arrows] == ["a name wakes first 10: it runs 10 µs later"]
    assert re.match(r"M492\.0,\d+ C.* 592\.0,\d+$", arrows[0].get("d"))


def test_timeline_shows_messages(folder):
    def message(kind, length):
        return kind | length << 32
    calls = {1044: "msg_ask", 1045: "msg_serve", 1034: "port_notify", 1028: "msg_send", 1029: "msg_recv", 1031: "msg_reply_recv"}
    exchanges = ((1044, message(0x50001, 64), message(0, 8), "sends example.greet: 64 bytes; gets an answer: 8 bytes"),
                 (1045, tf.NO_MESSAGE, 0x80000000, "gets a notification"),
                 (1045, 0, message(0x60002, 1), "sends an answer: 0 bytes; gets message 6.2: 1 bytes"),
                 (1031, 1, -4, "sends the error EPERM: 0 bytes; fails: EINTR"),
                 (1034, 5, 0, "notifies: bits 0x5"),
                 (1028, message(0x50002, 8) | 2 << 48, 0, "sends example.forget: 8 bytes, 2 handles"),
                 (1029, tf.NO_MESSAGE, None, "(no return seen)"))
    records = rec(0, tf.SWITCH, 0, 0, ord("R"), 10)
    for at, (call, sent, got, _) in enumerate(exchanges, 1):
        records += rec(at * 10, tf.MESSAGE_ENTER, 0, 10, call, sent)
        if got is not None:
            records += rec(at * 10 + 5, tf.MESSAGE_LEAVE, 0, 10, call, got)
    records += rec(100, tf.SWITCH, 0, 10, ord("S"), 0)
    lines = "".join(f"syscall {number} {name}\n" for number, name in calls.items()).encode()
    path, out = folder / "exchange", folder / "exchange.svg"
    path.write_bytes(head().replace(b"syscall 0 read\n", lines) + records + text_records("message 327681 example.greet\nmessage 327682 example.forget\n"))
    run_tool(TIMELINE, path, "-o", out, "--width", 1116)
    assert [text.split("\n")[0] for text in titles(out) if "first 10, from" in text] == [text for _, _, _, text in exchanges]


def test_timeline_shows_a_part(folder):
    path, out = folder / "part", folder / "part.svg"
    path.write_bytes(head() + STORY)
    run_tool(TIMELINE, path, "-o", out, "--from", 0.055, "--to", 0.06)
    assert [text for text in titles(out) if text.startswith("first, thread")] == ["first, thread 10\nCPU 0, from 50 µs for 50 µs\nthen ended"]
    run_tool(TIMELINE, path, "--from", 5, "--to", 6, status=1)


def test_flame_graph_counts(folder):
    """Two programs, one of which has replaced the other in the same process; frames that are none end the stack."""
    (folder / "nm").write_text("0000000000000100 T outer\n0000000000000200 t inner\n0000000000000300 D data\n")
    base = 2**64 - 0x80000000
    path = folder / "counts"
    path.write_bytes(head(slide=base) + sample(1, 0, 10, [base + 0x210, base + 0x120], [0x4010]) + sample(2, 0, 10, [], [0x4020, 0x9999]) +
                     text_records("map 10 4000 5000 0 /bin/none\n") + sample(3, 0, 10, [], [0x8010]) + sample(4, 1, 0, [base + 0x110], []) +
                     text_records("map 10 8000 9000 0 /bin/other\n") + sample(5, 1, 20, [base + 0x210, base + 0x120], [0x10])[:-24])
    stacks = folded(path, folder, "--kernel", folder / "nm")
    assert sorted(stacks) == [(["first", "[none]"], 1), (["first", "[none]", "outer_[k]", "inner_[k]"], 1), (["first", "[other]"], 1)]
    stacks = folded(path, folder, "--kernel", folder / "nm", "--idle")
    assert (["idle", "outer_[k]"], 1) in stacks


def test_names_of_programs_on_other_cpus(folder):
    """The records of one CPU may come in the file before those of another that happened earlier."""
    (folder / "nm").write_text("0000000000000100 T outer\n")
    path = folder / "order"
    words = struct.unpack("<QQ", b"program".ljust(16, b"\0"))
    path.write_bytes(head() + sample(1, 1, 0, [0x110], []) + tf.RECORD.pack(*words, 30, tf.NAME, 1, 0) + sample(9, 1, 30, [0x110], []) +
                     sample(20, 1, 30, [0x110], []) + rec(5, tf.FORK, 0, 10, 0, 30 << 32 | 30))
    assert folded(path, folder, "--kernel", folder / "nm") == [(["program", "outer_[k]"], 2)]


def test_names_cannot_break_the_picture(folder):
    path = folder / "names"
    words = struct.unpack("<QQ", b'<&">\x01]]>\xff'.ljust(16, b"\0"))
    path.write_bytes(head() + tf.RECORD.pack(*words, 10, tf.NAME, 0, 0) + STORY + sample(200, 0, 10, [], [0x10]))
    run_tool(TIMELINE, path, "-o", folder / "names.svg")
    assert any('<&">' in text for text in titles(folder / "names.svg"))
    run_tool(FLAME, path, "-o", folder / "names2.svg")
    assert any('<&">' in text for text in titles(folder / "names2.svg"))


def test_a_file_that_was_cut_off(traced, folder):
    """At every length: a picture and a warning, or one line that says what is wrong."""
    data, path = traced.read_bytes(), folder / "cut"
    end = data.index(tf.END) + len(tf.END)
    dice = random.Random(4)
    for length in [0, 1, 11, 14, 15, 100, end - 1, end, end + 1, end + 24, *(dice.randrange(end, len(data)) for _ in range(6))]:
        path.write_bytes(data[:length])
        done = subprocess.run([TIMELINE, path, "-o", folder / "cut.svg"], capture_output=True, text=True, timeout=60)
        assert "Traceback" not in done.stderr
        assert done.returncode == (1 if length < end + 24 else 0)
        assert re.match(r"trace-timeline: \S+: .", done.stderr) or (length - end) % 24 == 0
        if done.returncode == 0:
            ET.parse(folder / "cut.svg")
        else:
            assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("tool", (TIMELINE, FLAME))
def test_a_damaged_file(tool, traced, profiled, folder):
    data, path = (traced if tool == TIMELINE else profiled).read_bytes(), folder / "damaged"
    dice = random.Random(5)
    for _ in range(25):
        broken = bytearray(data)
        for _ in range(dice.choice((1, 30, 3000))):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        path.write_bytes(broken)
        done = subprocess.run([tool, path, "-o", folder / "damaged.svg"], capture_output=True, text=True, timeout=60)
        assert done.returncode in (0, 1) and "Traceback" not in done.stderr, done.stderr
        if done.returncode == 0:
            ET.parse(folder / "damaged.svg")


def test_what_is_no_trace(folder):
    for name, data, why in (("elf", b"\x7fELF" + bytes(100), "not a trace"), ("newer", head().replace(b"trace 1", b"trace 2"), "version 2"),
                            ("size", head(record_bytes=32), "records of 32 bytes"), ("hz", head(tsc_hz=0), "tsc_hz 0"), ("none", head(), "no records")):
        (folder / name).write_bytes(data)
        assert why in run_tool(TIMELINE, folder / name, status=1).stderr
    assert "no samples" in run_tool(FLAME, folder / "none", status=1).stderr
    assert "No such file" in run_tool(FLAME, folder / "missing", status=1).stderr
