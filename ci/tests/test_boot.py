# SPDX-License-Identifier: MIT
"""Starting up: firmware, media, machines, processors; and what is said when it cannot be done."""
import os
import re
import struct
import subprocess
import time

import pytest

from guest import BUILD, IMAGE, RAEEN, ROOT, console_text, vm, vm_line

full = pytest.mark.full
PC, Q35 = ("--machine", "pc"), ("--machine", "q35")
KERNEL = os.path.join(BUILD, "kernel/kernel.elf")
ROOT_IMAGE = os.path.join(BUILD, "root.ext2")
# src/kernel/debug/symbols.h
SYMBOLS_SECTION_TYPE = 0x8053594d

WAYS = [
    pytest.param([*PC, "--cd", "--mem", "64M", "--cpu", "qemu64"], id="bios-cd-pc-64M-qemu64"),
    pytest.param([*Q35, "--disk", "--uefi", "--smp", "2"], id="uefi-disk-q35-smp2"),
    pytest.param([*Q35, "--cd"], id="bios-cd-q35", marks=full),
    pytest.param([*PC, "--disk"], id="bios-disk-pc", marks=full),
    pytest.param([*PC, "--cd", "--uefi"], id="uefi-cd-pc", marks=full),
    pytest.param([*PC, "--disk", "--uefi"], id="uefi-disk-pc", marks=full),
    pytest.param([*Q35, "--cd", "--uefi"], id="uefi-cd-q35", marks=full),
    pytest.param([*Q35, "--smp", "2"], id="smp2", marks=full),
    pytest.param([*Q35, "--smp", "4"], id="smp4"),
    pytest.param([*Q35, "--smp", "8", "--mem", "1G"], id="smp8", marks=full),
    pytest.param([*PC, "--smp", "8", "--cpu", "qemu64", "--accel", "tcg,thread=single"], id="smp8-one-thread", marks=full),
    pytest.param([*Q35, "--cd", "--uefi", "--smp", "4"], id="uefi-smp4", marks=full),
    pytest.param([*Q35, "--mem", "64M"], id="64M", marks=full),
    pytest.param([*Q35, "--mem", "6G"], id="above-4G", marks=full),
    pytest.param([*Q35, "--cpu", "qemu64"], id="qemu64", marks=full),
    pytest.param([*Q35, "--cpu", "qemu64,+smep,+smap"], id="qemu64-smap", marks=full),
    pytest.param([*Q35, "--cpu", "Skylake-Client-v4"], id="skylake", marks=full),
    pytest.param([*Q35, "--append", "nokaslr"], id="nokaslr", marks=full),
    pytest.param([*PC, "--append", "safe", "--smp", "2"], id="safe-pc", marks=full),
    pytest.param([*Q35, "--append", "safe"], id="safe-q35"),
    pytest.param([*Q35, "--qemu", "-vga none"], id="no-screen", marks=full),
    pytest.param([*Q35, "--qemu", "-no-acpi"], id="no-acpi", marks=full),
    pytest.param([*Q35, "--qemu", "-no-hpet"], id="no-hpet", marks=full),
]


@pytest.mark.parametrize("options", WAYS)
def test_boots(options):
    # The other processors come while boot goes on.
    wait = "while ! dmesg | grep -q 'cpus: .* run'; do sleep 0.01; done"
    done = vm(RAEEN, f"echo up; uname -m; cat /proc/meminfo; {wait}; cat /proc/cpuinfo; dmesg", *options, timeout=150)
    assert done.returncode == 0, console_text(done.stderr)
    text = done.stdout.decode()
    assert text.splitlines()[:2] == ["up", "x86_64"]
    total = int(re.search(r"MemTotal: *(\d+)", text).group(1))
    alone = "safe" in options or "-no-acpi" in options
    cpus = 1 if alone or "--smp" not in options else int(options[options.index("--smp") + 1])
    assert len(re.findall(r"^processor\t: \d+$", text, re.M)) == cpus, text
    assert re.search(rf"cpus: {cpus} of {cpus} runs?\b", text), text
    if "64M" in options:
        assert 24 << 10 < total < 64 << 10
    if "6G" in options:
        assert total > 5 << 20


