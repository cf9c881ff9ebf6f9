# SPDX-License-Identifier: MIT
"""Reads protocol definitions (NAME.def); README.md says how they are written. What is wrong ends the program with file and line."""
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

PAYLOAD_MAX = 8192
HANDLES_MAX = 8
SCALARS = {"u8": ("uint8_t", 1), "u16": ("uint16_t", 2), "u32": ("uint32_t", 4), "u64": ("uint64_t", 8),
           "i8": ("int8_t", 1), "i16": ("int16_t", 2), "i32": ("int32_t", 4), "i64": ("int64_t", 8)}
# Words that may name nothing: C's and the generated code's own.
TAKEN = set("""auto bool break case char const continue default do double else enum extern float for goto if inline int long register restrict return
short signed sizeof static struct switch typedef union unsigned void volatile while call length payload handles version""".split())
NAME = r"[a-z][a-z0-9_]*"
PROTOCOL = re.compile(rf"^protocol ({NAME}) (\d+) (\d+)\.(\d+)( kernel)?$")
KERNEL_ID = 0x8000     # in the ids of protocols that only the kernel sends: MSG_TYPE_KERNEL
BLOCK = re.compile(rf"^(enum|struct) ({NAME})$")
REQUEST = re.compile(rf"^(request|notice) (\d+) ({NAME})((?: \[[^\]]*\])*)$")
MEMBER = re.compile(rf"^({NAME}) ({NAME})(?:\[(\.\.)?(\d+)\])?$")
VALUE = re.compile(rf"^({NAME}) (\d+)$")


@dataclass
class Field:
    name: str
    kind: str           # int, bool, enum, text, bytes, struct, reserved, count
    c_type: str
    size: int           # of one element
    align: int
    text: str
    dimension: int = 0  # elements of an array; 0: no array
    tail: bool = False  # as many as the field count_name says
    count_name: str = ""
    type: object = None  # Enum or Struct
    offset: int = 0

    @property
    def bytes(self):
        return self.size * (self.dimension or 1)


@dataclass
class Enum:
    name: str
    text: str
    values: list = field(default_factory=list)      # (name, number, text)


@dataclass
class Struct:
    name: str
    text: str
    fields: list = field(default_factory=list)
    align: int = 1
    size: int = 0

    @property
    def tail(self):
        """The array at the end whose length varies, or None."""
        return self.fields[-1] if self.fields and self.fields[-1].tail else None


@dataclass
class Request:
    name: str
    number: int
    text: str
    notice: bool
    line: int
    needs: list = field(default_factory=list)
    grants: list = field(default_factory=list)
    fields: dict = field(default_factory=lambda: {"in": Struct("", ""), "out": Struct("", "")})
    handles: dict = field(default_factory=lambda: {"in": [], "out": []})      # (name, text)


