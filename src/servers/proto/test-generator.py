#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of the generators: definitions with a mistake each must be refused with file and line; what is generated of good ones has what is expected."""
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ABI = HERE.parents[1] / "kernel/abi"
HEAD = "protocol x 9 1.0 : Text.\n"
ENUM = "enum e : Text.\n\ta 0 : Text.\n"

# (definition, line, part of the message)
BAD = (
    ("", 0, "expected a line `protocol"),
    ("request 1 a : Text.\n", 1, "expected a line `protocol"),
    ("protocol x 9 1.0\n", 1, "what it is for"),
    ("protocol x 9 1.0 : \n", 1, "what it is for"),
    ("protocol y 9 1.0 : Text.\n", 1, "expected the file's name"),
    ("protocol x 0 1.0 : Text.\n", 1, "an id from 1"),
    ("protocol x 32768 1.0 : Text.\n", 1, "an id from 1"),
    ("protocol x 9 0.1 : Text.\n", 1, "a version from 1.0"),
    (HEAD + HEAD, 2, "a second protocol"),
    (HEAD + "rubbish : Text.\n", 2, "found: rubbish"),
    (HEAD + "\tin u32 a : Text.\n", 2, "an indented line outside"),
    (HEAD + "request 1 a\n", 2, "what it is for"),
    (HEAD + "request 1 a : Ends */ here.\n", 2, "cannot contain */"),
    (HEAD + "request 0 a : Text.\n", 2, "0 is `version`"),
    (HEAD + "request 65536 a : Text.\n", 2, "1 to 65535"),
    (HEAD + "request 1 version : Text.\n", 2, "the name is taken"),
    (HEAD + "request 1 while : Text.\n", 2, "the name is taken"),
    (HEAD + "request 1 a : Text.\nrequest 1 b : Text.\n", 3, "that no other has"),
    (HEAD + "request 1 a : Text.\nrequest 2 a : Text.\n", 3, "the name is taken"),
    (HEAD + "request 1 a [wants FILE_READ] : Text.\n", 2, "[needs CAPABILITY"),
    (HEAD + "request 1 a [needs] : Text.\n", 2, "[needs CAPABILITY"),
    (HEAD + "request 1 a [needs FILE_EAT] : Text.\n", 2, "no such capability"),
    (HEAD + "request 1 a : Text.\n\tin u32 b\n", 3, "what it is for"),
    (HEAD + "request 1 a : Text.\n\tby u32 b : Text.\n", 3, "expected `in TYPE name`"),
    (HEAD + "notice 1 a : Text.\n\tout u32 b : Text.\n", 3, "expected `in TYPE name`"),
    (HEAD + "request 1 a : Text.\n\tin u33 b : Text.\n", 3, "u33: expected u8"),
    (HEAD + "request 1 a : Text.\n\tin u32 B : Text.\n", 3, "expected `TYPE name`"),
    (HEAD + "request 1 a : Text.\n\tin u32 b[0] : Text.\n", 3, "expected 1 to"),
    (HEAD + "request 1 a : Text.\n\tin text b : Text.\n", 3, "text has a length"),
    (HEAD + "request 1 a : Text.\n\tin text b[..8] : Text.\n", 3, "is bytes[..N]"),
    (HEAD + "request 1 a : Text.\n\tin u32 b : Text.\n\tin u32 b : Text.\n", 4, "the name is taken"),
    (HEAD + "request 1 a : Text.\n\tin bytes b[..9] : Text.\n\tin u32 c : Text.\n", 4, "nothing can follow b"),
    (HEAD + "request 1 a : Text.\n\tin u32 b_length : Text.\n\tin bytes b[..9] : Text.\n", 4, "b_length: the name is taken"),
    (HEAD + "struct s : Text.\n\tbytes b[..9] : Text.\n", 3, "only a request or a reply"),
    (HEAD + "struct s : Text.\n\ts s : Text.\n", 3, "s: expected u8"),
    (HEAD + "struct s : Text.\nenum s : Text.\n", 3, "the name is taken"),
    (HEAD + "struct s : Text.\n", 2, "has no fields"),
    (HEAD + "enum e : Text.\n", 2, "has no values"),
    (HEAD + "enum e : Text.\n\ta : Text.\n", 3, "expected `name NUMBER`"),
    (HEAD + ENUM + "\ta 1 : Text.\n", 4, "that no other has"),
    (HEAD + ENUM + "\tb 0 : Text.\n", 4, "that no other has"),
    (HEAD + ENUM + "\tb 4294967296 : Text.\n", 4, "that no other has"),
    (HEAD + "request 1 a : Text.\n\tin bytes b[8192] : Text.\n\tin u8 c : Text.\n", 2, "at most 8192"),
    (HEAD + "request 1 a : Text.\n" + "".join(f"\tin handle h{i} : Text.\n" for i in range(9)), 11, "at most 8 handles"),
)

