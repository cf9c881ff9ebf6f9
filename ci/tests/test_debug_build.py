# SPDX-License-Identifier: MIT
"""The debug build (make debug-iso): it reports the mistakes made on purpose, and finds none in the rest."""
import os
import re
import subprocess

import pytest

import programs
from guest import BUILD, RAEEN, console_text, vm_line

full = pytest.mark.full
IMAGE = os.path.join(BUILD, "raeen-debug.iso")
ADDRESS, UNDEFINED, LOCK = "address check: ", "undefined behaviour: ", "lock check: "
LINE = r" \(README\.md:\d+\)"
# debug_crash=NAME and what is reported then; the kernel's self-test compares the same beginnings (debug/checks/provoke.c).
MISTAKES = {
    "heap-overflow": ADDRESS + r"heap-buffer-overflow: write of 1 bytes at 0x\w+ .* in heap_overflow\+",
    "heap-underflow": ADDRESS + r"heap-buffer-overflow: read of 1 bytes at 0x\w+ .* in heap_underflow\+",
    "large-overflow": ADDRESS + r"heap-buffer-overflow: write of 1 bytes at 0x\w+ .* in large_overflow\+",
    "string-overflow": ADDRESS + r"heap-buffer-overflow: write of 14 bytes at 0x\w+ .* in string_overflow\+",
    "use-after-free": ADDRESS + r"heap-use-after-free: read of 1 bytes at 0x\w+ .* in use_after_free\+",
    "double-free": "heap: double-free of an object of cache kmalloc-128",
    "frame-use-after-free": ADDRESS + r"use of a free frame: read of 1 bytes at 0x\w+ .* in frame_use_after_free\+",
    "global-overflow": ADDRESS + r"global-buffer-overflow: read of 1 bytes at 0x\w+ .* in global_overflow\+",
    "sleep-under-spinlock": r"sleep check: preemption is off \(1\) in sleep_under_spinlock\+",
    "spin-twice": f"{LOCK}taken twice: test_spin{LINE} in provoke_spin_twice.*, under test_spin{LINE} taken in provoke_spin_twice",
    "spin-release": f"{LOCK}released by who does not hold it: test_spin{LINE} in provoke_spin_release",
    "spin-order": f"{LOCK}out of order: test_spin{LINE} in provoke_spin_order.*, under test_irq{LINE} taken in provoke_spin_order",
    "spin-two": f"{LOCK}two of one class: test_spin{LINE} in provoke_spin_two.*, under test_spin{LINE} taken in provoke_spin_two",
    "spin-interrupts": f"{LOCK}interrupts are on: test_irq{LINE} in provoke_spin_interrupts",
    "spin-unclassed": f"{LOCK}no class: unclassed{LINE} in provoke_spin_unclassed",
    "spin-in-interrupt": f"{LOCK}in an interrupt handler: test_spin{LINE} in lock_in_interrupt",
    "mutex-twice": f"{LOCK}taken twice: test_outer{LINE} in provoke_mutex_twice.*, under test_outer{LINE} taken in provoke_mutex_twice",
    "mutex-order": f"{LOCK}out of order: test_outer{LINE} in provoke_mutex_order.*, under test_inner{LINE} taken in provoke_mutex_order",
    "mutex-addresses": f"{LOCK}two of one class: test_inner{LINE} in provoke_mutex_addresses.*, under test_inner{LINE} taken in provoke_mutex_addresses",
    "rwlock-release": f"{LOCK}released by who does not hold it: test_outer{LINE} in provoke_rwlock_release",
    "user-copy": f"{LOCK}access to user memory: address_space{LINE} in get_user_u32.*, under test_inner{LINE} taken in provoke_user_copy",
    "free-held": f"{LOCK}freed while held: test_inner{LINE} in provoke_free_held",
    "signed-overflow": UNDEFINED + r"signed overflow: addition of 'int': 2147483647, 1 at debug/checks/provoke\.c:\d+",
    "shift": UNDEFINED + r"shift of 'int' 1 by 40 at debug/checks/provoke\.c:\d+",
    "array-index": UNDEFINED + r"array index 4 of 'int \[4\]' at debug/checks/provoke\.c:\d+",
    "misaligned": UNDEFINED + r"misaligned pointer 0x\w+ for 'volatile uint64_t' at debug/checks/provoke\.c:\d+",
}
# These are noticed by another thread, or when nothing can go on.
LATE = {
    "spin-forever": f"{LOCK}waited for 10 s: test_spin{LINE} in provoke_spin_forever.*, held by CPU 0, thread boot since provoke_spin_forever",
    "exit-held": f"{LOCK}held by a thread that ends: test_outer{LINE} in end_with_lock",
    "return-held": f"{LOCK}held on the way to user mode: test_outer{LINE} in lock_for_program",
}
FAULT = "page fault in the kernel: "
# What the processor must refuse: nothing can go on after these.
PROTECTION = {
    "smep": FAULT + r"execution of user memory \(SMEP\) at 0x10000000",
    "smap": FAULT + r"access to user memory outside a user copy \(SMAP\) at 0x10000000",
    "write-text": FAULT + "write to read-only memory",
    "write-constant": FAULT + "write to read-only memory",
    "execute-data": FAULT + "execution of data",
    "stack-overflow": "kernel stack overflow",
    "stack-smash": "stack smashing detected",
    "exception-stack-overflow": FAULT + "kernel stack overflow",
}