class Protocol:
    def __init__(self, path, capabilities):
        self.path = Path(path)
        self.capabilities = capabilities
        self.name = None
        self.enums, self.structs, self.requests = {}, {}, []
        self.block = None
        self.line = 0
        for self.line, line in enumerate(self.path.read_text().splitlines(), 1):
            if line.strip() and not line.lstrip().startswith("#"):
                self.read(line)
        if self.name is None:
            self.fail("expected a line `protocol NAME ID MAJOR.MINOR : text`")
        for enum in self.enums.values():
            if not enum.values:
                self.fail(f"enum {enum.name} has no values")
        for struct in self.structs.values():
            if not struct.fields:
                self.fail(f"struct {struct.name} has no fields")
            self.lay_out(struct, struct.name)
        for request in self.requests:
            for way, what in (("in", "request"), ("out", "reply")):
                request.fields[way].name = f"{request.name}_{what}"
                self.line = request.line
                self.lay_out(request.fields[way], f"{request.name} {way}")

    def fail(self, text):
        sys.exit(f"{self.path}:{self.line}: {text}")

    def read(self, line):
        head, colon, text = line.partition(" : ")
        head, text = head.rstrip(), text.strip()
        if not colon or not text:
            self.fail(f"expected ` : ` and what it is for behind: {line.strip()}")
        if "*/" in text:
            self.fail("a description goes into a C comment: it cannot contain */")
        if head[0].isspace():
            self.read_member(head.strip(), text)
        elif match := PROTOCOL.match(head):
            if self.name:
                self.fail("a second protocol; one file describes one")
            self.name, self.id, self.major, self.minor, self.text = match[1], int(match[2]), int(match[3]), int(match[4]), text
            if self.name != self.path.stem or not 1 <= self.id <= 0x7fff or not 1 <= self.major <= 0xffff or self.minor > 0xffff:
                self.fail("expected the file's name, an id from 1 to 32767 and a version from 1.0 on")
            self.kernel = bool(match[5])
            self.id |= KERNEL_ID if self.kernel else 0
        elif not self.name:
            self.fail("expected a line `protocol NAME ID MAJOR.MINOR : text` first")
        elif match := BLOCK.match(head):
            self.unused(match[2], {**self.enums, **self.structs})
            self.block = (Enum if match[1] == "enum" else Struct)(match[2], text)
            (self.enums if match[1] == "enum" else self.structs)[match[2]] = self.block
        elif match := REQUEST.match(head):
            self.read_request(match, text)
        else:
            self.fail(f"expected protocol, enum, struct, request or notice, found: {head}")

    def unused(self, name, names):
        if name in names or name in TAKEN:
            self.fail(f"{name}: the name is taken")

    def read_request(self, match, text):
        number, name = int(match[2]), match[3]
        self.unused(name, {r.name for r in self.requests} | {"version"})
        if not 1 <= number <= 0xffff or number in {r.number for r in self.requests}:
            self.fail(f"{number}: expected a number from 1 to 65535 that no other has (0 is `version`)")
        self.block = Request(name, number, text, match[1] == "notice", self.line)
        for part in re.findall(r"\[([^\]]*)\]", match[4]):
            word, *bits = part.split()
            if word not in ("needs", "grants") or not bits:
                self.fail(f"[{part}]: expected [needs CAPABILITY...] or [grants CAPABILITY...]")
            for bit in bits:
                if bit not in self.capabilities:
                    self.fail(f"{bit}: there is no such capability")
            getattr(self.block, word).extend(bits)
        self.requests.append(self.block)

    def read_member(self, head, text):
        if isinstance(self.block, Enum):
            match = VALUE.match(head)
            if not match:
                self.fail(f"expected `name NUMBER`, found: {head}")
            name, number = match[1], int(match[2])
            if name in (v[0] for v in self.block.values) or number in (v[1] for v in self.block.values) or number >= 1 << 32:
                self.fail(f"{head}: expected a name and a number that no other has")
            self.block.values.append((name, number, text))
        elif isinstance(self.block, Struct):
            self.add_field(self.block, head, text, tail_allowed=False)
        elif isinstance(self.block, Request):
            way, _, rest = head.partition(" ")
            if way not in ("in", "out") or (way == "out" and self.block.notice):
                self.fail(f"expected `in TYPE name` or, in a request, `out TYPE name`, found: {head}")
            if rest.startswith("handle "):
                self.add_handle(way, rest.split(" ", 1)[1], text)
            else:
                self.add_field(self.block.fields[way], rest, text, tail_allowed=True)
        else:
            self.fail(f"an indented line outside of an enum, struct, request or notice: {head}")

    def add_handle(self, way, name, text):
        handles = self.block.handles[way]
        if not re.fullmatch(NAME, name) or name in TAKEN or name in (n for n, _ in handles) or len(handles) == HANDLES_MAX:
            self.fail(f"handle {name}: expected a name that is not taken, and at most {HANDLES_MAX} handles")
        handles.append((name, text))

    def add_field(self, struct, head, text, tail_allowed):
        match = MEMBER.match(head)
        if not match:
            self.fail(f"expected `TYPE name`, `TYPE name[N]` or `TYPE name[..N]`, found: {head}")
        c_type, name, tail, dimension = match[1], match[2], bool(match[3]), int(match[4] or 0)
        self.unused(name, {f.name for f in struct.fields})
        if struct.tail:
            self.fail(f"{name}: nothing can follow {struct.tail.name}, whose length varies")
        if tail and not tail_allowed:
            self.fail(f"{name}: only a request or a reply can end in an array whose length varies")
        if match[4] is not None and not 1 <= dimension <= PAYLOAD_MAX:
            self.fail(f"{name}: expected 1 to {PAYLOAD_MAX} elements")
        new = self.make_field(c_type, name, text)
        if new.kind in ("text", "bytes") and not dimension:
            self.fail(f"{name}: {new.kind} has a length: {c_type} {name}[N]")
        if new.kind == "text" and tail:
            self.fail(f"{name}: a text whose length varies is bytes[..N]")
        if tail:
            count = name + ("_length" if new.kind == "bytes" else "_count")
            self.unused(count, {f.name for f in struct.fields})
            struct.fields.append(Field(count, "count", "uint32_t", 4, 4, f"How many of {name}; at most {dimension}.", type=dimension))
            new.count_name = count
        new.dimension, new.tail = dimension, tail
        struct.fields.append(new)

    def make_field(self, c_type, name, text):
        if c_type in SCALARS:
            return Field(name, "int", SCALARS[c_type][0], SCALARS[c_type][1], SCALARS[c_type][1], text)
        if c_type == "bool":
            return Field(name, "bool", "uint8_t", 1, 1, text)
        if c_type == "text":
            return Field(name, "text", "char", 1, 1, text)
        if c_type == "bytes":
            return Field(name, "bytes", "uint8_t", 1, 1, text)
        if c_type in self.enums:
            return Field(name, "enum", "uint32_t", 4, 4, text, type=self.enums[c_type])
        if c_type in self.structs and self.structs[c_type] is not self.block:
            struct = self.structs[c_type]
            if not struct.size:
                self.lay_out(struct, struct.name)
            return Field(name, "struct", f"struct {self.name}_{c_type}", struct.size, struct.align, text, type=struct)
        return self.fail(f"{c_type}: expected {', '.join(SCALARS)}, bool, text, bytes or an enum or struct from above")

    def lay_out(self, struct, where):
        """Gives each field its place, and a name to what would be padding, so that it can be looked at."""
        if struct.size:
            return
        fields, offset, reserved = [], 0, 0
        for f in struct.fields:
            gap = -offset % f.align
            if gap:
                fields.append(Field(f"reserved{reserved}", "reserved", "uint8_t", 1, 1, "Zero.", dimension=gap, offset=offset))
                reserved += 1
            f.offset = offset + gap
            offset = f.offset + f.bytes
            struct.align = max(struct.align, f.align)
            fields.append(f)
        gap = -offset % struct.align
        if gap and not struct.tail:
            fields.append(Field(f"reserved{reserved}", "reserved", "uint8_t", 1, 1, "Zero.", dimension=gap, offset=offset))
        struct.fields, struct.size = fields, offset + gap
        if struct.size > PAYLOAD_MAX:
            self.fail(f"{where}: {struct.size} bytes; a message has at most {PAYLOAD_MAX}")


def read_capabilities(path):
    """Returns {name: bit number} of abi/caps.def: lines `NUMBER NAME : text`."""
    found = re.findall(r"^(\d+)\s+([A-Z][A-Z0-9_]*)\b", Path(path).read_text(), re.M)
    return {name: int(bit) for bit, name in found}
