# SPDX-License-Identifier: MIT
"""
A root file system of which some files and folders are damaged, each in another way, while the rest is sound: what uses them is told an error, the server lives on
with the rest, and nothing is left in the kernel.
"""
import os
import random
import re
import struct
import subprocess

import pytest

from guest import BUILD, RAEEN, ROOT, vm

KERNEL, DEBUG_KERNEL = (os.path.join(BUILD, name, "kernel.elf") for name in ("kernel", "kernel-debug"))
ROOT_IMAGE = os.path.join(BUILD, "root.ext2")
BLOCK, BLOCKS = 4096, 8192
COPIES = 60
# Of an inode: name -> (place, struct's letter). Not the owner and the times, in which nothing can be wrong.
FIELDS = {"mode": (0, "H"), "size": (4, "I"), "dtime": (20, "I"), "links": (26, "H"), "sectors": (28, "I"), "flags": (32, "I"), "file_acl": (104, "I"),
          "size_high": (108, "I"), **{f"block{slot}": (40 + 4 * slot, "I") for slot in (0, 1, 5, 11, 12, 13, 14)}}
TARGETS = ("file", "sub", "link", "long")
# Numbers that no file may have: of other files' blocks none are here, as taking these is something that cannot be seen.
POINTERS = (1, 2, BLOCKS - 1 + 1, BLOCKS + 1, 0x7fffffff, 0x80000000, 0xffffffff)
NUMBERS = {"H": (0, 1, 2, 0x1000, 0x4000, 0x6000, 0x7fff, 0x8000, 0xa000, 0xc000, 0xf000, 0xffff), "I": (0, 1, 5, 0xfff, 0x1001, 0x7fffffff, 0x80000000, 0xffffffff)}


def debugfs(image, *commands, write=False):
    words = ["debugfs", *(["-w"] if write else []), "-f", "-", image]
    return subprocess.run(words, input="\n".join(commands), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout


def filled_image(folder):
    """A copy of the root image with room, and COPIES folders of the same kind in /damaged."""
    image = str(folder / "root.ext2")
    with open(ROOT_IMAGE, "rb") as source, open(image, "wb") as out:
        out.write(source.read())
    subprocess.run(["e2fsck", "-fp", image], stdout=subprocess.DEVNULL)
    subprocess.run(["resize2fs", image, str(BLOCKS)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    data = folder / "data"
    data.write_bytes(bytes(range(256)) * 16 * 14)      # needs an indirect block
    commands = ["mkdir /damaged"]
    for copy in range(COPIES):
        place = f"/damaged/{copy}"
        commands += [f"mkdir {place}", f"mkdir {place}/sub", f"write {data} {place}/file", f"write {data} {place}/sub/below", f"symlink {place}/link file",
                     f"symlink {place}/long {'x' * 100}"]
    debugfs(image, *commands, write=True)
    assert subprocess.run(["e2fsck", "-fn", image], stdout=subprocess.DEVNULL).returncode == 0
    return image


def places_of_inodes(image, paths):
    """Where in the image each of @paths has its inode."""
    text = debugfs(image, *(f"imap {path}" for path in paths))
    found = re.findall(r"located at block (\d+), offset (0x[0-9a-f]+)", text)
    assert len(found) == len(paths), text
    return [int(block) * BLOCK + int(offset, 16) for block, offset in found]


def spoil_inode(data, at, chance):
    """One field of the inode, to something that it was not."""
    name = chance.choice(sorted(FIELDS))
    place, letter = FIELDS[name]
    choices = POINTERS if name.startswith("block") or name == "file_acl" else NUMBERS[letter]
    old = struct.unpack_from("<" + letter, data, at + place)[0]
    new = chance.choice([number for number in choices if number != old])
    struct.pack_into("<" + letter, data, at + place, new)
    return f"{name} {old:#x} -> {new:#x}"


def spoil_block(data, at, chance, words):
    """Some bytes near the beginning of a block of a folder, or pointers of an indirect one."""
    place = at + 4 * chance.randrange(words)
    old = struct.unpack_from("<I", data, place)[0]
    new = chance.choice([number for number in POINTERS if number != old])
    struct.pack_into("<I", data, place, new)
    return f"word {(place - at) // 4} {old:#x} -> {new:#x}"


def damage(image, seed):
    """Spoils one thing of each copy; returns a line on each."""
    chance = random.Random(seed)
    targets = [chance.choice(TARGETS) for _ in range(COPIES)]
    paths = [f"/damaged/{copy}/{target}" for copy, target in enumerate(targets)]
    inodes = places_of_inodes(image, paths)
    lines = []
    with open(image, "r+b") as out:
        data = bytearray(out.read())
        for path, target, at in zip(paths, targets, inodes):
            first, indirect = struct.unpack_from("<I", data, at + 40)[0], struct.unpack_from("<I", data, at + 40 + 48)[0]
            if target == "sub" and chance.random() < 0.6:
                what = spoil_block(data, first * BLOCK, chance, 12)
            elif target == "file" and chance.random() < 0.3:
                what = spoil_block(data, indirect * BLOCK, chance, 2)
            else:
                what = spoil_inode(data, at, chance)
            lines.append(f"{path}: {what}")
        out.seek(0)
        out.write(data)
    return lines


@pytest.mark.parametrize("kernel, seed", [(KERNEL, 1), *(pytest.param(kernel, seed, marks=pytest.mark.full) for seed in (2, 3, 4) for kernel in (KERNEL, DEBUG_KERNEL))],
                         ids=lambda value: value if isinstance(value, int) else os.path.basename(os.path.dirname(value)))
def test_damaged_files(tmp_path, kernel, seed):
    image = filled_image(tmp_path)
    lines = "\n".join(damage(image, seed))
    iso = tmp_path / "damaged.iso"
    subprocess.run([os.path.join(ROOT, "grub/make-iso"), iso, kernel, image], check=True)
    command = 'PLACE=/damaged CASE_LIMIT_MS=300000 /tests/root_damaged; echo "@status $?"; svc list; cat /proc/served; dmesg'
    done = vm(RAEEN, command, "--image", iso, "--overlay", os.path.join(BUILD, "tests"), "--mem", "1G", timeout=600)
    text = done.stdout.decode(errors="replace")
    said = f"SEED={seed}\n{lines}\n{text[-6000:]}{done.stderr.decode(errors='replace')[-2000:]}"
    assert "@status 0" in text.splitlines(), said
    refused = [int(number) for number in re.findall(r"^(?:reading|changing): (\d+) of", text, re.M)]
    assert len(refused) == 2 and all(number > COPIES / 4 for number in refused), said
    # The server has lived through all of it.
    assert re.search(r"^ext2 running \d+ 0\b", text, re.M), said
