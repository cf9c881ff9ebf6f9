# SPDX-License-Identifier: MIT
"""
The file system on the disk is what others take it for: what RaeenOS wrote is read and changed by Linux's own driver, and what that wrote is the root of RaeenOS. Sums
of all files go along.
"""
import base64
import os
import re
import shutil
import subprocess
import zlib

import linux_guest
import pytest
import synced
from guest import BUILD, LINUX, RAEEN, ROOT, vm
from root_machine import TAKE_LAST, Machine

SIZE = "root_free=10M"
# Files of no block to doubly indirect ones, holes, all kinds of links, a directory of several blocks, things that came and went. Run in that folder.
CHANGE = r"""
for i in $(seq 150); do echo "$i {maker}" > {maker}-file-with-a-long-name-$i; done; rm $(seq 3 7 150 | sed 's/^/{maker}-file-with-a-long-name-/')
head -c 500000 /dev/urandom > {maker}-large; head -c 60000 /dev/urandom > {maker}-middle; : > {maker}-empty
dd if=/dev/urandom of={maker}-holes bs=1000 seek=700 count=3 2> /dev/null; truncate -s 5000000 {maker}-holes
ln {maker}-middle {maker}-hard; ln -s {maker}-middle {maker}-short; ln -s ./////////////////////////////////////////////////////////////////////{maker}-middle {maker}-long
mkdir -p {maker}-dir/in/in; mv {maker}-dir/in/in {maker}-moved; echo inner > {maker}-moved/file; mkfifo {maker}-pipe; chmod 751 {maker}-dir
touch -d '2021-02-03 04:05:06' {maker}-middle
"""
# What the other has made: a part of it is changed, and a part goes.
OTHERS = r"""
echo more >> {other}-file-with-a-long-name-1; truncate -s 100000 {other}-large; head -c 9000 /dev/urandom | dd of={other}-holes bs=3000 seek=30 conv=notrunc 2> /dev/null
mv {other}-file-with-a-long-name-2 {other}-dir/renamed; rm {other}-hard {other}-file-with-a-long-name-5; rm -r {other}-moved
"""
# Sums of the files, and what stat says of all: modes, links, sizes, times.
SUMS = r"""
sums() { find . -type f ! -name sums | sort | xargs sha256sum; find . ! -name sums ! -name . | sort | xargs stat -c '%N %f %h %s %Y'; }
write_sums() { sums > /tmp/sums; cp /tmp/sums sums; }
check_sums() { sums > /tmp/sums; cmp /tmp/sums sums || { diff /tmp/sums sums | head -n 20; exit 1; }; }
"""
FIRST = SUMS + f"mkdir /root/work; cd /root/work\n{CHANGE.format(maker='raeen')}\nwrite_sums; cd /\n{TAKE_LAST}"
ON_LINUX = SUMS + f"""
insmod /brd.ko rd_nr=1 rd_size=$(($(stat -c %s /image) / 1024)) && dd if=/image of=/dev/ram0 bs=64k 2> /dev/null && mkdir /disk && mount -t ext2 /dev/ram0 /disk && cd /disk/root/work || exit 1
check_sums
{OTHERS.format(other='raeen')}{CHANGE.format(maker='linux')}
write_sums; cd /; umount /disk || exit 1
echo @image; gzip -1 < /dev/ram0 | base64 -w 1000
"""
AGAIN = SUMS + f"cd /root/work; check_sums; echo '@sums are right'\n{OTHERS.format(other='linux')}\n{CHANGE.format(maker='again')}\nwrite_sums; cd /\n{TAKE_LAST}"


def clear_free_blocks(image):
    """Free blocks may hold anything. A Linux driver that has one cached makes a directory of it as it is, with types in the entry ".." that e2fsck does not like."""
    told = subprocess.run(["dumpe2fs", image], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    size = int(re.search(r"^Block size: +(\d+)", told, re.MULTILINE)[1])
    with open(image, "r+b") as disk:
        for line in re.findall(r"^  Free blocks: (\d.*)", told, re.MULTILINE):
            for first, _, last in (run.partition("-") for run in line.split(", ")):
                disk.seek(int(first) * size)
                disk.write(bytes((int(last or first) - int(first) + 1) * size))


def on_linux(folder, image):
    """What becomes of @image there, as a file."""
    overlay = folder / "linux"
    overlay.mkdir()
    shutil.copy(image, overlay / "image")
    clear_free_blocks(overlay / "image")
    shutil.copy(linux_guest.module(BUILD, "drivers/block/brd"), overlay)
    done = vm(LINUX, ON_LINUX, "--mem", "512M", "--overlay", overlay)
    said, _, text = done.stdout.partition(b"@image\n")
    assert done.returncode == 0 and text, said[-3000:].decode() + done.stderr.decode()
    changed = folder / "changed"
    changed.write_bytes(zlib.decompress(base64.b64decode(text), wbits=31))
    return changed


@pytest.mark.full
def test_images_go_to_linux_and_back(tmp_path):
    first, last, iso = str(tmp_path / "first"), str(tmp_path / "last"), str(tmp_path / "iso")
    with Machine(FIRST, "--mem", "512M", append=SIZE) as machine:
        machine.image(first, last=True)
    assert synced.clean(first) == []
    changed = on_linux(tmp_path, first)
    assert synced.clean(changed) == []
    subprocess.run([os.path.join(ROOT, "grub/make-iso"), iso, os.path.join(BUILD, "kernel/kernel.elf"), changed], check=True)
    with Machine(AGAIN, "--mem", "512M", "--image", iso, guest=RAEEN, append=SIZE) as machine:
        machine.image(last, last=True)
    assert "@sums are right" in machine.lines, machine.text()[-3000:]
    assert synced.clean(last) == []