def test_unknown_calls():
    """Each leaves one line in the log, with number, name of the call and program, however often it is repeated."""
    program = "/tests/system unknown_calls > /dev/null"
    done = vm(RAEEN, f"{program}; {program}; dmesg", "--overlay", os.path.join(BUILD, "tests"))
    assert re.findall(r"syscall: (\w+) \(pid \d+\) called (\d+) \((\w+)\)", done.stdout.decode()) == [
        ("system", str(number), name) for number, name in (
            (134, "uselib"), (400, "unknown"), (600, "unknown"), (999, "unknown"), (5000, "unknown"),
            (0x7fffffff, "unknown"), (0xffffffff, "unknown"))]


@pytest.mark.parametrize("cpus", (1, 2))
def test_self_test(cpus, tmp_path):
    """The menu's entry "Kernel self-test": the kernel that has them tests itself and switches the machine off."""
    console = tmp_path / "console"
    subprocess.run(vm_line(RAEEN, "--smp", str(cpus), "--append", "selftest", "--console", console) + ["--", "true"],
                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=180)
    text = console_text(console.read_bytes())
    found = re.search(r"selftest: (\d+) passed, (\d+) failed", text)
    assert found, text
    assert int(found.group(1)) > 0, text
    assert int(found.group(2)) == 0, text


def test_everyday_kernel_has_no_self_tests(tmp_path):
    """Asked for them, it says which kernel has them, and goes on."""
    image = tmp_path / "one-kernel.iso"
    subprocess.run([os.path.join(ROOT, "grub/make-iso"), image, KERNEL, ROOT_IMAGE], check=True)
    done = vm(RAEEN, "dmesg", "--image", image, "--append", "selftest")
    assert done.returncode == 0, console_text(done.stderr)
    assert re.findall("selftest: .*", done.stdout.decode()) == [
        'selftest: this kernel has no self-tests; /boot/kernel-selftest.elf has ("Kernel self-test" in the boot menu)']


