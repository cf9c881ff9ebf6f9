# SPDX-License-Identifier: MIT
"""Turns the options of ci/vm into a QEMU command line.

Files for the guest are handed over as inherited descriptors (/dev/fd/N) of unnamed files, so that nothing is left
behind however ci/vm ends.
"""
import os
import shlex
import shutil
import tempfile

import counting
import newc

QEMU = "qemu-system-x86_64"
OVMF_PAIRS = (
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
)
FW_CFG = "opt/org.raeenos/"
# The random numbers and the date that QEMU hands to a guest; its clock then follows the instructions, as all others do.
EXACT = ["-seed", "1", "-rtc", "base=2026-01-01T00:00:00,clock=vm"]
# The same date for the files of an overlay: what a guest executes to read their times depends on the digits.
EXACT_TIME = 1767225600
# Kernel arguments that the boot menu needs, which cannot read what the kernel gets (grub/README.md).
BOOT_MENU_WORDS = ("selftest",)
SD_SIZE_MIN = 16 << 20
# MiB of translated code that QEMU keeps. Its own choice is 1024, and a program's code stays in there under each address that it ran at, until all is
# thrown away. A store to a page that had such code goes through all of it: where thousands of programs have run, clearing a page can take seconds.
TRANSLATED_MIB = 128
LINUX_APPEND = "console=ttyS0,115200 loglevel=4 panic=-1 mitigations=off"


class SetupError(Exception):
    """Something on the host is missing or wrong; the text says what."""


class Handover:
    """The descriptors that QEMU inherits. Each is an unnamed file, gone with its last descriptor."""

    def __init__(self):
        self.descriptors = []

    def bytes(self, data):
        """Returns a path under which the child reads @data."""
        with self.file() as out:
            out.write(data)
        return self.path()

    def file(self):
        """Returns a writer for a new unnamed file on disk; path() names it afterwards."""
        out = tempfile.TemporaryFile(prefix="raeen-vm-", dir=os.environ.get("TMPDIR", "/var/tmp"))
        self.descriptors.append(os.dup(out.fileno()))
        return out

    def path(self):
        return f"/dev/fd/{self.descriptors[-1]}"

    def inherit(self, descriptor):
        """Hands over @descriptor itself (a socket); returns its number as the child sees it."""
        self.descriptors.append(descriptor)
        return descriptor

    def close(self):
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = []


def quote(value):
    """QEMU options are separated by commas; one inside a value is doubled."""
    return str(value).replace(",", ",,")


def guest_command(words):
    """One word is shell text; several are quoted so that the guest's shell sees the same words."""
    return words[0] if len(words) == 1 else " ".join(shlex.quote(word) for word in words)


def accelerator(options):
    """Those who count instructions take QEMU as it is: their command is in what they publish, and their guests are short."""
    tunable = options.accel.split(",")[0] == "tcg" and "tb-size=" not in options.accel and not options.exact
    return options.accel + (f",tb-size={TRANSLATED_MIB}" if tunable else "")


def command_line(options, handover, command):
    """The whole QEMU command but for consoles: machine, firmware, media, and what is passed to the guest."""
    if not shutil.which(QEMU):
        raise SetupError(f"{QEMU} is not installed (make deps)")
    early = ["nokaslr"] * bool(options.profile) + [word for word in options.append.split() if word in BOOT_MENU_WORDS]
    line = [QEMU, "-nodefaults", "-no-user-config", "-vga", "std", "-machine", options.machine, "-accel", accelerator(options),
            "-cpu", options.cpu, "-m", str(options.mem), "-smp", str(options.smp),
            "-smbios", "type=1,serial=raeen:fast" + (f",family={' '.join(early)}" if early else "")]
    if options.icount or options.exact:
        line += ["-icount", f"shift={options.icount or 0},sleep=off"]
    if options.exact:
        line += EXACT
    if options.uefi:
        line += firmware()
    if options.qmp:
        line += ["-qmp", f"unix:{quote(options.qmp)},server=on,wait=off"]
    if options.count:
        line += ["-plugin", counting.plugin(options)]
    line += linux_boot(options, handover, command) if options.linux else raeen_boot(options, handover, command)
    return line + shlex.split(options.qemu)


def firmware():
    for code, variables in OVMF_PAIRS:
        if os.path.exists(code) and os.path.exists(variables):
            return ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
                    "-drive", f"if=pflash,format=raw,unit=1,snapshot=on,file={variables}"]
    raise SetupError("the UEFI firmware for QEMU is not installed (package ovmf, make deps)")


def raeen_boot(options, handover, command):
    if not os.path.isfile(options.image):
        raise SetupError(f"{options.image}: no such image (make iso)")
    line = sd_card(options.image, handover) if options.exact else medium(options)
    if command is not None:
        line += fw_cfg(handover, "command", os.fsencode(command))
    if options.append:
        line += fw_cfg(handover, "append", os.fsencode(options.append))
    if options.overlay:
        with handover.file() as out:
            archive = newc.NewcWriter(out, EXACT_TIME if options.exact else None)
            archive.tree(options.overlay)
            archive.finish()
        line += ["-fw_cfg", f"name={FW_CFG}overlay,file={handover.path()}"]
    return line


def fw_cfg(handover, name, data):
    return ["-fw_cfg", f"name={FW_CFG}{name},file={handover.bytes(data)}"]


def medium(options):
    """The same hybrid image as CD or as raw disk. GRUB's fastest way is the default: AHCI 35 MB/s, CD 14, IDE 6."""
    as_disk = options.disk or (options.machine.startswith("q35") and not options.cd)
    drive = f"if=none,id=boot,format=raw,file={quote(options.image)}"
    if as_disk:
        return ["-drive", drive + ",snapshot=on", "-device", "ide-hd,drive=boot,bus=ide.0,bootindex=0"]
    return ["-drive", drive + ",media=cdrom,readonly=on", "-device", "ide-cd,drive=boot,bus=ide.1,bootindex=0"]


def sd_card(image, handover):
    """What QEMU reads from a disk comes when the host has it, which differs from run to run; an SD card makes the guest
    wait. It has a power of two of bytes."""
    with handover.file() as out, open(image, "rb") as source:
        shutil.copyfileobj(source, out, newc.CHUNK)
        size = SD_SIZE_MIN
        while size < out.tell():
            size *= 2
        out.truncate(size)
    return ["-drive", f"if=none,id=boot,format=raw,file={handover.path()}", "-device", "sdhci-pci",
            "-device", "sd-card,drive=boot"]


def linux_boot(options, handover, command):
    """The oracle: kernel and base initramfs from the cache, command and overlay as further archives behind it."""
    import linux_guest

    kernel, base = linux_guest.prepare(options.build)
    with handover.file() as out:
        with open(base, "rb") as source:
            shutil.copyfileobj(source, out, newc.CHUNK)
        if command is not None or options.overlay:
            archive = newc.NewcWriter(out, EXACT_TIME if options.exact else None)
            if options.overlay:
                archive.tree(options.overlay)
            if command is not None:
                archive.data("command", os.fsencode(command))
            archive.finish()
    append = LINUX_APPEND + (" nokaslr" if options.profile else "") + (" " + options.append if options.append else "")
    return ["-kernel", options.linux_kernel or kernel, "-initrd", handover.path(), "-append", append]
