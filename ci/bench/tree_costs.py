# SPDX-License-Identifier: MIT
"""
What programs execute that work on many files: busybox as Debian links it statically, the same file in each guest, unpacks a tree of 5,000 files on tmpfs,
looks for all of them and removes them. All instructions count that are executed from before its fork to after its end (main.c of the benchmark, "around"): the
program's own, which are the same in each guest, and the kernel's. So a ratio cannot fall below the share that the program itself has of Linux's figure.
"""
import io
import os
import shutil
import subprocess
import tarfile
import tempfile

import counting
import goals
import linux_guest
import measure

FOLDERS, FILES_EACH = 50, 100
FILES = FOLDERS * FILES_EACH
# Sizes of files go through all up to that, in no order: half of it each in the middle.
LARGEST, STEP = 4096, 1361
# A first turn brings the program and the archive into memory; the second is measured. What each has done is looked at.
SCRIPT = f"""
cp /tree.tar /tmp/tree.tar && cd /tmp || exit 1
for turn in first second; do
	/bench around /busybox tar -x -f tree.tar && [ $(ls tree/* | grep -c '^file') = {FILES} ] || exit 1
	/bench around /busybox find tree >found && [ $(wc -l <found) = {FILES + FOLDERS + 1} ] || exit 1
	/bench around /busybox rm -r tree && [ ! -e tree ] || exit 1
done
"""


def write_archive(path):
    """Of the same bytes each time."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for folder in ["tree"] + [f"tree/folder-{number:02}" for number in range(FOLDERS)]:
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(member)
        for number in range(FILES):
            member = tarfile.TarInfo(f"tree/folder-{number // FILES_EACH:02}/file-{number:04}.txt")
            member.mode, member.size = 0o644, number * STEP % (LARGEST + 1)
            archive.addfile(member, io.BytesIO(b"x" * member.size))


def wanted(names):
    """The rows that one of @names is a part of; without names all."""
    return [row for row in goals.PROGRAM_RATIOS if not names or any(name in row for name in names)]


def run(guest, cpu, time=None):
    """{row of goals.PROGRAM_RATIOS: executed instructions}. @time: of the archive's file on the host, which must not matter; without it now."""
    with tempfile.TemporaryDirectory() as folder:
        overlay, counts = os.path.join(folder, "overlay"), os.path.join(folder, "counts")
        linux_guest.prepare(measure.BUILD)
        shutil.copytree(os.path.join(measure.BUILD, "bench"), overlay)
        shutil.copy(os.path.join(measure.BUILD, "linux-guest/busybox"), os.path.join(overlay, "busybox"))
        write_archive(os.path.join(overlay, "tree.tar"))
        if time is not None:
            os.utime(os.path.join(overlay, "tree.tar"), (time, time))
        line = measure.vm_line(guest, cpu, "--mem", "1G", "--overlay", overlay, "--count", counts)
        subprocess.run([*line, "--", SCRIPT], stdout=subprocess.DEVNULL, check=True)
        marked = [count["instructions"] for name, count in counting.read(counts) if name == "marked"]
    rows = len(goals.PROGRAM_RATIOS)
    if len(marked) != 2 * rows:
        raise RuntimeError(f"{guest}: the counting plugin saw {len(marked)} programs, not {2 * rows}")
    return dict(zip(goals.PROGRAM_RATIOS, marked[rows:]))