def boot(tmp_path, append):
    """Boots the debug build with @append; returns the console's text once it has switched itself off or panicked."""
    console = tmp_path / "console"
    subprocess.run(vm_line(RAEEN, "--image", IMAGE, "--append", append, "--console", console) + ["--", "true"],
                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=180)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.read_bytes().decode(errors="replace")).replace("\r", "")


def test_self_test(tmp_path):
    text = boot(tmp_path, "selftest")
    found = re.search(r"selftest: (\d+) passed, (\d+) failed", text)
    assert found and int(found.group(1)) > 0 and int(found.group(2)) == 0, console_text(text.encode())
    for name, report in MISTAKES.items():
        assert re.search(f"selftest: {name}: {report}", text), f"{name} was not reported:\n{text}"
    # A mistake that is missing here would be missing below.
    assert set(re.findall(r"selftest: ([a-z-]+): \w", text)) == set(MISTAKES)


@full
@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_ends_it(tmp_path, name):
    """Unasked, a report is a panic; its backtrace names the function that made the mistake."""
    text = boot(tmp_path, f"panic=1 debug_crash={name}")
    assert re.search(f"kernel panic: {MISTAKES[name]}", text), text
    backtrace = text[text.index("backtrace (newest first)"):]
    assert re.search(r"  checks_provoke_from_command_line\+", backtrace), text


@full
@pytest.mark.parametrize("name", LATE)
def test_mistake_is_noticed_later(tmp_path, name):
    text = boot(tmp_path, f"panic=1 debug_crash={name}")
    assert re.search(f"kernel panic: {LATE[name]}", text), text


@full
@pytest.mark.parametrize("name", PROTECTION)
def test_processor_refuses(tmp_path, name):
    text = boot(tmp_path, f"panic=1 debug_crash={name}")
    assert re.search(f"kernel panic: {PROTECTION[name]}", text), text


@full
@pytest.mark.parametrize("cpus", (1, 4))
def test_programs(cpus):
    """Everything the programs do, under the checks."""
    results = programs.run(RAEEN, "--image", IMAGE, "--smp", cpus, only=programs.wherever(), timeout=2400, slow=True)
    failed = {name: result.output for name, result in results.items() if result.status != 0}
    assert not failed, "\n".join(f"--- {name}\n{output}" for name, output in failed.items())
