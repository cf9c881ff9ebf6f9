# SPDX-License-Identifier: MIT
"""Takes a memory disk out of a stopped guest's RAM, by QEMU's monitor and the guest's /proc/disks/NAME/map."""
import os
import tempfile

# Runs of pages that are no further apart than this are fetched together.
GAP = 256 << 10


def parse_map(text):
    """(bytes of the disk, [(offset, physical, length)]) of "size BYTES" and lines of "OFFSET PHYSICAL LENGTH"."""
    head, *lines = text.split("\n")
    word, size = head.split()
    if word != "size":
        raise ValueError(f"no map of a disk: {head!r}")
    runs = [tuple(int(number) for number in line.split()) for line in lines if line]
    if any(length <= 0 or offset + length > int(size) for offset, _, length in runs):
        raise ValueError("a run of the map lies outside the disk")
    return int(size), runs


def spans(runs):
    """Runs in the order of their physical addresses, in lists that are each fetched at once."""
    found = []
    for run in sorted(runs, key=lambda run: run[1]):
        if found and run[1] - (found[-1][-1][1] + found[-1][-1][2]) <= GAP:
            found[-1].append(run)
        else:
            found.append([run])
    return found


def take(monitor, text, path):
    """
    Writes the disk, as it is in the guest's memory now, to the file @path. @monitor is a qmp.Qmp; @text the map, read when nothing was added to the disk any
    more. The guest should be stopped, or do nothing.
    """
    size, runs = parse_map(text)
    with open(path, "wb") as out, tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(path))) as folder:
        out.truncate(size)
        piece = os.path.join(folder, "memory")
        for span in spans(runs):
            start, end = span[0][1], max(run[1] + run[2] for run in span)
            monitor.call("pmemsave", val=start, size=end - start, filename=piece)
            with open(piece, "rb") as memory:
                for offset, physical, length in span:
                    memory.seek(physical - start)
                    out.seek(offset)
                    out.write(memory.read(length))
