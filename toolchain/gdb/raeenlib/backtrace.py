# SPDX-License-Identifier: MIT
"""Backtraces by frame pointers, which every C function of the kernel keeps, also of threads that are not on a CPU and across traps."""
import gdb

from raeenlib import kernel

DEPTH = 64
KERNEL_HALF = 0xffff800000000000
# What context_switch leaves on the stack, from the saved stack pointer on: rip rbp (entry.h).
SAVED_RIP, SAVED_RBP = 0, 8


def read_word(address):
    return int.from_bytes(kernel.read_bytes(address, 8), "little")


def describe(pc, exact):
    """`function file:line`, inlined functions first, and the file of the outermost; a return address stands for the call before it."""
    at = pc if exact else pc - 1
    names, file = [], ""
    block = gdb.block_for_pc(at)
    while block and not block.is_global:
        if block.function:
            names.append(block.function.name)
            file = block.function.symtab.filename
        block = block.superblock
    place = gdb.find_pc_line(at)
    where = f" {place.symtab.filename}:{place.line}" if place.symtab else ""
    return (" in ".join(names) or kernel.symbol_name(at)) + where, file


def walk(pc, rbp):
    """Yields (address, description, file) for each frame, address None for a note.

    Ends at the bottom of the stack or when a frame pointer makes no sense.
    """
    after_trap = int(kernel.value("(unsigned long)&trap_return"))
    entry, entry_end = (int(kernel.value(f"(unsigned long)&{name}")) for name in ("syscall_entry", "syscall_entry_end"))
    exact = True
    for _ in range(DEPTH):
        yield pc, *describe(pc, exact)
        # System calls run with the program's frame pointer below them, whatever that is.
        if rbp < KERNEL_HALF or rbp & 7 or entry < pc <= entry_end:
            return
        try:
            saved, pc, exact = read_word(rbp), read_word(rbp + 8), False
        except gdb.MemoryError:
            return
        if pc == after_trap:
            # trap_dispatch was called with rbp pointing to the trap frame.
            frame = gdb.Value(saved).cast(gdb.lookup_type("struct trap_frame").pointer())
            mode = "user mode" if int(frame["cs"]) & 3 else "the kernel"
            yield None, f"trap, vector {int(frame['vector'])}, error {int(frame['error']):#x}, from {mode} at " \
                        f"{int(frame['rip']):#x}", ""
            if int(frame["cs"]) & 3:
                return
            pc, saved, exact = int(frame["rip"]), int(frame["rbp"]), True
        if pc < KERNEL_HALF:
            return
        rbp = saved


def lines(pc, rbp):
    number = 0
    for address, text, _ in walk(pc, rbp):
        yield f"#{number:<2} {address:#018x} {text}" if address else f"    -- {text}"
        number += address is not None


def saved_context(thread):
    """(rip, rbp) of a thread that is switched out; None if there is none."""
    if int(thread) in kernel.cpu_currents() or kernel.STATES[int(thread["run_state"])] in ("new", "dead"):
        return None
    stack = int(thread["switch_rsp"])
    return read_word(stack + SAVED_RIP), read_word(stack + SAVED_RBP)


def user_registers(thread):
    """A line about where the thread is in user mode, for threads that have one."""
    if not int(thread["process"]):
        return None
    top = int(thread["stack_base"]) + int(kernel.value("(int)KERNEL_STACK_SIZE"))
    frame = gdb.Value(top).cast(gdb.lookup_type("struct trap_frame").pointer()) - 1
    vector = int(frame["vector"])
    why = f"system call {int(frame['error'])}" if vector == 0x100 else f"vector {vector}"
    return f"    user mode: rip {int(frame['rip']):#x} rsp {int(frame['rsp']):#x}, left by {why}"


def of_thread(thread):
    context = saved_context(thread)
    if context:
        yield from lines(*context)
    elif int(thread) in kernel.cpu_currents():
        frame = gdb.newest_frame()
        pc = int(frame.pc())
        if pc < KERNEL_HALF:
            yield f"running in user mode at {pc:#x}"
            return
        yield from lines(pc, int(frame.read_register("rbp")) & (1 << 64) - 1)
    else:
        yield "not on the CPU yet, or for the last time"
        return
    note = user_registers(thread)
    if note:
        yield note


def where(thread):
    """What a switched-out thread does: the first function outside of the scheduler and the wait queues."""
    context = saved_context(thread)
    for address, text, file in walk(*context) if context else ():
        if address and not file.startswith(("sched/scheduler.c", "sync/")):
            return text
    return ""