def damaged_root(kind, path):
    """Writes a copy of the root image that is wrong in the way @kind says."""
    with open(ROOT_IMAGE, "rb") as source:
        data = bytearray(source.read())
    if kind == "empty":
        data = b""
    elif kind == "truncated":
        del data[len(data) // 3:]
    elif kind == "superblock":
        data[1024:2048] = bytes(1024)
    elif kind == "absurd-superblock":
        data[1024:1024 + 56] = b"\xff" * 56
    elif kind == "descriptors":
        data[2048:6144] = b"\xff" * 4096
    elif kind == "not-a-file-system":
        data = b"This is no file system.\n" * 100000
    path.write_bytes(data)


def variant(folder, kind):
    """An image with a wrong root; all but the file itself as in the real one."""
    root = folder / "root.ext2"
    damaged_root(kind, root)
    image = folder / "variant.iso"
    subprocess.run([os.path.join(ROOT, "grub/make-iso"), image, KERNEL, root], check=True)
    return image


MESSAGE = re.compile(r"(RaeenOS cannot boot: |kernel panic: |\berror: )(.+)")


def fails_once(folder, *options, seconds=150):
    """
    Starts a machine that is free to restart itself; returns the console's text some seconds after the first message.
    A second message would mean that it runs in a circle.
    """
    console = folder / "console"
    with open(folder / "errors", "wb") as errors:
        machine = subprocess.Popen(vm_line(RAEEN, "--console", console, *options), stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=errors)
    try:
        deadline = time.monotonic() + seconds
        text = ""
        while not MESSAGE.search(text) and time.monotonic() < deadline and machine.poll() is None:
            time.sleep(0.2)
            text = console_text(console.read_bytes()) if console.exists() else ""
        time.sleep(6)
        text = console_text(console.read_bytes())
    finally:
        machine.terminate()
        machine.wait(20)
    assert MESSAGE.search(text), f"no message within {seconds} s:\n{text}"
    assert len(re.findall(r"RaeenOS cannot boot: |kernel panic: |RaeenOS was not started", text)) <= 1, text
    return MESSAGE.search(text).group(2)


ROOTS = [
    pytest.param("truncated", "root|module|truncated|short|size|block"),
    pytest.param("superblock", "root|ext2|module|superblock|magic", marks=full),
    pytest.param("absurd-superblock", "root|ext2|module|superblock", marks=full),
    pytest.param("descriptors", "root|ext2|module|descriptor|inode|block|group", marks=full),
    pytest.param("not-a-file-system", "root|ext2|module|superblock|magic", marks=full),
    pytest.param("empty", "root.ext2 is missing or empty", marks=full),
]


@pytest.mark.parametrize("kind, words", ROOTS)
def test_wrong_root(tmp_path, kind, words):
    message = fails_once(tmp_path, "--image", variant(tmp_path, kind))
    assert re.search(words, message), message


def without_symbols(elf, path):
    """Writes a copy of the kernel @elf whose section with the symbol table has another type, so that it is not known as that."""
    with open(elf, "rb") as source:
        data = bytearray(source.read())
    table, = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    places = [table + index * size + 4 for index in range(count)]
    found = [place for place in places if struct.unpack_from("<I", data, place) == (SYMBOLS_SECTION_TYPE,)]
    assert len(found) == 1
    struct.pack_into("<I", data, found[0], 1)
    path.write_bytes(data)


@pytest.mark.parametrize("options", [["--machine", "pc"], pytest.param(["--uefi", "--smp", "2"], marks=full)], ids=("bios", "uefi"))
@pytest.mark.parametrize("symbols", (True, False), ids=("symbols", "no-symbols"))
def test_backtrace(tmp_path, symbols, options):
    """Names are those of the table that the loader brings; without it there are the addresses, from which the host finds the names."""
    kernel, image = tmp_path / "kernel.elf", tmp_path / "variant.iso"
    if symbols:
        image = IMAGE
    else:
        without_symbols(KERNEL, kernel)
        subprocess.run([os.path.join(ROOT, "grub/make-iso"), image, kernel, ROOT_IMAGE], check=True)
    done = vm(RAEEN, "true", "--image", image, "--append", "init=/nonexistent", *options)
    assert done.returncode == 125
    text = console_text(done.stderr)
    rows = re.findall(r"^  0x\w{16}  (\S+)\+0x\w+  \(link 0x2\w{5}\)$", text, re.M)
    assert len(rows) > 3 and ("boot_thread" in rows if symbols else set(rows) == {"?"}), text
    told = subprocess.run([os.path.join(ROOT, "toolchain/symbolize"), "--elf", KERNEL], input=text.encode(), stdout=subprocess.PIPE, check=True)
    assert " at boot_thread src/kernel/init/" in told.stdout.decode()


@full
def test_missing_module(tmp_path):
    """A loader that forgets the module."""
    tree = tmp_path / "grub-src"
    tree.mkdir()
    for name in ("make-iso", "grub.cfg"):
        text = open(os.path.join(ROOT, "grub", name)).read()
        (tree / name).write_text(text.replace("if module2 /boot/root.ext2 root; then", "if [ 1 = 1 ]; then"))
        (tree / name).chmod(0o755)
    image = tmp_path / "variant.iso"
    subprocess.run([tree / "make-iso", image, KERNEL, ROOT_IMAGE], check=True)
    assert re.search("module|root", fails_once(tmp_path, "--image", image))


@pytest.mark.parametrize("memory", [pytest.param("8M"), pytest.param("10M", marks=full), pytest.param("12M", marks=full),
                                    pytest.param("16M", marks=full), pytest.param("24M", marks=full)])
def test_little_memory(tmp_path, memory):
    """64 MiB must do. Below that the system may work; where it cannot, it says so."""
    done = vm(RAEEN, "echo up", "--mem", memory, timeout=40)
    if done.returncode != 0:
        assert re.search("[Mm]emory|MiB", fails_once(tmp_path, "--mem", memory))


LACKING = [pytest.param("qemu64,-lm", "64-bit|long mode", id="long-mode"),
           pytest.param("qemu64,-nx", "NX|no-execute|execute", id="nx", marks=full),
           pytest.param("qemu64,-syscall", "[Ss][Yy][Ss][Cc][Aa][Ll][Ll]", id="syscall", marks=full),
           pytest.param("qemu64,-fxsr", "FXS|fxs|SSE", id="fxsr", marks=full),
           pytest.param("qemu64,-tsc", "TSC|time stamp|tsc", id="tsc", marks=full),
           pytest.param("qemu64,-sse2", "SSE|sse", id="sse2", marks=full)]


@pytest.mark.parametrize("cpu, words", LACKING)
def test_lacking_processor(tmp_path, cpu, words):
    message = fails_once(tmp_path, "--cpu", cpu)
    assert re.search(words, message), message


def test_image_is_small():
    """GRUB reads the module slowly: 24 MiB at most."""
    assert os.path.getsize(ROOT_IMAGE) <= 24 << 20
    assert os.path.getsize(IMAGE) <= 64 << 20
