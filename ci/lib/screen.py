# SPDX-License-Identifier: MIT
"""Reads text from a screenshot: compares each character cell with the glyphs of the console's PSF font."""
import gzip
import struct

PSF2_MAGIC = 0x864AB572
PSF1_MAGIC = b"\x36\x04"


class Font:
    """Glyphs of a PSF font (either version, gzipped or not) as tuples of rows; each row is an integer of bits."""

    def __init__(self, path):
        with open(path, "rb") as source:
            data = source.read()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        self.glyphs = {}
        if data[:2] == PSF1_MAGIC:
            self._read(data, 4, 512 if data[2] & 1 else 256, data[3], 8, data[3], self._names1)
        else:
            magic, _, start, flags, count, size, height, width = struct.unpack_from("<8I", data)
            if magic != PSF2_MAGIC or not flags & 1:
                raise ValueError(f"{path}: no PSF font with a Unicode table")
            self._read(data, start, count, size, width, height, self._names2)

    def _read(self, data, start, count, size, width, height, names):
        self.width, self.height = width, height
        stride = (width + 7) // 8
        table = names(data[start + count * size:])
        for number in range(count):
            at = start + number * size
            rows = tuple(int.from_bytes(data[at + row * stride:at + (row + 1) * stride], "big") >> (stride * 8 - width)
                         for row in range(height))
            for char in table[number] if number < len(table) else ():
                self.glyphs.setdefault(rows, char)
        # Of several characters with one glyph the plainest is meant.
        for number in range(min(count, len(table))):
            for char in table[number]:
                if " " <= char <= "~":
                    at = start + number * size
                    rows = tuple(int.from_bytes(data[at + row * stride:at + (row + 1) * stride], "big")
                                 >> (stride * 8 - width) for row in range(height))
                    self.glyphs[rows] = char

    @staticmethod
    def _names1(data):
        table, current = [], []
        for (code,) in struct.iter_unpack("<H", data[:len(data) // 2 * 2]):
            if code == 0xFFFF:
                table.append(current)
                current = []
            elif code != 0xFFFE:
                current.append(chr(code))
        return table

    @staticmethod
    def _names2(data):
        return [entry.split(b"\xfe")[0].decode(errors="replace") for entry in data.split(b"\xff")]


class Screenshot:
    """A binary PPM file as QEMU's screendump writes it."""

    def __init__(self, path):
        with open(path, "rb") as source:
            data = source.read()
        fields = data.split(None, 4)
        if fields[0] != b"P6" or fields[3] != b"255":
            raise ValueError(f"{path}: not a PPM file of 8 bits")
        self.width, self.height = int(fields[1]), int(fields[2])
        self.pixels = data[-self.width * self.height * 3:]

    def cell(self, left, top, width, height):
        """The cell as rows of bits: set where the pixel differs from the cell's top left one."""
        rows, ground = [], None
        for y in range(top, top + height):
            at = (y * self.width + left) * 3
            line = self.pixels[at:at + width * 3]
            ground = ground or line[:3]
            bits = 0
            for x in range(0, width * 3, 3):
                bits = bits << 1 | (line[x:x + 3] != ground)
            rows.append(bits)
        return tuple(rows)

    def text(self, font, first_column=0, first_row=0):
        """
        The lines of text, the first of which begins at @first_column, @first_row; a cell that is no glyph of @font becomes
        U+FFFD, one in inverse video its character.
        """
        full = (1 << font.width) - 1
        lines, known = [], {}
        for top in range(first_row, self.height - font.height + 1, font.height):
            line = ""
            for left in range(first_column, self.width - font.width + 1, font.width):
                rows = self.cell(left, top, font.width, font.height)
                if rows not in known:
                    inverse = tuple(row ^ full for row in rows)
                    known[rows] = font.glyphs.get(rows) or font.glyphs.get(inverse) or "\ufffd"
                line += known[rows]
            lines.append(line.rstrip())
        return lines


class XwdScreenshot(Screenshot):
    """The screen of an X server as Xvfb keeps it in a file (X11/XWDFile.h): numbers big-endian, pixels of 32 bits, blue first."""

    def __init__(self, path):
        with open(path, "rb") as source:
            data = source.read()
        header = struct.unpack_from(">25I", data)
        size, version, self.width, self.height, bits, line, colors = (header[at] for at in (0, 1, 4, 5, 11, 12, 19))
        if version != 7 or bits != 32 or line != self.width * 4:
            raise ValueError(f"{path}: not an XWD file of 32 bits a pixel")
        start = size + colors * 12
        pixels = bytearray(self.width * self.height * 3)
        for color in range(3):
            pixels[color::3] = data[start + 2 - color:start + line * self.height:4]
        self.pixels = bytes(pixels)
