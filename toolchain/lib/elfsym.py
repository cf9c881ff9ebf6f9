# SPDX-License-Identifier: MIT
"""Names for addresses: of an ELF file's own symbol tables, or of what nm -n prints."""
import bisect
import struct

CODE, UNDEFINED, PT_LOAD, SHT_SYMTAB, SHT_DYNSYM = (2, 10), 0, 1, 2, 11     # FUNC, GNU_IFUNC
TEXT_LETTERS = "tTwWiI"


class Symbols:
    """Functions by address."""

    def __init__(self, entries):
        """@entries: (address, size or 0 when it is not known, name)."""
        self.entries = sorted(set(entries), key=lambda entry: (entry[0], -entry[1], entry[2]))
        self.starts = [entry[0] for entry in self.entries]

    def find(self, address):
        place = bisect.bisect_right(self.starts, address) - 1
        if place < 0:
            return None
        start, size, name = self.entries[bisect.bisect_left(self.starts, self.starts[place])]
        return name if not size or address < start + size else None


def read_nm(path):
    entries = []
    with open(path, encoding="utf-8", errors="replace") as source:
        for line in source:
            words = line.split()
            # NASM's labels inside macros begin with dots.
            if len(words) == 3 and words[1] in TEXT_LETTERS and not words[2].startswith("."):
                entries.append((int(words[0], 16), 0, words[2]))
    return Symbols(entries)


class Elf:
    """What a profile needs of a 64-bit ELF file. ValueError for anything else."""

    def __init__(self, path):
        with open(path, "rb") as source:
            self.data = source.read()
        try:
            if self.data[:5] != b"\x7fELF\x02":
                raise ValueError(f"{path}: not a 64-bit ELF file")
            (self.segments_at, self.sections_at) = struct.unpack_from("<QQ", self.data, 32)
            (self.segment_size, self.segment_count, self.section_size, self.section_count, self.names_index) = struct.unpack_from("<HHHHH", self.data, 54)
            self.loads = [load for load in self._segments() if load[0] == PT_LOAD]
            self.sections = list(self._sections())
        except struct.error:
            raise ValueError(f"{path}: a damaged ELF file") from None

    def _segments(self):
        for index in range(self.segment_count):
            kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", self.data, self.segments_at + index * self.segment_size)
            yield kind, offset, address, size

    def _sections(self):
        for index in range(self.section_count):
            name, kind, _, _, offset, size, link = struct.unpack_from("<IIQQQQI", self.data, self.sections_at + index * self.section_size)
            yield name, kind, offset, size, link

    def _string(self, table, offset):
        start = table + offset
        return self.data[start:self.data.find(b"\0", start)].decode("utf-8", "replace")

    def text(self):
        """The bytes of .text, to tell whether two files hold the same code; b"" without."""
        if not self.sections:
            return b""
        names = self.sections[self.names_index][2]
        for name, _, offset, size, _ in self.sections:
            if self._string(names, name) == ".text":
                return self.data[offset:offset + size]
        return b""

    def symbols(self):
        entries = []
        for _, kind, offset, size, link in self.sections:
            if kind not in (SHT_SYMTAB, SHT_DYNSYM):
                continue
            strings = self.sections[link][2]
            for name, info, _, section, value, length in struct.iter_unpack("<IBBHQQ", self.data[offset:offset + size - size % 24]):
                if info & 15 in CODE and section != UNDEFINED:
                    entries.append((value, length, self._string(strings, name)))
        return Symbols(entries)

    def has_symtab(self):
        return any(section[1] == SHT_SYMTAB for section in self.sections)

    def address_of(self, offset):
        """Where the byte of the file at @offset is linked; None if it is not loaded."""
        for _, start, address, size in self.loads:
            if start <= offset < start + size:
                return address + offset - start
        return None
