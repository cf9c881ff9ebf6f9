# SPDX-License-Identifier: MIT
"""
A root file system that becomes read-only, and can be written again (src/kernel/vfs/mount_calls.c): what was written before is on the disk, which is clean;
what is in use stays what it is.
"""
import os
import shutil
import subprocess

from guest import BUILD, RAEEN, vm
from root_machine import Machine, TAKE

# What is opened for writing forbids it on any system; so does what has no name any more and is in use. Without that the file shows what others write later.
SCRIPT = rf"""
cd /tmp
yes removed | head -c 100000 >/first; yes second | head -c 100000 >/second; touch -d 2001-02-03 /second; sync
exec 3</first; rm /first
mount -o remount,ro / 2>/dev/null && echo "read-only with a removed file in use"
mount -o remount,rw /
yes others | head -c 3000000 >/others; sync; echo 3 >/proc/sys/vm/drop_caches
cat <&3 | grep -vc removed
exec 3<&-
head -c 1000 /dev/zero | dd of=/second conv=notrunc 2>/dev/null
yes last | head -c 1000000 >/last; mkdir /directory; ln /last /directory/link; rm /others
mount -o remount,ro / && echo ended
mkdir /never 2>/dev/null && echo made
{TAKE}
echo 3 >/proc/sys/vm/drop_caches; date -r /second +"since %Y"; tail -n 1 /directory/link
mount -o remount,rw / && mkdir /again && rmdir /again && echo changed
"""


def test_read_only_and_back(tmp_path):
    image = tmp_path / "disk"
    with Machine(SCRIPT) as machine:
        machine.image(str(image))
        assert machine.rest() == 0, machine.text() + machine.log()
        text = machine.text()
    assert "in use" not in text and text.startswith("0\nended\n") and "made" not in text, text
    assert "since 2001" not in text and "since 20" in text and text.endswith("last\nchanged"), text
    header = subprocess.run(["dumpe2fs", "-h", image], capture_output=True, text=True, check=True, env={**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"})
    assert "Filesystem state:         clean\n" in header.stdout, header.stdout
    checked = subprocess.run(["/sbin/e2fsck", "-fn", image], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_stores(tmp_path):
    """Who has mapped a file to store to it keeps the file system as it is."""
    (tmp_path / "tests").mkdir()
    shutil.copy(os.path.join(BUILD, "tests/tests/root_cut_short"), tmp_path / "tests")
    done = vm(RAEEN, "mkdir /here; TMPDIR=/here READ_ONLY=/ /tests/root_cut_short stored_to", "--overlay", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
