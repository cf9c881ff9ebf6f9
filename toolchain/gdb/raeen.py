# SPDX-License-Identifier: MIT
"""gdb commands for the RaeenOS kernel in QEMU; see README.md. Load with `source toolchain/gdb/raeen.py`."""
import os
import sys

import gdb

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from raeenlib import backtrace, kernel, symbols  # noqa: E402


class RaeenCommand(gdb.Command):
    """Commands with symbols in place, errors as one line, and no repetition by an empty line."""

    def __init__(self, name, function):
        self.__doc__ = function.__doc__
        self.function = function
        super().__init__(name, gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        try:
            if self.function is not raeen_symbols:
                symbols.check()
            for line in self.function(argument.strip()):
                gdb.write(line + "\n")
        except gdb.MemoryError as error:
            raise gdb.GdbError(f"the kernel's memory cannot be read here: {error}") from None


def raeen_symbols(argument):
    """raeen-symbols [SLIDE | FILE]: load the kernel's symbols where it runs.

Without argument the running machine is asked. Else a number, or a file with the text of a panic (`kernel slide 0x...`)."""
    elf, slide = symbols.load(argument)
    yield f"{elf}: loaded at slide {slide:#x}"


def raeen_threads(argument):
    """raeen-threads: all threads, kernel threads included, and where they wait."""
    running = kernel.cpu_currents()
    yield f"{'thread':18} {'tid':>5} {'pid':>5} {'name':15} {'state':8} {'class':8} {'level':>5} {'CPU ms':>8}  where"
    for thread in kernel.each_thread():
        pid = int(thread["process"]["pid"]) if int(thread["process"]) else 0
        where = "on the CPU" if int(thread) in running else backtrace.where(thread)
        yield (f"{int(thread):#018x} {int(thread['tid']) or '-':>5} {pid or '-':>5} {kernel.text(thread['name']):15} "
               f"{kernel.STATES[int(thread['run_state'])]:8} {kernel.CLASSES[int(thread['sched_class'])]:8} "
               f"{int(thread['priority']):>5} {kernel.cycles_to_ms(thread['run_cycles']):>8}  {where}")


def raeen_processes(argument):
    """raeen-processes: all processes, zombies included."""
    yield f"{'process':18} {'pid':>5} {'ppid':>5} {'pgid':>5} {'sid':>5} {'uid':>5} {'threads':>7} {'RSS KiB':>8} {'state':7} name"
    for process in kernel.each_process():
        space, session, parent = process["as"], process["session"], process["parent"]
        state = "zombie" if process["zombie"] else "exiting" if process["exiting"] else "stopped" if process["stopped"] else "alive"
        yield (f"{int(process.address):#018x} {int(process['pid']):>5} {int(parent['pid']) if int(parent) else 0:>5} "
               f"{int(process['pgid']):>5} {int(session['sid']) if int(session) else 0:>5} {int(process['credentials']['uid']):>5} "
               f"{int(process['thread_count']):>7} {int(space['resident']) * 4 if int(space) else 0:>8} {state:7} {kernel.text(process['name'])}")


def raeen_bt(argument):
    """raeen-bt TID | NAME | ADDRESS: backtrace of a thread, on a CPU or not, across traps.

Kernel threads have no tid: give their name, or the address that raeen-threads prints."""
    if not argument:
        raise gdb.GdbError("raeen-bt: expected a tid, a thread's name or its address; see raeen-threads")
    thread = kernel.find_thread(argument)
    yield f"thread {int(thread):#x}, tid {int(thread['tid'])}, {kernel.text(thread['name'])}, {kernel.STATES[int(thread['run_state'])]}"
    yield from backtrace.of_thread(thread)


def raeen_vmas(argument):
    """raeen-vmas PID: what is mapped where, as in /proc/PID/maps."""
    space = kernel.find_process(argument)["as"]
    if not int(space):
        yield "no address space: the process has ended"
        return
    yield f"root {int(space['root']):#x}, {int(space['vma_count'])} VMAs, {int(space['resident'])} pages resident, brk {int(space['brk']):#x}"
    special = [("stack", 1 << 24), ("heap", 1 << 25), ("vdso", 1 << 26)]        # enum vma_flags
    for vma in kernel.each_in_tree(space["vmas"]["links"]["root"], "struct vma", "node"):
        prot, flags = int(vma["prot"]), int(vma["flags"])
        mode = "".join(letter if prot & bit else "-" for letter, bit in (("r", 1), ("w", 2), ("x", 4))) + ("s" if flags & 1 else "p")
        name = "".join(f"[{what}]" for what, bit in special if flags & bit) or kernel.object_name(vma["object"])
        yield f"{int(vma['start']):012x}-{int(vma['end']):012x} {mode} {int(vma['offset']):08x} {name}"


def raeen_fds(argument):
    """raeen-fds PID: open descriptors."""
    table = kernel.find_process(argument)["files"]
    if not int(table):
        yield "no descriptors: the process has ended"
        return
    yield f"{'fd':>4} {'file':18} {'refs':>4} {'flags':>8} {'position':>10}  what"
    for number in range(int(table["capacity"])):
        file = table["files"][number]
        if int(file):
            yield (f"{number:>4} {int(file):#018x} {int(file['refs']['count']):>4} {int(file['flags']):>#8o} {int(file['pos']):>10}  "
                   f"{kernel.file_name(file)}")


def raeen_frames(argument):
    """raeen-frames: what physical memory is used for."""
    counts = {}
    for refs, flags, _ in kernel.frame_records():
        # What is free keeps the flags of its last owner, but for those that were never anybody's.
        names = [name for bit, name in enumerate(kernel.FRAME_FLAGS) if flags >> bit & 1 and (refs or name in ("reserved", "not RAM"))]
        what = " + ".join(names) or ("other, in use" if refs else "free")
        counts[what] = counts.get(what, 0) + 1
    for what, count in sorted(counts.items(), key=lambda item: -item[1]):
        yield f"{count:>9} frames {count * 4:>9} KiB  {what}"
    yield ", ".join(f"{name} {pages}" for name, pages in kernel.memory_counters()) + " (pages)"


def raeen_log(argument):
    """raeen-log [LINES]: the kernel's log ring, or its last lines."""
    ring, end = kernel.static("lib/log.c", "ring"), int(kernel.static("lib/log.c", "ring_end"))
    size = ring.type.sizeof
    data = kernel.read_bytes(ring.address, size)
    data = data[:end] if end <= size else data[end % size:] + data[:end % size]
    lines = data.decode(errors="replace").splitlines()
    try:
        return lines[-int(argument, 0):] if argument else lines
    except ValueError:
        raise gdb.GdbError(f"raeen-log: {argument}: expected a number of lines") from None


for command in (raeen_symbols, raeen_threads, raeen_processes, raeen_bt, raeen_vmas, raeen_fds, raeen_frames, raeen_log):
    RaeenCommand(command.__name__.replace("_", "-"), command)
