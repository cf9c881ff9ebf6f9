#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turns syscalls.def into what programs include: <raeen/syscall.h>, the numbers, and <raeen/stubs.h>, the native calls as C functions.

Usage: gen-stubs.py SYSCALLS.DEF OUTDIR
Each file is written only when it changes, so that nothing is compiled again without need.
"""
import re
import sys
from pathlib import Path

NATIVE = 1024
LINE = re.compile(r"^(\d+)\s+(\w+)\(([^)]*)\)((?:\s*\[[^\]]*\])*)\s*:\s*(\S.*)$")
# The names that the system's first description used: (alias, call).
ALIASES = (("FORK", "fork"), ("EXEC", "execve"), ("EXIT", "exit"), ("WAIT", "wait4"), ("YIELD", "sched_yield"), ("MMAP", "mmap"),
           ("MUNMAP", "munmap"), ("MPROTECT", "mprotect"), ("BRK", "brk"), ("OPEN", "open"), ("READ", "read"), ("WRITE", "write"),
           ("CLOSE", "close"), ("SEEK", "lseek"), ("PORT_CREATE", "port_create"), ("SEND_MESSAGE", "msg_send"),
           ("RECV_MESSAGE", "msg_recv"), ("SHMEM_CREATE", "shmem_create"), ("SHMEM_MAP", "shmem_map"), ("CAP_GET", "cap_get"),
           ("CAP_SET", "cap_set"), ("CAP_CHECK", "cap_check"))
# What an address is for follows from the argument's name.
POINTERS = {"name": "const char *", "names": "const char *", "path": "const char *", "extra": "struct msg_extra *"}
REGISTERS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")
CONSTRAINTS = {"rdi": "D", "rsi": "S", "rdx": "d"}
RECEIVING = ("msg_call", "msg_recv", "msg_reply_recv", "msg_recv_many", "msg_ask", "msg_serve")
HEADERS = ("ipc.h", "handles.h")
HEAD = "/* SPDX-License-Identifier: MIT */\n/* Generated from abi/syscalls.def by abi/gen-stubs.py. */\n#pragma once\n\n"


def parse(path):
    """Returns {name: (number, [(type, name)], text)}."""
    calls = {}
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.match(line)
        if not match:
            sys.exit(f"{path}:{number}: expected `NUMBER name(type arg, ...) [...] : description`, found: {line}")
        arguments = [a.strip() for a in match[3].split(",") if a.strip() not in ("", "void")]
        calls[match[2]] = (int(match[1]), [tuple(a.rsplit(" ", 1)) for a in arguments], match[5])
    return calls


def numbers(calls, path):
    native = [(nr, name, text) for name, (nr, _, text) in calls.items() if nr >= NATIVE]
    lines = [f"#define SYS_{name} {nr}\t/* {text} */" for nr, name, text in sorted(native)]
    lines += ["", "/* Other names of the same. */"]
    for alias, name in ALIASES:
        if name in calls:
            lines.append(f"#define SYS_{alias} {calls[name][0]}")
        else:
            sys.exit(f"{path}: there is no call {name}, which SYS_{alias} is an alias of")
    return HEAD + "\n".join(lines) + "\n"


def c_argument(c_type, name):
    if c_type == "uaddr_t":
        return POINTERS.get(name, "void *") + name
    return f"{c_type} {name}"


def stub(name, arguments, text):
    """One call. What the kernel may change is an output or clobbered: nothing less, or the caller's values are lost; nothing more, or it saves in vain."""
    wide = name.startswith("msg_")
    receiving = name in RECEIVING
    body, operands = [f"\tlong rax = SYS_{name};"], ['"+a"(rax)']
    given = {}
    for register, (c_type, argument) in zip(REGISTERS, arguments):
        value = argument if c_type not in ("uaddr_t",) else f"(long){argument}"
        given[register] = value
    used = [r for r in REGISTERS if r in given or (receiving and r in ("rdx", "r8"))]
    for register in used:
        where = f" __asm__(\"{register}\")" if register not in CONSTRAINTS else ""
        declared = f"\tregister long {register}{where}" if where else f"\tlong {register}"
        body.append(f"{declared} = {given.get(register, '0')};" if register in given else f"{declared};")
        # An output that is no input saves setting it.
        sign = ("+" if register in given else "=") if wide else ""
        operands.append(f'"{sign}{CONSTRAINTS.get(register, "r")}"({register})')
    if wide:
        outputs, inputs = operands, []
        clobbers = [f'"{r}"' for r in ("rdi", "rsi", "rdx", "r10", "r8", "r9") if r not in used]
        clobbers.append("RAEEN_EVERY_OTHER_REGISTER")
    else:
        outputs, inputs = operands[:1], operands[1:]
        clobbers = ['"rcx"', '"r11"', '"memory"', '"cc"']
    body.append(f"\t__asm__ volatile(\"syscall\" : {', '.join(outputs)} : {', '.join(inputs)} : {', '.join(clobbers)});")
    if receiving:
        result, body = "struct msg_result", body + ["\treturn (struct msg_result){ .header = rax, .token = (uint64_t)rdx, .badge = (uint64_t)r8 };"]
    else:
        result, body = "long", body + ["\treturn rax;"]
    declaration = ", ".join(c_argument(*a) for a in arguments) or "void"
    return f"/* {text} */\nstatic inline {result} {name}({declaration})\n{{\n" + "\n".join(body) + "\n}\n"


PROLOGUE = """
/*
 * The native calls as they are: what they return is a result or a negative errno. Those that receive return three registers; where an
 * argument is an address, NULL means none.
 *
 * msg_ calls may change every register but rsp and rbp: the other side's values may come back in them.
 */
struct msg_result {
	int64_t header;		/* msg_header, or a negative errno */
	uint64_t token;		/* or notification bits */
	uint64_t badge;		/* of the handle that it was sent by */
};

#define RAEEN_EVERY_OTHER_REGISTER "rbx", "rcx", "r11", "r12", "r13", "r14", "r15", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", \\
	"xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

"""


def stubs(calls, abi):
    includes = "".join(f"#include <raeen/{name}>\n" for name in HEADERS if (abi / "raeen" / name).exists())
    native = sorted((nr, name, arguments, text) for name, (nr, arguments, text) in calls.items() if nr >= NATIVE)
    return HEAD + includes + "#include <raeen/syscall.h>\n#include <stddef.h>\n#include <stdint.h>\n" + PROLOGUE + "\n".join(
        stub(name, arguments, text) for _, name, arguments, text in native)


def write(path, text):
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    calls = parse(sys.argv[1])
    out = Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    write(out / "syscall.h", numbers(calls, sys.argv[1]))
    write(out / "stubs.h", stubs(calls, Path(__file__).resolve().parent))


if __name__ == "__main__":
    main()
