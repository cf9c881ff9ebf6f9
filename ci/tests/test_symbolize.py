# SPDX-License-Identifier: MIT
"""toolchain/symbolize on panic texts about a tiny program that is built here."""
import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SYMBOLIZE = os.path.join(ROOT, "toolchain/symbolize")
SLIDE = 0xffffffff8a000000

SOURCE = """\
__attribute__((noreturn, noinline)) void broken(int why)
{
\tfor (;;)
\t\t__asm__ volatile("hlt" :: "r"(why));
}

static inline __attribute__((always_inline)) void check(int why)
{
\tif (why)
\t\tbroken(why);
}

__attribute__((noinline)) void caller(int why)
{
\tcheck(why);
\t__asm__ volatile("");
}

/* Its call is the last instruction: the return address lies behind the function. */
__attribute__((noreturn, noinline)) void gives_up(void)
{
\tbroken(1);
}

void _start(void)
{
\tcaller(1);
\tgives_up();
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """(path of the ELF file, {function: (start, [return addresses of its calls], end)})."""
    folder = tmp_path_factory.mktemp("symbolize")
    (folder / "tiny.c").write_text(SOURCE)
    elf = folder / "tiny.elf"
    subprocess.run(["gcc", "-g", "-O1", "-fno-pie", "-no-pie", "-nostdlib", "-static", "-ffreestanding", "-fcf-protection=none",
                    "-fno-asynchronous-unwind-tables", "-Wl,-Ttext=0x200000,--build-id=none", "tiny.c", "-o", elf],
                   cwd=folder, check=True)
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", elf], capture_output=True, text=True, check=True).stdout
    functions = {}
    for block in re.split(r"\n\n", text):
        head = re.search(r"^([0-9a-f]+) <(\w+)>:", block, re.M)
        if not head:
            continue
        rows = [(int(a, 16), what) for a, what in re.findall(r"^\s+([0-9a-f]+):\s+(.*)", block, re.M)]
        following = [a for a, _ in rows[1:]] + [rows[-1][0] + 5]        # a call is 5 bytes long
        functions[head[2]] = (rows[0][0], [after for (_, what), after in zip(rows, following) if what.startswith("call")])
    return elf, functions


def run(text, *arguments):
    result = subprocess.run([SYMBOLIZE, *map(str, arguments)], input=text.encode(), capture_output=True, timeout=30, check=True)
    return result.stdout.decode("utf-8", "surrogateescape"), result.stderr.decode()


def row(address, name, offset=0, slide=SLIDE):
    return f"  {address + slide:#018x}  {name}+{offset:#x}  (link {address:#x})\n"


def panic(rows, registers=False, slide=SLIDE):
    text = f"\nkernel panic: it broke\ncpu 0, thread init, tid 1; kernel slide {slide:#x}\n"
    if registers:
        text += "rip ffffffff8a200000 rsp ffffc90000003f00 rflags 0000000000010046 cs 0008 ss 0010\n"
    return text + "backtrace (newest first):\n" + "".join(rows)


def line_of(marker):
    return 1 + SOURCE[:SOURCE.index(marker)].count("\n")


def test_return_addresses_name_the_call(program):
    elf, functions = program
    text = panic([row(functions["caller"][1][0], "caller", 9), row(functions["_start"][1][0], "_start", 9)])
    lines = run(text, "--elf", elf)[0].splitlines()
    assert re.search(rf"\) at check \S*tiny.c:{line_of('broken(why);')}, inlined into caller \S*tiny.c:{line_of('check(why);')}$", lines[-2])
    assert re.search(rf"\) at _start \S*tiny.c:{line_of('caller(1);')}$", lines[-1])


def test_call_at_the_end_of_a_function(program):
    elf, functions = program
    line = run(panic([row(functions["gives_up"][1][0], "_start")]), "--elf", elf)[0].splitlines()[-1]
    assert re.search(rf" at gives_up \S*tiny.c:{line_of('broken(1);')}$", line)


def test_failed_instruction_is_exact(program):
    elf, functions = program
    start = functions["gives_up"][0]
    line = run(panic([row(start, "gives_up")], registers=True), "--elf", elf)[0].splitlines()[-1]
    assert " at gives_up " in line
    # Without registers the same number is a return address, of the function before.
    assert " at gives_up " not in run(panic([row(start, "gives_up")]), "--elf", elf)[0].splitlines()[-1]


def test_interrupted_instruction_is_exact(program):
    elf, functions = program
    start = functions["gives_up"][0]
    trap = "  -- trap, vector 48, error 0x0, from the kernel\n"
    lines = run(panic([row(functions["_start"][1][0], "_start"), trap, row(start, "gives_up"), row(start, "gives_up")]), "--elf", elf)[0].splitlines()
    assert " at _start " in lines[-4] and lines[-3] + "\n" == trap
    assert " at gives_up " in lines[-2] and " at gives_up " not in lines[-1]


def test_everything_else_is_left_alone(program):
    elf, functions = program
    address = functions["_start"][1][0]
    before = b"\x1b[1mGRUB\xff\xfe\r\n[    0.000001] 0xffffffff8a200000  not+0x0 a backtrace\r\nfree text "
    text = panic([row(address, "_start")]).replace("\n", "\r\n").encode()
    after = b"rebooting\r\n" + row(address, "_start").encode() + b"no newline at the end"
    result = subprocess.run([SYMBOLIZE, "--elf", elf], input=before + text + after, capture_output=True, timeout=30, check=True).stdout
    assert result.startswith(before) and result.endswith(after)
    changed = [(a, b) for a, b in zip(result.split(b"\n"), (before + text + after).split(b"\n")) if a != b]
    assert len(changed) == 1
    assert re.fullmatch(rb" at _start \S+tiny\.c:\d+\r", changed[0][0][len(changed[0][1]) - 1:])
    assert run("", "--elf", elf) == ("", "")


def test_each_panic_has_its_slide(program):
    elf, functions = program
    address = functions["_start"][1][0]
    other = 0xffffffff90000000
    text = panic([row(address, "_start")]) + panic([row(address, "_start", slide=other)], slide=other)
    assert run(text, "--elf", elf)[0].count(" at _start ") == 2


def test_slide_by_hand_or_by_link_address(program):
    elf, functions = program
    rows = [row(functions["_start"][1][0], "_start")]
    text = "backtrace (newest first):\n" + "".join(rows)
    assert " at _start " in run(text, "--elf", elf)[0]
    bare = re.sub(r"  \(link \w+\)", "", text)
    assert run(bare, "--elf", elf)[0] == bare
    assert " at _start " in run(bare, "--elf", elf, "--slide", hex(SLIDE))[0]


def test_says_when_the_kernel_is_another(program):
    elf, functions = program
    rows = [row(functions["_start"][1][0], "something_else"), row(0x7fffff, "somewhere_else")]
    assert "another build" in run(panic(rows), "--elf", elf)[1]
    assert run(panic([row(functions["_start"][1][0], "_start")] + rows), "--elf", elf)[1] == ""


def test_missing_kernel_is_an_error(tmp_path):
    result = subprocess.run([SYMBOLIZE, "--elf", str(tmp_path / "none")], input=b"", capture_output=True, timeout=30)
    assert result.returncode == 1 and b"no such file" in result.stderr
