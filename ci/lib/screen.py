# SPDX-License-Identifier: MIT
"""Reads text from a screenshot: compares each character cell with the glyphs of the console's PSF font."""
import gzip
import struct
from dataclasses import dataclass

PSF2_MAGIC = 0x864AB572
PSF1_MAGIC = b"\x36\x04"
CURSOR_LINES = 2        # that the console's cursor is high


class Font:
    """Glyphs of a PSF font (either version, gzipped or not) as tuples of rows; each row is an integer of bits."""

    def __init__(self, path):
        with open(path, "rb") as source:
            data = source.read()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        self.glyphs = {}
        self.rows = {}          # each character's glyph
        self.known = {}         # cells of screenshots that were read before
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
                self.rows[char] = rows
        # Of several characters with one glyph the plainest is meant.
        for number in range(min(count, len(table))):
            for char in table[number]:
                if " " <= char <= "~":
                    at = start + number * size
                    rows = tuple(int.from_bytes(data[at + row * stride:at + (row + 1) * stride], "big")
                                 >> (stride * 8 - width) for row in range(height))
                    self.glyphs[rows] = char

    def as_read(self, text):
        """What is read from the screen where @text is: of several characters with one glyph one, a replacement of those without."""
        return "".join(self.glyphs[self.rows.get(char) or self.rows["\ufffd"]] for char in text)

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


@dataclass(frozen=True)
class Cell:
    """A character on the screen: its colours are (red, green, blue); where nothing is drawn it has no foreground."""
    char: str
    foreground: tuple
    background: tuple
    cursor: bool = False


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

    def cell(self, left, top, font):
        """What is drawn there. A cell that is no glyph of @font is U+FFFD, one in inverse video its character."""
        start, stride = (top * self.width + left) * 3, self.width * 3
        lines = b"".join(self.pixels[at:at + font.width * 3] for at in range(start, start + font.height * stride, stride))
        if lines not in font.known:
            font.known[lines] = read_cell(lines, font)
        return font.known[lines]

    def cells(self, font, first_column=0, first_row=0):
        """The lines, the first of which begins at @first_column, @first_row."""
        return [[self.cell(left, top, font) for left in range(first_column, self.width - font.width + 1, font.width)]
                for top in range(first_row, self.height - font.height + 1, font.height)]

    def text(self, font, first_column=0, first_row=0):
        """The same without colours, and without blanks at the ends of lines."""
        return ["".join(cell.char for cell in line).rstrip() for line in self.cells(font, first_column, first_row)]


def read_cell(lines, font):
    """A cell's pixels, row by row. The lower left of a cursor is as the background: it changes both colours in the lowest rows."""
    pixels = [tuple(lines[at:at + 3]) for at in range(0, len(lines), 3)]
    ground, ink = pixels[0], next((pixel for pixel in pixels if pixel != pixels[0]), None)
    rows = []
    for at in range(0, len(pixels), font.width):
        rows.append(int("".join(str(int(pixel != ground)) for pixel in pixels[at:at + font.width]), 2))
    full = (1 << font.width) - 1
    upper = font.height - CURSOR_LINES
    for cursor in (False, True):
        for inverse in (False, True):
            seen = tuple(row ^ full * (inverse != (cursor and y >= upper)) for y, row in enumerate(rows))
            char = font.glyphs.get(seen)
            if char is not None and len(set(pixels)) <= 2:
                foreground, background = (ground, ink) if inverse else (ink, ground)
                return Cell(char, None if char == " " else foreground, background, cursor)
    return Cell("\ufffd", ink, ground)


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