GOOD = HEAD + """enum e : Text.
	two 2 : Text.
	seven 7 : Text.
struct s : Text.
	u8 a : Text.
	u64 b : Text.
request 1 all [needs FILE_READ] [grants FILE_WRITE] : Text.
	in e e : Text.
	in bool f : Text.
	in text t[5] : Text.
	in s s[2] : Text.
	in handle h : Text.
	in s more[..3] : Text.
	out u8 x : Text.
	out u16 y : Text.
	out handle h : Text.
notice 2 told : Text.
"""
# What follows of the layout rules: e 0, f 4, t 5, 6 reserved, s 16, more_count 48, 4 reserved, more 56.
EXPECTED = ("sizeof(struct x_s) == 16", "sizeof(struct x_all_request) == 104", "offsetof(struct x_all_request, more) == 56", "uint8_t reserved0[6];",
            "sizeof(struct x_all_reply) == 4", "X_TOLD = 0x90002", "X_E_SEVEN = 7")
EXPECTED_CHECKS = ("message->e != 2 && message->e != 7", "message->f > 1", "memchr(message->t, 0, sizeof message->t)", "message->more_count > 3",
                   "length != 56 + message->more_count * 16", "msg_handles(call->header) != 1", "X_ALL_NEEDS & ~call->extra.capabilities",
                   "X_ALL_GRANTS & ~call->extra.grants")

failures = []


def expect(condition, what):
    if not condition:
        failures.append(what)


def generate(folder, definition, name="x"):
    path = folder / f"{name}.def"
    path.write_text(definition)
    return path, subprocess.run([HERE / "gen-proto.py", ABI / "caps.def", folder / "out", path], capture_output=True, text=True, check=False)


def test_bad(folder):
    for definition, line, text in BAD:
        path, done = generate(folder, definition)
        expect(done.returncode == 1 and done.stderr.startswith(f"{path}:{line}: ") and text in done.stderr,
               f"{definition!r}: expected line {line}, {text!r}; got {done.returncode}, {done.stderr!r}")
        expect(not (folder / "out/x.h").exists(), f"{definition!r}: something was generated")


def test_good(folder):
    _, done = generate(folder, GOOD)
    expect(done.returncode == 0, done.stderr)
    header, source = (folder / "out/x.h").read_text(), (folder / "out/x_server.c").read_text()
    for text in EXPECTED:
        expect(text in header, f"x.h has no {text}")
    for text in EXPECTED_CHECKS:
        expect(text in source, f"x_server.c has no {text}")
    again = (folder / "out/x.h").stat().st_mtime_ns
    generate(folder, GOOD)
    expect((folder / "out/x.h").stat().st_mtime_ns == again, "what has not changed was written again")


def test_two_of_one_id(folder):
    paths = []
    for name in ("a", "b"):
        paths.append(folder / f"{name}.def")
        paths[-1].write_text(HEAD.replace("protocol x", f"protocol {name}"))
    done = subprocess.run([HERE / "gen-proto.py", ABI / "caps.def", folder / "out", *paths], capture_output=True, text=True, check=False)
    expect(done.returncode == 1 and "the id 9 is that of" in done.stderr, f"two protocols of one id: {done.stderr!r}")


def test_stubs(folder):
    """Native calls become functions; unknown parts in brackets are left alone; a call without a description is refused."""
    calls = (ABI / "syscalls.def").read_text() + "\n2000 msg_try(int fd, uint64_t header) [IPC_SEND] [frame] : Try.\n2001 other(uaddr_t name) [new thing] : Other.\n"
    definition = folder / "calls.def"
    definition.write_text(calls)
    done = subprocess.run([ABI / "gen-stubs.py", definition, folder / "raeen"], capture_output=True, text=True, check=False)
    expect(done.returncode == 0, done.stderr)
    stubs, numbers = (folder / "raeen/stubs.h").read_text(), (folder / "raeen/syscall.h").read_text()
    expect("static inline long msg_try(int fd, uint64_t header)" in stubs and "static inline long other(const char *name)" in stubs, "stubs are missing")
    for name, number in (("FORK", 57), ("EXEC", 59), ("EXIT", 60), ("WAIT", 61), ("YIELD", 24), ("MMAP", 9), ("MUNMAP", 11), ("MPROTECT", 10),
                         ("BRK", 12), ("OPEN", 2), ("READ", 0), ("WRITE", 1), ("CLOSE", 3), ("SEEK", 8), ("other", 2001)):
        expect(f"#define SYS_{name} {number}" in numbers, f"no SYS_{name} {number}")
    definition.write_text(calls + "2002 silent(void)\n")
    done = subprocess.run([ABI / "gen-stubs.py", definition, folder / "raeen"], capture_output=True, text=True, check=False)
    expect(done.returncode == 1 and "silent" in done.stderr, "a call without a description was taken")


def main():
    for test in (test_bad, test_good, test_two_of_one_id, test_stubs):
        with tempfile.TemporaryDirectory() as folder:
            test(Path(folder))
    for text in failures:
        print(f"generator: {text}", file=sys.stderr)
    print(f"generator: {len(BAD)} bad definitions, {len(failures)} failures")
    return 1 if failures else 0


sys.exit(main())
