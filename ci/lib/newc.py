# SPDX-License-Identifier: MIT
"""Writes "newc" cpio archives: the form in which overlays reach RaeenOS (fw_cfg) and Linux (initramfs).

Everything belongs to root in the archive, whoever owns the host folder; modes, times and symbolic links are kept.
Hard links are written as separate files. Data is streamed, so the size of a file does not matter for memory.
"""
import os
import stat

TRAILER = "TRAILER!!!"
CHUNK = 1 << 20


class NewcWriter:
    """Appends entries to @out, a binary file object. Call finish() once at the end. With @time all have that one (seconds since 1970) in place of their own."""

    def __init__(self, out, time=None):
        self.out = out
        self.time = time
        self.inode = 0

    def _header(self, name, mode, size, mtime=0, links=1, rdev=(0, 0)):
        self.inode += 1
        mtime = mtime if self.time is None else self.time
        encoded = os.fsencode(name) + b"\0"
        fields = (self.inode, mode, 0, 0, links, int(mtime) & 0xFFFFFFFF, size, 0, 0, rdev[0], rdev[1], len(encoded), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
        self.out.write(head + b"\0" * (-len(head) % 4))

    def directory(self, name, mode=0o755, mtime=0):
        self._header(name, stat.S_IFDIR | mode, 0, mtime, 2)

    def symlink(self, name, target, mtime=0):
        data = os.fsencode(target)
        self._header(name, stat.S_IFLNK | 0o777, len(data), mtime)
        self.out.write(data + b"\0" * (-len(data) % 4))

    def data(self, name, data, mode=0o644, mtime=0):
        self._header(name, stat.S_IFREG | mode, len(data), mtime)
        self.out.write(data + b"\0" * (-len(data) % 4))

    def device(self, name, mode, major, minor):
        self._header(name, mode, 0, 0, 1, (major, minor))

    def file(self, name, path):
        """Streams the host file @path; one that changes its size meanwhile is an error, not a broken archive."""
        with open(path, "rb") as source:
            info = os.fstat(source.fileno())
            if info.st_size > 0xFFFFFFFF:
                raise ValueError(f"{path}: larger than 4 GiB, which cpio cannot hold")
            self._header(name, stat.S_IFREG | stat.S_IMODE(info.st_mode), info.st_size, info.st_mtime)
            left = info.st_size
            while left:
                chunk = source.read(min(CHUNK, left))
                if not chunk:
                    raise ValueError(f"{path}: shrank while it was read")
                self.out.write(chunk)
                left -= len(chunk)
            self.out.write(b"\0" * (-info.st_size % 4))

    def tree(self, root):
        """Adds everything below the host folder @root, parents before children, in a stable order."""
        self._folder(root, "")

    def _folder(self, path, prefix):
        for entry in sorted(os.scandir(path), key=lambda item: item.name):
            name = prefix + entry.name
            info = entry.stat(follow_symlinks=False)
            if entry.is_symlink():
                self.symlink(name, os.readlink(entry.path), info.st_mtime)
            elif entry.is_dir():
                self.directory(name, stat.S_IMODE(info.st_mode), info.st_mtime)
                self._folder(entry.path, name + "/")
            elif entry.is_file():
                self.file(name, entry.path)
            else:
                raise ValueError(f"{entry.path}: neither file, folder nor symbolic link")

    def finish(self):
        self.inode = -1
        self._header(TRAILER, 0, 0)
        # Linux looks for the next archive of an initramfs at a multiple of four; 512 is what cpio pads to.
        self.out.write(b"\0" * (-self.out.tell() % 512))
        self.out.flush()
