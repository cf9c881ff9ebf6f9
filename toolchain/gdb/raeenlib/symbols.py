# SPDX-License-Identifier: MIT
"""Loading the kernel's symbols where the kernel runs (KASLR moves it at every boot)."""
import os
import re
import subprocess

import gdb

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
IMAGE_AREA = 0xffffffff80000000         # KERNEL_IMAGE_AREA of arch/x86_64/boot_layout.h: 1 GiB from here
IMAGE_ALIGN = 0x200000


def kernel_file():
    """The ELF file that gdb already has, else the one that make builds."""
    name = gdb.current_progspace().filename or (gdb.objfiles()[0].filename if gdb.objfiles() else None)
    return name or os.path.join(os.environ.get("BUILD") or os.path.join(ROOT, "build"), "kernel/kernel.elf")


def linked_address(elf, name):
    """The address of a symbol as linked, whatever gdb has loaded where."""
    text = subprocess.run(["nm", elf], capture_output=True, text=True, check=True).stdout
    found = re.search(rf"^([0-9a-f]+) \w {name}$", text, re.M)
    if not found:
        raise gdb.GdbError(f"{elf} has no symbol {name}: is it the kernel?")
    return int(found[1], 16)


def plausible(slide):
    base = slide + IMAGE_ALIGN          # KERNEL_LINK_BASE is the same 2 MiB
    return base % IMAGE_ALIGN == 0 and IMAGE_AREA <= base < IMAGE_AREA + (1 << 30)


def slide_from_machine(elf):
    """The CPU's interrupt table is the kernel's array `idt`: the distance to where it was linked is the slide."""
    text = gdb.execute("monitor info registers", to_string=True)
    found = re.search(r"^IDT=\s+([0-9a-f]{16})", text, re.M)
    if not found:
        raise gdb.GdbError("QEMU's monitor does not tell the IDT: connect with `target remote` first, or give the slide")
    slide = int(found[1], 16) - linked_address(elf, "idt")
    if not plausible(slide):
        raise gdb.GdbError("the kernel has not loaded its interrupt table yet: let it run a little, then try again")
    return slide


def slide_from_text(argument):
    """A number, or a file with a panic (`kernel slide 0x...`)."""
    if os.path.exists(argument):
        with open(argument, errors="replace") as file:
            found = re.findall(r"kernel slide (0x[0-9a-f]+)", file.read())
        if not found:
            raise gdb.GdbError(f"{argument}: no line with `kernel slide`")
        argument = found[-1]
    try:
        slide = int(argument, 0)
    except ValueError:
        raise gdb.GdbError(f"{argument}: expected a number or a file that holds a panic") from None
    if not plausible(slide):
        raise gdb.GdbError(f"{slide:#x} is no slide of this kernel: expected one from {IMAGE_AREA - IMAGE_ALIGN:#x} on, in steps of 2 MiB")
    return slide


def load(argument=""):
    elf = kernel_file()
    slide = slide_from_text(argument) if argument else slide_from_machine(elf)
    gdb.execute("symbol-file", to_string=True)
    gdb.execute(f"symbol-file -o {slide:#x} {elf}", to_string=True)
    return elf, slide


def check():
    """Commands call this first: loads the symbols if they are not where the kernel is."""
    elf = kernel_file()
    slide = slide_from_machine(elf)
    try:
        here = int(gdb.parse_and_eval("(unsigned long)&'arch/x86_64/descriptors.c'::idt"))
    except gdb.error:
        here = None
    if here != slide + linked_address(elf, "idt"):
        load(hex(slide))
