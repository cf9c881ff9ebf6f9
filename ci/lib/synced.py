# SPDX-License-Identifier: MIT
"""What src/userland/tests/root_synced.c was told to be on the disk, read in the disk's log, and whether it is there after a cut."""
import os
import re
import shutil
import subprocess

PAGE = 4096
ACK = re.compile(rb"RAEEN-ACK (\d+) (\w+) (\S+) (\d+)\n")
FILE_HEAD = re.compile(rb"RAEEN-FILE (\d+) (\d+)\n")
ROWS = [bytes((start + 7 * at) & 255 for at in range(256)) for start in range(256)]
E2FSCK_MENDED, E2FSCK_LEFT = 1, 4
# What e2fsck -p leaves of a directory that was moving: two names, or the ".." of the other place.
MOVING = re.compile(r"is a link to directory|'\.\.' in .* should be")
MOVED_LENGTH = 3000


def content(name, version, length, start=0):
    """As byte_of() of root_synced.c; @start is a multiple of 256."""
    base = version * 101
    for char in name.encode():
        base = (base * 31 + char) & 0xFFFFFFFF
    rows = range(start >> 8, (start + length + 255) >> 8)
    return b"".join(ROWS[(base + 3 * row) & 255] for row in rows)[:length]


def acknowledgements(records):
    """A list of (number of the record in whose write it is first, number, kind, name, value), in the order of their numbers, without gaps."""
    found = {}
    for place, record in enumerate(records):
        for at in range(0, len(record.data or b""), PAGE):
            match = ACK.match(record.data, at)
            if match:
                found.setdefault(int(match[1]), (place, int(match[1]), match[2].decode(), match[3].decode(), int(match[4])))
    if sorted(found) != list(range(len(found))):
        raise ValueError("an acknowledgement is missing in the log")
    return [found[number] for number in sorted(found)]


class Promises:
    """What must be there when the power fails after so many records."""

    def __init__(self, acks, place):
        self.sizes, self.versions, self.steady, self.pages = {}, {}, {}, {}
        # Where each directory that moves may be: one place, or two while it moves.
        self.places, self.moving = {}, set()
        for written, _, kind, name, value in acks:
            if written >= place:
                break
            if kind == "size":
                self.sizes[name] = value
            elif kind == "version":
                self.versions[name] = value
            elif kind == "page":
                self.pages[value >> 32] = value & 0xFFFFFFFF
            elif kind in ("there", "going", "gone"):
                self.steady[name] = (kind, value)
            elif kind == "moving":
                self.moving.add(name)
                self.places[name] += (value,)
            elif kind == "moved":
                self.moving.discard(name)
                self.places[name] = (value,)

    def count(self):
        return len(self.sizes) + len(self.versions) + len(self.steady) + len(self.pages) + len(self.places)

    def broken(self, folder):
        """Lines that say what is not as promised in @folder, a copy of the program's."""
        lines = []
        for name, size in self.sizes.items():
            data = read(folder, name)
            if data is None or len(data) < size or data[:size] != content(name, 0, size):
                lines.append(f"{name}: not its first {size} bytes, but {describe(data)}")
        for name, version in self.versions.items():
            data = read(folder, name)
            if not is_whole(name, data, version):
                lines.append(f"{name}: not version {version} or later, but {describe(data)}")
        for name, (kind, size) in self.steady.items():
            path = os.path.join(folder, name)
            data = read(folder, os.path.join(name, "file") if os.path.isdir(path) else name)
            if kind == "there" and data != content(name, 0, size):
                lines.append(f"{name}: not its {size} bytes, but {describe(data)}")
            if kind == "gone" and os.path.lexists(path):
                lines.append(f"{name}: was removed, and is there")
        lines += self.broken_places(folder)
        return lines + (self.broken_pages(read(folder, "mapped")) if self.pages else [])

    def broken_places(self, folder):
        lines = []
        for name, places in self.places.items():
            found = [place for place in places if read(folder, f"place-{place}/{name}/below/file") == content(name, 0, MOVED_LENGTH)]
            if len(found) != 1:
                lines.append(f"{name}: not in one of the places {places}, but in {found}")
        return lines

    def broken_pages(self, data):
        lines = []
        for page, version in self.pages.items():
            found = (data or b"")[page * PAGE:(page + 1) * PAGE]
            there = int.from_bytes(found[:4], "little")
            if there < version or found[4:] != content("mapped", there, PAGE, page * PAGE)[4:]:
                lines.append(f"page {page}: not version {version} or later, but version {there}")
        return lines


def read(folder, name):
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


def is_whole(name, data, version):
    match = FILE_HEAD.match(data or b"")
    if not match or int(match[1]) < version or len(data) != int(match[2]):
        return False
    return data[match.end() + 1:] == content(name, int(match[1]), len(data))[match.end() + 1:]


def describe(data):
    return "nothing" if data is None else f"{len(data)} bytes, {data[:24]!r}"


def mend_and_check(image, path, promises, scratch):
    """
    Has e2fsck -p mend the file @image, and looks at the program's folder, which is @path in it. Returns lines that say what is wrong; none is good. @scratch
    is a folder of its own. Only while a directory moves e2fsck -y may be needed: then @promises.by_hand is true.
    """
    done = fsck("-p", image)
    promises.by_hand = done.returncode == E2FSCK_LEFT and bool(promises.moving) and MOVING.search(done.stdout) is not None
    if promises.by_hand:
        done = fsck("-y", image)
    if done.returncode not in (0, E2FSCK_MENDED):
        return [f"e2fsck: {done.returncode}: {done.stdout.strip()[-600:]}"]
    lines = clean(image)
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(scratch)
    subprocess.run(["debugfs", "-R", f"rdump {path} {scratch}", image], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return lines + promises.broken(os.path.join(scratch, os.path.basename(path)))


def fsck(options, image):
    return subprocess.run(["e2fsck", options, image], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def clean(image):
    """What e2fsck -fn finds; none when it finds nothing."""
    done = fsck("-fn", image)
    return [f"e2fsck -fn: {done.returncode}: {done.stdout.strip()[-1200:]}"] if done.returncode else []
